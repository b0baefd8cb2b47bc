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
    /// The caller's groups stay, besides what config.json says.
    var keepsGroups = false
    let seccomp: SeccompProgram?
    /// The process, for its security labels.
    let process: Process
    /// Capabilities, nil where config.json leaves them alone.
    let capabilities: CapabilitySets?
    /// Names of capabilities that this kernel or libcap does not have, sorted; the process goes without.
    let unknownCapabilities: [String]
    /// Names of ambient capabilities that are not both permitted and inheritable; the process goes without.
    let refusedAmbient: [String]

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
        self.process = process
        try profile?.checkNotifications()
        seccomp = try profile.map { try SeccompProgram($0, cache: cache) }
        var unknown = Set<String>()
        let names = process.capabilities ?? Capabilities()
        let sets = Self.sets(names, &unknown)
        capabilities = sets
        unknownCapabilities = unknown.sorted()
        refusedAmbient = names.ambient.filter { name in
            !unknown.contains(name) && capabilityNumber(name).map { sets.ambient.mask & 1 << UInt64($0) } == 0
        }
        try SecurityLabels.check(process)
    }

    /// The identity of a guest's supervisor: the process's user and limits, and no privilege at all.
    init(supervisorOf process: Process) {
        user = process.user
        rlimits = process.rlimits
        oomScoreAdj = process.oomScoreAdj
        noNewPrivileges = true
        // Nothing is executed whose label could be set.
        self.process = Process()
        seccomp = nil
        capabilities = CapabilitySets()
        unknownCapabilities = []
        refusedAmbient = []
    }

    private static func sets(_ names: Capabilities, _ unknown: inout Set<String>) -> CapabilitySets {
        var sets = CapabilitySets()
        sets.bounding = set(names.bounding, &unknown)
        sets.effective = set(names.effective, &unknown)
        sets.inheritable = set(names.inheritable, &unknown)
        sets.permitted = set(names.permitted, &unknown)
        // The kernel gives only what is permitted and inheritable (capabilities(7)); runc passes over the rest too.
        let ambient = set(names.ambient, &unknown)
        sets.ambient.mask = ambient.mask & sets.permitted.mask & sets.inheritable.mask
        return sets
    }

    /// What cannot be given is left out, with a warning: config.md "Linux Process" wants no error.
    private static func set(_ names: [String], _ unknown: inout Set<String>) -> CapabilitySet {
        var set = CapabilitySet()
        for name in names {
            if let number = capabilityNumber(name), number <= lastCapability() {
                set.mask |= 1 << UInt64(number)
            } else {
                unknown.insert(name)
            }
        }
        return set
    }

    /// Whether the filter has to be loaded while the process still has CAP_SYS_ADMIN. See seccomp(2).
    var needsPrivilegeForSeccomp: Bool { seccomp != nil && !noNewPrivileges }

    /// Sets what is not about ids and privileges: OOM score, resource limits, labels. Needs the host's procfs.
    ///
    /// - Parameter openFiles: Whether that of open files is among the limits: what is still to be done may need more.
    func applyLimits(openFiles: Bool = true) throws(Failure) {
        if let score = oomScoreAdj { try write("\(score)", to: "oom_score_adj", property: "oomScoreAdj") }
        try applyLimits { openFiles || $0 != .openFiles }
        try SecurityLabels.labelNextProgram(process)
    }

    /// Sets the limit of open files alone.
    func limitOpenFiles() throws(Failure) { try applyLimits { $0 == .openFiles } }

    private func applyLimits(_ isWanted: (RlimitType) -> Bool) throws(Failure) {
        for (index, limit) in rlimits.enumerated() where isWanted(limit.type) {
            do throws(HostError) {
                try setResourceLimit(
                    Self.number(limit.type), named: limit.type.rawValue, soft: limit.soft, hard: limit.hard)
            } catch {
                throw Failure(
                    at: "/process/rlimits/\(index)", "error setting rlimit type \(limit.type.rawValue)", cause: error)
            }
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
    ///
    /// - Parameter passOn: Takes what listens for the filter, when an agent decides about some calls.
    /// - Throws: ``HostSystem/Failure`` that names the property.
    func assume(passOn: (Int32) throws(HostError) -> Void = Self.nobody) throws(Failure) {
        if needsPrivilegeForSeccomp { try load(passOn) }
        if let capabilities {
            try Failure.naming("/process/capabilities/bounding", "cannot limit the capabilities") {
                () throws(HostError) in try limitBoundingCapabilities(to: capabilities.bounding)
            }
        }
        try becomeUser()
        if let capabilities {
            try Failure.naming("/process/capabilities", "cannot set the capabilities") { () throws(HostError) in
                try setCapabilities(
                    effective: capabilities.effective, permitted: capabilities.permitted,
                    inheritable: capabilities.inheritable)
                try setAmbientCapabilities(capabilities.ambient)
            }
        }
        setFileModeMask(user.umask ?? 0o022)
        guard noNewPrivileges else { return }
        try Failure.naming("/process/noNewPrivileges", "cannot set it", setNoNewPrivileges)
    }

    private func becomeUser() throws(Failure) {
        try Failure.naming("/process/user", "cannot keep the capabilities") { () throws(HostError) in
            try setKeepCapabilities(true)
        }
        try Failure.naming("/process/user/additionalGids", "cannot set the groups") { () throws(HostError) in
            do throws(HostError) {
                if !keepsGroups { try setGroups(user.additionalGids) }
            } catch {
                // Where setgroups is denied (an unprivileged user namespace) the caller's groups cannot be dropped either.
                if !user.additionalGids.isEmpty || !error.isPermission { throw error }
            }
        }
        try Failure.naming("/process/user/gid", "cannot set it") { () throws(HostError) in try setGroup(user.gid) }
        try Failure.naming("/process/user/uid", "cannot set it") { () throws(HostError) in
            try setUser(user.uid)
            try setKeepCapabilities(false)
        }
    }

    /// Loads the filter of a process with no_new_privs: the last thing before its program begins.
    func confine(passOn: (Int32) throws(HostError) -> Void = Self.nobody) throws(Failure) {
        if !needsPrivilegeForSeccomp { try load(passOn) }
    }

    private func load(_ passOn: (Int32) throws(HostError) -> Void) throws(Failure) {
        guard let seccomp else { return }
        try Failure.naming("/linux/seccomp", "cannot load the filter") { () throws(HostError) in
            guard seccomp.notifies else { return try seccomp.load() }
            let listener = try seccomp.loadListening()
            try passOn(listener.raw)
        }
    }

    /// Without anybody to decide the calls would wait for ever.
    private static func nobody(_ listener: Int32) throws(HostError) {
        throw HostError(call: "seccomp", subject: "nobody takes the listener", errno: 0)
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
