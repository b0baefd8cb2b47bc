internal import HostSystem
internal import OCISpec

/// Who a container's process is and what it may: ids, capabilities, limits, seccomp.
///
/// Made and checked before anything on the host changes. See config.md "POSIX process" and "Linux Process".
struct ProcessIdentity {
    let user: User
    let rlimits: [Rlimit]
    let oomScoreAdj: Int?
    let noNewPrivileges: Bool
    let seccomp: SeccompProgram?
    let apparmorProfile: String?
    /// Capabilities, nil where config.json leaves them alone.
    let capabilities: CapabilitySets?

    /// The five sets, as numbers.
    struct CapabilitySets {
        var bounding = CapabilitySet()
        var effective = CapabilitySet()
        var inheritable = CapabilitySet()
        var permitted = CapabilitySet()
        var ambient = CapabilitySet()
    }

    /// Reads the identity of an ordinary process.
    init(_ process: Process, seccomp profile: Seccomp?, cache: FilterCache? = nil) throws {
        user = process.user
        rlimits = process.rlimits
        oomScoreAdj = process.oomScoreAdj
        noNewPrivileges = process.noNewPrivileges
        apparmorProfile = process.apparmorProfile
        seccomp = try profile.map { try SeccompProgram($0, cache: cache) }
        capabilities = try Self.sets(process.capabilities ?? Capabilities())
        let refused: [(String, Bool)] = [
            ("scheduler", process.scheduler != nil), ("ioPriority", process.ioPriority != nil),
            ("selinuxLabel", process.selinuxLabel.map { !$0.isEmpty } ?? false),
        ]
        for (name, isSet) in refused where isSet {
            throw SpecError(
                pointer: "/process/\(name)", reason: "this property is not supported", section: "config.md#process")
        }
    }

    /// The identity of a guest's supervisor: the process's user and limits, and no privilege at all.
    init(supervisorOf process: Process) {
        user = process.user
        rlimits = process.rlimits
        oomScoreAdj = process.oomScoreAdj
        noNewPrivileges = true
        apparmorProfile = process.apparmorProfile
        seccomp = nil
        capabilities = CapabilitySets()
    }

    private static func sets(_ names: Capabilities) throws -> CapabilitySets {
        var sets = CapabilitySets()
        sets.bounding = try set(names.bounding, "bounding")
        sets.effective = try set(names.effective, "effective")
        sets.inheritable = try set(names.inheritable, "inheritable")
        sets.permitted = try set(names.permitted, "permitted")
        // The kernel gives only what is permitted and inheritable (capabilities(7)); runc passes over the rest too.
        let ambient = try set(names.ambient, "ambient")
        sets.ambient.mask = ambient.mask & sets.permitted.mask & sets.inheritable.mask
        return sets
    }

    private static func set(_ names: [String], _ kind: String) throws -> CapabilitySet {
        var set = CapabilitySet()
        for (index, name) in names.enumerated() {
            guard let number = capabilityNumber(name) else {
                throw SpecError(
                    pointer: "/process/capabilities/\(kind)/\(index)", reason: "capability \"\(name)\" is not known",
                    section: "config.md#linux-process")
            }
            // What the kernel does not have cannot be given: runc warns about it and goes on.
            if number <= lastCapability() { set.mask |= 1 << UInt64(number) }
        }
        return set
    }

    /// Whether the filter has to be loaded while the process still has CAP_SYS_ADMIN. See seccomp(2).
    var needsPrivilegeForSeccomp: Bool { seccomp != nil && !noNewPrivileges }

    /// Sets what is not about ids and privileges: OOM score, resource limits, AppArmor. Needs the host's procfs.
    func applyLimits() throws(Failure) {
        if let score = oomScoreAdj { try write("\(score)", to: "oom_score_adj", property: "oomScoreAdj") }
        for (index, limit) in rlimits.enumerated() {
            do throws(HostError) {
                try setResourceLimit(
                    Self.number(limit.type), named: limit.type.rawValue, soft: limit.soft, hard: limit.hard)
            } catch {
                throw Failure(
                    at: "/process/rlimits/\(index)", "error setting rlimit type \(limit.type.rawValue)", cause: error)
            }
        }
        if let profile = apparmorProfile, !profile.isEmpty {
            try write("exec \(profile)", to: "attr/exec", property: "apparmorProfile")
        }
    }

    private func write(_ text: String, to file: String, property: String) throws(Failure) {
        do throws(HostError) {
            try Procfs().write(text, to: "self/\(file)")
        } catch {
            throw Failure(at: "/process/\(property)", "cannot set it", cause: error)
        }
    }

    /// Gives up every privilege that the process is not to have, and becomes its user.
    func assume() throws(HostError) {
        if needsPrivilegeForSeccomp { try seccomp?.load() }
        if let capabilities { try limitBoundingCapabilities(to: capabilities.bounding) }
        try setKeepCapabilities(true)
        if !user.additionalGids.isEmpty || effectiveUser() == 0 {
            do throws(HostError) {
                try setGroups(user.additionalGids)
            } catch {
                // Where setgroups is denied (an unprivileged user namespace) there are no groups to drop either.
                if !user.additionalGids.isEmpty || !error.isPermission { throw error }
            }
        }
        try setGroup(user.gid)
        try setUser(user.uid)
        try setKeepCapabilities(false)
        if let capabilities {
            try setCapabilities(
                effective: capabilities.effective, permitted: capabilities.permitted,
                inheritable: capabilities.inheritable)
            try setAmbientCapabilities(capabilities.ambient)
        }
        setFileModeMask(user.umask ?? 0o022)
        if noNewPrivileges { try setNoNewPrivileges() }
    }

    /// Loads the filter of a process with no_new_privs: the last thing before its program begins.
    func confine() throws(HostError) {
        if !needsPrivilegeForSeccomp { try seccomp?.load() }
    }

    /// The number of a resource limit. See the kernel's asm-generic/resource.h.
    static func number(_ type: RlimitType) -> Int32 {
        switch type {
        case .cpu: 0
        case .fileSize: 1
        case .data: 2
        case .stack: 3
        case .core: 4
        case .residentSet: 5
        case .processes: 6
        case .openFiles: 7
        case .lockedMemory: 8
        case .addressSpace: 9
        case .locks: 10
        case .pendingSignals: 11
        case .messageQueues: 12
        case .nice: 13
        case .realtimePriority: 14
        case .realtimeTime: 15
        }
    }
}
