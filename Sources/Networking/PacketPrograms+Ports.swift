internal import HostSystem

/// Which ports are the guest's: those it was given, and those from which it has begun something itself.
extension PacketPrograms {
    /// A map for ``flows``, which the guests of an interface have in common. The kernel forgets what was used least recently.
    ///
    /// Its keys are a remote address of 16 bytes, the remote port and the guest's, and the protocol; its values the number
    /// of the guest's tap.
    static func makeFlows() throws(HostError) -> Descriptor {
        try makeRecentlyUsedMap(keySize: UInt32(keySize), valueSize: UInt32(valueSize), capacity: 4096)
    }

    private static let (key, keySize, value, valueSize) = (-120, 24, -128, 4)

    /// Ports to -4, from the place in R7; passes a packet whose port is not the guest's.
    ///
    /// - Parameter remote: Where in memory the address is that the guest knows the other end by.
    func loadPorts(_ code: inout PacketCode, _ header: Header, remote: Int, or pass: PacketCode.Label) {
        Self.load(&code, from: 7, to: -4, count: 4, or: pass)
        if ports.isEmpty { return }
        let mine = code.label()
        code.loadHalf(0, 10, -2)
        jumpIfGiven(&code, to: mine)
        // The packet has them in the order of the key: that of the remote end, that of the guest.
        code.loadWord(1, 10, -4)
        lookUpFlow(&code, header, remote: remote)
        code.jump(ifNull: 0, to: pass)
        code.loadWord(0, 0, 0)
        code.jump(if: 0, .notEqual, UInt32(bitPattern: tap), to: pass)
        code.place(mine)
    }

    /// Keeps a connection that a packet of the guest's belongs to, whose header is in memory, when its port is none of those
    /// that it was given. Uses R0 to R5 and R7.
    ///
    /// Guests choose ports without asking each other. One that begins a connection gets what another one may have left there.
    func remember(_ code: inout PacketCode, _ header: Header) {
        let (transport, known) = (code.label(), code.label())
        if header.isVersion4 { Self.jumpIfFragment(&code, header, to: known) }
        code.loadByte(0, 10, header.next)
        code.jump(if: 0, .equal, Self.tcp, to: transport)
        code.jump(if: 0, .notEqual, Self.udp, to: known)
        code.place(transport)
        Self.transportOffset(&code, header)
        Self.load(&code, from: 7, to: -4, count: 4, or: known)
        code.loadHalf(0, 10, -4)
        jumpIfGiven(&code, to: known)
        code.loadHalf(1, 10, -4)
        code.shiftLeft(1, 16)
        code.loadHalf(0, 10, -2)
        code.add(1, from: 0)
        lookUpFlow(&code, header, remote: header.destination)
        let new = code.label()
        code.jump(ifNull: 0, to: new)
        code.loadWord(0, 0, 0)
        code.jump(if: 0, .equal, UInt32(bitPattern: tap), to: known)
        code.loadByte(0, 10, header.next)
        code.jump(if: 0, .equal, Self.udp, to: new)
        // TCP's flags: one packet alone has SYN without ACK, the first.
        code.add(7, 13)
        Self.load(&code, from: 7, to: Self.value, count: 1, or: known)
        code.loadByte(0, 10, Self.value)
        code.and(0, 0x12)
        code.jump(if: 0, .notEqual, 0x02, to: known)
        code.place(new)
        code.storeWord(UInt32(bitPattern: tap), at: Self.value)
        code.loadMap(1, flows)
        code.copy(2, from: 10)
        code.add(2, Int32(Self.key))
        code.copy(3, from: 10)
        code.add(3, Int32(Self.value))
        code.set(4, 0)
        code.call(.updateMap)
        code.place(known)
    }

    /// Looks whether the port in R0, as it stands in the packet, is one of those that the guest was given.
    private func jumpIfGiven(_ code: inout PacketCode, to mine: PacketCode.Label) {
        code.reverse16(0)
        for range in ports {
            let next = code.label()
            code.jump(if: 0, .less, UInt32(range.lowerBound), to: next)
            code.jump(if: 0, .greater, UInt32(range.upperBound), to: next)
            code.jump(to: mine)
            code.place(next)
        }
    }

    /// Makes the key, with both ports in R1, and looks it up: R0 is null when it is not there.
    private func lookUpFlow(_ code: inout PacketCode, _ header: Header, remote: Int) {
        code.storeWord(from: 1, at: Self.key + 16)
        for part in 0..<4 {
            if part < header.words {
                code.loadWord(0, 10, remote + part * 4)
                code.storeWord(from: 0, at: Self.key + part * 4)
            } else {
                code.storeWord(0, at: Self.key + part * 4)
            }
        }
        code.loadByte(0, 10, header.next)
        code.storeWord(from: 0, at: Self.key + 20)
        code.loadMap(1, flows)
        code.copy(2, from: 10)
        code.add(2, Int32(Self.key))
        code.call(.lookUpMap)
    }
}
