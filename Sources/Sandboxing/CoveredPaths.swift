internal import HostSystem

/// Hides and write-protects paths. See config-linux.md "Masked Paths" and "Readonly Paths".
struct CoveredPaths {
    /// Covers directories with an empty read-only tmpfs and files with /dev/null; what is not there is passed over.
    static func mask(_ paths: [String], in tree: borrowing RootTree) throws(Failure) {
        for path in paths {
            do throws(HostError) {
                guard let place = try tree.find(path) else { continue }
                if place.isDirectory {
                    try mount("tmpfs", at: place.path, type: "tmpfs", flags: .readOnly, data: "nr_blocks=1,nr_inodes=1")
                } else {
                    try mount("/dev/null", at: place.path, flags: .bind)
                }
            } catch {
                throw Failure("cannot mask \(path)", cause: error)
            }
        }
    }

    /// Binds paths onto themselves, read-only; what is not there is passed over.
    static func protect(_ paths: [String], in tree: borrowing RootTree) throws(Failure) {
        for path in paths {
            do throws(HostError) {
                guard let place = try tree.find(path) else { continue }
                try mount(place.path, at: place.path, flags: [.bind, .recursive])
                guard let bound = try tree.find(path) else { continue }
                let kept = try mountFlags(of: bound.descriptor.raw)
                try mount(nil, at: bound.path, flags: [.remount, .bind, .readOnly, kept])
            } catch {
                throw Failure("cannot make \(path) read-only", cause: error)
            }
        }
    }
}
