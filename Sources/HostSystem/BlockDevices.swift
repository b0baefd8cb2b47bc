internal import CLinux

/// The size of an open block device in bytes. See sd(4), BLKGETSIZE64.
public func blockDeviceSize(_ descriptor: Int32, named name: String) throws(HostError) -> UInt64 {
    UInt64(try check("ioctl BLKGETSIZE64", name, Int(lx_block_device_size(descriptor))))
}

/// Names the block device with these numbers, as a descriptor opened with O_PATH.
///
/// The kernel says what the node in /dev is called. See sysfs(5), /sys/dev/block.
/// - Throws: ``HostError`` when there is no such device, or `ENXIO` when its node is another one.
public func nameBlockDevice(major: UInt32, minor: UInt32) throws(HostError) -> Descriptor {
    let lines = try readText("/sys/dev/block/\(major):\(minor)/uevent").split(separator: "\n")
    let name = lines.first { $0.hasPrefix("DEVNAME=") }?.dropFirst(8) ?? ""
    let node = try open("/dev/\(name)", flags: .pathOnly)
    let found = try status(of: node.raw)
    guard found.kind == .blockDevice, found.device == (major, minor) else {
        throw HostError(call: "open", subject: "/dev/\(name)", errno: ENXIO)
    }
    return node
}

/// Locks an open file for its users: one that writes, or any number that read. The lock ends with the last copy of the
/// descriptor. See flock(2).
///
/// - Returns: false when others use the file in a way that does not go with it.
public func lockForUse(_ descriptor: Int32, writing: Bool) throws(HostError) -> Bool {
    let result = lx_flock(descriptor, (writing ? LOCK_EX : LOCK_SH) | LOCK_NB)
    if result == -EWOULDBLOCK { return false }
    try check("flock", "descriptor \(descriptor)", result)
    return true
}

/// Writes what is in memory of the file system that holds an open file. See syncfs(2).
public func writeBack(fileSystemOf descriptor: Int32) throws(HostError) {
    try check("syncfs", "descriptor \(descriptor)", lx_syncfs(descriptor))
}

/// An empty file without a name that ``seal(_:named:)`` can put beyond every change. See memfd_create(2).
public func sealableFile(named name: String) throws(HostError) -> Descriptor {
    // SAFETY: the string is NUL-terminated for the length of the call.
    Descriptor(owning: try check("memfd_create", name, unsafe lx_sealable_memfd(name)))
}

/// Gives an open file another size in bytes. See ftruncate(2).
public func setSize(of descriptor: Int32, to size: UInt64) throws(HostError) {
    try check("ftruncate", "descriptor \(descriptor)", lx_ftruncate(descriptor, size))
}

/// Makes a file of ``sealableFile(named:)`` as it is now for ever. See fcntl(2), F_ADD_SEALS.
public func seal(_ descriptor: Int32, named name: String) throws(HostError) {
    try check("fcntl F_ADD_SEALS", name, lx_seal(descriptor))
}
