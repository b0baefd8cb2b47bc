internal import ContainerState
internal import HostSystem
internal import OCISpec
internal import Sandboxing

extension Runtime {
    /// Starts the program or guest of a container that was created.
    ///
    /// - Throws: An error when the container is not waiting, or with the reason why its workload did not begin.
    public func start(id: String) throws {
        let container = try open(id, lock: true)
        guard let record = container.record, container.status == .created else {
            throw Failure("cannot start container \(id), which is \(container.status.rawValue)")
        }
        let connection = try container.directory.connectForStart()
        // The container counts as running from here: if this process ends now, process 1 sees it and ends as well.
        try container.directory.removeStartSocket()
        try StartConnection.start(over: connection)
        runLateHooks(.poststart, record, status: .running)
    }

    /// Hooks that come when nothing can be taken back: a failure is a warning. See runtime.md "Lifecycle".
    private func runLateHooks(_ kind: HookKind, _ record: ContainerRecord, status: ContainerStatus) {
        guard record.hooks != .null else { return }
        do {
            let hooks = try record.decodedHooks()
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
        guard let container = try openIfThere(id, lock: true) else {
            if force { return }
            throw Failure("container does not exist: \(id)")
        }
        let status = container.status
        switch status {
        case .stopped: break
        case .created, .creating: break
        case .running, .paused:
            guard force else {
                throw Failure("cannot delete container \(id) that is not stopped: \(status.rawValue)")
            }
        }
        if let record = container.record {
            if status != .stopped { try end(record) }
            try Cgroup.destroy(record.processCgroups, missing: record.cgroups)
        }
        try container.directory.remove()
        if let record = container.record { runLateHooks(.poststop, record, status: .stopped) }
    }

    /// Kills process 1 and waits until it is gone.
    private func end(_ record: ContainerRecord) throws {
        guard record.pid > 0, processStatus(record.pid)?.startTime == record.startTime else { return }
        do throws(HostError) {
            let process = try openProcess(record.pid)
            try sendSignal(Signal.kill, through: process.raw)
            if try waitUntilReadable([process.raw], timeout: 10_000)[0] { return }
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
