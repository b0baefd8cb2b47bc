internal import ContainerState
internal import HostSystem
internal import OCISpec
internal import Sandboxing

extension Runtime {
    /// Starts the program or guest of a container that was created.
    ///
    /// - Throws: An error when the container is not waiting, or with the reason why its workload did not begin.
    public func start(id: String) throws {
        let (pid, relay) = try begin(id: id)
        try relay?.waitUntilReady(pid)
    }

    /// Starts it; returns its process, and what comes from that for a service manager that wants to know.
    func begin(id: String, since began: Int64? = nil) throws -> (pid: Int32, relay: ReadinessRelay?) {
        let timeline = Timeline("start", began: began ?? settings.began, container: id, log: log)
        let container = try open(id, lock: true)
        let relay = try container.status == .created ? ReadinessRelay(container.directory) : nil
        let record = try begin(container, timeline)
        do {
            try runPoststartHooks(record)
        } catch {
            try? delete(id: id, force: true)
            throw error
        }
        return (record.pid, relay)
    }

    /// The program has begun; when one of its hooks fails the container is stopped and removed. See runtime.md
    /// "Lifecycle", step 9. A configuration for a runtime spec before 1.3 gets what that says: a warning.
    private func runPoststartHooks(_ record: ContainerRecord) throws {
        guard record.hooks != .null else { return }
        let hooks = try record.decodedHooks().poststart
        guard !hooks.isEmpty else { return }
        guard Self.isVersion(record.ociVersion, atLeast: 3) else {
            return runLateHooks(.poststart, record, status: .running)
        }
        giveTurn(to: record.pid)
        try HookRunner(state: document(record, status: .running)).run(hooks, kind: .poststart)
    }

    /// Whether a version of the runtime spec is 1.`minor` or a later one.
    private static func isVersion(_ version: String, atLeast minor: Int) -> Bool {
        let parts = version.split { $0 == "." || $0 == "-" }.prefix(2).map { Int($0) ?? 0 }
        guard let major = parts.first else { return false }
        return major > 1 || (major == 1 && (parts.last ?? 0) >= minor)
    }

    /// Lets a program that has just begun have a turn before hooks look at what it does: until it waits for something, at
    /// most 50 ms.
    private func giveTurn(to pid: Int32) {
        let deadline = monotonicNanoseconds() + 50_000_000
        while let state = try? processStatus(pid)?.state, state == "R" || state == "D",
            monotonicNanoseconds() < deadline
        {
            _ = try? waitUntilReadable([], timeout: 1)
        }
    }

    /// Lets process 1 go on. The lock ends here: a hook that takes its time must not keep `delete` waiting.
    private func begin(_ container: consuming Container, _ timeline: Timeline) throws -> ContainerRecord {
        let status = try container.status
        guard var record = container.record, status == .created else {
            // runc's words.
            throw switch status {
            case .running: Failure("cannot start an already running container")
            case .stopped: Failure("cannot start a container that has stopped")
            default: Failure("cannot start a container in the \(status.rawValue) state")
            }
        }
        let connection = try connect(container.directory)
        timeline.mark("container")
        if !record.networkDevices.isEmpty {
            try GuestWiring.connect(&record, over: connection) { changed throws in
                try container.directory.write(changed)
            }
            timeline.mark("network")
        }
        // The container counts as running from here: if this process ends now, process 1 sees it and ends as well.
        try container.directory.removeStartSocket()
        do {
            try StartConnection.start(over: connection, timeline) { listener in
                let agent = SeccompAgent(path: record.listenerPath, metadata: record.listenerMetadata)
                try agent.take(listener, of: record.pid, document(record, status: .running))
            }
        } catch {
            // An engine that hears of the failure removes the container, which has to be stopped by then.
            waitForEnd(of: record)
            throw error
        }
        timeline.mark("begun")
        keep(timeline, in: container.directory)
        return record
    }

    /// Waits until process 1 is gone, which is about to end; in vain after five seconds.
    private func waitForEnd(of record: ContainerRecord) {
        guard let process = try? record.openProcess() else { return }
        _ = try? waitUntilReadable([process.raw], timeout: 5000)
    }

