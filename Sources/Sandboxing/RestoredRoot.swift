public import HostSystem
internal import OCISpec

/// The root filesystem as criu restores a container onto it: bound to a directory of its own, with all mount points.
///
/// All of it is in a mount namespace that the runtime enters for a while and criu stays in: whatever happens, nothing of
/// it is ever seen on the host, and nothing is left.
public struct RestoredRoot: ~Copyable {
    /// What criu is told about mounts from outside: their names in the images, and the files of the host to be mounted.
    public private(set) var mounts: [ExternalMounts.Pair] = []
    private let namespace: Descriptor
    private let root: Descriptor
    private let directory: Descriptor

    /// Enters a mount namespace of its own.
    fileprivate init() throws(HostError) {
        let host = try open("/proc/self/ns/mnt", flags: .readOnly)
        let hostRoot = try open("/", flags: [.directory, .pathOnly])
        let here = try open(".", flags: [.directory, .pathOnly])
        try unshareNamespaces(NamespaceFlag.mount)
        namespace = host
        root = hostRoot
        directory = here
    }

    fileprivate mutating func add(_ name: String, _ source: String) { mounts.append((name, source)) }

    /// Goes back to the host's mounts; who was started meanwhile stays.
    public consuming func leave() throws(HostError) {
        try joinNamespace(namespace.raw, type: NamespaceFlag.mount, path: "the host's mounts")
        try changeDirectory(to: root.raw)
        try changeRoot(to: ".")
        try changeDirectory(to: directory.raw)
    }
}

extension Sandbox {
    /// Makes the mount points that a restored container needs, as `create` does, and binds its root to `place`.
    ///
    /// - Parameter place: An empty directory.
    /// - Throws: ``HostSystem/Failure`` that names the property; the host's mounts are as before then.
    public func prepareRestore(at place: String) throws -> RestoredRoot {
        guard settings.namespaces.new.contains(.mount) else {
            throw Failure(at: "/linux/namespaces", "a container without a mount namespace of its own is not restored")
        }
        var restored = try RestoredRoot()
        do {
            try mount(nil, at: "/", flags: [.slave, .recursive])
            let source = try openWithoutLinks(settings.rootPath, flags: [.directory, .pathOnly])
            let bound = try cloneMount("", in: source.raw, recursive: true)
            let target = try openWithoutLinks(place, flags: [.directory, .pathOnly])
            try attachMount(bound.raw, at: target.raw)
            try makeMountPoints(RootTree(directory: bound), &restored)
        } catch {
            try restored.leave()
            throw error
        }
        return restored
    }

    private func makeMountPoints(_ tree: consuming RootTree, _ restored: inout RestoredRoot) throws {
        let linux = settings.spec.linux ?? LinuxSpec()
        let temporary = settings.spec.mounts.filter { $0.type == "tmpfs" }.map(\.destination)
        let shown = DescriptorSet()
        for (index, mount) in settings.spec.mounts.enumerated() {
            // A tmpfs comes back with all that was in it.
            let isRestored = temporary.contains {
                RootTree.path(mount.destination, isWithin: $0) && !RootTree.path($0, isWithin: mount.destination)
            }
            do throws(HostError) {
                try makeMountPoint(mount, isRestored: isRestored, tree, shown, &restored)
            } catch {
                throw Failure(
                    at: "/mounts/\(index)", "cannot make the mount point at \"\(mount.destination)\"", cause: error)
            }
        }
        // criu makes the mounts itself.
        for number in shown.numbers.reversed() { try detachMount(descriptorPath(number)) }
        restored.add(ExternalMounts.mask.key, ExternalMounts.mask.value)
        for path in ExternalMounts.defaultNodes + linux.devices.map(\.path) { restored.add(path, path) }
    }

    /// A bind mount is shown for as long as others may be in it.
    private func makeMountPoint(
        _ mount: Mount, isRestored: Bool, _ tree: borrowing RootTree, _ shown: DescriptorSet,
        _ restored: inout RestoredRoot
    ) throws(HostError) {
        if mount.type == "cgroup" || mount.type == "cgroup2" {
            return addHierarchies(mount.destination, &restored)
        }
        guard mount.isBind else {
            if !isRestored { _ = try tree.make(mount.destination, isDirectory: true) }
            return
        }
        let source = try Mounting.openSource(mount, MountOptions(mount), bundle: settings.bundle)
        let path = try readLink(descriptorPath(source.raw))
        if isRestored {
            return restored.add("/" + RootTree.normalised(mount.destination).joined(separator: "/"), path)
        }
        let isDirectory = try status(of: source.raw).kind == .directory
        let point = try tree.make(mount.destination, isDirectory: isDirectory)
        restored.add(try tree.pathInside(point.descriptor.raw), path)
        let copy = try cloneMount("", in: source.raw, recursive: true)
        try attachMount(copy.raw, at: point.descriptor.raw)
        shown.add(copy)
    }

    /// Version 1: the container's part of each hierarchy, bound by the hierarchy's name.
    private func addHierarchies(_ destination: String, _ restored: inout RestoredRoot) {
        guard !settings.cgroup.isUnified else { return }
        let place = "/" + RootTree.normalised(destination).joined(separator: "/")
        for path in settings.cgroup.directories + settings.cgroup.inherited {
            let parts = path.dropFirst(CgroupLayout.mountRoot.count).split(separator: "/")
            if let name = parts.first { restored.add("\(place)/\(name)", path) }
        }
    }

    /// Puts a process into the container's cgroups, from where what it makes starts.
    public func enterCgroups(_ pid: Int32) throws {
        if let unit = settings.cgroup.unit {
            try settings.cgroup.start(unit, pid: pid, id: settings.id, settings.spec)
        }
        for entry in settings.cgroup.membershipFiles.numbers {
            try writeAll([UInt8]("\(pid)".utf8), to: entry, named: "cgroup")
        }
        settings.cgroup.membershipFiles.close()
    }
}
