internal import CLinux

/// A socket to the kernel's network configuration in the namespace it is made in. See netlink(7).
public struct NetlinkSocket: ~Copyable {
    /// What it configures.
    public enum Family: Int32, Sendable {
        /// Links, addresses, routes, queues: rtnetlink(7).
        case route = 0
        /// Packet filters.
        case netfilter = 12
    }

    private let socket: Descriptor

    /// Opens the socket.
    public init(_ family: Family = .route) throws(HostError) {
        socket = Descriptor(owning: try check("socket", "netlink", lx_netlink_socket(family.rawValue)))
    }

    /// Asks for everything of a kind that there is; `body` is the kind's structure.
    public func list(_ kind: NetlinkMessage.Kind, _ body: [UInt8]) throws(HostError) -> [NetlinkMessage] {
        try list(NetlinkMessage(kind, flags: .list, body: body), "\(kind)")
    }

    /// Asks for all tables of a family of nf_tables.
    public func listTables(_ family: PacketTableFamily) throws(HostError) -> [NetlinkMessage] {
        try list(NetlinkMessage(.tables, family, flags: .list, []), "tables")
    }

    private func list(
        _ question: NetlinkMessage, _ subject: @autoclosure () -> String
    ) throws(HostError) -> [NetlinkMessage] {
        try sendMessage(question.bytes(), to: socket.raw)
        var found: [NetlinkMessage] = []
        while true {
            for message in NetlinkMessage.all(in: try receiveMessage(socket.raw)) {
                if message.type == NetlinkMessage.done { return found }
                if message.type == NetlinkMessage.error { try confirm(message, "netlink", subject()) }
                found.append(message)
            }
        }
    }

    /// Has a change made, and waits until it is.
    ///
    /// - Parameters:
    ///   - body: The kind's structure, and attributes.
    ///   - call: What it does, for the error.
    ///   - subject: To what.
    public func perform(
        _ kind: NetlinkMessage.Kind, _ body: [UInt8], flags: NetlinkMessage.Flags = [], _ call: StaticString,
        _ subject: @autoclosure () -> String
    ) throws(HostError) {
        try perform(NetlinkMessage(kind, flags: flags, body: body).bytes(confirmed: true), call, subject())
    }

    /// Has all of several changes made, or none, and waits until they are. See the kernel's nfnetlink.c.
    ///
    /// - Parameters:
    ///   - changes: Of nf_tables.
    ///   - call: What they do together, for the error.
    ///   - subject: To what.
    public func perform(
        all changes: [NetlinkMessage], _ call: StaticString, _ subject: @autoclosure () -> String
    ) throws(HostError) {
        // The answer to the last one comes when all are made.
        let confirmed = changes.indices.map { changes[$0].bytes(confirmed: $0 == changes.count - 1) }
        let batch = [NetlinkMessage.beginOfTables.bytes()] + confirmed + [NetlinkMessage.endOfTables.bytes()]
        try perform(batch.flatMap { $0 }, call, subject())
    }

    private func perform(
        _ bytes: [UInt8], _ call: StaticString, _ subject: @autoclosure () -> String
    ) throws(HostError) {
        try sendMessage(bytes, to: socket.raw)
        guard let answer = NetlinkMessage.all(in: try receiveMessage(socket.raw)).first,
            answer.type == NetlinkMessage.error
        else { throw HostError(call: "netlink", subject: subject(), errno: EPROTO) }
        try confirm(answer, call, subject())
    }

    private func confirm(
        _ answer: NetlinkMessage, _ call: StaticString, _ subject: @autoclosure () -> String
    ) throws(HostError) {
        guard let code = answer.body.machineNumber(UInt32.self, at: 0) else {
            throw HostError(call: "netlink", subject: subject(), errno: EPROTO)
        }
        try check(call, subject(), Int32(bitPattern: code))
    }
}

/// A message of netlink(7): 16 bytes of head, a fixed structure, attributes.
public struct NetlinkMessage: Sendable {
    /// What is asked for: RTM_*.
    public enum Kind: UInt16, Sendable {
        case newLink = 16, deleteLink, links
        case newAddress = 20
        case addresses = 22
        case newRoute = 24
        case routes = 26
        case newNeighbour = 28, deleteNeighbour
        case newQueue = 36, deleteQueue, queues
        case newFilter = 44, deleteFilter, filters
    }

