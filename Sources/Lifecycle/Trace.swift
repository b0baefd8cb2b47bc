internal import ContainerState
public import HostSystem
internal import OCISpec

/// What was done for a container and when, as far as it is kept.
public struct ContainerTrace {
    /// Its id.
    public let id: String
    /// The framework and monitor of its guest, `solo5/spt`; empty for an ordinary container.
    public let guest: String
    /// Its status in the runtime spec's words.
    public let status: String
    /// What `create`, `start` and others did, in this order.
    public let commands: [Timeline]
    /// When `create` began to make it, as its state says.
    public let created: String
}

extension Runtime {
    /// The time lines of a container's `create` and `start`.
    ///
    /// - Throws: ``HostSystem/Failure`` when there is no such container, or nothing was kept.
    public func trace(id: String) throws -> ContainerTrace {
        let container = try open(id, lock: false)
        let commands = try container.directory.timelines()
        guard let record = container.record, !commands.isEmpty else {
            throw Failure("container \(id) has no time line: an earlier version made it, or it is being made")
        }
        return ContainerTrace(
            id: id, guest: record.guest, status: try container.status.rawValue, commands: commands,
            created: record.created)
    }
}
