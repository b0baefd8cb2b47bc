internal import GuestModel

/// What the guest sends, and what the namespace sends to itself.
extension PacketPrograms {
    /// Stand for the namespace's 127.0.0.1 and ::1, and for its own addresses, towards the guest, which has the same itself.
    /// 169.254.83.1 and 169.254.83.2: link-local (RFC 3927), in nobody's use that is known; fd73:776c:6574:53::1 and ::2:
    /// unique local addresses (RFC 4193).
    private static func outer(_ header: Header, _ number: UInt8) -> [UInt8] {
        header.isVersion4
            ? [169, 254, 83, number]
            : [0xFD, 0x73, 0x77, 0x6C, 0x65, 0x74, 0, 0x53, 0, 0, 0, 0, 0, 0, 0, number]
    }

    /// An address of the namespace's that the guest can reach.
    private struct Name {
        /// What the namespace calls it, and what the guest calls it.
        let inner, outer: IPAddress
        /// What the namespace calls the guest there.
        let peer: IPAddress
        /// Whether all that is sent to ``peer`` is the guest's, whatever sockets there are.
        let isGuestsAlone: Bool
    }

    private func names(_ header: Header, own: IPAddress) -> [Name] {
        var names: [Name] = []
        if let agent, header.isVersion4 {
            names.append(
                Name(inner: agent.address, outer: .vaccelAgent, peer: agent.peer, isGuestsAlone: true))
        }
        if isAlone { return names }
        let loopback: [UInt8] = header.isVersion4 ? [127, 0, 0, 1] : [UInt8](repeating: 0, count: 15) + [1]
        for (number, bytes) in [loopback, own.bytes].enumerated() {
            guard let inner = IPAddress(bytes: bytes),
                let outer = IPAddress(bytes: Self.outer(header, UInt8(number + 1)))
            else { continue }
            names.append(Name(inner: inner, outer: outer, peer: inner, isGuestsAlone: false))
        }
        return names
    }

    /// Where in memory new addresses are, the source first; and hardware addresses.
    private static let (newAddresses, newHardwareAddresses) = (-80, -96)

    /// For the tap's ingress: everything goes out, but for what is meant for the namespace.
    var fromGuest: [UInt64] {
        var code = PacketCode()
        let (out, back, refuse) = (code.label(), code.label(), code.label())
        let versions = namedVersions.map { ($0.header, $0.own, code.label()) }
        Self.sort(&code, versions.map { ($0.0, $0.2) }, or: out)
        for (header, own, label) in versions {
            code.place(label)
            Self.load(&code, header, or: out)
            if !ports.isEmpty { remember(&code, header) }
            let meant = code.label()
            for name in names(header, own: own) {
                let (matches, next) = (code.label(), code.label())
                Self.compare(&code, header, header.destination, with: name.outer, to: matches)
                code.jump(to: next)
                code.place(matches)
                Self.set(&code, header, source: name.peer, destination: name.inner)
                code.jump(to: meant)
                code.place(next)
            }
            code.jump(to: out)
            code.place(meant)
            Self.transportOffset(&code, header)
            readdress(&code, header, or: refuse)
            code.jump(to: back)
        }
        code.place(out)
        Self.redirect(&code, to: shared)
        if versions.isEmpty { return code.instructions }
        code.place(back)
        // The loopback interface's own hardware address: zeros.
        setHardwareAddresses(&code, [UInt8](repeating: 0, count: 12))
        Self.redirect(&code, to: Self.loopback, arriving: true)
        code.place(refuse)
        // TC_ACT_SHOT
        code.set(0, 2)
        code.exit()
        return code.instructions
    }

