internal import ContainerState
internal import HostSystem
internal import OCISpec
internal import Sandboxing

extension Runtime {
    /// Runs another process in a container and, unless detached, waits for its end.
    ///
    /// - Returns: The status of the process: what it exited with, or 128 plus the signal that ended it. 0 if detached.
    /// - Throws: An error that says why the program did not begin, in runc's words where engines look for them.
    public func exec(id: String, options: ExecOptions) throws -> Int32 {
        // Before anything else: the copy begins anew.
        if effectiveUser() == 0 { try SelfProtection.ensure() }
        let callers = try CallerDescriptors(preserving: options.preserveDescriptors, log)
        let container = try open(id, lock: false)
        let record = try runningRecord(container, ignorePaused: options.ignorePaused)
        let containerProcess = try openProcess(of: record)
        let spec = try RuntimeSpec.decode(try container.directory.configuration())
        var process = try options.process(in: spec)
        process.env += callers.environment

        var request = ExecRequest(
            id: id, spec: spec, process: process, containerPID: record.pid, containerProcess: containerProcess.raw,
            cgroups: record.processCgroups)
        if spec.linux?.seccomp != nil { request.filterCache = filterCache }
        if !record.listenerPath.isEmpty {
            let agent = SeccompAgent(path: record.listenerPath, metadata: record.listenerMetadata)
            request.agent = (agent, document(record, status: .running))
        }
        request.subCgroups = try options.subCgroups()
        request.noNewKeyring = record.noNewKeyring
        request.preservedDescriptors = callers.numbers
        return try run(request, options)
    }

    private func run(_ bare: ExecRequest, _ options: ExecOptions) throws -> Int32 {
        var request = bare
        let held = DescriptorSet()
        // To the end, not to the last mention: what is needed below are the numbers.
        defer { held.close() }
        let console = try request.process.terminal && !options.detach && options.consoleSocket == nil ? Console() : nil
        request.consoleSocket =
            try console?.theirs ?? openConsole(options.consoleSocket, wantsTerminal: request.process.terminal, held)
        if request.process.terminal && request.consoleSocket == nil {
            throw Failure("cannot allocate tty if it will detach without setting console socket")
        }
        if let console {
            // Before the program begins, which may ask at once.
            request.process.consoleSize = console.callersSize ?? request.process.consoleSize
            request.keepsNewlines = true
        }
        let pidfdSocket = try openPidfdSocket(options.pidfdSocket, held)
        let process = try ExecProcess(request)
        // Signals that come from now on belong to the process; they wait until it can take them.
        let signals = options.detach ? nil : try SignalQueue()
        let pid: Int32
        // As in `create`, in runc's words.
        log.debug("nsexec container setup: making a process that joins \(request.id)")
        if let processors = request.process.execCPUAffinity?.initialNumbers {
            let mask = processors.reduce(into: UInt64(0)) { if $1 < 64 { $0 |= 1 << UInt64($1) } }
            log.debug("nsexec container setup: affinity: 0x\(String(mask, radix: 16))")
        }
        do {
            pid = try process.start()
        } catch {
            throw Failure("unable to start container process", cause: error)
        }
        log.debug("child process in init(): it is \(pid)")
        log.debug("setns_init: about to exec: \(request.process.args.first ?? "") has begun")
        do {
            try console?.takeTerminal()
            try writePidFile(options.pidFile, pid)
            try sendProcess(pid, named: "setns", over: pidfdSocket)
            guard let signals else { return 0 }
            return try attend(pid, signals, console)
        } catch {
            endChild(pid)
            throw error
        }
    }

    /// The record of a container that another process can join.
    private func runningRecord(
        _ container: borrowing Container, ignorePaused: Bool
    ) throws -> ContainerRecord {
        let id = container.directory.id
        let status = try container.status
        guard let record = container.record, status != .creating else {
            throw Failure("cannot exec in container \(id), which is being created")
        }
        guard record.guest.isEmpty else {
            let what =
                record.guest.hasPrefix("vm/")
                ? "in a virtual machine, which cannot be entered" : "a unikernel, which has no processes"
            throw Failure("cannot exec in container \(id): it runs \(what)")
        }
        if status == .stopped { throw Failure("cannot exec in a stopped container") }
        if status == .paused && !ignorePaused {
            throw Failure("cannot exec in a paused container (use --ignore-paused to override)")
        }
        return record
    }

    /// Opens process 1, which is known by its number and the time at which it started.
    private func openProcess(of record: ContainerRecord) throws -> Descriptor {
        do throws(HostError) {
            return try record.openProcess()
        } catch {
            if error.isNoSuchProcess { throw Failure("cannot exec in a stopped container") }
            throw Failure("cannot join container \(record.id)", cause: error)
        }
    }
}
