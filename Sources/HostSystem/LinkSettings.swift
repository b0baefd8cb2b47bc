extension NetworkLinks {
    /// The number of the interface with this hardware address; nil when there is none.
    public func index(ofHardwareAddress address: [UInt8]) throws(HostError) -> Int32? {
        let found = try kernel.list(.links, [UInt8](repeating: 0, count: 16)).first { message in
            NetlinkMessage.value(1, in: message.attributes(after: 16)) == address
        }
        return found?.body.machineNumber(Int32.self, at: 4)
    }

    /// Gives an interface its name and its largest packet in bytes, and sets it to work.
    public func prepare(_ index: Int32, name: String, mtu: UInt32) throws(HostError) {
        // A name can only be given while the interface is down.
        let named = Self.link(index, flags: 0, change: 1) + NetlinkMessage.attribute(3, [UInt8](name.utf8) + [0])
        try kernel.perform(.newLink, named, "name link", name)
        let body = Self.link(index, flags: 1, change: 1) + NetlinkMessage.attribute(4, machineBytes(mtu))
        try kernel.perform(.newLink, body, "set up link", name)
    }

    /// Adds a route to the main table.
    ///
    /// - Parameters:
    ///   - destination: The bytes of an address, and how many bits of it count.
    ///   - gateway: The next hop's address; nil for a network that is on the link itself.
    ///   - isReachable: Whether the gateway is in a network of the interface.
    public func addRoute(
        to destination: (bytes: [UInt8], prefixLength: UInt8), via gateway: [UInt8]?, isReachable: Bool,
        on index: Int32
    ) throws(HostError) {
        let isVersion4 = destination.bytes.count == 4
        // struct rtmsg: family, length of the destination, that of the source, tos, RT_TABLE_MAIN, RTPROT_BOOT, scope
        // (link or universe), RTN_UNICAST, RTNH_F_ONLINK.
        let onLink: UInt32 = gateway != nil && !isReachable ? 4 : 0
        var body: [UInt8] = [
            isVersion4 ? 2 : 10, destination.prefixLength, 0, 0, 254, 3, gateway == nil && isVersion4 ? 253 : 0, 1,
        ]
        body += machineBytes(onLink)
        if destination.prefixLength > 0 { body += NetlinkMessage.attribute(1, destination.bytes) }
        if let gateway { body += NetlinkMessage.attribute(5, gateway) }
        body += NetlinkMessage.attribute(4, machineBytes(index))
        try kernel.perform(.newRoute, body, flags: .createNew, "add route", "link \(index)")
    }
}
