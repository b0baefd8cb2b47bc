/// Limits of block devices. See runtime-spec config-linux.md, block IO.
public struct BlockIOResources: Equatable, Sendable {
    /// The share relative to other cgroups, 10 to 1000.
    public var weight: UInt16?
    /// The share relative to child cgroups, 10 to 1000 (cgroup v1).
    public var leafWeight: UInt16?
    /// Shares of single devices.
    public var weightDevice: [WeightDevice] = []
    /// Bytes per second that may be read.
    public var throttleReadBpsDevice: [ThrottleDevice] = []
    /// Bytes per second that may be written.
    public var throttleWriteBpsDevice: [ThrottleDevice] = []
    /// Reads per second.
    public var throttleReadIOPSDevice: [ThrottleDevice] = []
    /// Writes per second.
    public var throttleWriteIOPSDevice: [ThrottleDevice] = []

    /// No limits.
    public init() {}
}

extension BlockIOResources: SpecObject {
    static let section = "config-linux.md#block-io"

    init(_ object: SpecCursor) throws(SpecError) {
        weight = try object.integer("weight")
        leafWeight = try object.integer("leafWeight")
        weightDevice = try object.children("weightDevice")
        throttleReadBpsDevice = try object.children("throttleReadBpsDevice")
        throttleWriteBpsDevice = try object.children("throttleWriteBpsDevice")
        throttleReadIOPSDevice = try object.children("throttleReadIOPSDevice")
        throttleWriteIOPSDevice = try object.children("throttleWriteIOPSDevice")
    }
}

/// The share of one block device.
public struct WeightDevice: Equatable, Sendable {
    /// The device's major number.
    public var major: Int64
    /// The device's minor number.
    public var minor: Int64
    /// As `BlockIOResources.weight`.
    public var weight: UInt16?
    /// As `BlockIOResources.leafWeight`.
    public var leafWeight: UInt16?

    /// A share of a device.
    public init(major: Int64, minor: Int64, weight: UInt16?, leafWeight: UInt16? = nil) {
        self.major = major
        self.minor = minor
        self.weight = weight
        self.leafWeight = leafWeight
    }
}

extension WeightDevice: SpecObject {
    static let section = "config-linux.md#block-io"

    init(_ object: SpecCursor) throws(SpecError) {
        major = try object.required("major", object.integer("major"))
        minor = try object.required("minor", object.integer("minor"))
        weight = try object.integer("weight")
        leafWeight = try object.integer("leafWeight")
        guard weight != nil || leafWeight != nil else { throw object.error("needs weight or leafWeight") }
    }
}

/// The rate limit of one block device.
public struct ThrottleDevice: Equatable, Sendable {
    /// The device's major number.
    public var major: Int64
    /// The device's minor number.
    public var minor: Int64
    /// Bytes or accesses per second.
    public var rate: UInt64

    /// A rate limit of a device.
    public init(major: Int64, minor: Int64, rate: UInt64) {
        self.major = major
        self.minor = minor
        self.rate = rate
    }
}

extension ThrottleDevice: SpecObject {
    static let section = "config-linux.md#block-io"

    init(_ object: SpecCursor) throws(SpecError) {
        major = try object.required("major", object.integer("major"))
        minor = try object.required("minor", object.integer("minor"))
        rate = try object.required("rate", object.integer("rate"))
    }
}

/// Tags and priorities of network traffic (cgroup v1). See runtime-spec config-linux.md, network.
public struct NetworkResources: Equatable, Sendable {
    /// The class of traffic, for tc(8).
    public var classID: UInt32?
    /// Priorities by interface.
    public var priorities: [InterfacePriority] = []

    /// Neither.
    public init() {}
}

extension NetworkResources: SpecObject {
    static let section = "config-linux.md#network"

    init(_ object: SpecCursor) throws(SpecError) {
        classID = try object.integer("classID")
        priorities = try object.children("priorities")
    }
}

/// The priority of traffic through one interface.
public struct InterfacePriority: Equatable, Sendable {
    /// The interface's name in the runtime's network namespace.
    public var name: String
    /// The priority.
    public var priority: UInt32

    /// A priority of one interface.
    public init(name: String, priority: UInt32) {
        self.name = name
        self.priority = priority
    }
}

extension InterfacePriority: SpecObject {
    static let section = "config-linux.md#network"

    init(_ object: SpecCursor) throws(SpecError) {
        name = try object.requiredString("name")
        priority = try object.required("priority", object.integer("priority"))
    }
}

/// Limits of one RDMA device. See runtime-spec config-linux.md, RDMA.
public struct RDMALimit: Equatable, Sendable {
    /// The device's name.
    public var device: String
    /// How many handles may be open.
    public var hcaHandles: UInt32?
    /// How many objects may be made.
    public var hcaObjects: UInt32?

    /// Limits of a device.
    public init(device: String, hcaHandles: UInt32?, hcaObjects: UInt32?) {
        self.device = device
        self.hcaHandles = hcaHandles
        self.hcaObjects = hcaObjects
    }
}

extension RDMALimit: NamedSpecObject {
    static let section = "config-linux.md#rdma"

    init(_ name: String, _ object: SpecCursor) throws(SpecError) {
        device = name
        hcaHandles = try object.integer("hcaHandles")
        hcaObjects = try object.integer("hcaObjects")
        guard hcaHandles != nil || hcaObjects != nil else { throw object.error("needs hcaHandles or hcaObjects") }
    }
}
