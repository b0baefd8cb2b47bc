/// What only Linux has. See runtime-spec config-linux.md.
public struct LinuxSpec: Equatable, Sendable {
    /// The user namespace's map of user ids.
    public var uidMappings: [IDMapping] = []
    /// The user namespace's map of group ids.
    public var gidMappings: [IDMapping] = []
    /// Kernel parameters to set in the container: `net.ipv4.ip_forward` to its value.
    public var sysctl = StringMap()
    /// Limits of the cgroup.
    @Shared public var resources: Resources? = nil
    /// The cgroup: a path, or slice:prefix:name for the systemd driver; nil leaves the choice to the runtime.
    public var cgroupsPath: String?
    /// The namespaces to make or join, each type once; what is missing is shared with the runtime.
    public var namespaces: [Namespace] = []
    /// Device files to make.
    public var devices: [DeviceNode] = []
    /// Network interfaces to move into the container.
    public var netDevices: [NetDevice] = []
    /// The system call filter.
    @Shared public var seccomp: Seccomp? = nil
    /// How mounts beneath the root spread between the namespaces; nil leaves the choice to the runtime.
    public var rootfsPropagation: Propagation?
    /// Paths to hide, absolute in the container.
    public var maskedPaths: [String] = []
    /// Paths to make read-only, absolute in the container.
    public var readonlyPaths: [String] = []
    /// The SELinux label of mounts.
    public var mountLabel: String?
    /// Cache and memory bandwidth allocation.
    public var intelRdt: IntelRdt?
    /// Where memory is allocated.
    public var memoryPolicy: MemoryPolicy?
    /// The execution domain.
    public var personality: Personality?
    /// Offsets of the time namespace's clocks, each at most once.
    public var timeOffsets: [TimeOffset] = []

    /// Nothing beyond what every container has.
    public init() {}

    /// The namespace of a type, if the document names one.
    public func namespace(_ type: NamespaceType) -> Namespace? {
        namespaces.first { $0.type == type }
    }
}

extension LinuxSpec: SpecObject {
    static let section = "config-linux.md"

    init(_ object: SpecCursor) throws(SpecError) {
        uidMappings = try object.children("uidMappings")
        gidMappings = try object.children("gidMappings")
        sysctl = try object.stringMap("sysctl", section: "config-linux.md#sysctl")
        resources = try object.child("resources")
        cgroupsPath = try object.string("cgroupsPath")
        namespaces = try LinuxSpec.namespaces(object)
        devices = try object.children("devices")
        netDevices = try object.children(named: "netDevices")
        seccomp = try object.child("seccomp")
        rootfsPropagation = try object.word("rootfsPropagation")
        maskedPaths = try object.absolutePaths("maskedPaths")
        readonlyPaths = try object.absolutePaths("readonlyPaths")
        mountLabel = try object.string("mountLabel")
        intelRdt = try object.child("intelRdt")
        memoryPolicy = try object.child("memoryPolicy")
        personality = try object.child("personality")
        timeOffsets = try object.children(named: "timeOffsets")
    }

    private static func namespaces(_ object: SpecCursor) throws(SpecError) -> [Namespace] {
        let namespaces = try object.children("namespaces", as: Namespace.self)
        for (index, namespace) in namespaces.enumerated()
        where namespaces[..<index].contains(where: { $0.type == namespace.type }) {
            let reason = "a second namespace of type \(namespace.type.rawValue)"
            throw SpecError(object.place("namespaces", index), Namespace.section, reason)
        }
        return namespaces
    }
}

/// A namespace type of namespaces(7).
public enum NamespaceType: String, CaseIterable, Sendable, SpecWord {
    case pid, network, mount, ipc, uts, user, cgroup, time

    static let noun = "namespace type"
}

/// A namespace to make or to join.
public struct Namespace: Equatable, Sendable {
    /// Its type.
    public var type: NamespaceType
    /// The namespace file to join, an absolute path; nil makes a new namespace.
    public var path: String?

    /// A namespace to make, or to join where a path is given.
    public init(type: NamespaceType, path: String? = nil) {
        self.type = type
        self.path = path
    }
}

extension Namespace: SpecObject {
    static let section = "config-linux.md#namespaces"

    init(_ object: SpecCursor) throws(SpecError) {
        type = try object.required("type", object.word("type"))
        path = try object.absolutePath("path")
    }
}

/// The clocks of a time namespace. See time_namespaces(7).
public struct TimeOffset: Equatable, Sendable {
    /// A clock that has an offset.
    public enum Clock: String, CaseIterable, Sendable, SpecWord {
        case monotonic, boottime

        static let noun = "clock"
    }

    /// The clock.
    public var clock: Clock
    /// Seconds to add.
    public var secs: Int64
    /// Nanoseconds to add.
    public var nanosecs: UInt32

    /// An offset of one clock.
    public init(clock: Clock, secs: Int64, nanosecs: UInt32 = 0) {
        self.clock = clock
        self.secs = secs
        self.nanosecs = nanosecs
    }
}

extension TimeOffset: NamedSpecObject {
    static let section = "config-linux.md#offset-for-time-namespace"

    init(_ name: String, _ object: SpecCursor) throws(SpecError) {
        clock = try object.word(name, at: object.place)
        secs = try object.integer("secs") ?? 0
        nanosecs = try object.integer("nanosecs", in: 0...999_999_999) ?? 0
    }
}

/// How mount events spread. See mount_namespaces(7); the `r` forms apply to the whole tree.
public enum Propagation: String, CaseIterable, Sendable, SpecWord {
    case shared, slave, `private`, unbindable
    case rshared, rslave, rprivate, runbindable

    static let noun = "mount propagation"
}
