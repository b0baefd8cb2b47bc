internal import ContainerState
internal import HostSystem
internal import LaunchPlanning
public import OCISpec
internal import Sandboxing

extension Runtime {
    /// Changes limits of a container; what `resources` does not say stays as it is.
    ///
    /// - Throws: ``HostSystem/Failure`` when the container does not run, has no cgroups, or a limit cannot be set. No
    ///   limit has changed then.
    public func update(id: String, resources: Resources) throws {
        let container = try open(id, lock: false)
        let status = try container.status
        guard let record = container.record, status != .creating, status != .stopped else {
            throw Failure("container not running")
        }
        for remark in resources.remarks { log.warning(remark) }
        guard !record.processCgroups.isEmpty else {
            throw Failure("cannot update container \(id): it has no cgroups")
        }
        try checkGuestMemory(record, resources.memory?.limit)
        try Cgroup(existing: record.processCgroups).update(resources)
        // systemd writes its own values again whenever it looks after the unit.
        if !record.unit.isEmpty { try Cgroup.announce(resources, toUnit: record.unit) }
    }

    /// A guest was told how much memory it has, and may use all of it at any time; its monitor needs some besides.
    private func checkGuestMemory(_ record: ContainerRecord, _ limit: Int64?) throws(Failure) {
        guard let limit, limit > 0, record.guestMemoryMiB > 0 else { return }
        let monitor = record.guest.split(separator: "/").last.map(String.init) ?? ""
        let need = leastMemoryLimitMiB(forGuest: record.guestMemoryMiB, under: monitor)
        guard UInt64(limit) >> 20 < need else { return }
        throw Failure(
            "cannot set the memory limit of container \(record.id) to \(limit): its guest was started with "
                + "\(record.guestMemoryMiB) MiB, which cannot be taken from it, and with its monitor needs \(need) MiB")
    }
}
