public import HostSystem

/// The limits of a cgroup. See runtime-spec config-linux.md, control groups. nil leaves the kernel's value alone.
public struct Resources: Equatable, Sendable {
    /// Which devices may be used, applied in order.
    public var devices: [DeviceRule] = []
    /// Memory.
    public var memory: MemoryResources?
    /// Processor time.
    public var cpu: CPUResources?
    /// Number of processes.
    public var pids: PidsResources?
    /// Block devices.
    public var blockIO: BlockIOResources?
    /// Huge pages, by page size.
    public var hugepageLimits: [HugepageLimit] = []
    /// Tags and priorities of network traffic (cgroup v1).
    public var network: NetworkResources?
    /// RDMA devices.
    public var rdma: [RDMALimit] = []
    /// Files of cgroup v2 and what to write into them.
    public var unified = StringMap()

    /// No limits.
    public init() {}

    /// Decodes a document that is resources alone, such as `update --resources` takes.
    public static func decode(_ json: JSONValue, named document: String) throws(SpecError) -> Resources {
        try Resources(SpecCursor(json, at: .document(document), section: section))
    }
}

extension Resources: SpecObject {
    static let section = "config-linux.md#control-groups"

    init(_ object: SpecCursor) throws(SpecError) {
        devices = try object.children("devices")
        memory = try object.child("memory")
        cpu = try object.child("cpu")
        pids = try object.child("pids")
        blockIO = try object.child("blockIO")
        hugepageLimits = try object.children("hugepageLimits")
        network = try object.child("network")
        rdma = try object.children(named: "rdma")
        unified = try object.stringMap("unified", section: "config-linux.md#unified")
    }
}

/// One entry of the device list. See runtime-spec config-linux.md, allowed device list.
public struct DeviceRule: Equatable, Sendable {
    /// A kind of device.
    public enum Kind: String, CaseIterable, Sendable, SpecWord {
        case all = "a"
        case character = "c"
        case block = "b"

        static let noun = "device type"
    }

    /// Whether it allows or denies.
    public var allow: Bool
    /// The kind; absent in the document is `all`.
    public var type = Kind.all
    /// The major number; nil is every one. Engines also write -1 for that, which decodes as nil.
    public var major: Int64?
    /// The minor number; nil is every one.
    public var minor: Int64?
    /// Of `r`, `w` and `m` (mknod); absent in the document means all three where everything is meant.
    public var access: String?

    /// A rule for all devices.
    public init(allow: Bool, access: String? = nil) {
        self.allow = allow
        self.access = access
    }
}

extension DeviceRule: SpecObject {
    static let section = "config-linux.md#allowed-device-list"

    init(_ object: SpecCursor) throws(SpecError) {
        allow = try object.required("allow", object.bool("allow"))
        type = try object.word("type") ?? .all
        major = try DeviceRule.number("major", of: object)
        minor = try DeviceRule.number("minor", of: object)
        access = try object.string("access")
        if let access, !access.utf8.allSatisfy("rwm".utf8.contains) {
            throw object.error("access", "'\(access)' has letters other than r, w and m")
        }
    }

    private static func number(_ key: String, of object: SpecCursor) throws(SpecError) -> Int64? {
        let number: Int64? = try object.integer(key)
        return number == -1 ? nil : number
    }
}

/// Memory limits in bytes; -1 is unlimited. See runtime-spec config-linux.md, memory.
public struct MemoryResources: Equatable, Sendable {
    /// The limit.
    public var limit: Int64?
    /// The soft limit.
    public var reservation: Int64?
    /// The limit of memory and swap together.
    public var swap: Int64?
    /// The limit of kernel memory; kernels no longer have it.
    public var kernel: Int64?
    /// The limit of kernel memory for TCP buffers; kernels no longer have it.
    public var kernelTCP: Int64?
    /// How eagerly the kernel swaps, 0 to 100 (cgroup v1).
    public var swappiness: UInt64?
    /// Whether processes wait instead of being killed when memory is short (cgroup v1).
    public var disableOOMKiller: Bool?
    /// Whether the limit holds for child cgroups too (cgroup v1); kernels no longer have a choice.
    public var useHierarchy: Bool?
    /// Whether an update below the current usage is refused.
    public var checkBeforeUpdate: Bool?

