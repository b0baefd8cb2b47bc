internal import HostSystem
internal import OCISpec

extension Cgroup {
    /// The limits as version 1 takes them. See the kernel's cgroup-v1 documents.
    static func legacySettings(_ resources: Resources) -> [Setting] {
        var settings = SettingList()
        legacyMemory(resources.memory, &settings)
        legacyProcessors(resources.cpu, &settings)
        if let limit = resources.pids?.limit {
            // A container has a process: 0 is 1, as with runc 1.4.
            settings.add("pids", "pids.max", limit < 0 ? "max" : "\(max(limit, 1))")
        }
        for limit in resources.hugepageLimits {
            settings.add("hugetlb", "hugetlb.\(limit.pageSize).limit_in_bytes", limit.limit)
            settings.add("hugetlb", "hugetlb.\(limit.pageSize).rsvd.limit_in_bytes", limit.limit)
            settings.last { $0.isOptional = true }
        }
        settings.add("net_cls", "net_cls.classid", nonZero(resources.network?.classID))
        for entry in resources.network?.priorities ?? [] {
            settings.add("net_prio", "net_prio.ifpriomap", "\(entry.name) \(entry.priority)")
        }
        legacyBlock(resources.blockIO, &settings)
        rdma(resources.rdma, &settings)
        return settings.list
    }

    /// A limit on memory and swap must not be below the one on memory, whichever of them changes first.
    private static func legacyMemory(_ memory: MemoryResources?, _ settings: inout SettingList) {
        guard let memory else { return }
        settings.add("memory", "memory.limit_in_bytes", nonZero(memory.limit))
        settings.last { $0.mayWait = true }
        settings.add("memory", "memory.memsw.limit_in_bytes", nonZero(memory.swap))
        // Without swap accounting there is no such file, and no swap to limit.
        settings.last { $0.isOptional = true }
        settings.add("memory", "memory.soft_limit_in_bytes", nonZero(memory.reservation))
        settings.add("memory", "memory.swappiness", memory.swappiness)
        if memory.disableOOMKiller == true { settings.add("memory", "memory.oom_control", 1) }
    }

    private static func legacyProcessors(_ cpu: CPUResources?, _ settings: inout SettingList) {
        guard let cpu else { return }
        // A group that is idle takes no shares.
        if cpu.idle == 0 { settings.add("cpu", "cpu.idle", 0) }
        settings.add("cpu", "cpu.shares", nonZero(cpu.shares))
        if let idle = cpu.idle, idle != 0 { settings.add("cpu", "cpu.idle", idle) }
        settings.add("cpu", "cpu.cfs_period_us", nonZero(cpu.period))
        settings.last { $0.mayWait = true }
        settings.add("cpu", "cpu.cfs_quota_us", nonZero(cpu.quota))
        settings.last { $0.mayWait = true }
        settings.add("cpu", "cpu.cfs_burst_us", cpu.burst)
        settings.add("cpu", "cpu.rt_period_us", nonZero(cpu.realtimePeriod))
        settings.last { $0.mayWait = true }
        settings.add("cpu", "cpu.rt_runtime_us", nonZero(cpu.realtimeRuntime))
        settings.add("cpuset", "cpuset.cpus", nonEmpty(cpu.cpus))
        settings.add("cpuset", "cpuset.mems", nonEmpty(cpu.mems))
    }

    private static func legacyBlock(_ block: BlockIOResources?, _ settings: inout SettingList) {
        guard let block else { return }
        // The files have `bfq` in their names where the BFQ scheduler makes them.
        func add(_ name: String, _ value: (some CustomStringConvertible)?) {
            guard let value else { return }
            settings.add("blkio", "blkio.\(name)", value)
            settings.last { $0.fallback = ("blkio.bfq.\(name)", value.description) }
        }
        add("weight", nonZero(block.weight))
        add("leaf_weight", nonZero(block.leafWeight))
        for device in block.weightDevice {
            let name = "\(device.major):\(device.minor)"
            add("weight_device", device.weight.map { "\(name) \($0)" })
            add("leaf_weight_device", device.leafWeight.map { "\(name) \($0)" })
        }
        for (name, devices) in block.throttles {
            for device in devices {
                settings.add(
                    "blkio", "blkio.throttle.\(name.legacy)_device", "\(device.major):\(device.minor) \(device.rate)")
            }
        }
    }

    static func rdma(_ limits: [RDMALimit], _ settings: inout SettingList) {
        for limit in limits {
            let parts = [
                limit.hcaHandles.map { "hca_handle=\($0)" }, limit.hcaObjects.map { "hca_object=\($0)" },
            ].compactMap { $0 }
            settings.add("rdma", "rdma.max", ([limit.device] + parts).joined(separator: " "))
        }
    }

    /// Engines write 0 for "not set".
    static func nonZero<Value: BinaryInteger>(_ value: Value?) -> Value? { value.flatMap { $0 == 0 ? nil : $0 } }

    static func nonEmpty(_ value: String?) -> String? { value.flatMap { $0.isEmpty ? nil : $0 } }

    /// Settings in the order in which they are to be written.
    struct SettingList {
        private(set) var list: [Setting] = []
        private var wasAdded = false

        /// Adds a value unless it is nil.
        mutating func add(_ controller: String, _ file: String, _ value: (some CustomStringConvertible)?) {
            wasAdded = value != nil
            if let value { list.append(Setting(controller, file, value)) }
        }

        /// Changes what the latest ``add(_:_:_:)`` added, if it did.
        mutating func last(_ change: (inout Setting) -> Void) {
            if wasAdded, !list.isEmpty { change(&list[list.count - 1]) }
        }
    }
}

extension BlockIOResources {
    /// The four kinds of rate limits with the names that the versions have for them.
    var throttles: [((legacy: String, unified: String), [ThrottleDevice])] {
        [
            (("read_bps", "rbps"), throttleReadBpsDevice), (("write_bps", "wbps"), throttleWriteBpsDevice),
            (("read_iops", "riops"), throttleReadIOPSDevice), (("write_iops", "wiops"), throttleWriteIOPSDevice),
        ]
    }
}
