internal import HostSystem
internal import OCISpec

/// Makes the mounts of config.json in a container's root. See config.md "Mounts" of the runtime spec.
struct Mounting: ~Copyable {
    var tree: RootTree
    /// Mounts of tmpfs that become read-only when all is in them that belongs there.
    private let fillable = DescriptorSet()
    /// The bundle, from which relative sources count.
    let bundle: String
    /// The container's own cgroup directories.
    let cgroup: Cgroup
    /// The SELinux label of new file systems; nil for the kernel's choice.
    let label: String?
    /// Whether the container is in a user namespace of its own.
    let isUserNamespace: Bool

    /// Gives the tree back.
    consuming func takeTree() -> RootTree { tree }

    /// Makes the mount that is number `index` in config.json.
    ///
    /// - Parameter mapped: The mount itself, detached, where its ids are mapped.
    /// - Throws: ``HostSystem/Failure`` that names the property, with runc's words.
    mutating func make(_ mount: Mount, number index: Int, mapped: IDMappedMounts.Prepared? = nil) throws(Failure) {
        do throws(HostError) {
            let options = MountOptions(mount)
            switch mount.type {
            case "cgroup", "cgroup2": try cgroupMount(mount, options)
            case "sysfs", "proc": try kernelFileSystem(mount, options)
            default: options.isBind ? try bind(mount, options, mapped) : try fileSystem(mount, options)
            }
        } catch {
            let source = mount.source ?? mount.type ?? ""
            throw Failure(
                at: "/mounts/\(index)", "error mounting \"\(source)\" to rootfs at \"\(mount.destination)\"",
                cause: error)
        }
    }

    /// A bind mount has its flags before it is anywhere to be seen, and is put on what was found: nothing that somebody
    /// changes in the container's tree meanwhile leads it, or its flags, elsewhere.
    private mutating func bind(
        _ mount: Mount, _ options: MountOptions, _ mapped: IDMappedMounts.Prepared?
    ) throws(HostError) {
        let path = mount.sourcePath(bundle: bundle)
        if options.copiesLink, let target = try? readLink(path) {
            return try tree.makeLink(mount.destination, to: target)
        }
        let source = try openSource(mount, options, mapped)
        let isDirectory = try status(of: source.raw).kind == .directory
        let place =
            options.coversLink
            ? try tree.makeWithoutFollowing(mount.destination, isDirectory: isDirectory)
            : try tree.make(mount.destination, isDirectory: isDirectory)
        try ProcfsRules.check(mount, at: place.descriptor.raw, binding: source.raw)
        if case .mount = mapped {
            // It comes from the caller's mounts, to which nothing may travel back.
            var apart = options
            apart.propagation.insert([.slave, .recursive], at: 0)
            return try finish(source, mount, apart, at: place)
        }
        let copy = try cloneMount("", in: source.raw, recursive: options.flags.contains(.recursive))
        if case .namespace(let ids) = mapped {
            try mapMount(copy.raw, to: ids, recursive: options.mapsRecursively)
        }
        try finish(copy, mount, options, at: place)
    }

    private func openSource(
        _ mount: Mount, _ options: MountOptions, _ mapped: IDMappedMounts.Prepared?
    ) throws(HostError) -> Descriptor {
        if case .mount(let made) = mapped { return try duplicate(made) }
        return try Self.openSource(mount, options, bundle: bundle)
    }

    /// What a bind mount shows, open.
    static func openSource(_ mount: Mount, _ options: MountOptions, bundle: String) throws(HostError) -> Descriptor {
        try open(mount.sourcePath(bundle: bundle), flags: options.showsLink ? [.pathOnly, .noFollow] : .pathOnly)
    }

