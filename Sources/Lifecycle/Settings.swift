public import HostSystem

/// What holds for every command of one invocation.
public struct RuntimeSettings {
    /// The directory that holds the containers' state; absolute.
    public let root: String
    /// Whether that is in XDG_RUNTIME_DIR, where old files may be cleaned up.
    public let isRootTemporary: Bool
    /// Whether cgroups are asked of systemd.
    public let systemdCgroup: Bool
    /// Whether cgroups that cannot be made are done without; nil to find out whether the caller is root of the host.
    public let rootless: Bool?
    /// The operator's configuration, when it is not the usual one; absolute.
    public let hostConfiguration: String?
    /// Whether every ordinary image is run in a virtual machine.
    public var runsMachines = false
    /// Where messages go.
    public let log: Log
    /// When the command began.
    let began = monotonicNanoseconds()

    /// Creates settings.
    public init(
        root: String, isRootTemporary: Bool = false, systemdCgroup: Bool, rootless: Bool?,
        hostConfiguration: String? = nil, log: Log
    ) {
        self.root = root
        self.isRootTemporary = isRootTemporary
        self.systemdCgroup = systemdCgroup
        self.rootless = rootless
        self.hostConfiguration = hostConfiguration
        self.log = log
    }
}

/// How a container is to be made: the options of `create` and `run`. Paths count from the current directory.
public struct CreateOptions {
    /// The bundle's path.
    public let bundle: String
    /// Another file than the bundle's config.json.
    public let configFile: String?
    /// Where the pid of process 1 is written.
    public let pidFile: String?
    /// The Unix socket that takes the terminal's master.
    public let consoleSocket: String?
    /// The Unix socket that takes a process descriptor of process 1.
    public var pidfdSocket: String?
    /// chroot instead of pivot_root.
    public let noPivot: Bool
    /// Keep the caller's session keyring.
    public let noNewKeyring: Bool
    /// How many descriptors from 3 on the program keeps.
    public let preserveDescriptors: Int32

    /// Creates options.
    public init(
        bundle: String, configFile: String?, pidFile: String?, consoleSocket: String?, noPivot: Bool,
        noNewKeyring: Bool, preserveDescriptors: Int32
    ) {
        self.bundle = bundle
        self.configFile = configFile
        self.pidFile = pidFile
        self.consoleSocket = consoleSocket
        self.noPivot = noPivot
        self.noNewKeyring = noNewKeyring
        self.preserveDescriptors = preserveDescriptors
    }
}

/// What `list` tells about a container.
public struct ContainerSummary {
    /// The version of the runtime spec in its config.json.
    public let ociVersion: String
    /// Its id.
    public let id: String
    /// The pid of process 1; 0 when it has ended.
    public let pid: Int32
    /// Its status in the runtime spec's words.
    public let status: String
    /// The bundle's absolute path.
    public let bundle: String
    /// The root filesystem's absolute path.
    public let rootfs: String
    /// When it was made, RFC 3339.
    public let created: String
    /// The name, or else `#` and the number, of the user who made it.
    public let owner: String
    /// Its annotations.
    public let annotations: [(String, String)]
}
