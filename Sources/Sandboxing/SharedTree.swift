internal import HostSystem
internal import OCISpec

/// The files that a virtual machine shares with its host, and the program that serves them: the root filesystem and
/// config.json's bind mounts, each a mount of its own in a root that has nothing else.
///
/// The server begins with process 1, in namespaces of its own but for the container's, and ends when the machine does. Of
/// the capabilities that containers have by default it has those about files. See virtiofsd(1).
public struct SharedTree {
    /// The program's path on the host.
    public var path: String
    /// The open program.
    public var program: Int32
    /// Where it takes the machine's connection.
    public var listener: Int32
    /// What becomes its standard error.
    public var errors: Int32
    /// The numbers of the mounts in config.json.
    public var mounts: [Int]
    /// What the machine's process 1 reads, beside the files.
    public var configuration: [UInt8]

    /// A tree.
    public init(
        path: String, program: Int32, listener: Int32, errors: Int32, mounts: [Int], configuration: [UInt8]
    ) {
        self.path = path
        self.program = program
        self.listener = listener
        self.errors = errors
        self.mounts = mounts
        self.configuration = configuration
    }

    /// What is about files, and what takes the rest away: CAP_SETPCAP and CAP_SYS_CHROOT, which the program gives up.
    private static let capabilities = [
        "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_SETGID", "CAP_SETUID", "CAP_SETFCAP",
        "CAP_SETPCAP", "CAP_SYS_CHROOT",
    ]
    private static let place = "share"

    /// Starts the server, as a child of process 1; its root is made in the child's own mount namespace.
    func serve(_ settings: SandboxSettings) throws {
        let pair = try SocketPair().take()
        let child = try cloneProcess(namespaces: NamespaceFlag.mount)
        if child == 0 {
            let report = (try? duplicate(pair.second, from: 4).release()) ?? pair.second
            do {
                try setParentDeathSignal(Signal.kill)
                try furnish(settings)
                try begin(reportingTo: report)
            } catch {
                try? sendMessage([UInt8]("\(error)".utf8.prefix(4000)), to: report)
                exitNow(1)
            }
        }
        for number in [pair.second, listener, errors, program] { _ = Descriptor(owning: number) }
        let answer = Descriptor(owning: pair.first)
        let reason = try receiveMessage(answer.raw)
        guard reason.isEmpty else {
            throw Failure("cannot serve files to the virtual machine: \(String(decoding: reason, as: UTF8.self))")
        }
    }

    // MARK: its root

    private func furnish(_ settings: SandboxSettings) throws {
        try mount(nil, at: "/", flags: [.private, .recursive])
        let rootMount = try shareRoot(settings)
        let sources = try mounts.map { try openMount($0, settings) }
        let place = "/proc"
        try mount(
            "tmpfs", at: place, type: "tmpfs", flags: [.noSetUserID, .noDevices],
            data: "mode=755,size=\(64 + 2 * configuration.count >> 10)k,nr_inodes=\(64 + sources.count)")
        try changeDirectory(to: place)
        let root = try open(".", flags: [.directory, .pathOnly])
        try MonitorRoot(programs: [path], directories: [], files: [], devices: [], owner: (0, 0))
            .furnish(root.raw, rootPath: settings.rootPath)
        try makeDirectory("proc", mode: 0o555)
        for directory in [Self.place, "\(Self.place)/root", "\(Self.place)/mounts"] {
            try makeDirectory(directory, mode: 0o755)
        }
        try writeConfiguration(root.raw)
        try attach(rootMount, "\(Self.place)/root", root.raw)
        for (number, source) in zip(mounts, sources) {
            let name = "\(Self.place)/mounts/\(number)"
            if try status(of: source).kind == .directory {
                try makeDirectory(name, mode: 0o755)
            } else {
                try makeNode(name, in: root.raw, mode: NodeMode.regular | 0o644)
            }
            try attach(source, name, root.raw)
        }
        try mount("proc", at: "\(place)/proc", type: "proc", flags: [.noSetUserID, .noDevices, .noExecute])
        try pivotRootToCurrentDirectory()
        try mount(nil, at: "/", flags: [.remount, .bind, .readOnly, .noSetUserID, .noDevices])
    }

