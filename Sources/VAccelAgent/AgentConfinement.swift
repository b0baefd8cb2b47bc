import HostSystem

/// What the agent may still do once it listens: read and answer frames, and make workers, which open their libraries and
/// models behind this filter and then put up a narrower one of their own.
///
/// It cannot run a program, make, bind or connect a socket that leads anywhere, write to a file, or enter a namespace.
enum AgentConfinement {
    /// O_ACCMODE, O_CREAT and O_TRUNC of open(2)
    private static let writing: UInt64 = 3 | 0o100 | 0o1000
    private static let readsAt = FilterCondition(index: 2, comparison: .maskedEqual, value: writing, second: 0)
    private static let reads = FilterCondition(index: 1, comparison: .maskedEqual, value: writing, second: 0)
    /// CLONE_NEWTIME, _NEWNS, _NEWCGROUP, _NEWUTS, _NEWIPC, _NEWUSER, _NEWPID and _NEWNET of clone(2)
    private static let namespaces: UInt64 = 0x7E02_0080
    private static let sharesNamespaces = FilterCondition(
        index: 0, comparison: .maskedEqual, value: namespaces, second: 0)
    /// AF_UNIX
    private static let isLocal = FilterCondition(index: 0, comparison: .equal, value: 1)
    /// F_DUPFD to F_SETFL, F_DUPFD_CLOEXEC of fcntl(2)
    private static let isFlags = FilterCondition(index: 1, comparison: .lessOrEqual, value: 4)
    /// F_ADD_SEALS of fcntl(2)
    private static let isSeals = FilterCondition(index: 1, comparison: .equal, value: 1033)
    private static let isClosedOnExec = FilterCondition(index: 1, comparison: .equal, value: 1030)

