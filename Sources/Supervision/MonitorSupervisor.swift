internal import GuestModel
public import HostSystem

/// Process 1 of a guest's container whose monitor is a program: starts it, lets the guest go, ends it on request and
/// translates its status.
public struct MonitorSupervisor {
    private let monitor: MonitorProcess
    private let timeline: Timeline

    /// Creates a supervisor, whose steps go to `timeline`.
    public init(_ monitor: MonitorProcess, _ timeline: Timeline) {
        self.monitor = monitor
        self.timeline = timeline
    }

    /// Runs the guest to its end and ends this process with its status.
    ///
    /// - Parameters:
    ///   - started: Called once the guest runs.
    ///   - failed: Called in this process or in the monitor's when it cannot be started; ends the process.
    public func run(started: () -> Void, failed: (String) -> Never) -> Never {
        do {
            let signals = try SignalQueue()
            let control = try SocketPair(stream: true).take()
            let errors = try errorChannel()
            let reports = try monitor.reportsEnds ? GuestReports(monitor.exitPort) : nil
            let files = monitor.files.map(FileServerWatch.init)
            let machine = try monitor.machine.map { try MachineChannel($0) }
            let supervisor = currentProcess()
            let child = try cloneProcess(namespaces: 0)
            if child == 0 {
                become(
                    of: supervisor, control: control.second, errors: errors.second,
                    more: [files?.share].compactMap { $0 } + (machine?.forMonitor ?? []), failed)
            }
            for number in [control.second, errors.second, monitor.program] + monitor.descriptors {
                _ = Descriptor(owning: number)
            }
            if let files { _ = Descriptor(owning: files.share) }
            try machine?.begin()
            let watch = MonitorWatch(
                monitor, files, machine, reports, child: child, control: control.first, errors: errors.first,
                timeline)
            let status = try watch.attend(signals, started: started)
            machine?.finish()
            exitNow(status)
        } catch {
            failed("\(error)")
        }
    }

    /// Where the monitor says what goes wrong: a pair of sockets, or a pipe with a name for one that opens it by that.
    private func errorChannel() throws(HostError) -> (first: Int32, second: Int32) {
        guard case .http = monitor.control else { return try SocketPair(stream: true).take() }
        try makeNode(MonitorLaunch.logPath, in: currentDirectory, mode: NodeMode.fifo | 0o600)
        let reader = try open(MonitorLaunch.logPath, flags: [.readOnly, .nonBlocking])
        return (reader.release(), try open(MonitorLaunch.logPath, flags: .writeOnly).release())
    }

    private func become(
        of supervisor: Int32, control: Int32, errors: Int32, more: [Int32], _ failed: (String) -> Never
    ) -> Never {
        do {
            try endWithParent(supervisor)
            try monitor.execute(control: control, errors: errors, more: more)
        } catch {
            failed("cannot start monitor \(monitor.name): \(error)")
        }
    }
}

/// A monitor as its supervisor sees it: what it has said, and how far it is.
final class MonitorWatch {
    private enum Phase {
        /// Until the guest may run.
        case starting
        case running
        /// The guest was asked to shut down by a signal, and is ended at a time of ``monotonicNanoseconds()``.
        case stopping(signal: Int32, deadline: Int64)
    }

    private let monitor: MonitorProcess
    private let files: FileServerWatch?
    private let machine: MachineChannel?
    private let reports: GuestReports?
    private let timeline: Timeline
    private let child: Int32
    private let control: Int32
    /// nil until a monitor that makes its socket itself has made it, and for one without control.
    private var session: (any ControlSession)?
    private let errors: Int32
    private var phase = Phase.starting
    /// When a monitor that has not answered is given up.
    private var patienceEnds = monotonicNanoseconds() + MonitorWatch.patienceSeconds * 1_000_000_000
    /// Whether the control socket can be read from.
    private var hasControl = true
    private var hasErrors = true
    /// Whether it has said anything over the control socket.
    private var hasAnswered = false
    /// Whether the monitor's program has begun, and its own socket is to be expected.
    private var isConnecting = false
    /// What the monitor wrote to its standard error while starting.
    private var said: [UInt8] = []
    /// The requests that let the guest go and have not been answered yet.
    private var requests: [MonitorRequest]

    /// Monitors answer within a tenth of a second; a machine may have much else to do.
    private static let patienceSeconds: Int64 = 60

    /// Without help from the processor, and with much else to do, a kernel takes its time.
    private static let bootSeconds: Int64 = 240

