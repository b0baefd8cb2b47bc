public import HostSystem

/// What a container uses of each resource, as its cgroups count it, in the layout of runc's `events`.
///
/// Times are in nanoseconds, sizes in bytes. Members that would be 0 are left out where runc does so; engines read them
/// as 0.
public struct CgroupStatistics {
    let cgroup: Cgroup

    /// Takes the directories in which a container's processes are, as its record has them.
    public init(of directories: [String]) { cgroup = Cgroup(existing: directories) }

    /// The value of `data` in an event of type `stats`.
    ///
    /// - Throws: ``HostSystem/HostError`` when the cgroups are gone.
    public func document() throws(HostError) -> JSONValue {
        for directory in cgroup.directories { _ = try status(of: directory) }
        return [
            "cpu": cgroup.isUnified ? unifiedProcessors : legacyProcessors,
            "cpuset": cpuset,
            "memory": cgroup.isUnified ? unifiedMemory : legacyMemory,
            "pids": pids,
            "blkio": cgroup.isUnified ? unifiedBlock : legacyBlock,
            "hugetlb": hugePages,
            // Neither resctrl groups nor interfaces of a container's own are made.
            "intel_rdt": [:],
            "network_interfaces": .null,
        ]
    }

    /// Where a controller of version 1 counts, or the only directory of version 2.
    func place(_ controller: String) -> CgroupFiles {
        let directory = cgroup.places.first { cgroup.isUnified || $0.controllers.contains(controller) }?.directory
        return CgroupFiles(directory: directory)
    }

    private var pids: JSONValue {
        let files = place("pids")
        var object = JSONObject()
        object.add("current", files.number("pids.current"))
        // runc's 0 for no limit.
        object.add("limit", files.limit("pids.max"))
        return .object(object)
    }

    private var cpuset: JSONValue {
        let files = place("cpuset")
        var object = JSONObject()
        let suffix = cgroup.isUnified ? ".effective" : ""
        if let processors = files.list("cpuset.cpus\(suffix)") { object["cpus"] = .array(processors) }
        object["cpu_exclusive"] = JSONValue(files.number("cpuset.cpu_exclusive"))
        if let nodes = files.list("cpuset.mems\(suffix)") { object["mems"] = .array(nodes) }
        for name in [
            "mem_hardwall", "mem_exclusive", "memory_migrate", "memory_spread_page", "memory_spread_slab",
            "memory_pressure", "sched_load_balance",
        ] {
            object[name] = JSONValue(files.number("cpuset.\(name)"))
        }
        object["sched_relax_domain_level"] = JSONValue(Int64(files.text("cpuset.sched_relax_domain_level")) ?? 0)
        return .object(object)
    }

    private var hugePages: JSONValue {
        var object = JSONObject()
        let place = cgroup.places.first { cgroup.isUnified || $0.controllers.contains("hugetlb") }
        let files = CgroupFiles(directory: place?.directory)
        for size in files.hugePageSizes {
            // What is reserved includes what is used, on kernels that count it.
            let reserved = "hugetlb.\(size).rsvd."
            let prefix =
                files.has("\(reserved)current") || files.has("\(reserved)usage_in_bytes")
                ? reserved : "hugetlb.\(size)."
            var entry = JSONObject()
            entry.add("usage", files.number("\(prefix)usage_in_bytes") + files.number("\(prefix)current"))
            entry.add("max", files.number("\(prefix)max_usage_in_bytes"))
            entry["failcnt"] = JSONValue(
                files.number("\(prefix)failcnt") + (files.table("hugetlb.\(size).events")["max"] ?? 0))
            object[size] = .object(entry)
        }
        return .object(object)
    }
}

/// The files of one cgroup directory; one that is not there counts as 0.
struct CgroupFiles {
    let directory: String?

    /// A file's content without the line feed at its end; empty where there is none.
    func text(_ name: String) -> String {
        guard let directory, let text = try? readText("\(directory)/\(name)") else { return "" }
        return text.hasSuffix("\n") ? String(text.dropLast()) : text
    }

    func has(_ name: String) -> Bool { directory.map { exists("\($0)/\(name)") } ?? false }

    /// A number; for `max` the greatest there is, as runc has it.
    func number(_ name: String) -> UInt64 { Self.number(text(name)) }

    /// A limit; 0 for none.
    func limit(_ name: String) -> UInt64 {
        let limit = number(name)
        return limit == .max ? 0 : limit
    }

    /// Lines of a word and a number.
    func table(_ name: String) -> [String: UInt64] {
        var table = [String: UInt64]()
        for line in text(name).split(separator: "\n") {
            let fields = line.split(separator: " ")
            if fields.count == 2 { table[String(fields[0])] = Self.number(fields[1]) }
        }
        return table
    }

    /// The numbers of a line, in order; nil when there are none.
    func numbers(_ name: String) -> [JSONValue]? {
        let found = text(name).split(whereSeparator: \.isWhitespace).compactMap { UInt64($0) }
        return found.isEmpty ? nil : found.map { JSONValue($0) }
    }

    /// A list such as `0-2,5`, spelled out; nil when it is empty.
    func list(_ name: String) -> [JSONValue]? {
        var found = [JSONValue]()
        for part in text(name).split(separator: ",") {
            let ends = part.split(separator: "-").compactMap { UInt16($0) }
            guard let first = ends.first, let last = ends.last, first <= last else { continue }
            found += (first...last).map { JSONValue($0) }
        }
        return found.isEmpty ? nil : found
    }

    /// The sizes for which there are files of the hugetlb controller, as `2MB`.
    var hugePageSizes: [String] {
        guard let directory, let opened = try? open(directory, flags: .directory),
            let names = try? entries(of: opened.raw, named: directory).map(\.name)
        else { return [] }
        return Set(
            names.compactMap { name in
                let parts = name.split(separator: ".")
                return parts.count > 2 && parts[0] == "hugetlb" ? String(parts[1]) : nil
            }
        ).sorted()
    }

    private static func number(_ text: some StringProtocol) -> UInt64 {
        // A negative number is an unsigned one that version 1 shows as signed.
        UInt64(text) ?? (text == "max" ? .max : 0)
    }
}

extension JSONObject {
    /// Adds a number unless it is 0.
    mutating func add(_ key: String, _ value: UInt64) {
        if value != 0 { self[key] = JSONValue(value) }
    }
}
