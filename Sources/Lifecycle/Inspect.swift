internal import ContainerState
public import HostSystem
internal import OCISpec
internal import Sandboxing

extension Runtime {
    /// The state document of the runtime spec, with the members that runc adds.
    public func state(id: String) throws -> JSONValue {
        let container = try open(id, lock: false)
        guard let record = container.record else { throw Failure("container does not exist: \(id)") }
        let status = try container.status
        return [
            "ociVersion": .string(record.ociVersion),
            "id": .string(id),
            "pid": JSONValue(status == .stopped ? 0 : record.pid),
            "status": .string(status.rawValue),
            "bundle": .string(record.bundle),
            "rootfs": .string(record.rootfs),
            "created": .string(record.created),
            "annotations": record.annotations,
            "owner": "",
        ]
    }

    /// The state document that hooks get.
    func document(_ record: ContainerRecord, status: ContainerStatus) -> ContainerStateDocument {
        let annotations = record.annotations.object?.members.compactMap { member in
            member.value.string.map { (key: member.key, value: $0) }
        }
        return ContainerStateDocument(
            ociVersion: record.ociVersion, id: record.id, status: status, pid: status == .stopped ? 0 : record.pid,
            bundle: record.bundle, annotations: StringMap(annotations ?? []))
    }

    /// All containers, sorted by id; those that another command is making or removing at this moment may be missing.
    public func list() throws -> [ContainerSummary] {
        let names = UserNames()
        var summaries = [ContainerSummary]()
        for id in try store.ids() {
            guard let container = try openIfThere(id, lock: false), let record = container.record else { continue }
            let status = try container.status
            summaries.append(
                ContainerSummary(
                    ociVersion: record.ociVersion, id: id, pid: status == .stopped ? 0 : record.pid,
                    status: status.rawValue, bundle: record.bundle, rootfs: record.rootfs, created: record.created,
                    owner: names.name(of: record.owner),
                    annotations: document(record, status: status).annotations.map { ($0.key, $0.value) }))
        }
        return summaries
    }
}

/// The host's user names, read once.
private struct UserNames {
    private let lines: [Substring]

    init() { lines = (try? readText("/etc/passwd"))?.split(separator: "\n") ?? [] }

    /// The name of a user, or `#` and the number where there is none, like runc.
    func name(of uid: UInt32) -> String {
        for line in lines {
            let fields = line.split(separator: ":", omittingEmptySubsequences: false)
            if fields.count > 2, UInt32(fields[2]) == uid { return String(fields[0]) }
        }
        return "#\(uid)"
    }
}
