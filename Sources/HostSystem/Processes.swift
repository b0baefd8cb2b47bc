internal import CLinux

/// How a process ended.
public enum ProcessEnd: Equatable, Sendable {
    /// It called exit with this status, 0 to 255.
    case exited(Int32)
    /// This signal ended it.
    case signaled(Int32)

    /// The status a shell shows: the exit status, or 128 plus the signal's number.
    public var shellStatus: Int32 {
        switch self {
        case .exited(let status): status
        case .signaled(let signal): 128 + signal
        }
    }
}

/// Makes a child process with fork semantics, in new namespaces when `namespaces` holds CLONE_NEW* bits.
///
/// See clone3(2). Safe from Swift because the runtime is single-threaded (decision 11).
/// - Returns: The child's pid in the parent, 0 in the child.
public func cloneProcess(namespaces: UInt64) throws(HostError) -> Int32 {
    try check("clone3", "", lx_clone3(namespaces, nil, -1))
}

/// Waits for a child to end.
///
/// See waitpid(2).
/// - Parameter pid: The child, or -1 for any.
/// - Returns: nil when `block` is false and no child has ended.
public func waitForChild(_ pid: Int32, block: Bool = true) throws(HostError) -> (pid: Int32, end: ProcessEnd)? {
    var status: Int32 = 0
    // SAFETY: the pointer lives for the call.
    let ended = try check("waitpid", "process \(pid)", unsafe lx_waitpid(pid, &status, block ? 0 : WNOHANG))
    guard ended > 0 else { return nil }
    return (ended, lx_exited(status) != 0 ? .exited(lx_exit_status(status)) : .signaled(lx_term_signal(status)))
}

/// Kills a child and waits until it is gone, as far as that can be done.
///
/// Sends nothing when the child has been collected already: its number may be another process's by then.
public func endChild(_ pid: Int32) {
    do throws(HostError) {
        guard try waitForChild(pid, block: false) == nil else { return }
        try sendSignal(Signal.kill, to: pid)
        _ = try waitForChild(pid)
    } catch {
        // No child any more.
    }
}

/// Collects any child that has ended, without waiting; nil when none has. See waitpid(2).
public func waitForAnyChild() throws(HostError) -> (pid: Int32, end: ProcessEnd)? {
    do throws(HostError) {
        return try waitForChild(-1, block: false)
    } catch {
        if error.errno == ECHILD { return nil }
        throw error
    }
}

/// Sends a signal; 0 only asks whether the process is there. See kill(2).
public func sendSignal(_ signal: Int32, to pid: Int32) throws(HostError) {
    try check("kill", "process \(pid)", lx_kill(pid, signal))
}

/// A descriptor that stands for one process, however often its number is used again. See pidfd_open(2).
public func openProcess(_ pid: Int32) throws(HostError) -> Descriptor {
    Descriptor(owning: try check("pidfd_open", "process \(pid)", lx_pidfd_open(pid)))
}

/// Sends a signal to the process behind `pidfd`. See pidfd_send_signal(2).
public func sendSignal(_ signal: Int32, through pidfd: Int32) throws(HostError) {
    try check("pidfd_send_signal", "signal \(signal)", lx_pidfd_kill(pidfd, signal))
}

/// Replaces this process by a program. Returns only by throwing. See execve(2).
public func execute(_ path: String, arguments: [String], environment: [String]) throws(HostError) -> Never {
    // SAFETY: both arrays and their strings live until the call returns, which it does only on failure.
    let result = unsafe withCStrings(arguments) { argv in
        unsafe withCStrings(environment) { envp in unsafe lx_execve(path, argv, envp) }
    }
    throw HostError(call: "exec", subject: path, errno: -result)
}

/// Replaces this process by the program open as `descriptor`. Returns only by throwing. See execveat(2) AT_EMPTY_PATH.
public func execute(descriptor: Int32, arguments: [String], environment: [String]) throws(HostError) -> Never {
    // SAFETY: both arrays and their strings live until the call returns, which it does only on failure.
    let result = unsafe withCStrings(arguments) { argv in
        unsafe withCStrings(environment) { envp in unsafe lx_execveat(descriptor, argv, envp) }
    }
    throw HostError(call: "execveat", subject: "descriptor \(descriptor)", errno: -result)
}

/// Starts a program with `input`, `output` and `errors` as its descriptors 0, 1 and 2.
///
/// See vfork(2), execve(2). The caller waits for the returned pid.
public func spawn(
    _ path: String, arguments: [String], environment: [String], input: Int32, output: Int32, errors: Int32
) throws(HostError) -> Int32 {
    var pid: pid_t = 0
    // SAFETY: both arrays and their strings live until the call returns; the child shares them until it execs.
    let result = unsafe withCStrings(arguments) { argv in
        unsafe withCStrings(environment) { envp in
            unsafe lx_spawn(path, argv, envp, input, output, errors, &pid)
        }
    }
    try check("exec", path, result)
    return pid
}