    private static let calls = [
        AllowedCall("epoll_wait", for: "waiting"),
        AllowedCall("epoll_pwait", for: "waiting, on processors without the older call"),
        AllowedCall("epoll_ctl", for: "what is waited for"),
        AllowedCall("accept4", for: "connections"),
        AllowedCall("getpeername", for: "which machine a connection comes from"),
        AllowedCall("setsockopt", for: "answers that do not wait, room for a worker's operations"),
        AllowedCall("getsockopt", for: "libraries that ask what a descriptor is"),
        AllowedCall("recvfrom", for: "frames"),
        AllowedCall("recvmsg", for: "a worker's operations, and the file of a region"),
        AllowedCall("sendto", for: "answers"),
        AllowedCall("sendmsg", for: "answers in pieces, and the file of a region"),
        AllowedCall("read", for: "signals, and files of libraries"),
        AllowedCall("pread64", for: "files of libraries"),
        AllowedCall("write", for: "the log"),
        AllowedCall("writev", for: "messages of libraries on standard error"),
        AllowedCall("socketpair", [isLocal], for: "the socket of a worker"),
        AllowedCall("clone", [sharesNamespaces], for: "workers, and threads of a computation"),
        AllowedCall("set_robust_list", for: "new processes and threads"),
        AllowedCall("rseq", for: "new threads"),
        AllowedCall("wait4", for: "the end of workers"),
        AllowedCall("kill", for: "a worker that hangs"),
        AllowedCall("close", for: "descriptors"),
        AllowedCall("close_range", for: "a worker's descriptors of the agent's"),
        AllowedCall("prctl", for: "a worker's end with the agent, its privileges, names of threads"),
        AllowedCall("seccomp", for: "a worker's own filter"),
        AllowedCall("memfd_create", for: "the file in which that is compiled, regions"),
        AllowedCall("ftruncate", for: "the size of a region"),
        AllowedCall("fallocate", for: "the memory of a region"),
        AllowedCall("fcntl", [isSeals], for: "a region that keeps its size, and is written to by the agent only"),
        AllowedCall("lseek", for: "that file"),
        AllowedCall("prlimit64", for: "a worker's limits"),
        AllowedCall("setrlimit", for: "a worker's limits"),
        AllowedCall("getrlimit", for: "sizes of stacks, how much address space is in use"),
        AllowedCall("setgroups", for: "a worker's user"),
        AllowedCall("setgid", for: "a worker's user"),
        AllowedCall("setresgid", for: "a worker's user"),
        AllowedCall("setuid", for: "a worker's user"),
        AllowedCall("setresuid", for: "a worker's user"),
        AllowedCall("capset", for: "a worker's privileges"),
        AllowedCall("capget", for: "a worker's privileges"),
        AllowedCall("geteuid", for: "whether there is a user to leave"),
        AllowedCall("getuid", for: "libraries that ask who they are"),
        AllowedCall("getgid", for: "libraries that ask who they are"),
        AllowedCall("getegid", for: "libraries that ask who they are"),
        AllowedCall("getpid", for: "libraries that ask who they are"),
        AllowedCall("getppid", for: "whether the agent is there still"),
        AllowedCall("gettid", for: "threads"),
        AllowedCall("openat", [readsAt], for: "libraries and models, for reading"),
        AllowedCall("open", [reads], for: "libraries and models, for reading"),
        AllowedCall("fstat", for: "libraries and models"),
        AllowedCall("newfstatat", for: "libraries and models"),
        AllowedCall("stat", for: "libraries and models"),
        AllowedCall("lstat", for: "libraries and models"),
        AllowedCall("statx", for: "libraries and models"),
        AllowedCall("statfs", for: "libraries that ask where files are"),
        AllowedCall("access", for: "libraries that ask whether a file is there"),
        AllowedCall("faccessat", for: "libraries that ask whether a file is there"),
        AllowedCall("faccessat2", for: "libraries that ask whether a file is there"),
        AllowedCall("readlink", for: "where libraries are"),
        AllowedCall("readlinkat", for: "where libraries are"),
        AllowedCall("getcwd", for: "where libraries are"),
        AllowedCall("getdents64", for: "the operator's models"),
        AllowedCall("fcntl", [isFlags], for: "what a descriptor is open for"),
        AllowedCall("fcntl", [isClosedOnExec], for: "directories that are read"),
        AllowedCall("mmap", for: "memory and libraries"),
        AllowedCall("mprotect", for: "memory and libraries"),
        AllowedCall("munmap", for: "memory and libraries"),
        AllowedCall("mremap", for: "memory"),
        AllowedCall("madvise", for: "memory that is given back, regions that new processes do not have"),
        AllowedCall("brk", for: "memory"),
        AllowedCall("futex", for: "locks"),
        AllowedCall("sched_yield", for: "threads that wait for each other"),
        AllowedCall("sched_getaffinity", for: "how many processors there are"),
        AllowedCall("sched_setaffinity", for: "threads of a computation on processors of their own"),
        AllowedCall("sysinfo", for: "how much memory there is"),
        AllowedCall("uname", for: "libraries that ask which kernel this is"),
        AllowedCall("getrandom", for: "numbers of sessions, hash tables"),
        AllowedCall("getrusage", for: "times"),
        AllowedCall("clock_gettime", for: "time, where the kernel has no faster way"),
        AllowedCall("clock_nanosleep", for: "threads that wait for each other"),
        AllowedCall("nanosleep", for: "threads that wait for each other"),
        AllowedCall("rt_sigaction", for: "signals"),
        AllowedCall("rt_sigprocmask", for: "signals"),
        AllowedCall("rt_sigreturn", for: "signals"),
        AllowedCall("tgkill", for: "abort(3)"),
        AllowedCall("restart_syscall", for: "calls that a stop interrupted"),
        AllowedCall("exit", for: "threads"),
        AllowedCall("exit_group", for: "the end"),
    ]

    /// Sockets that the agent has made are removed in the end.
    private static let removal = AllowedCall("unlinkat", for: "the agent's own sockets")

    /// An installed vAccel library has a directory of its own, in which it keeps what the guest sent.
    private static let files = [
        AllowedCall("openat", for: "files of the vAccel library's"),
        AllowedCall("open", for: "files of the vAccel library's"),
        AllowedCall("mkdir", for: "the vAccel library's directory"),
        AllowedCall("mkdirat", for: "the vAccel library's directory"),
        AllowedCall("rmdir", for: "the vAccel library's directory"),
        AllowedCall("unlink", for: "files of the vAccel library's"),
        AllowedCall("unlinkat", for: "files of the vAccel library's"),
        AllowedCall("chmod", for: "files of the vAccel library's"),
        AllowedCall("fchmod", for: "files of the vAccel library's"),
        AllowedCall("pwrite64", for: "files of the vAccel library's"),
        AllowedCall("fsync", for: "files of the vAccel library's"),
        AllowedCall("getdents64", for: "what is left in its directory"),
        AllowedCall("umask", for: "who may read its directory"),
    ]

    /// Confines this process and all that it makes. See seccomp(2).
    ///
    /// Everything else is as if this kernel did not have it: libraries then go back to older calls.
    static func apply(_ settings: AgentSettings) throws(HostError) {
        let own = settings.backend.libraries["libvaccel"] == nil ? [] : files
        let sockets = settings.addresses.isEmpty ? [] : [removal]
        let filter = try SeccompProgram(defaultAction: .error(38), rules: (calls + own + sockets).map(\.rule))
        try setNoNewPrivileges()
        try filter.load()
    }
}
