internal import HostSystem
internal import OCISpec

/// What `exec` is to run and how: its options. Paths count from the current directory.
public struct ExecOptions {
    /// The program and its arguments.
    public var args: [String] = []
    /// A file that describes the process, instead of `args` and all that follows up to `cgroups`.
    public var processFile: String?
    /// Another working directory.
    public var cwd: String?
    /// More variables, `NAME=value` each.
    public var env: [String] = []
    /// Another user, `UID[:GID]`.
    public var user: String?
    /// More groups.
    public var additionalGids: [String] = []
    /// More capabilities.
    public var capabilities: [String] = []
    /// Whether the process gets a terminal.
    public var terminal = false
    /// Whether it can gain no privileges; nil for what config.json says.
    public var noNewPrivileges: Bool?
    /// Another AppArmor profile.
    public var apparmorProfile: String?
    /// Another SELinux label.
    public var selinuxLabel: String?
    /// Cgroups below the container's, `[CONTROLLER[,CONTROLLER]:]PATH` each.
    public var cgroups: [String] = []
    /// Return when the program has begun.
    public var detach = false
    /// Run it in a container that is paused, too: it begins when that is resumed.
    public var ignorePaused = false
    /// Where the pid is written.
    public var pidFile: String?
    /// The Unix socket that takes a process descriptor of the process.
    public var pidfdSocket: String?
    /// The Unix socket that takes the terminal's master.
    public var consoleSocket: String?
    /// How many descriptors from 3 on the program keeps.
    public var preserveDescriptors: Int32 = 0

    /// Creates options with runc's defaults.
    public init() {}
}

extension ExecOptions {
    /// The process to run in a container with this config.json: that of the file or of the command line, and what it
    /// leaves open as the container's own process has it.
    func process(in spec: RuntimeSpec) throws -> Process {
        let own = spec.process ?? Process()
        var process = try processFile.map { try Self.read($0) } ?? described(own)
        guard !process.args.isEmpty else { throw Failure("exec args cannot be empty") }
        process.capabilities = process.capabilities ?? own.capabilities
        if process.rlimits.isEmpty { process.rlimits = own.rlimits }
        if process.apparmorProfile?.isEmpty != false { process.apparmorProfile = own.apparmorProfile }
        if process.selinuxLabel?.isEmpty != false { process.selinuxLabel = own.selinuxLabel }
        process.scheduler = process.scheduler ?? own.scheduler
        process.ioPriority = process.ioPriority ?? own.ioPriority
        process.execCPUAffinity = process.execCPUAffinity ?? own.execCPUAffinity
        // These two belong to the container.
        process.oomScoreAdj = own.oomScoreAdj
        process.user.umask = own.user.umask
        return process
    }

    private static func read(_ path: String) throws -> Process {
        do {
            let file = try open(path, flags: .readOnly)
            let name = path
            return try Process.decode(
                try parseJSON(try readAll(file.raw, named: name, limit: 4 << 20), named: name), named: name)
        } catch let error as HostError {
            throw Failure("cannot read the description of the process", cause: error)
        }
    }

    private func described(_ own: Process) throws(Failure) -> Process {
        var process = own
        process.args = args
        process.terminal = terminal
        if let cwd, !cwd.isEmpty {
            guard cwd.utf8.first == UInt8(ascii: "/") else { throw Failure("Cwd must be an absolute path") }
            process.cwd = cwd
        }
        process.env += try checkedEnvironment()
        if let user, !user.isEmpty { try Self.set(user, of: &process.user) }
        for text in additionalGids {
            guard let gid = UInt32(text) else { throw Failure("additional-gids must be a positive number \(text)") }
            process.user.additionalGids.append(gid)
        }
        // One that config.json names is passed over with a warning; here somebody has misspelt it.
        for name in capabilities where capabilityNumber(name) == nil {
            throw Failure("unknown capability: \(name)")
        }
        if !capabilities.isEmpty { process.capabilities = added(to: own.capabilities ?? Capabilities()) }
        if let noNewPrivileges { process.noNewPrivileges = noNewPrivileges }
        if let apparmorProfile { process.apparmorProfile = apparmorProfile }
        if let selinuxLabel { process.selinuxLabel = selinuxLabel }
        return process
    }

    private func checkedEnvironment() throws(Failure) -> [String] {
        for entry in env {
            guard let equals = entry.utf8.firstIndex(of: UInt8(ascii: "=")) else {
                throw Failure("invalid environment variable: missing '='")
            }
            guard equals > entry.startIndex else { throw Failure("invalid environment variable: name cannot be empty") }
        }
        return env
    }

    private static func set(_ text: String, of user: inout User) throws(Failure) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        if parts.count == 2 {
            guard let gid = UInt32(parts[1]) else { throw Failure("bad gid: '\(parts[1])' is not a number") }
            user.gid = gid
        }
        guard let uid = UInt32(parts[0]) else { throw Failure("bad uid: '\(parts[0])' is not a number") }
        user.uid = uid
    }

    private func added(to own: Capabilities) -> Capabilities {
        var sets = own
        sets.bounding += capabilities
        sets.effective += capabilities
        sets.permitted += capabilities
        // The kernel gives as ambient only what is inheritable, which these are not by themselves.
        if !own.inheritable.isEmpty { sets.ambient += capabilities }
        return sets
    }

    /// The sub-cgroups by controller, the empty one for all.
    ///
    /// - Throws: ``HostSystem/Failure`` in runc's words.
    func subCgroups() throws(Failure) -> [String: String] {
        var paths = [String: String]()
        for text in cgroups {
            let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2 else {
                guard cgroups.count == 1 else {
                    throw Failure("invalid --cgroup argument: \(text) (missing <controller>: prefix)")
                }
                return ["": text]
            }
            for controller in parts[0].split(separator: ",", omittingEmptySubsequences: false).map(String.init) {
                guard !controller.isEmpty else {
                    throw Failure("invalid --cgroup argument: \(text) (empty <controller> prefix)")
                }
                guard paths.updateValue(parts[1], forKey: controller) == nil else {
                    throw Failure("invalid --cgroup argument(s): controller \(controller) specified multiple times")
                }
            }
        }
        return paths
    }
}
