import HostLibraries
import HostSystem
import VAccelProtocol

/// A back-end in a process of its own, started by its first operation and again after it has ended.
///
/// It carries out one operation after the other. One that crashes it or takes longer than the deadline costs its caller
/// an error; the ones behind it go to the next process.
final class Worker {
    /// An operation that is asked for.
    struct Job {
        let operation: Operation
        /// For a run: the model, in case that this process has not loaded it.
        let model: Model?
        /// Bytes of the request on the ledger.
        let charge: Ledger.Charge?
        let done: (Result<OperationResult, OperationError>, Ledger.Charge?) -> Void
    }

    private struct Process {
        let pid: Int32
        let channel: Channel
        /// Who owns the regions for its results.
        let owner: UInt32
        var isReady = false
        /// The models that it has loaded, and how large their last results were.
        var models: [Int64: Int] = [:]
        /// The regions that it was told of.
        var regions: Set<UInt32> = []
    }

    /// The operation under way.
    private struct Current {
        let job: Job
        /// Whether it is the loading of the job's model.
        let isLoading: Bool
        /// Where its arrays are and its results may be.
        let regions: [UInt32: RegionLease]
    }

    let description: BackendDescription
    private let settings: AgentSettings
    private let regions: RegionPool
    private let events: EventSet
    private let token: UInt64
    private let log: Log
    private var process: Process?
    private var waiting: [Job] = []
    private var current: Current?
    private var isWritable = false
    private var isAnswerTooLarge = false
    /// When the operation counts as hanging, in nanoseconds of the clock that never jumps.
    private(set) var deadline: Int64?

    init(
        _ description: BackendDescription, token: UInt64, settings: AgentSettings, regions: RegionPool,
        events: EventSet,
        log: Log
    ) {
        (self.description, self.token, self.settings) = (description, token, settings)
        (self.regions, self.events, self.log) = (regions, events, log)
    }

    /// Asks for an operation.
    func perform(_ job: Job) {
        waiting.append(job)
        advance()
    }

    /// Starts the next operation when none is under way.
    private func advance() {
        while current == nil, !waiting.isEmpty {
            let job = waiting.removeFirst()
            do throws(OperationError) {
                try start(job)
            } catch { job.done(.failure(error), nil) }
        }
    }

    private func start(_ job: Job) throws(OperationError) {
        if process == nil { try startProcess() }
        guard let process else { throw .failed("no worker") }
        var (operation, isLoading) = (job.operation, false)
        if case .run(let run) = operation, let model = job.model, process.models[run.key] == nil {
            (operation, isLoading) = (.load(model), true)
        }
        let room = room(for: operation, in: process)
        var shared: [UInt32: RegionLease] = [:]
        for lease in operation.contents.compactMap(\.sharedLease) + [room].compactMap(\.self) {
            shared[lease.region.number] = lease
        }
        current = Current(job: job, isLoading: isLoading, regions: shared)
        if process.isReady { setDeadline() }
        var message = operation.encoded
        if let room { message.add(WorkerProcess.roomField, UInt64(room.region.number)) }
        guard message.count <= Int(UInt32.max) else { throw .invalid("the operation is too large") }
        do throws(HostError) {
            for lease in shared.values where !process.regions.contains(lease.region.number) { try introduce(lease) }
            try process.channel.send(Self.frame(message, stream: 1, kind: FrameHeader.Kind.request))
            try watch()
        } catch {
            // One that has ended may have said why: that is read next, and its end after that.
            if !error.isDisconnected { failed("cannot be reached: \(error)") }
        }
    }

    private static func frame(_ message: WireBuffer, stream: UInt32, kind: UInt8, flags: UInt8 = 0) -> WireBuffer {
        var frame = WireBuffer()
        let header = FrameHeader(length: UInt32(message.count), stream: stream, kind: kind, flags: flags)
        frame.append(Bytes(header.bytes))
        frame.append(message)
        return frame
    }

    // MARK: regions

    /// A region for the results of an operation that may be large; nil where they have to come by the socket.
    private func room(for operation: Operation, in process: Process) -> RegionLease? {
        var size = operation.resultBytes
        if case .run(let run) = operation { size = process.models[run.key] ?? 0 }
        guard size > Channel.sharedSize else { return nil }
        // Without one the answer is refused where it does not fit.
        return (try? regions.take(size, for: .worker(process.owner))) ?? nil
    }

    private func introduce(_ lease: RegionLease) throws(HostError) {
        let notice = RegionNotice(lease.region).encoded
        process?.regions.insert(lease.region.number)
        try process?.channel.send(Self.frame(notice, stream: 0, kind: FrameHeader.Kind.data), file: lease)
    }