    /// NLM_F_*.
    public struct Flags: OptionSet, Sendable {
        /// The bits.
        public let rawValue: UInt16
        /// The flags with these bits.
        public init(rawValue: UInt16) { self.rawValue = rawValue }
        /// Make it, only if it is not there yet: NLM_F_CREATE and NLM_F_EXCL.
        public static let createNew = Flags(rawValue: 0x600)
        static let request = Flags(rawValue: 1)
        /// Answer with an error number, 0 for none.
        static let confirm = Flags(rawValue: 4)
        static let list = Flags(rawValue: 0x300)
    }

    static let error: UInt16 = 2
    static let done: UInt16 = 3

    /// RTM_*, or NLMSG_*.
    public let type: UInt16
    /// The structure of the kind, and attributes.
    public let body: [UInt8]
    private let flags: Flags

    /// A question or an order.
    init(_ kind: Kind, flags: Flags, body: [UInt8]) {
        self.init(type: kind.rawValue, flags: flags, body: body)
    }

    init(type: UInt16, flags: Flags, body: [UInt8]) {
        (self.type, self.flags, self.body) = (type, flags.union(.request), body)
    }

    private init(type: UInt16, body: [UInt8]) { (self.type, flags, self.body) = (type, [], body) }

    /// As it is sent.
    ///
    /// - Parameter confirmed: Whether it is to be answered with an error number, 0 for none.
    func bytes(confirmed: Bool = false) -> [UInt8] {
        let flags = confirmed ? flags.union(.confirm) : flags
        return machineBytes(UInt32(16 + body.count)) + machineBytes(type) + machineBytes(flags.rawValue)
            + [UInt8](repeating: 0, count: 8) + body
    }

    /// The messages that a buffer holds.
    static func all(in buffer: [UInt8]) -> [NetlinkMessage] {
        var (messages, at) = ([NetlinkMessage](), 0)
        while let length = buffer.machineNumber(UInt32.self, at: at).map(Int.init), length >= 16,
            at + length <= buffer.count, let type = buffer.machineNumber(UInt16.self, at: at + 4)
        {
            messages.append(NetlinkMessage(type: type, body: Array(buffer[(at + 16)..<(at + length)])))
            at += (length + 3) & ~3
        }
        return messages
    }

    /// An attribute: length, kind, value, filled up to four bytes.
    public static func attribute(_ kind: UInt16, _ value: [UInt8]) -> [UInt8] {
        machineBytes(UInt16(4 + value.count)) + machineBytes(kind) + value
            + [UInt8](repeating: 0, count: -value.count & 3)
    }

    /// The attributes behind the structure of the message's kind, which has `offset` bytes.
    public func attributes(after offset: Int) -> [(kind: UInt16, value: [UInt8])] {
        Self.attributes(in: Array(body.dropFirst(offset)))
    }

    /// The value of the first attribute of a kind, empty where there is none.
    public static func value(_ kind: UInt16, in attributes: [(kind: UInt16, value: [UInt8])]) -> [UInt8] {
        attributes.first { $0.kind == kind }?.value ?? []
    }

    /// The attributes in the value of an attribute that holds some.
    public static func attributes(in bytes: [UInt8]) -> [(kind: UInt16, value: [UInt8])] {
        var (found, at) = ([(kind: UInt16, value: [UInt8])](), 0)
        while let length = bytes.machineNumber(UInt16.self, at: at).map(Int.init), length >= 4,
            at + length <= bytes.count, let kind = bytes.machineNumber(UInt16.self, at: at + 2)
        {
            // NLA_F_NESTED and NLA_F_NET_BYTEORDER are no part of the kind.
            found.append((kind & 0x3FFF, Array(bytes[(at + 4)..<(at + length)])))
            at += (length + 3) & ~3
        }
        return found
    }
}

/// A number's bytes in the machine's order, which netlink(7) uses: the lowest first.
public func machineBytes(_ number: some FixedWidthInteger) -> [UInt8] {
    (0..<(number.bitWidth / 8)).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
}

extension [UInt8] {
    /// The number at `offset` in the machine's order; nil when it would end outside.
    public func machineNumber<Number: FixedWidthInteger>(_ type: Number.Type, at offset: Int) -> Number? {
        let width = Number.bitWidth / 8
        guard offset >= 0, offset + width <= count else { return nil }
        return self[offset..<(offset + width)].reversed().reduce(0) { $0 << 8 | Number(truncatingIfNeeded: $1) }
    }
}
