public import HostSystem
public import OCISpec

/// One container's directory: its record, its config.json, and the socket on which its process 1 waits for `start`.
public struct ContainerDirectory: ~Copyable {
    /// The name of the record's file.
    static let recordName = "state.json"
    /// The name of the copy of config.json.
    static let configName = "config.json"
    /// The name of the file of what the container's commands did when.
    static let timelineName = "timeline"
    /// The name of the socket; it is there from `create` to `start`.
    static let startName = "start"
    /// The name of the directory that a container sees which tells a service manager of itself.
    static let notifyName = "notify"
    /// The name of the socket in it; it is there from `start` on.
    public static let notifySocketName = "notify"

    /// The directory's path.
    public let path: String
    /// The container's id.
    public let id: String
    private let directory: Descriptor

    init(path: String, id: String, lock: Bool) throws(HostError) {
        let opened = try open(path, flags: [.directory, .noFollow])
        if lock { try lockExclusively(opened.raw) }
        self.path = path
        self.id = id
        directory = opened
    }

    /// Whether the directory is still the one at its path.
    func isInPlace() throws(HostError) -> Bool {
        let own = try HostSystem.status(of: directory.raw)
        do throws(HostError) {
            return try HostSystem.status(of: path).isSameFile(as: own)
        } catch {
            if error.isNotFound { return false }
            throw error
        }
    }

    /// Reads the record.
    ///
    /// - Returns: nil when there is none yet, or when what is there is not one.
    public func record() throws(HostError) -> ContainerRecord? {
        let bytes: [UInt8]
        do throws(HostError) {
            let file = try openBeneath(directory.raw, Self.recordName, flags: [.readOnly, .noFollow])
            bytes = try readAll(file.raw, named: Self.recordName)
        } catch {
            if error.isNotFound { return nil }
            throw error
        }
        guard let json = try? parseJSON(bytes, named: Self.recordName) else { return nil }
        return ContainerRecord(json: json)
    }

    /// Replaces the record in one step.
    public func write(_ record: ContainerRecord) throws(HostError) {
        try replaceFile(Self.recordName, in: directory.raw, with: record.json.bytes())
    }

    /// Adds what a command has done to the container's time lines.
    public func keep(_ timeline: Timeline) throws(HostError) {
        let file = try open(
            Self.timelineName, in: directory.raw, flags: [.writeOnly, .create, .append, .noFollow], mode: 0o600)
        try writeAll([UInt8]((timeline.text + "\n").utf8), to: file.raw, named: Self.timelineName)
    }

    /// The time lines of the container's life, as they were kept; none for a container of an earlier version's.
    public func timelines() throws(HostError) -> [Timeline] {
        guard exists(Self.timelineName, in: directory.raw) else { return [] }
        let lines = try readText(Self.timelineName, in: directory.raw).split(separator: "\n")
        return lines.compactMap { Timeline(text: $0) }
    }

    /// Keeps a copy of config.json: the bundle's may change, or go, while the container lives.
    public func keepConfiguration(_ bytes: [UInt8]) throws(HostError) {
        let file = try open(
            Self.configName, in: directory.raw, flags: [.writeOnly, .create, .truncate, .noFollow], mode: 0o600)
        try writeAll(bytes, to: file.raw, named: Self.configName)
    }

    /// The config.json that the container was made from.
    public func configuration() throws -> JSONValue {
        let file = try openBeneath(directory.raw, Self.configName, flags: [.readOnly, .noFollow])
        return try parseJSON(try readAll(file.raw, named: Self.configName), named: Self.configName)
    }

    /// Listens where `start` will connect.
    public func listenForStart() throws(HostError) -> Descriptor {
        try listenUnix(at: "\(descriptorPath(directory.raw))/\(Self.startName)")
    }

    /// Connects to a process 1 that waits for `start`. Throws ECONNREFUSED when it has ended.
    public func connectForStart() throws(HostError) -> Descriptor {
        try connectUnix(to: "\(descriptorPath(directory.raw))/\(Self.startName)", stream: false)
    }

    /// Makes the directory that the container gets to see for its messages to a service manager; returns its path.
    public func makeNotifyDirectory() throws(HostError) -> String {
        try makeDirectory(Self.notifyName, in: directory.raw, mode: 0o755)
        return "\(path)/\(Self.notifyName)"
    }

    /// Receives the container's messages to a service manager; nil when `create` has made no directory for them.
    public func listenForNotifications() throws(HostError) -> Descriptor? {
        guard exists(Self.notifyName, in: directory.raw) else { return nil }
        return try receiveDatagrams(at: "\(descriptorPath(directory.raw))/\(Self.notifyName)/\(Self.notifySocketName)")
    }

    /// Whether a `create` has got so far as to write the record.
    var hasRecord: Bool { exists(Self.recordName, in: directory.raw) }

    /// Whether process 1 still waits for `start`, or has ended without.
    public var isWaitingForStart: Bool { exists(Self.startName, in: directory.raw) }

    /// Forgets the socket: the container counts as started from now on.
    public func removeStartSocket() throws(HostError) {
        try removeFile(Self.startName, in: directory.raw)
    }

    /// Removes the directory and all in it.
    public func remove() throws(HostError) {
        try removeTree(path)
    }

    /// Where the container is in its life, by its record and its process. See runtime.md "State" of the runtime spec.
    public func status(_ record: ContainerRecord?) throws(HostError) -> ContainerStatus {
        guard let record, record.pid != 0 else { return .creating }
        guard let process = try processStatus(record.pid), !process.isDead, process.startTime == record.startTime else {
            return .stopped
        }
        return isWaitingForStart ? .created : .running
    }
}
