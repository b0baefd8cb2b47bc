public import GuestModel

/// The embedded hvt tender: the guest is a virtual machine with one CPU and no devices but hypercalls.
public struct Solo5HVT: Monitor {
    /// `hvt`
    public let name = "hvt"
    /// The name in urunc's images is the same.
    public let aliases = [String]()
    /// ABI version 2, HVT_ABI_VERSION.
    public let bootProtocols = [BootProtocol.solo5HVT]
    /// KVM.
    public let hostNeeds = [HostNeed.kvm]
    /// Guest memory is mapped by 2 MiB pages, and four page directories cover 4 GiB. For each 4 KiB the kernel has 8 bytes
    /// of page tables of the process and of the machine, and KVM up to 10 bytes of its own.
    public let memory = MemoryLimits(least: 2, most: 4096, step: 2, overhead: 4, mappedByOne: 128)
    /// Inside the supervisor's child.
    public let form = MonitorForm.embedded(.hvt)

    /// Creates the monitor.
    public init() {}
}
