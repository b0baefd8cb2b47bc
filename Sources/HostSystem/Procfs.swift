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
        let found = try HostSystem.open("/proc", flags: [.directory, .pathOnly, .noFollow])
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

    /// Reads a short text from a file below /proc, in the same way; without the line's end.
    ///
    /// - Parameter path: Relative to /proc.
    public func read(_ path: String) throws(HostError) -> String {
        let opened = try open(path, O_RDONLY)
        let text = String(decoding: try readAll(opened.raw, named: "/proc/\(path)", limit: 4096), as: UTF8.self)
        return text.hasSuffix("\n") ? String(text.dropLast()) : text
    }

    /// Opens a file below /proc for writing, unless something else is mounted on the way to it.
    ///
    /// - Parameter path: Relative to /proc.
    public func file(_ path: String) throws(HostError) -> File {
        File(descriptor: try open(path, O_WRONLY), name: "/proc/\(path)")
    }

    /// See openat2(2), RESOLVE_NO_XDEV.
    private func open(_ path: String, _ flags: Int32) throws(HostError) -> Descriptor {
        let resolve = UInt64(RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS)
        // SAFETY: the string is NUL-terminated for the length of the call.
        let opened = unsafe lx_openat2(root.raw, path, flags, 0, resolve)
        return Descriptor(owning: try check("openat2", "/proc/\(path)", opened))
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
