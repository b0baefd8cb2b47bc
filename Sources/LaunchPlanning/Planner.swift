internal import Frameworks
public import GuestModel
public import HostConfiguration
public import HostSystem
internal import Monitors
public import OCIBundle
internal import OCISpec

/// A plan, and the guest's image open for the one who carries it out.
///
/// A class, because the copying of its many values would be much code.
public final class PlannedLaunch {
    /// The plan.
    public let plan: LaunchPlan
    /// The image, when the container holds a guest.
    public let image: OpenFile?
    /// The guest's initial RAM disk, when the container names one.
    public let initrd: OpenFile?
    /// What is behind the guest's block devices, named for the one who opens it.
    public let blocks: PlannedBlocks

    init(plan: LaunchPlan, image: OpenFile?, initrd: OpenFile? = nil, blocks: PlannedBlocks = PlannedBlocks()) {
        (self.plan, self.image, self.initrd, self.blocks) = (plan, image, initrd, blocks)
    }
}

/// Decides what `bundle` runs.
///
/// - Parameters:
///   - configuration: The operator's, which is read for guests only.
///   - inMachines: Whether the operator wants every ordinary image in a virtual machine.
/// - Throws: One error that says what is missing or contradictory. Nothing on the host has changed by then.
public func planLaunch(
    _ bundle: borrowing Bundle, on host: HostFacts = HostFacts(),
    configuration: ConfigurationFile = ConfigurationFile(), inMachines: Bool = false
) throws -> PlannedLaunch {
    guard let process = bundle.spec.process else {
        return PlannedLaunch(plan: LaunchPlan(workload: .nothing), image: nil)
    }
    guard !process.args.isEmpty else {
        throw SpecError(pointer: "/process/args", reason: "create needs a program to run", section: "config.md#process")
    }
    let search = GuestSearch(spec: bundle.spec, process: process, file: configuration)
    let machines = MachineSearch(file: configuration, always: inMachines)
    guard var found = try search.find(in: bundle.root) ?? machines.find(bundle) else {
        let program = ProgramPlan(arguments: process.args, workingDirectory: process.cwd)
        return PlannedLaunch(plan: LaunchPlan(workload: .process(program)), image: nil)
    }
    // A guest without declared devices finds out for itself which there are.
    let hasNetwork =
        found.machine == nil && found.guest.hardware != nil || found.guest.devices.contains { $0.kind == .network }
    let nameServers = try hasNetwork ? nameServers(for: bundle) : []
    let settings = try GuestSettings(bundle.spec, in: bundle.root)
    let attached = try found.machine == nil ? attach(found, bundle, settings) : Attached()
    found.rootSharing = attached.sharedRoot?.offered ?? []
    let accelerator = try AcceleratorSearch(found, process.env, settings)
    let guest = try plan(found, for: bundle.spec, nameServers, attached, accelerator, on: host)
    try guest.checkMonitor()
    let launch = LaunchPlan(workload: .guest(guest))
    guard let path = guest.loader else {
        return PlannedLaunch(plan: launch, image: found.image, initrd: found.initrd, blocks: attached.blocks)
    }
    guard let loader = try bundle.root.openFile(path) else { throw Failure("loader \(path) has gone") }
    return PlannedLaunch(plan: launch, image: loader, initrd: found.image, blocks: attached.blocks)
}

/// What a guest's devices take of the container, and what is left.
private struct Attached {
    var blocks = PlannedBlocks()
    var mountsLeftOut: [String] = []
    /// Where the guest is to mount its first block device, if the container says so.
    var mountPoint: String?
    var wantsVsock = false
    var sharedRoot: SharedRootSearch?
}

/// Finds what is behind a guest's block devices; every one must be attached, or it would not start.
private func attach(
    _ found: FoundGuest, _ bundle: borrowing Bundle, _ settings: GuestSettings
) throws -> Attached {
    let guest = found.guest
    var attached = Attached()
    var used: Set<Int> = []
    let declared = guest.devices.filter { $0.kind == .block }.map(\.name)
    if !declared.isEmpty || guest.hardware != nil {
        var search = BlockSearch(bundle, settings)
        if guest.devices.isEmpty {
            attached.sharedRoot = try SharedRootSearch(found, bundle, settings) {
                try search.ownDevice(bundle.root) != nil
            }
        }
        // One that declares nothing finds out for itself.
        let names =
            try guest.devices.isEmpty ? search.discoverable(sharesRoot: attached.sharedRoot != nil) : declared
        do throws(Failure) {
            try search.find(names, in: bundle.root)
        } catch {
            throw Failure("cannot run \(guest.path) as a unikernel", cause: error)
        }
        attached.blocks = search.blocks
        used = search.usedMounts
        attached.sharedRoot?.find(in: bundle, besides: used)
        attached.mountPoint = try settings.value(.blockMountPoint)?.value
    }
    attached.wantsVsock = try VsockPlan.isWanted(settings)
    if guest.bootProtocols == [.disk] {
        try attached.blocks.boot(from: found.image, foundBy: found.foundBy, bundle.spec)
    }
    if !bundle.spec.mounts.isEmpty {
        used.formUnion(attached.sharedRoot?.mounts ?? [])
        attached.mountsLeftOut = try GuestMounts.leftOut(bundle.spec, used: used)
    }
    return attached
}

