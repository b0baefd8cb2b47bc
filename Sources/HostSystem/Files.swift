internal import CLinux

/// The directory descriptor that means "the current directory" in the `at` calls.
public let currentDirectory: Int32 = -100

/// Opens `path` relative to `directory`, close-on-exec.
///
/// See openat(2). For paths that the runtime itself made or that an operator named; what a bundle names goes through
/// ``openBeneath(_:_:flags:mode:)`` or ``openInRoot(_:_:flags:mode:)``.
public func open(_ path: String, in directory: Int32 = currentDirectory, flags: OpenFlags, mode: UInt32 = 0)
    throws(HostError) -> Descriptor
{
    // SAFETY: the string is NUL-terminated for the length of the call.
    Descriptor(owning: try check("openat", path, unsafe lx_openat(directory, path, flags.rawValue, mode)))
}

/// Opens `path` below `directory`; a path that would leave it is refused with `EXDEV`.
///
/// See openat2(2), RESOLVE_BENEATH. Magic links of procfs are refused too.
public func openBeneath(_ directory: Int32, _ path: String, flags: OpenFlags, mode: UInt32 = 0) throws(HostError)
    -> Descriptor
{
    let resolve = UInt64(RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS)
    // SAFETY: the string is NUL-terminated for the length of the call.
    return Descriptor(
        owning: try check("openat2", path, unsafe lx_openat2(directory, path, flags.rawValue, mode, resolve)))
}

/// Opens `path` as a process whose root directory is `root` would: absolute paths and symbolic links start there.
///
/// See openat2(2), RESOLVE_IN_ROOT. Magic links of procfs are refused.
public func openInRoot(_ root: Int32, _ path: String, flags: OpenFlags, mode: UInt32 = 0) throws(HostError)
    -> Descriptor
{
    let resolve = UInt64(RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)
    // SAFETY: the string is NUL-terminated for the length of the call.
    return Descriptor(owning: try check("openat2", path, unsafe lx_openat2(root, path, flags.rawValue, mode, resolve)))
}

/// Opens a path that has no symbolic link in it; one that has is refused with `ELOOP`.
///
/// See openat2(2), RESOLVE_NO_SYMLINKS. For a path that was found once and must not lead elsewhere now.
public func openWithoutLinks(_ path: String, in directory: Int32 = currentDirectory, flags: OpenFlags)
    throws(HostError) -> Descriptor
{
    // SAFETY: the string is NUL-terminated for the length of the call.
    let opened = unsafe lx_openat2(directory, path, flags.rawValue, 0, UInt64(RESOLVE_NO_SYMLINKS))
    return Descriptor(owning: try check("openat2", path, opened))
}

/// What a file is.
public enum FileKind: Equatable, Sendable {
    /// The kinds of stat(2)'s S_IFMT.
    case regular, directory, symbolicLink, characterDevice, blockDevice, fifo, socket
}

/// What fstatat(2) tells about a file.
public struct FileStatus: Sendable {
    // The fields as the C shim returns them; `size` in bytes.
    let raw: lx_stat

    /// The kind of file.
    public var kind: FileKind {
        switch raw.mode & UInt32(S_IFMT) {
        case UInt32(S_IFDIR): .directory
        case UInt32(S_IFLNK): .symbolicLink
        case UInt32(S_IFCHR): .characterDevice
        case UInt32(S_IFBLK): .blockDevice
        case UInt32(S_IFIFO): .fifo
        case UInt32(S_IFSOCK): .socket
        default: .regular
        }
    }

    /// The length in bytes.
    public var size: UInt64 { raw.size }

    /// The owner's user id.
    public var owner: UInt32 { raw.uid }

    /// The owning group's id.
    public var group: UInt32 { raw.gid }

    /// The major and minor number of a device node.
    public var device: (major: UInt32, minor: UInt32) { (raw.rdev_major, raw.rdev_minor) }

    /// The permission bits.
    public var permissions: UInt32 { raw.mode & 0o7777 }

    /// Whether anybody may execute the file.
    public var isExecutable: Bool { raw.mode & 0o111 != 0 }

    /// The numbers of the device that holds the file; major 0 for a file system without one.
    public var fileSystemDevice: (major: UInt32, minor: UInt32) { (raw.dev_major, raw.dev_minor) }

