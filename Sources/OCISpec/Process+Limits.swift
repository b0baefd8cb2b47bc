/// A resource that getrlimit(2) knows.
public enum RlimitType: String, CaseIterable, Sendable, SpecWord {
    case addressSpace = "RLIMIT_AS"
    case core = "RLIMIT_CORE"
    case cpu = "RLIMIT_CPU"
    case data = "RLIMIT_DATA"
    case fileSize = "RLIMIT_FSIZE"
    case locks = "RLIMIT_LOCKS"
    case lockedMemory = "RLIMIT_MEMLOCK"
    case messageQueues = "RLIMIT_MSGQUEUE"
    case nice = "RLIMIT_NICE"
    case openFiles = "RLIMIT_NOFILE"
    case processes = "RLIMIT_NPROC"
    case residentSet = "RLIMIT_RSS"
    case realtimePriority = "RLIMIT_RTPRIO"
    case realtimeTime = "RLIMIT_RTTIME"
    case pendingSignals = "RLIMIT_SIGPENDING"
    case stack = "RLIMIT_STACK"

    static let noun = "rlimit type"
}

/// A resource limit. See setrlimit(2).
public struct Rlimit: Equatable, Sendable {
    /// What is limited.
    public var type: RlimitType
    /// What is enforced; `UInt64.max` is unlimited.
    public var soft: UInt64
    /// How far the process may raise `soft`.
    public var hard: UInt64

    /// A limit of one resource.
    public init(type: RlimitType, soft: UInt64, hard: UInt64) {
        self.type = type
        self.soft = soft
        self.hard = hard
    }
}

extension Rlimit: SpecObject {
    static let section = "config.md#posix-process"

    init(_ object: SpecCursor) throws(SpecError) {
        type = try object.required("type", object.word("type"))
        soft = try object.required("soft", object.integer("soft"))
        hard = try object.required("hard", object.integer("hard"))
    }
}

/// How a process is scheduled. See sched_setattr(2).
public struct Scheduler: Equatable, Sendable {
    /// A scheduling policy of sched(7).
    public enum Policy: String, CaseIterable, Sendable, SpecWord {
        case other = "SCHED_OTHER"
        case fifo = "SCHED_FIFO"
        case roundRobin = "SCHED_RR"
        case batch = "SCHED_BATCH"
        case iso = "SCHED_ISO"
        case idle = "SCHED_IDLE"
        case deadline = "SCHED_DEADLINE"

        static let noun = "scheduling policy"
    }

    /// A flag of sched_setattr(2).
    public enum Flag: String, CaseIterable, Sendable, SpecWord {
        case resetOnFork = "SCHED_FLAG_RESET_ON_FORK"
        case reclaim = "SCHED_FLAG_RECLAIM"
        case deadlineOverrun = "SCHED_FLAG_DL_OVERRUN"
        case keepPolicy = "SCHED_FLAG_KEEP_POLICY"
        case keepParameters = "SCHED_FLAG_KEEP_PARAMS"
        case utilizationClampMin = "SCHED_FLAG_UTIL_CLAMP_MIN"
        case utilizationClampMax = "SCHED_FLAG_UTIL_CLAMP_MAX"

        static let noun = "scheduling flag"
    }

    /// The policy.
    public var policy: Policy
    /// From -20, the most favoured, to 19, for `other` and `batch`.
    public var nice: Int32 = 0
    /// The static priority, for `fifo` and `roundRobin`.
    public var priority: Int32 = 0
    /// Flags.
    public var flags: [Flag] = []
    /// Nanoseconds of each period the process may run, for `deadline`.
    public var runtime: UInt64?
    /// Nanoseconds within which they are granted, for `deadline`.
    public var deadline: UInt64?
    /// Nanoseconds of a period, for `deadline`.
    public var period: UInt64 = 0

    /// A policy with everything else zero.
    public init(policy: Policy) {
        self.policy = policy
    }
}

extension Scheduler: SpecObject {
    static let section = "config.md#linux-process"

    init(_ object: SpecCursor) throws(SpecError) {
        policy = try object.required("policy", object.word("policy"))
        nice = try object.integer("nice", in: -20...19) ?? 0
        priority = try object.integer("priority", in: 0...Int32.max) ?? 0
        flags = try object.words("flags")
        runtime = try object.integer("runtime")
        deadline = try object.integer("deadline")
        period = try object.integer("period") ?? 0
        try check(object)
    }

    // The words are runc's.
    private func check(_ object: SpecCursor) throws(SpecError) {
        if priority != 0 && policy != .fifo && policy != .roundRobin {
            throw object.error(
                "priority", "scheduler.priority can only be specified for SchedFIFO or SchedRR policy")
        }
        guard policy != .deadline else { return }
        for (key, value) in [("runtime", runtime), ("deadline", deadline), ("period", period)]
        where (value ?? 0) != 0 {
            throw object.error(
                key, "scheduler runtime/deadline/period can only be specified for SchedDeadline policy")
        }
    }
}

/// How disk accesses are scheduled. See ioprio_set(2).
public struct IOPriority: Equatable, Sendable {
    /// A scheduling class of ioprio_set(2).
    public enum Class: String, CaseIterable, Sendable, SpecWord {
        case realtime = "IOPRIO_CLASS_RT"
        case bestEffort = "IOPRIO_CLASS_BE"
        case idle = "IOPRIO_CLASS_IDLE"

        static let noun = "I/O scheduling class"
    }

    /// The class.
    public var `class`: Class
    /// From 0, the highest, to 7.
    public var priority: Int

    /// A priority within a class.
    public init(class: Class, priority: Int) {
        self.class = `class`
        self.priority = priority
    }
}

extension IOPriority: SpecObject {
    static let section = "config.md#linux-process"

    init(_ object: SpecCursor) throws(SpecError) {
        `class` = try object.required("class", object.word("class"))
        priority = try object.integer("priority", in: 0...7) ?? 0
    }
}

/// On which processors `exec` runs, as lists for cpuset(7): `0-3,7`.
public struct CPUAffinity: Equatable, Sendable {
    /// Before the process enters the container's cgroup; nil leaves it alone.
    public var initial: String?
    /// After it did; nil leaves it alone.
    public var final: String?

    /// The numbers of the processors in `initial`.
    public var initialNumbers: [Int]? { initial.flatMap { numberList($0, below: Self.limit) } }
    /// The numbers of the processors in `final`.
    public var finalNumbers: [Int]? { final.flatMap { numberList($0, below: Self.limit) } }
    /// One more than the highest processor any kernel knows.
    static let limit = 8192

    /// No affinity.
    public init() {}
}

extension CPUAffinity: SpecObject {
    static let section = "config.md#linux-process"

    init(_ object: SpecCursor) throws(SpecError) {
        initial = try object.string("initial")
        final = try object.string("final")
        for (key, list) in [("initial", initial), ("final", final)] {
            guard let list, numberList(list, below: Self.limit) == nil else { continue }
            throw object.error(key, "invalid CPU affinity '\(list)': no list such as 0-3,7 of numbers below 8192")
        }
    }
}