private func plan(
    _ found: FoundGuest, for spec: RuntimeSpec, _ nameServers: [IPAddress], _ attached: Attached,
    _ acceleratorSearch: AcceleratorSearch, on host: HostFacts
) throws(Failure) -> GuestPlan {
    let guest = found.guest
    do throws(GuestError) {
        let choice = try MonitorChoice(for: found, on: host)
        let monitor = choice.monitor
        let network = try NetworkShare(spec.annotations)
        let accelerator = try acceleratorSearch.plan(for: guest, network, on: host)
        var boot = GuestBoot(
            process: found.process, network: GuestNetwork(nameServers: nameServers), over: choice.bootProtocol,
            version: guest.version ?? found.mark?.version, disks: attached.blocks.plans.map(\.name))
        boot.options = guest.options
        boot.path = guest.path
        boot.hasInitrd = found.initrd != nil
        boot.process.blockMountPoint = attached.mountPoint
        let sharedRoot = choice.sharing.flatMap { attached.sharedRoot?.plan($0) }
        boot.sharedRoot = sharedRoot?.sharing
        var plan = GuestPlan(
            framework: guest.framework, foundBy: found.foundBy, kernel: guest.path,
            loader: guest.loaders[choice.bootProtocol], monitor: monitor.name,
            form: monitor.form, program: choice.program(spec.linux?.resources),
            hostNeeds: monitor.hostNeeds, bootProtocol: choice.bootProtocol,
            memoryMiB: try choice.memory(
                limit: spec.linux?.resources?.memory?.limit,
                others: (accelerator?.agent?.memoryMiB ?? 0)
                    + (found.machine == nil ? sharedRoot?.serverMemory ?? 0 : MachinePlan.fileServerMemory)
            ),
            boot: boot,
            commandLine: try found.machine == nil
                ? bootString(of: guest.framework, boot.told(of: accelerator)) : [UInt8](MachinePlan.kernelWords.utf8),
            network: network, devices: guest.devices,
            blocks: attached.blocks.plans, mountsLeftOut: attached.mountsLeftOut, accelerator: accelerator,
            vsock: try VsockPlan(
                wanted: attached.wantsVsock, for: accelerator, by: guest, on: monitor, found.configuration, host))
        plan.machine = found.machine?.told(of: accelerator)
        plan.sharedRoot = sharedRoot
        return plan
    } catch {
        let what = found.machine == nil ? "\(guest.path) as a unikernel" : "the image in a virtual machine"
        throw Failure("cannot run \(what)", cause: error)
    }
}

private func bootString(of framework: String, _ boot: GuestBoot) throws(GuestError) -> [UInt8] {
    guard let framework = frameworks.first(where: { $0.name == framework }) else {
        throw GuestError("framework \(framework) is not known")
    }
    return try framework.bootString(boot)
}

extension GuestBoot {
    fileprivate func told(of accelerator: AcceleratorPlan?, at location: String? = nil) -> GuestBoot {
        var boot = self
        boot.process = process.told(of: accelerator, at: location)
        return boot
    }
}

extension GuestPlan {
    /// The guest's boot string, once its network is known; without a terminating NUL.
    ///
    /// - Parameter agent: Where the guest's vAccel agent is, when it was given one of its own.
    /// - Throws: ``HostSystem/Failure`` that names what cannot be told.
    public func bootString(
        connections: [GuestNetwork.Connection], agent: String? = nil
    ) throws(Failure) -> [UInt8] {
        // A machine's process 1 is told in another way.
        if machine != nil { return commandLine }
        var boot = boot.told(of: accelerator, at: agent)
        boot.network.connections = connections
        do throws(GuestError) {
            return try LaunchPlanning.bootString(of: framework, boot)
        } catch {
            throw Failure("cannot run \(kernel) as a unikernel", cause: error)
        }
    }
}
