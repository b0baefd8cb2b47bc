internal import GuestModel
internal import HostSystem
internal import LaunchPlanning
internal import OCIBundle
internal import OCISpec
internal import Sandboxing
internal import Storage
internal import Supervision

/// Everything that a guest is started with: opened and compiled at `create`, used by process 1 once `start` has come.
///
/// A class, because the copying of its many values would be much code.
final class GuestStart {
    private let plan: GuestPlan
    /// The guest's image.
    private let image: Int32
    private let blocks: [OpenBlock]
    /// The open /dev/kvm, for an embedded monitor that needs it.
    private let kvm: Int32?
    private let monitor: Monitor?
    /// The guest's own vAccel agent, and its open program.
    private let agent: (plan: AcceleratorPlan.Agent, program: Int32)?
    /// The root of a monitor or agent that is a program.
    private let root: MonitorRoot?
    private let machine: MachineStart?
    /// The server of the files that the guest shares with the host.
    private let fileServer: FileServerStart?
    /// Its virtio socket device.
    private let vsock: GuestVsock?

    /// An external monitor.
    private struct Monitor {
        let plan: MonitorPlan
        let program: Int32
        let filter: SeccompProgram
    }

    /// Opens what the plan names; nil for a container without a guest.
    ///
    /// - Throws: An error that names what cannot be opened.
    init?(_ launch: PlannedLaunch, _ bundle: borrowing Bundle, _ held: DescriptorSet, cache: FilterCache?) throws {
        guard let plan = launch.plan.guest, let image = launch.image else { return nil }
        vsock = try plan.vsock.map { try GuestVsock($0, held, cache) }
        self.plan = plan.with(vsock?.plan)
        self.image = image.raw
        blocks = try openBlocks(
            launch.blocks, root: bundle.root.descriptor.raw, held: held,
            volumeName: plan.program?.program.takesDescriptors == false ? MonitorLaunch.volumeName : nil)
        let needsKVM = plan.hostNeeds.contains(.kvm) && plan.program == nil
        kvm = try needsKVM ? held.hold(HostSystem.open(HostFacts.kvmPath, flags: .readWrite)) : nil
        let own = plan.accelerator?.agent
        agent = try own.map { ($0, try held.hold(HostSystem.open($0.program, flags: .readOnly))) }
        machine = try plan.machine.map { try MachineStart($0, bundle) }
        fileServer = try (plan.machine?.fileServer ?? plan.sharedRoot?.server).map { try FileServerStart($0, held) }
        let user = bundle.spec.process?.user ?? User()
        root = try Self.root(plan, launch, machine, user, blocks, besides: [vsock?.program].compactMap { $0 })
        monitor = try plan.program.map { external in
            Monitor(
                plan: external, program: held.hold(try HostSystem.open(external.path, flags: .readOnly)),
                filter: try Self.filter(external.program, cache))
        }
    }

    private static func root(
        _ plan: GuestPlan, _ launch: PlannedLaunch, _ machine: MachineStart?, _ user: User, _ blocks: [OpenBlock],
        besides others: [String]
    ) throws -> MonitorRoot? {
        let agent = plan.accelerator?.agent
        let programs = [plan.program?.path, agent?.program].compactMap { $0 } + others
        guard !programs.isEmpty else { return nil }
        var files: [MonitorRoot.File] = []
        if plan.program != nil {
            if plan.bootProtocol != .disk, let image = launch.image {
                files.append(MonitorRoot.File(image, at: MonitorLaunch.kernelPath))
            }
            if let initrd = launch.initrd ?? machine?.initrd {
                files.append(MonitorRoot.File(initrd, at: MonitorLaunch.initrdPath))
            }
        }
        var root = MonitorRoot(
            programs: programs,
            directories: (plan.program?.program.dataDirectories ?? []) + (agent?.directories ?? []), files: files,
            devices: plan.program?.acceleration.accelerator == .kvm ? [.kvm] : [], owner: (user.uid, user.gid))
        if agent != nil {
            // Libraries choose by them how they compute, and complain without them.
            root.hostFiles = ["/proc/cpuinfo"]
            root.directories.append("/sys/devices/system/cpu")
        }
        if case .http = plan.program?.program.control { root.runDirectory = MonitorLaunch.runPath }
        if plan.program?.program.readsRandomDevice == true { root.devices.append(.random) }
        if plan.program?.program.takesDescriptors == false {
            try root.show(zip(plan.blocks, blocks), taps: !plan.wiring.isEmpty)
        }
        return root
    }

