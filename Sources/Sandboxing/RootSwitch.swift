internal import HostSystem
internal import OCISpec

/// Builds a container's mount tree and makes it the root. See config.md "Root" and config-linux.md.
struct RootSwitch {
    let settings: SandboxSettings

    private var linux: LinuxSpec { settings.spec.linux ?? LinuxSpec() }

    /// The console's slave, once the container has one.
    struct Console: ~Copyable {
        let terminal: PseudoTerminal
    }

    /// A container's tree, furnished and not yet the root of anything.
    struct Furnished: ~Copyable {
        let tree: RootTree
        let console: Console?

        /// The terminal; the tree's descriptors are closed.
        consuming func takeConsole() -> Console? { console }
    }

    /// Builds the tree of an ordinary container, with its terminal, if config.json asks for one.
    func furnish() throws -> Furnished {
        let isNew = settings.namespaces.new.contains(.mount)
        if isNew { try setPropagation() }
        let label = linux.mountLabel.flatMap { SecurityLabels.hasSELinux ? $0 : nil }
        var mounting = Mounting(
            // Where the mounts are the caller's, it has bound the root itself.
            tree: RootTree(directory: try isNew ? mountRoot() : openRoot()), bundle: settings.bundle,
            cgroup: settings.cgroup, label: label, isUserNamespace: settings.namespaces.isSeparate(.user))
        for (index, mount) in settings.spec.mounts.enumerated() {
            try mounting.make(mount, number: index, mapped: settings.mappedMounts?.prepared[index])
        }
        let console = try furnishDevices(mounting.tree)
        try mounting.seal()
        return Furnished(tree: mounting.takeTree(), console: console)
    }

    /// Binds the root filesystem onto itself, so that it is a mount, and opens that.
    ///
    /// Its path was found without links when the bundle was read: one that has come since does not lead anywhere.
    private func mountRoot() throws(Failure) -> Descriptor {
        do throws(HostError) {
            return try Self.bindRoot(settings.rootPath)
        } catch {
            throw Failure(at: "/root/path", "cannot mount the root filesystem", cause: error)
        }
    }

    private func openRoot() throws(HostError) -> Descriptor {
        try openWithoutLinks(settings.rootPath, flags: [.directory, .pathOnly])
    }

    /// Binds a root filesystem onto itself.
    static func bindRoot(_ path: String) throws(HostError) -> Descriptor {
        let place = try openWithoutLinks(path, flags: [.directory, .pathOnly])
        let root = try cloneMount("", in: place.raw, recursive: true)
        try attachMount(root.raw, at: place.raw)
        return root
    }

    private func furnishDevices(_ tree: borrowing RootTree) throws -> Console? {
        // A host's /dev that is bound into the container is complete, and not the container's to change.
        let bindsDev = settings.spec.mounts.contains {
            RootTree.normalised($0.destination) == ["dev"] && $0.isBind
        }
        if !bindsDev {
            let held = DescriptorSet()
            defer { held.close() }
            var nodes = DeviceNodes(binds: settings.namespaces.isSeparate(.user), mounts: settings.spec.mounts)
            if let prepared = settings.preparedDevices {
                nodes.prepared = try prepared.mounts(over: tree.directory.raw, held)
            }
            try nodes.make(linux.devices, in: tree)
        }
        let console = try openConsole(in: tree)
        if let directory = settings.spec.process?.cwd { _ = try tree.make(directory, isDirectory: true) }
        try CoveredPaths.protect(linux.readonlyPaths, in: tree)
        try CoveredPaths.mask(linux.maskedPaths, in: tree)
        return console
    }

    /// Opens a terminal of the container's own devpts and binds it to /dev/console.
    ///
    /// What an image calls ptmx need not be one, and must not even be opened then; nor may its /dev/console be a link
    /// that puts the terminal over another file (CVE-2025-52565).
    private func openConsole(in tree: borrowing RootTree) throws -> Console? {
        guard settings.spec.process?.terminal == true else { return nil }
        guard let multiplexer = try tree.find("/dev/pts/ptmx"),
            try fileSystemType(of: multiplexer.descriptor.raw) == FileSystemMagic.devpts
        else {
            throw Failure(at: "/process/terminal", "cannot open a terminal: the container has no devpts at /dev/pts")
        }
        let terminal = try PseudoTerminal(multiplexer: multiplexer.path)
        do throws(HostError) {
            let place = try tree.makeFileWithoutLink("/dev/console")
            try mount(descriptorPath(terminal.slave.raw), at: place.path, flags: .bind)
        } catch {
            throw Failure(at: "/process/terminal", "cannot mount the terminal at /dev/console", cause: error)
        }
        return Console(terminal: terminal)
    }

    /// Mounts of the container must not travel back to the host; pivot_root(2) refuses shared mounts besides.
    private func setPropagation() throws(HostError) {
        let flags: MountFlags =
            switch linux.rootfsPropagation {
            case .shared, .rshared: [.shared, .recursive]
            case .private, .rprivate: [.private, .recursive]
            default: [.slave, .recursive]
            }
        try mount(nil, at: "/", flags: flags)
        if flags.contains(.shared) { try separateMount(above: settings.rootPath) }
    }

