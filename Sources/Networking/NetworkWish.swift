public import GuestModel
internal import HostSystem

/// What a guest's container asks of its network.
public struct NetworkWish: Sendable {
    /// How devices and interfaces meet.
    public var mode: NetworkMode
    /// The names of what that needs.
    public var links: GuestLinks
    /// Whether the interfaces are used by others as well: ordinary processes, or guests with other addresses or ports.
    public var isShared: Bool
    /// The addresses that are the guest's; all when there are none.
    public var addresses: [IPAddress]
    /// The ports that are the guest's; all when there are none.
    public var ports: [ClosedRange<UInt16>]
    /// The port at which the guest's vAccel agent listens; nil for a guest that reaches none by TCP.
    public var agentPort: UInt16?

    /// A wish.
    public init(
        _ mode: NetworkMode, links: GuestLinks, isShared: Bool, addresses: [IPAddress], ports: [ClosedRange<UInt16>],
        agentPort: UInt16? = nil
    ) {
        self.mode = mode
        self.links = links
        self.isShared = isShared
        self.addresses = addresses
        self.ports = ports
        self.agentPort = agentPort
    }

    /// Whether others can have guests on the same interface.
    var isPart: Bool { isShared && !(addresses.isEmpty && ports.isEmpty) }

    /// The interfaces for the guest, each with the addresses that it is to have.
    func choose(from survey: NetworkSurvey, for device: String) throws -> [NetworkSurvey.Found] {
        let redirects = try TrafficRedirect()
        var chosen: [NetworkSurvey.Found] = []
        var taken: String?
        for var found in survey.interfaces {
            if !addresses.isEmpty {
                found.interface.addresses.removeAll { !addresses.contains($0.address) }
                if found.interface.addresses.isEmpty { continue }
            }
            if try found.isLinked || (!isPart && redirects.isTaken(found.index)) {
                taken = found.interface.name
            } else {
                chosen.append(found)
            }
        }
        if chosen.isEmpty, let taken {
            throw Failure(
                "no interface of the network namespace is left for device '\(device)': \(taken) serves another guest")
        }
        if chosen.isEmpty, let address = addresses.first {
            throw Failure("no interface of the network namespace has the address \(address)")
        }
        return chosen
    }
}

/// Makes the queues for the filters of a guest that shares interfaces of the calling process's network namespace.
///
/// - Parameters:
///   - addresses: The guest's; any will do when there are none.
///   - count: How many devices it has.
///   - bare: The interfaces without a queue, by number; others are left as they are.
public func prepareSharing(_ addresses: [IPAddress], atMost count: Int, _ bare: [Int32]) throws {
    let found = try NetworkSurvey().interfaces.filter { found in
        !found.isLinked
            && (addresses.isEmpty || found.interface.addresses.contains { addresses.contains($0.address) })
    }
    guard !found.isEmpty else { return }
    let redirects = try TrafficRedirect()
    for interface in found.prefix(count).map(\.index) where bare.contains(interface) {
        try redirects.prepareQueue(of: interface, .ingress)
    }
    if bare.contains(PacketPrograms.loopback) { try redirects.prepareQueue(of: PacketPrograms.loopback, .egress) }
}
