internal import ContainerState
internal import Criu
internal import HostSystem
internal import LaunchPlanning
internal import OCIBundle
internal import OCISpec
internal import Sandboxing

extension Runtime {
    /// Restores a container that `checkpoint` has saved and, unless detached, waits for its end and removes it.
    ///
    /// - Returns: The status of its process 1, as for ``run(id:options:detach:keep:)``.
    /// - Throws: An error that says what stands in the way; nothing of the container is left then.
    public func restore(id: String, options: RestoreOptions) throws -> Int32 {
        warnWithoutPrivileges()
        try options.criu.check()
        let bundle = try Bundle(path: options.bundle)
        let launch = try planLaunch(bundle)
        guard launch.plan.guest == nil else {
            throw Failure("cannot restore container \(id): its bundle is a unikernel's, which criu cannot save")
        }
        let directories = try CriuDirectories(options.criu, make: false)
        let program = try CriuProgram()
        let version = try program.version()
        // Signals that come from now on belong to the container; they wait until it can take them.
        let signals = options.detach ? nil : try SignalQueue()
        let held = DescriptorSet()
        defer { held.close() }
        let wantsTerminal = bundle.spec.process?.terminal == true
        let console = wantsTerminal && !options.detach && options.consoleSocket == nil ? try Console() : nil
        let engineSocket = try openConsole(options.consoleSocket, wantsTerminal: wantsTerminal, held)
        guard !wantsTerminal || console != nil || engineSocket != nil else {
            throw Failure.needsConsoleSocket
        }
        let directory = try store.make(id: id)
        let restoration = Restoration(
            runtime: self, id: id, options: options, plan: launch.plan, program: program, version: version,
            terminalSocket: console?.theirs ?? engineSocket)
        let pid: Int32
        do {
            pid = try restoration.carryOut(bundle, directories, in: directory)
        } catch {
            try? directory.remove()
            throw error
        }
        _ = consume directory
        return try attendRestored(pid, id: id, signals, console)
    }

    private func attendRestored(
        _ pid: Int32, id: String, _ signals: borrowing SignalQueue?, _ console: Console?
    ) throws -> Int32 {
        do {
            try console?.takeTerminal()
            try console?.prepare()
            switch signals {
            case .none: return 0
            case .some(let queue):
                let status = try attend(pid, queue, console)
                try delete(id: id, force: true)
                return status
            }
        } catch {
            try? delete(id: id, force: true)
            throw error
        }
    }
}

/// One restore of a container: the steps that change the host, each undone when a later one fails.
private final class Restoration {
    let runtime: Runtime
    let id: String
    let options: RestoreOptions
    let plan: LaunchPlan
    let program: CriuProgram
    let version: Int32
    /// Takes the terminal's master.
    let terminalSocket: Int32?

    private var log: Log { runtime.log }

    init(
        runtime: Runtime, id: String, options: RestoreOptions, plan: LaunchPlan, program: CriuProgram, version: Int32,
        terminalSocket: Int32?
    ) {
        self.runtime = runtime
        self.id = id
        self.options = options
        self.plan = plan
        self.program = program
        self.version = version
        self.terminalSocket = terminalSocket
    }

    func carryOut(
        _ bundle: borrowing Bundle, _ directories: borrowing CriuDirectories, in directory: borrowing ContainerDirectory
    ) throws -> Int32 {
        var record = ContainerRecord(id: id, bundle)
        let request = SandboxRequest(
            id: id, spec: bundle.spec, plan: plan, bundle: bundle.path, rootPath: bundle.rootPath)
        request.systemdCgroup = runtime.settings.systemdCgroup
        request.rootless = runtime.settings.rootless
        var sandbox = try Sandbox(request)
        for warning in sandbox.warnings { log.warning(warning) }
        record.cgroups = sandbox.cgroup.missing
        record.processCgroups = sandbox.cgroup.directories
        record.unit = sandbox.cgroup.unit?.name ?? ""
        try directory.keepConfiguration(bundle.configuration)
        // Written before anything is made, so that `delete` knows what to look for whatever happens here.
        try directory.write(record)
        do {
            try sandbox.makeCgroups()
            record.processCgroups = sandbox.cgroup.directories
            try restore(&sandbox, &record, bundle, directories, in: directory)
            try writePidFile(options.pidFile, record.pid)
            return record.pid
        } catch {
            if record.pid > 0 { endChild(record.pid) }
            try? Cgroup.destroy(record.processCgroups, missing: record.cgroups)
            if !record.unit.isEmpty { try? Cgroup.stopUnit(record.unit) }
            throw error
        }
    }

    private func restore(
        _ sandbox: inout Sandbox, _ record: inout ContainerRecord, _ bundle: borrowing Bundle,
        _ directories: borrowing CriuDirectories, in directory: borrowing ContainerDirectory
    ) throws {
        let file = "restore.log"
        var criu = options.criu.common(log: file, annotations: record.annotations)
        let root = "\(directory.path)/criu-root"
        criu.set(.root, text: root)
        criu.set(.evasiveDevices, true)
        criu.set(.sibling, true)
        try addSecurity(to: &criu)
        let passed = DescriptorSet()
        let held = DescriptorSet()
        // To the end, not to the last mention: what criu gets are the numbers.
        defer {
            passed.close()
            held.close()
        }
        try addNamespaces(bundle.spec, to: &criu, passed)
        try addStandardDescriptors(directories.images.raw, to: &criu)

        try makeDirectory(root, mode: 0o700)
        defer { try? removeDirectory(root) }
        let session = try startCriu(sandbox, root: root, passed, &criu) { options in
            try directories.addAgain(to: &options, held)
        }
        try sandbox.enterCgroups(session.pid)
        try addCgroups(of: session.pid, to: &criu)
        do {
            try session.carryOut(CriuRequest(.restore, options: criu)) { notification in
                try attend(notification, &sandbox, &record, bundle, in: directory)
            }
        } catch {
            throw CriuLog(path: "\(directories.logPath)/\(file)").explain(error, to: log)
        }
        guard record.pid > 0 else { throw Failure("criu does not say which process it has restored") }
    }

