internal import HostSystem

extension Cgroup {
    /// Sends a signal to every process in the container's cgroups and below.
    ///
    /// They are held meanwhile, so that a process that forks all the time cannot get away, and then go on unless the
    /// container was paused before. SIGKILL goes through version 2's `cgroup.kill` where the kernel has it, and always
    /// ends a pause. This process and `spared` are passed over.
    /// - Parameter holding: Whether to hold them; without, it is quicker where they are ending already.
    /// - Returns: Whether there was any process.
    @discardableResult
    public static func signalAll(
        _ signal: Int32, in directories: [String], except spared: Int32 = 0, holding: Bool = true
    ) -> Bool {
        if signal == Signal.kill, spared == 0, let killed = killUnified(directories) { return killed }
        let freezer = CgroupFreezer(in: directories)
        let wasFrozen = freezer?.isFrozen == true
        if holding && !wasFrozen { freezer?.freezeBriefly() }
        let own = currentProcess()
        let found = processes(in: directories).filter { $0 != own && $0 != spared }
        for pid in found { try? sendSignal(signal, to: pid) }
        if (holding && !wasFrozen) || signal == Signal.kill { freezer?.thaw() }
        return !found.isEmpty
    }

    /// Kills through `cgroup.kill` (Linux 5.14); nil where that cannot be done.
    private static func killUnified(_ directories: [String]) -> Bool? {
        guard directories.count == 1, let directory = directories.first, CgroupLayout.isUnified(directory) else {
            return nil
        }
        let found = processes(in: directories)
        guard !found.contains(currentProcess()) else { return nil }
        do throws(HostError) {
            try writeControlFile("\(directory)/cgroup.kill", "1")
        } catch {
            return nil
        }
        return !found.isEmpty
    }
}
