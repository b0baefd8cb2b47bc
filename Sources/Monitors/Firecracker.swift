public import GuestModel

/// Firecracker, for guests with virtio-mmio: configured and started over its API, its own filter kept on.
///
/// See docs/getting-started.md and src/firecracker/swagger/firecracker.yaml of Firecracker.
public struct Firecracker: Monitor {
    /// `firecracker`
    public let name = "firecracker"
    /// None.
    public let aliases = [String]()
    /// An ELF file with an entry for PVH, else with a 64-bit one.
    public let bootProtocols = [BootProtocol.pvh, .linux64]
    /// KVM.
    public let hostNeeds = [HostNeed.kvm]
    /// Its code, heap and three threads. Page tables have 8 bytes for each 4 KiB, once for it and once for KVM.
    public let memory = MemoryLimits(least: 2, most: 1 << 20, step: 1, overhead: 8, mappedByOne: 128)
    /// The program.
    public let form = MonitorForm.external(
        MonitorProgram(
            names: ["firecracker"], accelerators: [.kvm], takesDescriptors: false,
            control: .http(socket: Firecracker.socket), calls: FirecrackerCalls.all
        ).with(.hybrid))

    private static let socket = "\(MonitorLaunch.runPath)/api"
    /// CMDLINE_MAX_SIZE of its layout for x86-64, with the NUL.
    private static let longestLine = 2048
    /// What it appends to a boot string, at most: ` pci=off`, and ` virtio_mmio.device=4K@0x...:NN` for each device.
    private static let appended = (always: 8, forDevice: 48)
    private static let mostProcessors = 32

    /// Creates the monitor.
    public init() {}

    /// Where it is asked, and where it writes what goes wrong: on standard output it would be among the guest's.
    public func arguments(for launch: MonitorLaunch) throws(GuestError) -> [String] {
        try check(launch)
        return ["--api-sock", Self.socket, "--level", "Error", "--log-path", MonitorLaunch.logPath]
    }

    /// The machine, piece by piece, and its start.
    public func startRequests(for launch: MonitorLaunch) throws(GuestError) -> [MonitorRequest] {
        try check(launch)
        var boot: [(name: String, value: JSONText)] = [("kernel_image_path", .string(MonitorLaunch.kernelPath))]
        boot.append(("boot_args", .string(launch.commandLine)))
        if launch.hasInitrd { boot.append(("initrd_path", .string(MonitorLaunch.initrdPath))) }
        let machine: [(name: String, value: JSONText)] = [
            ("vcpu_count", .number(UInt64(launch.processors))), ("mem_size_mib", .number(launch.memoryMiB)),
        ]
        let start = JSONText.object([("action_type", .string("InstanceStart"))])
        return [
            MonitorRequest("PUT /machine-config", JSONText.object(machine).text),
            MonitorRequest("PUT /boot-source", JSONText.object(boot).text),
        ] + launch.disks.enumerated().map(Self.disk) + launch.networks.enumerated().map(Self.network)
            + Self.vsock(launch.vsock) + [MonitorRequest("PUT /actions", start.text)]
    }

    /// Control, Alt and Delete, where the guest has a use for it.
    public func stopRequest(for hardware: GuestHardware) -> MonitorRequest? {
        guard hardware.stopRequests.contains(.controlAltDelete) else { return nil }
        return MonitorRequest("PUT /actions", JSONText.object([("action_type", .string("SendCtrlAltDel"))]).text)
    }

    /// A guest that resets or switches off its machine ends it with 0, whatever the guest means by that. Signals that end it
    /// itself are among its own statuses, from 148: FcExitCode in its src/vmm/src/lib.rs.
    public func status(of code: Int32, exitPort: ExitPort?, askedBy signal: Int32?) -> Int32 {
        let signals: [Int32: Int32] = [148: 31, 149: 7, 150: 11, 151: 25, 154: 24, 155: 13, 156: 1, 157: 4]
        if let number = signals[code] { return 128 + number }
        if code == 0, let signal { return 128 + signal }
        return code
    }

