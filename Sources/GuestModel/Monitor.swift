/// What a monitor needs of the host beyond a process of its own.
public enum HostNeed: String, Sendable {
    /// `/dev/kvm`, open for reading and writing.
    case kvm
}

/// How a monitor is run.
public enum MonitorForm: Equatable, Sendable {
    /// Inside the supervisor's own child, by the named tender of this program.
    case embedded(EmbeddedTender)
    /// By a program of the host's.
    case external(MonitorProgram)
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
    /// What it uses itself beside the guest's memory, at least.
    public let overhead: UInt64
    /// How much guest memory one MiB of page tables is enough for, and of what else grows with the guest.
    public let mappedByOne: UInt64

    /// What it uses itself beside page tables, when these are so large that ``overhead`` does not hold them.
    private static let beside: UInt64 = 2

    /// Creates limits; all in MiB.
    public init(least: UInt64, most: UInt64, step: UInt64, overhead: UInt64, mappedByOne: UInt64) {
        self.least = least
        self.most = most
        self.step = step
        self.overhead = overhead
        self.mappedByOne = mappedByOne
    }

    /// The guest's share of what its container may use; nil when that is too little.
    ///
    /// The kernel counts the page tables of a guest that touches all of its memory as its container's.
    public func share(of available: UInt64) -> UInt64? {
        guard available >= overhead + least, available > Self.beside else { return nil }
        let tables = (available - Self.beside) / (mappedByOne + 1) + 1
        return min(available - overhead, available - Self.beside - tables, most)
    }

    /// The least that a container may use whose guest has `size`: the smallest number with this ``share(of:)``.
    public func need(of size: UInt64) -> UInt64 {
        // The tables of what is given to a guest grow by one for each `mappedByOne`, beginning with the first.
        max(size + overhead, Self.beside + size + 1 + size / mappedByOne)
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
    /// The ways in which it can give a guest a tree of files; one that can by virtio-fs has ports of a virtio console too.
    var fileSharing: [FileSharing] { get }

    /// The arguments of an external monitor for `launch`, without the program's name.
    ///
    /// - Throws: ``GuestError`` that names what the monitor cannot do.
    func arguments(for launch: MonitorLaunch) throws(GuestError) -> [String]

    /// What an external monitor that is controlled is asked for so that the guest begins, in this order.
    ///
    /// - Throws: ``GuestError`` that names what the monitor cannot do.
    func startRequests(for launch: MonitorLaunch) throws(GuestError) -> [MonitorRequest]

    /// What it is asked for so that the guest shuts down in order; nil when the guest cannot be asked by it.
    func stopRequest(for hardware: GuestHardware) -> MonitorRequest?

    /// The container's status when an external monitor ends by itself with `code`.
    ///
    /// - Parameters:
    ///   - exitPort: The port by which the guest says how it ended.
    ///   - signal: The signal upon which the guest was asked to end; nil when it was not.
    func status(of code: Int32, exitPort: ExitPort?, askedBy signal: Int32?) -> Int32
}

extension Monitor {
    /// Most share no files.
    public var fileSharing: [FileSharing] { [] }

    /// An embedded monitor has no arguments.
    public func arguments(for launch: MonitorLaunch) throws(GuestError) -> [String] { [] }

    /// One that is not controlled starts its guest at once.
    public func startRequests(for launch: MonitorLaunch) throws(GuestError) -> [MonitorRequest] { [] }

    /// One that is not controlled cannot be asked.
    public func stopRequest(for hardware: GuestHardware) -> MonitorRequest? { nil }

    /// The code is the guest's own.
    public func status(of code: Int32, exitPort: ExitPort?, askedBy signal: Int32?) -> Int32 { code }
}
