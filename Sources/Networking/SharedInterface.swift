internal import GuestModel
internal import HostSystem

/// An interface that a guest shares with the other processes of its network namespace, and with other guests.
///
/// Needs the right to load eBPF programs (CAP_BPF on the host).
struct SharedInterface {
    let tap: Int32
    let tapName: String
    let found: NetworkSurvey.Found
    let ports: [ClosedRange<UInt16>]
    /// How the guest reaches its vAccel agent.
    var agent: AgentLink?
    /// Whether the guest has the interface whole: it shares the namespace with its agent alone.
    var isAlone = false

    private static let loopback = "lo"

    /// Sets the programs; what a failure leaves on other interfaces than the tap is taken back.
    func wire() throws -> [TrafficRedirect.Place] {
        // The programs keep it beyond its descriptor.
        let held = DescriptorSet()
        defer { held.close() }
        let flows = try ports.isEmpty ? -1 : held.hold(flowsOfInterface())
        let programs = PacketPrograms(
            tap: tap, shared: found.index, addresses: found.interface.addresses.map(\.address),
            hardwareAddress: found.interface.hardwareAddress, ports: ports, flows: flows, agent: agent, isAlone: isAlone
        )
        let redirects = try TrafficRedirect()
        var places: [TrafficRedirect.Place] = []
        do {
            _ = try redirects.add(
                loadTrafficProgram(programs.fromGuest), for: tap, to: tap, .ingress, named: tapName)
            places.append(try addIngress(programs, redirects))
            if let program = programs.fromNamespace {
                let loopback = try NetworkLinks.index(of: Self.loopback)
                // Another guest has changed them already, and noted what was there.
                let noted = try redirects.notes(of: loopback, .egress).compactMap(LoopbackSettings.init(note:)).first
                let before = try noted ?? LoopbackSettings()
                places.append(
                    try redirects.add(
                        loadTrafficProgram(program), for: tap, to: loopback, .egress, named: Self.loopback,
                        note: before.note))
                try LoopbackSettings.acceptFromGuests.putBack()
            }
            return places
        } catch {
            for place in places { try? redirects.remove(place) }
            throw error
        }
    }

    private func addIngress(
        _ programs: PacketPrograms, _ redirects: borrowing TrafficRedirect
    ) throws(HostError) -> TrafficRedirect.Place {
        if isAlone { return try redirects.hand(tap, named: nil, all: found.index, named: found.interface.name) }
        return try redirects.add(
            loadTrafficProgram(programs.ingress), for: tap, to: found.index, .ingress, named: found.interface.name)
    }

    /// The map that another guest of the interface has made, or a new one.
    private func flowsOfInterface() throws(HostError) -> Descriptor {
        for program in try TrafficRedirect().programs(of: found.index, .ingress) {
            if let map = try openMap(ofProgram: program) { return map }
        }
        return try PacketPrograms.makeFlows()
    }
}
