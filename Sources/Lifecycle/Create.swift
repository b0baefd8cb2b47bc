internal import ContainerState
internal import GuestModel
internal import HostSystem
internal import LaunchPlanning
internal import OCIBundle
internal import OCISpec
internal import Sandboxing
internal import Storage
internal import Supervision

extension Runtime {
    /// Makes a container whose process 1 waits for `start`.
    ///
    /// - Throws: An error that says what went wrong; nothing of the container is left then.
    public func create(id: String, options: CreateOptions) throws {
        _ = try make(id: id, options: options) { nil }
    }

    /// Makes a container and returns the pid of its process 1.
    ///
    /// - Parameter standIn: Asked for a socket that takes the terminal's master, when the options name none.
    func make(id: String, options: CreateOptions, standIn: () throws -> Int32?) throws -> Int32 {
        let timeline = timelineOfCreate(id)
        try checkSystemd()
        let bundle = try Bundle(path: options.bundle, configFile: options.configFile)
        timeline.mark("configuration")
        for remark in bundle.spec.linux?.resources?.remarks ?? [] { log.warning(remark) }
        let launch = try planLaunch(
            bundle, configuration: hostConfiguration, inMachines: settings.runsMachines)
        timeline.mark("plan")
        // A guest cannot reach this program's file; what an ordinary user's container could write, the user can anyway.
        if launch.plan.guest == nil && effectiveUser() == 0 && !MachineInit.isWanted {
            try SelfProtection.ensure(began: timeline.began)
        }
        let callers = try CallerDescriptors(preserving: options.preserveDescriptors, log)
        let wantsTerminal = bundle.spec.process?.terminal == true
        let held = DescriptorSet()
        // To the end, not to the last mention: what is needed below are the numbers.
        defer { held.close() }
        let engineSocket = try openConsole(options.consoleSocket, wantsTerminal: wantsTerminal, held)
        let consoleSocket = try wantsTerminal ? engineSocket ?? standIn() : nil
        if wantsTerminal && consoleSocket == nil {
            throw Failure.needsConsoleSocket
        }
        let pidfdSocket = try openPidfdSocket(options.pidfdSocket, held)
        let guest = try GuestStart(launch, bundle, held, cache: filterCache)
        if let leftOut = launch.plan.guest?.mountsLeftOut, !leftOut.isEmpty {
            log.debug("mounts that the guest is not given: \(leftOut.joined(separator: " "))")
        }

        timeline.mark("files")

        let directory = try store.make(id: id)
        var failedInHooks: ContainerRecord?
        do {
            let creation = Creation(
                runtime: self, options: options, id: id, launch: launch,
                consoleSocket: consoleSocket, pidfdSocket: pidfdSocket, guest: guest, callers: callers,
                timeline: timeline)
            let pid = try creation.carryOut(bundle, in: directory, failedInHooks: &failedInHooks)
            keep(timeline, in: directory)
            return pid
        } catch {
            try? directory.remove()
            // Steps 12 and 13 of the lifecycle in runtime.md.
            if let record = failedInHooks { runLateHooks(.poststop, record, status: .stopped) }
            throw error
        }
    }

    /// Begins when the command did, though this process be its copy.
    private func timelineOfCreate(_ id: String) -> Timeline {
        let first = SelfProtection.takeBeginning().flatMap { (0...settings.began).contains($0) ? $0 : nil }
        let timeline = Timeline("create", began: first ?? settings.began, container: id, log: log)
        if first != nil { timeline.mark("read-only-copy", at: settings.began) }
        return timeline
    }

    /// A container is not worse for a time line that cannot be written.
    func keep(_ timeline: Timeline, in directory: borrowing ContainerDirectory) {
        do throws(HostError) {
            try directory.keep(timeline)
        } catch {
            log.debug("cannot keep the time line of \(directory.id): \(error)")
        }
    }

    private func checkSystemd() throws(Failure) {
        guard settings.systemdCgroup, !exists("/run/systemd/system") else { return }
        throw Failure("cannot use systemd for cgroups: systemd does not run on this host")
    }
}

