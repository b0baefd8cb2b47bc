internal import GuestModel
internal import HostSystem
internal import LaunchPlanning
internal import Supervision

/// What a guest's virtio socket device is made of: opened at `create`, started or handed over by process 1.
struct GuestVsock {
    private enum Backend {
        case monitor
        case builtin(SeccompProgram)
        case daemon(path: String, program: Int32, SeccompProgram)
        case kernel(Int32)
    }

    /// The plan, with the guest's context id.
    let plan: VsockPlan
    private let backend: Backend

    /// Opens what the plan names.
    ///
    /// - Throws: An error that names what cannot be opened, or that the kernel has no context id left.
    init(_ planned: VsockPlan, _ held: DescriptorSet, _ cache: FilterCache?) throws {
        switch planned.device {
        case .monitor: (plan, backend) = (planned, .monitor)
        case .builtin: (plan, backend) = (planned, .builtin(try VsockProcess.filter(cache)))
        case .daemon(let path):
            let program = held.hold(try open(path, flags: .readOnly))
            (plan, backend) = (planned, .daemon(path: path, program: program, try VsockDaemon.filter(cache)))
        case .kernel:
            let device = held.hold(try open(GuestContextID.device, flags: .readWrite))
            plan = planned.known(as: try GuestContextID.claim(for: device))
            backend = .kernel(device)
        }
    }

    /// The context id that the kernel's sockets know the guest by; 0 where they do not know it.
    var kernelCID: UInt32 { plan.device == .kernel ? plan.guestCID ?? 0 : 0 }

    /// What process 1 needs open.
    var descriptors: [Int32] {
        switch backend {
        case .monitor, .builtin: []
        case .daemon(_, let program, _): [program]
        case .kernel(let device): [device]
        }
    }

    /// The program beside the monitor, whose libraries its root has to have.
    var program: String? {
        guard case .daemon(let path, _, _) = backend else { return nil }
        return path
    }

    /// Starts the device, and gives the monitor its end of it.
    func attach(to process: inout MonitorProcess) throws {
        switch backend {
        case .monitor: break
        case .builtin(let filter):
            let device = VsockProcess(
                guestCID: plan.guestCID ?? 0, path: MonitorLaunch.vsockPath, filter: filter)
            process.attach(try device.begin())
        case .daemon(let path, let program, let filter):
            let device = VsockDaemon(
                path: path, program: program, guestCID: plan.guestCID ?? 0, sockets: MonitorLaunch.vsockPath,
                filter: filter)
            process.attach(try device.begin())
        case .kernel(let device): process.attach(device)
        }
    }
}
