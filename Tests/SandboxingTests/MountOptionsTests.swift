import HostSystem
import OCISpec
import Testing

@testable import Sandboxing

/// The options of one mount, and what is made of them.
struct MountRow: Sendable, CustomTestStringConvertible {
    let options: [String]
    let change: @Sendable (inout MountOptions) -> Void

    init(_ options: String..., change: @escaping @Sendable (inout MountOptions) -> Void) {
        self.options = options
        self.change = change
    }

    var testDescription: String { options.joined(separator: ",") }
}

@Suite struct MountOptionsTests {
    static let empty = MountOptions(Mount(destination: "/m"))

    static let rows: [MountRow] = [
        MountRow { _ in },
        MountRow("defaults") { _ in },
        MountRow("ro", "nosuid", "nodev", "noexec") { $0.flags = [.readOnly, .noSetUserID, .noDevices, .noExecute] },
        MountRow("bind") { $0.flags = .bind },
        MountRow("rbind") { $0.flags = [.bind, .recursive] },
        MountRow("noatime", "nodiratime", "relatime", "strictatime", "lazytime") {
            $0.flags = [.noAccessTime, .noDirectoryAccessTime, .relativeAccessTime, .strictAccessTime, .lazyTime]
        },
        MountRow("sync", "dirsync", "mand", "iversion", "silent", "nosymfollow", "remount") {
            $0.flags = [
                .synchronous, .directorySync, .mandatoryLocks, .inodeVersion, .silent, .noSymbolicLinks, .remount,
            ]
        },
        MountRow("rw", "suid", "dev", "exec") { $0.cleared = [.readOnly, .noSetUserID, .noDevices, .noExecute] },
        MountRow("async", "nomand", "atime", "diratime", "norelatime", "nostrictatime") {
            $0.cleared = [
                .synchronous, .mandatoryLocks, .noAccessTime, .noDirectoryAccessTime, .relativeAccessTime,
                .strictAccessTime,
            ]
        },
        MountRow("noiversion", "nolazytime", "loud", "symfollow") {
            $0.cleared = [.inodeVersion, .lazyTime, .silent, .noSymbolicLinks]
        },
        // Of two that contradict each other the later one holds.
        MountRow("ro", "rw") { $0.cleared = .readOnly },
        MountRow("rw", "ro") { $0.flags = .readOnly },
        MountRow("noexec", "exec", "noexec") { $0.flags = .noExecute },
        MountRow("private") { $0.propagation = [.private] },
        MountRow("rslave", "shared") { $0.propagation = [[.slave, .recursive], .shared] },
        MountRow("unbindable", "rshared", "rprivate", "slave", "runbindable") {
            $0.propagation = [
                .unbindable, [.shared, .recursive], [.private, .recursive], .slave, [.unbindable, .recursive],
            ]
        },
        MountRow("tmpcopyup", "size=1k") {
            $0.copiesUp = true; $0.data = ["size=1k"]
        },
        MountRow("mode=755", "newinstance", "RO", "") { $0.data = ["mode=755", "newinstance", "RO", ""] },
        // MOUNT_ATTR_* of mount_setattr(2)
        MountRow("rro", "rnosuid", "rnodev", "rnoexec") { $0.recursiveSet = 0xF },
        MountRow("rrw", "rsuid", "rdev", "rexec") { $0.recursiveClear = 0xF },
        MountRow("rnodiratime", "rnosymfollow") { $0.recursiveSet = 0x20_0080 },
        MountRow("rdiratime", "rsymfollow") { $0.recursiveClear = 0x20_0080 },
        // The access times are one value of three bits, not flags: it is cleared whenever it is set.
        MountRow("rnoatime") {
            $0.recursiveSet = 0x10; $0.recursiveClear = 0x70
        },
        MountRow("rstrictatime") {
            $0.recursiveSet = 0x20; $0.recursiveClear = 0x70
        },
        MountRow("rrelatime") { $0.recursiveClear = 0x70 },
        MountRow("ratime") { $0.recursiveClear = 0x70 },
    ]

    @Test("an option acts on the mount, its propagation, the tree below it, or the file system", arguments: rows)
    func sorts(_ row: MountRow) {
        var expected = Self.empty
        row.change(&expected)
        #expect(MountOptions(Mount(destination: "/m", type: "tmpfs", options: row.options)) == expected)
        row.change(&expected)
        expected.flags.insert(.bind)
        #expect(MountOptions(Mount(destination: "/m", type: "bind", options: row.options)) == expected)
    }

    @Test("flags have mount(2)'s numbers")
    func numbers() {
        let options = MountOptions(Mount(destination: "/m", options: ["ro", "nosuid", "nodev", "noexec", "rbind"]))
        #expect(options.flags.rawValue == 1 | 2 | 4 | 8 | 4096 | 16384)
        #expect(options.isBind)
    }
}