    /// For the loopback interface's egress: what a process sends to 127.0.0.1, ::1 or the namespace's own addresses, and no
    /// socket is there for, goes to the guest.
    var fromNamespace: [UInt64]? {
        guard !namedVersions.isEmpty else { return nil }
        var code = PacketCode()
        let (pass, send) = (code.label(), code.label())
        let versions = namedVersions.map { ($0.header, $0.own, code.label()) }
        Self.sort(&code, versions.map { ($0.0, $0.2) }, or: pass)
        for (header, own, label) in versions {
            code.place(label)
            Self.load(&code, header, or: pass)
            let meant = code.label()
            for name in names(header, own: own) {
                let (from, matches, next) = (code.label(), code.label(), code.label())
                Self.compare(&code, header, header.destination, with: name.peer, to: from)
                code.jump(to: next)
                code.place(from)
                Self.compare(&code, header, header.source, with: name.inner, to: matches)
                code.jump(to: pass)
                code.place(matches)
                Self.set(&code, header, source: name.outer, destination: own)
                if name.isGuestsAlone {
                    Self.transportOffset(&code, header)
                    readdress(&code, header, or: pass)
                    code.jump(to: send)
                } else {
                    code.jump(to: meant)
                }
                code.place(next)
            }
            code.jump(to: pass)
            // The kernel refuses a program with a part that is never reached.
            if isAlone { continue }
            code.place(meant)
            sendToGuest(&code, header, pass)
            code.jump(to: send)
        }
        code.place(send)
        // To the guest's, from any other.
        setHardwareAddresses(&code, hardwareAddress + [2, 0, 0, 0, 0, 1])
        Self.redirect(&code, to: tap)
        code.place(pass)
        Self.pass(&code)
        return code.instructions
    }

    private func sendToGuest(_ code: inout PacketCode, _ header: Header, _ pass: PacketCode.Label) {
        Self.transportOffset(&code, header)
        loadPorts(&code, header, remote: Self.newAddresses, or: pass)
        let (udp, none) = (code.label(), code.label())
        code.loadByte(0, 10, header.next)
        code.jump(if: 0, .equal, Self.udp, to: udp)
        code.jump(if: 0, .notEqual, Self.tcp, to: pass)
        Self.lookUp(&code, .lookUpTCP, header.tuple, found: pass)
        code.jump(to: none)
        code.place(udp)
        Self.lookUp(&code, .lookUpUDP, header.tuple, found: pass)
        code.place(none)
        readdress(&code, header, or: pass)
    }

    /// Brings new addresses to memory.
    private static func set(_ code: inout PacketCode, _ header: Header, source: IPAddress, destination: IPAddress) {
        for (number, address) in [source, destination].enumerated() {
            for part in 0..<header.words {
                code.storeWord(word(address, part), at: newAddresses + (number * header.words + part) * 4)
            }
        }
    }

    /// Gives a packet both hardware addresses, the receiver's first.
    private func setHardwareAddresses(_ code: inout PacketCode, _ bytes: [UInt8]) {
        for part in 0..<3 {
            let four = bytes[(part * 4)..<(part * 4 + 4)]
            code.storeWord(
                four.reversed().reduce(0) { $0 << 8 | UInt32($1) }, at: Self.newHardwareAddresses + part * 4)
        }
        Self.store(&code, from: Self.newHardwareAddresses, to: 0, count: 12)
    }

    /// Gives a packet whose header is in memory the new addresses, its checksums too.
    private func readdress(_ code: inout PacketCode, _ header: Header, or refuse: PacketCode.Label) {
        let (udp, changed) = (code.label(), code.label())
        code.loadByte(8, 10, header.next)
        code.jump(if: 8, .equal, Self.udp, to: udp)
        code.jump(if: 8, .notEqual, Self.tcp, to: refuse)
        // Where the checksum is in the header, and BPF_F_PSEUDO_HDR, BPF_F_MARK_MANGLED_0 with the size of a word.
        replaceChecksum(&code, header, at: 16, flags: 0x10 | 4)
        code.jump(to: changed)
        code.place(udp)
        replaceChecksum(&code, header, at: 6, flags: 0x30 | 4)
        code.place(changed)
        if header.isVersion4 {
            for part in 0..<2 {
                code.copy(1, from: 6)
                code.set(2, Self.etherSize + 10)
                Self.loadOldAndNew(&code, header, part)
                code.set(5, 4)
                code.call(.replaceHeaderChecksum)
            }
        }
        let place = Self.etherSize + Int32(header.source - header.start)
        Self.store(&code, from: Self.newAddresses, to: place, count: Int32(header.words * 8))
    }

    private func replaceChecksum(_ code: inout PacketCode, _ header: Header, at offset: Int32, flags: Int32) {
        for part in 0..<(header.words * 2) {
            code.copy(1, from: 6)
            code.copy(2, from: 7)
            code.add(2, offset)
            Self.loadOldAndNew(&code, header, part)
            code.set(5, flags)
            code.call(.replaceChecksum)
        }
    }

    private static func loadOldAndNew(_ code: inout PacketCode, _ header: Header, _ part: Int) {
        code.loadWord(3, 10, header.source + part * 4)
        code.loadWord(4, 10, newAddresses + part * 4)
    }
}
