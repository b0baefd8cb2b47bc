internal import HostSystem
internal import OCISpec

/// How a container's processes get processors, disks and memory, and which machine they believe to be on.
///
/// See config.md "Linux Process", config-linux.md "Memory policy" and "Personality". Holds for every process that the
/// runtime starts in the container.
struct ExecutionAttributes {
    let scheduling: SchedulingAttributes?
    /// What `scheduling` was made of, and whether the container is kept to some processors: for errors.
    let (scheduler, hasProcessors): (Scheduler?, Bool)
    let ioPriority: IOPriority?
    let memory: (mode: Int32, nodes: [UInt64])?
    let personality: UInt?

    /// Reads them; all of it was checked when the document was decoded.
    init(_ process: Process, _ linux: LinuxSpec) {
        scheduling = process.scheduler.map(Self.scheduling)
        (scheduler, hasProcessors) = (process.scheduler, linux.resources?.cpu?.cpus?.isEmpty == false)
        ioPriority = process.ioPriority
        memory = linux.memoryPolicy.map { (mode: Self.mode($0), nodes: Self.words($0.nodeNumbers)) }
        personality = linux.personality.map { $0.domain == .linux32 ? 8 : 0 }
    }

    /// Sets what is asked for, on this process. Needs its privileges still.
    func apply() throws(Failure) {
        let words = "cannot set how the process is run"
        if let scheduling {
            do throws(HostError) {
                try setScheduling(scheduling)
            } catch {
                throw Failure(at: "/process/scheduler", words, cause: reason(error))
            }
        }
        if let ioPriority {
            try Failure.naming("/process/ioPriority", words) { () throws(HostError) in
                try setIOPriority(level: Self.level(ioPriority.class), priority: Int32(ioPriority.priority))
            }
        }
        if let memory {
            try Failure.naming("/linux/memoryPolicy", words) { () throws(HostError) in
                try setMemoryPolicy(mode: memory.mode, nodes: memory.nodes)
            }
        }
        if let personality {
            try Failure.naming("/linux/personality", words) { () throws(HostError) in try setPersonality(personality) }
        }
    }

    private static func scheduling(_ scheduler: Scheduler) -> SchedulingAttributes {
        var attributes = SchedulingAttributes(policy: policy(scheduler.policy))
        attributes.flags = scheduler.flags.reduce(0) { $0 | flag($1) }
        attributes.nice = scheduler.nice
        attributes.priority = UInt32(clamping: scheduler.priority)
        attributes.runtime = scheduler.runtime ?? 0
        attributes.deadline = scheduler.deadline ?? 0
        attributes.period = scheduler.period
        return attributes
    }

    /// SCHED_* of the kernel's sched.h.
    private static func policy(_ policy: Scheduler.Policy) -> UInt32 {
        switch policy {
        case .other: 0
        case .fifo: 1
        case .roundRobin: 2
        case .batch: 3
        case .iso: 4
        case .idle: 5
        case .deadline: 6
        }
    }

    /// SCHED_FLAG_* of the kernel's sched.h.
    private static func flag(_ flag: Scheduler.Flag) -> UInt64 {
        switch flag {
        case .resetOnFork: 1
        case .reclaim: 2
        case .deadlineOverrun: 4
        case .keepPolicy: 8
        case .keepParameters: 16
        case .utilizationClampMin: 32
        case .utilizationClampMax: 64
        }
    }

    /// IOPRIO_CLASS_* of the kernel's ioprio.h.
    private static func level(_ level: IOPriority.Class) -> Int32 {
        switch level {
        case .realtime: 1
        case .bestEffort: 2
        case .idle: 3
        }
    }

    /// MPOL_* and MPOL_F_* of the kernel's mempolicy.h.
    private static func mode(_ policy: MemoryPolicy) -> Int32 {
        let mode: Int32 =
            switch policy.mode {
            case .default: 0
            case .preferred: 1
            case .bind: 2
            case .interleave: 3
            case .local: 4
            case .preferredMany: 5
            case .weightedInterleave: 6
            }
        return policy.flags.reduce(mode) { bits, flag in
            switch flag {
            case .numaBalancing: bits | 1 << 13
            case .relativeNodes: bits | 1 << 14
            case .staticNodes: bits | 1 << 15
            }
        }
    }

    /// Keeps this process to processors; nil leaves it alone. See config.md "Linux Process", `execCPUAffinity`.
    ///
    /// - Parameter name: The property of `execCPUAffinity`, for the error.
    static func keep(to processors: [Int]?, named name: String) throws(Failure) {
        guard let processors else { return }
        do throws(HostError) {
            try setProcessors(words(processors))
        } catch {
            throw Failure("cannot apply process.execCPUAffinity.\(name)", cause: error)
        }
    }

    /// Frees this process of the processors that its caller was kept to; its cgroup's remain. As with runc and crun.
    ///
    /// Where that is not allowed it stays as it is.
    static func allowEveryProcessor() {
        try? setProcessors([UInt64](repeating: .max, count: 128))
    }

    private static func words(_ numbers: [Int]) -> [UInt64] {
        guard let highest = numbers.max() else { return [] }
        var words = [UInt64](repeating: 0, count: highest / 64 + 1)
        for number in numbers { words[number / 64] |= 1 << UInt64(number % 64) }
        return words
    }
}
