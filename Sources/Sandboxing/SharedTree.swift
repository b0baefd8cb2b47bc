internal import HostSystem
internal import OCISpec

/// The files that a guest shares with its host, the root filesystem and config.json's bind mounts, and the program that
/// serves them.
///
/// A server begins with process 1, in namespaces of its own but for the container's, in a root that has nothing else, and
/// ends when the guest does. Of the capabilities that containers have by default it has those about files. See
/// virtiofsd(1).
public struct SharedTree {
    /// What the guest finds in it.
    public enum Layout {
        /// The root filesystem and each mount apart, for a machine's process 1 that reads this.
        case parts(configuration: [UInt8])
        /// The root filesystem with the mounts at their destinations.
        case whole
    }

    /// A program that serves the tree.
    public struct Server {
        /// The program's path on the host.
        public let path: String
        /// The open program.
        public let program: Int32
        /// Where it takes the monitor's connection.
        public let listener: Int32
        /// What becomes its standard error.
        public let errors: Int32

        /// A server.
        public init(path: String, program: Int32, listener: Int32, errors: Int32) {
            self.path = path
            self.program = program
            self.listener = listener
            self.errors = errors
        }
    }

    /// Who gives the guest the files.
    public enum Provider {
        /// A program beside the monitor.
        case server(Server)
        /// The monitor, which finds the tree at this path of its root.
        case monitor(place: String)
    }

    /// What the guest finds.
    public let layout: Layout
    /// The numbers of the mounts in config.json.
    public let mounts: [Int]
    /// Who gives it to the guest.
    public let provider: Provider

    /// A tree.
    public init(_ layout: Layout, mounts: [Int], by provider: Provider) {
        self.layout = layout
        self.mounts = mounts
        self.provider = provider
    }

    /// What is about files, and what takes the rest away: CAP_SETPCAP and CAP_SYS_CHROOT, which the program gives up.
    private static let capabilities = [
        "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_SETGID", "CAP_SETUID", "CAP_SETFCAP",
        "CAP_SETPCAP", "CAP_SYS_CHROOT",
    ]
    private static let place = "share"

    /// Starts the server, where there is one, as a child of process 1; its root is made in the child's own mount
    /// namespace.
    func serve(_ settings: SandboxSettings) throws {
        guard case .server(let server) = provider else { return }
        let pair = try SocketPair().take()
        let child = try cloneProcess(namespaces: NamespaceFlag.mount)
        if child == 0 {
            let report = (try? duplicate(pair.second, from: 4).release()) ?? pair.second
            do {
                try setParentDeathSignal(Signal.kill)
                try furnish(for: server, settings)
                try begin(server, reportingTo: report)
            } catch {
                try? sendMessage([UInt8]("\(error)".utf8.prefix(4000)), to: report)
                exitNow(1)
            }
        }
        for number in [pair.second, server.listener, server.errors, server.program] { _ = Descriptor(owning: number) }
        let answer = Descriptor(owning: pair.first)
        let reason = try receiveMessage(answer.raw)
        guard reason.isEmpty else {
            throw Failure("cannot serve files to the guest: \(String(decoding: reason, as: UTF8.self))")
        }
    }

    // MARK: its root

    private func furnish(for server: Server, _ settings: SandboxSettings) throws {
        try mount(nil, at: "/", flags: [.private, .recursive])
        let opened = try open(settings)
        var size = 0
        if case .parts(let configuration) = layout { size = configuration.count }
        let place = "/proc"
        try mount(
            "tmpfs", at: place, type: "tmpfs", flags: [.noSetUserID, .noDevices],
            data: "mode=755,size=\(64 + 2 * size >> 10)k,nr_inodes=\(64 + mounts.count)")
        try changeDirectory(to: place)
        let root = try HostSystem.open(".", flags: [.directory, .pathOnly])
        try MonitorRoot(programs: [server.path], directories: [], files: [], devices: [], owner: (0, 0))
            .furnish(root.raw, rootPath: settings.rootPath)
        try makeDirectory("proc", mode: 0o555)
        switch layout {
        case .whole: try attach(opened, at: "/\(Self.place)", in: root.raw, settings)
        case .parts(let configuration): try spread(opened, configuration, in: root.raw)
        }
        try mount("proc", at: "\(place)/proc", type: "proc", flags: [.noSetUserID, .noDevices, .noExecute])
        try pivotRootToCurrentDirectory()
        try mount(nil, at: "/", flags: [.remount, .bind, .readOnly, .noSetUserID, .noDevices])
    }

