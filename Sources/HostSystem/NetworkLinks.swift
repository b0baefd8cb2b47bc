internal import CLinux

/// Brings up the loopback interface of the calling process's network namespace. See netdevice(7) SIOCSIFFLAGS.
public func bringUpLoopback() throws(HostError) { try check("SIOCSIFFLAGS", "lo", lx_loopback_up()) }

/// The network interfaces of the namespace in which this value was made, through a socket to the kernel. See rtnetlink(7).
public struct NetworkLinks: ~Copyable {
    let kernel: NetlinkSocket

    /// Opens the socket.
    public init() throws(HostError) { kernel = try NetlinkSocket() }

    /// An address of an interface: the message that sets it, but for the interface it is set on.
    public struct Address: Equatable, Sendable {
        /// AF_INET or AF_INET6.
        let family: UInt8
        /// How many bits name the network.
        let prefixLength: UInt8
        /// IFA_LOCAL, IFA_ADDRESS and IFA_BROADCAST, as they came.
        let attributes: [UInt8]
        /// IFA_F_*
        var flags: UInt8 = 0x80
    }

    /// The number of the interface with this name, in the namespace of the calling process. See if_nametoindex(3).
    public static func index(of name: String) throws(HostError) -> Int32 {
        // SAFETY: the string is NUL-terminated for the length of the call.
        try check("if_nametoindex", name, unsafe lx_link_index(name))
    }

    /// Whether there is an interface with this number, in the namespace of the calling process. See if_indextoname(3).
    public static func exists(_ index: Int32) -> Bool { lx_link_exists(index) != 0 }

    /// The names of all interfaces in the namespace of the calling process. See proc(5), /proc/net/dev.
    public static func names() throws(HostError) -> Set<String> {
        let lines = try readText("/proc/thread-self/net/dev").split(separator: "\n").dropFirst(2)
        return Set(lines.compactMap { $0.split(separator: ":").first.map { $0.filter { $0 != " " } } })
    }

    /// The permanent addresses of global scope that an interface has.
    public func addresses(of index: Int32) throws(HostError) -> [Address] {
        // struct ifaddrmsg: family, prefix length, flags, scope, interface.
        try kernel.list(.addresses, [UInt8](repeating: 0, count: 8)).compactMap { message in
            guard message.body.count >= 8, message.body[2] & 0x80 != 0, message.body[3] == 0,
                message.body.machineNumber(UInt32.self, at: 4) == UInt32(bitPattern: index)
            else { return nil }
            let kept = message.attributes(after: 8).filter { [1, 2, 4].contains($0.kind) }
            return Address(
                family: message.body[0], prefixLength: message.body[1],
                attributes: kept.flatMap { NetlinkMessage.attribute($0.kind, $0.value) })
        }
    }

    /// Moves an interface to another network namespace and gives it a name there; `%d` in it becomes a free number.
    public func move(_ index: Int32, to namespace: Int32, named name: String) throws(HostError) {
        let body =
            Self.link(index, flags: 0, change: 1) + NetlinkMessage.attribute(3, [UInt8](name.utf8) + [0])
            + NetlinkMessage.attribute(28, machineBytes(UInt32(bitPattern: namespace)))
        try kernel.perform(.newLink, body, "move link", name)
    }

    /// Gives an interface an address.
    public func add(_ address: Address, to index: Int32) throws(HostError) {
        let head = [address.family, address.prefixLength, address.flags, 0] + machineBytes(UInt32(bitPattern: index))
        try kernel.perform(
            .newAddress, head + address.attributes, flags: .createNew, "add address", "link \(index)")
    }

    /// Sets an interface to work.
    public func setUp(_ index: Int32) throws(HostError) {
        let body = Self.link(index, flags: 1, change: 1)
        try kernel.perform(.newLink, body, "set up link", "\(index)")
    }

    /// What an interface that is only the kernel's end of a link does besides: IFF_* bits.
    public struct Traits: OptionSet, Sendable {
        /// The bits.
        public let rawValue: UInt32
        /// The traits with these bits.
        public init(rawValue: UInt32) { self.rawValue = rawValue }
        /// It asks nobody's hardware address and answers nobody who asks for its own.
        public static let noAddressResolution = Traits(rawValue: 0x80)
        /// It takes what is sent to any group.
        public static let everyGroup = Traits(rawValue: 0x200)
    }

    /// Sets an interface that is only the kernel's end of a link to work: without an IPv6 address of its own, on which
    /// the kernel would talk to the other end.
    ///
    /// - Parameter mtu: The largest packet in bytes.
    public func furnish(
        _ index: Int32, mtu: UInt32, _ traits: Traits = [], named name: String
    ) throws(HostError) {
        // Before it is up: of a macvtap that is, the interface below never loses IFF_ALLMULTI again.
        if !traits.isEmpty {
            let body = Self.link(index, flags: traits.rawValue, change: traits.rawValue)
            try kernel.perform(.newLink, body, "set up link", name)
        }
        // IFLA_AF_SPEC, AF_INET6, IFLA_INET6_ADDR_GEN_MODE: none. Before it is up, or the address is there already.
        let noAddress = NetlinkMessage.attribute(
            26, NetlinkMessage.attribute(10, NetlinkMessage.attribute(8, [1])))
        do throws(HostError) {
            let body = Self.link(index, flags: 0, change: 0) + noAddress
            try kernel.perform(.newLink, body, "set up link", name)
        } catch {
            guard error.errno == EAFNOSUPPORT else { throw error }
        }
        let body = Self.link(index, flags: 1, change: 1) + NetlinkMessage.attribute(4, machineBytes(mtu))
        try kernel.perform(.newLink, body, "set up link", name)
    }

    /// struct ifinfomsg: family, type, interface, flags, which of them count.
    static func link(_ index: Int32, flags: UInt32, change: UInt32) -> [UInt8] {
        [0, 0, 0, 0] + machineBytes(UInt32(bitPattern: index)) + machineBytes(flags) + machineBytes(change)
    }
}
