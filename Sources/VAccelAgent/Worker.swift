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
        var isReady = false
        var models: Set<Int64> = []
    }

    let description: BackendDescription
    private let settings: AgentSettings
    private let ledger: Ledger
    private let events: EventSet
    private let token: UInt64
    private let log: Log
    private var process: Process?
    private var waiting: [Job] = []
    private var current: (job: Job, isLoading: Bool)?
    private var isWritable = false
    private var isAnswerTooLarge = false
    /// When the operation counts as hanging, in nanoseconds of the clock that never jumps.
    private(set) var deadline: Int64?

    init(
        _ description: BackendDescription, token: UInt64, settings: AgentSettings, ledger: Ledger, events: EventSet,
        log: Log
    ) {
        (self.description, self.token, self.settings) = (description, token, settings)
        (self.ledger, self.events, self.log) = (ledger, events, log)
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
        if case .run(let run) = operation, let model = job.model, !process.models.contains(run.key) {
            (operation, isLoading) = (.load(model), true)
        }
        current = (job, isLoading)
        if process.isReady { setDeadline() }
        var frame = WireBuffer()
        let message = operation.encoded
        guard message.count <= Int(UInt32.max) else { throw .invalid("the operation is too large") }
        frame.append(FrameHeader(length: UInt32(message.count), stream: 1, kind: FrameHeader.Kind.request).bytes[...])
        frame.append(message)
        do throws(HostError) {
            try process.channel.send(frame)
            try watch()
        } catch {
            // One that has ended may have said why: that is read next, and its end after that.
            if !error.isDisconnected { failed("cannot be reached: \(error)") }
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
            process = Process(pid: pid, channel: Channel(ours))
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
        guard header.length > Channel.sharedSize else { return .take(nil) }
        guard Int(header.length) <= settings.limits.frameBytes, let charge = ledger.charge(Int(header.length)) else {
            isAnswerTooLarge = true
            return .discard
        }
        return .take(charge)
    }

    private func take(_ frame: Channel.Frame) {
        if frame.header.stream == 0 {
            process?.isReady = true
            if current != nil { setDeadline() }
            // What went wrong before the first operation comes instead of its answer.
            if frame.payload.isEmpty { return }
        }
        guard let (job, isLoading) = current else { return }
        (current, deadline) = (nil, nil)
        let answer = (try? WorkerAnswer(frame.payload)) ?? .error(.failed("the worker's answer is malformed"))
        // It could not even begin, and ends.
        if frame.header.stream == 0 { end() }
        switch answer {
        case .error(let error): job.done(.failure(error), nil)
        case .result where isLoading:
            if case .run(let run) = job.operation { process?.models.insert(run.key) }
            waiting.insert(job, at: 0)
        case .result(let result):
            switch job.operation {
            case .load(let model): process?.models.insert(model.key)
            case .unload(let key): process?.models.remove(key)
            default: break
            }
            job.done(.success(result), frame.charge)
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
    }

    /// Whether the model with this key is loaded in the process.
    func hasLoaded(_ key: Int64) -> Bool { process?.models.contains(key) ?? false }
}