/// Starts a program with `descriptors` as its 0, 1, 2 and so on, at most 32.
///
/// See vfork(2), execve(2). The caller waits for the returned pid.
public func spawn(_ path: String, arguments: [String], descriptors: [Int32]) throws(HostError) -> Int32 {
    var pid: pid_t = 0
    // SAFETY: the arrays and their strings live until the call returns; the child shares them until it execs.
    let result = unsafe withCStrings(arguments) { argv in
        unsafe withCStrings(currentEnvironment()) { envp in
            unsafe descriptors.withUnsafeBufferPointer {
                unsafe lx_spawn_passing(path, argv, envp, $0.baseAddress, Int32(clamping: $0.count), &pid)
            }
        }
    }
    try check("exec", path, result)
    return pid
}

/// This process's environment, `NAME=VALUE` each. See environ(7).
public func currentEnvironment() -> [String] {
    var found = [String]()
    var index = 0
    // SAFETY: environ is a NULL-terminated array of C strings, and nothing changes it: the runtime is single-threaded.
    while let entry = unsafe lx_environ(Int32(index)) {
        found.append(unsafe String(cString: entry))
        index += 1
    }
    return found
}

/// Calls `body` with a NULL-terminated array of C strings that lives as long as the call.
func withCStrings(
    _ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Int32
) -> Int32 {
    // SAFETY: every pointer is the allocation of strdup(3) and freed after `body`, the array is NULL-terminated.
    var pointers: [UnsafeMutablePointer<CChar>?] = unsafe strings.map { unsafe strdup($0) } + [nil]
    defer { unsafe pointers.forEach { unsafe free($0) } }
    return unsafe pointers.withUnsafeMutableBufferPointer { buffer in
        guard let base = buffer.baseAddress else { return -EINVAL }
        return unsafe body(UnsafePointer(base))
    }
}

/// Ends this process at once, without running exit handlers. See _exit(2).
public func exitNow(_ status: Int32) -> Never { lx_exit_now(status) }

/// This process's pid, in its own PID namespace. See getpid(2).
public func currentProcess() -> Int32 { lx_getpid() }

/// The parent's pid, 0 when the parent is in an outer PID namespace. See getppid(2).
public func parentProcess() -> Int32 { lx_getppid() }

/// Has this process end with its parent, and ends it here when that has gone before the kernel knew of it.
///
/// - Parameter parent: The pid that the parent had when it made this process.
public func endWithParent(_ parent: Int32) throws(HostError) {
    try setParentDeathSignal(Signal.kill)
    guard parentProcess() == parent else { exitNow(1) }
}

/// The effective user id. See geteuid(2).
public func effectiveUser() -> UInt32 { lx_geteuid() }

/// The effective group id. See getegid(2).
public func effectiveGroup() -> UInt32 { lx_getegid() }

/// What /proc/PID/stat tells of a process. See proc(5).
public struct ProcessStatus: Equatable, Sendable {
    /// One letter: R, S, D, Z, X ...
    public let state: Character
    /// Clock ticks after boot at which it started: with the pid, its identity.
    public let startTime: UInt64

    /// Whether the process has ended and only its entry is left.
    public var isDead: Bool { state == "Z" || state == "X" }
}

/// The status of a process by its pid; nil when there is none. See proc(5), /proc/PID/stat.
public func processStatus(_ pid: Int32) throws(HostError) -> ProcessStatus? {
    guard pid > 0, let text = try processText(pid) else { return nil }
    // The second field is the name in parentheses, which may hold anything: count from the last one.
    guard let end = text.utf8.lastIndex(of: UInt8(ascii: ")")) else { return nil }
    let fields = text[text.index(after: end)...].utf8.split(separator: UInt8(ascii: " "))
    guard fields.count > 19, let state = Substring(fields[0]).first, let start = UInt64(Substring(fields[19])) else {
        return nil
    }
    return ProcessStatus(state: state, startTime: start)
}

/// nil only for a process that is not there: one of which nothing can be learned has not ended.
private func processText(_ pid: Int32) throws(HostError) -> String? {
    do throws(HostError) {
        return try readText("/proc/\(pid)/stat")
    } catch {
        guard error.isNotFound || error.isNoSuchProcess else { throw error }
        return nil
    }
}

/// Asks for a signal when the parent ends; 0 for none. See prctl(2) PR_SET_PDEATHSIG.
public func setParentDeathSignal(_ signal: Int32) throws(HostError) {
    try check("prctl", "PR_SET_PDEATHSIG", lx_prctl(PR_SET_PDEATHSIG, UInt(signal), 0))
}

/// Whether others of the same user may trace this process or open its descriptors. See prctl(2) PR_SET_DUMPABLE.
public func setDumpable(_ dumpable: Bool) throws(HostError) {
    try check("prctl", "PR_SET_DUMPABLE", lx_prctl(PR_SET_DUMPABLE, dumpable ? 1 : 0, 0))
}
