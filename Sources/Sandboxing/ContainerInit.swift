internal import HostSystem
internal import OCISpec

/// Process 1 of a container, from its first instruction to the start of the program or guest.
struct ContainerInit: ~Copyable {
    let settings: SandboxSettings
    let channel: InitChannel
    /// Where `start` will connect.
    let listener: Int32
    /// What this process does of `create`.
    let timeline = Timeline("init")

    private var linux: LinuxSpec { settings.spec.linux ?? LinuxSpec() }
    private var process: Process { settings.spec.process ?? Process() }
    private var setup: ProcessSetup {
        ProcessSetup(process: process, identity: settings.identity, consoleSocket: settings.consoleSocket)
    }

    /// Furnishes the sandbox, waits for `start` and begins the workload. A failure is told to whoever waits.
    ///
    /// - Parameter guest: Runs a guest's supervisor; it gets the connection of `start`, on which it reports.
    consuming func run(guest: (StartConnection) -> Never) -> Never {
        var program: String?
        var network: Int32?
        do {
            try prepareNamespaces()
            timeline.mark("namespaces")
            // While there is a procfs.
            if settings.offersNetwork { network = try open("/proc/self/ns/net", flags: .readOnly).release() }
            let console = try furnish()
            timeline.mark("root")
            try setup.attach(console)
            program = try settleProcess(keeping: network)
            timeline.mark("process")
            try tellReady()
        } catch {
            try? channel.send(.failed("\(error)"))
            exitNow(1)
        }
        guard let connection = StartConnection.wait(on: listener, offering: network) else { exitNow(1) }
        guard let program else {
            if settings.isGuest { guest(connection) }
            connection.fail("cannot start the container: config.json has no process")
        }
        do {
            try begin(program, connection)
        } catch {
            connection.fail("\(error)")
        }
    }

    // MARK: namespaces

    private func prepareNamespaces() throws {
        resetSignals()
        try setParentDeathSignal(Signal.kill)
        _ = try waitToProceed()
        try startSession()
        try Cgroup.enter(settings.cgroup.membershipFiles.numbers)
        ExecutionAttributes.allowEveryProcessor()
        if !settings.namespaces.joinsBeforeClone {
            for namespace in settings.namespaces.joined where namespace.type != .pid {
                try joinNamespace(
                    namespace.descriptor, type: NamespacePlan.flag(namespace.type), path: namespace.path)
            }
        }
        // The files of a process whose ids have changed belong to the host's root, whom a user namespace does not know.
        let offsets = linux.timeOffsets.isEmpty ? nil : try Procfs().file("self/timens_offsets")
        if settings.namespaces.isSeparate(.user) { try becomeRootOfUserNamespace() }
        // Forgotten by the kernel when a process's ids change; the parent may have ended meanwhile.
        try setParentDeathSignal(Signal.kill)
        if try channel.isClosed { exitNow(1) }
        let late = settings.namespaces.late
        if !late.isEmpty { try unshareNamespaces(NamespacePlan.flags(late)) }
        if let offsets { try setClocks(offsets) }
        if late.contains(.time) {
            // unshare(2) moves the children only.
            let path = "/proc/self/ns/time_for_children"
            let namespace = try open(path, flags: .readOnly)
            try joinNamespace(namespace.raw, type: NamespaceFlag.time, path: path)
        }
        if let name = settings.spec.hostname, settings.namespaces.isSeparate(.uts) {
            try Failure.naming("/hostname", "cannot set it") { () throws(HostError) in try setHostName(name) }
        }
        if let name = settings.spec.domainname, settings.namespaces.isSeparate(.uts) {
            try Failure.naming("/domainname", "cannot set it") { () throws(HostError) in try setDomainName(name) }
        }
    }

    private func setClocks(_ file: consuming Procfs.File) throws(Failure) {
        let lines = linux.timeOffsets.map { "\($0.clock.rawValue) \($0.secs) \($0.nanosecs)\n" }
        do throws(HostError) {
            try file.write(lines.joined())
        } catch {
            throw Failure(at: "/linux/timeOffsets", "cannot set the offsets of the clocks", cause: error)
        }
    }