    /// As much as a message of failure quotes.
    private static let mostSaid = 4096

    init(
        _ monitor: MonitorProcess, _ files: FileServerWatch?, _ machine: MachineChannel?, _ reports: GuestReports?,
        child: Int32, control: Int32, errors: Int32, _ timeline: Timeline
    ) {
        self.monitor = monitor
        self.timeline = timeline
        self.files = files
        self.machine = machine
        self.reports = reports
        self.child = child
        self.control = control
        self.errors = errors
        requests = monitor.startRequests
        if monitor.control == .qmp { session = QMPSession(control) }
    }

    /// Attends the monitor to its end; returns the status that the container is to end with.
    ///
    /// - Throws: An error when the guest never began to run; the monitor has ended then.
    func attend(_ signals: borrowing SignalQueue, started: () -> Void) throws -> Int32 {
        do {
            try sendRequests()
            while true {
                let ready = try wait(signals.descriptor.raw)
                if ready.errors { try takeErrors() }
                if ready.control { try takeMessages(started) }
                if isConnecting { try connect() }
                if let status = try takeWords(started) ?? takeReport(started) ?? endWithoutFiles() { return status }
                while let signal = try signals.next() {
                    if let status = try take(signal, started) { return status }
                }
                guard let deadline, monotonicNanoseconds() >= deadline else { continue }
                if case .stopping(let signal, _) = phase { return try end(by: signal) }
                throw Failure("monitor \(monitor.name) does not answer within \(Self.patienceSeconds) seconds")
            }
        } catch {
            endChild(child)
            throw error
        }
    }

    private var deadline: Int64? {
        switch phase {
        case .starting: patienceEnds
        case .running: nil
        case .stopping(_, let deadline): deadline
        }
    }

    private func wait(_ signals: Int32) throws(HostError) -> (control: Bool, errors: Bool) {
        var timeout = deadline.map { Int32(clamping: max(0, $0 - monotonicNanoseconds()) / 1_000_000 + 1) } ?? -1
        // Nothing tells when the socket is there.
        if isConnecting { timeout = 1 }
        // A negative descriptor is none to poll(2).
        let ready = try waitUntilReadable(
            [signals, hasControl ? session?.socket ?? control : -1, hasErrors ? errors : -1]
                + [files?.watched ?? -1, machine?.watched ?? -1] + (reports?.watched ?? []), timeout: timeout)
        if ready[3] { files?.take() }
        machine?.isReady = ready[4]
        reports?.ready = Array(ready.dropFirst(5))
        return (ready[1], ready[2])
    }

    // MARK: what the monitor says

    /// Sends the first request, or all of them at once where the monitor reads them without another turn for each.
    private func sendRequests() throws(HostError) {
        guard let session, let first = requests.first else { return }
        for request in session.takesManyAtOnce ? requests : [first] { try session.send(request) }
    }

    private func connect() throws(HostError) {
        guard case .http(let path) = monitor.control else { return }
        // Not there yet, or nobody listens yet.
        guard let socket = try? connectUnix(to: path, stream: true) else { return }
        isConnecting = false
        hasControl = true
        session = HTTPSession(socket.release())
        try sendRequests()
    }

    private func takeErrors() throws(HostError) {
        let bytes = try readSome(errors, named: "standard error of \(monitor.name)")
        if bytes.isEmpty { hasErrors = false }
        if case .starting = phase {
            said += bytes.prefix(Self.mostSaid - said.count)
        } else {
            try? Program.write(String(decoding: bytes, as: UTF8.self), to: .error)
        }
    }

    private func takeMessages(_ started: () -> Void) throws {
        guard session != nil else {
            // The program has begun, or the child has ended: exec(2) has closed the other end.
            hasControl = false
            isConnecting = monitor.control != .none
            if !isConnecting { begin(started) }
            return
        }
        guard let messages = try session?.receive() else {
            hasControl = false
            return
        }
        if !messages.isEmpty, !hasAnswered {
            hasAnswered = true
            timeline.mark("monitor")
        }
        for message in messages {
            guard case .starting = phase, let request = requests.first else { return }
            switch message {
            case .done:
                requests.removeFirst()
                guard requests.isEmpty else {
                    if session?.takesManyAtOnce == false { try sendRequests() }
                    continue
                }
                // A machine's program begins when its kernel has.
                if machine == nil { begin(started) } else { patienceEnds += Self.bootSeconds * 1_000_000_000 }
            case .refused(let reason):
                guard let older = request.olderBody else {
                    throw Failure("monitor \(monitor.name) does not start the guest: \(reason) (\(request.name))")
                }
                requests[0] = MonitorRequest(request.name, older)
                try sendRequests()
            case .event: break
            }
        }
    }

