internal import HostSystem

extension CoveredPaths {
    /// Covers a file with the container's own /dev/null: processes in the container may change its mode and owner, and
    /// the host's is everybody's. Where the container has none, with the host's, read-only.
    static func coverFile(
        _ path: String, at place: borrowing RootTree.Place, in tree: borrowing RootTree
    ) throws(HostError) {
        if let null = try tree.find("/dev/null"), isNullDevice(try status(of: null.descriptor.raw)) {
            return try mount(null.path, at: place.path, flags: .bind)
        }
        let copy = try cloneMount("/dev/null", recursive: false)
        try setMountAttributes(copy.raw, set: MountAttribute.readOnly, recursive: false)
        try attachMount(copy.raw, at: place.descriptor.raw)
    }

    /// An image may have put anything there.
    private static func isNullDevice(_ status: FileStatus) -> Bool {
        status.kind == .characterDevice && status.device == (major: 1, minor: 3)
    }
}
