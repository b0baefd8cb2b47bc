public import GuestModel

/// The embedded hvt tender: the guest is a virtual machine with one CPU and no devices but hypercalls.
public struct Solo5HVT: Monitor {
    /// `hvt`
    public let name = "hvt"
    /// The name urunc's images use is the same; this is the program's.
    public let aliases = ["solo5-hvt"]
    /// ABI version 2, HVT_ABI_VERSION.
    public let bootProtocols = [BootProtocol(name: "solo5-hvt", version: 2)]
    /// KVM.
    public let hostNeeds = [HostNeed.kvm]
    /// Guest memory is mapped by 2 MiB pages, and four page directories cover 4 GiB.
    public let memory = MemoryLimits(least: 2, most: 4096, step: 2, overhead: 4)
    /// Inside the supervisor's child.
    public let form = MonitorForm.embedded(.hvt)

    /// Creates the monitor.
    public init() {}
}