    /// Takes what a machine's process 1 says; returns the program's status once it has one.
    private func takeWords(_ started: () -> Void) throws -> Int32? {
        guard let machine, machine.take() else { return nil }
        if let reason = machine.failure { throw Failure(reason) }
        if case .starting = phase, machine.hasStarted { begin(started) }
        guard let status = machine.status else { return nil }
        // Everything is written by now.
        endChild(child)
        return status
    }

    /// Takes what a monitor reports of the guest; returns the container's status when that has ended.
    private func takeReport(_ started: () -> Void) throws -> Int32? {
        guard let end = try reports?.take() else { return nil }
        // It would begin anew.
        endChild(child)
        // Faster than the answer to the request that let it go.
        if case .starting = phase { begin(started) }
        switch end {
        case .told(let status): return status
        case .reset: return status(.exited(0))
        }
    }

    /// The server ends with the monitor, too; only a guest that goes on has lost it.
    private func endWithoutFiles() throws -> Int32? {
        guard let reason = files?.failure else { return nil }
        let process = try openProcess(child)
        if try waitUntilReadable([process.raw], timeout: 500)[0] { return nil }
        if case .starting = phase { throw Failure(reason) }
        try? Program.write("\(reason)\n", to: .error)
        endChild(child)
        return MachineChannel.unknownStatus
    }

    private func begin(_ started: () -> Void) {
        phase = .running
        started()
        // Warnings.
        if !said.isEmpty { try? Program.write(String(decoding: said, as: UTF8.self), to: .error) }
        said = []
    }

    // MARK: the end

    /// Returns the container's status when `signal` is the end.
    private func take(_ signal: Int32, _ started: () -> Void) throws -> Int32? {
        if signal == Signal.child { return try reap(started).map(status) }
        if let machine {
            try machine.send(signal)
            return nil
        }
        guard Supervisor.ends(signal) else { return nil }
        if case .running = phase, hasControl, let session, let request = monitor.stopRequest {
            try session.send(request)
            phase = .stopping(
                signal: signal, deadline: monotonicNanoseconds() + Int64(monitor.graceSeconds) * 1_000_000_000)
            return nil
        }
        return try end(by: signal)
    }

    private func end(by signal: Int32) throws(HostError) -> Int32 {
        try? sendSignal(Signal.kill, to: child)
        _ = try waitForChild(child)
        return 128 + signal
    }

    /// Collects every child that has ended; process 1 inherits orphans too.
    private func reap(_ started: () -> Void) throws -> ProcessEnd? {
        while let (pid, end) = try waitForAnyChild() {
            if pid == monitor.companion?.process, end != .exited(0) {
                // Without its device the guest would wait for ever.
                try? Program.write("the guest's vsock device has ended with status \(end.shellStatus)\n", to: .error)
                try? sendSignal(Signal.kill, to: child)
            }
            guard pid == child else { continue }
            // Its last words.
            while hasErrors, try waitUntilReadable([errors], timeout: 0)[0] { try takeErrors() }
            if case .starting = phase {
                // A guest that was let go may have been faster than the answers.
                while hasControl, try waitUntilReadable([session?.socket ?? control], timeout: 0)[0] {
                    try takeMessages(started)
                }
                if machine != nil { throw failure(end) }
                guard requests.count < 2 else { throw failure(end) }
                if case .starting = phase { begin(started) }
            }
            return end
        }
        return nil
    }

    private func failure(_ end: ProcessEnd) -> Failure {
        let words = String(decoding: said.filter { $0 != 13 }, as: UTF8.self).split(separator: "\n").joined(
            separator: "; ")
        return Failure(
            "monitor \(monitor.name) ended with status \(end.shellStatus) before the guest began: "
                + (words.isEmpty ? "it does not say why" : words))
    }

    private func status(_ end: ProcessEnd) -> Int32 {
        // A machine that does not say how its program ended has come to grief.
        if machine != nil, case .exited = end { return MachineChannel.unknownStatus }
        guard case .exited(let code) = end else { return end.shellStatus }
        guard case .stopping(let signal, _) = phase else { return monitor.status(code, nil) }
        return monitor.status(code, signal)
    }
}
