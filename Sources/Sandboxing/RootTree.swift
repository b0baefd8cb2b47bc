internal import HostSystem

/// A container's root directory while it is being furnished, before it becomes the root of anything.
///
/// Every path is resolved inside it (openat2(2), RESOLVE_IN_ROOT), so that a symbolic link in an image leads to nothing
/// of the host. Mounts are made through descriptors for the same reason.
struct RootTree: ~Copyable {
    /// The directory's mount, opened with O_PATH.
    let directory: Descriptor

    /// A mount point: its descriptor and whether it is a directory.
    struct Place: ~Copyable {
        let descriptor: Descriptor
        let isDirectory: Bool

        /// The path by which mount(2) reaches it.
        var path: String { descriptorPath(descriptor.raw) }
    }

    /// What is at `path` now; nil when there is nothing.
    func find(_ path: String) throws(HostError) -> Place? {
        do throws(HostError) {
            let found = try openInRoot(directory.raw, path, flags: .pathOnly)
            let kind = try status(of: found.raw).kind
            return Place(descriptor: found, isDirectory: kind == .directory)
        } catch {
            if error.isNotFound || error.isNotDirectory { return nil }
            throw error
        }
    }

    /// What is at `path`, made as a directory or an empty file where there is nothing.
    func make(_ path: String, isDirectory: Bool) throws(HostError) -> Place {
        if let place = try find(path) { return place }
        let (parent, name) = Self.split(path)
        if parent != "/" { _ = try make(parent, isDirectory: true) }
        let above = try openInRoot(directory.raw, parent, flags: [.directory, .pathOnly])
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
    static func normalised(_ path: String) -> [Substring] {
        var parts = [Substring]()
        for part in path.split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        return parts
    }

    private static func split(_ path: String) -> (String, String) {
        let parts = normalised(path)
        return ("/" + parts.dropLast().joined(separator: "/"), String(parts.last ?? "."))
    }
}