    /// When the content was changed last, in seconds since 1970.
    public var modified: Int64 { raw.modified }

    /// Whether size and time of the last change are those of `other`.
    public func isUnchanged(since other: FileStatus) -> Bool {
        raw.size == other.raw.size && raw.modified == other.raw.modified
            && raw.modified_nanoseconds == other.raw.modified_nanoseconds
    }

    /// The number of the file in its filesystem.
    public var inode: UInt64 { raw.inode }

    /// Whether `self` and `other` are the same inode of the same device.
    public func isSameFile(as other: FileStatus) -> Bool {
        raw.inode == other.raw.inode && raw.dev_major == other.raw.dev_major && raw.dev_minor == other.raw.dev_minor
    }
}

/// The status of an open file. See fstat(2).
public func status(of descriptor: Int32) throws(HostError) -> FileStatus {
    var raw = lx_stat()
    // SAFETY: both pointers live for the call; the empty path with AT_EMPTY_PATH means the descriptor itself.
    try check("fstat", "descriptor \(descriptor)", unsafe lx_fstatat(descriptor, "", AT_EMPTY_PATH, &raw))
    return FileStatus(raw: raw)
}

/// The status of `path`, of the link itself when it is one. See fstatat(2).
public func status(of path: String, in directory: Int32 = currentDirectory) throws(HostError) -> FileStatus {
    var raw = lx_stat()
    // SAFETY: both pointers live for the call.
    try check("stat", path, unsafe lx_fstatat(directory, path, AT_SYMLINK_NOFOLLOW, &raw))
    return FileStatus(raw: raw)
}

/// The status of what `path` leads to. See fstatat(2).
public func followedStatus(of path: String, in directory: Int32 = currentDirectory) throws(HostError) -> FileStatus {
    var raw = lx_stat()
    // SAFETY: both pointers live for the call.
    try check("stat", path, unsafe lx_fstatat(directory, path, 0, &raw))
    return FileStatus(raw: raw)
}

/// Whether `path` exists, without following it when it is a symbolic link.
public func exists(_ path: String, in directory: Int32 = currentDirectory) -> Bool {
    (try? status(of: path, in: directory)) != nil
}

/// The magic number of the file system that holds an open file. See statfs(2).
public func fileSystemType(of descriptor: Int32) throws(HostError) -> Int {
    try check("fstatfs", "descriptor \(descriptor)", Int(lx_filesystem_type(descriptor)))
}

/// The magic number of the file system at `path`. See statfs(2).
public func fileSystemType(at path: String) throws(HostError) -> Int {
    // SAFETY: the string is NUL-terminated for the length of the call.
    try check("statfs", path, Int(unsafe lx_filesystem_type_at(path)))
}

/// Reads from `descriptor` until its end, at most `limit` bytes.
///
/// See read(2). Throws `EFBIG` when there is more than `limit`.
public func readAll(_ descriptor: Int32, named name: String, limit: Int = 16 << 20) throws(HostError) -> [UInt8] {
    var expected = 4096
    if let status = try? status(of: descriptor), status.size < UInt64(limit) {
        expected = max(expected, Int(status.size) + 1)
    }
    var bytes = [UInt8]()
    var last = 0
    repeat {
        bytes.reserveCapacity(bytes.count + expected)
        let chunk = unsafe [UInt8](unsafeUninitializedCapacity: expected) { buffer, count in
            // SAFETY: the kernel writes at most the buffer's own length; `count` is what it wrote.
            last = unsafe lx_read(descriptor, buffer.baseAddress, buffer.count)
            count = max(0, last)
        }
        try check("read", name, last)
        if bytes.isEmpty { bytes = chunk } else { bytes += chunk }
        if bytes.count > limit { throw HostError(call: "read", subject: name, errno: EFBIG) }
    } while last > 0
    return bytes
}

/// Reads what is there, at most 32 KiB; empty at the end. See read(2).
public func readSome(_ descriptor: Int32, named name: String) throws(HostError) -> [UInt8] {
    var size = 0
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 32768) { buffer, count in
        // SAFETY: the kernel writes at most the buffer's own length.
        size = unsafe lx_read(descriptor, buffer.baseAddress, buffer.count)
        count = max(0, size)
    }
    try check("read", name, size)
    return bytes
}

