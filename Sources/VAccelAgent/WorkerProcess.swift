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
                try WorkerConfinement.apply(settings.limits, socket: socket)
            } catch {
                log.warning("\(description.name): \(error)")
                let reason = (error as? OperationError) ?? .library("\(error)")
                try send(WorkerAnswer.error(reason).encoded, stream: 0, to: socket)
                exitNow(1)
            }
            try send(WireBuffer(), stream: 0, to: socket)
            var regions: [UInt32: RegionLease] = [:]
            while let (header, message, file) = try receive(socket) {
                if header.kind == FrameHeader.Kind.request {
                    try send(answer(to: Bytes(message), regions, of: backend).encoded, stream: 1, to: socket)
                } else {
                    try note(Bytes(message), header, file, in: &regions)
                }
            }
            exitNow(0)
        } catch {
            log.debug("\(description.name): worker: \(error)")
            exitNow(1)
        }
    }

    /// The field of an operation's message with the region for its results.
    static let roomField: UInt64 = 60

    private static func answer(
        to request: Bytes, _ regions: [UInt32: RegionLease], of backend: any Backend
    ) -> WorkerAnswer {
        do throws(OperationError) {
            guard let operation = try? Operation(request, regions: regions), let fields = try? Fields(request) else {
                throw .invalid("the operation is malformed")
            }
            let room = ResultRoom(regions[UInt32(truncatingIfNeeded: fields.number(roomField))])
            return .result(try backend.perform(operation, in: room))
        } catch { return .error(error) }
    }

    /// A region that comes, with its file, or goes.
    private static func note(
        _ message: Bytes, _ header: FrameHeader, _ file: Int32, in regions: inout [UInt32: RegionLease]
    ) throws {
        guard file >= 0 else {
            regions[UInt32(truncatingIfNeeded: try Fields(message).number(1))] = nil
            return
        }
        let notice = try RegionNotice(message)
        let region = try SharedRegion(
            number: notice.number, bytes: notice.bytes, purpose: notice.purpose, received: Descriptor(owning: file))
        regions[notice.number] = RegionLease(region)
    }

    private static func send(_ message: WireBuffer, stream: UInt32, to socket: Int32) throws(HostError) {
        var frame = WireBuffer()
        let header = FrameHeader(length: UInt32(message.count), stream: stream, kind: FrameHeader.Kind.response)
        frame.append(Bytes(header.bytes))
        frame.append(message)
        for piece in frame.pieces { try sendAll(piece, to: socket) }
    }

    /// The next frame, and the file that came with it, -1 for none; nil when the agent is gone.
    private static func receive(
        _ socket: Int32
    ) throws(HostError) -> (header: FrameHeader, payload: [UInt8], file: Int32)? {
        var head = [UInt8](repeating: 0, count: FrameHeader.size)
        var file: Int32 = -1
        guard case .bytes(let count) = try receiveSome(socket, into: &head, at: 0, file: &file),
            try fill(&head, from: socket, after: count), let header = FrameHeader(Bytes(head))
        else { return nil }
        var payload = bytesToFill(Int(header.length))
        return try fill(&payload, from: socket) ? (header, payload, file) : nil
    }

    private static func fill(_ bytes: inout [UInt8], from socket: Int32, after first: Int = 0) throws(HostError) -> Bool
    {
        var filled = first
        while filled < bytes.count {
            guard case .bytes(let count) = try receiveSome(socket, into: &bytes, at: filled) else { return false }
            filled += count
        }
        return true
    }
}
