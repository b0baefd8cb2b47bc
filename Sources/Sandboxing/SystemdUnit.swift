internal import HostSystem
public import OCISpec
internal import ServiceManager

/// The systemd scope in which a container's processes are, where systemd makes the cgroups.
///
/// See systemd.scope(5), and "The New Control Group Interfaces" of systemd's documentation.
public struct SystemdUnit: Equatable, Sendable {
    /// The scope's name: `docker-ID.scope`.
    public let name: String
    /// The slice that it is in: `system.slice`.
    let slice: String

    /// From `linux.cgroupsPath`, which is `SLICE:PREFIX:NAME` here; the defaults are runc's but for the prefix.
    ///
    /// - Throws: ``OCISpec/SpecError`` when it is of another form.
    init(path: String?, id: String) throws(SpecError) {
        let parts = (path ?? "").split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        let byDefault = effectiveUser() == 0 ? "system.slice" : "user.slice"
        guard let path, !path.isEmpty else {
            (name, slice) = ("swiftlet-\(id).scope", byDefault)
            return
        }
        func refuse(_ reason: String) -> SpecError {
            SpecError(pointer: "/linux/cgroupsPath", reason: reason, section: "config-linux.md#cgroups-path")
        }
        guard parts.count == 3 else {
            throw refuse(
                "expected cgroupsPath to be of format \"slice:prefix:name\" for systemd cgroups, got \"\(path)\" instead"
            )
        }
        guard parts.allSatisfy({ !$0.contains("/") }), !parts[2].isEmpty else {
            throw refuse("'\(path)' is no unit's name")
        }
        guard !parts[2].hasSuffix(".slice") else { throw refuse("a container's unit cannot be a slice") }
        slice = parts[0].isEmpty ? byDefault : parts[0]
        guard slice == "-.slice" || Self.expand(slice: slice) != nil else {
            throw refuse("invalid slice name: \(slice)")
        }
        name = (parts[1].isEmpty ? "" : "\(parts[1])-") + "\(parts[2]).scope"
    }

    /// The path of the scope's cgroup below systemd's own.
    var cgroup: String { (Self.expand(slice: slice) ?? "") + "/\(name)" }

    /// A slice is in the slices that its name begins with: `a-b.slice` is `/a.slice/a-b.slice`. See systemd.slice(5).
    static func expand(slice: String) -> String? {
        guard slice.hasSuffix(".slice") else { return nil }
        let parts = slice.dropLast(6).split(separator: "-", omittingEmptySubsequences: false)
        guard parts.allSatisfy({ !$0.isEmpty }) else { return nil }
        return parts.indices.map { "/" + parts[...$0].joined(separator: "-") + ".slice" }.joined()
    }

    /// What the scope is made with, for a container whose process 1 is `pid`.
    ///
    /// - Throws: ``OCISpec/SpecError`` for an annotation `org.systemd.property.NAME` that cannot be read.
    func properties(pid: Int32, id: String, _ spec: RuntimeSpec) throws(SpecError) -> [UnitProperty] {
        let accounting = ["MemoryAccounting", "CPUAccounting", "IOAccounting", "TasksAccounting"]
        return [
            UnitProperty("Description", .string("swiftlet container \(id)")),
            UnitProperty("Slice", .string(slice)),
            UnitProperty("Delegate", .bool(true)),
            // Gone from systemd's lists with its last process, however that ended.
            UnitProperty("CollectMode", .string("inactive-or-failed")),
            UnitProperty("PIDs", .numbers([UInt32(bitPattern: pid)])),
            // It must not be stopped before others, or wait for them.
            UnitProperty("DefaultDependencies", .bool(false)),
        ] + accounting.map { UnitProperty($0, .bool(true)) }
            + Self.limits(spec.linux?.resources ?? Resources()) + (try Self.annotated(spec.annotations))
    }
}

// MARK: limits

extension SystemdUnit {
    /// Limits as properties: systemd writes its own values into the unit's files whenever it looks after them, so it has to
    /// know. Device rules are not among them: the runtime's program stays in force beside systemd's.
    static func limits(_ resources: Resources) -> [UnitProperty] {
        Cgroup.unifiedSettings(resources).flatMap { limit($0.file, $0.value) }
    }

    private static func limit(_ file: String, _ value: String) -> [UnitProperty] {
        func number(_ name: String) -> [UnitProperty] {
            let number = value == "max" ? UInt64.max : UInt64(value)
            return number.map { [UnitProperty(name, .uint64($0))] } ?? []
        }
        switch file {
        case "memory.max": return number("MemoryMax")
        case "memory.high": return number("MemoryHigh")
        case "memory.low": return number("MemoryLow")
        case "memory.min": return number("MemoryMin")
        case "memory.swap.max": return number("MemorySwapMax")
        case "pids.max": return number("TasksMax")
        case "cpu.weight": return number("CPUWeight")
        case "cpu.max": return quota(value)
        case "cpuset.cpus": return set("AllowedCPUs", value)
        case "cpuset.mems": return set("AllowedMemoryNodes", value)
        default: return []
        }
    }

