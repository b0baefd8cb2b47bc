public import GuestModel

/// Cloud Hypervisor, for guests with virtio-pci: configured and started over its API, its own filter kept on.
///
/// See docs/api.md, docs/device_model.md and vmm/src/api/openapi/cloud-hypervisor.yaml of Cloud Hypervisor.
public struct CloudHypervisor: Monitor {
    /// `cloud-hypervisor`
    public let name = "cloud-hypervisor"
    /// None.
    public let aliases = [String]()
    /// An ELF file with an entry for PVH, else a bzImage; by no other does a kernel begin since version 17.
    public let bootProtocols = [BootProtocol.pvh, .bzImage]
    /// KVM.
    public let hostNeeds = [HostNeed.kvm]
    /// Its code, heap and some ten threads. Page tables have 8 bytes for each 4 KiB, once for it and once for KVM.
    public let memory = MemoryLimits(least: 2, most: 1 << 20, step: 1, overhead: 16, mappedByOne: 128)
    /// The program.
    public let form = MonitorForm.external(
        MonitorProgram(
            names: ["cloud-hypervisor"], accelerators: [.kvm], takesDescriptors: false,
            control: .http(socket: CloudHypervisor.socket), calls: CloudHypervisorCalls.all
        ).with(.hybrid).readingRandomDevice.reportingEnds)

    private static let socket = "\(MonitorLaunch.runPath)/api"
    private static let api = "PUT /api/v1/"
    /// CMDLINE_MAX_SIZE of its layout for x86-64, less the NUL.
    private static let longestLine = 65535
    /// Before version 51 it has 8 bits for them, and the last identifier is that of everybody.
    private static let mostProcessors = 254

    /// Creates the monitor.
    public init() {}

    /// Where it is asked, and where it tells what happens to the machine.
    public func arguments(for launch: MonitorLaunch) throws(GuestError) -> [String] {
        try check(launch)
        return [
            "--api-socket", "path=\(Self.socket)", "--event-monitor", "path=\(MonitorLaunch.eventsPath)",
            "--seccomp", "true",
        ]
    }

    /// The machine, all of it at once, and its start.
    public func startRequests(for launch: MonitorLaunch) throws(GuestError) -> [MonitorRequest] {
        try check(launch)
        return [
            MonitorRequest("\(Self.api)vm.create", JSONText.object(Self.machine(launch)).text),
            MonitorRequest("\(Self.api)vm.boot"),
        ]
    }

    /// The power button, where the guest has a use for it.
    public func stopRequest(for hardware: GuestHardware) -> MonitorRequest? {
        hardware.stopRequests.contains(.powerButton) ? MonitorRequest("\(Self.api)vm.power-button") : nil
    }

    /// A guest that switches off its machine ends it with 0; what goes wrong ends it with 1.
    public func status(of code: Int32, exitPort: ExitPort?, askedBy signal: Int32?) -> Int32 {
        if code == 0, let signal { return 128 + signal }
        return code
    }

    private func check(_ launch: MonitorLaunch) throws(GuestError) {
        try checkMachine(of: launch, has: .pci, mostProcessors: Self.mostProcessors)
        try checkLine(of: launch, most: Self.longestLine)
    }

