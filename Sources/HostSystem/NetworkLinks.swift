internal import CLinux

/// The network interfaces of the namespace in which this value was made, through a socket to the kernel. See rtnetlink(7).
public struct NetworkLinks: ~Copyable {
    private let socket: Descriptor

    /// Opens the socket.
    public init() throws(HostError) { socket = Descriptor(owning: try check("socket", "netlink", lx_route_socket())) }

    /// An address of an interface: the message that sets it, but for the interface it is set on.
    public struct Address: Equatable, Sendable {
        /// AF_INET or AF_INET6.
        let family: UInt8
        /// How many bits name the network.
        let prefixLength: UInt8
        /// IFA_LOCAL, IFA_ADDRESS and IFA_BROADCAST, as they came.
        let attributes: [UInt8]
    }

    /// The number of the interface with this name, in the namespace of the calling process. See if_nametoindex(3).
    public static func index(of name: String) throws(HostError) -> Int32 {
        // SAFETY: the string is NUL-terminated for the length of the call.
        try check("if_nametoindex", name, unsafe lx_link_index(name))
    }

    /// The names of all interfaces in the namespace of the calling process. See proc(5), /proc/net/dev.
    public static func names() throws(HostError) -> Set<String> {
        let lines = try readText("/proc/thread-self/net/dev").split(separator: "\n").dropFirst(2)
        return Set(lines.compactMap { $0.split(separator: ":").first.map { $0.filter { $0 != " " } } })
    }

    /// The permanent addresses of global scope that an interface has.
    public func addresses(of index: Int32) throws(HostError) -> [Address] {
        // struct ifaddrmsg: family, prefix length, flags, scope, interface.
        try ask(Message(.addresses, flags: 0x300, body: [UInt8](repeating: 0, count: 8)))
        var found = [Address]()
        while true {
            for message in try receive() {
                if message.type == Message.done { return found }
                guard message.type == Message.Kind.newAddress.rawValue, message.body.count >= 8 else { continue }
                let isPermanent = message.body[2] & 0x80 != 0
                guard message.body.number(at: 4) == UInt32(bitPattern: index), isPermanent, message.body[3] == 0 else {
                    continue
                }
                let kept = message.attributes(after: 8).filter { [1, 2, 4].contains($0.kind) }
                found.append(
                    Address(
                        family: message.body[0], prefixLength: message.body[1],
                        attributes: kept.flatMap { Message.attribute($0.kind, $0.value) }))
            }
        }
    }

    /// Moves an interface to another network namespace and gives it a name there; `%d` in it becomes a free number.
    public func move(_ index: Int32, to namespace: Int32, named name: String) throws(HostError) {
        var message = Message(.newLink, flags: 4, body: Self.link(index, flags: 0, change: 1))
        message.body += Message.attribute(3, [UInt8](name.utf8) + [0])
        message.body += Message.attribute(28, bytes(UInt32(bitPattern: namespace)))
        try ask(message)
        try confirm("move link", name)
    }

    /// Gives an interface an address.
    public func add(_ address: Address, to index: Int32) throws(HostError) {
        let head = [address.family, address.prefixLength, 0x80, 0] + bytes(UInt32(bitPattern: index))
        try ask(Message(.newAddress, flags: 0x604, body: head + address.attributes))
        try confirm("add address", "link \(index)")
    }

    /// Sets an interface to work.
    public func setUp(_ index: Int32) throws(HostError) {
        try ask(Message(.newLink, flags: 4, body: Self.link(index, flags: 1, change: 1)))
        try confirm("set up link", "\(index)")
    }

    /// struct ifinfomsg: family, type, interface, flags, which of them count.
    private static func link(_ index: Int32, flags: UInt32, change: UInt32) -> [UInt8] {
        [0, 0, 0, 0] + bytes(UInt32(bitPattern: index)) + bytes(flags) + bytes(change)
    }

    private func ask(_ message: Message) throws(HostError) { try sendMessage(message.bytes, to: socket.raw) }

    private func receive() throws(HostError) -> [Message] { Message.all(in: try receiveMessage(socket.raw)) }

    private func confirm(_ call: StaticString, _ subject: String) throws(HostError) {
        guard let answer = try receive().first, answer.type == Message.error, answer.body.count >= 4 else {
            throw HostError(call: "netlink", subject: subject, errno: EPROTO)
        }
        try check(call, subject, Int32(bitPattern: answer.body.number(at: 0)))
    }
}

/// A message of netlink(7): 16 bytes of head, a fixed structure, attributes.
private struct Message {
    enum Kind: UInt16 { case newLink = 16, newAddress = 20, addresses = 22 }
    static let error: UInt16 = 2
    static let done: UInt16 = 3

    var type: UInt16
    /// NLM_F_* but for NLM_F_REQUEST, which every question has.
    var flags: UInt16
    var body: [UInt8]

    init(_ kind: Kind, flags: UInt16, body: [UInt8]) {
        (type, self.flags, self.body) = (kind.rawValue, flags | 1, body)
    }

    private init(type: UInt16, body: [UInt8]) { (self.type, flags, self.body) = (type, 0, body) }

    var bytes: [UInt8] {
        HostSystem.bytes(UInt32(16 + body.count)) + HostSystem.bytes(type) + HostSystem.bytes(flags)
            + [UInt8](repeating: 0, count: 8) + body
    }

    /// The messages that a buffer holds.
    static func all(in buffer: [UInt8]) -> [Message] {
        var (messages, at) = ([Message](), 0)
        while at + 16 <= buffer.count {
            let length = Int(buffer.number(at: at))
            guard length >= 16, at + length <= buffer.count else { break }
            let type = UInt16(buffer[at + 4]) | UInt16(buffer[at + 5]) << 8
            messages.append(Message(type: type, body: Array(buffer[(at + 16)..<(at + length)])))
            at += (length + 3) & ~3
        }
        return messages
    }

    /// An attribute: length, kind, value, filled up to four bytes.
    static func attribute(_ kind: UInt16, _ value: [UInt8]) -> [UInt8] {
        HostSystem.bytes(UInt16(4 + value.count)) + HostSystem.bytes(kind) + value
            + [UInt8](repeating: 0, count: -value.count & 3)
    }

    func attributes(after offset: Int) -> [(kind: UInt16, value: [UInt8])] {
        var (found, at) = ([(kind: UInt16, value: [UInt8])](), offset)
        while at + 4 <= body.count {
            let length = Int(UInt16(body[at]) | UInt16(body[at + 1]) << 8)
            guard length >= 4, at + length <= body.count else { break }
            found.append((UInt16(body[at + 2]) | UInt16(body[at + 3]) << 8, Array(body[(at + 4)..<(at + length)])))
            at += (length + 3) & ~3
        }
        return found
    }
}

/// A number's bytes in the machine's order, which netlink(7) uses: the lowest first.
private func bytes<T: FixedWidthInteger>(_ number: T) -> [UInt8] {
    (0..<(T.bitWidth / 8)).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
}

extension [UInt8] {
    fileprivate func number(at offset: Int) -> UInt32 {
        (0..<4).reduce(0) { $0 | UInt32(self[offset + $1]) << UInt32($1 * 8) }
    }
}
