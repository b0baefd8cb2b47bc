internal import HostSystem

/// A container's root directory while it is being furnished, before it becomes the root of anything.
///
/// Every path is resolved inside it (openat2(2), RESOLVE_IN_ROOT), so that a symbolic link in an image leads to nothing
/// of the host. Mounts are made through descriptors for the same reason.
struct RootTree: ~Copyable {
    /// The directory's mount, opened with O_PATH.
    private(set) var directory: Descriptor
    /// The container's procfs, once it is mounted: what is below /proc is looked for there, wherever /proc leads by then.
    private var procfs: Int32?
    private let held = DescriptorSet()

    /// A tree whose root is `directory`.
    init(directory: consuming Descriptor) {
        self.directory = directory
        procfs = nil
    }

    /// A mount point: its descriptor and whether it is a directory.
    struct Place: ~Copyable {
        let descriptor: Descriptor
        let isDirectory: Bool

        /// The descriptor alone.
        consuming func take() -> Descriptor { descriptor }

        /// The path by which mount(2) reaches it.
        var path: String { descriptorPath(descriptor.raw) }
    }

    /// What is at `path` now; nil when there is nothing.
    func find(_ path: String) throws(HostError) -> Place? {
        do throws(HostError) {
            let found = try open(path)
            let kind = try status(of: found.raw).kind
            return Place(descriptor: found, isDirectory: kind == .directory)
        } catch {
            if error.isNotFound || error.isNotDirectory { return nil }
            throw error
        }
    }

    private func open(_ path: String) throws(HostError) -> Descriptor {
        if let root = procfs, let inside = Self.pathInProcfs(path) {
            return try openInRoot(root, inside, flags: .pathOnly)
        }
        return try openInRoot(directory.raw, path, flags: .pathOnly)
    }

    private static func pathInProcfs(_ path: String) -> String? {
        guard path.hasPrefix("/proc/") else { return nil }
        let parts = normalised(path)
        return parts.first == "proc" && parts.count > 1 ? parts.dropFirst().joined(separator: "/") : nil
    }

    /// Remembers the procfs that was just mounted at `path`, if that is /proc.
    ///
    /// - Throws: ``HostSystem/HostError`` when there is no procfs: somebody has put something else there since.
    mutating func takeProcfs(_ path: String) throws(HostError) {
        guard Self.normalised(path) == ["proc"] else { return }
        try takeProcfs(try openInRoot(directory.raw, path, flags: [.directory, .pathOnly]))
        if procfs == nil { throw HostError(call: "openat2", subject: "\(path), which is no procfs", errno: 0) }
    }

    /// Remembers `mount`, which was mounted at /proc, if it is a procfs.
    mutating func takeProcfs(_ mount: consuming Descriptor) throws(HostError) {
        if try fileSystemType(of: mount.raw) == FileSystemMagic.proc { procfs = held.hold(mount) }
    }

    /// Makes what was mounted over the root the root.
    mutating func coverRoot(with mount: Int32) throws(HostError) { directory = try duplicate(mount) }

    /// A directory that is no symbolic link, made where there is none: for the kernel's own file systems, whose files
    /// the runtime and its engine rely on (CVE-2019-19921, CVE-2023-27561, CVE-2023-28642).
    ///
    /// - Throws: ``HostSystem/HostError`` in runc's words when something else is there, or on the way to it.
    func makeOrdinaryDirectory(_ path: String) throws(HostError) -> Place {
        let (above, name) = try parent(of: path)
        let directory = Descriptor(owning: above)
        do throws(HostError) {
            let found = try openWithoutLinks(name, in: directory.raw, flags: [.pathOnly, .noFollow])
            guard try status(of: found.raw).kind == .directory else { throw Self.notOrdinary(path) }
            return Place(descriptor: found, isDirectory: true)
        } catch {
            if error.isLoop { throw Self.notOrdinary(path) }
            guard error.isNotFound else { throw error }
        }
        try makeDirectory(name, in: directory.raw, mode: 0o755)
        return Place(
            descriptor: try openWithoutLinks(name, in: directory.raw, flags: [.directory, .pathOnly]), isDirectory: true
        )
    }