    /// Lets the process forget regions that are gone, so that their memory is free.
    func forget(_ numbers: [UInt32]) {
        for number in numbers where process?.regions.remove(number) != nil {
            var notice = WireBuffer()
            notice.add(1, UInt64(number))
            let frame = Self.frame(notice, stream: 0, kind: FrameHeader.Kind.data, flags: FrameHeader.Flag.closed)
            do throws(HostError) {
                try process?.channel.send(frame)
                try watch()
            } catch { log.debug("\(description.name): \(error)") }
        }
    }

    private func setDeadline() { deadline = monotonicNanoseconds() + settings.limits.callMilliseconds * 1_000_000 }

    private func startProcess() throws(OperationError) {
        do throws(HostError) {
            let pair = try SocketPair(stream: true).take()
            // So that a product of megabytes goes over in one piece, not back and forth.
            for socket in [pair.first, pair.second] { setSendBuffer(of: socket, bytes: 4 << 20) }
            let ours = Descriptor(owning: pair.first)
            let theirs = Descriptor(owning: pair.second)
            let pid = try forkProcess()
            if pid == 0 {
                WorkerProcess.run(description, settings, socket: theirs.release(), log: log)
            }
            try events.add(ours.raw, token: token, readable: true)
            isWritable = false
            process = Process(pid: pid, channel: Channel(ours), owner: regions.begin())
            log.debug("\(description.name): worker \(pid) started")
            setDeadline()
        } catch { throw .failed("cannot start a worker: \(error)") }
    }

    private func watch() throws(HostError) {
        guard let channel = process?.channel else { return }
        let wanted = channel.unsent > 0
        guard wanted != isWritable else { return }
        try events.change(channel.number, token: token, readable: true, writable: wanted)
        isWritable = wanted
    }

    /// Takes what the worker sends, and sends what it has not taken yet.
    func handle(_ event: EventSet.Event, shared: inout [UInt8]) {
        guard let channel = process?.channel else { return }
        do throws(HostError) {
            if event.isReadable {
                var frames: [Channel.Frame] = []
                let goesOn = try channel.receive(
                    shared: &shared, admit: { self.admit($0) }, take: { frames.append($0) })
                for frame in frames { take(frame) }
                // One that could not begin is replaced by now.
                guard process?.channel === channel else { return }
                if !goesOn { return failed("ended") }
                if isAnswerTooLarge { return answerIsTooLarge() }
            }
            if event.isWritable { try channel.flush() }
            try watch()
        } catch { failed("cannot be reached: \(error)") }
    }

    private func answerIsTooLarge() {
        isAnswerTooLarge = false
        // ENOMEM
        stop(OperationError(errno: 12, "\(description.name): the answer is larger than the guest may have"))
    }

    private func admit(_ header: FrameHeader) -> Channel.Admission {
        guard header.length > Channel.sharedSize else { return .take }
        guard Int(header.length) <= settings.limits.frameBytes,
            let lease = (try? regions.take(Int(header.length))) ?? nil
        else {
            isAnswerTooLarge = true
            return .discard
        }
        return .into(lease)
    }

    private func take(_ frame: Channel.Frame) {
        if frame.header.stream == 0 {
            process?.isReady = true
            if current != nil { setDeadline() }
            // What went wrong before the first operation comes instead of its answer.
            if frame.payload.isEmpty { return }
        }
        guard let (job, isLoading, shared) = current.map({ ($0.job, $0.isLoading, $0.regions) }) else { return }
        (current, deadline) = (nil, nil)
        let read = try? WorkerAnswer(frame.payload, regions: shared)
        let answer = read ?? .error(.failed("the worker's answer is malformed"))
        // It could not even begin, and ends.
        if frame.header.stream == 0 { end() }
        switch answer {
        case .error(let error): job.done(.failure(error), nil)
        case .result where isLoading:
            if case .run(let run) = job.operation { process?.models[run.key] = 0 }
            waiting.insert(job, at: 0)
        case .result(let result):
            switch job.operation {
            case .load(let model): process?.models[model.key] = 0
            case .unload(let key): process?.models[key] = nil
            case .run(let run): process?.models[run.key] = result.bytes
            default: break
            }
            job.done(.success(result), nil)
        }
        advance()
    }

    /// Ends an operation that is beyond its deadline.
    func expire() {
        // ETIMEDOUT
        let error = OperationError(errno: 110, "\(description.name): no answer within the deadline")
        stop(error)
    }

    private func failed(_ reason: String) {
        stop(.failed("\(description.name): worker \(reason)"))
    }

    private func stop(_ error: OperationError) {
        log.warning("\(error)")
        end()
        let job = current?.job
        (current, deadline) = (nil, nil)
        job?.done(.failure(error), nil)
        advance()
    }

    /// Ends the process. Nothing of it is left.
    func end() {
        guard let process else { return }
        events.remove(process.channel.number)
        endChild(process.pid)
        self.process = nil
        regions.end(process.owner)
    }

    /// Whether the model with this key is loaded in the process.
    func hasLoaded(_ key: Int64) -> Bool { process?.models[key] != nil }
}
