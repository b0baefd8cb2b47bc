/// What a guest may use of its agent. What is beyond is refused with an error that the guest's application can see.
public struct Limits: Equatable, Sendable {
    /// Connections at a time; one more is closed at once.
    public var connections = 64
    /// Sessions at a time.
    public var sessions = 1024
    /// Resources at a time.
    public var resources = 256
    /// Bytes of everything that is kept for the guest: resources, requests, answers that it has not read.
    public var bytes = 512 << 20
    /// Bytes of a frame.
    public var frameBytes = 128 << 20
    /// Calls that are not answered yet, on all connections.
    public var calls = 64
    /// Milliseconds until a call counts as hanging.
    public var callMilliseconds: Int64 = 30_000
    /// Milliseconds within which a frame that has begun must be complete, and within which a guest must read an answer.
    public var frameMilliseconds: Int64 = 30_000
    /// Bytes of memory that a worker may have beyond what it began with.
    public var workerBytes = 2 << 30

    /// The presets.
    public init() {}
}

/// Everything the operator says.
public struct AgentSettings: Equatable, Sendable {
    /// Where to listen.
    public var addresses: [AgentAddress] = []
    /// Listening sockets that the agent was started with.
    public var listeners: [Int32] = []
    /// Names of back-ends in the order in which they are asked.
    public var backends: [String] = []
    /// What back-ends need to know.
    public var backend = BackendSettings()
    /// What a guest may use.
    public var limits = Limits()

    /// Nothing but presets.
    public init() {}
}
