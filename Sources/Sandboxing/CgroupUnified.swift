internal import HostSystem
internal import OCISpec

extension Cgroup {
    /// The limits as version 2 takes them. See the kernel's cgroup-v2 document.
    static func unifiedSettings(_ resources: Resources) -> [Setting] {
        var settings = SettingList()
        unifiedMemory(resources.memory, &settings)
        unifiedProcessors(resources.cpu, &settings)
        // A container has a process: 0 is 1, as with runc 1.4.
        if let limit = resources.pids?.limit { settings.add("pids", "pids.max", bytes(limit == 0 ? 1 : limit)) }
        unifiedBlock(resources.blockIO, &settings)
        for limit in resources.hugepageLimits {
            settings.add("hugetlb", "hugetlb.\(limit.pageSize).max", limit.limit)
            // What is reserved counts from Linux 5.7 on, apart from what is used.
            settings.add("hugetlb", "hugetlb.\(limit.pageSize).rsvd.max", limit.limit)
            settings.last { $0.isOptional = true }
        }
        rdma(resources.rdma, &settings)
        for (file, value) in resources.unified {
            settings.add(String(file.prefix { $0 != "." }), file, value)
            settings.last { $0.isOfUnifiedMap = true }
        }
        return settings.list
    }

    private static func bytes(_ value: Int64) -> String { value < 0 ? "max" : "\(value)" }

    private static func unifiedMemory(_ memory: MemoryResources?, _ settings: inout SettingList) {
        guard let memory else { return }
        if let swap = swapAlone(memory) {
            settings.add("memory", "memory.swap.max", swap)
            // A kernel that counts no swap has none to limit.
            settings.last { $0.isOptional = swap == "max" || swap == "0" }
        }
        settings.add("memory", "memory.max", nonZero(memory.limit).map(bytes))
        settings.add("memory", "memory.low", nonZero(memory.reservation).map(bytes))
    }

    /// Version 2 limits swap alone, config.json memory and swap together.
    private static func swapAlone(_ memory: MemoryResources) -> String? {
        let limit = memory.limit ?? 0
        guard let swap = memory.swap, swap != 0 else { return limit < 0 ? "max" : nil }
        if swap < 0 { return "max" }
        return limit < 0 ? "\(swap)" : "\(max(0, swap - limit))"
    }

    private static func unifiedProcessors(_ cpu: CPUResources?, _ settings: inout SettingList) {
        guard let cpu else { return }
        // A group that is idle takes no weight.
        if cpu.idle == 0 { settings.add("cpu", "cpu.idle", 0) }
        settings.add("cpu", "cpu.weight", nonZero(cpu.shares).map(weight(shares:)))
        if let idle = cpu.idle, idle != 0 { settings.add("cpu", "cpu.idle", idle) }
        // Not above the quota: with a new one that is higher, after it.
        settings.add("cpu", "cpu.max.burst", cpu.burst)
        settings.last { $0.mayWait = true }
        if let quota = nonZero(cpu.quota) {
            // Without a period the kernel keeps the one it has, 100 ms at first.
            let period = nonZero(cpu.period).map { " \($0)" } ?? ""
            settings.add("cpu", "cpu.max", bytes(quota) + period)
        } else if let period = nonZero(cpu.period) {
            settings.add("cpu", "cpu.max", "max \(period)")
        }
        settings.add("cpuset", "cpuset.cpus", nonEmpty(cpu.cpus))
        settings.add("cpuset", "cpuset.mems", nonEmpty(cpu.mems))
    }

    private static func unifiedBlock(_ block: BlockIOResources?, _ settings: inout SettingList) {
        guard let block else { return }
        func add(_ prefix: String, _ weight: UInt16?) {
            guard let weight = nonZero(weight) else { return }
            settings.add("io", "io.bfq.weight", "\(prefix)\(weight)")
            settings.last { $0.fallback = ("io.weight", "\(prefix)\(ioWeight(weight))") }
        }
        add("", block.weight)
        for device in block.weightDevice { add("\(device.major):\(device.minor) ", device.weight) }
        for (name, devices) in block.throttles {
            for device in devices {
                settings.add("io", "io.max", "\(device.major):\(device.minor) \(name.unified)=\(device.rate)")
            }
        }
    }

    /// Version 1's 2 to 262144 shares as version 2's weight of 1 to 10000, their defaults 1024 and 100 included.
    ///
    /// The formula of runc from 1.3.2 and crun from 1.23 on, an exponential that fits the three. Before, both scaled
    /// linearly, which made the default 39.
    static func weight(shares: UInt64) -> UInt64 {
        guard shares > 2 else { return 1 }
        guard shares < 262_144 else { return 10_000 }
        let exponent = binaryLogarithm(Double(shares))
        return UInt64(power(10, (exponent * exponent + 125 * exponent) / 612 - 7.0 / 34).rounded(.up))
    }

    /// The BFQ scheduler's weight of 10 to 1000 as `io.weight` of 1 to 10000, linear as in runc and crun.
    static func ioWeight(_ weight: UInt16) -> UInt64 {
        1 + (UInt64(min(max(weight, 10), 1000)) - 10) * 9999 / 990
    }

    /// What version 2 calls a controller of version 1.
    static func unifiedName(_ controller: String) -> String { controller == "blkio" ? "io" : controller }
}
