public import GuestModel
public import HostSystem

/// What executes a guest's instructions, and why.
public struct Acceleration: Equatable, Sendable {
    /// What does.
    public let accelerator: Accelerator
    /// Why it is not the processor; nil when it is.
    public let reason: String?
    /// Whether the processor itself virtualises.
    public let isProcessorVirtualised: Bool

    /// Asks the host.
    ///
    /// - Parameter interprets: Whether the monitor can do without KVM.
    init(interprets: Bool, on host: HostFacts) {
        isProcessorVirtualised = host.isProcessorVirtualised()
        guard interprets else {
            accelerator = .kvm
            reason = nil
            return
        }
        if let problem = host.kvmProblem() {
            accelerator = .tcg
            reason = problem
        } else if !isProcessorVirtualised {
            // Such a hypervisor emulates the guest's kernel, and not all of its instructions.
            accelerator = .tcg
            reason = "the processor has neither VT-x nor AMD-V: KVM here is software"
        } else {
            accelerator = .kvm
            reason = nil
        }
    }
}

/// An external monitor: its program, and how it runs the guest.
public struct MonitorPlan: Equatable, Sendable {
    /// The program's path on the host.
    public let path: String
    /// What it needs and may do.
    public let program: MonitorProgram
    /// What executes the guest.
    public let acceleration: Acceleration
    /// What the guest can drive.
    public let hardware: GuestHardware
    /// How many processors the guest has.
    public let processors: Int

    /// The first descriptor that the monitor is handed: the control socket.
    public static let control: Int32 = 3
}

extension GuestPlan {
    /// The launch of an external monitor whose taps and then disks follow the control socket's descriptor.
    ///
    /// - Parameters:
    ///   - networks: Hardware address and largest packet in bytes of each network device.
    ///   - commandLine: The boot string.
    func launch(
        under monitor: MonitorPlan, networks: [(hardwareAddress: [UInt8], mtu: UInt32)], commandLine: [UInt8]
    ) -> MonitorLaunch {
        var launch = MonitorLaunch(
            bootProtocol: bootProtocol, hardware: monitor.hardware, accelerator: monitor.acceleration.accelerator,
            isProcessorVirtualised: monitor.acceleration.isProcessorVirtualised, memoryMiB: memoryMiB,
            commandLine: String(decoding: commandLine, as: UTF8.self), control: MonitorPlan.control)
        launch.processors = monitor.processors
        launch.hasInitrd = boot.hasInitrd
        var next = MonitorPlan.control + 1
        for network in networks {
            launch.networks.append(
                .init(descriptor: next, hardwareAddress: network.hardwareAddress, mtu: network.mtu))
            next += 1
        }
        for block in blocks {
            let isDevice = block.content == .device || block.content == .rootFilesystem
            launch.disks.append(
                .init(
                    name: block.name, descriptor: next, isReadOnly: block.isReadOnly, isDevice: isDevice,
                    sectorBytes: block.sectorBytes))
            next += 1
        }
        return launch
    }

    /// The arguments of an external monitor, the program's path first.
    ///
    /// - Throws: ``HostSystem/Failure`` that names what the monitor cannot do.
    public func arguments(
        of monitor: MonitorPlan, networks: [(hardwareAddress: [UInt8], mtu: UInt32)], commandLine: [UInt8]
    ) throws(Failure) -> [String] {
        do throws(GuestError) {
            let launch = launch(under: monitor, networks: networks, commandLine: commandLine)
            return [monitor.path] + (try MonitorChoice.named(self.monitor).arguments(for: launch))
        } catch {
            throw Failure("cannot run \(kernel) as a unikernel", cause: error)
        }
    }
}
