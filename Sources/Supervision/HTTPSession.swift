internal import GuestModel
internal import HostSystem

/// The supervisor's end of a monitor's HTTP API: one request at a time over one connection.
///
/// See RFC 9112. What such a monitor refuses it explains in JSON.
struct HTTPSession: ControlSession {
    let socket: Int32
    let takesManyAtOnce = false
    private var buffer: [UInt8] = []

    /// Longer answers are none that is asked for here.
    private static let longestAnswer = 1 << 20
    private static let endOfHead: [UInt8] = [13, 10, 13, 10]

    init(_ socket: Int32) { self.socket = socket }

    func send(_ request: MonitorRequest) throws(HostError) {
        var text = "\(request.name) HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n"
        if !request.body.isEmpty { text += "Content-Type: application/json\r\n" }
        text += "Content-Length: \(request.body.utf8.count)\r\n\r\n\(request.body)"
        try writeAll([UInt8](text.utf8), to: socket, named: "monitor")
    }

    mutating func receive() throws -> [ControlMessage]? {
        guard try read(into: &buffer) else { return nil }
        var messages: [ControlMessage] = []
        while let message = try Self.takeAnswer(from: &buffer) { messages.append(message) }
        guard buffer.count <= Self.longestAnswer else { throw Failure("the monitor's answer has no end") }
        return messages
    }

    /// Takes the first answer from `buffer`; nil when it is not all there yet.
    static func takeAnswer(from buffer: inout [UInt8]) throws(Failure) -> ControlMessage? {
        let size = endOfHead.count
        guard let end = buffer.indices.dropLast(size - 1).first(where: { buffer[$0...].starts(with: endOfHead) }) else {
            return nil
        }
        let lines = String(decoding: buffer[..<end], as: UTF8.self).split(separator: "\r\n")
        let words = lines.first?.split(separator: " ") ?? []
        guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else {
            throw Failure("the monitor's answer is not HTTP")
        }
        var length = 0
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2, parts[0].lowercased() == "content-length" else { continue }
            guard let number = Int(parts[1].drop { $0 == " " }), 0...longestAnswer ~= number else {
                throw Failure("the monitor's answer has a length that is none")
            }
            length = number
        }
        guard buffer.count >= end + size + length else { return nil }
        let body = [UInt8](buffer[(end + size)..<(end + size + length)])
        buffer.removeFirst(end + size + length)
        return 200..<300 ~= status ? .done : .refused(reason(body, status))
    }

    /// Firecracker's word for it, Cloud Hypervisor's chain of causes, else all that was said.
    private static func reason(_ body: [UInt8], _ status: Int) -> String {
        let json = try? parseJSON(body, named: "the monitor's answer")
        let causes = json?.array.map { $0.compactMap(\.string).joined(separator: ": ") }
        let text = json?["fault_message"]?.string ?? causes ?? String(decoding: body, as: UTF8.self)
        return text.isEmpty ? "status \(status)" : text.split(whereSeparator: \.isNewline).joined(separator: "; ")
    }
}
