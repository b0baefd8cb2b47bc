public import GuestModel
public import HostSystem

/// How a guest without vsock reaches its vAccel agent: by TCP at an address that is the agent's for every guest, and that
/// each reaches its own agent by.
///
/// The agent's socket listens on the loopback interface of the container's network namespace, at an address of the guest's
/// own among 127.83.0.0/24, where the guest is 127.83.1.0/24's: all that the namespace sends there goes to the guest, so
/// that nobody else can use that address. Packets from any other are dropped before the socket sees them.
public struct AgentLink: Equatable, Sendable {
    /// Where the agent listens, and what it knows the guest by.
    let address, peer: IPAddress

    /// As many guests as a network namespace can have with agents.
    private static let most: UInt8 = 250

    /// The link of that number.
    private init(number: UInt8) {
        address = IPAddress(version4: 127, 83, 0, number)
        peer = IPAddress(version4: 127, 83, 1, number)
    }

    private init(address: IPAddress, peer: IPAddress) { (self.address, self.peer) = (address, peer) }

    /// A listening socket, and the link that leads to it.
    struct Listening: ~Copyable {
        let link: AgentLink
        let socket: Descriptor
    }

    /// Listens for the next guest of the calling process's network namespace.
    static func listen(port: UInt16) throws -> Listening {
        // Its addresses come with that.
        try bringUpLoopback()
        for number in 1...most {
            let link = AgentLink(number: number)
            do throws(HostError) {
                let socket = try listenTCP(at: link.address.bytes, port: port, from: link.peer.bytes)
                return Listening(link: link, socket: socket)
            } catch {
                guard error.isAddressInUse else { throw error }
            }
        }
        throw Failure("the network namespace has \(most) guests with vAccel agents, more are not possible")
    }

    /// Listens at the namespace's own end of a link that leads to one guest alone.
    static func listen(port: UInt16, at own: IPAddress, for guest: IPAddress) throws(HostError) -> Listening {
        Listening(
            link: AgentLink(address: own, peer: guest),
            socket: try listenTCP(at: own.bytes, port: port, from: guest.bytes))
    }
}

/// A vAccel agent's listening socket, for the guest whose first network device leads to it.
public struct AgentSocket: ~Copyable {
    /// The socket.
    public let descriptor: Descriptor
    /// What the guest connects to.
    public let address: IPAddress
    /// Its port.
    public let port: UInt16

    init(_ listening: consuming AgentLink.Listening, seenAs address: IPAddress, port: UInt16) {
        self.address = address
        self.port = port
        descriptor = listening.socket
    }
}

extension AgentSocket {
    /// What goes with the socket to the process that runs the guest.
    public var note: JSONValue { ["agent": .string(address.description), "port": JSONValue(port)] }
}

/// A vAccel agent's socket as the process that runs the guest knows it.
public struct ReceivedAgent {
    /// What the guest connects to: `tcp://169.254.83.3:65500`.
    public let location: String

    /// Reads a note; nil when it is none.
    public init?(note: JSONValue) {
        guard let address = note["agent"]?.string, let port = note["port"]?.integer(as: UInt16.self) else { return nil }
        location = "tcp://\(address):\(port)"
    }
}
