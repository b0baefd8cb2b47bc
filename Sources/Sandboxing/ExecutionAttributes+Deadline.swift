internal import HostSystem
internal import OCISpec

extension ExecutionAttributes {
    /// Why the kernel does not take a policy, where it says no more than "not permitted" and "invalid argument".
    ///
    /// The words are runc's and crun's. See sched_setattr(2) and sched(7).
    func reason(_ error: HostError) -> any Error {
        guard let scheduler, scheduler.policy == .deadline else { return error }
        if error.isPermission, hasProcessors {
            return Failure("process scheduler can't be used together with AllowedCPUs", cause: error)
        }
        guard error.isInvalid, let wrong = Self.wrong(scheduler) else { return error }
        return Failure("sched_setattr: `SCHED_DEADLINE` \(wrong)")
    }

    private static func wrong(_ scheduler: Scheduler) -> String? {
        guard let runtime = scheduler.runtime else { return "requires `runtime`" }
        guard let deadline = scheduler.deadline else { return "requires `deadline`" }
        let period = scheduler.period
        let values = [("runtime", runtime), ("deadline", deadline)] + (period == 0 ? [] : [("period", period)])
        for (name, value) in values where value == 0 { return "\(name) must be greater than 0" }
        if runtime > deadline { return "runtime (\(runtime)) must be <= deadline (\(deadline))" }
        if period != 0, deadline > period { return "deadline (\(deadline)) must be <= period (\(period))" }
        let limits: ClosedRange<UInt64> = 1024...(1 << 63)
        for (name, value) in values where !limits.contains(value) {
            return "\(name) (\(value)) must be between \(limits.lowerBound) and \(limits.upperBound)"
        }
        return nil
    }
}