    private static func notOrdinary(_ path: String) -> HostError {
        HostError(call: "filesystem \"\(path)\" must be mounted on ordinary directory", subject: "", errno: 0)
    }

    /// What is at `path`, made as a directory or an empty file where there is nothing.
    ///
    /// A symbolic link to nothing is followed, inside of the root, and what it names is made.
    func make(_ path: String, isDirectory: Bool) throws(HostError) -> Place {
        try make(path, isDirectory: isDirectory, links: 40)
    }

    private func make(_ path: String, isDirectory: Bool, links: Int) throws(HostError) -> Place {
        if let place = try find(path) { return place }
        let (parent, name) = Self.split(path)
        if parent != "/" { _ = try make(parent, isDirectory: true, links: links) }
        let above = try openInRoot(directory.raw, parent, flags: [.directory, .pathOnly])
        if links > 0, let target = try? readLink(name, in: above.raw) {
            let base = target.hasPrefix("/") ? "" : try pathInside(above.raw)
            return try make("\(base)/\(target)", isDirectory: isDirectory, links: links - 1)
        }
        do throws(HostError) {
            if isDirectory {
                try makeDirectory(name, in: above.raw, mode: 0o755)
            } else {
                try makeNode(name, in: above.raw, mode: NodeMode.regular | 0o755)
            }
        } catch {
            if !error.isAlreadyThere { throw error }
        }
        return Place(descriptor: try openInRoot(directory.raw, path, flags: .pathOnly), isDirectory: isDirectory)
    }

    /// The path of an open directory as the container will see it, without links.
    func pathInside(_ inner: Int32) throws(HostError) -> String {
        let root = try readLink(descriptorPath(directory.raw))
        return String(try readLink(descriptorPath(inner)).dropFirst(root == "/" ? 0 : root.count))
    }

    /// What is at `path`, or an empty file made there; refused when it is a symbolic link.
    func makeFileWithoutLink(_ path: String) throws(HostError) -> Place {
        let (above, name) = try parent(of: path)
        let directory = Descriptor(owning: above)
        do throws(HostError) {
            try makeNode(name, in: directory.raw, mode: NodeMode.regular | 0o644)
        } catch {
            if !error.isAlreadyThere { throw error }
        }
        return Place(
            descriptor: try openWithoutLinks(name, in: directory.raw, flags: .pathOnly), isDirectory: false)
    }

    /// What is at `path`, be it a symbolic link, made where there is nothing.
    func makeWithoutFollowing(_ path: String, isDirectory: Bool) throws(HostError) -> Place {
        let (above, name) = try parent(of: path)
        let directory = Descriptor(owning: above)
        do throws(HostError) {
            let found = try openWithoutLinks(name, in: directory.raw, flags: [.pathOnly, .noFollow])
            return Place(descriptor: found, isDirectory: isDirectory)
        } catch {
            guard error.isNotFound else { throw error }
        }
        return try make(path, isDirectory: isDirectory)
    }

    /// Makes a symbolic link at `path` where there is nothing.
    func makeLink(_ path: String, to target: String) throws(HostError) {
        let (above, name) = try parent(of: path)
        let directory = Descriptor(owning: above)
        do throws(HostError) {
            try makeSymbolicLink(name, in: directory.raw, to: target)
        } catch {
            if !error.isAlreadyThere { throw error }
        }
    }

    /// The directory that holds `path`, made where there is none, and the last part of the path.
    func parent(of path: String) throws(HostError) -> (Int32, String) {
        let (parent, name) = Self.split(path)
        if parent != "/" { _ = try make(parent, isDirectory: true) }
        return (try openInRoot(directory.raw, parent, flags: [.directory, .pathOnly]).release(), name)
    }

    /// Whether a path names something below `other`, or `other` itself.
    static func path(_ path: String, isWithin other: String) -> Bool {
        let (parts, others) = (normalised(path), normalised(other))
        return parts.starts(with: others)
    }

    /// The parts of a path, without empty ones and dots, `..` taken back.
    static func normalised(_ path: String) -> [Substring] { pathParts(path) }

    private static func split(_ path: String) -> (String, String) {
        let parts = normalised(path)
        return ("/" + parts.dropLast().joined(separator: "/"), String(parts.last ?? "."))
    }
}
