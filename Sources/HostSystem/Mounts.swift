internal import CLinux

/// Mounts `source` of type `type` at `target`. See mount(2).
///
/// - Parameters:
///   - flags: The MS_* bits.
///   - data: Options of the file system, separated by commas.
public func mount(
    _ source: String?, at target: String, type: String? = nil, flags: MountFlags = [], data: String? = nil
)
    throws(HostError)
{
    let subject = (source ?? target) + (type.map { " of type \($0)" } ?? "")
    // SAFETY: the strings are NUL-terminated for the length of the call; nil becomes NULL.
    try check("mount", subject, unsafe lx_mount(source, target, type, flags.rawValue, data))
}

/// Detaches the mount at `target` now; it ends when nobody uses it. See umount2(2) MNT_DETACH.
public func detachMount(_ target: String) throws(HostError) {
    // SAFETY: the string is NUL-terminated for the length of the call.
    try check("umount", target, unsafe lx_umount(target, Int32(MNT_DETACH)))
}

/// Makes the current directory the root mount and drops the old root.
///
/// See pivot_root(2), "pivot_root(\".\", \".\")": the old root ends up stacked on the new one, from where it is unmounted.
public func pivotRootToCurrentDirectory() throws(HostError) {
    let old = try open("/", flags: [.directory, .pathOnly])
    // SAFETY: literals.
    try check("pivot_root", ".", unsafe lx_pivot_root(".", "."))
    // Here "." is still the new root, whose mounts keep the propagation they have.
    try changeDirectory(to: old.raw)
    // The old root must not be busy in another namespace's eyes: nothing that happens below it may travel back.
    try mount(nil, at: ".", flags: [.slave, .recursive])
    try detachMount(".")
    try changeDirectory(to: "/")
}

/// A detached copy of the mount at `path`. See open_tree(2) OPEN_TREE_CLONE.
public func cloneMount(_ path: String, in directory: Int32 = currentDirectory, recursive: Bool) throws(HostError)
    -> Descriptor
{
    let flags =
        UInt32(OPEN_TREE_CLONE) | UInt32(O_CLOEXEC) | (recursive ? UInt32(AT_RECURSIVE) : 0)
        | (path.isEmpty ? UInt32(AT_EMPTY_PATH) : 0)
    // SAFETY: the string is NUL-terminated for the length of the call.
    return Descriptor(owning: try check("open_tree", path, unsafe lx_open_tree(directory, path, flags)))
}

/// Sets and clears mount attributes. See mount_setattr(2).
public func setMountAttributes(_ mount: Int32, set: UInt64, clear: UInt64 = 0, propagation: UInt64 = 0, recursive: Bool)
    throws(HostError)
{
    let flags = UInt32(AT_EMPTY_PATH) | (recursive ? UInt32(AT_RECURSIVE) : 0)
    // SAFETY: a literal.
    try check("mount_setattr", "", unsafe lx_mount_setattr(mount, "", flags, set, clear, propagation))
}

/// A new file system that is mounted nowhere yet. See fsopen(2), fsconfig(2), fsmount(2).
///
/// - Parameters:
///   - options: What the file system is to read: `key=value`, or `key` alone.
///   - attributes: The MOUNT_ATTR_* bits.
public func newFileSystem(_ type: String, source: String, options: [String], attributes: UInt64) throws(HostError)
    -> Descriptor
{
    // SAFETY: here and below, strings are NUL-terminated for the length of the call; nil becomes NULL.
    let made = Descriptor(owning: try check("fsopen", type, unsafe lx_fsopen(type)))
    try check("fsconfig", "source=\(source)", unsafe lx_fsconfig(made.raw, "source", source))
    for option in options where !option.isEmpty {
        let parts = option.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        try check("fsconfig", option, unsafe lx_fsconfig(made.raw, parts[0], parts.count > 1 ? parts[1] : nil))
    }
    try check("fsconfig", type, lx_fsconfig_create(made.raw))
    return Descriptor(owning: try check("fsmount", type, lx_fsmount(made.raw, UInt32(truncatingIfNeeded: attributes))))
}

/// Mounts a detached mount on the file or directory open as `place`. See move_mount(2).
///
/// Neither is looked up by a path, so that nobody can put something else in its stead. Afterwards `mount` is the root of
/// what is mounted there.
public func attachMount(_ mount: Int32, at place: Int32) throws(HostError) {
    try check("move_mount", "", lx_move_mount(mount, place))
}

/// Mount flags of the file system that holds an open file, as ST_* bits. See statfs(2).
public func mountFlags(of descriptor: Int32) throws(HostError) -> MountFlags {
    // ST_RDONLY .. ST_NOSYMFOLLOW have the values of the MS_* bits but for ST_RELATIME (4096).
    let bits = UInt(try check("fstatfs", "descriptor \(descriptor)", Int(lx_filesystem_flags(descriptor))))
    var flags = MountFlags(rawValue: bits & 0xc0f)
    if bits & 4096 != 0 { flags.insert(.relativeAccessTime) }
    if bits & 0x2000 != 0 { flags.insert(.noSymbolicLinks) }
    return flags
}
