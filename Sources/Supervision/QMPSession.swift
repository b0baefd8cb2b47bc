internal import GuestModel
internal import HostSystem

/// The supervisor's end of a QMP connection: greeting, negotiation, commands, events.
///
/// See docs/interop/qmp-spec.rst of QEMU. Every message is a JSON object on a line of its own.
struct QMPSession: ControlSession {
    let socket: Int32
    let takesManyAtOnce = true
    private var buffer: [UInt8] = []

    /// Longer lines are none of this protocol's.
    private static let longestLine = 1 << 20

    init(_ socket: Int32) { self.socket = socket }

    func send(_ request: MonitorRequest) throws(HostError) {
        try writeAll([UInt8]("{\"execute\":\"\(request.name)\"}\n".utf8), to: socket, named: "monitor")
    }

    mutating func receive() throws -> [ControlMessage]? {
        guard try read(into: &buffer) else { return nil }
        var messages: [ControlMessage] = []
        while let end = buffer.firstIndex(of: UInt8(ascii: "\n")) {
            if let message = try Self.message([UInt8](buffer[..<end])) { messages.append(message) }
            buffer.removeFirst(end + 1)
        }
        guard buffer.count <= Self.longestLine else { throw Failure("the monitor's message has no end") }
        return messages
    }

    /// The message of a line; nil for one that means nothing here.
    static func message(_ line: [UInt8]) throws -> ControlMessage? {
        guard line.contains(where: { $0 > 32 }) else { return nil }
        let json = try parseJSON(line, named: "the monitor's message")
        if json["QMP"] != nil { return .event("greeting") }
        if json["return"] != nil { return .done }
        if let error = json["error"] { return .refused(error["desc"]?.string ?? "no reason") }
        return json["event"]?.string.map { .event($0) }
    }
}
