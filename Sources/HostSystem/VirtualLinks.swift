/// Links that exist in the kernel alone, in the namespace of the one who made this value. See ip-link(8), bridge(8).
extension NetworkLinks {
    /// Makes a bridge and returns its number. It does not look into what groups of receivers its ports are in.
    ///
    /// - Parameter hardwareAddress: Its own, for it would take that of a port otherwise.
    public func makeBridge(named name: String, hardwareAddress: [UInt8]) throws(HostError) -> Int32 {
        // IFLA_BR_MCAST_SNOOPING
        let noSnooping = NetlinkMessage.attribute(23, [0])
        let body = NetlinkMessage.attribute(1, hardwareAddress) + Self.information("bridge", noSnooping)
        return try make(named: name, body)
    }

    /// Makes a device that takes over a whole interface, hardware address included, and returns its number.
    /// ``Tap/init(macvtap:index:)`` opens it.
    public func makeMacvtap(on interface: Int32, named name: String) throws(HostError) -> Int32 {
        // IFLA_MACVLAN_MODE, MACVLAN_MODE_PASSTHRU
        let passThrough = NetlinkMessage.attribute(1, machineBytes(UInt32(8)))
        let body = NetlinkMessage.attribute(5, machineBytes(interface)) + Self.information("macvtap", passThrough)
        return try make(named: name, body)
    }

    /// Makes an interface a port of a bridge.
    public func join(_ bridge: Int32, _ port: Int32, named name: String) throws(HostError) {
        let body = Self.link(port, flags: 0, change: 0) + NetlinkMessage.attribute(10, machineBytes(bridge))
        try kernel.perform(.newLink, body, "make a bridge's port of", name)
    }

    /// Has a bridge send what is for the hardware address of one of its ports to another one, not to the namespace.
    public func handOver(_ hardwareAddress: [UInt8], of port: Int32, to other: Int32) throws(HostError) {
        // struct ndmsg: family AF_BRIDGE, interface, state, NTF_MASTER; then NDA_LLADDR.
        func body(_ port: Int32, state: UInt16) -> [UInt8] {
            let masters: UInt8 = 4
            return [7, 0, 0, 0] + machineBytes(port) + machineBytes(state) + [masters, 0]
                + NetlinkMessage.attribute(2, hardwareAddress)
        }
        let (permanent, fixed): (UInt16, UInt16) = (0x80, 0x40)
        try kernel.perform(.deleteNeighbour, body(port, state: permanent), "take a bridge's address of", "link \(port)")
        try kernel.perform(
            .newNeighbour, body(other, state: fixed), flags: .createNew, "give a bridge's address to", "link \(other)")
    }

    /// Removes the link with this name; that there is none is no error.
    public func remove(named name: String) throws(HostError) {
        do throws(HostError) {
            let body = Self.link(0, flags: 0, change: 0) + Self.text(3, name)
            try kernel.perform(.deleteLink, body, "remove link", name)
        } catch {
            guard error.isGoneFromNetwork else { throw error }
        }
    }

    /// Removes the link with this number; that there is none is no error.
    public func remove(index: Int32) throws(HostError) {
        do throws(HostError) {
            try kernel.perform(.deleteLink, Self.link(index, flags: 0, change: 0), "remove link", "\(index)")
        } catch {
            guard error.isGoneFromNetwork else { throw error }
        }
    }

    private func make(named name: String, _ attributes: [UInt8]) throws(HostError) -> Int32 {
        let body = Self.link(0, flags: 0, change: 0) + Self.text(3, name) + attributes
        try kernel.perform(.newLink, body, flags: .createNew, "make link", name)
        return try Self.index(of: name)
    }

    /// IFLA_LINKINFO with the kind of link and its settings.
    private static func information(_ kind: String, _ settings: [UInt8]) -> [UInt8] {
        NetlinkMessage.attribute(
            18, NetlinkMessage.attribute(1, [UInt8](kind.utf8)) + NetlinkMessage.attribute(2, settings))
    }

    private static func text(_ kind: UInt16, _ text: String) -> [UInt8] {
        NetlinkMessage.attribute(kind, [UInt8](text.utf8) + [0])
    }
}

extension NetworkLinks.Address {
    /// The address with these 4 or 16 bytes, in the network of its first bits; one for IPv6 counts at once, without looking
    /// for others that have it.
    public init(_ bytes: [UInt8], prefixLength: UInt8) {
        let (permanent, noDetection): (UInt8, UInt8) = (0x80, 0x02)
        let isVersion4 = bytes.count == 4
        self.init(
            family: isVersion4 ? 2 : 10, prefixLength: prefixLength,
            attributes: NetlinkMessage.attribute(2, bytes) + NetlinkMessage.attribute(1, bytes),
            flags: isVersion4 ? permanent : permanent | noDetection)
    }
}
