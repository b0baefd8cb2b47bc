internal import Criu
internal import HostSystem

/// What `checkpoint` and `restore` have in common. Paths count from the current directory.
public final class CheckpointOptions {
    /// The directory of the images; `checkpoint` in the current directory unless named, as with runc.
    public var imagePath = ""
    /// The directory of criu's log and other files it works with; nil for that of the images.
    public var workPath: String?
    /// The directory of an earlier dump's images, relative to the other.
    public var parentPath = ""
    /// The container goes on.
    public var leaveRunning = false
    /// Only memory is saved, and the container goes on.
    public var preDump = false
    /// Open TCP connections are allowed.
    public var establishedConnections = false
    /// Connections that are being made are left out.
    public var skipInFlight = false
    /// Files without a name get one meanwhile.
    public var linkRemap = false
    /// Unix sockets to processes outside are allowed.
    public var externalUnixSockets = false
    /// Processes of a session that begins outside are allowed.
    public var shellJob = false
    /// File locks are allowed.
    public var fileLocks = false
    /// Memory that a later dump has as well is taken out of an earlier one.
    public var deduplication = false
    /// Memory is fetched when it is used.
    public var lazyPages = false
    /// Where a byte is written when memory can be fetched.
    public var statusDescriptor: Int32?
    /// The page server, `ADDRESS:PORT`.
    public var pageServer = ""
    /// How cgroups are treated: `soft`, `full`, `strict`, `ignore` or nothing.
    public var cgroupsMode = ""
    /// Kinds of namespaces whose content is not kept.
    public var emptyNamespaces: [String] = []
    /// An LSM profile, `TYPE:NAME`, of the restored processes.
    public var securityProfile = ""
    /// An LSM context of restored mounts.
    public var mountContext = ""

    /// Creates options with runc's defaults.
    public init() {}
}

/// How a container is restored.
public struct RestoreOptions {
    /// How criu does it.
    public var criu = CheckpointOptions()
    /// The bundle's path.
    public var bundle = "."
    /// Where the pid of process 1 is written.
    public var pidFile: String?
    /// The Unix socket that takes the terminal's master.
    public var consoleSocket: String?
    /// Return as soon as it runs.
    public var detach = false

    /// Creates options with runc's defaults.
    public init() {}
}

extension CheckpointOptions {
    /// The network's content is never kept, for runtimes do not make it.
    static let emptyNamespaces = NamespaceFlag.network

    /// Checks what does not depend on a container, in runc's order and words.
    func check() throws(Failure) {
        for kind in emptyNamespaces where kind != "network" {
            throw Failure("namespace \"\(kind)\" is not supported")
        }
        guard CriuCgroupsMode(word: cgroupsMode) != nil else { throw Failure("invalid manage-cgroups-mode value") }
        if let statusDescriptor, !isOpen(statusDescriptor) {
            throw Failure("invalid --status-fd argument \(statusDescriptor): bad file descriptor")
        }
        _ = try pageServerParts()
    }

    /// The page server's address and port; nil without one.
    func pageServerParts() throws(Failure) -> (address: String, port: Int32)? {
        guard !pageServer.isEmpty else { return nil }
        guard let colon = pageServer.lastIndex(of: ":") else {
            throw Failure("Use --page-server ADDRESS:PORT to specify page server")
        }
        var address = pageServer[..<colon]
        let port = pageServer[pageServer.index(after: colon)...]
        if address.hasPrefix("["), address.hasSuffix("]") { address = address.dropFirst().dropLast() }
        guard !address.isEmpty, !port.isEmpty else {
            throw Failure("Use --page-server ADDRESS:PORT to specify page server")
        }
        guard let number = Int32(port), (1...65535).contains(number) else { throw Failure("Invalid port number") }
        return (String(address), number)
    }

    /// What criu is told in either direction.
    func common(log: String, annotations: JSONValue) -> CriuOptions {
        var options = CriuOptions()
        options.set(.logLevel, number: 4)
        options.set(.logFile, text: log)
        options.set(.manageCgroups, true)
        options.set(.cgroupsMode, number: (CriuCgroupsMode(word: cgroupsMode) ?? .preset).rawValue)
        options.set(.notifications, true)
        options.set(.shellJob, shellJob)
        options.set(.establishedConnections, establishedConnections)
        options.set(.externalUnixSockets, externalUnixSockets)
        options.set(.fileLocks, fileLocks)
        options.set(.emptyNamespaces, number: Int32(truncatingIfNeeded: Self.emptyNamespaces))
        options.set(.orphanTerminals, true)
        options.set(.deduplication, deduplication)
        options.set(.lazyPages, lazyPages)
        // A file of settings of its own, or none; see criu(8) "CONFIGURATION FILES".
        let file = annotations["org.criu.config"]?.string ?? "/etc/criu/runc.conf"
        if !file.isEmpty { options.set(.configFile, text: file) }
        return options
    }
}

/// The directories that criu works with, open.
struct CriuDirectories: ~Copyable {
    let images: Descriptor
    /// One, or none where that is the same.
    let work = DescriptorSet()
    /// The path of the directory with the log.
    let logPath: String

    /// Tells criu which they are.
    func add(to options: inout CriuOptions) {
        options.set(.imagesDirectory, number: images.raw)
        if let work = work.numbers.first { options.set(.workDirectory, number: work) }
    }

    /// Opens them once more in the mount namespace that criu is in, and tells criu: it mounts something in them.
    ///
    /// - Parameter held: Keeps them open.
    func addAgain(to options: inout CriuOptions, _ held: DescriptorSet) throws {
        let again = try openWithoutLinks(absolutePath(of: images.raw), flags: [.directory])
        options.set(.imagesDirectory, number: held.hold(again))
        guard let work = work.numbers.first else { return }
        let workAgain = try openWithoutLinks(absolutePath(of: work), flags: [.directory])
        options.set(.workDirectory, number: held.hold(workAgain))
    }

    /// Opens them, and makes those of a checkpoint.
    ///
    /// - Throws: ``HostSystem/Failure``, with runc's words for `--parent-path`.
    init(_ options: CheckpointOptions, make: Bool) throws {
        let path = options.imagePath.isEmpty ? "\(try currentDirectoryPath())/checkpoint" : options.imagePath
        let opened = try Self.open(path, make: make, what: "images")
        try Self.checkParent(options.parentPath, in: opened.raw)
        if let workPath = options.workPath, !workPath.isEmpty {
            logPath = try absolutePath(of: work.hold(try Self.open(workPath, make: true, what: "work files")))
        } else {
            logPath = try absolutePath(of: opened.raw)
        }
        images = opened
    }

    private static func open(_ path: String, make: Bool, what: String) throws(Failure) -> Descriptor {
        do throws(HostError) {
            if make { try makeDirectories(path, mode: 0o700) }
            return try HostSystem.open(path, flags: [.directory])
        } catch {
            throw Failure("cannot open the directory of the \(what)", cause: error)
        }
    }

    private static func checkParent(_ path: String, in images: Int32) throws(Failure) {
        guard !path.isEmpty else { return }
        if path.hasPrefix("/") { throw Failure("--parent-path must be relative") }
        do throws(HostError) {
            _ = try HostSystem.open(path, in: images, flags: [.directory, .pathOnly])
        } catch {
            throw Failure("invalid --parent-path", cause: error)
        }
    }
}
