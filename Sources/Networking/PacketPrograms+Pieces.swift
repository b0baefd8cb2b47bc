internal import GuestModel

/// What the programs have in common.
extension PacketPrograms {
    /// Brings the header to memory.
    static func load(_ code: inout PacketCode, _ header: Header, or fail: PacketCode.Label) {
        code.set(2, etherSize)
        loadBytes(&code, header.start, header.size, fail)
    }

    /// Jumps when an address in memory is that one.
    static func compare(
        _ code: inout PacketCode, _ header: Header, _ memory: Int, with address: IPAddress, to label: PacketCode.Label
    ) {
        let next = code.label()
        for part in 0..<header.words {
            code.loadWord(0, 10, memory + part * 4)
            let isLast = part == header.words - 1
            code.jump(if: 0, isLast ? .equal : .notEqual, word(address, part), to: isLast ? label : next)
        }
        code.place(next)
    }

    /// Jumps when the packet of IPv4 is no whole one and not the beginning of one.
    static func jumpIfFragment(_ code: inout PacketCode, _ header: Header, to label: PacketCode.Label) {
        code.loadHalf(0, 10, header.start + 6)
        code.jump(if: 0, .anyBit, 0xFF1F, to: label)
    }

    /// The place of the header behind that of IP, to R7.
    static func transportOffset(_ code: inout PacketCode, _ header: Header) {
        guard header.isVersion4 else { return code.set(7, etherSize + header.size) }
        code.loadByte(7, 10, header.start)
        code.and(7, 0x0F)
        code.shiftLeft(7, 2)
        code.add(7, etherSize)
    }

    static func load(
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

    static func store(_ code: inout PacketCode, from memory: Int, to offset: Int32, count: Int32) {
        code.copy(1, from: 6)
        code.set(2, offset)
        code.copy(3, from: 10)
        code.add(3, Int32(memory))
        code.set(4, count)
        code.set(5, 0)
        code.call(.storeBytes)
    }

    /// Whether a socket of the namespace is there for what the tuple in memory says.
    static func lookUp(
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

    static func redirect(_ code: inout PacketCode, to interface: Int32, arriving: Bool = false) {
        code.set(1, interface)
        // BPF_F_INGRESS
        code.set(2, arriving ? 1 : 0)
        code.call(.redirect)
        code.exit()
    }

    /// TC_ACT_UNSPEC: the next filter decides.
    static func pass(_ code: inout PacketCode) {
        code.set(0, -1)
        code.exit()
    }

    /// Four bytes of an address as they stand in memory.
    static func word(_ address: IPAddress, _ part: Int) -> UInt32 {
        address.bytes[(part * 4)..<(part * 4 + 4)].reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }
}
