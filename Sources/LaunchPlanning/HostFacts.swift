internal import HostSystem

/// What the planner has to know of the host.
public struct HostFacts: Equatable, Sendable {
    /// The device of KVM.
    public static let kvmPath = "/dev/kvm"

    /// Why `/dev/kvm` cannot be used; nil when it can.
    public var kvmProblem: String?

    /// Creates facts.
    public init(kvmProblem: String?) { self.kvmProblem = kvmProblem }

    /// Looks at this host. Asks only for what `needs` names.
    static func look(for needs: [String]) -> HostFacts {
        guard needs.contains("kvm") else { return HostFacts(kvmProblem: nil) }
        do throws(HostError) {
            _ = try open(kvmPath, flags: .readWrite)
            return HostFacts(kvmProblem: nil)
        } catch {
            return HostFacts(kvmProblem: "\(error)")
        }
    }
}
