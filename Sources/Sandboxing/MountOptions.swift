internal import HostSystem
internal import OCISpec

/// The options of one mount, sorted by what they act on. See config.md "Mounts" of the runtime spec and mount(8).
struct MountOptions: Equatable {
    /// Flags to be set.
    var flags: MountFlags = []
    /// Flags that the options clear by name (`rw`, `suid` ...), which a remount must not keep.
    var cleared: MountFlags = []
    /// Changes of propagation, in order.
    var propagation: [MountFlags] = []
    /// Attributes for the whole tree below the mount: `rro` and its like.
    var recursiveSet: UInt64 = 0
    /// Attributes to be cleared in the whole tree.
    var recursiveClear: UInt64 = 0
    /// Whether the new file system gets a copy of what it hides.
    var copiesUp = false
    /// Whether ids are mapped (`idmap`, `ridmap`), and those of the tree below as well.
    var (isMapped, mapsRecursively) = (false, false)
    /// Whether links are mounted, mounted on, and copied instead of what they lead to: crun's `src-nofollow`,
    /// `dest-nofollow` and `copy-symlink`.
    var (showsLink, coversLink, copiesLink) = (false, false, false)
    /// What the file system itself is to read.
    var data: [String] = []

    /// Whether this is a bind mount.
    var isBind: Bool { flags.contains(.bind) }

    /// The mount's own flags as attributes to be set and cleared. See mount_setattr(2).
    var attributes: (set: UInt64, clear: UInt64) {
        var (set, clear): (UInt64, UInt64) = (0, 0)
        for (flag, attribute) in Self.attribute {
            if flags.contains(flag) { set |= attribute }
            if cleared.contains(flag) { clear |= attribute }
        }
        // The three settings of access times are one number; relatime is 0.
        if flags.contains(.noAccessTime) {
            (set, clear) = (set | MountAttribute.noAccessTime, clear | MountAttribute.accessTimeMask)
        } else if flags.contains(.strictAccessTime) {
            (set, clear) = (set | MountAttribute.strictAccessTime, clear | MountAttribute.accessTimeMask)
        } else if !flags.union(cleared).isDisjoint(with: [.relativeAccessTime, .noAccessTime, .strictAccessTime]) {
            clear |= MountAttribute.accessTimeMask
        }
        return (set, clear)
    }

    static let attribute: [(MountFlags, UInt64)] = [
        (.readOnly, MountAttribute.readOnly), (.noSetUserID, MountAttribute.noSetUserID),
        (.noDevices, MountAttribute.noDevices), (.noExecute, MountAttribute.noExecute),
        (.noDirectoryAccessTime, MountAttribute.noDirectoryAccessTime),
        (.noSymbolicLinks, MountAttribute.noSymbolicLinks),
    ]

    /// Whether something has to be done to a new file system of `type` after it is mounted.
    func needsFinish(type: String) -> Bool {
        if flags.contains(.remount) { return false }
        // A read-only tmpfs could not be filled: that comes last.
        return copiesUp || (type == "tmpfs" && flags.contains(.readOnly)) || !propagation.isEmpty
            || recursiveSet | recursiveClear != 0
    }

    /// The options that the file system itself reads, with those that mount(2) has flags for.
    var fileSystemOptions: [String] {
        let named: [(MountFlags, String)] = [
            (.synchronous, "sync"), (.directorySync, "dirsync"), (.mandatoryLocks, "mand"), (.lazyTime, "lazytime"),
        ]
        return named.compactMap { flags.contains($0.0) ? $0.1 : nil } + data
    }

    /// Sorts the options of `mount`.
    init(_ mount: Mount) {
        if mount.type == "bind" { flags.insert(.bind) }
        for option in mount.options { add(option) }
    }

    private mutating func add(_ option: String) {
        if let flag = Self.setting[option] {
            flags.insert(flag)
            cleared.remove(flag)
        } else if let flag = Self.clearing[option] {
            flags.remove(flag)
            cleared.insert(flag)
        } else if let kind = Self.propagating[option] {
            propagation.append(kind)
        } else if let attribute = Self.recursive[option] {
            recursiveSet |= attribute.set
            recursiveClear |= attribute.clear
        } else if option == "idmap" || option == "ridmap" {
            isMapped = true
            mapsRecursively = option == "ridmap"
        } else if !addWord(option), option != "defaults" {
            data.append(option)
        }
    }

    private mutating func addWord(_ option: String) -> Bool {
        switch option {
        case "tmpcopyup": copiesUp = true
        case "src-nofollow": showsLink = true
        case "dest-nofollow": coversLink = true
        case "copy-symlink": copiesLink = true
        default: return false
        }
        return true
    }

    private static let setting: [String: MountFlags] = [
        "bind": .bind, "rbind": [.bind, .recursive], "ro": .readOnly, "nosuid": .noSetUserID, "nodev": .noDevices,
        "noexec": .noExecute, "sync": .synchronous, "remount": .remount, "mand": .mandatoryLocks,
        "dirsync": .directorySync, "noatime": .noAccessTime, "nodiratime": .noDirectoryAccessTime,
        "relatime": .relativeAccessTime, "strictatime": .strictAccessTime, "iversion": .inodeVersion,
        "lazytime": .lazyTime, "silent": .silent, "nosymfollow": .noSymbolicLinks,
        "acl": .accessControlLists,
    ]

    private static let clearing: [String: MountFlags] = [
        "rw": .readOnly, "suid": .noSetUserID, "dev": .noDevices, "exec": .noExecute, "async": .synchronous,
        "nomand": .mandatoryLocks, "atime": .noAccessTime, "diratime": .noDirectoryAccessTime,
        "norelatime": .relativeAccessTime, "nostrictatime": .strictAccessTime, "noiversion": .inodeVersion,
        "nolazytime": .lazyTime, "loud": .silent, "symfollow": .noSymbolicLinks,
        "noacl": .accessControlLists,
    ]

    private static let propagating: [String: MountFlags] = [
        "private": .private, "rprivate": [.private, .recursive], "shared": .shared, "rshared": [.shared, .recursive],
        "slave": .slave, "rslave": [.slave, .recursive], "unbindable": .unbindable,
        "runbindable": [.unbindable, .recursive],
    ]

    private static let recursive: [String: (set: UInt64, clear: UInt64)] = [
        "rro": (MountAttribute.readOnly, 0), "rrw": (0, MountAttribute.readOnly),
        "rnosuid": (MountAttribute.noSetUserID, 0), "rsuid": (0, MountAttribute.noSetUserID),
        "rnodev": (MountAttribute.noDevices, 0), "rdev": (0, MountAttribute.noDevices),
        "rnoexec": (MountAttribute.noExecute, 0), "rexec": (0, MountAttribute.noExecute),
        "rnodiratime": (MountAttribute.noDirectoryAccessTime, 0),
        "rdiratime": (0, MountAttribute.noDirectoryAccessTime),
        "rrelatime": (0, MountAttribute.accessTimeMask), "rnorelatime": (0, MountAttribute.accessTimeMask),
        "rnoatime": (MountAttribute.noAccessTime, MountAttribute.accessTimeMask),
        "ratime": (0, MountAttribute.accessTimeMask),
        "rstrictatime": (MountAttribute.strictAccessTime, MountAttribute.accessTimeMask),
        "rnostrictatime": (0, MountAttribute.accessTimeMask),
        "rnosymfollow": (MountAttribute.noSymbolicLinks, 0), "rsymfollow": (0, MountAttribute.noSymbolicLinks),
    ]
}