    private func writeConfiguration(_ root: Int32) throws(HostError) {
        let file = try openBeneath(
            root, "\(Self.place)/config.json", flags: [.writeOnly, .create, .exclusive], mode: 0o400)
        try writeAll(configuration, to: file.raw, named: "config.json")
    }

    private func attach(_ mount: Int32, _ name: String, _ root: Int32) throws(HostError) {
        let place = try openBeneath(root, name, flags: .pathOnly)
        try attachMount(mount, at: place.raw)
    }

    /// The root filesystem with the mount points that are not there yet: none can be made in a read-only one later.
    private func shareRoot(_ settings: SandboxSettings) throws -> Int32 {
        let found = try openWithoutLinks(settings.rootPath, flags: [.directory, .pathOnly])
        let copy = try cloneMount("", in: found.raw, recursive: true)
        let tree = RootTree(directory: try duplicate(copy.raw))
        var above: [String] = []
        for (number, mount) in settings.spec.mounts.enumerated() {
            defer { above.append(mount.destination) }
            if above.contains(where: { RootTree.path(mount.destination, isWithin: $0) }) { continue }
            let isFile = mounts.contains(number) && isFile(mount, settings)
            _ = try tree.make(mount.destination, isDirectory: !isFile)
        }
        if let directory = settings.spec.process?.cwd,
            !above.contains(where: { RootTree.path(directory, isWithin: $0) })
        {
            _ = try tree.make(directory, isDirectory: true)
        }
        try setMountAttributes(copy.raw, set: MountAttribute.noDevices, recursive: true)
        if settings.spec.root?.readonly == true {
            try setMountAttributes(copy.raw, set: MountAttribute.readOnly, recursive: false)
        }
        return copy.release()
    }

    private func isFile(_ mount: Mount, _ settings: SandboxSettings) -> Bool {
        (try? followedStatus(of: mount.sourcePath(bundle: settings.bundle)).kind) == .regular
    }

    /// A bind mount with the attributes that config.json gives it.
    private func openMount(_ number: Int, _ settings: SandboxSettings) throws -> Int32 {
        let mount = settings.spec.mounts[number]
        let options = MountOptions(mount)
        do throws(HostError) {
            if let mapped = settings.mappedMounts?.descriptors[number] {
                let (set, clear) = options.attributes
                try setMountAttributes(
                    mapped, set: set | MountAttribute.noDevices, clear: clear, recursive: false)
                return mapped
            }
            let source = try Mounting.openSource(mount, bundle: settings.bundle)
            let copy = try cloneMount("", in: source.raw, recursive: options.flags.contains(.recursive))
            let (set, clear) = options.attributes
            try setMountAttributes(copy.raw, set: set | MountAttribute.noDevices, clear: clear, recursive: false)
            if options.recursiveSet | options.recursiveClear != 0 {
                try setMountAttributes(
                    copy.raw, set: options.recursiveSet, clear: options.recursiveClear, recursive: true)
            }
            return copy.release()
        } catch {
            throw Failure(at: "/mounts/\(number)", "cannot share \(mount.destination)", cause: error)
        }
    }

    // MARK: the program

    private func begin(reportingTo report: Int32) throws -> Never {
        let program = try duplicate(program, from: 4).release()
        let (listener, errors) = (
            try duplicate(listener, from: 4).release(), try duplicate(errors, from: 4).release()
        )
        try duplicate(listener, to: 3)
        for number in Int32(0)...2 { try duplicate(errors, to: number) }
        try closeDescriptors(except: [3, program, report])
        try raiseFileLimit()
        var kept = CapabilitySet()
        for name in Self.capabilities { if let number = capabilityNumber(name) { kept.mask |= 1 << UInt64(number) } }
        try limitBoundingCapabilities(to: kept)
        try setCapabilities(effective: kept, permitted: kept, inheritable: CapabilitySet())
        try setNoNewPrivileges()
        resetSignals()
        try execute(
            descriptor: program,
            arguments: [
                path, "--fd=3", "-o", "source=/\(Self.place)", "-o", "sandbox=chroot", "-o", "announce_submounts",
                "-o", "modcaps=-mknod", "-o", "cache=auto", "-o", "log_level=err", "--rlimit-nofile=0",
                "--thread-pool-size=0",
            ], environment: [])
    }
}
