/// A generation of vAccel's protocol: its service's name, its numbers of fields and operations, how it tells errors.
public enum Generation: Equatable, Sendable {
    /// `vaccel.sync.agent.AgentService` and `vaccel.asynchronous.agent.AgentService`, since release 0.5.
    case current
    /// `vaccel.AgentService` of release 0.4.1.
    case agentService
    /// `vaccel.VaccelAgent` of 2021 to release 0.3.7.
    case vaccelAgent

    /// The generation whose service has this name.
    public init?(service: String) {
        switch service {
        case "vaccel.sync.agent.AgentService", "vaccel.asynchronous.agent.AgentService": self = .current
        case "vaccel.AgentService": self = .agentService
        case "vaccel.VaccelAgent": self = .vaccelAgent
        default: return nil
        }
    }

    /// Whether the numbers of sessions have 32 bits.
    public var hasShortSessions: Bool { self == .vaccelAgent }
}

/// How many repeated fields of a kind a message may have: a message of a megabyte could have a million empty ones.
enum Most {
    static let arguments = 64
    static let blobs = 64
    static let tensors = 64
    static let dimensions = 16
}