    /// The root filesystem and the mounts, attached nowhere yet.
    typealias Opened = (root: Int32, sources: [Int32])

    /// Opens what is shared, before the places where the container and its mounts are, are covered.
    func open(_ settings: SandboxSettings) throws -> Opened {
        (try shareRoot(settings), try mounts.map { try openMount($0, settings) })
    }

    /// Makes the tree at the path `place` of `root`, with the mounts at their destinations.
    func attach(_ opened: Opened, at place: String, in root: Int32, _ settings: SandboxSettings) throws {
        let name = String(place.dropFirst())
        try makeDirectory(name, in: root, mode: 0o755)
        try attach(opened.root, name, root)
        let tree = RootTree(directory: try openBeneath(root, name, flags: [.directory, .pathOnly]))
        for (number, source) in zip(mounts, opened.sources) {
            let isDirectory = try status(of: source).kind == .directory
            let destination = settings.spec.mounts[number].destination
            do throws(HostError) {
                let place = try tree.make(destination, isDirectory: isDirectory)
                try attachMount(source, at: place.descriptor.raw)
            } catch {
                throw Failure(at: "/mounts/\(number)", "cannot share \(destination)", cause: error)
            }
        }
    }

    private func spread(_ opened: Opened, _ configuration: [UInt8], in root: Int32) throws {
        for directory in [Self.place, "\(Self.place)/root", "\(Self.place)/mounts"] {
            try makeDirectory(directory, mode: 0o755)
        }
        try write(configuration, in: root)
        try attach(opened.root, "\(Self.place)/root", root)
        for (number, source) in zip(mounts, opened.sources) {
            let name = "\(Self.place)/mounts/\(number)"
            if try status(of: source).kind == .directory {
                try makeDirectory(name, mode: 0o755)
            } else {
                try makeNode(name, in: root, mode: NodeMode.regular | 0o644)
            }
            try attach(source, name, root)
        }
    }

    private func write(_ configuration: [UInt8], in root: Int32) throws(HostError) {
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
            if case .mount(let mapped) = settings.mappedMounts?.prepared[number] {
                let (set, clear) = try options.bindAttributes(of: nil)
                try setMountAttributes(
                    mapped, set: set | MountAttribute.noDevices, clear: clear & ~MountAttribute.noDevices,
                    recursive: false)
                return mapped
            }
            let source = try Mounting.openSource(mount, options, bundle: settings.bundle)
            let copy = try cloneMount("", in: source.raw, recursive: options.flags.contains(.recursive))
            let (set, clear) = try options.bindAttributes(of: nil)
            try setMountAttributes(
                copy.raw, set: set | MountAttribute.noDevices, clear: clear & ~MountAttribute.noDevices,
                recursive: false)
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

    private func begin(_ server: Server, reportingTo report: Int32) throws -> Never {
        let program = try duplicate(server.program, from: 4).release()
        let (listener, errors) = (
            try duplicate(server.listener, from: 4).release(), try duplicate(server.errors, from: 4).release()
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
                server.path, "--fd=3", "-o", "source=/\(Self.place)", "-o", "sandbox=chroot", "-o",
                "announce_submounts", "-o", "modcaps=-mknod", "-o", "cache=auto", "-o", "log_level=err",
                "--rlimit-nofile=0", "--thread-pool-size=0",
            ], environment: [])
    }
}
