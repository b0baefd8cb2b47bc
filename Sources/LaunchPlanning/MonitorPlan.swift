public import GuestModel
internal import HostConfiguration
public import HostSystem

/// What executes a guest's instructions, and why.
public struct Acceleration: Equatable, Sendable {
    /// What does.
    public let accelerator: Accelerator
    /// Why it is not the processor; nil when it is.
    public let reason: String?
    /// Whether the processor itself virtualises.
    public let isProcessorVirtualised: Bool

    /// Asks the operator, then the host.
    ///
    /// - Parameter offered: What the monitor can do.
    /// - Throws: ``GuestModel/GuestError``, a half sentence about the monitor, when that does not go together.
    init(
        _ wish: OperatorConfiguration.Accelerator, offered: [Accelerator], on host: HostFacts
    ) throws(GuestError) {
        isProcessorVirtualised = host.isProcessorVirtualised()
        let interprets = offered.contains(.tcg)
        guard offered.contains(.kvm) else {
            accelerator = .process
            reason = nil
            return
        }
        switch wish {
        case .tcg where interprets: reason = "the configuration says so"
        case .tcg: throw GuestError("cannot run guests without KVM, as the configuration wants it to")
        case .kvm:
            if let problem = host.kvmProblem() { throw GuestError("is to use KVM: \(problem)") }
            reason = nil
        case .auto where !interprets: reason = nil
        case .auto:
            // Such a hypervisor emulates the guest's kernel, and not all of its instructions.
            reason =
                host.kvmProblem()
                ?? (isProcessorVirtualised ? nil : "the processor has neither VT-x nor AMD-V: KVM here is software")
        }
        accelerator = reason == nil ? .kvm : .tcg
    }
}

/// An initial RAM disk.
public struct InitrdPlan: Equatable, Sendable {
    /// Where it is: on the host, or in the root filesystem.
    public let path: String
    /// Whether `path` is a path of the host's.
    public let isOnHost: Bool
}

/// An external monitor: its program, and how it runs the guest.
public struct MonitorPlan: Equatable, Sendable {
    /// The program's path on the host.
    public let path: String
    /// What it needs and may do.
    public let program: MonitorProgram
    /// What executes the guest.
    public let acceleration: Acceleration
    /// What the guest can drive; nil for one that calls the monitor.
    public let hardware: GuestHardware?
    /// How many processors the guest has.
    public let processors: Int
    /// Further arguments of the program, which the operator has allowed.
    public let parameters: [String]
    /// How long a guest that can be asked to stop has for it, in seconds; 0 does not ask.
    public let graceSeconds: Int
    /// The initial RAM disk, where there is one.
    public let initrd: InitrdPlan?

    /// The first descriptor that the monitor is handed: the control socket.
    public static let control: Int32 = 3
}

extension GuestPlan {
    /// The launch of an external monitor: the descriptors of taps and then disks follow the control socket's.
    ///
    /// - Parameters:
    ///   - networks: The network devices, whose descriptors are numbered here.
    ///   - commandLine: The boot string.
    func launch(
        under monitor: MonitorPlan, networks: [MonitorLaunch.Network], commandLine: [UInt8]
    ) -> MonitorLaunch {
        var launch = MonitorLaunch(
            bootProtocol: bootProtocol, hardware: monitor.hardware ?? GuestHardware(transports: []),
            accelerator: monitor.acceleration.accelerator,
            isProcessorVirtualised: monitor.acceleration.isProcessorVirtualised, memoryMiB: memoryMiB,
            commandLine: String(decoding: commandLine, as: UTF8.self), control: MonitorPlan.control)
        launch.processors = monitor.processors
        launch.hasInitrd = monitor.initrd != nil
        let first = MonitorPlan.control + 1
        let taps = zip(first..., networks).map { descriptor, network in
            var network = network
            network.descriptor = descriptor
            return network
        }
        let disks = zip((first + Int32(networks.count))..., blocks).enumerated().map { number, pair in
            let (descriptor, block) = pair
            let isDevice = block.content == .device || block.content == .rootFilesystem
            return MonitorLaunch.Disk(
                name: block.name, descriptor: descriptor, path: block.path(ofDisk: number),
                isReadOnly: block.isReadOnly, isDevice: isDevice, sectorBytes: block.sectorBytes)
        }
        launch.devices = ordered(taps, disks)
        // As the supervisor hands them over: files come behind, and what belongs to a virtual machine comes last.
        let companion = first + Int32(networks.count + blocks.count)
        launch.vsock = vsock.map {
            MonitorLaunch.Vsock(guestCID: $0.guestCID ?? 0, descriptor: companion, isKernels: $0.device == .kernel)
        }
        let share = companion + (vsock == nil ? 0 : 1)
        if let sharedRoot {
            launch.share = sharedRoot.server == nil ? .directory : .server(share)
        }
        guard machine != nil else { return launch }
        launch.share = .server(share)
        launch.ports = zip((share + 1)..., MachinePlan.ports).map { .init(name: $1, descriptor: $0) }
        return launch
    }

