internal import HostSystem

/// Figures of version 2. See the kernel's cgroup-v2 document and, for pressure, psi.
extension CgroupStatistics {
    var unifiedProcessors: JSONValue {
        let files = place("cpu")
        let statistics = files.table("cpu.stat")
        func nanoseconds(_ key: String) -> UInt64 { (statistics[key] ?? 0) * 1000 }
        var usage = JSONObject()
        usage.add("total", nanoseconds("usage_usec"))
        usage["kernel"] = JSONValue(nanoseconds("system_usec"))
        usage["user"] = JSONValue(nanoseconds("user_usec"))
        var object: JSONObject = [
            "usage": .object(usage),
            "throttling": throttling(statistics, time: nanoseconds("throttled_usec")),
        ]
        object["psi"] = files.pressure("cpu.pressure")
        return .object(object)
    }

    /// Version 1 counts memory and swap together, and so does this layout.
    var unifiedMemory: JSONValue {
        let files = place("memory")
        let statistics = files.table("memory.stat")
        let usage = files.number("memory.current")
        let limit = files.number("memory.max")
        let swapLimit = files.number("memory.swap.max")
        let bothLimits = swapLimit == .max || limit == .max ? UInt64.max : limit + swapLimit
        let none = Self.memoryEntry(limit: 0, usage: 0, max: 0, failures: 0)
        var object = JSONObject()
        object.add("cache", statistics["file"] ?? 0)
        object["usage"] = Self.memoryEntry(limit: limit, usage: usage, max: files.number("memory.peak"), failures: 0)
        object["swap"] =
            files.has("memory.swap.current")
            ? Self.memoryEntry(
                limit: bothLimits, usage: usage + files.number("memory.swap.current"), max: 0, failures: 0) : none
        object["kernel"] = none
        object["kernelTCP"] = none
        object["raw"] = Self.raw(statistics)
        object["psi"] = files.pressure("memory.pressure")
        return .object(object)
    }

    /// Lines such as `8:0 rbytes=180224 wbytes=0 rios=3 wios=0`.
    var unifiedBlock: JSONValue {
        let files = place("io")
        var bytes = [JSONValue]()
        var operations = [JSONValue]()
        for line in files.text("io.stat").split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard let device = fields.first?.split(separator: ":"), device.count == 2 else { continue }
            for field in fields.dropFirst() {
                let parts = field.split(separator: "=")
                guard parts.count == 2, let value = UInt64(parts[1]) else { continue }
                let operation = parts[0].hasPrefix("r") ? "Read" : "Write"
                let entry = Self.blockEntry(device[0], device[1], operation: operation, value)
                switch parts[0] {
                case "rbytes", "wbytes": bytes.append(entry)
                case "rios", "wios": operations.append(entry)
                default: break
                }
            }
        }
        var object = JSONObject()
        if !bytes.isEmpty { object["ioServiceBytesRecursive"] = .array(bytes) }
        if !operations.isEmpty { object["ioServicedRecursive"] = .array(operations) }
        object["psi"] = files.pressure("io.pressure")
        return .object(object)
    }
}

extension CgroupFiles {
    /// How long processes had to wait for a resource: lines such as `some avg10=0.00 avg60=0.00 avg300=0.00 total=0`.
    /// nil where the kernel does not count that.
    func pressure(_ name: String) -> JSONValue? {
        var object: JSONObject = ["some": Self.noPressure, "full": Self.noPressure]
        let lines = text(name).split(separator: "\n")
        for line in lines {
            let fields = line.split(separator: " ")
            var figures = JSONObject()
            for field in fields.dropFirst() {
                let parts = field.split(separator: "=")
                guard parts.count == 2 else { continue }
                figures[String(parts[0])] =
                    parts[0] == "total" ? JSONValue(UInt64(parts[1]) ?? 0) : .number(Double(parts[1]) ?? 0)
            }
            if let kind = fields.first { object[String(kind)] = .object(figures) }
        }
        return lines.isEmpty ? nil : .object(object)
    }

    private static let noPressure: JSONValue = ["avg10": 0, "avg60": 0, "avg300": 0, "total": 0]
}