/// One run of `create`: the steps that change the host, each undone when a later one fails.
///
/// A class, because the copying of its many values would be much code.
private final class Creation {
    let runtime: Runtime
    let options: CreateOptions
    let id: String
    let launch: PlannedLaunch
    let consoleSocket: Int32?
    let pidfdSocket: Int32?
    /// What runs the guest; nil for a container without one.
    let guest: GuestStart?
    let callers: CallerDescriptors
    let timeline: Timeline

    init(
        runtime: Runtime, options: CreateOptions, id: String, launch: PlannedLaunch, consoleSocket: Int32?,
        pidfdSocket: Int32?, guest: GuestStart?, callers: CallerDescriptors, timeline: Timeline
    ) {
        (self.runtime, self.options, self.id, self.launch) = (runtime, options, id, launch)
        (self.consoleSocket, self.pidfdSocket) = (consoleSocket, pidfdSocket)
        (self.guest, self.callers, self.timeline) = (guest, callers, timeline)
    }

    /// Makes the sandbox and its process; returns the pid.
    ///
    /// - Parameter failedInHooks: Set when it fails after hooks have begun to run.
    func carryOut(
        _ bundle: borrowing Bundle, in directory: borrowing ContainerDirectory,
        failedInHooks: inout ContainerRecord?
    ) throws -> Int32 {
        var record = self.record(of: bundle)
        if launch.plan.guest?.vsock?.hasDirectory == true { record.vsockDirectory = VsockDirectory.newPath() }
        var sandbox = try Sandbox(request(bundle, in: directory, sockets: record.vsockDirectory))
        timeline.mark("sandbox")
        for warning in sandbox.warnings { runtime.log.warning(warning) }
        if !record.networkDevices.isEmpty, let joined = try sandbox.joinedNetwork {
            (record.networkNamespace, record.networkNamespaceNumber) = joined
        }
        record.cgroups = sandbox.cgroup.missing
        record.processCgroups = sandbox.cgroup.directories
        try directory.keepConfiguration(bundle.configuration)
        record.unit = sandbox.cgroup.unit?.name ?? ""
        // Written before anything is made, so that `delete` knows what to look for whatever happens here.
        try directory.write(record)
        let listener = try directory.listenForStart()
        timeline.mark("state")
        do {
            if !record.vsockDirectory.isEmpty { try VsockDirectory.make(record.vsockDirectory, for: bundle.spec) }
            try sandbox.makeCgroups()
            record.processCgroups = sandbox.cgroup.directories
            timeline.mark("cgroups")
            if sandbox.sharesMounts { try bindRoot(sandbox, &record, directory) }
            try prepareNetwork(&record, directory)
            record.pid = try makeProcess(&sandbox, listener: listener.raw, record, directory)
            try confirm(&record, directory)
            timeline.mark("record")
            runtime.log.debug("init: closing the pipe to signal completion: process 1 of \(id) waits for start")
            return record.pid
        } catch {
            try? Cgroup.destroy(record.processCgroups, missing: record.cgroups)
            if !record.unit.isEmpty { try? Cgroup.stopUnit(record.unit) }
            if record.boundRoot { try? Sandbox.unbindRoot(record.rootfs) }
            try? VsockDirectory.remove(record.vsockDirectory)
            try? GuestWiring.takeBack(record)
            if sandbox.hooksBegan { failedInHooks = record }
            throw error
        }
    }

    private func bindRoot(
        _ sandbox: Sandbox, _ record: inout ContainerRecord, _ directory: borrowing ContainerDirectory
    ) throws {
        try sandbox.bindRoot()
        record.boundRoot = true
        try directory.write(record)
    }

    private func prepareNetwork(
        _ record: inout ContainerRecord, _ directory: borrowing ContainerDirectory
    ) throws {
        guard !record.networkNamespace.isEmpty else { return }
        do {
            try GuestWiring.prepare(&record) { changed throws in try directory.write(changed) }
            timeline.mark("network")
        } catch {
            // What `start` finds, it takes for somebody else's.
            try? GuestWiring.takeBack(record)
            runtime.log.debug("the network of \(id) is not prepared, `start` does it: \(error)")
        }
    }

