internal import CLinux

/// How a file is opened. See open(2).
public struct OpenFlags: OptionSet, Sendable {
    /// The O_* bits.
    public let rawValue: Int32

    /// Creates flags from O_* bits.
    public init(rawValue: Int32) { self.rawValue = rawValue }

    /// O_RDONLY
    public static let readOnly = OpenFlags([])
    /// O_WRONLY
    public static let writeOnly = OpenFlags(rawValue: O_WRONLY)
    /// O_RDWR
    public static let readWrite = OpenFlags(rawValue: O_RDWR)
    /// O_CREAT
    public static let create = OpenFlags(rawValue: O_CREAT)
    /// O_EXCL
    public static let exclusive = OpenFlags(rawValue: O_EXCL)
    /// O_TRUNC
    public static let truncate = OpenFlags(rawValue: O_TRUNC)
    /// O_APPEND
    public static let append = OpenFlags(rawValue: O_APPEND)
    /// O_TMPFILE: a file without a name; the path is that of a directory.
    public static let temporary = OpenFlags(rawValue: lx_tmpfile_flag())
    /// O_DIRECTORY
    public static let directory = OpenFlags(rawValue: O_DIRECTORY)
    /// O_NOFOLLOW
    public static let noFollow = OpenFlags(rawValue: O_NOFOLLOW)
    /// O_PATH: names the file without opening it for reading.
    public static let pathOnly = OpenFlags(rawValue: O_PATH)
    /// O_NONBLOCK
    public static let nonBlocking = OpenFlags(rawValue: O_NONBLOCK)
    /// O_NOCTTY
    public static let noControllingTerminal = OpenFlags(rawValue: O_NOCTTY)
}

/// Mount flags. See mount(2).
public struct MountFlags: OptionSet, Sendable {
    /// The MS_* bits.
    public let rawValue: UInt

    /// Creates flags from MS_* bits.
    public init(rawValue: UInt) { self.rawValue = rawValue }

    private init(_ bit: Int) { rawValue = UInt(bit) }

    /// MS_RDONLY
    public static let readOnly = MountFlags(MS_RDONLY)
    /// MS_NOSUID
    public static let noSetUserID = MountFlags(MS_NOSUID)
    /// MS_NODEV
    public static let noDevices = MountFlags(MS_NODEV)
    /// MS_NOEXEC
    public static let noExecute = MountFlags(MS_NOEXEC)
    /// MS_SYNCHRONOUS
    public static let synchronous = MountFlags(MS_SYNCHRONOUS)
    /// MS_REMOUNT
    public static let remount = MountFlags(MS_REMOUNT)
    /// MS_MANDLOCK
    public static let mandatoryLocks = MountFlags(MS_MANDLOCK)
    /// MS_DIRSYNC
    public static let directorySync = MountFlags(MS_DIRSYNC)
    /// MS_NOSYMFOLLOW (Linux 5.10; glibc's header may lack it)
    public static let noSymbolicLinks = MountFlags(256)
    /// MS_NOATIME
    public static let noAccessTime = MountFlags(MS_NOATIME)
    /// MS_NODIRATIME
    public static let noDirectoryAccessTime = MountFlags(MS_NODIRATIME)
    /// MS_BIND
    public static let bind = MountFlags(MS_BIND)
    /// MS_REC
    public static let recursive = MountFlags(MS_REC)
    /// MS_SILENT
    public static let silent = MountFlags(MS_SILENT)
    /// MS_UNBINDABLE
    public static let unbindable = MountFlags(MS_UNBINDABLE)
    /// MS_PRIVATE
    public static let `private` = MountFlags(MS_PRIVATE)
    /// MS_SLAVE
    public static let slave = MountFlags(MS_SLAVE)
    /// MS_SHARED
    public static let shared = MountFlags(MS_SHARED)
    /// MS_RELATIME
    public static let relativeAccessTime = MountFlags(MS_RELATIME)
    /// MS_POSIXACL
    public static let accessControlLists = MountFlags(MS_POSIXACL)
    /// MS_I_VERSION
    public static let inodeVersion = MountFlags(MS_I_VERSION)
    /// MS_STRICTATIME
    public static let strictAccessTime = MountFlags(MS_STRICTATIME)
    /// MS_LAZYTIME
    public static let lazyTime = MountFlags(MS_LAZYTIME)
}

/// The mount attributes of mount_setattr(2), which can be set on a whole tree.
public enum MountAttribute {
    /// MOUNT_ATTR_RDONLY
    public static let readOnly: UInt64 = 0x1
    /// MOUNT_ATTR_NOSUID
    public static let noSetUserID: UInt64 = 0x2
    /// MOUNT_ATTR_NODEV
    public static let noDevices: UInt64 = 0x4
    /// MOUNT_ATTR_NOEXEC
    public static let noExecute: UInt64 = 0x8
    /// MOUNT_ATTR__ATIME: the mask of the access-time settings
    public static let accessTimeMask: UInt64 = 0x70
    /// MOUNT_ATTR_NOATIME
    public static let noAccessTime: UInt64 = 0x10
    /// MOUNT_ATTR_STRICTATIME
    public static let strictAccessTime: UInt64 = 0x20
    /// MOUNT_ATTR_NODIRATIME
    public static let noDirectoryAccessTime: UInt64 = 0x80
    /// MOUNT_ATTR_NOSYMFOLLOW
    public static let noSymbolicLinks: UInt64 = 0x20_0000
}

