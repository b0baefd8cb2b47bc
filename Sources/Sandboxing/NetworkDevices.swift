internal import HostSystem
internal import OCISpec

/// Network interfaces that move into the container. See config-linux.md "Network Devices".
enum NetworkDevices {
    /// Moves them into the network namespace of process `pid`, with their addresses, and sets them to work there.
    static func move(_ devices: [NetDevice], to pid: Int32) throws(Failure) {
        if devices.isEmpty { return }
        let words = "cannot move network devices into the container"
        let path = "/proc/\(pid)/ns/net"
        do {
            let other = try open(path, flags: .readOnly)
            let links = try NetworkLinks()
            for device in devices {
                do {
                    try move(device, links, to: other.raw, path)
                } catch {
                    let name = Failure.pointerPart(device.hostName)
                    throw Failure(at: "/linux/netDevices/\(name)", words, cause: error)
                }
            }
        } catch let failure as Failure {
            throw failure
        } catch {
            throw Failure(words, cause: error)
        }
    }

    private static func move(
        _ device: NetDevice, _ links: borrowing NetworkLinks, to other: Int32, _ path: String
    ) throws {
        let index = try NetworkLinks.index(of: device.hostName)
        let addresses = try links.addresses(of: index)
        try inNetworkNamespace(other, path: path) { try take(device, index, addresses, links, other) }
    }

    /// In the container's namespace: takes the interface out of the one where `links` was made.
    private static func take(
        _ device: NetDevice, _ index: Int32, _ addresses: [NetworkLinks.Address], _ links: borrowing NetworkLinks,
        _ namespace: Int32
    ) throws(HostError) {
        let before = try NetworkLinks.names()
        let name = device.name ?? device.hostName
        if before.contains(name) { throw HostError(call: "move link", subject: name, errno: HostError.fileExists) }
        let inside = try NetworkLinks()
        try links.move(index, to: namespace, named: name)
        guard let made = try NetworkLinks.names().subtracting(before).first else {
            throw HostError(call: "move link", subject: "\(name) is not there", errno: 0)
        }
        let number = try NetworkLinks.index(of: made)
        for address in addresses { try inside.add(address, to: number) }
        try inside.setUp(number)
    }

    /// Refuses names that no interface can have, and a container without a network of its own. The words are runc's.
    static func check(_ devices: [NetDevice], _ namespaces: NamespacePlan) throws(SpecError) {
        for device in devices {
            func refuse(_ reason: String) -> SpecError {
                SpecError(
                    pointer: "/linux/netDevices/\(Failure.pointerPart(device.hostName))", reason: reason,
                    section: "config-linux.md#network-devices")
            }
            guard namespaces.isSeparate(.network) else {
                throw refuse("unable to move network devices without a NET namespace")
            }
            for name in [device.hostName, device.name ?? device.hostName] where !isValid(name) {
                throw refuse("invalid network device name \"\(name)\"")
            }
        }
    }

    /// See the kernel's dev_valid_name().
    private static func isValid(_ name: String) -> Bool {
        1...15 ~= name.utf8.count && name != "." && name != ".."
            && !name.utf8.contains {
                [UInt8(ascii: "/"), UInt8(ascii: ":"), UInt8(ascii: " ")].contains($0) || $0 < 33
            }
    }
}
