internal import HostSystem

extension MountOptions {
    /// What a bind mount can be given: all but access times.
    private static let plain: MountFlags = [.readOnly, .noSetUserID, .noDevices, .noExecute, .noSymbolicLinks]
    /// What stays on it in a user namespace, whose root may not take away what the host's set. See mount_namespaces(7).
    private static let locked: MountFlags = [.readOnly, .noSetUserID, .noDevices, .noExecute]
    private static let times: MountFlags = [
        .noAccessTime, .noDirectoryAccessTime, .relativeAccessTime, .strictAccessTime,
    ]

    /// EPERM
    private static let notPermitted: Int32 = 1

    /// Whether a bind mount changes at all: without flags it is what its source is.
    var changesBind: Bool { !flags.subtracting([.bind, .recursive, .remount]).isEmpty || !cleared.isEmpty }

    /// The attributes of a bind mount, to be set and cleared: it has the flags that are named and no others, as with runc
    /// and crun, but the access times of its source when none are named.
    ///
    /// - Parameter source: The flags of the source, for a container in a user namespace: those stay that its root may not
    ///   take away.
    /// - Throws: ``HostSystem/HostError`` with EPERM when one of those is to be taken away by name.
    func bindAttributes(of source: MountFlags?) throws(HostError) -> (set: UInt64, clear: UInt64) {
        guard changesBind else { return (0, 0) }
        var wanted = flags.intersection(Self.plain)
        let namesTimes = !flags.isDisjoint(with: Self.times)
        if let source {
            let kept = source.intersection(Self.locked)
            let changesTimes = namesTimes && Self.times(flags) != Self.times(source)
            if !kept.subtracting(wanted).isEmpty || changesTimes {
                guard !changesTimes, source.intersection(Self.locked.union(Self.times)).isDisjoint(with: cleared) else {
                    throw HostError(call: "mount_setattr", subject: "flags that are locked", errno: Self.notPermitted)
                }
                wanted.formUnion(kept)
            }
        }
        var set = Self.bits(wanted)
        var clear = Self.bits(Self.plain.subtracting(wanted))
        if namesTimes {
            set |= Self.times(flags)
            clear |= (MountAttribute.accessTimeMask | MountAttribute.noDirectoryAccessTime) & ~(set & 0x80)
        }
        return (set, clear)
    }

    private static func bits(_ flags: MountFlags) -> UInt64 {
        attribute.reduce(0) { flags.contains($1.0) ? $0 | $1.1 : $0 }
    }

    /// What mount(2) makes of the flags about access times.
    private static func times(_ flags: MountFlags) -> UInt64 {
        let directories = flags.contains(.noDirectoryAccessTime) ? MountAttribute.noDirectoryAccessTime : 0
        if flags.contains(.strictAccessTime) { return directories | MountAttribute.strictAccessTime }
        if flags.contains(.noAccessTime) { return directories | MountAttribute.noAccessTime }
        return directories
    }
}
