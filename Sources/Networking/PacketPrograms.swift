internal import GuestModel

/// The programs that let a guest share an interface with the ordinary processes of its network namespace, and with other
/// guests: what a socket of the namespace is there for stays, the rest is the guest's.
///
/// Guest and kernel have the same addresses, hardware address included. See tc-bpf(8), direct action.
struct PacketPrograms {
    /// The guest's tap, the interface it shares, and the loopback interface, by number.
    let tap, shared: Int32
    /// The addresses of the interface that are the guest's.
    let addresses: [IPAddress]
    /// The guest's hardware address.
    let hardwareAddress: [UInt8]
    /// The ports that are the guest's; all when there are none.
    let ports: [ClosedRange<UInt16>]

    private static let loopback: Int32 = 1
    private static let thisHost: UInt32 = 0x0100_007F
    /// Stand for the namespace's 127.0.0.1 and for its own address towards the guest, which has the same two itself.
    /// 169.254.83.1 and 169.254.83.2: link-local (RFC 3927), in nobody's use that is known.
    static let (outerLoopback, outerSelf): (UInt32, UInt32) = (0x0153_FEA9, 0x0253_FEA9)

    /// __sk_buff.protocol
    private static let protocolOffset = 16
    /// Kinds of packets as they stand in memory: ARP, IPv4, IPv6.
    private static let (arp, version4, version6): (UInt32, UInt32, UInt32) = (0x0608, 0x0008, 0xDD86)
    private static let etherSize: Int32 = 14
    /// Where the two headers begin below the end of the memory: ports follow at -4, so that addresses and ports are what
    /// a look-up wants, a bpf_sock_tuple.
    private static let (start4, start6) = (-24, -44)
    private static let (tcp, udp, icmp, icmp6): (UInt32, UInt32, UInt32, UInt32) = (6, 17, 1, 58)

    private struct Exits {
        let pass, clone, redirect: PacketCode.Label
    }

    // MARK: what arrives at the interface

    /// For the interface's ingress.
    var ingress: [UInt64] {
        var code = PacketCode()
        let exits = Exits(pass: code.label(), clone: code.label(), redirect: code.label())
        let (four, six) = (code.label(), code.label())
        code.copy(6, from: 1)
        code.loadWord(0, 1, Self.protocolOffset)
        code.jump(if: 0, .equal, Self.version4, to: four)
        code.jump(if: 0, .equal, Self.version6, to: six)
        code.jump(to: exits.clone)
        code.place(four)
        sort4(&code, exits)
        code.place(six)
        sort6(&code, exits)
        code.place(exits.clone)
        code.copy(1, from: 6)
        code.set(2, tap)
        code.set(3, 0)
        code.call(.cloneRedirect)
        code.jump(to: exits.pass)
        code.place(exits.redirect)
        Self.redirect(&code, to: tap)
        code.place(exits.pass)
        Self.pass(&code)
        return code.instructions
    }

    private func sort4(_ code: inout PacketCode, _ exits: Exits) {
        Self.load(&code, at: Self.etherSize, to: Self.start4, count: 20, or: exits.pass)
        let mine = code.label()
        code.loadWord(0, 10, -8)
        code.jump(if: 0, .equal, UInt32.max, to: exits.clone)
        for address in addresses where address.isVersion4 {
            code.jump(if: 0, .equal, Self.word(address, 0), to: mine)
        }
        code.and(0, 0xF0)
        code.jump(if: 0, .equal, 0xE0, to: exits.clone)
        code.jump(to: exits.pass)
        // The kernel refuses a program with a part that is never reached.
        guard addresses.contains(where: \.isVersion4) else { return }
        code.place(mine)
        // What is not a fragment's beginning has no ports.
        code.loadHalf(0, 10, Self.start4 + 6)
        code.jump(if: 0, .anyBit, 0xFF1F, to: exits.redirect)
        Self.transportOffset(&code)
        code.loadByte(0, 10, Self.start4 + 9)
        sortTransport(&code, echo: (Self.icmp, 8), tuple: (-12, 12), exits)
    }