/// The namespaces a process can be in, as clone3(2)'s CLONE_NEW* bits.
public enum NamespaceFlag {
    /// CLONE_NEWNS
    public static let mount = UInt64(0x0002_0000)
    /// CLONE_NEWCGROUP
    public static let cgroup = UInt64(0x0200_0000)
    /// CLONE_NEWUTS
    public static let uts = UInt64(0x0400_0000)
    /// CLONE_NEWIPC
    public static let ipc = UInt64(0x0800_0000)
    /// CLONE_NEWUSER
    public static let user = UInt64(0x1000_0000)
    /// CLONE_NEWPID
    public static let pid = UInt64(0x2000_0000)
    /// CLONE_NEWNET
    public static let network = UInt64(0x4000_0000)
    /// CLONE_NEWTIME
    public static let time = UInt64(0x0000_0080)
    /// CLONE_PARENT: the new process becomes the caller's sibling.
    public static let sibling = UInt64(0x0000_8000)
}

/// The signals the runtime itself sends or handles. See signal(7).
public enum Signal {
    /// SIGHUP
    public static let hangup: Int32 = 1
    /// SIGINT
    public static let interrupt: Int32 = 2
    /// SIGKILL
    public static let kill: Int32 = 9
    /// SIGTERM
    public static let terminate: Int32 = 15
    /// SIGCHLD
    public static let child: Int32 = 17
    /// SIGCONT
    public static let resume: Int32 = 18
    /// SIGSTOP
    public static let stop: Int32 = 19
    /// SIGTSTP
    public static let terminalStop: Int32 = 20
    /// SIGTTIN
    public static let terminalInput: Int32 = 21
    /// SIGTTOU
    public static let terminalOutput: Int32 = 22
    /// SIGURG
    public static let urgent: Int32 = 23
    /// SIGWINCH
    public static let windowChange: Int32 = 28
    /// The highest signal number, SIGRTMAX.
    public static let highest: Int32 = 64
}

/// File type and permission bits of mknod(2).
public enum NodeMode {
    /// S_IFREG
    public static let regular = UInt32(0o100000)
    /// S_IFCHR
    public static let character = UInt32(0o020000)
    /// S_IFBLK
    public static let block = UInt32(0o060000)
    /// S_IFIFO
    public static let fifo = UInt32(0o010000)
}

/// Magic numbers of file systems. See statfs(2).
public enum FileSystemMagic {
    /// CGROUP2_SUPER_MAGIC
    public static let cgroup2 = 0x6367_7270
    /// PROC_SUPER_MAGIC
    public static let proc = 0x9fa0
    /// SELINUX_MAGIC
    public static let selinux = 0xf97c_ff8c
    /// TMPFS_MAGIC
    public static let tmpfs = 0x0102_1994
    /// DEVPTS_SUPER_MAGIC
    public static let devpts = 0x1cd1
    /// The kernel's own views of itself: procfs, sysfs, cgroups of both versions, devpts.
    public static let kernels = [proc, 0x6265_6572, cgroup2, 0x27_e0eb, devpts]
}

extension HostError {
    /// ENOENT: there is no such file, process or container directory.
    public var isNotFound: Bool { errno == ENOENT }
    /// ENAMETOOLONG as a number
    public static let nameTooLong = ENAMETOOLONG
    /// EEXIST as a number
    public static let fileExists = EEXIST
    /// EEXIST
    public var isAlreadyThere: Bool { errno == EEXIST }
    /// ENODEV, ENOENT or EINVAL: what rtnetlink(7) says of an interface, queue or filter that has gone.
    public var isGoneFromNetwork: Bool { errno == ENODEV || errno == ENOENT || errno == EINVAL }
    /// EAFNOSUPPORT or EOPNOTSUPP: the kernel was built without it, IPv6 for example.
    public var isUnsupported: Bool { errno == EAFNOSUPPORT || errno == EOPNOTSUPP }
    /// EPROTONOSUPPORT: the kernel was built without this kind of socket.
    public var isUnknownProtocol: Bool { errno == EPROTONOSUPPORT }
    /// ESRCH: there is no such process.
    public var isNoSuchProcess: Bool { errno == ESRCH }
    /// EACCES or EPERM
    public var isPermission: Bool { errno == EACCES || errno == EPERM || errno == EROFS }
    /// EROFS
    public var isReadOnlyFileSystem: Bool { errno == EROFS }
    /// The error of a process that is not there any more.
    public static var gone: HostError { HostError(call: "kill", subject: "", errno: ESRCH) }
    /// ECONNREFUSED: nobody listens.
    public var isRefused: Bool { errno == ECONNREFUSED }
    /// EADDRINUSE: another socket is bound there.
    public var isAddressInUse: Bool { errno == EADDRINUSE }
    /// EBUSY or ENOTEMPTY: something is still in use.
    public var isBusy: Bool { errno == EBUSY || errno == ENOTEMPTY }
    /// EINVAL as a number
    public static let invalid = EINVAL
    /// EINVAL: the kernel does not take this combination.
    public var isInvalid: Bool { errno == EINVAL }
    /// ENOTDIR
    public var isNotDirectory: Bool { errno == ENOTDIR }
    /// ENAMETOOLONG
    public var isNameTooLong: Bool { errno == ENAMETOOLONG }
    /// ELOOP: a symbolic link where none may be.
    public var isLoop: Bool { errno == ELOOP }
    /// EPIPE or ECONNRESET: the other end is gone.
    public var isDisconnected: Bool { errno == EPIPE || errno == ECONNRESET }
}
