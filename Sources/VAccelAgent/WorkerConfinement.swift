import HostLibraries
import HostSystem

/// A system call that a filter lets pass, and why.
struct AllowedCall {
    private let name: String
    private let conditions: [FilterCondition]

    init(_ name: String, _ conditions: [FilterCondition] = [], for reason: StaticString) {
        (self.name, self.conditions) = (name, conditions)
    }

    /// The rule that lets it pass.
    var rule: FilterRule { FilterRule(name: name, action: .allow, conditions: conditions) }
}

/// What a worker may still do once its libraries and models are open: compute, and talk to the agent.
enum WorkerConfinement {
    /// PROT_EXEC
    private static let executable: UInt64 = 4
    /// CLONE_THREAD
    private static let thread: UInt64 = 0x1_0000
    private static let notExecutable = FilterCondition(index: 2, comparison: .maskedEqual, value: executable, second: 0)
    private static let isThread = FilterCondition(index: 0, comparison: .maskedEqual, value: thread, second: thread)

    private static let calls = [
        AllowedCall("recvfrom", for: "the next operation"),
        AllowedCall("recvmsg", for: "the next operation, and the file of a region that it is in"),
        AllowedCall("sendto", for: "its answer"),
        AllowedCall("read", for: "libraries that read what they have open"),
        AllowedCall("write", for: "messages of libraries on standard error"),
        AllowedCall("mmap", [notExecutable], for: "memory and regions, none to be executed"),
        AllowedCall("mprotect", [notExecutable], for: "guard pages of threads"),
        AllowedCall("munmap", for: "memory"),
        AllowedCall("mremap", for: "memory"),
        AllowedCall("madvise", for: "memory"),
        AllowedCall("brk", for: "memory"),
        AllowedCall("futex", for: "locks"),
        AllowedCall("clone", [isThread], for: "threads of a computation, no processes"),
        AllowedCall("set_robust_list", for: "threads"),
        AllowedCall("rseq", for: "threads"),
        AllowedCall("gettid", for: "threads"),
        AllowedCall("getpid", for: "threads"),
        AllowedCall("sched_yield", for: "threads that wait for each other"),
        AllowedCall("sched_getaffinity", for: "how many processors there are"),
        AllowedCall("sched_setaffinity", for: "threads of a computation on processors of their own"),
        AllowedCall("rt_sigprocmask", for: "threads"),
        AllowedCall("rt_sigaction", for: "abort(3)"),
        AllowedCall("rt_sigreturn", for: "signals"),
        AllowedCall("tgkill", for: "abort(3)"),
        AllowedCall("clock_gettime", for: "time, where the kernel has no faster way"),
        AllowedCall("clock_nanosleep", for: "threads that wait for each other"),
        AllowedCall("nanosleep", for: "threads that wait for each other"),
        AllowedCall("getrandom", for: "hash tables"),
        AllowedCall("getrusage", for: "times"),
        AllowedCall("restart_syscall", for: "calls that a stop interrupted"),
        AllowedCall("close", for: "what libraries have open"),
        AllowedCall("exit", for: "threads"),
        AllowedCall("exit_group", for: "the end"),
    ]

    /// Confines this process. See seccomp(2), setrlimit(2).
    ///
    /// Everything that is not allowed fails with EPERM, because libraries ask for much that they can do without; clone3,
    /// of which a filter cannot see the flags, with ENOSYS, so that the C library uses clone.
    static func apply(_ limits: Limits, socket: Int32) throws(HostError) {
        // Compiled first: that takes a file in memory.
        let clone = FilterRule(name: "clone3", action: .error(38))
        let filter = try SeccompProgram(defaultAction: .error(1), rules: calls.map(\.rule) + [clone])
        let space = UInt64(try virtualBytes() + limits.workerBytes)
        try setResourceLimit(9, named: "RLIMIT_AS", soft: space, hard: space)
        try setResourceLimit(4, named: "RLIMIT_CORE", soft: 0, hard: 0)
        // Room for the file of one region, which is closed once it is mapped.
        let files = UInt64(try nextDescriptor(beside: socket) + 1)
        try setResourceLimit(7, named: "RLIMIT_NOFILE", soft: files, hard: files)
        try dropPrivileges()
        try setNoNewPrivileges()
        try filter.load()
    }

    /// Becomes nobody, who owns nothing. In a user namespace without that user the agent's own has to do.
    private static func dropPrivileges() throws(HostError) {
        if effectiveUser() == 0 {
            do throws(HostError) {
                try setGroups([])
                try setGroup(nobody)
                try setUser(nobody)
            } catch {
                guard error.isInvalid || error.isPermission else { throw error }
            }
        }
        // After the change of user, which would lift it.
        try setParentDeathSignal(Signal.kill)
    }

    private static let nobody: UInt32 = 65534

    /// The address space that is in use. See proc(5), /proc/PID/statm; an agent beside a guest has no /proc.
    private static func virtualBytes() throws(HostError) -> Int {
        let text = try? readText("/proc/self/statm")
        if let pages = text?.split(separator: " ").first.flatMap({ Int($0) }) { return pages * 4096 }
        return try addressSpaceInUse()
    }
}
