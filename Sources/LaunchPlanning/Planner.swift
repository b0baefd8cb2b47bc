internal import Frameworks
public import GuestModel
public import HostSystem
internal import Monitors
public import OCIBundle
internal import OCISpec

/// A plan, and the guest's image open for the one who carries it out.
public struct PlannedLaunch {
    /// The plan.
    public let plan: LaunchPlan
    /// The image, when the container holds a guest.
    public let image: OpenFile?
    /// What is behind the guest's block devices, named for the one who opens it.
    public var blocks = PlannedBlocks()
}

/// Decides what `bundle` runs.
///
/// - Throws: One error that says what is missing or contradictory. Nothing on the host has changed by then.
public func planLaunch(_ bundle: borrowing Bundle) throws -> PlannedLaunch {
    guard let process = bundle.spec.process else {
        return PlannedLaunch(plan: LaunchPlan(workload: .nothing), image: nil)
    }
    guard !process.args.isEmpty else {
        throw SpecError(pointer: "/process/args", reason: "create needs a program to run", section: "config.md#process")
    }
    guard let found = try GuestSearch(spec: bundle.spec, process: process).find(in: bundle.root) else {
        let program = ProgramPlan(arguments: process.args, workingDirectory: process.cwd)
        return PlannedLaunch(plan: LaunchPlan(workload: .process(program)), image: nil)
    }
    let hasNetwork = found.guest.devices.contains { $0.kind == .network }
    let nameServers = try hasNetwork ? nameServers(for: bundle) : []
    let attached = try attach(found.guest, bundle)
    let guest = try plan(found, for: bundle.spec, nameServers, attached)
    return PlannedLaunch(plan: LaunchPlan(workload: .guest(guest)), image: found.image, blocks: attached.blocks)
}

/// What a guest's devices take of the container, and what is left.
private struct Attached {
    var blocks = PlannedBlocks()
    var mountsLeftOut: [String] = []
    /// Where the guest is to mount its first block device, if the container says so.
    var mountPoint: String?
}

/// Finds what is behind a guest's block devices; every one must be attached, or it would not start.
private func attach(_ guest: Guest, _ bundle: borrowing Bundle) throws -> Attached {
    var attached = Attached()
    let names = guest.devices.filter { $0.kind == .block }.map(\.name)
    var used: Set<Int> = []
    if !names.isEmpty {
        var search = try BlockSearch(bundle)
        do throws(Failure) {
            try search.find(names, in: bundle.root)
        } catch {
            throw Failure("cannot run \(guest.path) as a unikernel", cause: error)
        }
        attached.blocks = search.blocks
        used = search.usedMounts
        attached.mountPoint = search.settings.value("block-mount-point", peer: "blkMntPoint")?.value
    }
    if !bundle.spec.mounts.isEmpty { attached.mountsLeftOut = try GuestMounts.leftOut(bundle.spec, used: used) }
    return attached
}

private func plan(
    _ found: FoundGuest, for spec: RuntimeSpec, _ nameServers: [IPAddress], _ attached: Attached
) throws(Failure) -> GuestPlan {
    let guest = found.guest
    do throws(GuestError) {
        let (monitor, bootProtocol) = try chooseMonitor(for: guest, wanted: found.wantedMonitor)
        try checkHost(monitor)
        var boot = GuestBoot(
            process: found.process, network: GuestNetwork(nameServers: nameServers), over: bootProtocol,
            version: guest.version, disks: attached.blocks.plans.map(\.name))
        boot.options = guest.options
        boot.process.blockMountPoint = attached.mountPoint
        return GuestPlan(
            framework: guest.framework, foundBy: found.foundBy, kernel: guest.path, monitor: monitor.name,
            form: monitor.form, hostNeeds: monitor.hostNeeds, bootProtocol: bootProtocol,
            memoryMiB: try memory(of: guest, under: monitor, limit: spec.linux?.resources?.memory?.limit),
            boot: boot, commandLine: try bootString(of: guest.framework, boot),
            network: try NetworkShare(spec.annotations), devices: guest.devices,
            blocks: attached.blocks.plans, mountsLeftOut: attached.mountsLeftOut)
    } catch {
        throw Failure("cannot run \(guest.path) as a unikernel", cause: error)
    }
}

/// The first monitor that boots the guest, or the one that is asked for by name.
private func chooseMonitor(for guest: Guest, wanted: String?) throws(GuestError) -> (any Monitor, BootProtocol) {
    let offered = guest.bootProtocols.map(\.description).joined(separator: ", ")
    for monitor in monitors {
        if let wanted, monitor.name != wanted, !monitor.aliases.contains(wanted) { continue }
        if let common = guest.bootProtocols.first(where: monitor.bootProtocols.contains) { return (monitor, common) }
        if wanted != nil {
            let accepted = monitor.bootProtocols.map(\.description).joined(separator: ", ")
            throw GuestError("monitor \(monitor.name) boots \(accepted), the guest is made for \(offered)")
        }
    }
    let names = monitors.map(\.name).joined(separator: ", ")
    if let wanted { throw GuestError("monitor \"\(wanted)\" is not known (known are: \(names))") }
    throw GuestError("no monitor boots \(offered) (known are: \(names))")
}

private func checkHost(_ monitor: any Monitor) throws(GuestError) {
    let facts = HostFacts.look(for: monitor.hostNeeds.map(\.rawValue))
    if let problem = facts.kvmProblem { throw GuestError("monitor \(monitor.name) needs KVM: \(problem)") }
}

private func bootString(of framework: String, _ boot: GuestBoot) throws(GuestError) -> [UInt8] {
    guard let framework = frameworks.first(where: { $0.name == framework }) else {
        throw GuestError("framework \(framework) is not known")
    }
    return try framework.bootString(boot)
}

extension GuestPlan {
    /// The guest's boot string, once its network is known; without a terminating NUL.
    ///
    /// - Throws: ``HostSystem/Failure`` that names what cannot be told.
    public func bootString(connections: [GuestNetwork.Connection]) throws(Failure) -> [UInt8] {
        var boot = boot
        boot.network.connections = connections
        do throws(GuestError) {
            return try LaunchPlanning.bootString(of: framework, boot)
        } catch {
            throw Failure("cannot run \(kernel) as a unikernel", cause: error)
        }
    }
}

/// The guest's memory in MiB: what the container may use less what the monitor needs itself.
private func memory(of guest: Guest, under monitor: any Monitor, limit: Int64?) throws(GuestError) -> UInt64 {
    let limits = monitor.memory
    var size = defaultMemoryMiB
    if let limit, limit > 0 {
        guard let share = limits.share(of: UInt64(limit) >> 20) else {
            throw GuestError(
                "memory limit of \(limit) bytes leaves too little for the guest: monitor \(monitor.name) needs "
                    + "\(limits.overhead) MiB itself and \(limits.least) MiB for the guest")
        }
        size = share
    }
    size = min(size, limits.most) / limits.step * limits.step
    let least = (guest.leastMemoryBytes + (1 << 20) - 1) >> 20
    guard size >= least else {
        throw GuestError("guest needs at least \(least) MiB of memory, the container leaves it \(size) MiB")
    }
    return size
}

/// What a guest gets in a container without a memory limit, in MiB: the Solo5 tenders' own default.
private let defaultMemoryMiB: UInt64 = 512