    /// The devices in the order in which the guest declares them; where it declares none, its disks come first.
    ///
    /// A Solo5 guest for virtio takes the devices of its bus for those of its manifest one by one.
    private func ordered(
        _ networks: [MonitorLaunch.Network], _ disks: [MonitorLaunch.Disk]
    ) -> [MonitorLaunch.Device] {
        var networks = networks[...]
        var disks = disks[...]
        let declared = devices.compactMap { device in
            switch device.kind {
            case .network: networks.popFirst().map(MonitorLaunch.Device.network)
            case .block: disks.popFirst().map(MonitorLaunch.Device.disk)
            }
        }
        return declared + disks.map(MonitorLaunch.Device.disk) + networks.map(MonitorLaunch.Device.network)
    }

    /// The arguments of an external monitor, the program's path first.
    ///
    /// - Throws: ``HostSystem/Failure`` that names what the monitor cannot do.
    public func arguments(
        of monitor: MonitorPlan, networks: [MonitorLaunch.Network], commandLine: [UInt8]
    ) throws(Failure) -> [String] {
        do throws(GuestError) {
            let launch = launch(under: monitor, networks: networks, commandLine: commandLine)
            return [monitor.path] + (try MonitorChoice.named(self.monitor).arguments(for: launch)) + monitor.parameters
        } catch {
            throw Failure("cannot run \(kernel) as a unikernel", cause: error)
        }
    }

    /// What an external monitor is asked for so that the guest begins.
    ///
    /// - Throws: ``HostSystem/Failure`` that names what the monitor cannot do.
    public func startRequests(
        of monitor: MonitorPlan, networks: [MonitorLaunch.Network], commandLine: [UInt8]
    ) throws(Failure) -> [MonitorRequest] {
        do throws(GuestError) {
            let launch = launch(under: monitor, networks: networks, commandLine: commandLine)
            return try MonitorChoice.named(self.monitor).startRequests(for: launch)
        } catch {
            throw Failure("cannot run \(kernel) as a unikernel", cause: error)
        }
    }

    /// What it is asked for so that the guest shuts down; nil when it cannot be asked, or the operator gives it no time.
    public var stopRequest: MonitorRequest? {
        guard let program, program.graceSeconds > 0, let hardware = program.hardware else { return nil }
        return (try? MonitorChoice.named(monitor))?.stopRequest(for: hardware)
    }

    /// Whether an external monitor can do what the guest needs of it, as far as that is known before the network is.
    func checkMonitor() throws(Failure) {
        guard let program else { return }
        if !program.program.takesDescriptors, network.mode == .macvtap {
            throw Failure(
                "monitor \(monitor) opens taps by their names, which none of network mode \"macvtap\" has: choose another "
                    + "one")
        }
        _ = try arguments(of: program, networks: [], commandLine: commandLine)
    }

    /// The container's status when its monitor, a program, ends by itself with `code`.
    ///
    /// - Parameter signal: The signal upon which the guest was asked to end; nil when it was not.
    public func status(of code: Int32, askedBy signal: Int32?) -> Int32 {
        guard let monitor = try? MonitorChoice.named(monitor) else { return code }
        return monitor.status(of: code, exitPort: program?.hardware?.exitPort, askedBy: signal)
    }
}