    /// No limits.
    public init() {}
}

extension MemoryResources: SpecObject {
    static let section = "config-linux.md#memory"

    init(_ object: SpecCursor) throws(SpecError) {
        limit = try object.integer("limit")
        reservation = try object.integer("reservation")
        swap = try object.integer("swap")
        kernel = try object.integer("kernel")
        kernelTCP = try object.integer("kernelTCP")
        swappiness = try object.integer("swappiness")
        disableOOMKiller = try object.bool("disableOOMKiller")
        useHierarchy = try object.bool("useHierarchy")
        checkBeforeUpdate = try object.bool("checkBeforeUpdate")
    }
}

/// Processor limits; times in microseconds. See runtime-spec config-linux.md, CPU.
public struct CPUResources: Equatable, Sendable {
    /// The share relative to other cgroups, as in cgroup v1: 1024 is one share.
    public var shares: UInt64?
    /// Time per period; -1 is unlimited.
    public var quota: Int64?
    /// Unused quota that may be carried over.
    public var burst: UInt64?
    /// The period.
    public var period: UInt64?
    /// Realtime tasks' time per period (cgroup v1).
    public var realtimeRuntime: Int64?
    /// Realtime tasks' period (cgroup v1).
    public var realtimePeriod: UInt64?
    /// The processors as a list: `0-3,7`.
    public var cpus: String?
    /// The memory nodes as a list.
    public var mems: String?
    /// 1 runs the cgroup only when nothing else wants to.
    public var idle: Int64?

    /// No limits.
    public init() {}
}

extension CPUResources: SpecObject {
    static let section = "config-linux.md#cpu"

    init(_ object: SpecCursor) throws(SpecError) {
        shares = try object.integer("shares")
        quota = try object.integer("quota")
        burst = try object.integer("burst")
        period = try object.integer("period")
        realtimeRuntime = try object.integer("realtimeRuntime")
        realtimePeriod = try object.integer("realtimePeriod")
        cpus = try object.string("cpus")
        mems = try object.string("mems")
        idle = try object.integer("idle")
    }
}

/// The number of processes. See runtime-spec config-linux.md, PIDs.
public struct PidsResources: Equatable, Sendable {
    /// How many; 0 or less is unlimited.
    public var limit: Int64?

    /// A limit.
    public init(limit: Int64? = nil) {
        self.limit = limit
    }
}

extension PidsResources: SpecObject {
    static let section = "config-linux.md#pids"

    init(_ object: SpecCursor) throws(SpecError) {
        limit = try object.integer("limit")
    }
}

/// A limit of huge pages. See runtime-spec config-linux.md, huge page limits.
public struct HugepageLimit: Equatable, Sendable {
    /// The page size as the kernel names it: `2MB`.
    public var pageSize: String
    /// Bytes.
    public var limit: UInt64

    /// A limit for one page size.
    public init(pageSize: String, limit: UInt64) {
        self.pageSize = pageSize
        self.limit = limit
    }
}

extension HugepageLimit: SpecObject {
    static let section = "config-linux.md#huge-page-limits"

    init(_ object: SpecCursor) throws(SpecError) {
        pageSize = try object.requiredString("pageSize")
        limit = try object.required("limit", object.integer("limit"))
        let digits = pageSize.utf8.prefix { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
        let unit = String(pageSize.dropFirst(digits.count))
        guard let first = digits.first, first != UInt8(ascii: "0"), ["KB", "MB", "GB"].contains(unit) else {
            throw object.error("pageSize", "'\(pageSize)' is not a page size such as 64KB, 2MB or 1GB")
        }
    }
}
