internal import GuestModel
internal import HostConfiguration
internal import Monitors
internal import OCIBundle
internal import OCISpec

/// The monitor for a guest: the first that boots it and that this host can run, or the one that is asked for by name.
struct MonitorChoice {
    let monitor: any Monitor
    let bootProtocol: BootProtocol
    /// How the guest has the container's root filesystem; nil when it has not.
    let sharing: FileSharing?
    /// The program of an external monitor.
    private let path: String?
    private let acceleration: Acceleration?
    private let found: FoundGuest

    /// Chooses.
    ///
    /// - Throws: ``GuestModel/GuestError`` that says of each monitor that boots such guests why it cannot run this one.
    init(for found: FoundGuest, on host: HostFacts) throws(GuestError) {
        try found.checkDemands()
        let (guest, wanted) = (found.guest, found.wantedMonitor)
        let offered = guest.bootProtocols.map(\.description).joined(separator: ", ")
        var problems: [String] = []
        for monitor in monitors {
            if let wanted, monitor.name != wanted, !monitor.aliases.contains(wanted) { continue }
            guard let common = guest.bootProtocols.first(where: monitor.bootProtocols.contains) else {
                guard wanted != nil else { continue }
                let accepted = monitor.bootProtocols.map(\.description).joined(separator: ", ")
                throw GuestError(
                    "monitor \(monitor.name) boots \(accepted), the guest is made for \(offered)\(Self.others(guest))")
            }
            do throws(GuestError) {
                self = try MonitorChoice(monitor, common, for: found, on: host)
                return
            } catch {
                problems.append(error.description)
            }
        }
        guard problems.isEmpty else { throw GuestError(problems.joined(separator: "; ")) }
        let names = monitors.map(\.name).joined(separator: ", ")
        if let wanted { throw GuestError("monitor \"\(wanted)\" is not known (known are: \(names))") }
        throw GuestError("no monitor boots \(offered) (known are: \(names))")
    }

    /// Who could run the guest, as an error says it that somebody else cannot.
    private static func others(_ guest: Guest) -> String {
        let names = monitors.filter { $0.bootProtocols.contains(where: guest.bootProtocols.contains) }.map(\.name)
        return names.isEmpty ? ", which no monitor boots" : ": \(names.joined(separator: " or ")) is needed"
    }

    /// The monitor of a plan.
    static func named(_ name: String) throws(GuestError) -> any Monitor {
        guard let monitor = monitors.first(where: { $0.name == name }) else {
            throw GuestError("monitor \(name) is not known")
        }
        return monitor
    }

    /// Finds out whether the operator lets `monitor` run guests, and this host can do it.
    private init(
        _ monitor: any Monitor, _ bootProtocol: BootProtocol, for found: FoundGuest, on host: HostFacts
    ) throws(GuestError) {
        try found.checkDemands(on: monitor)
        let needed = found.machine == nil ? found.rootSharing : [.virtiofs]
        let sharing = needed.first(where: monitor.fileSharing.contains)
        guard needed.isEmpty || sharing != nil else {
            let ways = needed.map(\.rawValue).joined(separator: " or ")
            throw GuestError("monitor \(monitor.name) shares no files by \(ways)")
        }
        self.sharing = found.machine == nil ? sharing : nil
        self.monitor = monitor
        self.bootProtocol = bootProtocol
        self.found = found
        if monitor.hostNeeds.contains(.kvm), let problem = host.kvmProblem() {
            throw GuestError("monitor \(monitor.name) needs KVM: \(problem)")
        }
        guard case .external(let program) = monitor.form else {
            path = nil
            acceleration = nil
            return
        }
        let settings = found.configuration.settings(of: monitor.name)
        guard let path = found.mark?[.monitorPath]?.value ?? settings.path ?? host.findProgram(program.names) else {
            throw GuestError(
                "monitor \(monitor.name) is not installed: no \(program.names.joined(separator: " or ")) in $PATH")
        }
        self.path = path
        do throws(GuestError) {
            acceleration = try Acceleration(settings.accelerator, offered: program.accelerators, on: host)
        } catch {
            throw GuestError("monitor \(monitor.name) \(error)")
        }
    }

    /// How the program of an external monitor runs the guest; nil for an embedded one.
    func program(_ resources: Resources?) -> MonitorPlan? {
        guard case .external(let program) = monitor.form, let path, let acceleration else { return nil }
        let hardware = found.guest.hardware
        let wanted = found.mark?.processors.map { Int($0) } ?? Self.processors(resources?.cpu)
        return MonitorPlan(
            path: path, program: sharing == .plan9 ? program.sharingFiles : program, acceleration: acceleration,
            hardware: hardware,
            processors: min(hardware?.mostProcessors ?? 1, wanted),
            parameters: found.mark?.monitorParameters ?? [],
            graceSeconds: Int(found.configuration.settings(of: monitor.name).stopSeconds),
            initrd: initrd.map { InitrdPlan(path: $0.path, isOnHost: $0.isOnHost) }
                ?? found.machine.map { InitrdPlan(path: $0.initrd, isOnHost: true) })
    }

    /// What the container names, or the image itself where it has a loader.
    private var initrd: OpenFile? { found.guest.loaders[bootProtocol] == nil ? found.initrd : found.image }

    /// How many processors the container may keep busy: those of its quota and of its set.
    private static func processors(_ cpu: CPUResources?) -> Int {
        var limits: [Int] = []
        if let quota = cpu?.quota, quota > 0 {
            let period = Int64(clamping: cpu?.period ?? 100_000)
            if period > 0 { limits.append(Int(clamping: (quota - 1) / period + 1)) }
        }
        if let set = cpu?.cpus, let count = count(ofSet: set) { limits.append(count) }
        return max(1, limits.min() ?? 1)
    }

    /// How many processors a list such as `0-3,7` names. See cpuset(7), "List format".
    static func count(ofSet list: String) -> Int? {
        var count = 0
        for part in list.split(separator: ",") {
            let ends = part.split(separator: "-").compactMap { Int($0) }
            guard let first = ends.first, let last = ends.last, first <= last, last < 1 << 16 else { return nil }
            count += last - first + 1
        }
        return count
    }

    /// The guest's memory in MiB: what the container may use less what the monitor needs itself.
    ///
    /// A container without a limit has what it says itself, else what the operator says.
    ///
    /// - Parameter others: What other processes of the container need, in MiB.
    func memory(limit: Int64?, others: UInt64 = 0) throws(GuestError) -> UInt64 {
        let limits = monitor.memory
        let wanted = found.mark?.memoryBytes.map { $0 >> 20 }
        var size = wanted ?? found.configuration.defaultMemoryMiB
        if let limit, limit > 0 {
            let limitMiB = UInt64(limit) >> 20
            guard limitMiB > others, let share = limits.share(of: limitMiB - others) else {
                let agent = others == 0 ? "" : ", its vAccel agent \(others) MiB"
                throw GuestError(
                    "memory limit of \(limit) bytes leaves too little for the guest: monitor \(monitor.name) needs "
                        + "\(limits.overhead) MiB itself and \(limits.least) MiB for the guest\(agent)")
            }
            if let wanted, wanted > share {
                throw GuestError("/vm/hwConfig/memory is \(wanted) MiB, the container leaves the guest \(share) MiB")
            }
            size = wanted ?? share
        }
        size = min(size, limits.most) / limits.step * limits.step
        let least = (found.guest.leastMemoryBytes + (1 << 20) - 1) >> 20
        guard size >= least else {
            throw GuestError("guest needs at least \(least) MiB of memory, the container leaves it \(size) MiB")
        }
        return size
    }
}
