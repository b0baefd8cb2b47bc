internal import GuestModel

/// The programs that let a guest share an interface with the ordinary processes of its network namespace, and with other
/// guests: what a socket of the namespace is there for stays, the rest is the guest's.
///
/// Guest and kernel have the same addresses, hardware address included. See tc-bpf(8), direct action. R6 is the packet
/// throughout, R7 the place of the header behind that of IP.
struct PacketPrograms {
    /// The guest's tap, the interface it shares, and the loopback interface, by number.
    let tap, shared: Int32
    /// The addresses of the interface that are the guest's.
    let addresses: [IPAddress]
    /// The guest's hardware address.
    let hardwareAddress: [UInt8]
    /// The ports that are the guest's; all when there are none.
    let ports: [ClosedRange<UInt16>]
    /// The open map of the connections that a guest with ports has begun itself from others; unused without ports.
    let flows: Int32
    /// How the guest reaches its vAccel agent; nil for a guest without one.
    var agent: AgentLink?
    /// Whether the guest has the interface whole: nothing of the namespace is there for it but its agent.
    var isAlone = false

    static let loopback: Int32 = 1

    /// __sk_buff.protocol
    private static let protocolOffset = 16
    static let etherSize: Int32 = 14
    static let (tcp, udp): (UInt32, UInt32) = (6, 17)

    /// A version of IP, and where its header is in memory: ports follow at -4, so that addresses and ports are what a look-up
    /// wants, a bpf_sock_tuple.
    struct Header {
        /// As the packet's protocol stands in memory.
        let etherType: UInt32
        let start, source, destination: Int
        /// Of the header and of one address, the latter in words of 4 bytes.
        let size: Int32, words: Int
        /// Where the protocol of what follows is.
        let next: Int
        /// Control messages, and their request for an echo.
        let control, echo: UInt32

        var isVersion4: Bool { words == 1 }
        var tuple: (memory: Int, size: Int32) { (source, Int32(words * 8 + 4)) }

        static let version4 = Header(
            etherType: 0x0008, start: -24, source: -12, destination: -8, size: 20, words: 1, next: -15, control: 1,
            echo: 8)
        static let version6 = Header(
            etherType: 0xDD86, start: -44, source: -36, destination: -20, size: 40, words: 4, next: -38, control: 58,
            echo: 128)
    }

    /// The versions of IP in which the guest has an address, each with the first.
    var versions: [(header: Header, own: IPAddress)] {
        [Header.version4, .version6].compactMap { header in
            addresses.first { $0.isVersion4 == header.isVersion4 }.map { (header, $0) }
        }
    }

    /// Those in which it can reach something of the namespace's.
    var namedVersions: [(header: Header, own: IPAddress)] {
        isAlone ? versions.filter { agent != nil && $0.header.isVersion4 } : versions
    }

    /// Goes to where each version of IP is looked at, elsewhere with packets of other protocols.
    static func sort(_ code: inout PacketCode, _ versions: [(Header, PacketCode.Label)], or other: PacketCode.Label) {
        code.copy(6, from: 1)
        code.loadWord(0, 1, protocolOffset)
        for (header, label) in versions { code.jump(if: 0, .equal, header.etherType, to: label) }
        code.jump(to: other)
    }

    // MARK: what arrives at the interface

    private struct Exits {
        let pass, clone, redirect: PacketCode.Label
    }

    /// For the interface's ingress.
    var ingress: [UInt64] {
        var code = PacketCode()
        let exits = Exits(pass: code.label(), clone: code.label(), redirect: code.label())
        let (four, six) = (code.label(), code.label())
        Self.sort(&code, [(.version4, four), (.version6, six)], or: exits.clone)
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
        let header = Header.version4
        Self.load(&code, header, or: exits.pass)
        let mine = code.label()
        code.loadWord(0, 10, header.destination)
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
        Self.jumpIfFragment(&code, header, to: exits.redirect)
        sortTransport(&code, header, exits)
    }

    private func sort6(_ code: inout PacketCode, _ exits: Exits) {
        let header = Header.version6
        Self.load(&code, header, or: exits.pass)
        let mine = code.label()
        for address in addresses where !address.isVersion4 {
            Self.compare(&code, header, header.destination, with: address, to: mine)
        }
        // Multicast, and link-local addresses, which guest and kernel make from the same hardware address.
        code.loadByte(0, 10, header.destination)
        code.jump(if: 0, .equal, 0xFF, to: exits.clone)
        code.jump(if: 0, .equal, 0xFE, to: exits.clone)
        code.jump(to: exits.pass)
        guard addresses.contains(where: { !$0.isVersion4 }) else { return }
        code.place(mine)
        sortTransport(&code, header, exits)
    }

    /// A socket of the namespace comes first. Requests for an echo are answered by the guest; other control messages are for
    /// both.
    private func sortTransport(_ code: inout PacketCode, _ header: Header, _ exits: Exits) {
        let control = code.label()
        Self.transportOffset(&code, header)
        code.loadByte(8, 10, header.next)
        code.jump(if: 8, .equal, header.control, to: control)
        for ended in [Self.tcp, Self.udp] {
            let next = code.label()
            code.jump(if: 8, .notEqual, ended, to: next)
            loadPorts(&code, header, remote: header.source, or: exits.pass)
            Self.lookUp(&code, ended == Self.tcp ? .lookUpTCP : .lookUpUDP, header.tuple, found: exits.pass)
            code.jump(to: exits.redirect)
            code.place(next)
        }
        code.jump(to: exits.redirect)
        code.place(control)
        Self.load(&code, from: 7, to: -4, count: 1, or: exits.pass)
        code.loadByte(0, 10, -4)
        code.jump(if: 0, .equal, header.echo, to: exits.redirect)
        code.jump(to: exits.clone)
    }
}
