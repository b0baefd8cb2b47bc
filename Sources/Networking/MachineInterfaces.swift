internal import GuestModel
public import HostSystem

/// The interfaces of a virtual machine, set as the container's are: a machine has the same names, addresses and routes.
public enum MachineInterfaces {
    /// Sets up loopback and what `notes` describe, the notes of the machine's taps.
    ///
    /// - Throws: An error that names the interface that is not there or cannot be set.
    public static func setUp(_ notes: [JSONValue]) throws {
        try bringUpLoopback()
        let links = try NetworkLinks()
        for tap in notes.compactMap(ReceivedTap.init(note:)) {
            guard let interface = tap.connection.interface else { continue }
            guard let index = try links.index(ofHardwareAddress: tap.hardwareAddress) else {
                throw Failure("interface \(interface.name) is not there")
            }
            try links.prepare(index, name: interface.name, mtu: tap.mtu)
            try setUp(interface, index, links)
        }
    }

    private static func setUp(
        _ interface: GuestInterface, _ index: Int32, _ links: borrowing NetworkLinks
    ) throws(HostError) {
        for own in interface.addresses {
            try links.add(NetworkLinks.Address(own.address.bytes, prefixLength: own.prefixLength), to: index)
        }
        // Networks on the link first, for gateways may be in them.
        let routes = interface.routes.filter { $0.gateway == nil } + interface.routes.filter { $0.gateway != nil }
        for route in routes {
            let isReachable = route.gateway.map { hop in interface.addresses.contains { $0.contains(hop) } } ?? true
            do throws(HostError) {
                try links.addRoute(
                    to: (route.destination.address.bytes, route.destination.prefixLength),
                    via: route.gateway?.bytes, isReachable: isReachable, on: index)
            } catch {
                guard error.isAlreadyThere else { throw error }
            }
        }
    }
}
