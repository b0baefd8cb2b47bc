/// One mount. See runtime-spec config.md, mounts.
public struct Mount: Equatable, Sendable {
    /// The path inside the container; relative ones are deprecated and count from `/`.
    public var destination: String
    /// The filesystem's type, as in /proc/filesystems; absent for most bind mounts.
    public var type: String?
    /// A device name, or the file or directory to bind, absolute or relative to the bundle.
    public var source: String?
    /// Options as mount(8) and the filesystem know them, in order.
    public var options: [String] = []
    /// How the mount maps user ids; both maps are given, or none.
    public var uidMappings: [IDMapping] = []
    /// How the mount maps group ids.
    public var gidMappings: [IDMapping] = []

    /// A mount without options.
    public init(destination: String, type: String? = nil, source: String? = nil, options: [String] = []) {
        self.destination = destination
        self.type = type
        self.source = source
        self.options = options
    }

    /// Whether it shows a file or directory of the host's.
    public var isBind: Bool { type == "bind" || options.contains("bind") || options.contains("rbind") }

    /// The path of what it shows, on the host.
    ///
    /// - Parameter bundle: The bundle's absolute path, from which a relative one counts.
    public func sourcePath(bundle: String) -> String {
        let named = source ?? ""
        return named.hasPrefix("/") ? named : "\(bundle)/\(named)"
    }
}

extension Mount: SpecObject {
    static let section = "config.md#mounts"

    init(_ object: SpecCursor) throws(SpecError) {
        destination = try object.requiredString("destination")
        type = try object.string("type")
        source = try object.string("source")
        options = try object.strings("options")
        uidMappings = try object.children("uidMappings")
        gidMappings = try object.children("gidMappings")
        guard uidMappings.isEmpty == gidMappings.isEmpty else {
            throw object.error(
                uidMappings.isEmpty ? "uidMappings" : "gidMappings",
                "uidMappings and gidMappings must be given together")
        }
    }
}

/// A range of user or group ids. See runtime-spec config-linux.md, user namespace mappings.
public struct IDMapping: Equatable, Sendable {
    /// The first id in the container.
    public var containerID: UInt32
    /// The first id on the host.
    public var hostID: UInt32
    /// How many ids.
    public var size: UInt32

    /// A range of `size` ids.
    public init(containerID: UInt32, hostID: UInt32, size: UInt32) {
        self.containerID = containerID
        self.hostID = hostID
        self.size = size
    }

    /// Whether the range has an id of the container.
    public func contains(_ id: UInt32) -> Bool { id >= containerID && id - containerID < size }
}

extension IDMapping: SpecObject {
    static let section = "config-linux.md#user-namespace-mappings"

    init(_ object: SpecCursor) throws(SpecError) {
        containerID = try object.required("containerID", object.integer("containerID"))
        hostID = try object.required("hostID", object.integer("hostID"))
        size = try object.required("size", object.integer("size"))
    }
}
