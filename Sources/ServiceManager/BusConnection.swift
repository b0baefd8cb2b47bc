internal import HostSystem

/// A connection to systemd, directly or through a message bus. See the D-Bus specification.
final class BusConnection {
    private let socket: Descriptor
    private let name: String
    private var serial: UInt32 = 0
    private var received: [UInt8] = []
    /// Signals that came while a reply was waited for.
    private var signals: [BusMessage] = []

    /// Connects and says who calls: the kernel tells the other side the caller's user (SASL EXTERNAL).
    init(to path: String) throws(HostError) {
        name = path
        socket = try connectUnix(to: path, stream: true)
        // No name in the first line: what the kernel says counts, in whichever user namespace this is.
        try writeAll([0] + Array("AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n".utf8), to: socket.raw, named: path)
        var lines = [[UInt8]]()
        let deadline = monotonicNanoseconds() + 5_000_000_000
        while lines.count < 2 {
            try receive(until: deadline)
            while let end = received.firstIndex(of: 10), lines.count < 2 {
                lines.append(Array(received[..<end]))
                received.removeFirst(end + 1)
            }
            // A server that takes the empty name at once has one line less to say.
            if lines.first.map({ $0.starts(with: Array("OK".utf8)) }) == true { break }
        }
        guard lines.last?.starts(with: Array("OK".utf8)) == true else {
            throw HostError(call: "authenticate at", subject: path, errno: 13)
        }
    }

    /// Waits for bytes and adds them to what came so far.
    private func receive(until deadline: Int64) throws(HostError) {
        let left = (deadline - monotonicNanoseconds()) / 1_000_000
        guard left > 0 else { throw HostError(call: "wait for an answer of", subject: name, errno: 110) }
        guard try waitUntilReadable([socket.raw], timeout: Int32(clamping: left))[0] else { return }
        let more = try readSome(socket.raw, named: name)
        if more.isEmpty { throw HostError(call: "read", subject: name, errno: 104) }
        received += more
    }

    private func next(until deadline: Int64) throws(HostError) -> BusMessage {
        while true {
            if let size = BusMessage.size(received), size == 0 || size <= received.count {
                guard size > 0, let message = BusMessage(Array(received[..<size])) else {
                    throw HostError(call: "read a message of", subject: name, errno: 74)
                }
                received.removeFirst(size)
                return message
            }
            try receive(until: deadline)
        }
    }

    /// Calls a method and waits for its reply.
    ///
    /// - Throws: ``BusError`` when the other side answers with an error, ``HostSystem/HostError`` when it does not answer.
    func call(
        _ destination: String, _ path: String, _ interface: String, _ member: String, signature: String = "",
        _ fill: (inout BusWriter) -> Void = { _ in }
    ) throws -> BusMessage {
        serial += 1
        var message = BusMessage(kind: .call, serial: serial)
        (message.path, message.interface, message.member) = (path, interface, member)
        (message.destination, message.signature) = (destination, signature)
        var writer = BusWriter()
        fill(&writer)
        message.body = writer.bytes
        try writeAll(message.bytes, to: socket.raw, named: name)
        let deadline = monotonicNanoseconds() + 25_000_000_000
        while true {
            let answer = try next(until: deadline)
            if answer.kind == .signal { signals.append(answer) }
            guard answer.replySerial == serial else { continue }
            if answer.kind == .reply { return answer }
            var reader = BusReader(answer.body)
            throw BusError(name: answer.errorName, text: answer.signature.hasPrefix("s") ? reader.string() ?? "" : "")
        }
    }

    /// The next signal for which `isWanted` is true; those that came already are looked at first.
    func signal(_ member: String, until deadline: Int64, where isWanted: (BusMessage) -> Bool) throws(HostError)
        -> BusMessage
    {
        for message in signals where message.member == member && isWanted(message) { return message }
        signals = []
        while true {
            let message = try next(until: deadline)
            if message.kind == .signal && message.member == member && isWanted(message) { return message }
        }
    }
}

/// An error that the other side answered with.
public struct BusError: Error, Equatable, CustomStringConvertible {
    /// `org.freedesktop.systemd1.NoSuchUnit`, for instance.
    public let name: String
    /// What it says.
    public let text: String

    /// The text, or the name where there is none.
    public var description: String { text.isEmpty ? name : text }

    /// Whether there is no such unit.
    public var isNoSuchUnit: Bool { name == "org.freedesktop.systemd1.NoSuchUnit" }
}
