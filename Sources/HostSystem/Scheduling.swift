internal import CLinux

/// How a process is scheduled, with the numbers of sched_setattr(2).
public struct SchedulingAttributes: Equatable, Sendable {
    /// SCHED_*
    public var policy: UInt32
    /// SCHED_FLAG_* bits
    public var flags: UInt64 = 0
    /// From -20 to 19, for SCHED_OTHER and SCHED_BATCH.
    public var nice: Int32 = 0
    /// The static priority, for SCHED_FIFO and SCHED_RR.
    public var priority: UInt32 = 0
    /// Nanoseconds of each period the process may run, for SCHED_DEADLINE.
    public var runtime: UInt64 = 0
    /// Nanoseconds within which they are granted.
    public var deadline: UInt64 = 0
    /// Nanoseconds of a period.
    public var period: UInt64 = 0

    /// Creates attributes with everything but the policy zero.
    public init(policy: UInt32) { self.policy = policy }
}

/// Sets how this process is scheduled. See sched_setattr(2).
public func setScheduling(_ attributes: SchedulingAttributes) throws(HostError) {
    var raw = lx_sched_attr()
    raw.policy = attributes.policy
    raw.flags = attributes.flags
    raw.nice = attributes.nice
    raw.priority = attributes.priority
    raw.runtime = attributes.runtime
    raw.deadline = attributes.deadline
    raw.period = attributes.period
    // SAFETY: the pointer lives for the call.
    try check("sched_setattr", "policy \(attributes.policy)", unsafe lx_sched_setattr(&raw))
}

/// Sets how this process's disk accesses are scheduled; `level` is 1 for real time, 2 for best effort, 3 for idle.
///
/// See ioprio_set(2).
public func setIOPriority(level: Int32, priority: Int32) throws(HostError) {
    try check("ioprio_set", "class \(level), priority \(priority)", lx_set_io_priority(level, priority))
}

/// Sets on which nodes this process gets its memory; bit N of the words, the lowest first, stands for node N.
///
/// - Parameter mode: MPOL_* with MPOL_F_* bits. See set_mempolicy(2).
public func setMemoryPolicy(mode: Int32, nodes: [UInt64]) throws(HostError) {
    // SAFETY: the array's own count is passed.
    let result = unsafe nodes.withUnsafeBufferPointer {
        unsafe lx_set_mempolicy(mode, $0.baseAddress, UInt($0.count * 64))
    }
    try check("set_mempolicy", "", result)
}

/// Lets this process run on some processors only; bit N of the words, the lowest first, stands for processor N.
///
/// See sched_setaffinity(2).
public func setProcessors(_ words: [UInt64]) throws(HostError) {
    // SAFETY: the array's own count is passed.
    let result = unsafe words.withUnsafeBufferPointer { unsafe lx_set_affinity($0.baseAddress, $0.count * 8) }
    try check("sched_setaffinity", "", result)
}

/// Sets this process's execution domain. See personality(2).
public func setPersonality(_ domain: UInt) throws(HostError) {
    try check("personality", "\(domain)", lx_personality(domain))
}
