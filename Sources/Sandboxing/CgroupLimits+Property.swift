internal import HostSystem

extension Cgroup.Setting {
    /// The JSON pointer of the property that the value comes from.
    var property: String {
        isOfUnifiedMap ? "/linux/resources/unified/\(Failure.pointerPart(file))" : "/linux/resources/\(place)"
    }

    private var place: String {
        switch controller {
        case "memory": "memory/\(Self.memory[file] ?? "")"
        case "cpu": file == "cpu.max" && value.hasPrefix("max") ? "cpu/period" : "cpu/\(Self.processors[file] ?? "")"
        case "cpuset": file == "cpuset.cpus" ? "cpu/cpus" : "cpu/mems"
        case "pids": "pids/limit"
        case "hugetlb": "hugepageLimits"
        case "net_cls": "network/classID"
        case "net_prio": "network/priorities"
        case "blkio", "io": "blockIO/\(Self.block.first { file.hasSuffix($0.file) }?.property ?? "")"
        default: controller
        }
    }

    private static let memory = [
        "memory.limit_in_bytes": "limit", "memory.max": "limit", "memory.memsw.limit_in_bytes": "swap",
        "memory.swap.max": "swap", "memory.soft_limit_in_bytes": "reservation", "memory.low": "reservation",
        "memory.swappiness": "swappiness", "memory.oom_control": "disableOOMKiller",
    ]

    private static let processors = [
        "cpu.shares": "shares", "cpu.weight": "shares", "cpu.idle": "idle", "cpu.cfs_period_us": "period",
        "cpu.cfs_quota_us": "quota", "cpu.max": "quota", "cpu.cfs_burst_us": "burst", "cpu.max.burst": "burst",
        "cpu.rt_period_us": "realtimePeriod", "cpu.rt_runtime_us": "realtimeRuntime",
    ]

    /// By the end of the file's name, the longer ones first.
    private static let block: [(file: String, property: String)] = [
        ("weight_device", "weightDevice"), ("leaf_weight", "leafWeight"), ("weight", "weight"),
        ("read_bps_device", "throttleReadBpsDevice"), ("write_bps_device", "throttleWriteBpsDevice"),
        ("read_iops_device", "throttleReadIOPSDevice"), ("write_iops_device", "throttleWriteIOPSDevice"),
        // One file for the four of them.
        ("io.max", "throttleReadBpsDevice"),
    ]
}
