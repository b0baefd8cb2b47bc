import HostLibraries
import HostSystem
import VAccelProtocol

/// One connection of the guest.
final class Connection {
    let channel: Channel
    let token: UInt64
    /// What the event set was told to wait for.
    var isReadable = true, isWritable = false
    /// Calls that are not answered yet, streams included.
    var calls = 0
    /// Streams that are open.
    var streams: [UInt32: GenericStream] = [:]
    /// When a frame that has begun must be complete, and when something must have been read of what was sent.
    var readDeadline: Int64?, writeDeadline: Int64?
    /// What was unsent when the write deadline was set.
    private var unsent = 0

    /// Above this nothing more is read from a guest that does not read its answers.
    private static let mostUnsent = 1 << 20

    init(_ socket: consuming Descriptor, token: UInt64) {
        channel = Channel(socket)
        self.token = token
    }

    /// Whether requests are taken.
    var takesRequests: Bool { channel.unsent <= Self.mostUnsent }

    /// Sets or lifts the deadlines after something was read or sent.
    func noteProgress(_ limits: Limits) {
        if !channel.isWithinFrame { readDeadline = nil }
        if channel.unsent == 0 { writeDeadline = nil }
        let starts = channel.isWithinFrame && readDeadline == nil
        let waits = channel.unsent > 0 && (writeDeadline == nil || channel.unsent < unsent)
        unsent = channel.unsent
        guard starts || waits else { return }
        let deadline = monotonicNanoseconds() + limits.frameMilliseconds * 1_000_000
        if starts { readDeadline = deadline }
        if waits { writeDeadline = deadline }
    }

    /// The earlier of the deadlines.
    var deadline: Int64? {
        guard let readDeadline, let writeDeadline else { return readDeadline ?? writeDeadline }
        return min(readDeadline, writeDeadline)
    }
}

/// A generic call that comes in pieces: one argument or a part of one in each message.
final class GenericStream {
    let service: String
    let generation: Generation
    private var call = GenericCall()
    private var parts: [UInt8] = []
    private var bytes = 0

    init(service: String, generation: Generation) { (self.service, self.generation) = (service, generation) }

    /// The bytes of all messages on the ledger, to live as long as the call.
    private(set) var charge: Ledger.Charge?

    /// Takes a message.
    func add(_ payload: Bytes, ledger: Ledger, limits: Limits) throws(CallFailure) {
        let message: GenericCall
        do throws(WireError) {
            message = try GenericCall(payload, generation)
        } catch { throw CallFailure(.invalidArgument, error.description) }
        bytes += payload.count
        guard bytes <= limits.frameBytes else {
            throw CallFailure(.resourceExhausted, "the stream is larger than \(limits.frameBytes) bytes", errno: 12)
        }
        if let charge {
            guard charge.grow(by: payload.count) else { throw .operation(errno: 12) }
        } else {
            charge = ledger.charge(payload.count)
            guard charge != nil else { throw .operation(errno: 12) }
        }
        if message.session != 0 { call.session = message.session }
        for argument in message.read { try add(argument, to: &call.read) }
        for argument in message.write { try add(argument, to: &call.write) }
    }

    private func add(_ argument: Argument, to list: inout [Argument]) throws(CallFailure) {
        var argument = argument
        if argument.parts > 1 {
            guard argument.part >= 1, argument.part <= argument.parts, (argument.part == 1) == parts.isEmpty else {
                throw .operation(errno: 22)
            }
            parts += argument.content
            guard argument.part == argument.parts else { return }
            argument.content = Bytes(parts)
            parts = []
        } else {
            argument.content = Bytes(argument.content.array)
        }
        (argument.parts, argument.part) = (0, 0)
        guard list.count < 64 else { throw .operation(errno: 22) }
        list.append(argument)
    }

    /// The whole call.
    func finished() throws(CallFailure) -> GenericCall {
        guard parts.isEmpty else { throw .operation(errno: 22) }
        return call
    }
}
