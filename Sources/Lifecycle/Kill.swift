internal import ContainerState
internal import HostSystem
internal import OCISpec
internal import Sandboxing

extension Runtime {
    /// Sends a signal to process 1, or to every process of the container.
    ///
    /// SIGKILL goes to every process also when the container has no PID namespace of its own: with that the kernel ends
    /// all others when process 1 ends, without it nobody would.
    /// - Parameter all: Every process; a container that has ended without leaving any is no error then.
    /// - Throws: ``HostSystem/Failure`` with runc's words when the container does not run.
    public func kill(id: String, signal: Int32, all: Bool) throws {
        let container = try open(id, lock: false)
        guard let record = container.record else { throw Failure("container does not exist: \(id)") }
        let status = try container.status
        let isAlive = status != .creating && status != .stopped
        guard isAlive else {
            let hadProcesses =
                (all || signal == Signal.kill) && Cgroup.signalAll(signal, in: record.processCgroups)
            guard hadProcesses || all else { throw Failure("container not running") }
            return
        }
        let reachesAll = all || (signal == Signal.kill && !isFirstInNamespace(record.pid))
        try send(signal, to: record)
        // A guest's supervisor passes the signal on itself; what else is in the cgroup is a program's own.
        if reachesAll && (record.guest.isEmpty || signal == Signal.kill) {
            Cgroup.signalAll(signal, in: record.processCgroups, except: signal == Signal.kill ? 0 : record.pid)
        }
        // What version 1 of the freezer holds does not even die.
        if signal == Signal.kill { CgroupFreezer(in: record.processCgroups)?.thawAll() }
    }

    private func send(_ signal: Int32, to record: ContainerRecord) throws {
        do throws(HostError) {
            let process = try record.openProcess()
            let taps = signal == Signal.kill ? GuestWiring.copyTaps(of: record, process) : []
            defer { closeLater(taps) }
            try sendSignal(signal, through: process.raw)
            // A guest's process 1 has no time to do for itself what is done for it here, in a millisecond or two.
            if !taps.isEmpty { _ = try waitUntilReadable([process.raw], timeout: 50) }
        } catch {
            if error.isNoSuchProcess { throw Failure("container not running") }
            throw Failure("cannot signal container \(record.id)", cause: error)
        }
    }

    /// Whether a process is number 1 of its PID namespace. See proc(5), NSpid in /proc/PID/status.
    private func isFirstInNamespace(_ pid: Int32) -> Bool {
        guard let text = try? readText("/proc/\(pid)/status"),
            let line = text.split(separator: "\n").first(where: { $0.hasPrefix("NSpid:") })
        else { return false }
        return line.split { $0 == "\t" || $0 == " " }.last == "1"
    }
}