    /// A view of the kernel. In a user namespace a new one takes a network or PID namespace of the same owner; without,
    /// the container sees the caller's, as with crun.
    private mutating func kernelFileSystem(_ mount: Mount, _ options: MountOptions) throws(HostError) {
        if options.isBind { return try bind(mount, options, nil) }
        do throws(HostError) {
            try fileSystem(mount, options)
        } catch {
            guard isUserNamespace, error.isPermission else { throw error }
            var bound = mount
            bound.source = mount.type == "proc" ? "/proc" : "/sys"
            var bindOptions = options
            bindOptions.flags.formUnion([.bind, .recursive])
            try bind(bound, bindOptions, nil)
        }
    }

    private mutating func fileSystem(_ mount: Mount, _ options: MountOptions) throws(HostError) {
        let isKernels = mount.type == "proc" || mount.type == "sysfs"
        var options = options
        if mount.type == "tmpfs", !options.data.contains(where: { $0.hasPrefix("mode=") }) {
            // As with runc and crun it has the mode of the directory that it hides, if there is one.
            if let hidden = try tree.find(mount.destination) {
                options.data.append("mode=\(String(try status(of: hidden.descriptor.raw).permissions, radix: 8))")
            }
        }
        let place =
            isKernels
            ? try tree.makeOrdinaryDirectory(mount.destination) : try tree.make(mount.destination, isDirectory: true)
        let source = mount.source ?? mount.type ?? "none"
        let context = SecurityLabels.context(label, type: mount.type)
        if !isKernels { try ProcfsRules.check(mount, at: place.descriptor.raw, binding: nil) }
        // What is done to a mount after it is there has to be done to this very one, so it is made apart first.
        let coversRoot = RootTree.normalised(mount.destination).isEmpty
        if let type = mount.type, coversRoot || options.needsFinish(type: type) {
            let made = try newFileSystem(
                type, source: source, options: options.fileSystemOptions + context.map { "context=\($0)" },
                attributes: 0)
            if options.copiesUp { try copyUp(from: place.descriptor.raw, to: made.raw) }
            return try finish(made, mount, options, at: place)
        }
        let data = (options.data + context.map { "context=\"\($0)\"" }).joined(separator: ",")
        do throws(HostError) {
            try HostSystem.mount(source, at: place.path, type: mount.type, flags: options.flags, data: data)
        } catch {
            // mount(2) refuses what is mounted in this place already, move_mount(2) does not.
            guard error.isBusy, let type = mount.type else { throw error }
            let made = try newFileSystem(type, source: source, options: options.fileSystemOptions, attributes: 0)
            return try finish(made, mount, options, at: place)
        }
        if mount.type == "proc" { try tree.takeProcfs(mount.destination) }
    }

    /// Gives a mount that is nowhere yet its flags, puts it in its place, and sets its propagation.
    private mutating func finish(
        _ made: consuming Descriptor, _ mount: Mount, _ options: MountOptions, at place: borrowing RootTree.Place
    ) throws(HostError) {
        var (set, clear) = try attributes(of: made.raw, options)
        let isFilled = mount.type == "tmpfs" && set & MountAttribute.readOnly != 0
        if isFilled { set &= ~MountAttribute.readOnly }
        if set | clear != 0 { try setMountAttributes(made.raw, set: set, clear: clear, recursive: false) }
        if options.recursiveSet | options.recursiveClear != 0 {
            try setMountAttributes(
                made.raw, set: options.recursiveSet, clear: options.recursiveClear, recursive: true)
        }
        try attachMount(made.raw, at: place.descriptor.raw)
        if RootTree.normalised(mount.destination).isEmpty { try tree.coverRoot(with: made.raw) }
        for propagation in options.propagation {
            try HostSystem.mount(nil, at: descriptorPath(made.raw), flags: propagation)
        }
        if isFilled {
            fillable.add(made)
        } else if RootTree.normalised(mount.destination) == ["proc"] {
            try tree.takeProcfs(made)
        }
    }

    private func attributes(
        of mount: Int32, _ options: MountOptions
    ) throws(HostError) -> (set: UInt64, clear: UInt64) {
        guard options.isBind else { return options.attributes }
        return try options.bindAttributes(
            of: isUserNamespace && options.changesBind ? mountFlags(of: mount) : nil)
    }