    /// Makes the mount that a directory is on private: what is mounted there does not travel to the host, and pivot_root(2)
    /// wants the mount above the new root so.
    private func separateMount(above path: String) throws(HostError) {
        var place = path
        while true {
            do throws(HostError) {
                return try mount(nil, at: place, flags: .private)
            } catch {
                // EINVAL: no mount begins here.
                guard error.isInvalid, place != "/" else { throw error }
            }
            let parent = place.lastIndex(of: "/").map { String(place[..<$0]) } ?? ""
            place = parent.isEmpty ? "/" : parent
        }
    }

    /// Makes the furnished tree the root.
    func enter(_ tree: borrowing RootTree) throws(HostError) {
        try changeDirectory(to: tree.directory.raw)
        if !settings.namespaces.new.contains(.mount) {
            try changeRoot(to: ".")
        } else if settings.noPivot {
            try coverOuterFileSystems()
            try mount(".", at: "/", flags: MountFlags(rawValue: 8192))
            try changeRoot(to: ".")
            try changeDirectory(to: "/")
        } else {
            try pivotRootToCurrentDirectory()
        }
        if let propagation = Self.rootPropagation(linux.rootfsPropagation) {
            try mount(nil, at: "/", flags: propagation)
        }
        if settings.spec.root?.readonly == true {
            let root = try open("/", flags: [.directory, .pathOnly])
            let kept = try mountFlags(of: root.raw)
            try mount(nil, at: "/", flags: [.remount, .bind, .readOnly, kept])
        }
    }

    /// Without pivot_root(2) the old tree stays, below the new root: procfs and sysfs without any mask, on the strength of
    /// which a process with a user namespace of its own may mount another such one. See mount_namespaces(7).
    private func coverOuterFileSystems() throws(HostError) {
        let outer = try mountTable().filter {
            ["proc", "sysfs"].contains($0.type) && $0.root == "/"
                && !RootTree.path($0.path, isWithin: settings.rootPath)
        }
        for entry in outer.reversed() {
            do throws(HostError) {
                try mount(nil, at: entry.path, flags: [.slave, .recursive])
                try detachMount(entry.path)
            } catch {
                // Not to be detached where it came from another user namespace, or covered already: then cover it.
                if error.isNotFound { continue }
                try mount("tmpfs", at: entry.path, type: "tmpfs", flags: .readOnly)
            }
        }
    }

    private static func rootPropagation(_ propagation: Propagation?) -> MountFlags? {
        switch propagation {
        case nil: nil
        case .shared: .shared
        case .rshared: [.shared, .recursive]
        case .slave: .slave
        case .rslave: [.slave, .recursive]
        case .private: .private
        case .rprivate: [.private, .recursive]
        case .unbindable: .unbindable
        case .runbindable: [.unbindable, .recursive]
        }
    }

    /// The root of a guest's supervisor: a read-only tmpfs, empty but for what an external monitor needs.
    ///
    /// The terminal comes from a devpts of its own, which is gone from the tree again before anything else runs.
    func enterGuestRoot() throws -> Console? {
        try mount(nil, at: "/", flags: [.private, .recursive])
        let place = "/proc"
        let inodes = settings.monitorRoot == nil ? 4 : 64
        let opened = settings.monitorRoot?.openHostFiles() ?? []
        let shared = try sharedByMonitor()
        // A monitor's device nodes are the only ones there, and nobody inside can make any.
        var flags: MountFlags = [.noSetUserID, .noExecute]
        if settings.monitorRoot?.devices.isEmpty != false { flags.insert(.noDevices) }
        try mount("tmpfs", at: place, type: "tmpfs", flags: flags, data: "mode=755,size=4k,nr_inodes=\(inodes)")
        var console: Console?
        if settings.spec.process?.terminal == true {
            try makeDirectory("\(place)/pts", mode: 0o755)
            try mount(
                "devpts", at: "\(place)/pts", type: "devpts", flags: [.noSetUserID, .noExecute],
                data: "newinstance,ptmxmode=0666,mode=0620")
            console = Console(terminal: try PseudoTerminal(multiplexer: "\(place)/pts/ptmx"))
            try detachMount("\(place)/pts")
        }
        try changeDirectory(to: place)
        if let monitor = settings.monitorRoot {
            do {
                let root = try open(".", flags: [.directory, .pathOnly])
                try monitor.furnish(root.raw, rootPath: settings.rootPath, opened: opened)
                if let shared {
                    try shared.tree.attach(shared.files, at: shared.place, in: root.raw, settings)
                    try mountOwnProcesses(at: "\(place)/proc")
                }
            } catch {
                throw Failure("cannot make the monitor's root", cause: error)
            }
        }
        try pivotRootToCurrentDirectory()
        try mount(nil, at: "/", flags: flags.union([.remount, .bind, .readOnly]))
        return console
    }

    /// What a monitor that shares files reaches its descriptors by: the container's processes and nothing of the kernel's.
    private func mountOwnProcesses(at path: String) throws(HostError) {
        try makeDirectory(path, mode: 0o555)
        try mount(
            "proc", at: path, type: "proc", flags: [.noSetUserID, .noDevices, .noExecute],
            data: "hidepid=2,subset=pid")
    }

    /// The files that the monitor itself gives its guest, and where it wants to find them.
    private func sharedByMonitor() throws -> (tree: SharedTree, files: SharedTree.Opened, place: String)? {
        guard let tree = settings.sharedTree, case .monitor(let place) = tree.provider else { return nil }
        return (tree, try tree.open(settings), place)
    }
}