    private func sort6(_ code: inout PacketCode, _ exits: Exits) {
        Self.load(&code, at: Self.etherSize, to: Self.start6, count: 40, or: exits.pass)
        let mine = code.label()
        for address in addresses where !address.isVersion4 {
            let next = code.label()
            for part in 0..<4 {
                code.loadWord(0, 10, -20 + part * 4)
                code.jump(if: 0, .notEqual, Self.word(address, part), to: next)
            }
            code.jump(to: mine)
            code.place(next)
        }
        // Multicast, and link-local addresses, which guest and kernel make from the same hardware address.
        code.loadByte(0, 10, -20)
        code.jump(if: 0, .equal, 0xFF, to: exits.clone)
        code.jump(if: 0, .equal, 0xFE, to: exits.clone)
        code.jump(to: exits.pass)
        guard addresses.contains(where: { !$0.isVersion4 }) else { return }
        code.place(mine)
        code.set(7, Self.etherSize + 40)
        code.loadByte(0, 10, Self.start6 + 6)
        sortTransport(&code, echo: (Self.icmp6, 128), tuple: (-36, 36), exits)
    }

    /// With the protocol in R0 and the place of its header in R7: a socket of the namespace comes first.
    ///
    /// - Parameter echo: The protocol of control messages and its request for an echo, which the guest answers; other
    ///   messages are for both.
    private func sortTransport(
        _ code: inout PacketCode, echo: (UInt32, UInt32), tuple: (Int, Int32), _ exits: Exits
    ) {
        let control = code.label()
        code.jump(if: 0, .equal, echo.0, to: control)
        code.copy(8, from: 0)
        for ended in [Self.tcp, Self.udp] {
            let next = code.label()
            code.jump(if: 8, .notEqual, ended, to: next)
            loadPorts(&code, or: exits.pass)
            Self.lookUp(&code, ended == Self.tcp ? .lookUpTCP : .lookUpUDP, tuple, found: exits.pass)
            code.jump(to: exits.redirect)
            code.place(next)
        }
        code.jump(to: exits.redirect)
        code.place(control)
        Self.load(&code, from: 7, to: -4, count: 1, or: exits.pass)
        code.loadByte(0, 10, -4)
        code.jump(if: 0, .equal, echo.1, to: exits.redirect)
        code.jump(to: exits.clone)
    }

    // MARK: what the guest sends, and what the namespace sends to itself

    /// For the tap's ingress: everything goes out, but for what is meant for the namespace.
    var fromGuest: [UInt64] {
        var code = PacketCode()
        let (out, meant) = (code.label(), code.label())
        Self.beginVersion4(&code, or: out)
        code.set(9, Int32(bitPattern: Self.thisHost))
        code.jump(if: 0, .equal, Self.outerLoopback, to: meant)
        if let own = addresses.first(where: \.isVersion4) {
            code.set(9, Int32(bitPattern: Self.word(own, 0)))
            code.jump(if: 0, .equal, Self.outerSelf, to: meant)
        }
        code.place(out)
        Self.redirect(&code, to: shared)
        code.place(meant)
        let refuse = code.label()
        Self.transportOffset(&code)
        readdress(&code, destination: nil, or: refuse)
        // The loopback interface's own hardware address: zeros.
        setHardwareAddresses(&code, [UInt8](repeating: 0, count: 12))
        Self.redirect(&code, to: Self.loopback, arriving: true)
        code.place(refuse)
        // TC_ACT_SHOT
        code.set(0, 2)
        code.exit()
        return code.instructions
    }

