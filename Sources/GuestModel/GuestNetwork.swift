/// A network interface of the container that a guest takes over.
public struct GuestInterface: Equatable, Sendable {
    /// Where packets for a network go.
    public struct Route: Equatable, Sendable {
        /// The network; a prefix of 0 bits is everything.
        public let destination: NetworkAddress
        /// The next hop; nil where the network is on the link itself.
        public let gateway: IPAddress?

        /// A route.
        public init(destination: NetworkAddress, gateway: IPAddress?) {
            self.destination = destination
            self.gateway = gateway
        }
    }

    /// The interface's name in the container's network namespace: `eth0`.
    public var name: String
    /// Its six bytes of hardware address, which the guest uses as its own.
    public var hardwareAddress: [UInt8]
    /// The largest packet in bytes.
    public var mtu: UInt32
    /// Its addresses, those the interface got first in front.
    public var addresses: [NetworkAddress]
    /// Its routes but for those to its own networks.
    public var routes: [Route]

    /// An interface.
    public init(
        name: String, hardwareAddress: [UInt8], mtu: UInt32, addresses: [NetworkAddress] = [], routes: [Route] = []
    ) {
        self.name = name
        self.hardwareAddress = hardwareAddress
        self.mtu = mtu
        self.addresses = addresses
        self.routes = routes
    }

    /// The first address of a version of IP.
    public func address(version4: Bool) -> NetworkAddress? { addresses.first { $0.address.isVersion4 == version4 } }

    /// Where packets go that no other route takes.
    public func gateway(version4: Bool) -> IPAddress? {
        let everything = routes.first {
            $0.destination.prefixLength == 0 && $0.destination.address.isVersion4 == version4
        }
        return everything?.gateway
    }
}

/// Everything of the network that a guest is told.
public struct GuestNetwork: Equatable, Sendable {
    /// A network device of the guest's and the interface behind it; nil where the container has none left for it.
    public struct Connection: Equatable, Sendable {
        /// The guest's own name for the device.
        public let device: String
        /// What it is connected to.
        public let interface: GuestInterface?

        /// A connection.
        public init(device: String, interface: GuestInterface?) {
            self.device = device
            self.interface = interface
        }
    }

    /// The guest's network devices in its own order.
    public var connections: [Connection]
    /// The name servers that a guest can reach, the preferred one first.
    public var nameServers: [IPAddress]

    /// A network; without anything in it unless said otherwise.
    public init(connections: [Connection] = [], nameServers: [IPAddress] = []) {
        self.connections = connections
        self.nameServers = nameServers
    }
}

/// The process that a container is to run, as a framework tells it to its guests.
public struct GuestProcess: Equatable, Sendable {
    /// `process.args`.
    public var arguments: [String]
    /// Whether the first argument is the program's name, which most guests are not told.
    public var beginsWithName = true
    /// A command line given by whoever made the image, in place of the arguments: taken as it is.
    public var commandLine: String?
    /// `process.env`, as `NAME=value`.
    public var environment: [String]
    /// `process.cwd`.
    public var workingDirectory: String
    /// `hostname`, empty where there is none.
    public var hostName: String
    /// Where the guest is to mount its first block device; nil leaves that to the guest.
    public var blockMountPoint: String?

    /// A process.
    public init(
        arguments: [String], commandLine: String? = nil, environment: [String] = [], workingDirectory: String = "/",
        hostName: String = ""
    ) {
        self.arguments = arguments
        self.commandLine = commandLine
        self.environment = environment
        self.workingDirectory = workingDirectory
        self.hostName = hostName
    }

    /// The program's name, where the arguments begin with one.
    public var programName: String? { beginsWithName ? arguments.first : nil }

    /// The arguments without the program's name, numbered as in ``arguments``.
    public var words: ArraySlice<String> { beginsWithName ? arguments.dropFirst() : arguments[...] }
}
