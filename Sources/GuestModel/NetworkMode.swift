/// How a guest's network devices meet the interfaces of its network namespace.
public enum NetworkMode: String, Sendable, CaseIterable {
    /// Packets of an interface are redirected to the guest and back, by filters of traffic control.
    case redirect
    /// An interface and the guest's tap are the ports of a bridge.
    case bridge
    /// The guest's device is a macvtap on an interface.
    case macvtap
    /// No interface is touched: each device leads to the namespace's own processes, and no further.
    case minimal
}
