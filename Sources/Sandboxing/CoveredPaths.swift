internal import HostSystem

/// Hides and write-protects paths. See config-linux.md "Masked Paths" and "Readonly Paths".
struct CoveredPaths {
    /// Covers directories with an empty read-only tmpfs and files with /dev/null; what is not there is passed over.
    static func mask(_ paths: [String], in tree: borrowing RootTree) throws(Failure) {
        for (index, path) in paths.enumerated() {
            do throws(HostError) {
                guard let place = try tree.find(path) else { continue }
                if place.isDirectory {
                    try mount("tmpfs", at: place.path, type: "tmpfs", flags: .readOnly, data: "nr_blocks=1,nr_inodes=1")
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
