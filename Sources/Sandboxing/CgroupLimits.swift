internal import HostSystem
internal import OCISpec

extension Cgroup {
    /// Writes the limits of config.json. See config-linux.md "Control groups" of the runtime spec.
    ///
    /// - Throws: ``HostSystem/Failure`` that names the property, when a limit cannot be set or its controller is not
    ///   there.
    func apply(_ resources: Resources) throws(Failure) {
        for setting in isUnified ? unifiedSettings(resources) : legacySettings(resources) {
            guard let directory = directory(of: setting.controller) else {
                throw Failure("cannot set \(setting.file): cgroup controller \(setting.controller) is not mounted")
            }
            do throws(HostError) {
                try writeControlFile("\(directory)/\(setting.file)", setting.value)
            } catch {
                if setting.isOptional && error.isNotFound { continue }
                throw Failure("cannot set \(setting.file)", cause: error)
            }
        }
    }

    /// Refuses limits that this version of cgroups has no place for, before anything is made.
    ///
    /// - Throws: ``OCISpec/SpecError`` that names the property.
    func checkPlaces(for resources: Resources) throws(SpecError) {
        let network = resources.network.map { $0.classID ?? 0 != 0 || !$0.priorities.isEmpty } ?? false
        let refused: [(String, Bool)] =
            isUnified
            ? [("blockIO", resources.blockIO?.isSet ?? false), ("network", network)]
            : [("unified", !resources.unified.isEmpty)]
        for (name, isSet) in refused where isSet {
            let version = isUnified ? "version 2, where it is not supported" : "version 1, which has nothing of it"
            throw SpecError(
                pointer: "/linux/resources/\(name)", reason: "this host has cgroup \(version)",
                section: "config-linux.md#control-groups")
        }
    }

    /// One value for one file of one controller.
    struct Setting: Equatable {
        let controller: String
        let file: String
        let value: String
        /// Whether kernels without the file are passed over.
        var isOptional = false

        init(_ controller: String, _ file: String, _ value: some CustomStringConvertible, isOptional: Bool = false) {
            self.controller = controller
            self.file = file
            self.value = value.description
            self.isOptional = isOptional
        }
    }

    /// Version 1. The order matters: a limit on memory and swap must not be below the one on memory.
    func legacySettings(_ resources: Resources) -> [Setting] {
        var settings = [Setting]()
        func add(_ controller: String, _ file: String, _ value: (some CustomStringConvertible)?, optional: Bool = false)
        {
            if let value { settings.append(Setting(controller, file, value, isOptional: optional)) }
        }
        if let memory = resources.memory {
            add("memory", "memory.limit_in_bytes", memory.limit)
            add("memory", "memory.memsw.limit_in_bytes", memory.swap, optional: true)
            add("memory", "memory.soft_limit_in_bytes", memory.reservation)
            add("memory", "memory.swappiness", memory.swappiness)
            if memory.disableOOMKiller == true { add("memory", "memory.oom_control", 1) }
        }
        if let cpu = resources.cpu {
            add("cpu", "cpu.shares", cpu.shares.flatMap { $0 == 0 ? nil : $0 })
            add("cpu", "cpu.cfs_period_us", cpu.period.flatMap { $0 == 0 ? nil : $0 })
            add("cpu", "cpu.cfs_quota_us", cpu.quota.flatMap { $0 == 0 ? nil : $0 })
            add("cpu", "cpu.cfs_burst_us", cpu.burst)
            add("cpu", "cpu.rt_period_us", cpu.realtimePeriod.flatMap { $0 == 0 ? nil : $0 })
            add("cpu", "cpu.rt_runtime_us", cpu.realtimeRuntime.flatMap { $0 == 0 ? nil : $0 })
            add("cpu", "cpu.idle", cpu.idle)
            add("cpuset", "cpuset.cpus", cpu.cpus.flatMap { $0.isEmpty ? nil : $0 })
            add("cpuset", "cpuset.mems", cpu.mems.flatMap { $0.isEmpty ? nil : $0 })
        }
        if let limit = resources.pids?.limit, limit != 0 { add("pids", "pids.max", limit > 0 ? "\(limit)" : "max") }
        for limit in resources.hugepageLimits {
            add("hugetlb", "hugetlb.\(limit.pageSize).limit_in_bytes", limit.limit)
        }
        if let classID = resources.network?.classID, classID != 0 { add("net_cls", "net_cls.classid", classID) }
        for entry in resources.network?.priorities ?? [] {
            add("net_prio", "net_prio.ifpriomap", "\(entry.name) \(entry.priority)")
        }
        return settings + Self.legacyBlockSettings(resources.blockIO) + Self.rdmaSettings(resources.rdma)
            + Self.legacyDeviceSettings(resources.devices)
    }

