internal import HostSystem

/// Figures of version 1. See the kernel's cgroup-v1 documents.
extension CgroupStatistics {
    var legacyProcessors: JSONValue {
        let account = place("cpuacct")
        var usage = JSONObject()
        usage.add("total", account.number("cpuacct.usage"))
        if let each = account.numbers("cpuacct.usage_percpu") { usage["percpu"] = .array(each) }
        // The first line is a heading: cpu user system.
        let rows = account.text("cpuacct.usage_all").split(separator: "\n").dropFirst()
            .map { $0.split(separator: " ").compactMap { UInt64($0) } }.filter { $0.count >= 3 }
        if !rows.isEmpty {
            usage["percpu_kernel"] = .array(rows.map { JSONValue($0[2]) })
            usage["percpu_user"] = .array(rows.map { JSONValue($0[1]) })
        }
        // In clock ticks, of which Linux shows 100 a second on every machine.
        let ticks = account.table("cpuacct.stat").mapValues { $0 * 10_000_000 }
        usage["kernel"] = JSONValue(ticks["system"] ?? 0)
        usage["user"] = JSONValue(ticks["user"] ?? 0)
        let statistics = place("cpu").table("cpu.stat")
        return [
            "usage": .object(usage),
            "throttling": throttling(statistics, time: statistics["throttled_time"] ?? 0),
        ]
    }

    func throttling(_ statistics: [String: UInt64], time: UInt64) -> JSONValue {
        var object = JSONObject()
        object.add("periods", statistics["nr_periods"] ?? 0)
        object.add("throttledPeriods", statistics["nr_throttled"] ?? 0)
        object.add("throttledTime", time)
        return .object(object)
    }

    var legacyMemory: JSONValue {
        let files = place("memory")
        let statistics = files.table("memory.stat")
        var object = JSONObject()
        object.add("cache", statistics["cache"] ?? 0)
        for (key, part) in [("usage", ""), ("swap", "memsw."), ("kernel", "kmem."), ("kernelTCP", "kmem.tcp.")] {
            object[key] = Self.memoryEntry(
                limit: files.number("memory.\(part)limit_in_bytes"),
                usage: files.number("memory.\(part)usage_in_bytes"),
                max: files.number("memory.\(part)max_usage_in_bytes"), failures: files.number("memory.\(part)failcnt"))
        }
        object["raw"] = Self.raw(statistics)
        return .object(object)
    }

    static func memoryEntry(limit: UInt64, usage: UInt64, max: UInt64, failures: UInt64) -> JSONValue {
        var entry: JSONObject = ["limit": JSONValue(limit)]
        entry.add("usage", usage)
        entry.add("max", max)
        entry["failcnt"] = JSONValue(failures)
        return .object(entry)
    }

    /// In the order of the names, as Go writes it.
    static func raw(_ statistics: [String: UInt64]) -> JSONValue {
        .object(JSONObject(statistics.sorted { $0.key < $1.key }.map { (key: $0.key, value: JSONValue($0.value)) }))
    }

    /// The kinds of figures in the order of their members, with the words that files have for them.
    private static let blockFigures = [
        ("ioServiceBytesRecursive", "io_service_bytes"), ("ioServicedRecursive", "io_serviced"),
        ("ioQueueRecursive", "io_queued"), ("ioServiceTimeRecursive", "io_service_time"),
        ("ioWaitTimeRecursive", "io_wait_time"), ("ioMergedRecursive", "io_merged"), ("ioTimeRecursive", "time"),
        ("sectorsRecursive", "sectors"),
    ]

    /// Each scheduler has files of its own, and those of another are there, too, but without figures: the first that
    /// have any count.
    var legacyBlock: JSONValue {
        let files = place("blkio")
        var object = JSONObject()
        for (member, figure) in Self.blockFigures {
            let names = [
                "blkio.bfq.\(figure)_recursive", "blkio.\(figure)_recursive", "blkio.throttle.\(figure)_recursive",
                "blkio.throttle.\(figure)",
            ]
            for name in names {
                let entries = Self.blockEntries(files.text(name))
                guard !entries.isEmpty else { continue }
                object[member] = .array(entries)
                break
            }
        }
        return .object(object)
    }

    /// Lines such as `8:0 Read 1282048` or `8:0 6792`; the total of all devices is left out.
    private static func blockEntries(_ text: String) -> [JSONValue] {
        text.split(separator: "\n").compactMap { line in
            let fields = line.split { $0 == " " || $0 == ":" }
            guard fields.count >= 3, let value = fields.last.flatMap({ UInt64($0) }) else { return nil }
            return blockEntry(fields[0], fields[1], operation: fields.count > 3 ? String(fields[2]) : "", value)
        }
    }

    static func blockEntry(_ major: Substring, _ minor: Substring, operation: String, _ value: UInt64) -> JSONValue {
        var entry = JSONObject()
        entry.add("major", UInt64(major) ?? 0)
        entry.add("minor", UInt64(minor) ?? 0)
        if !operation.isEmpty { entry["op"] = .string(operation) }
        entry.add("value", value)
        return .object(entry)
    }
}