/// Reads up to `count` bytes at `offset`; fewer at the end of the file. See pread(2).
public func read(_ descriptor: Int32, named name: String, at offset: UInt64, count: Int) throws(HostError) -> [UInt8] {
    var done = 0
    var failure = 0
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
        while done < count {
            // SAFETY: `done` stays below the buffer's length, and no more than what is left is asked for.
            let place = unsafe buffer.baseAddress.map { unsafe $0 + done }
            let got = unsafe lx_pread(descriptor, place, count - done, Int64(offset) + Int64(done))
            if got < 0 { failure = got }
            if got <= 0 { break }
            done += got
        }
        initialized = done
    }
    try check("pread", name, failure)
    return bytes
}

/// Writes all of `bytes`, however many calls it takes. See write(2).
public func writeAll(_ bytes: [UInt8], to descriptor: Int32, named name: String) throws(HostError) {
    var done = 0
    while done < bytes.count {
        let written = unsafe bytes.withUnsafeBufferPointer { buffer in
            // SAFETY: `done` is below the buffer's length, and no more than what is left is passed.
            unsafe lx_write(descriptor, buffer.baseAddress.map { unsafe $0 + done }, buffer.count - done)
        }
        done += try check("write", name, written)
    }
}

/// Writes a short text into an existing file in one call, as the files of procfs, sysfs and cgroups want it.
public func writeControlFile(_ path: String, in directory: Int32 = currentDirectory, _ text: String) throws(HostError) {
    try writeAtOnce(text, to: try open(path, in: directory, flags: .writeOnly), named: path)
}

/// Writes a short text in one call. See write(2).
func writeAtOnce(_ text: String, to file: consuming Descriptor, named name: String) throws(HostError) {
    let bytes = [UInt8](text.utf8)
    // SAFETY: the array's storage lives for the call and its own length is passed.
    let written = unsafe bytes.withUnsafeBufferPointer { unsafe lx_write(file.raw, $0.baseAddress, $0.count) }
    try check("write", "\(name) (\(text))", written)
}

/// Reads a whole small file as text. See read(2).
public func readText(_ path: String, in directory: Int32 = currentDirectory) throws(HostError) -> String {
    let file = try open(path, in: directory, flags: .readOnly)
    return String(decoding: try readAll(file.raw, named: path), as: UTF8.self)
}

/// Puts `bytes` at `name` in `directory` so that a reader sees the old content or the new, never a part.
///
/// Written to `name.tmp` first, then renamed. See rename(2).
///
/// - Parameter former: The file whose owner, group and mode it gets; nil for the caller's, and `mode`.
public func replaceFile(
    _ name: String, in directory: Int32 = currentDirectory, with bytes: [UInt8], mode: UInt32 = 0o600,
    like former: FileStatus? = nil
) throws(HostError) {
    let temporary = name + ".tmp"
    do throws(HostError) {
        let file = try open(temporary, in: directory, flags: [.writeOnly, .create, .truncate, .noFollow], mode: mode)
        if let former {
            try changeOwner(of: file.raw, uid: former.owner, gid: former.group)
            try changeMode(of: temporary, in: directory, to: former.permissions)
        }
        try writeAll(bytes, to: file.raw, named: temporary)
        // SAFETY: both strings are NUL-terminated for the length of the call.
        try check("rename", temporary, unsafe lx_renameat(directory, temporary, name))
    } catch {
        try? removeFile(temporary, in: directory)
        throw error
    }
}

/// Gives a file another name, in the place of what has it. See rename(2).
public func renameFile(_ path: String, to new: String) throws(HostError) {
    // SAFETY: both strings are NUL-terminated for the length of the call.
    try check("rename", path, unsafe lx_renameat(currentDirectory, path, new))
}

/// Removes a file. See unlinkat(2).
public func removeFile(_ path: String, in directory: Int32 = currentDirectory) throws(HostError) {
    // SAFETY: the string is NUL-terminated for the length of the call.
    try check("unlink", path, unsafe lx_unlinkat(directory, path, 0))
}

/// Makes a symbolic link. See symlinkat(2).
public func makeSymbolicLink(_ path: String, in directory: Int32, to target: String) throws(HostError) {
    // SAFETY: both strings are NUL-terminated for the length of the call.
    try check("symlink", path, unsafe lx_symlinkat(target, directory, path))
}

