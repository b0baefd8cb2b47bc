/// Everything that a framework may put into a boot string.
public struct GuestBoot: Equatable, Sendable {
    /// The process of config.json.
    public var process: GuestProcess
    /// The network, as far as it is known.
    public var network: GuestNetwork
    /// How the guest is started: some carry words of their own in front of the string.
    public var bootProtocol: BootProtocol
    /// The version of the framework that the guest was built with; nil where nobody says.
    public var version: String?
    /// The names of the disks, in the order in which the guest finds them.
    public var disks: [String]
    /// Whether the guest is started with an initial RAM disk that is not the guest's image itself.
    public var hasInitrd: Bool
    /// How the guest has its root file system from the host, mounted by the tag ``MonitorLaunch/shareTag``; nil when it has
    /// not.
    public var sharedRoot: FileSharing?
    /// ``Guest/options``
    public var options: [String] = []
    /// The image's path in the root filesystem, which the process's arguments may name; empty where nobody says.
    public var path = ""

    /// What there is to tell; no disks, no initial RAM disk and no network unless said otherwise.
    public init(
        process: GuestProcess, network: GuestNetwork = GuestNetwork(), over bootProtocol: BootProtocol,
        version: String? = nil, disks: [String] = [], hasInitrd: Bool = false
    ) {
        self.process = process
        self.network = network
        self.bootProtocol = bootProtocol
        self.version = version
        self.disks = disks
        self.hasInitrd = hasInitrd
    }
}