    private static func legacyBlockSettings(_ block: BlockIOResources?) -> [Setting] {
        guard let block else { return [] }
        var settings = [Setting]()
        if let weight = block.weight, weight != 0 { settings.append(Setting("blkio", "blkio.weight", weight)) }
        if let weight = block.leafWeight, weight != 0 { settings.append(Setting("blkio", "blkio.leaf_weight", weight)) }
        for device in block.weightDevice {
            let name = "\(device.major):\(device.minor)"
            if let weight = device.weight {
                settings.append(Setting("blkio", "blkio.weight_device", "\(name) \(weight)"))
            }
            if let weight = device.leafWeight {
                settings.append(Setting("blkio", "blkio.leaf_weight_device", "\(name) \(weight)"))
            }
        }
        let throttles = [
            ("read_bps", block.throttleReadBpsDevice), ("write_bps", block.throttleWriteBpsDevice),
            ("read_iops", block.throttleReadIOPSDevice), ("write_iops", block.throttleWriteIOPSDevice),
        ]
        for (name, devices) in throttles {
            settings += devices.map {
                Setting("blkio", "blkio.throttle.\(name)_device", "\($0.major):\($0.minor) \($0.rate)")
            }
        }
        return settings
    }

    private static func rdmaSettings(_ limits: [RDMALimit]) -> [Setting] {
        limits.map { limit in
            let parts = [
                limit.hcaHandles.map { "hca_handle=\($0)" }, limit.hcaObjects.map { "hca_object=\($0)" },
            ].compactMap { $0 }
            return Setting("rdma", "rdma.max", ([limit.device] + parts).joined(separator: " "))
        }
    }

    /// The rules in config.json's order, then the devices every container may use.
    private static func legacyDeviceSettings(_ rules: [DeviceRule]) -> [Setting] {
        guard !rules.isEmpty else { return [] }
        let configured = rules.map { rule in
            let numbers = [rule.major, rule.minor].map { $0.map { $0 < 0 ? "*" : "\($0)" } ?? "*" }
            let isAll =
                rule.type == .all && rule.major ?? -1 < 0 && rule.minor ?? -1 < 0 && rule.access ?? "rwm" == "rwm"
            let text = isAll ? "a" : "\(rule.type.rawValue) \(numbers.joined(separator: ":")) \(rule.access ?? "rwm")"
            return Setting("devices", rule.allow ? "devices.allow" : "devices.deny", text)
        }
        return configured + alwaysAllowedDevices.map { Setting("devices", "devices.allow", $0) }
    }

    /// null, zero, full, tty, urandom, random, console, the terminals; and making (not opening) any node.
    private static let alwaysAllowedDevices = [
        "c *:* m", "b *:* m", "c 1:3 rwm", "c 1:8 rwm", "c 1:7 rwm", "c 5:0 rwm", "c 1:5 rwm", "c 1:9 rwm",
        "c 5:1 rwm", "c 136:* rwm", "c 5:2 rwm",
    ]

    /// Version 2. See the kernel's cgroup-v2 document and runc's conversion of shares.
    func unifiedSettings(_ resources: Resources) -> [Setting] {
        var settings = [Setting]()
        func add(_ file: String, _ value: (some CustomStringConvertible)?) {
            if let value { settings.append(Setting("", file, value)) }
        }
        func bytes(_ value: Int64) -> String { value < 0 ? "max" : "\(value)" }
        if let memory = resources.memory {
            add("memory.max", memory.limit.flatMap { $0 == 0 ? nil : bytes($0) })
            if let swap = memory.swap, swap != 0 {
                add("memory.swap.max", swap < 0 ? "max" : bytes(max(0, swap - max(0, memory.limit ?? 0))))
            }
            add("memory.low", memory.reservation.flatMap { $0 == 0 ? nil : bytes($0) })
        }
        if let cpu = resources.cpu {
            add("cpu.weight", cpu.shares.flatMap { $0 == 0 ? nil : Self.weight(shares: $0) })
            if cpu.quota ?? 0 != 0 || cpu.period ?? 0 != 0 {
                let quota = cpu.quota ?? 0 > 0 ? "\(cpu.quota ?? 0)" : "max"
                add("cpu.max", "\(quota) \(cpu.period.flatMap { $0 == 0 ? nil : $0 } ?? 100_000)")
            }
            add("cpu.max.burst", cpu.burst)
            add("cpu.idle", cpu.idle)
            add("cpuset.cpus", cpu.cpus.flatMap { $0.isEmpty ? nil : $0 })
            add("cpuset.mems", cpu.mems.flatMap { $0.isEmpty ? nil : $0 })
        }
        if let limit = resources.pids?.limit, limit != 0 { add("pids.max", bytes(limit)) }
        for limit in resources.hugepageLimits { add("hugetlb.\(limit.pageSize).max", limit.limit) }
        settings += Self.rdmaSettings(resources.rdma)
        for (file, value) in resources.unified { add(file, value) }
        return settings
    }

    /// Version 1's 2 to 262144 shares as version 2's weight of 1 to 10000, by the ecosystem's formula.
    static func weight(shares: UInt64) -> UInt64 { 1 + ((min(max(shares, 2), 262_144) - 2) * 9999) / 262_142 }
}

extension Resources {
    /// Whether there is a limit that only a cgroup can hold. Rules about devices alone are not: an ordinary user's
    /// container can make no device nodes.
    var hasLimits: Bool {
        var others = self
        others.devices = []
        return others != Resources()
    }
}

extension BlockIOResources {
    /// Whether there is anything to set; docker writes a weight of 0 for none.
    var isSet: Bool {
        weight ?? 0 != 0 || leafWeight ?? 0 != 0 || !weightDevice.isEmpty || !throttleReadBpsDevice.isEmpty
            || !throttleWriteBpsDevice.isEmpty || !throttleReadIOPSDevice.isEmpty || !throttleWriteIOPSDevice.isEmpty
    }
}