    /// For the loopback interface's egress: what a process sends to 127.0.0.1 or to the namespace's own address, and no
    /// socket is there for, goes to the guest.
    var fromNamespace: [UInt64]? {
        guard let own = addresses.first(where: \.isVersion4) else { return nil }
        var code = PacketCode()
        let (pass, meant) = (code.label(), code.label())
        Self.beginVersion4(&code, or: pass)
        code.loadWord(8, 10, -12)
        let ownWord = Self.word(own, 0)
        for (inner, outer) in [(Self.thisHost, Self.outerLoopback), (ownWord, Self.outerSelf)] {
            let next = code.label()
            code.jump(if: 0, .notEqual, inner, to: next)
            code.jump(if: 8, .notEqual, inner, to: pass)
            code.set(9, Int32(bitPattern: outer))
            code.jump(to: meant)
            code.place(next)
        }
        code.jump(to: pass)
        code.place(meant)
        sendToGuest(&code, own: ownWord, pass)
        code.place(pass)
        Self.pass(&code)
        return code.instructions
    }

    private func sendToGuest(_ code: inout PacketCode, own: UInt32, _ pass: PacketCode.Label) {
        Self.transportOffset(&code)
        loadPorts(&code, or: pass)
        let (udp, none) = (code.label(), code.label())
        code.loadByte(0, 10, Self.start4 + 9)
        code.jump(if: 0, .equal, Self.udp, to: udp)
        code.jump(if: 0, .notEqual, Self.tcp, to: pass)
        Self.lookUp(&code, .lookUpTCP, (-12, 12), found: pass)
        code.jump(to: none)
        code.place(udp)
        Self.lookUp(&code, .lookUpUDP, (-12, 12), found: pass)
        code.place(none)
        readdress(&code, destination: own, or: pass)
        // To the guest's, from any other.
        setHardwareAddresses(&code, hardwareAddress + [2, 0, 0, 0, 0, 1])
        Self.redirect(&code, to: tap)
    }

    /// Gives a packet both hardware addresses, the receiver's first.
    private func setHardwareAddresses(_ code: inout PacketCode, _ bytes: [UInt8]) {
        for part in 0..<3 {
            let four = bytes[(part * 4)..<(part * 4 + 4)]
            code.storeWord(four.reversed().reduce(0) { $0 << 8 | UInt32($1) }, at: -44 + part * 4)
        }
        Self.store(&code, from: -44, to: 0, count: 12)
    }

    /// Gives a packet whose IPv4 header is in memory other addresses, its checksums too: the source is R9, the destination
    /// what is given, else R9 as well.
    private func readdress(_ code: inout PacketCode, destination: UInt32?, or refuse: PacketCode.Label) {
        code.storeWord(from: 9, at: -32)
        if let destination { code.storeWord(destination, at: -28) } else { code.storeWord(from: 9, at: -28) }
        let (udp, changed) = (code.label(), code.label())
        code.loadByte(8, 10, Self.start4 + 9)
        code.jump(if: 8, .equal, Self.udp, to: udp)
        code.jump(if: 8, .notEqual, Self.tcp, to: refuse)
        // Where the checksum is in the header, and BPF_F_PSEUDO_HDR, BPF_F_MARK_MANGLED_0 with the size of an address.
        replaceChecksum(&code, at: 16, flags: 0x10 | 4)
        code.jump(to: changed)
        code.place(udp)
        replaceChecksum(&code, at: 6, flags: 0x30 | 4)
        code.place(changed)
        for (old, new) in [(-12, -32), (-8, -28)] {
            code.copy(1, from: 6)
            code.set(2, Self.etherSize + 10)
            code.loadWord(3, 10, old)
            code.loadWord(4, 10, new)
            code.set(5, 4)
            code.call(.replaceHeaderChecksum)
        }
        Self.store(&code, from: -32, to: Self.etherSize + 12, count: 8)
    }

    private func replaceChecksum(_ code: inout PacketCode, at offset: Int32, flags: Int32) {
        for (old, new) in [(-12, -32), (-8, -28)] {
            code.copy(1, from: 6)
            code.copy(2, from: 7)
            code.add(2, offset)
            code.loadWord(3, 10, old)
            code.loadWord(4, 10, new)
            code.set(5, flags)
            code.call(.replaceChecksum)
        }
    }

