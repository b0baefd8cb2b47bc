public import HostSystem

/// The process to run in the container. See runtime-spec config.md, process.
public struct Process: Equatable, Sendable {
    /// Whether it gets a pseudo-terminal.
    public var terminal = false
    /// The terminal's size in characters; without a terminal it means nothing.
    public var consoleSize: ConsoleSize?
    /// Whom it runs as.
    public var user = User()
    /// The program and its arguments; empty where the document has none, which `create` refuses.
    public var args: [String] = []
    /// Its environment, each `NAME=value`.
    public var env: [String] = []
    /// Its working directory, an absolute path in the container.
    public var cwd: String
    /// Its capability sets; nil leaves none.
    public var capabilities: Capabilities?
    /// Its resource limits, each type once.
    public var rlimits: [Rlimit] = []
    /// Whether execve(2) may not grant it privileges. See prctl(2), PR_SET_NO_NEW_PRIVS.
    public var noNewPrivileges = false
    /// The AppArmor profile to run under.
    public var apparmorProfile: String?
    /// The value for /proc/self/oom_score_adj; nil leaves it alone.
    public var oomScoreAdj: Int?
    /// How it is scheduled; nil leaves it alone.
    public var scheduler: Scheduler?
    /// The SELinux label to run under.
    public var selinuxLabel: String?
    /// How its disk accesses are scheduled; nil leaves it alone.
    public var ioPriority: IOPriority?
    /// On which processors `exec` runs.
    public var execCPUAffinity: CPUAffinity?

    /// A process that runs as root.
    public init(args: [String] = [], env: [String] = [], cwd: String = "/") {
        self.args = args
        self.env = env
        self.cwd = cwd
    }

    /// Decodes a document that is a process alone, such as `exec --process` takes.
    public static func decode(_ json: JSONValue, named document: String) throws(SpecError) -> Process {
        try Process(SpecCursor(json, at: .document(document), section: section))
    }
}

extension Process: SpecObject {
    static let section = "config.md#process"

    init(_ object: SpecCursor) throws(SpecError) {
        terminal = try object.bool("terminal") ?? false
        consoleSize = try object.child("consoleSize")
        user = try object.child("user") ?? User()
        args = try object.strings("args")
        env = try Process.environment(object)
        cwd = try object.required("cwd", object.absolutePath("cwd"))
        capabilities = try object.child("capabilities")
        rlimits = try Process.rlimits(object)
        noNewPrivileges = try object.bool("noNewPrivileges") ?? false
        apparmorProfile = try object.string("apparmorProfile")
        oomScoreAdj = try object.integer("oomScoreAdj")
        scheduler = try object.child("scheduler")
        selinuxLabel = try object.string("selinuxLabel")
        ioPriority = try object.child("ioPriority")
        execCPUAffinity = try object.child("execCPUAffinity")
    }

    /// runc refuses entries without a name or a `=` only when the container starts.
    ///
    /// The messages do not repeat the entry: it may be a secret.
    private static func environment(_ object: SpecCursor) throws(SpecError) -> [String] {
        let entries = try object.strings("env")
        for (index, entry) in entries.enumerated() {
            guard let equals = entry.utf8.firstIndex(of: UInt8(ascii: "=")) else {
                throw object.error("env", index, "has no '='")
            }
            guard equals > entry.startIndex else { throw object.error("env", index, "has no name before '='") }
        }
        return entries
    }

    private static func rlimits(_ object: SpecCursor) throws(SpecError) -> [Rlimit] {
        let limits = try object.children("rlimits", as: Rlimit.self)
        for (index, limit) in limits.enumerated() where limits[..<index].contains(where: { $0.type == limit.type }) {
            throw object.error("rlimits", index, "a second limit of type \(limit.type.rawValue)")
        }
        return limits
    }
}

/// A terminal's size in characters.
public struct ConsoleSize: Equatable, Sendable {
    /// Rows.
    public var height: UInt
    /// Columns.
    public var width: UInt

    /// A size of that many rows and columns.
    public init(height: UInt, width: UInt) {
        self.height = height
        self.width = width
    }
}

extension ConsoleSize: SpecObject {
    static let section = "config.md#process"

    init(_ object: SpecCursor) throws(SpecError) {
        height = try object.required("height", object.integer("height"))
        width = try object.required("width", object.integer("width"))
    }
}

/// Whom a process runs as; ids count in the container's user namespace. See runtime-spec config.md, user.
public struct User: Equatable, Sendable {
    /// The user id.
    public var uid: UInt32 = 0
    /// The group id.
    public var gid: UInt32 = 0
    /// The file mode creation mask; nil leaves the runtime's.
    public var umask: UInt32?
    /// Supplementary group ids.
    public var additionalGids: [UInt32] = []

    /// A user without supplementary groups.
    public init(uid: UInt32 = 0, gid: UInt32 = 0) {
        self.uid = uid
        self.gid = gid
    }
}

extension User: SpecObject {
    static let section = "config.md#user"

    // Ids are required by the specification, but runc takes an absent one for 0, and its callers rely on that.
    init(_ object: SpecCursor) throws(SpecError) {
        uid = try object.integer("uid") ?? 0
        gid = try object.integer("gid") ?? 0
        umask = try object.integer("umask", in: 0...0o7777)
        additionalGids = try object.integers("additionalGids")
    }
}

/// The five capability sets, by name: `CAP_KILL`. Names a host does not know are for the caller to warn about.
public struct Capabilities: Equatable, Sendable {
    /// What execve(2) may ever give.
    public var bounding: [String] = []
    /// What the process may use.
    public var effective: [String] = []
    /// What survives execve(2) of a file that has it as inheritable too.
    public var inheritable: [String] = []
    /// What the process may make effective.
    public var permitted: [String] = []
    /// What survives execve(2) of an ordinary file.
    public var ambient: [String] = []

    /// No capabilities.
    public init() {}
}

extension Capabilities: SpecObject {
    static let section = "config.md#linux-process"

    init(_ object: SpecCursor) throws(SpecError) {
        bounding = try object.strings("bounding")
        effective = try object.strings("effective")
        inheritable = try object.strings("inheritable")
        permitted = try object.strings("permitted")
        ambient = try object.strings("ambient")
    }
}

extension Process {
    /// The value of a variable of the environment; of several the last counts, as for a shell.
    public func variable(_ name: String) -> String? {
        env.last { $0.hasPrefix("\(name)=") }.map { String($0.dropFirst(name.count + 1)) }
    }

    /// Where programs without a path are looked for: PATH, or what runc takes for a container without one.
    public var searchPath: String {
        variable("PATH") ?? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    }
}
