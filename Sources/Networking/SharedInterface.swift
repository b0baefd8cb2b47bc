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

    private static let loopback = "lo"

    /// Sets the programs; what a failure leaves on other interfaces than the tap is taken back.
    func wire() throws -> [TrafficRedirect.Place] {
        let programs = PacketPrograms(
            tap: tap, shared: found.index, addresses: found.interface.addresses.map(\.address),
            hardwareAddress: found.interface.hardwareAddress, ports: ports)
        let redirects = try TrafficRedirect()
        var places: [TrafficRedirect.Place] = []
        do {
            _ = try redirects.add(
                loadTrafficProgram(programs.fromGuest), for: tap, to: tap, .ingress, named: tapName)
            places.append(
                try redirects.add(
                    loadTrafficProgram(programs.ingress), for: tap, to: found.index, .ingress,
                    named: found.interface.name))
            if let program = programs.fromNamespace {
                let loopback = try NetworkLinks.index(of: Self.loopback)
                try acceptFromGuest()
                places.append(
                    try redirects.add(
                        loadTrafficProgram(program), for: tap, to: loopback, .egress, named: Self.loopback))
            }
            return places
        } catch {
            for place in places { try? redirects.remove(place) }
            throw error
        }
    }

    /// Lets the kernel take what comes from the guest for the namespace's own: packets from 127.0.0.1 and from own
    /// addresses that arrive at the loopback interface, where nobody else's can. See the kernel's ip-sysctl.rst.
    private func acceptFromGuest() throws(HostError) {
        let procfs = try Procfs()
        for name in ["route_localnet", "accept_local"] { try procfs.write("1", to: "sys/net/ipv4/conf/lo/\(name)") }
    }
}
