internal import GuestModel
public import HostConfiguration
internal import Monitors

/// A monitor that swiftlet can run guests by, and whether this host has it.
public struct MonitorSurvey: Sendable {
    /// Its name.
    public let name: String
    /// Whether it is part of this program.
    public let isEmbedded: Bool
    /// The path of its program, where it is one and was found.
    public let path: String?
    /// Why it cannot be used; nil when it can.
    public let problem: String?

    /// All monitors, in the order of preference.
    public static func all(
        _ configuration: OperatorConfiguration, on host: HostFacts = HostFacts()
    ) -> [MonitorSurvey] {
        monitors.map { MonitorSurvey($0, configuration, host) }
    }

    /// The names of all monitors.
    public static var names: [String] { monitors.map(\.name) }

    private init(_ monitor: any Monitor, _ configuration: OperatorConfiguration, _ host: HostFacts) {
        name = monitor.name
        let settings = configuration.settings(of: monitor.name)
        var problem: String?
        if case .external(let program) = monitor.form {
            isEmbedded = false
            path = settings.path ?? host.findProgram(program.names)
            if path == nil { problem = "not installed: no \(program.names.joined(separator: " or ")) in $PATH" }
        } else {
            isEmbedded = true
            path = nil
        }
        if monitor.hostNeeds.contains(.kvm), let reason = host.kvmProblem() { problem = "needs KVM: \(reason)" }
        if !settings.isEnabled { problem = "switched off in \(configuration.file)" }
        self.problem = problem
    }
}

extension HostFacts {
    /// Why `/dev/kvm` cannot be used; nil when it can.
    public var problemOfKVM: String? { kvmProblem() }
    /// Whether the processor itself has VT-x or AMD-V; without them KVM, where there is one, is software.
    public var hasVirtualisation: Bool { isProcessorVirtualised() }
    /// The path of a program of the host; nil when it is in no directory of $PATH.
    public func path(ofProgram name: String) -> String? { findProgram([name]) }
}
