internal import CLinux

/// The procfs at /proc, checked to be one.
///
/// A process that joined a mount namespace, or goes into a container, cannot take a file below /proc for what its path
/// says: it may be a copy, or another file of procfs mounted over it, and what is written goes astray (CVE-2019-16884,
/// CVE-2025-52881).
public struct Procfs: ~Copyable {
    private let root: Descriptor

    /// Opens /proc.
    ///
    /// - Throws: ``HostError`` with `EXDEV` when something else is there than the root of a procfs.
    public init() throws(HostError) {
        let found = try open("/proc", flags: [.directory, .pathOnly, .noFollow])
        guard try fileSystemType(of: found.raw) == FileSystemMagic.proc, try status(of: found.raw).raw.inode == 1 else {
            throw HostError(call: "openat", subject: "/proc, which is no procfs", errno: EXDEV)
        }
        root = found
    }

    /// Writes a short text into a file below /proc in one call, unless something else is mounted on the way to it.
    ///
    /// - Parameter path: Relative to /proc.
    public func write(_ text: String, to path: String) throws(HostError) {
        try file(path).write(text)
    }

    /// Opens a file below /proc for writing, unless something else is mounted on the way to it.
    ///
    /// See openat2(2), RESOLVE_NO_XDEV.
    /// - Parameter path: Relative to /proc.
    public func file(_ path: String) throws(HostError) -> File {
        let resolve = UInt64(RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS)
        // SAFETY: the string is NUL-terminated for the length of the call.
        let opened = unsafe lx_openat2(root.raw, path, O_WRONLY, 0, resolve)
        return File(
            descriptor: Descriptor(owning: try check("openat2", "/proc/\(path)", opened)), name: "/proc/\(path)")
    }

    /// An open file of procfs.
    public struct File: ~Copyable {
        fileprivate let descriptor: Descriptor
        fileprivate let name: String

        /// Writes a short text in one call. See write(2).
        public consuming func write(_ text: String) throws(HostError) {
            try writeAtOnce(text, to: descriptor, named: name)
        }
    }
}