    /// The calls that the monitor declares; others are as if this kernel did not have them.
    private static func filter(_ program: MonitorProgram, _ cache: FilterCache?) throws(HostError) -> SeccompProgram {
        let names = program.calls.flatMap(\.names)
        return try SeccompProgram(
            // ENOSYS, upon which libraries go back to older calls.
            defaultAction: .error(38), rules: names.map { FilterRule(name: $0, action: .allow) }, cache: cache)
    }

    /// Tells the sandbox what the monitor needs.
    ///
    /// - Parameter sockets: The directory of the guest's virtio sockets; empty where there is none.
    func prepare(_ request: inout SandboxRequest, in directory: String, sockets: String) throws {
        let files = [image, kvm, monitor?.program, agent?.program].compactMap { $0 }
        request.guestDescriptors = files + blocks.map(\.descriptor) + blocks.compactMap(\.mount)
        request.guestDescriptors += vsock?.descriptors ?? []
        request.monitorRoot = root
        if !sockets.isEmpty { request.monitorRoot?.sockets = (sockets, MonitorLaunch.vsockDirectory) }
        let server = try fileServer?.connect(in: directory)
        request.guestDescriptors += fileServer?.descriptors ?? []
        if let machine, let server { try machine.prepare(&request, server) }
        if let shared = plan.sharedRoot { request.share(shared, by: server) }
        guard let devices = root?.devices, !devices.isEmpty else { return }
        var linux = request.spec.linux ?? LinuxSpec()
        linux.resources = linux.resources ?? Resources()
        for device in devices { linux.resources?.allow(device) }
        request.spec.linux = linux
    }

    /// The context id that the kernel's virtio sockets know the guest by; 0 where they do not know it.
    var kernelCID: UInt32 { vsock?.kernelCID ?? 0 }

    /// Process 1 of the container, once `start` has come.
    func supervise(_ connection: StartConnection) -> Never {
        let timeline = Timeline("supervisor")
        do {
            let (taps, reached) = try GuestWiring.received(connection.handed)
            timeline.mark("process-1")
            let line = try plan.bootString(connections: taps.map(\.connection), agent: reached?.location)
            if let agent, let socket = try reached?.socket ?? agentSocket() {
                try launcher(of: agent, socket: socket).begin()
                timeline.mark("agent")
            }
            switch plan.form {
            case .embedded(let tender):
                let guest = SupervisedGuest(
                    tender: tender, memoryMiB: plan.memoryMiB, commandLine: line, image: image, kvm: kvm,
                    devices: taps.map(\.device) + blocks.map(SupervisedDevice.init))
                Supervisor(guest).run(
                    loaded: {
                        timeline.mark("guest")
                        connection.report(timeline)
                    }, started: connection.succeed, failed: connection.fail)
            case .external:
                var process = try process(line, taps)
                if let vsock {
                    try vsock.attach(to: &process)
                    timeline.mark("vsock")
                }
                _ = Descriptor(owning: image)
                MonitorSupervisor(process, timeline).run(
                    started: {
                        timeline.mark("guest")
                        connection.report(timeline)
                        connection.succeed()
                    }, failed: connection.fail)
            }
        } catch {
            connection.fail("\(error)")
        }
    }

    private func launcher(
        of agent: (plan: AcceleratorPlan.Agent, program: Int32), socket: Int32
    ) -> AgentLauncher {
        AgentLauncher(
            program: agent.program, arguments: [agent.plan.program] + agent.plan.arguments, sockets: [socket])
    }