    /// The fields of its VmConfig.
    private static func machine(_ launch: MonitorLaunch) -> [(name: String, value: JSONText)] {
        var payload: [(name: String, value: JSONText)] = [
            ("kernel", .string(MonitorLaunch.kernelPath)), ("cmdline", .string(launch.commandLine)),
        ]
        if launch.hasInitrd { payload.append(("initramfs", .string(MonitorLaunch.initrdPath))) }
        let processors = JSONText.number(UInt64(launch.processors))
        var machine: [(name: String, value: JSONText)] = [
            ("cpus", .object([("boot_vcpus", processors), ("max_vcpus", processors)])),
            ("memory", .object([("size", .number(launch.memoryMiB << 20))])),
            ("payload", .object(payload)),
            // Its own console, in place of the serial line, is one that few guests have a driver for.
            ("serial", .object([("mode", .string("Tty"))])), ("console", .object([("mode", .string("Off"))])),
        ]
        let disks = launch.disks.map(disk)
        let networks = launch.networks.map(network)
        if !disks.isEmpty { machine.append(("disks", .array(disks))) }
        if !networks.isEmpty { machine.append(("net", .array(networks))) }
        if let vsock = launch.vsock {
            let cid = JSONText.number(UInt64(vsock.guestCID))
            machine.append(("vsock", .object([("cid", cid), ("socket", .string(MonitorLaunch.vsockPath))])))
        }
        if let port = launch.hardware.exitPort {
            // A device that writes to a file what is written to the port.
            let file = JSONText.string(MonitorLaunch.exitPath)
            machine.append(
                (
                    "debug_console",
                    .object([("mode", .string("File")), ("file", file), ("iobase", .number(UInt64(port.port)))])
                ))
        }
        return machine
    }

    /// That a disk is raw is said, or a guest could turn it into one that names other files by what it writes there.
    private static func disk(_ disk: MonitorLaunch.Disk) -> JSONText {
        .object([
            ("path", .string(disk.path)), ("readonly", .boolean(disk.isReadOnly)),
            ("serial", .string(String(disk.name.prefix(20)))), ("image_type", .string("Raw")),
        ])
    }

    /// The size of packets is the tap's.
    private static func network(_ network: MonitorLaunch.Network) -> JSONText {
        .object([("tap", .string(network.tap)), ("mac", .string(network.hardwareAddressText))])
    }
}

/// The system calls of Cloud Hypervisor, by what they are for. Its threads forbid themselves all but a few of them.
enum CloudHypervisorCalls {
    static let all = [
        SystemCalls(
            "start of the program, and of its libraries where it has any",
            [
                "access", "arch_prctl", "brk", "close", "close_range", "dup", "dup2", "dup3", "execve", "execveat",
                "faccessat", "fcntl", "fstat", "getcwd", "getpid", "getrandom", "getuid", "lseek", "mmap", "mprotect",
                "mremap", "munmap", "newfstatat", "open", "openat", "poll", "pread64", "prlimit64", "read", "readlink",
                "readv", "rseq", "set_robust_list", "set_tid_address", "stat", "statfs", "statx", "sysinfo", "umask",
            ]),
        SystemCalls(
            "threads: its own, the API's, one for each processor and for each device",
            [
                "clone", "clone3", "exit", "exit_group", "futex", "gettid", "madvise", "restart_syscall",
                "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sched_getaffinity", "sched_setaffinity",
                "sched_yield", "sigaltstack", "tgkill", "tkill",
            ]),
        SystemCalls("its filters", ["prctl", "seccomp"]),
        SystemCalls(
            "time and its event loops",
            [
                "clock_gettime", "clock_nanosleep", "epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_wait",
                "eventfd2", "gettimeofday", "nanosleep", "pipe2", "ppoll", "timerfd_create", "timerfd_settime",
            ]),
        SystemCalls("KVM, taps and the terminal", ["ioctl"]),
        SystemCalls(
            "console, disks and taps",
            [
                "fallocate", "fdatasync", "fsync", "ftruncate", "io_cancel", "io_destroy", "io_getevents", "io_setup",
                "io_submit", "io_uring_enter", "io_uring_register", "io_uring_setup", "preadv", "pwrite64", "pwritev",
                "pwritev2", "write", "writev",
            ]),
        SystemCalls("guest memory", ["mbind", "memfd_create", "msync"]),
        SystemCalls(
            "the API's socket, those of vsock, and one to ask for a tap's state",
            [
                "accept4", "bind", "connect", "getsockname", "listen", "recvfrom", "recvmsg", "sendmsg", "sendto",
                "setsockopt", "shutdown", "socket", "socketpair", "unlink", "unlinkat",
            ]),
    ]
}
