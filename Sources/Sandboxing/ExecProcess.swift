public import HostSystem
public import OCISpec

/// What is to be run in a container that exists, and how the caller wants it.
public struct ExecRequest {
    /// The container's id.
    public var id: String
    /// What the container's config.json says.
    public var spec: RuntimeSpec
    /// What is run; nothing of `spec.process` is added.
    @Shared public var process: Process
    /// The pid of the container's process 1.
    public var containerPID: Int32
    /// A process descriptor of it.
    public var containerProcess: Int32
    /// The container's cgroup directories.
    public var cgroups: [String]
    /// Cgroups below those, by controller; the empty controller stands for all.
    public var subCgroups: [String: String] = [:]
    /// The process keeps the caller's session keyring.
    public var noNewKeyring = false
    /// The descriptors that the program keeps besides the standard ones.
    public var preservedDescriptors: [Int32] = []
    /// The socket that takes the terminal's master.
    public var consoleSocket: Int32?
    /// What the program prints on its terminal comes out as it is, without carriage returns.
    public var keepsNewlines = false

    /// Who decides about the calls that the container's filter leaves to an agent, and what that is told.
    public var agent: (agent: SeccompAgent, state: ContainerStateDocument)?

    /// Where compiled seccomp filters are kept; nil to compile anew.
    public var filterCache: FilterCache?

    /// Creates a request with runc's defaults.
    public init(
        id: String, spec: RuntimeSpec, process: Process, containerPID: Int32, containerProcess: Int32,
        cgroups: [String]
    ) {
        self.id = id
        self.spec = spec
        self.process = process
        self.containerPID = containerPID
        self.containerProcess = containerProcess
        self.cgroups = cgroups
    }
}

/// A process that joins a container. It becomes the caller's child and the container's process in one step.
public struct ExecProcess {
    private let settings: ExecSettings

    /// Checks the request; changes nothing.
    ///
    /// - Throws: An error that says what cannot be done.
    public init(_ request: ExecRequest) throws {
        let linux = request.spec.linux ?? LinuxSpec()
        settings = ExecSettings(
            request: request,
            identity: try ProcessIdentity(request.process, seccomp: linux.seccomp, cache: request.filterCache),
            namespaces: ExecNamespaces(linux.namespaces),
            cgroups: try ExecCgroups(request.cgroups, below: request.subCgroups, containerPID: request.containerPID))
    }

    /// Makes the process; when it returns, its program has begun.
    ///
    /// - Returns: The pid, as the caller's PID namespace numbers it.
    /// - Throws: The reason why the program did not begin. The process is gone then.
    public func start() throws -> Int32 {
        let pair = try SocketPair()
        let root = try settings.namespaces.sharesMounts ? openRoot() : nil
        let pid = try settings.namespaces.clone(settings.request.containerProcess)
        let (ours, theirs) = pair.take()
        if pid == 0 {
            _ = Descriptor(owning: ours)
            ExecInit(settings: settings, root: root, channel: InitChannel(socket: Descriptor(owning: theirs))).run()
        }
        _ = Descriptor(owning: theirs)
        if let root { _ = Descriptor(owning: root) }
        do {
            let channel = InitChannel(socket: Descriptor(owning: ours))
            let said = try channel.receive { listener in
                guard let agent = settings.request.agent else { throw Failure("there is no seccomp agent") }
                try agent.agent.take(listener, of: pid, agent.state)
            }
            switch said {
            // The program's exec has closed the other end.
            case nil: return pid
            case .failed(let reason): throw Failure(reason)
            default: throw Failure("the process says what it should not")
            }
        } catch {
            endChild(pid)
            throw error
        }
    }

    /// The root directory of process 1, which in a shared mount namespace is not that namespace's own.
    private func openRoot() throws(HostError) -> Int32 {
        try open("/proc/\(settings.request.containerPID)/root", flags: [.directory, .pathOnly]).release()
    }
}

/// All that a joining process needs to know.
struct ExecSettings {
    let request: ExecRequest
    let identity: ProcessIdentity
    let namespaces: ExecNamespaces
    let cgroups: ExecCgroups
}

/// A joining process, from its first instruction to its program's.
private struct ExecInit: ~Copyable {
    let settings: ExecSettings
    let root: Int32?
    let channel: InitChannel

    private var request: ExecRequest { settings.request }

    consuming func run() -> Never {
        do {
            try join()
            let setup = ProcessSetup(
                process: request.process, identity: settings.identity, consoleSocket: request.consoleSocket)
            try setup.attach(try openConsole())
            try closeDescriptors(except: request.preservedDescriptors + [channel.socket.raw])
            let program = try setup.findProgram()
            try begin(program, setup)
        } catch {
            try? channel.send(.failed("\(error)"))
            exitNow(1)
        }
    }

    private func begin(_ program: String, _ setup: ProcessSetup) throws -> Never {
        let socket = channel.socket.raw
        try setup.begin(program) { listener throws(HostError) in
            try InitChannel.passOn(listener, over: socket)
        }
    }

    /// Becomes a process of the container. What needs the host's procfs or the rights of the caller comes first.
    private func join() throws {
        resetSignals()
        try startSession()
        let affinity = request.process.execCPUAffinity
        try ExecutionAttributes.keep(to: affinity?.initialNumbers, named: "initial")
        try settings.cgroups.enter()
        // Entering a cgroup allows every processor that it has.
        try ExecutionAttributes.keep(to: affinity?.finalNumbers, named: "final")
        if affinity?.initial == nil, affinity?.final == nil { ExecutionAttributes.allowEveryProcessor() }
        try settings.identity.applyLimits()
        try ExecutionAttributes(request.process, request.spec.linux ?? LinuxSpec()).apply()
        try setDumpable(false)
        try settings.namespaces.join(request.containerProcess)
        if let root {
            try changeDirectory(to: root)
            try changeRoot(to: ".")
        }
        if !request.noNewKeyring { try? joinNewSessionKeyring(named: "_ses.\(request.id)") }
    }

    private func openConsole() throws -> RootSwitch.Console? {
        guard request.process.terminal else { return nil }
        let terminal = try PseudoTerminal(multiplexer: "/dev/pts/ptmx")
        if request.keepsNewlines { try keepNewlines(terminal.slave.raw) }
        return RootSwitch.Console(terminal: terminal)
    }
}
