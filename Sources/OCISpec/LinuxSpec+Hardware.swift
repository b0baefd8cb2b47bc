/// A kind of device file. See mknod(2).
public enum DeviceType: String, CaseIterable, Sendable, SpecWord {
    case character = "c"
    case block = "b"
    /// A character device under its old name.
    case unbuffered = "u"
    case fifo = "p"

    static let noun = "device type"
}

/// A device file to make in the container. See runtime-spec config-linux.md, devices.
public struct DeviceNode: Equatable, Sendable {
    /// Its path in the container.
    public var path: String
    /// Its kind.
    public var type: DeviceType
    /// Its major number; 0 for a fifo.
    public var major: Int64
    /// Its minor number; 0 for a fifo.
    public var minor: Int64
    /// Its permission bits; nil leaves the choice to the runtime.
    public var fileMode: UInt32?
    /// Its owner; nil is root.
    public var uid: UInt32?
    /// Its group; nil is root.
    public var gid: UInt32?

    /// A device file with the runtime's mode and owner.
    public init(path: String, type: DeviceType, major: Int64, minor: Int64) {
        self.path = path
        self.type = type
        self.major = major
        self.minor = minor
    }
}

extension DeviceNode: SpecObject {
    static let section = "config-linux.md#devices"

    init(_ object: SpecCursor) throws(SpecError) {
        path = try object.required("path", object.absolutePath("path"))
        type = try object.required("type", object.word("type"))
        let major: Int64? = try object.integer("major")
        let minor: Int64? = try object.integer("minor")
        if type == .fifo {
            self.major = major ?? 0
            self.minor = minor ?? 0
        } else {
            self.major = try object.required("major", object.integer("major", in: 0...0xFFF))
            self.minor = try object.required("minor", object.integer("minor", in: 0...0xF_FFFF))
        }
        fileMode = try object.integer("fileMode")
        uid = try object.integer("uid")
        gid = try object.integer("gid")
    }
}

/// A network interface to move into the container. See runtime-spec config-linux.md, network devices.
public struct NetDevice: Equatable, Sendable {
    /// Its name in the runtime's network namespace.
    public var hostName: String
    /// Its name in the container; nil keeps `hostName`.
    public var name: String?

    /// An interface that keeps its name unless another is given.
    public init(hostName: String, name: String? = nil) {
        self.hostName = hostName
        self.name = name
    }
}

extension NetDevice: NamedSpecObject {
    static let section = "config-linux.md#network-devices"

    init(_ name: String, _ object: SpecCursor) throws(SpecError) {
        hostName = name
        self.name = try object.string("name")
    }
}

/// Cache and memory bandwidth allocation through resctrl. See runtime-spec config-linux.md, IntelRdt.
public struct IntelRdt: Equatable, Sendable {
    /// The class of service; nil makes one named after the container.
    public var closID: String?
    /// Lines for the `schemata` file, written last.
    public var schemata: [String] = []
    /// The line for the L3 cache, written first.
    public var l3CacheSchema: String?
    /// The line for the memory bandwidth.
    public var memBwSchema: String?
    /// Whether the container gets a monitoring group.
    public var enableMonitoring = false

    /// No allocation.
    public init() {}
}

extension IntelRdt: SpecObject {
    static let section = "config-linux.md#intelrdt"

    init(_ object: SpecCursor) throws(SpecError) {
        closID = try object.string("closID")
        schemata = try object.strings("schemata")
        l3CacheSchema = try object.string("l3CacheSchema")
        memBwSchema = try object.string("memBwSchema")
        enableMonitoring = try object.bool("enableMonitoring") ?? false
        // Each is one line of a file, so a line feed would smuggle in another.
        for (index, line) in schemata.enumerated() where line.utf8.contains(UInt8(ascii: "\n")) {
            throw object.error("schemata", index, "must not contain a line feed")
        }
        for (key, line) in [("l3CacheSchema", l3CacheSchema), ("memBwSchema", memBwSchema)] {
            guard let line, line.utf8.contains(UInt8(ascii: "\n")) else { continue }
            throw object.error(key, "must not contain a line feed")
        }
        if let memBwSchema, !memBwSchema.utf8.starts(with: "MB:".utf8) {
            throw object.error("memBwSchema", "'\(memBwSchema)' does not start with 'MB:'")
        }
    }
}
