internal import ContainerState
internal import Criu
internal import HostSystem
internal import OCISpec
internal import Sandboxing

extension Runtime {
    /// Saves a container with criu(8); unless it is to go on, it is deleted then.
    ///
    /// - Throws: An error that says what stands in the way; the container goes on then.
    public func checkpoint(id: String, options: CheckpointOptions) throws {
        let container = try open(id, lock: true)
        guard let record = container.record else { throw Failure("container does not exist: \(id)") }
        guard record.guest.isEmpty else {
            throw Failure("cannot checkpoint container \(id): it runs a unikernel, whose memory criu cannot save")
        }
        let status = try container.status
        guard status == .running || status == .paused else {
            throw Failure("Container cannot be checkpointed in \(status.rawValue) state")
        }
        warnWithoutPrivileges()
        try options.check()
        let directories = try CriuDirectories(options, make: true)
        let spec = try RuntimeSpec.decode(try container.directory.configuration())
        let program = try CriuProgram()
        let version = try program.version()
        if options.preDump { try program.require(.memoryTracking) }
        if options.lazyPages { try program.require(.lazyPages) }
        let checkpoint = ContainerCheckpoint(
            options: options, record: record, spec: spec, program: program, version: version, log: log)
        try checkpoint.carryOut(directories)
        guard !options.leaveRunning && !options.preDump else { return }
        do {
            if let record = try remove(container, force: true) { runLateHooks(.poststop, record, status: .stopped) }
        } catch {
            log.warning("cannot delete container \(id), which was checkpointed: \(error)")
        }
    }

    /// criu may have ways without them one day; its own message tells what is missing.
    func warnWithoutPrivileges() {
        if effectiveUser() != 0 || Program.isInUserNamespace {
            log.warning("checkpoint and restore are untested without the privileges of root")
        }
    }
}

/// One dump of a container.
private final class ContainerCheckpoint {
    let options: CheckpointOptions
    let record: ContainerRecord
    let spec: RuntimeSpec
    let program: CriuProgram
    let version: Int32
    let log: Log

    init(
        options: CheckpointOptions, record: ContainerRecord, spec: RuntimeSpec, program: CriuProgram, version: Int32,
        log: Log
    ) {
        self.options = options
        self.record = record
        self.spec = spec
        self.program = program
        self.version = version
        self.log = log
    }

    func carryOut(_ directories: borrowing CriuDirectories) throws {
        let file = "dump.log"
        var criu = options.common(log: file, annotations: record.annotations)
        directories.add(to: &criu)
        criu.set(.root, text: record.rootfs)
        criu.set(.pid, number: record.pid)
        criu.set(.leaveRunning, options.leaveRunning)
        criu.set(.skipInFlight, options.skipInFlight)
        criu.set(.linkRemap, options.linkRemap)
        // Later ones notify when they are ready.
        if let descriptor = options.statusDescriptor, version < 31500 {
            criu.set(.statusDescriptor, number: descriptor)
        }
        if let (address, port) = try options.pageServerParts() { criu.setPageServer(address: address, port: port) }
        if !options.parentPath.isEmpty {
            criu.set(.parentImages, text: options.parentPath)
            criu.set(.trackMemory, true)
        }
        for name in try ExternalNamespaces.names(spec) { criu.set(.external, text: name) }
        // criu knows version 2's since 3.14.
        if let freezer = CgroupFreezer(in: record.processCgroups), !freezer.isUnified || version >= 31400 {
            criu.set(.freezerCgroup, text: freezer.directory)
        }
        if !options.preDump {
            for mount in try ExternalMounts(spec, pid: record.pid).names {
                criu.addExternalMount(mount.key, mount.value)
            }
            let standard = try StandardDescriptors(of: record.pid)
            for name in standard.files { criu.set(.external, text: name) }
            try standard.keep(in: directories.images.raw)
        }
        do {
            let session = try CriuSession(program)
            try session.carryOut(CriuRequest(options.preDump ? .preDump : .dump, options: criu)) { notification in
                log.debug("criu: \(notification.step)")
                if notification.step == "status-ready", let descriptor = options.statusDescriptor {
                    let status = Descriptor(owning: descriptor)
                    try writeAll([0], to: status.raw, named: "the descriptor of --status-fd")
                }
            }
        } catch {
            throw CriuLog(path: "\(directories.logPath)/\(file)").explain(error, to: log)
        }
    }
}
