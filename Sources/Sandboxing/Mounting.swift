internal import HostSystem
internal import OCISpec

/// Makes the mounts of config.json in a container's root. See config.md "Mounts" of the runtime spec.
struct Mounting: ~Copyable {
    let tree: RootTree
    /// The bundle, from which relative sources count.
    let bundle: String
    /// The container's own cgroup directories.
    let cgroup: Cgroup

    /// Makes one mount.
    ///
    /// - Throws: ``HostSystem/Failure`` that names the destination.
    func make(_ mount: Mount) throws(Failure) {
        do throws(HostError) {
            let options = MountOptions(mount)
            switch mount.type {
            case "cgroup", "cgroup2": try cgroupMount(mount, options)
            default: options.isBind ? try bind(mount, options) : try fileSystem(mount, options)
            }
        } catch {
            throw Failure("cannot mount \(mount.type ?? "bind") at \(mount.destination)", cause: error)
        }
    }

    private func bind(_ mount: Mount, _ options: MountOptions) throws(HostError) {
        let named = mount.source ?? ""
        let source = try open(named.hasPrefix("/") ? named : "\(bundle)/\(named)", flags: .pathOnly)
        let isDirectory = try status(of: source.raw).kind == .directory
        let place = try tree.make(mount.destination, isDirectory: isDirectory)
        let recursive: MountFlags = options.flags.contains(.recursive) ? [.bind, .recursive] : .bind
        try HostSystem.mount(descriptorPath(source.raw), at: place.path, flags: recursive)
        try finish(mount, options, remount: true)
    }

    private func fileSystem(_ mount: Mount, _ options: MountOptions) throws(HostError) {
        let place = try tree.make(mount.destination, isDirectory: true)
        let source = mount.source ?? mount.type ?? "none"
        let data = options.data.joined(separator: ",")
        if options.flags.contains(.remount) {
            try HostSystem.mount(source, at: place.path, type: mount.type, flags: options.flags, data: data)
            return
        }
        // A read-only tmpfs could not be filled: that comes last.
        let later: MountFlags = options.copiesUp || mount.type == "tmpfs" ? options.flags.intersection(.readOnly) : []
        try HostSystem.mount(
            source, at: place.path, type: mount.type, flags: options.flags.subtracting(later), data: data)
        if options.copiesUp { try copyUp(mount.destination, from: place.descriptor.raw) }
        try finish(mount, options, remount: !later.isEmpty)
    }

    /// What comes after a mount exists: its own flags, those of the tree below it, and its propagation.
    private func finish(_ mount: Mount, _ options: MountOptions, remount: Bool) throws(HostError) {
        let flags = options.flags.intersection(.perMount)
        let isPlain = flags.isEmpty && options.cleared.isEmpty && options.recursiveSet | options.recursiveClear == 0
        if (!remount || isPlain) && options.propagation.isEmpty && options.recursiveSet | options.recursiveClear == 0 {
            return
        }
        guard let made = try tree.find(mount.destination) else { return }
        if remount && !(flags.isEmpty && options.cleared.isEmpty) {
            // In a user namespace flags that the source has may not be dropped: keep what is not cleared by name.
            let kept = try mountFlags(of: made.descriptor.raw).subtracting(options.cleared)
            try HostSystem.mount(nil, at: made.path, flags: [.remount, .bind, flags, kept])
        }
        if options.recursiveSet | options.recursiveClear != 0 {
            try setMountAttributes(
                made.descriptor.raw, set: options.recursiveSet, clear: options.recursiveClear, recursive: true)
        }
        for propagation in options.propagation { try HostSystem.mount(nil, at: made.path, flags: propagation) }
    }

    /// Fills a new tmpfs with what the directory under it holds: `tmpcopyup`.
    private func copyUp(_ destination: String, from hidden: Int32) throws(HostError) {
        guard let made = try tree.find(destination) else { return }
        let source = try openBeneath(hidden, ".", flags: .directory)
        let target = try openBeneath(made.descriptor.raw, ".", flags: .directory)
        try copyTree(from: source.raw, to: target.raw)
    }

    /// Version 2: the hierarchy itself. Version 1: a small tmpfs with the container's part of each hierarchy.
    private func cgroupMount(_ mount: Mount, _ options: MountOptions) throws(HostError) {
        let place = try tree.make(mount.destination, isDirectory: true)
        if cgroup.isUnified {
            let flags = options.flags.subtracting(.bind)
            try HostSystem.mount("cgroup", at: place.path, type: "cgroup2", flags: flags)
            return try finish(mount, options, remount: false)
        }
        try HostSystem.mount(
            "tmpfs", at: place.path, type: "tmpfs", flags: [.noSetUserID, .noDevices, .noExecute], data: "mode=755")
        for directory in cgroup.directories {
            let name = directory.dropFirst(CgroupLayout.mountRoot.count).split(separator: "/").first.map(String.init)
            try bindHierarchy(directory, as: "\(mount.destination)/\(name ?? "")", options)
        }
        guard options.flags.contains(.readOnly), let made = try tree.find(mount.destination) else { return }
        try HostSystem.mount(
            nil, at: made.path,
            flags: [.remount, .bind, .readOnly, .noSetUserID, .noDevices, .noExecute])
    }

    private func bindHierarchy(_ directory: String, as destination: String, _ options: MountOptions) throws(HostError) {
        let place = try tree.make(destination, isDirectory: true)
        try HostSystem.mount(directory, at: place.path, flags: .bind)
        let flags = options.flags.intersection(.perMount)
        guard !flags.isEmpty, let made = try tree.find(destination) else { return }
        try HostSystem.mount(nil, at: made.path, flags: [.remount, .bind, flags])
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
