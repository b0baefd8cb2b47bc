internal import HostSystem

/// What the operator says of vAccel: the agents of guests, and what they compute with.
///
/// See Specs/configuration.md.
public struct VAccelSettings: Equatable, Sendable {
    /// How a guest reaches its agent.
    public enum Access: String, CaseIterable, Sendable {
        /// Not at all.
        case off
        /// In the best way that the guest has.
        case auto
        /// By TCP.
        case tcp
        /// By virtio-vsock.
        case vsock
    }

    /// Whether containers may ask for an agent.
    public var isEnabled = true
    /// What holds for guests of which nothing is said.
    public var access = Access.off
    /// The agent's program, an absolute path on the host; nil to look for it in the usual places.
    public var agent: String?
    /// The back-ends, best first; the agent's own choice when there are none.
    public var backends: [String] = []
    /// The directory of the operator's models, an absolute path on the host.
    public var models: String?
    /// Directories with libraries and other files that the agent reads beside those where hosts have libraries.
    public var directories: [String] = []
    /// Further options of the agent.
    public var options: [String] = []
    /// The container's memory in MiB that is left to the agent where a limit is set.
    public var memoryMiB: UInt64 = 64
    /// The agents elsewhere that guests may be told of, `tcp://10.0.0.5:65500`.
    public var external: [String] = []

    /// What holds when nothing is said.
    public init() {}
}

extension OperatorConfiguration {
    mutating func decodeVAccel(_ table: SettingsTable) throws(Failure) {
        let keys = [
            "enabled", "default", "agent", "backends", "models", "directories", "options", "memory-mib", "external",
        ]
        try decode(table, keys) { setting, configuration throws(Failure) in
            switch setting.key {
            case "enabled":
                guard case .boolean(let isEnabled) = setting.value else {
                    throw configuration.fault(setting, "true or false")
                }
                configuration.vaccel.isEnabled = isEnabled
            case "default":
                guard case .text(let word) = setting.value, let access = VAccelSettings.Access(rawValue: word) else {
                    let words = VAccelSettings.Access.allCases.map { "\"\($0.rawValue)\"" }
                    throw configuration.fault(setting, "one of \(words.joined(separator: ", "))")
                }
                configuration.vaccel.access = access
            case "agent": configuration.vaccel.agent = try configuration.absolutePath(setting)
            case "models": configuration.vaccel.models = try configuration.absolutePath(setting)
            case "memory-mib": configuration.vaccel.memoryMiB = UInt64(try configuration.number(setting, 1...(1 << 24)))
            default: try configuration.decodeVAccelTexts(setting)
            }
        }
    }

    private mutating func decodeVAccelTexts(_ setting: Setting) throws(Failure) {
        guard case .texts(let texts) = setting.value else { throw fault(setting, "an array of strings") }
        switch setting.key {
        case "backends": vaccel.backends = texts
        case "options": vaccel.options = texts
        case "external": vaccel.external = texts
        default:
            guard texts.allSatisfy({ Self.isAbsolutePath($0) }) else {
                throw fault(setting, "an array of absolute paths")
            }
            vaccel.directories = texts
        }
    }

    func absolutePath(_ setting: Setting) throws(Failure) -> String {
        guard case .text(let path) = setting.value, Self.isAbsolutePath(path) else {
            throw fault(setting, "an absolute path")
        }
        return path
    }

    private static func isAbsolutePath(_ path: String) -> Bool { path.hasPrefix("/") && !path.utf8.contains(0) }
}
