internal import ContainerState
internal import HostSystem
internal import OCISpec
internal import Sandboxing

extension Runtime {
    /// Holds every process of a container where it is; returns when all are held.
    ///
    /// - Throws: ``HostSystem/Failure`` with runc's words when the container neither runs nor waits for `start`, or has
    ///   no cgroup with a freezer.
    public func pause(id: String) throws {
        let container = try open(id, lock: false)
        let status = try container.status
        guard let record = container.record, status == .created || status == .running else {
            throw Failure("container not running")
        }
        guard let freezer = CgroupFreezer(in: record.processCgroups) else {
            throw Failure("cannot pause container \(id): it has no cgroup with a freezer")
        }
        do {
            try freezer.freeze()
        } catch {
            throw Failure("cannot pause container \(id)", cause: error)
        }
    }

    /// Lets a container that was paused go on.
    ///
    /// - Throws: ``HostSystem/Failure`` with runc's words when it is not paused.
    public func resume(id: String) throws {
        let container = try open(id, lock: false)
        guard let record = container.record, try container.status == .paused,
            let freezer = CgroupFreezer(in: record.processCgroups)
        else { throw Failure("container not paused") }
        freezer.thaw()
        guard !freezer.isFrozen else { throw Failure("cannot resume container \(id): its cgroup stays frozen") }
    }
}
