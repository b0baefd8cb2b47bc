public import GuestModel

/// Solo5's own spt tender, the program `solo5-spt`: for hosts that want it in place of the embedded one.
///
/// See docs/building.md of Solo5, and the usage of tenders/spt.
public struct Solo5SPTProgram: Monitor {
    /// `solo5-spt`
    public let name = "solo5-spt"
    /// Images for `spt` are run by it where the embedded tender is switched off.
    public let aliases = ["spt"]
    /// ABI version 2, SPT_ABI_VERSION.
    public let bootProtocols = [BootProtocol.solo5SPT]
    /// Nothing.
    public let hostNeeds = [HostNeed]()
    /// Page tables have 8 bytes for each 4 KiB; the program and its libraries are two of the four.
    public let memory = MemoryLimits(least: 2, most: 1 << 24, step: 1, overhead: 4, mappedByOne: 512)
    /// The program; the guest's filter is its own and comes on top.
    public let form = MonitorForm.external(
        MonitorProgram(
            names: ["solo5-spt"], accelerators: [.process], takesDescriptors: false, control: .none,
            calls: Solo5Tenders.calls))

    /// Creates the monitor.
    public init() {}

    /// Every device by its name; the boot string as it is.
    public func arguments(for launch: MonitorLaunch) throws(GuestError) -> [String] {
        try Solo5Tenders.arguments(for: launch, name)
    }
}

/// Solo5's own hvt tender, the program `solo5-hvt`: for hosts that want it in place of the embedded one.
///
/// See docs/building.md of Solo5, and the usage of tenders/hvt.
public struct Solo5HVTProgram: Monitor {
    /// `solo5-hvt`
    public let name = "solo5-hvt"
    /// Images for `hvt` are run by it where the embedded tender is switched off.
    public let aliases = ["hvt"]
    /// ABI version 2, HVT_ABI_VERSION.
    public let bootProtocols = [BootProtocol.solo5HVT]
    /// KVM.
    public let hostNeeds = [HostNeed.kvm]
    /// Below 4 MiB it refuses to start. The kernel has the same tables as for the embedded tender.
    public let memory = MemoryLimits(least: 4, most: 4096, step: 2, overhead: 4, mappedByOne: 128)
    /// The program.
    public let form = MonitorForm.external(
        MonitorProgram(
            names: ["solo5-hvt"], accelerators: [.kvm], takesDescriptors: false, control: .none,
            calls: Solo5Tenders.calls))

    /// Creates the monitor.
    public init() {}

    /// Every device by its name; the boot string as it is.
    public func arguments(for launch: MonitorLaunch) throws(GuestError) -> [String] {
        try Solo5Tenders.arguments(for: launch, name)
    }
}

/// What Solo5's tenders have in common.
enum Solo5Tenders {
    /// The tenders open disks for reading and writing, and taps by their names: `@` and a descriptor fails in them.
    static func arguments(for launch: MonitorLaunch, _ name: String) throws(GuestError) -> [String] {
        var arguments = ["--mem=\(launch.memoryMiB)"]
        for network in launch.networks {
            arguments.append("--net:\(network.name)=\(network.tap)")
            arguments.append("--net-mac:\(network.name)=\(network.hardwareAddressText)")
        }
        for disk in launch.disks {
            guard !disk.isReadOnly else {
                throw GuestError("monitor \(name) writes to block devices, and '\(disk.name)' can only be read")
            }
            arguments.append("--block:\(disk.name)=\(disk.path)")
            if disk.sectorBytes != 512 { arguments.append("--block-sector-size:\(disk.name)=\(disk.sectorBytes)") }
        }
        arguments += ["--", MonitorLaunch.kernelPath]
        // They put their words together again with a space between any two.
        return launch.commandLine.isEmpty ? arguments : arguments + [launch.commandLine]
    }

    /// The system calls of both and of the libraries they are linked to.
    static let calls = [
        SystemCalls(
            "start of the program and of its libraries",
            [
                "access", "arch_prctl", "brk", "close", "execve", "execveat", "exit", "exit_group", "fstat",
                "getrandom",
                "lseek", "mmap", "mprotect", "munmap", "newfstatat", "openat", "personality", "pread64", "prlimit64",
                "read", "rseq", "set_robust_list", "set_tid_address",
            ]),
        SystemCalls("filters of their own on top", ["prctl", "seccomp"]),
        SystemCalls("KVM, and signals while it runs the guest", ["ioctl", "rt_sigaction", "rt_sigreturn"]),
        SystemCalls("guest memory", ["madvise", "memfd_create", "ftruncate", "mremap"]),
        SystemCalls(
            "taps: their names, addresses and sizes",
            ["bind", "fcntl", "getsockname", "recvmsg", "sendto", "socket"]),
        SystemCalls("disks and console", ["pwrite64", "write", "writev"]),
        SystemCalls(
            "time and the wait for packets",
            [
                "clock_gettime", "epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_wait", "timerfd_create",
                "timerfd_settime", "nanosleep", "clock_nanosleep",
            ]),
        SystemCalls("abnormal end", ["getpid", "gettid", "kill", "rt_sigprocmask", "tgkill"]),
    ]
}