    private func makeProcess(
        _ sandbox: inout Sandbox, listener: Int32, _ record: ContainerRecord, _ directory: borrowing ContainerDirectory
    ) throws -> Int32 {
        var early = record
        let path = directory.path
        // These three lines begin with the words by which runc's own say the same.
        runtime.log.debug("nsexec container setup: making process 1 of \(id)")
        if let flags = sandbox.filterFlags { runtime.log.debug("seccomp filter flags: \(flags)") }
        return try sandbox.makeProcess(listener: listener) { pid in
            runtime.log.debug("child process in init(): process 1 of \(id) is \(pid), state in \(path)")
            // Without cgroups, or before systemd has made them, only the pid tells what has to be ended.
            guard record.processCgroups.isEmpty || !record.unit.isEmpty else { return }
            early.pid = pid
            early.startTime = try startTime(of: pid)
            try directory.write(early)
        } guest: { connection in
            guard let guest else { connection.fail("there is no guest to run") }
            guest.supervise(connection)
        }
    }

    /// Makes the container known as created; process 1 does not outlive a failure.
    private func confirm(_ record: inout ContainerRecord, _ directory: borrowing ContainerDirectory) throws {
        do {
            record.startTime = try startTime(of: record.pid)
            try directory.write(record)
            try writePidFile(options.pidFile, record.pid)
            try sendProcess(record.pid, named: "standard", over: pidfdSocket)
        } catch {
            endChild(record.pid)
            throw error
        }
    }

    /// Without the time nobody could tell later whether the process is still this one.
    private func startTime(of pid: Int32) throws -> UInt64 {
        guard let status = try processStatus(pid) else { throw Failure("cannot read when process \(pid) started") }
        return status.startTime
    }

    private func record(of bundle: borrowing Bundle) -> ContainerRecord {
        var record = ContainerRecord(id: id, bundle)
        if let guest = launch.plan.guest {
            record.vsockCID = self.guest?.kernelCID ?? 0
            record.guest = "\(guest.framework)/\(guest.monitor)"
            record.guestMemoryMiB = guest.memoryMiB
            record.networkDevices = guest.wiring
            record.keepsTaps = guest.program?.program.takesDescriptors == false
            record.networkMode = guest.network.mode.rawValue
            record.networkAddresses = guest.network.addresses.map(\.description)
            record.networkPorts = guest.network.portTexts
            if let accelerator = guest.accelerator, accelerator.agent != nil, accelerator.transport == .tcp {
                record.agentPort = accelerator.port
            }
        }
        record.noNewKeyring = options.noNewKeyring
        return record
    }

    private func request(
        _ bundle: borrowing Bundle, in directory: borrowing ContainerDirectory, sockets: String
    ) throws -> SandboxRequest {
        var request = SandboxRequest(
            id: id, spec: bundle.spec, plan: launch.plan, bundle: bundle.path, rootPath: bundle.rootPath)
        if bundle.spec.linux?.seccomp != nil { request.filterCache = runtime.filterCache }
        if launch.plan.guest == nil { try ReadinessRelay.prepare(&request.spec, in: directory) }
        request.systemdCgroup = runtime.settings.systemdCgroup
        request.timeline = timeline
        request.noPivot = options.noPivot
        request.noNewKeyring = options.noNewKeyring
        request.rootless = runtime.settings.rootless
        request.preservedDescriptors = callers.numbers
        request.spec.process?.env += callers.environment
        request.consoleSocket = consoleSocket
        if let guest { try guest.prepare(&request, in: directory.path, sockets: sockets) }
        return request
    }
}

extension ContainerRecord {
    /// The record of a container that is about to be made from a bundle.
    init(id: String, _ bundle: borrowing Bundle) {
        self.init(
            ociVersion: bundle.spec.ociVersion, id: id, bundle: bundle.path, rootfs: bundle.rootPath,
            created: WallClock.text(nanoseconds: wallClockNanoseconds()), owner: effectiveUser())
        if let seccomp = bundle.spec.linux?.seccomp, seccomp.notifies {
            listenerPath = seccomp.listenerPath ?? ""
            listenerMetadata = seccomp.listenerMetadata ?? ""
        }
        annotations = bundle.json["annotations"] ?? annotations
        if !bundle.spec.hooks.isEmpty { hooks = bundle.json["hooks"] ?? .null }
    }
}
