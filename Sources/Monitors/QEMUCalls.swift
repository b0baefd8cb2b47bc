internal import GuestModel

/// The system calls of QEMU and of the libraries it is linked to, by what they are for.
enum QEMUCalls {
    static let all = [
        SystemCalls(
            "start of the program and of its libraries",
            [
                "access", "arch_prctl", "brk", "close", "execve", "execveat", "faccessat", "faccessat2", "fcntl",
                "fstat",
                "getdents64", "getrandom", "lseek", "lstat", "mmap", "mprotect", "munmap", "newfstatat", "open",
                "openat", "pread64",
                "prlimit64", "read", "readlink", "readlinkat", "rseq", "set_robust_list", "set_tid_address", "stat",
                "statfs", "fstatfs",
                "statx", "sysinfo", "uname", "getcwd",
            ]),
        SystemCalls(
            "threads",
            [
                "clone", "clone3", "exit", "exit_group", "futex", "gettid", "madvise", "membarrier", "mremap",
                "sched_getaffinity", "sched_setaffinity", "sched_yield", "sched_getparam", "sched_getscheduler",
                "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigtimedwait", "rt_sigpending", "rt_sigsuspend",
                "sigaltstack", "signalfd4", "tgkill", "tkill", "kill", "restart_syscall", "set_mempolicy", "mbind",
                "get_mempolicy",
            ]),
        SystemCalls(
            "time",
            [
                "clock_getres", "clock_gettime", "clock_nanosleep", "gettimeofday", "nanosleep", "time", "timer_create",
                "timer_delete", "timer_getoverrun", "timer_gettime", "timer_settime", "timerfd_create",
                "timerfd_settime", "timerfd_gettime",
            ]),
        SystemCalls(
            "its event loop",
            [
                "epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_wait", "eventfd2", "pipe2", "pipe", "poll", "ppoll",
                "select", "pselect6",
                "dup", "dup2", "dup3",
            ]),
        SystemCalls(
            "console, taps, disks and the control socket",
            [
                "fallocate", "fdatasync", "flock", "fsync", "ftruncate", "ioctl", "preadv", "preadv2", "pwrite64",
                "pwritev",
                "pwritev2", "readv", "write", "writev", "sync_file_range", "copy_file_range",
                "getpeername", "getsockname", "getsockopt", "setsockopt", "recvfrom", "recvmsg", "sendmsg", "sendto",
                "shutdown",
                "io_setup", "io_submit", "io_getevents",
                "io_destroy",
            ]),
        SystemCalls("the channel by which a server of files speaks to it", ["socketpair"]),
        SystemCalls("guest memory", ["memfd_create", "mlock", "mlock2", "munlock", "mincore", "msync"]),
        SystemCalls(
            "who it is",
            [
                "geteuid", "getegid", "getuid", "getgid", "getpid", "getppid", "getpgrp", "getresuid", "getresgid",
                "getrlimit",
                "getrusage", "prctl", "seccomp", "umask", "capget",
            ]),
    ]

    /// What a guest does with files by 9P is done by QEMU.
    static let files = SystemCalls(
        "files of the guest's",
        [
            "chmod", "fchmod", "fchmodat", "fchmodat2", "fchown", "fchownat", "lchown", "fgetxattr", "flistxattr",
            "fremovexattr", "fsetxattr", "getdents", "lgetxattr", "link", "linkat", "listxattr", "llistxattr",
            "lremovexattr", "lsetxattr", "mkdir", "mkdirat", "mknod", "mknodat", "openat2", "rename", "renameat",
            "renameat2", "rmdir", "symlink", "symlinkat", "syncfs", "truncate", "unlink", "unlinkat", "utimensat",
        ])
}