    /// Where a guest that reaches its agent by virtio sockets finds it.
    private func agentSocket() throws(HostError) -> Int32? {
        guard let accelerator = plan.accelerator, accelerator.transport == .vsock else { return nil }
        return try listenForStreams(unix: "\(MonitorLaunch.vsockPath)_\(accelerator.port)").release()
    }

    private func process(_ line: [UInt8], _ taps: [GuestWiring.Received]) throws -> MonitorProcess {
        guard let monitor else { throw Failure("there is no monitor to run") }
        let arguments = try plan.arguments(
            of: monitor.plan, networks: taps.map(\.network), commandLine: line)
        let takesDescriptors = monitor.plan.program.takesDescriptors
        if !takesDescriptors {
            for number in blocks.indices { try check(number) }
            for tap in taps { try Tap.leave(tap.device.descriptor, named: tap.network.tap) }
        }
        var process = MonitorProcess(
            name: plan.monitor, program: monitor.program, arguments: arguments,
            descriptors: takesDescriptors ? taps.map(\.device.descriptor) + blocks.map(\.descriptor) : [],
            filter: monitor.filter, control: monitor.plan.program.control,
            startRequests: try plan.startRequests(of: monitor.plan, networks: taps.map(\.network), commandLine: line),
            stopRequest: plan.stopRequest, graceSeconds: monitor.plan.graceSeconds, status: plan.status)
        process.files = fileServer?.link
        process.machine = machine?.link(taps)
        process.reportsEnds = monitor.plan.program.reportsEnds
        process.exitPort = monitor.plan.hardware?.exitPort
        return process
    }

    /// Whether the monitor, as whose user this process runs already, will be able to open a disk.
    private func check(_ number: Int) throws(Failure) {
        let block = plan.blocks[number]
        do throws(HostError) {
            _ = try HostSystem.open(block.path(ofDisk: number), flags: block.isReadOnly ? .readOnly : .readWrite)
        } catch {
            throw Failure(
                "monitor \(plan.monitor), as process.user, cannot open \(block.path) for block device "
                    + "'\(block.name)': \(error.reason)")
        }
    }
}

extension Resources {
    /// A monitor opens its devices itself, in a cgroup whose rules may say nothing of them.
    fileprivate mutating func allow(_ device: MonitorRoot.Device) {
        var rule = DeviceRule(allow: true)
        (rule.type, rule.access) = (device.isBlock ? .block : .character, device.isWritable ? "rwm" : "rm")
        (rule.major, rule.minor) = (Int64(device.major), Int64(device.minor))
        devices.append(rule)
    }
}

extension MonitorRoot {
    /// Shows what a monitor opens itself: disks at their places, and the device of taps.
    fileprivate mutating func show(_ blocks: Zip2Sequence<[BlockPlan], [OpenBlock]>, taps: Bool) throws {
        for (number, (block, open)) in blocks.enumerated() {
            if let mount = open.mount {
                mounts.append((mount, MonitorLaunch.diskPath(number)))
                continue
            }
            let (place, status) = (MonitorLaunch.diskPath(number), try status(of: open.descriptor))
            if status.kind == .blockDevice {
                let (major, minor) = status.device
                devices.append(
                    Device(block: block.path, at: place, major: major, minor: minor, isWritable: !block.isReadOnly))
            } else {
                files.append(
                    File(
                        path: block.path, isOnHost: block.isOnHost, status: status, place: place,
                        isWritable: !block.isReadOnly))
            }
        }
        if taps { devices.append(.tap) }
    }
}

extension MonitorRoot.File {
    fileprivate init(_ file: OpenFile, at place: String) {
        self.init(path: file.path, isOnHost: file.isOnHost, status: file.status, place: place)
    }
}

extension SupervisedDevice {
    fileprivate init(_ block: OpenBlock) {
        self.init(
            name: block.name,
            kind: .block(capacityBytes: block.capacityBytes, sectorBytes: block.sectorBytes),
            descriptor: block.descriptor)
    }
}
