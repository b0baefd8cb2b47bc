/// What criu is to do and how: `criu_opts` of its rpc.proto.
public struct CriuOptions {
    /// The options that are set here; the numbers are those of rpc.proto.
    public enum Field: UInt64, Sendable {
        /// The directory of the images, a descriptor of this process.
        case imagesDirectory = 1
        case pid = 2
        case leaveRunning = 3
        case externalUnixSockets = 4
        case establishedConnections = 5
        case evasiveDevices = 6
        case shellJob = 7
        case fileLocks = 8
        case logLevel = 9
        case logFile = 10
        case notifications = 12
        case root = 13
        /// The images of an earlier dump, relative to the directory of these.
        case parentImages = 14
        case trackMemory = 15
        case deduplication = 16
        case workDirectory = 17
        case linkRemap = 18
        /// Put the restored process beside criu, as its sibling.
        case sibling = 26
        case manageCgroups = 24
        case cgroupsMode = 34
        /// A resource that is not the container's: `net[INODE]:KEY`.
        case external = 37
        /// The CLONE_NEW* bits of namespaces whose content is not kept.
        case emptyNamespaces = 38
        case freezerCgroup = 44
        case skipInFlight = 46
        case lazyPages = 48
        case statusDescriptor = 49
        case orphanTerminals = 50
        case configFile = 51
        case securityProfile = 53
        case mountContext = 63
    }

    private(set) var message = WireMessage()

    /// Creates options that say nothing.
    public init() {}

    /// Sets a flag; one that is off is left out, which means the same.
    public mutating func set(_ field: Field, _ isOn: Bool) {
        if isOn { message.add(field.rawValue, 1) }
    }

    /// Sets a number.
    public mutating func set(_ field: Field, number: Int32) {
        message.add(field.rawValue, UInt64(bitPattern: Int64(number)))
    }

    /// Sets a text, or adds one to those that there may be several of.
    public mutating func set(_ field: Field, text: String) { message.add(field.rawValue, Array(text.utf8)) }

    /// Sends memory to a page server.
    public mutating func setPageServer(address: String, port: Int32) {
        var server = WireMessage()
        server.add(1, Array(address.utf8))
        server.add(2, UInt64(bitPattern: Int64(port)))
        message.add(11, server.bytes)
    }

    /// Names a mount that is not the container's own: at a checkpoint its mount point and what it is called from then on,
    /// when it is restored that name and the file that is to be mounted.
    public mutating func addExternalMount(_ key: String, _ value: String) { addPair(23, key, value) }

    /// Puts the container's cgroups of one controller at a path.
    public mutating func addCgroupRoot(controller: String, path: String) { addPair(25, controller, path) }

    /// Joins the namespace at `path`, of the kind `net`, `ipc` ..., instead of making one.
    public mutating func joinNamespace(_ kind: String, path: String) { addPair(39, kind, path) }

    /// Gives a descriptor of criu's in the place of an open file that the images know by `key`.
    public mutating func addInherited(_ key: String, descriptor: Int32) {
        var pair = WireMessage()
        pair.add(1, Array(key.utf8))
        pair.add(2, UInt64(bitPattern: Int64(descriptor)))
        message.add(27, pair.bytes)
    }

    private mutating func addPair(_ field: UInt64, _ first: String, _ second: String) {
        var pair = WireMessage()
        pair.add(1, Array(first.utf8))
        pair.add(2, Array(second.utf8))
        message.add(field, pair.bytes)
    }
}

/// How criu treats cgroups: `criu_cg_mode` of its rpc.proto.
public enum CriuCgroupsMode: Int32, Sendable {
    /// Not at all.
    case ignore = 0
    /// Restore those that are not there.
    case soft = 3
    /// Restore them all.
    case full = 4
    /// Refuse when one is there already.
    case strict = 5
    /// As criu sees fit, which is soft.
    case preset = 6

    /// The mode of a word of the command line; nil for a word that is none. Empty is ``preset``.
    public init?(word: String) {
        switch word {
        case "": self = .preset
        case "ignore": self = .ignore
        case "soft": self = .soft
        case "full": self = .full
        case "strict": self = .strict
        default: return nil
        }
    }
}
