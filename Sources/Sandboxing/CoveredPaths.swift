internal import HostSystem

/// Hides and write-protects paths. See config-linux.md "Masked Paths" and "Readonly Paths".
struct CoveredPaths {
    /// Covers directories with an empty read-only tmpfs and files with /dev/null; what is not there is passed over.
    static func mask(_ paths: [String], in tree: borrowing RootTree) throws(Failure) {
        // One empty directory serves for all: another file system is more work than another mount of it.
        var empty = EmptyDirectory()
        for (index, path) in paths.enumerated() where !paths[..<index].contains(path) {
            do throws(HostError) {
                guard let place = try tree.find(path) else { continue }
                if place.isDirectory {
                    try empty.cover(place, path, in: tree)
                } else {
                    try coverFile(path, at: place, in: tree)
                }
            } catch {
                throw Failure(at: "/linux/maskedPaths/\(index)", "cannot mask \(path)", cause: error)
            }
        }
    }

    /// Binds paths onto themselves, read-only; what is not there is passed over.
    static func protect(_ paths: [String], in tree: borrowing RootTree) throws(Failure) {
        for (index, path) in paths.enumerated() {
            do throws(HostError) {
                guard let place = try tree.find(path) else { continue }
                let copy = try cloneMount("", in: place.descriptor.raw, recursive: true)
                try setMountAttributes(copy.raw, set: MountAttribute.readOnly, recursive: false)
                try attachMount(copy.raw, at: place.descriptor.raw)
            } catch {
                throw Failure(at: "/linux/readonlyPaths/\(index)", "cannot make \(path) read-only", cause: error)
            }
        }
    }
}

/// An empty read-only directory that is mounted in several places.
private struct EmptyDirectory: ~Copyable {
    /// Where it was mounted first, and that mount once it is needed again.
    private var (path, mounted): (String?, Int32?) = (nil, nil)
    private let held = DescriptorSet()

    mutating func cover(
        _ place: borrowing RootTree.Place, _ name: String, in tree: borrowing RootTree
    ) throws(HostError) {
        if let mounted = try firstMount(in: tree) {
            let copy = try cloneMount("", in: mounted, recursive: false)
            return try attachMount(copy.raw, at: place.descriptor.raw)
        }
        try mount("tmpfs", at: place.path, type: "tmpfs", flags: .readOnly, data: "nr_blocks=1,nr_inodes=1")
        path = name
    }

    /// The first mount; nil when there is none yet, or something is over it by now.
    private mutating func firstMount(in tree: borrowing RootTree) throws(HostError) -> Int32? {
        if let mounted { return mounted }
        guard let path, let found = try tree.find(path) else { return nil }
        guard try fileSystemType(of: found.descriptor.raw) == FileSystemMagic.tmpfs else { return nil }
        mounted = held.hold(found.take())
        return mounted
    }
}
