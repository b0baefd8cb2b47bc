public import HostSystem

/// vhost-device-vsock in the place of ``VsockProcess``, where the operator wants that: a child of process 1 with no more rights.
///
/// What it complains of goes to the container's standard error. It ends with process 1; when it ends before, so does the guest.
/// See vhost-device-vsock(1).
public struct VsockDaemon {
    private let path: String
    private let program: Int32
    private let guestCID: UInt32
    private let sockets: String
    private let filter: SeccompProgram

    /// A program that was just started listens within milliseconds; a machine may have much else to do.
    private static let patienceMilliseconds: Int64 = 20_000

    /// A daemon.
    ///
    /// - Parameters:
    ///   - path: The program's path, for messages.
    ///   - program: The open program; closed in process 1 when the daemon has begun.
    ///   - guestCID: The guest's context id.
    ///   - sockets: The socket at which it listens for the host's programs, in the monitor's root.
    ///   - filter: What ``filter(_:)`` has compiled.
    public init(path: String, program: Int32, guestCID: UInt32, sockets: String, filter: SeccompProgram) {
        self.path = path
        self.program = program
        self.guestCID = guestCID
        self.sockets = sockets
        self.filter = filter
    }

    /// Compiles what it may do; other calls are as if this kernel did not have them.
    public static func filter(_ cache: FilterCache?) throws(HostError) -> SeccompProgram {
        try VsockConfinement.filter(calls, cache)
    }

    private static let calls: [(reason: String, names: [String])] = [
        (
            "start of the program and of its libraries",
            [
                "access", "arch_prctl", "brk", "close", "execveat", "fcntl", "fstat", "getrandom", "mmap", "mprotect",
                "munmap", "newfstatat", "openat", "poll", "pread64", "prlimit64", "read", "readlink", "rseq",
                "set_robust_list", "set_tid_address", "statx",
            ]
        ),
        (
            "threads",
            [
                "clone3", "clone", "exit", "exit_group", "futex", "getpid", "gettid", "madvise", "mremap",
                "restart_syscall", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sched_getaffinity",
                "sched_yield", "set_mempolicy", "sigaltstack", "tgkill",
            ]
        ),
        (
            "waiting",
            [
                "clock_gettime", "clock_nanosleep", "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait",
                "eventfd2",
                "nanosleep",
            ]
        ),
        (
            "streams, and the front-end",
            [
                "accept4", "bind", "connect", "dup", "getpeername", "getsockname", "getsockopt", "ioctl", "listen",
                "readv",
                "recvfrom", "recvmsg", "sendmsg", "sendto", "setsockopt", "shutdown", "socketpair", "unlink",
                "unlinkat",
                "write", "writev",
            ]
        ),
    ]

    /// Starts the child, and connects to it in the monitor's place: nobody else can after that.
    ///
    /// - Throws: ``HostSystem/Failure`` that says why it cannot run.
    public func begin() throws -> VsockProcess.Running {
        let supervisor = currentProcess()
        let place = "\(sockets).vhost"
        let child = try cloneProcess(namespaces: 0)
        if child == 0 { become(of: supervisor, place) }
        _ = Descriptor(owning: program)
        let deadline = monotonicNanoseconds() + Self.patienceMilliseconds * 1_000_000
        while monotonicNanoseconds() < deadline {
            if let socket = try? connectUnix(to: place, stream: true) {
                try removeFile(place)
                return VsockProcess.Running(process: child, frontEnd: socket.release())
            }
            if let ended = try waitForChild(child, block: false) {
                throw failure("it ended with status \(ended.end.shellStatus) before it listened")
            }
            // Nothing tells when the socket is there.
            _ = try waitUntilReadable([], timeout: 1)
        }
        endChild(child)
        throw failure("it does not listen within \(Self.patienceMilliseconds / 1000) seconds")
    }

    private func failure(_ reason: String) -> Failure {
        Failure("cannot start the guest's vsock device \(path): \(reason)")
    }

    private func become(of supervisor: Int32, _ place: String) -> Never {
        do throws(HostError) {
            try endWithParent(supervisor)
            try closeDescriptors(except: [program])
            // Standard output is the guest's.
            try duplicate(2, to: 1)
            resetSignals()
            try VsockConfinement.enter(filter)
            let words = [path, "--guest-cid", "\(guestCID)", "--socket", place, "--uds-path", sockets]
            try execute(descriptor: program, arguments: words, environment: [])
        } catch {
            try? Program.write("cannot start the guest's vsock device \(path): \(error)\n", to: .error)
            exitNow(1)
        }
    }
}
