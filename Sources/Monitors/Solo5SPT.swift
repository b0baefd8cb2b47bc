public import GuestModel

/// The embedded spt tender: the guest is a process of its own, confined by seccomp. Needs nothing of the host.
public struct Solo5SPT: Monitor {
    /// `spt`
    public let name = "spt"
    /// The name in urunc's images is the same.
    public let aliases = [String]()
    /// ABI version 2, SPT_ABI_VERSION.
    public let bootProtocols = [BootProtocol.solo5SPT]
    /// Nothing.
    public let hostNeeds = [HostNeed]()
    /// The guest's addresses begin at 0 and end where this program is mapped. Page tables have 8 bytes for each 4 KiB.
    public let memory = MemoryLimits(least: 2, most: 1 << 24, step: 1, overhead: 4, mappedByOne: 512)
    /// Inside the supervisor's child.
    public let form = MonitorForm.embedded(.spt)

    /// Creates the monitor.
    public init() {}
}