    private func check(_ launch: MonitorLaunch) throws(GuestError) {
        try checkMachine(of: launch, has: .mmio, mostProcessors: Self.mostProcessors)
        let devices = launch.devices.count + (launch.vsock == nil ? 0 : 1)
        let most = Self.longestLine - 1 - Self.appended.always - devices * Self.appended.forDevice
        try checkLine(of: launch, most: most, because: " with \(devices) devices")
    }

    private static func disk(_ number: Int, _ disk: MonitorLaunch.Disk) -> MonitorRequest {
        let body: [(name: String, value: JSONText)] = [
            ("drive_id", .string("disk\(number)")), ("path_on_host", .string(disk.path)),
            ("is_root_device", .boolean(false)), ("is_read_only", .boolean(disk.isReadOnly)),
        ]
        return MonitorRequest("PUT /drives/disk\(number)", JSONText.object(body).text)
    }

    /// It listens at the socket itself; what the guest connects to is behind that of the port.
    private static func vsock(_ vsock: MonitorLaunch.Vsock?) -> [MonitorRequest] {
        guard let vsock else { return [] }
        let body: [(name: String, value: JSONText)] = [
            ("guest_cid", .number(UInt64(vsock.guestCID))), ("uds_path", .string(MonitorLaunch.vsockPath)),
        ]
        return [MonitorRequest("PUT /vsock", JSONText.object(body).text)]
    }

    private static func network(_ number: Int, _ network: MonitorLaunch.Network) -> MonitorRequest {
        let body: [(name: String, value: JSONText)] = [
            ("iface_id", .string("net\(number)")), ("host_dev_name", .string(network.tap)),
            ("guest_mac", .string(network.hardwareAddressText)),
        ]
        let request = "PUT /network-interfaces/net\(number)"
        let ethernet: UInt32 = 1500
        guard network.mtu != ethernet else { return MonitorRequest(request, JSONText.object(body).text) }
        // Older ones than of 2025 do not tell the guest.
        let whole = body + [("mtu", .number(UInt64(network.mtu)))]
        return MonitorRequest(request, JSONText.object(whole).text, olderBody: JSONText.object(body).text)
    }
}

/// The system calls of Firecracker, by what they are for. It forbids itself all but a few of them once it has begun.
enum FirecrackerCalls {
    static let all = [
        SystemCalls(
            "start of the program, and of its libraries where it has any",
            [
                "access", "arch_prctl", "brk", "close", "dup", "dup2", "execve", "execveat", "fcntl", "fstat",
                "getrandom", "lseek", "mmap", "mprotect", "mremap", "munmap", "newfstatat", "open", "openat", "poll",
                "pread64", "prlimit64", "read", "readv", "rseq", "set_robust_list", "set_tid_address", "stat", "statx",
            ]),
        SystemCalls(
            "threads: its own, the API's and one for each processor",
            [
                "clone", "clone3", "exit", "exit_group", "futex", "gettid", "madvise", "mincore", "restart_syscall",
                "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sched_getaffinity", "sched_yield", "sigaltstack",
                "tgkill", "tkill", "getpid",
            ]),
        SystemCalls("its filters", ["prctl", "seccomp"]),
        SystemCalls(
            "time and its event loop",
            [
                "clock_gettime", "clock_nanosleep", "epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_wait",
                "eventfd2", "nanosleep", "timerfd_create", "timerfd_settime",
            ]),
        SystemCalls("KVM, taps and the terminal", ["ioctl"]),
        SystemCalls(
            "console, disks and taps",
            [
                "fdatasync", "fsync", "ftruncate", "io_uring_enter", "io_uring_register", "io_uring_setup", "preadv",
                "pwrite64", "pwritev", "write", "writev",
            ]),
        SystemCalls("guest memory", ["memfd_create", "msync"]),
        SystemCalls(
            "the API's socket, and those of vsock",
            [
                "accept4", "bind", "connect", "getsockname", "listen", "recvfrom", "recvmsg", "sendmsg", "sendto",
                "setsockopt", "shutdown", "socket", "unlink",
            ]),
    ]
}