    /// Makes read-only what had to be written to so far: a tmpfs at /dev has devices and other mounts in it.
    func seal() throws(HostError) {
        for mount in fillable.numbers { try setMountAttributes(mount, set: MountAttribute.readOnly, recursive: false) }
    }

    /// Fills a new tmpfs with what the directory under it holds: `tmpcopyup`.
    private func copyUp(from hidden: Int32, to made: Int32) throws(HostError) {
        let source = try openBeneath(hidden, ".", flags: .directory)
        let target = try openBeneath(made, ".", flags: .directory)
        try copyTree(from: source.raw, to: target.raw)
    }

    /// Version 2: the hierarchy itself. Version 1: a small tmpfs with the container's part of each hierarchy.
    private mutating func cgroupMount(_ mount: Mount, _ options: MountOptions) throws(HostError) {
        let place = try tree.make(mount.destination, isDirectory: true)
        var options = options
        options.flags.subtract([.bind, .recursive])
        if cgroup.isUnified {
            let made = try unifiedTree(options)
            return try finish(made, mount, options, at: place)
        }
        let attributes = MountAttribute.noSetUserID | MountAttribute.noDevices | MountAttribute.noExecute
        let made = try newFileSystem("tmpfs", source: "tmpfs", options: ["mode=755"], attributes: attributes)
        let directory = try openBeneath(made.raw, ".", flags: .directory)
        try attachMount(made.raw, at: place.descriptor.raw)
        for path in cgroup.directories + cgroup.inherited where exists(path) {
            try bindHierarchy(path, in: directory.raw, options)
        }
        guard options.flags.contains(.readOnly) else { return }
        try setMountAttributes(made.raw, set: MountAttribute.readOnly, recursive: false)
    }

    /// Without a cgroup namespace of its own a user namespace may not mount the hierarchy, only bind the host's mount, as
    /// runc does.
    private func unifiedTree(_ options: MountOptions) throws(HostError) -> Descriptor {
        do throws(HostError) {
            return try newFileSystem("cgroup2", source: "cgroup", options: options.data, attributes: 0)
        } catch {
            guard error.isPermission || error.isBusy else { throw error }
            return try cloneMount(CgroupLayout.mountRoot, recursive: false)
        }
    }

    private func bindHierarchy(_ path: String, in directory: Int32, _ options: MountOptions) throws(HostError) {
        let parts = path.dropFirst(CgroupLayout.mountRoot.count).split(separator: "/")
        guard let name = parts.first.map(String.init) else { return }
        try makeDirectory(name, in: directory, mode: 0o755)
        let place = try openBeneath(directory, name, flags: [.directory, .pathOnly])
        let copy = try cloneMount(path, recursive: false)
        let (set, clear) = options.attributes
        if set | clear != 0 { try setMountAttributes(copy.raw, set: set, clear: clear, recursive: false) }
        try attachMount(copy.raw, at: place.raw)
    }
}

/// Copies files, directories and symbolic links with mode and owner; device nodes, fifos and sockets are left out.
private func copyTree(from source: Int32, to target: Int32) throws(HostError) {
    for name in try entries(of: source, named: "tmpcopyup").map(\.name) {
        let found = try status(of: name, in: source)
        switch found.kind {
        case .directory:
            try makeDirectory(name, in: target, mode: found.permissions)
            let from = try openBeneath(source, name, flags: [.directory, .noFollow])
            let to = try openBeneath(target, name, flags: [.directory, .noFollow])
            try copyTree(from: from.raw, to: to.raw)
        case .symbolicLink:
            try makeSymbolicLink(name, in: target, to: try readLink(name, in: source))
        case .regular:
            let from = try openBeneath(source, name, flags: [.readOnly, .noFollow])
            let to = try openBeneath(target, name, flags: [.writeOnly, .create, .exclusive], mode: found.permissions)
            try writeAll(try readAll(from.raw, named: name, limit: 1 << 30), to: to.raw, named: name)
        default: continue
        }
        try changeOwner(of: name, in: target, uid: found.owner, gid: found.group)
    }
}
