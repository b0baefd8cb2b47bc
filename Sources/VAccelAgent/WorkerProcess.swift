internal import HostLibraries
import HostSystem
import VAccelProtocol

/// The other side of a ``Worker``: makes the back-end, confines itself, carries out operations until the agent is gone.
enum WorkerProcess {
    /// Runs in a new process, and ends it.
    static func run(_ description: BackendDescription, _ settings: AgentSettings, socket: Int32, log: Log) -> Never {
        do {
            resetSignals()
            try closeDescriptors(except: [socket])
            let backend: any Backend
            do {
                backend = try description.make(settings.backend)
                try WorkerConfinement.apply(settings.limits)
            } catch {
                log.warning("\(description.name): \(error)")
                let reason = (error as? OperationError) ?? .library("\(error)")
                try send(WorkerAnswer.error(reason).encoded, stream: 0, to: socket)
                exitNow(1)
            }
            try send(WireBuffer(), stream: 0, to: socket)
            while let request = try receive(socket) {
                try send(answer(to: request, of: backend).encoded, stream: 1, to: socket)
            }
            exitNow(0)
        } catch {
            log.debug("\(description.name): worker: \(error)")
            exitNow(1)
        }
    }

    private static func answer(to request: [UInt8], of backend: any Backend) -> WorkerAnswer {
        do throws(OperationError) {
            guard let operation = try? Operation(request[...]) else { throw .invalid("the operation is malformed") }
            return .result(try backend.perform(operation))
        } catch { return .error(error) }
    }

    private static func send(_ message: WireBuffer, stream: UInt32, to socket: Int32) throws(HostError) {
        var frame = WireBuffer()
        let header = FrameHeader(length: UInt32(message.count), stream: stream, kind: FrameHeader.Kind.response)
        frame.append(header.bytes[...])
        frame.append(message)
        for piece in frame.pieces { try sendAll(piece, to: socket) }
    }

    /// The next request's payload; nil when the agent is gone.
    private static func receive(_ socket: Int32) throws(HostError) -> [UInt8]? {
        var head = [UInt8](repeating: 0, count: FrameHeader.size)
        guard try fill(&head, from: socket), let header = FrameHeader(head[...]) else { return nil }
        var payload = bytesToFill(Int(header.length))
        return try fill(&payload, from: socket) ? payload : nil
    }

    private static func fill(_ bytes: inout [UInt8], from socket: Int32) throws(HostError) -> Bool {
        var filled = 0
        while filled < bytes.count {
            guard case .bytes(let count) = try receiveSome(socket, into: &bytes, at: filled) else { return false }
            filled += count
        }
        return true
    }
}
