/// What a monitor needs of the host beyond a process of its own.
public enum HostNeed: String, Sendable {
    /// `/dev/kvm`, open for reading and writing.
    case kvm
}

/// How a monitor is run.
public enum MonitorForm: Equatable, Sendable {
    /// Inside the supervisor's own child, by the named tender of this program.
    case embedded(EmbeddedTender)
}

/// The monitors that are part of this program.
public enum EmbeddedTender: String, Sendable {
    /// Solo5's hardware virtualised tender, on KVM.
    case hvt
    /// Solo5's sandboxed process tender, on seccomp.
    case spt
}

/// What a monitor does about the guest's memory. All sizes in MiB.
public struct MemoryLimits: Equatable, Sendable {
    /// The least it can give a guest.
    public let least: UInt64
    /// The most it can give a guest.
    public let most: UInt64
    /// The multiple that it gives.
    public let step: UInt64
    /// What it uses itself beside the guest's memory.
    public let overhead: UInt64

    /// Creates limits; all in MiB.
    public init(least: UInt64, most: UInt64, step: UInt64, overhead: UInt64) {
        self.least = least
        self.most = most
        self.step = step
        self.overhead = overhead
    }
}

/// A monitor: what it can boot and what it needs, told without regard to any framework.
///
/// One file in `Monitors` and one line in its registry make a new one.
public protocol Monitor: Sendable {
    /// The name users see: `spt`.
    var name: String { get }
    /// The other names under which images' metadata knows it.
    var aliases: [String] { get }
    /// The boot protocols it offers.
    var bootProtocols: [BootProtocol] { get }
    /// What it needs of the host.
    var hostNeeds: [HostNeed] { get }
    /// The guest memory it can give.
    var memory: MemoryLimits { get }
    /// How it is run.
    var form: MonitorForm { get }
}