    // MARK: pieces

    /// Brings an IPv4 header to memory and its destination to R0; other packets go elsewhere.
    private static func beginVersion4(_ code: inout PacketCode, or other: PacketCode.Label) {
        code.copy(6, from: 1)
        code.loadWord(0, 1, protocolOffset)
        code.jump(if: 0, .notEqual, version4, to: other)
        load(&code, at: etherSize, to: start4, count: 20, or: other)
        code.loadWord(0, 10, -8)
    }

    /// Ports to -4, from the place in R7; passes a packet whose port is not the guest's.
    private func loadPorts(_ code: inout PacketCode, or pass: PacketCode.Label) {
        Self.load(&code, from: 7, to: -4, count: 4, or: pass)
        if ports.isEmpty { return }
        let mine = code.label()
        code.loadHalf(0, 10, -2)
        code.reverse16(0)
        for range in ports {
            let next = code.label()
            code.jump(if: 0, .less, UInt32(range.lowerBound), to: next)
            code.jump(if: 0, .greater, UInt32(range.upperBound), to: next)
            code.jump(to: mine)
            code.place(next)
        }
        code.jump(to: pass)
        code.place(mine)
    }

    /// The place of the header behind the IPv4 one, to R7.
    private static func transportOffset(_ code: inout PacketCode) {
        code.loadByte(7, 10, start4)
        code.and(7, 0x0F)
        code.shiftLeft(7, 2)
        code.add(7, etherSize)
    }

    private static func load(
        _ code: inout PacketCode, at offset: Int32, to memory: Int, count: Int32, or fail: PacketCode.Label
    ) {
        code.set(2, offset)
        loadBytes(&code, memory, count, fail)
    }

    private static func load(
        _ code: inout PacketCode, from register: UInt64, to memory: Int, count: Int32, or fail: PacketCode.Label
    ) {
        code.copy(2, from: register)
        loadBytes(&code, memory, count, fail)
    }

    private static func loadBytes(
        _ code: inout PacketCode, _ memory: Int, _ count: Int32, _ fail: PacketCode.Label
    ) {
        code.copy(1, from: 6)
        code.copy(3, from: 10)
        code.add(3, Int32(memory))
        code.set(4, count)
        code.call(.loadBytes)
        code.jump(if: 0, .notEqual, 0, to: fail)
    }

    private static func store(_ code: inout PacketCode, from memory: Int, to offset: Int32, count: Int32) {
        code.copy(1, from: 6)
        code.set(2, offset)
        code.copy(3, from: 10)
        code.add(3, Int32(memory))
        code.set(4, count)
        code.set(5, 0)
        code.call(.storeBytes)
    }

    /// Whether a socket of the namespace is there for what the tuple in memory says.
    private static func lookUp(
        _ code: inout PacketCode, _ function: PacketCode.Function, _ tuple: (memory: Int, size: Int32),
        found: PacketCode.Label
    ) {
        let none = code.label()
        code.copy(1, from: 6)
        code.copy(2, from: 10)
        code.add(2, Int32(tuple.memory))
        code.set(3, tuple.size)
        // BPF_F_CURRENT_NETNS
        code.set(4, -1)
        code.set(5, 0)
        code.call(function)
        code.jump(ifNull: 0, to: none)
        code.copy(1, from: 0)
        code.call(.release)
        code.jump(to: found)
        code.place(none)
    }

    private static func redirect(_ code: inout PacketCode, to interface: Int32, arriving: Bool = false) {
        code.set(1, interface)
        // BPF_F_INGRESS
        code.set(2, arriving ? 1 : 0)
        code.call(.redirect)
        code.exit()
    }

    /// TC_ACT_UNSPEC: the next filter decides.
    private static func pass(_ code: inout PacketCode) {
        code.set(0, -1)
        code.exit()
    }

    private static func word(_ address: IPAddress, _ part: Int) -> UInt32 {
        address.bytes[(part * 4)..<(part * 4 + 4)].reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }
}