    /// systemd counts the time of one second, in steps of 10 ms; what is between is rounded up, as in runc.
    private static func quota(_ value: String) -> [UnitProperty] {
        let parts = value.split(separator: " ")
        let period = parts.count > 1 ? UInt64(parts[1]) ?? 100_000 : 100_000
        var second = UInt64.max
        if let quota = parts.first.flatMap({ UInt64($0) }), period > 0 {
            // More processors than there can be are no limit.
            let (product, isBeyond) = quota.multipliedReportingOverflow(by: 1_000_000)
            let used = product / period
            if !isBeyond && used < .max - 9999 { second = (used + 9999) / 10_000 * 10_000 }
        }
        return [
            UnitProperty("CPUQuotaPerSecUSec", .uint64(second)), UnitProperty("CPUQuotaPeriodUSec", .uint64(period)),
        ]
    }

    /// `0-2,5` as systemd takes it: bit N of the bytes, from the lowest, stands for number N.
    private static func set(_ name: String, _ list: String) -> [UnitProperty] {
        var bytes = [UInt8]()
        for range in list.split(separator: ",") {
            let ends = range.split(separator: "-").compactMap { Int($0) }
            guard let first = ends.first, let last = ends.last, first <= last, last < 1 << 16 else { return [] }
            for number in first...last {
                while bytes.count <= number / 8 { bytes.append(0) }
                bytes[number / 8] |= 1 << UInt8(number % 8)
            }
        }
        return bytes.isEmpty ? [] : [UnitProperty(name, .bytes(bytes))]
    }

    private static let prefix = "org.systemd.property."

    /// Properties that annotations name, with values in GVariant's text format; as with runc, `...Sec` is `...USec`.
    static func annotated(_ annotations: StringMap) throws(SpecError) -> [UnitProperty] {
        var found = [UnitProperty]()
        for (key, text) in annotations where key.hasPrefix(prefix) {
            var name = String(key.dropFirst(prefix.count))
            func refuse(_ reason: String) -> SpecError {
                SpecError(pointer: "/annotations/\(key)", reason: reason, section: "config.md#annotations")
            }
            guard !name.isEmpty, name.utf8.allSatisfy({ UInt8(ascii: "A")...UInt8(ascii: "z") ~= $0 && $0 | 32 >= 97 })
            else { throw refuse("'\(name)' is not the name of a systemd property") }
            guard var value = BusValue(text: text) else { throw refuse("cannot read the value '\(text)'") }
            if name.hasSuffix("Sec") && !name.hasSuffix("USec") {
                guard let seconds = value.seconds else { throw refuse("'\(text)' is not a number of seconds") }
                name = "\(name.dropLast(3))USec"
                value = .uint64(seconds)
            }
            found.append(UnitProperty(name, value))
        }
        return found
    }
}

extension BusValue {
    /// A number of seconds in microseconds.
    fileprivate var seconds: UInt64? {
        let value: Double
        switch self {
        case .byte(let number): value = Double(number)
        case .int32(let number): value = Double(number)
        case .uint32(let number): value = Double(number)
        case .int64(let number): value = Double(number)
        case .uint64(let number): value = Double(number)
        case .double(let number): value = number
        default: return nil
        }
        return value < 0 || value > 1e12 ? nil : UInt64(value * 1e6)
    }
}

// MARK: cgroups

extension Cgroup {
    /// Decides where the container's cgroups will be if systemd makes them; asks it, and makes nothing.
    ///
    /// - Throws: ``HostSystem/Failure`` when systemd does not run or the host has cgroup version 1.
    static func plan(unit: SystemdUnit) throws -> Cgroup {
        let manager = try ServiceManager()
        guard try CgroupLayout.detect().isUnified else {
            throw Failure("cannot use systemd for cgroups: it is supported with cgroup version 2 only")
        }
        let directory = "\(CgroupLayout.mountRoot)\(try manager.rootCgroup())\(unit.cgroup)"
        var cgroup = Cgroup(
            isUnified: true, places: [Place(directory: directory, controllers: [], isUnified: true)], missing: [])
        cgroup.unit = unit
        return cgroup
    }

    /// Has systemd make the unit around process `pid`, and sets the limits that systemd does not know.
    func start(_ unit: SystemdUnit, pid: Int32, id: String, _ spec: RuntimeSpec) throws {
        try ServiceManager().start(unit.name, try unit.properties(pid: pid, id: id, spec))
        var resources = spec.linux?.resources ?? Resources()
        if resources.devices.isEmpty { resources.devices = [DeviceRule(allow: false)] }
        try apply(resources)
    }

    /// Tells systemd of new limits of a container's unit; ``apply(_:)`` sets them.
    public static func announce(_ resources: Resources, toUnit name: String) throws {
        let limits = SystemdUnit.limits(resources)
        if !limits.isEmpty { try ServiceManager().set(name, limits) }
    }

    /// Has systemd forget a container's unit, whose processes are gone.
    public static func stopUnit(_ name: String) throws { try ServiceManager().stop(name) }
}
