public import HostSystem

/// A container's status in the runtime specification's words. See runtime-spec runtime.md, state.
public enum ContainerStatus: String, CaseIterable, Sendable {
    /// `create` is at work.
    case creating
    /// `create` is done, the program has not begun.
    case created
    /// The program has begun and not ended.
    case running
    /// The program has ended.
    case stopped
    /// The container's processes are frozen; not the specification's word but runc's.
    case paused
}

/// The state document that `state` prints and that hooks and seccomp agents get. See runtime-spec runtime.md, state.
public struct ContainerStateDocument: Equatable, Sendable {
    /// The specification's version the document follows.
    public var ociVersion: String
    /// The container's id.
    public var id: String
    /// Its status.
    public var status: ContainerStatus
    /// Its process as the reader of the document sees it; 0 where there is none.
    public var pid: Int32
    /// The bundle's absolute path.
    public var bundle: String
    /// The annotations of config.json.
    public var annotations: StringMap

    /// A state document.
    public init(
        ociVersion: String, id: String, status: ContainerStatus, pid: Int32 = 0, bundle: String,
        annotations: StringMap = StringMap()
    ) {
        self.ociVersion = ociVersion
        self.id = id
        self.status = status
        self.pid = pid
        self.bundle = bundle
        self.annotations = annotations
    }

    /// The document as JSON, in the specification's order. A container without a process has no `pid`, and one without
    /// annotations no `annotations`.
    public var json: JSONValue {
        var object: JSONObject = [
            "ociVersion": .string(ociVersion), "id": .string(id), "status": .string(status.rawValue),
        ]
        if pid > 0 { object["pid"] = JSONValue(pid) }
        object["bundle"] = .string(bundle)
        if !annotations.isEmpty {
            object["annotations"] = .object(JSONObject(annotations.map { (key: $0.key, value: .string($0.value)) }))
        }
        return .object(object)
    }
}
