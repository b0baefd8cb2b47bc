internal import CLinux

/// A user namespace with these id maps and no process in it. See user_namespaces(7), `uid_map`.
public func makeUserNamespace(users: String, groups: String) throws(HostError) -> Descriptor {
    let pid = try cloneProcess(namespaces: NamespaceFlag.user)
    if pid == 0 {
        try? setParentDeathSignal(Signal.kill)
        lx_wait_for_ever()
    }
    defer { endChild(pid) }
    try writeControlFile("/proc/\(pid)/gid_map", groups)
    try writeControlFile("/proc/\(pid)/uid_map", users)
    return try open("/proc/\(pid)/ns/user", flags: .readOnly)
}

/// Makes ids of a detached mount appear as the user namespace maps them. See mount_setattr(2) MOUNT_ATTR_IDMAP.
public func mapMount(_ mount: Int32, to userNamespace: Int32, recursive: Bool) throws(HostError) {
    let flags = recursive ? UInt32(AT_RECURSIVE) : 0
    try check("mount_setattr", "MOUNT_ATTR_IDMAP", lx_mount_idmap(mount, userNamespace, flags))
}