    @discardableResult
    private func waitToProceed() throws(HostError) -> Int32 {
        guard case .proceed(let pid) = try channel.receive() else { exitNow(1) }
        return pid
    }

    // MARK: mounts and hooks

    private func furnish() throws -> RootSwitch.Console? {
        // Nodes and directories get exactly the mode they are made with; the process's own mask is set at the end.
        setFileModeMask(0)
        // Before the limits: one of them may leave no descriptor for it.
        if settings.namespaces.new.contains(.network), !settings.isGuest { try bringUpLoopback() }
        try settings.identity.applyLimits(openFiles: false)
        try setKernelParameters()
        if !settings.noNewKeyring { try? joinNewSessionKeyring(named: "_ses.\(settings.id)") }
        let root = RootSwitch(settings: settings)
        if settings.isGuest {
            try runEarlyHooks()
            try settings.sharedTree?.serve(settings)
            return try root.enterGuestRoot()
        }
        // A joined mount namespace is somebody else's tree: the root is found in it, and nothing in it is changed.
        if settings.namespaces.joined.contains(where: { $0.type == .mount }) {
            if process.terminal {
                throw Failure(
                    at: "/process/terminal", "cannot open a terminal in a mount namespace that is joined")
            }
            try runEarlyHooks()
            try changeDirectory(to: settings.rootPath)
            try changeRoot(to: ".")
            return nil
        }
        let furnished = try root.furnish()
        try runEarlyHooks()
        try root.enter(furnished.tree)
        return furnished.takeConsole()
    }

    private func setKernelParameters() throws {
        guard !linux.sysctl.isEmpty else { return }
        let procfs = try Procfs()
        for (name, value) in linux.sysctl {
            do throws(HostError) {
                try procfs.write(value, to: "sys/\(SpecChecks.sysctlParts(name).joined(separator: "/"))")
            } catch {
                throw Failure(
                    at: "/linux/sysctl/\(Failure.pointerPart(name))", "cannot set sysctl \"\(name)\"", cause: error)
            }
        }
    }

    /// What the parent does in its own namespaces once the container's are there: it moves network devices and runs the
    /// runtime's hooks. Then the container's hooks.
    private func runEarlyHooks() throws {
        let hooks = settings.spec.hooks
        let hasHooks = !(hooks.prestart.isEmpty && hooks.createRuntime.isEmpty && hooks.createContainer.isEmpty)
        guard hasHooks || !linux.netDevices.isEmpty else { return }
        timeline.mark("mounts")
        try channel.send(.runHooks)
        let pid = try waitToProceed()
        // Where runc's run, and where they find the container's files.
        if !hooks.createContainer.isEmpty, !settings.isGuest { try changeDirectory(to: settings.rootPath) }
        try HookRunner(state: state(pid: pid)).run(hooks.createContainer, kind: .createContainer)
        timeline.mark("container-hooks")
    }

    private func state(pid: Int32) -> ContainerStateDocument {
        ContainerStateDocument(
            ociVersion: settings.spec.ociVersion, id: settings.id, status: .created, pid: pid, bundle: settings.bundle,
            annotations: settings.spec.annotations)
    }
}

/// What a program finds in a container, whether it is the first or joins later: its terminal, its descriptors, its
/// working directory.
struct ProcessSetup {
    let process: Process
    let identity: ProcessIdentity
    /// The socket that takes the terminal's master.
    let consoleSocket: Int32?

    /// Gives the terminal's master to the engine and makes its slave this process's standard descriptors.
    func attach(_ console: consuming RootSwitch.Console?) throws {
        guard let console else { return try ownStandardDescriptors() }
        let terminal = console.terminal.slave.raw
        if let size = process.consoleSize {
            try setWindowSize(terminal, rows: UInt16(clamping: size.height), columns: UInt16(clamping: size.width))
        }
        if let socket = consoleSocket {
            try sendDescriptor(console.terminal.master.raw, text: "/dev/pts/\(console.terminal.number)", over: socket)
        }
        try giveTerminal(terminal)
        for number in Int32(0)...2 { try duplicate(terminal, to: number) }
        try setControllingTerminal(0)
    }