    private func connect(_ directory: borrowing ContainerDirectory) throws -> Descriptor {
        do throws(HostError) {
            return try directory.connectForStart()
        } catch {
            guard error.isRefused else { throw error }
            throw Failure("cannot start container \(directory.id): its process has just ended")
        }
    }

    /// Hooks that come when nothing can be taken back: a failure is a warning. See runtime.md "Lifecycle".
    func runLateHooks(_ kind: HookKind, _ record: ContainerRecord, status: ContainerStatus) {
        guard record.hooks != .null else { return }
        do {
            let hooks = try record.decodedHooks()
            if kind == .poststart { giveTurn(to: record.pid) }
            let state = document(record, status: status)
            for failure in HookRunner(state: state).runAll(hooks[kind], kind: kind) { log.warning("\(failure)") }
        } catch {
            log.warning("cannot run the \(kind.rawValue) hooks of \(record.id): \(error)")
        }
    }

    /// Removes a container and all that was made for it.
    ///
    /// - Parameter force: Ends a container that runs; one that does not exist is no error.
    public func delete(id: String, force: Bool) throws {
        // Not kept waiting by a `start` that waits for process 1: with that it ends.
        if force, let record = try openIfThere(id, lock: false)?.record { try end(record) }
        guard let container = try openIfThere(id, lock: true) else {
            if force { return }
            throw Failure("container does not exist: \(id)")
        }
        if let record = try remove(container, force: force) { runLateHooks(.poststop, record, status: .stopped) }
    }

    /// Removes every container whose id matches an extended regular expression, as crun does.
    ///
    /// - Throws: ``HostSystem/Failure`` that says why the expression is none, or, when all were tried, which are left.
    public func delete(matching pattern: String, force: Bool) throws {
        let expression = try RegularExpression(pattern)
        var left = [String]()
        for id in try store.ids() where expression.matches(id) {
            do {
                try delete(id: id, force: force)
            } catch {
                log.warning("\(error)")
                left.append(id)
            }
        }
        if !left.isEmpty { throw Failure("cannot delete \(left.joined(separator: ", "))") }
    }

    /// Removes a container; the lock ends here.
    func remove(_ container: consuming Container, force: Bool) throws -> ContainerRecord? {
        let status = try container.status
        switch status {
        case .creating, .created, .stopped: break
        case .running, .paused:
            guard force else {
                throw Failure(
                    "cannot delete container \(container.directory.id) that is not stopped: \(status.rawValue)")
            }
        }
        if let record = container.record {
            if status != .stopped { try end(record) }
            try Cgroup.destroy(record.processCgroups, missing: record.cgroups)
            if !record.unit.isEmpty { try Cgroup.stopUnit(record.unit) }
            if record.boundRoot { try Sandbox.unbindRoot(record.rootfs) }
            try VsockDirectory.remove(record.vsockDirectory)
            try GuestWiring.takeBack(record)
        }
        try container.directory.remove()
        return container.record
    }

    /// Kills process 1 and waits until it is gone.
    private func end(_ record: ContainerRecord) throws {
        guard record.pid > 0 else { return }
        do throws(HostError) {
            let process = try record.openProcess()
            let taps = GuestWiring.copyTaps(of: record, process)
            defer { closeLater(taps) }
            try sendSignal(Signal.kill, through: process.raw)
            let freezer = CgroupFreezer(in: record.processCgroups)
            freezer?.thaw()
            let deadline = monotonicNanoseconds() + 10_000_000_000
            repeat {
                if try waitUntilReadable([process.raw], timeout: 100)[0] { return }
                freezer?.thawAll()
            } while monotonicNanoseconds() < deadline
        } catch {
            if error.isNoSuchProcess { return }
            throw error
        }
        throw Failure("process \(record.pid) of container \(record.id) does not end")
    }
}

extension ContainerRecord {
    /// The hooks that the record keeps.
    func decodedHooks() throws -> Hooks {
        try RuntimeSpec.decode(["ociVersion": .string(ociVersion), "hooks": hooks], named: "state.json").hooks
    }
}
