internal import HostSystem

/// The supervisor's end of a QMP connection: greeting, negotiation, commands one at a time, events.
///
/// See docs/interop/qmp-spec.rst of QEMU. Every message is a JSON object on a line of its own.
struct QMPSession {
    /// What the monitor says.
    enum Message: Equatable {
        /// It is there and waits for the capabilities to be negotiated.
        case greeting
        /// The command in hand has been carried out.
        case done
        /// It has not, and why.
        case refused(String)
        /// Something has happened.
        case event(String)
    }

    /// The connection; it stays open as long as this process lives.
    let socket: Int32
    private var buffer: [UInt8] = []

    /// Longer lines are none of this protocol's.
    private static let longestLine = 1 << 20

    init(_ socket: Int32) { self.socket = socket }

    /// Sends a command without arguments.
    func send(_ command: String) throws(HostError) {
        try writeAll([UInt8]("{\"execute\":\"\(command)\"}\n".utf8), to: socket, named: "monitor")
    }

    /// Reads what has come; nil at the connection's end.
    mutating func receive() throws -> [Message]? {
        let bytes: [UInt8]
        do throws(HostError) {
            bytes = try readSome(socket, named: "monitor")
        } catch {
            // It ended before it had read everything.
            if error.isDisconnected { return nil }
            throw error
        }
        if bytes.isEmpty { return nil }
        buffer += bytes
        var messages: [Message] = []
        while let end = buffer.firstIndex(of: UInt8(ascii: "\n")) {
            if let message = try Self.message([UInt8](buffer[..<end])) { messages.append(message) }
            buffer.removeFirst(end + 1)
        }
        guard buffer.count <= Self.longestLine else { throw Failure("the monitor's message has no end") }
        return messages
    }

    /// The message of a line; nil for one that means nothing here.
    static func message(_ line: [UInt8]) throws -> Message? {
        guard line.contains(where: { $0 > 32 }) else { return nil }
        let json = try parseJSON(line, named: "the monitor's message")
        if json["QMP"] != nil { return .greeting }
        if json["return"] != nil { return .done }
        if let error = json["error"] { return .refused(error["desc"]?.string ?? "no reason") }
        return json["event"]?.string.map { .event($0) }
    }
}