    /// The user owns the terminal; its group stays the one that devpts was mounted with.
    private func giveTerminal(_ terminal: Int32) throws(HostError) {
        guard try status(of: terminal).owner != process.user.uid else { return }
        try changeOwner(of: terminal, uid: process.user.uid, gid: .max)
    }

    /// The container's user must be able to open its standard descriptors again by their names in /proc.
    private func ownStandardDescriptors() throws(HostError) {
        guard process.user.uid != 0 else { return }
        for number in Int32(0)...2 {
            guard let status = try? status(of: number), status.owner != process.user.uid else { continue }
            // Never a device of the host, such as /dev/null.
            guard status.kind == .fifo || status.kind == .socket else { continue }
            try? changeOwner(of: number, uid: process.user.uid, gid: process.user.gid)
        }
    }

    func enterWorkingDirectory() throws {
        do throws(HostError) {
            try changeDirectory(to: process.cwd)
        } catch {
            // runc's words.
            throw Failure("chdir to cwd (\"\(process.cwd)\") set in config.json failed: \(error.reason)")
        }
        do {
            // A directory outside the root, reached through a leaked descriptor, has no path here.
            let path = try currentDirectoryPath()
            guard path.hasPrefix("/") else { throw Failure("\(process.cwd) is outside the container's root") }
        } catch {
            throw Failure(at: "/process/cwd", "cannot change to the working directory", cause: error)
        }
    }

    /// Finds the program as the process's user, who it becomes here.
    func findProgram() throws -> String {
        try enterWorkingDirectory()
        if !identity.needsPrivilegeForSeccomp { try identity.assume() }
        return try ProgramSearch(process: process).find()
    }

    /// Replaces this process by the program. Returns only by throwing.
    ///
    /// - Parameters:
    ///   - passOn: Takes what listens for the process's filter, when an agent decides about some calls.
    ///   - last: What is done as the process's user and under its filter before the program.
    func begin(
        _ program: String, passOn: (Int32) throws(HostError) -> Void, last: () throws -> Void = {}
    ) throws -> Never {
        if identity.needsPrivilegeForSeccomp { try identity.assume(passOn: passOn) }
        try identity.confine(passOn: passOn)
        try last()
        do throws(HostError) {
            try execute(program, arguments: process.args, environment: ProgramSearch(process: process).environment)
        } catch {
            throw Failure("exec \(program): \(error.reason)")
        }
    }
}

// MARK: the process

extension ContainerInit {
    /// Becomes the container's user; returns the program's path, nil for a guest.
    private func settleProcess(keeping network: Int32?) throws -> String? {
        try setDumpable(false)
        let preserved = settings.isGuest ? settings.guestDescriptors : settings.preservedDescriptors
        // Nothing of the host's may be left open in a container; and the lock on the container's directory belongs to every
        // process that has that descriptor.
        try closeDescriptors(except: preserved + [channel.socket.raw, listener] + [network].compactMap { $0 })
        try settings.identity.limitOpenFiles()
        try settings.attributes.apply()
        if settings.isGuest {
            try settings.identity.assume()
            return nil
        }
        guard settings.spec.process != nil else { return nil }
        return try setup.findProgram()
    }

    private func tellReady() throws(HostError) {
        exitOnSignals()
        try setParentDeathSignal(0)
        try channel.send(.ready(timeline.text))
    }

    /// Replaces this process by the program. Returns only by throwing.
    private func begin(_ program: String, _ connection: StartConnection) throws -> Never {
        let hooks = settings.spec.hooks.startContainer
        // As with runc: they may do no more than the program.
        try setup.begin(program, passOn: connection.passOn) {
            guard !hooks.isEmpty else { return }
            var runner = HookRunner(state: state(pid: currentProcess()))
            runner.environment = ProgramSearch(process: process).environment
            try runner.run(hooks, kind: .startContainer)
        }
    }
}