    /// Starts criu in a mount namespace in which the container's root is ready.
    private func startCriu(
        _ sandbox: Sandbox, root: String, _ passed: DescriptorSet, _ criu: inout CriuOptions,
        inside: (inout CriuOptions) throws -> Void
    ) throws -> CriuSession {
        let restored = try sandbox.prepareRestore(at: root)
        for mount in restored.mounts { criu.addExternalMount(mount.key, mount.value) }
        let session: CriuSession
        do {
            try inside(&criu)
            session = try CriuSession(program, standard: [0, 1, 2], passed: passed.numbers)
        } catch {
            try restored.leave()
            throw error
        }
        try restored.leave()
        return session
    }

    private func addSecurity(to criu: inout CriuOptions) throws(Failure) {
        if !options.criu.securityProfile.isEmpty {
            guard version >= 31600 else { throw Failure("--lsm-profile requires at least CRIU 3.16") }
            criu.set(.securityProfile, text: options.criu.securityProfile)
        }
        if !options.criu.mountContext.isEmpty {
            guard version >= 31600 else { throw Failure("--lsm-mount-context requires at least CRIU 3.16") }
            criu.set(.mountContext, text: options.criu.mountContext)
        }
    }

    /// Namespaces that config.json names by a path.
    private func addNamespaces(
        _ spec: RuntimeSpec, to criu: inout CriuOptions, _ passed: DescriptorSet
    ) throws {
        for namespace in spec.linux?.namespaces ?? [] {
            guard let path = namespace.path, !path.isEmpty else { continue }
            switch namespace.type {
            case .network, .pid:
                criu.addInherited(
                    ExternalNamespaces.key(namespace.type),
                    descriptor: CriuSession.firstPassed + Int32(passed.numbers.count))
                passed.add(try HostSystem.open(path, flags: [.readOnly, .noControllingTerminal]))
            case .cgroup: throw Failure("Do not know how to handle namespace \(namespace.type.rawValue)")
            default: criu.joinNamespace(ExternalNamespaces.kind(namespace.type), path: path)
            }
        }
    }

    /// What the container's standard descriptors were outside of it, this process's are now.
    private func addStandardDescriptors(_ images: Int32, to criu: inout CriuOptions) throws {
        let file: Descriptor
        do throws(HostError) {
            file = try open(StandardDescriptors.fileName, in: images, flags: .readOnly)
        } catch {
            throw Failure("there is no whole checkpoint in the directory of the images", cause: error)
        }
        let names = try parseJSON(
            try readAll(file.raw, named: StandardDescriptors.fileName), named: StandardDescriptors.fileName)
        for (index, name) in (names.array ?? []).prefix(3).enumerated() {
            guard let name = name.string, StandardDescriptors.isInherited(name) else { continue }
            criu.addInherited(name, descriptor: Int32(index))
        }
    }

    /// Where criu is, the container is to be.
    private func addCgroups(of pid: Int32, to criu: inout CriuOptions) throws {
        for line in try readText("/proc/\(pid)/cgroup").split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { continue }
            for controller in parts[1].split(separator: ",", omittingEmptySubsequences: false) {
                criu.addCgroupRoot(controller: String(controller), path: String(parts[2]))
            }
        }
    }

    private func attend(
        _ notification: borrowing CriuNotification, _ sandbox: inout Sandbox, _ record: inout ContainerRecord,
        _ bundle: borrowing Bundle, in directory: borrowing ContainerDirectory
    ) throws {
        log.debug("criu: \(notification.step)")
        switch notification.step {
        case "setup-namespaces": try sandbox.runHooks(notification.pid)
        case "orphan-pts-master":
            guard let terminalSocket, notification.descriptor >= 0 else { return }
            try sendDescriptor(notification.descriptor, text: "orphan-pts-master", over: terminalSocket)
        case "post-restore":
            guard let status = try processStatus(notification.pid) else {
                throw Failure("cannot read when process \(notification.pid) started")
            }
            record.pid = notification.pid
            record.startTime = status.startTime
            try noteTime(of: notification.pid, bundle, in: directory)
            try directory.write(record)
        default: return
        }
    }

    /// criu gives processes a time namespace, which those that `exec` starts have to join.
    private func noteTime(
        of pid: Int32, _ bundle: borrowing Bundle, in directory: borrowing ContainerDirectory
    ) throws {
        guard bundle.spec.linux?.namespaces.contains(where: { $0.type == .time }) == false,
            let theirs = try? followedStatus(of: "/proc/\(pid)/ns/time"),
            let ours = try? followedStatus(of: "/proc/self/ns/time"), !theirs.isSameFile(as: ours)
        else { return }
        guard var configuration = bundle.json.object, var linux = configuration["linux"]?.object else { return }
        linux["namespaces"] = .array((linux["namespaces"]?.array ?? []) + [["type": "time"]])
        configuration["linux"] = .object(linux)
        try directory.keepConfiguration(JSONValue.object(configuration).bytes())
    }
}