/// Makes a device node, fifo or empty file: `mode` holds the S_IFMT bits. See mknodat(2).
public func makeNode(_ path: String, in directory: Int32, mode: UInt32, major: UInt32 = 0, minor: UInt32 = 0)
    throws(HostError)
{
    // SAFETY: the string is NUL-terminated for the length of the call.
    try check("mknod", path, unsafe lx_mknodat(directory, path, mode, major, minor))
}

/// Whether this process may execute `path`. See faccessat(2) X_OK, AT_EACCESS.
public func canExecute(_ path: String) -> Bool {
    // SAFETY: the string is NUL-terminated for the length of the call.
    unsafe lx_faccess_exec(path) == 0
}

/// Gives an open file to a user and group. See fchown(2).
public func changeOwner(of descriptor: Int32, uid: UInt32, gid: UInt32) throws(HostError) {
    try check("fchown", "descriptor \(descriptor)", lx_fchown(descriptor, uid, gid))
}

/// Gives `path` itself, not what it links to, to a user and group. See fchownat(2).
public func changeOwner(of path: String, in directory: Int32, uid: UInt32, gid: UInt32) throws(HostError) {
    // SAFETY: the string is NUL-terminated for the length of the call.
    try check("chown", path, unsafe lx_fchownat(directory, path, uid, gid, AT_SYMLINK_NOFOLLOW))
}

/// Sets the permission bits of `path`, or of what it links to. See fchmodat(2).
public func changeMode(of path: String, in directory: Int32, to mode: UInt32) throws(HostError) {
    // SAFETY: the string is NUL-terminated for the length of the call.
    try check("chmod", path, unsafe lx_fchmodat(directory, path, mode))
}

/// Gives the file that a descriptor names, opened with O_PATH, to a user and group. See fchownat(2) AT_EMPTY_PATH.
public func changeOwnerOfNamed(_ descriptor: Int32, uid: UInt32, gid: UInt32) throws(HostError) {
    // SAFETY: a literal.
    try check("chown", "descriptor \(descriptor)", unsafe lx_fchownat(descriptor, "", uid, gid, AT_EMPTY_PATH))
}

/// The target of a symbolic link. See readlinkat(2).
public func readLink(_ path: String, in directory: Int32 = currentDirectory) throws(HostError) -> String {
    var size = 0
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 4096) { buffer, count in
        // SAFETY: the kernel writes at most the buffer's length; UInt8 and CChar have the same layout.
        size = unsafe buffer.withMemoryRebound(to: CChar.self) {
            unsafe lx_readlinkat(directory, path, $0.baseAddress, $0.count)
        }
        count = max(0, size)
    }
    try check("readlink", path, size)
    return String(decoding: bytes, as: UTF8.self)
}

/// The path by which the kernel reaches an open file, for calls that take paths only.
public func descriptorPath(_ descriptor: Int32) -> String { "/proc/self/fd/\(descriptor)" }

/// The absolute path of an open file or directory, as procfs shows it.
public func absolutePath(of descriptor: Int32) throws(HostError) -> String {
    try readLink(descriptorPath(descriptor))
}

/// Makes `path` the root directory of this process. See chroot(2).
public func changeRoot(to path: String) throws(HostError) {
    // SAFETY: the string is NUL-terminated for the length of the call.
    try check("chroot", path, unsafe lx_chroot(path))
}

/// An empty file without a name, gone with its last descriptor. See memfd_create(2).
public func anonymousFile(named name: String) throws(HostError) -> Descriptor {
    // SAFETY: the string is NUL-terminated for the length of the call.
    Descriptor(owning: try check("memfd_create", name, unsafe lx_memfd(name)))
}

/// Sets a file's position to its beginning. See lseek(2).
public func rewind(_ descriptor: Int32, named name: String) throws(HostError) {
    try check("lseek", name, lx_rewind(descriptor))
}

/// Takes an exclusive lock on an open file, waiting for it; the lock ends with the descriptor. See flock(2).
public func lockExclusively(_ descriptor: Int32) throws(HostError) {
    try check("flock", "descriptor \(descriptor)", lx_flock(descriptor, LOCK_EX))
}
