public import HostSystem

/// The root of an external monitor: its libraries and data, the guest's files, and the devices it opens itself.
///
/// All of it can only be read; nothing else of the host or the container is there.
public struct MonitorRoot {
    /// A file of the guest's.
    public struct File {
        /// Where it is in the root filesystem, or on the host.
        public let path: String
        /// Whether `path` is a path of the host's.
        public let isOnHost: Bool
        /// What the plan found there.
        public let status: FileStatus
        /// Where the monitor finds it.
        public let place: String

        /// A file that is at `path` and, for the monitor, at `place`.
        public init(path: String, isOnHost: Bool, status: FileStatus, place: String) {
            self.path = path
            self.isOnHost = isOnHost
            self.status = status
            self.place = place
        }
    }

    /// The program's path on the host, relative to which it may look for its data; only the directory is there.
    public var program: String
    /// Directories of the host, beside those of libraries.
    public var directories: [String]
    /// The guest's files.
    public var files: [File]
    /// Whether /dev/kvm is there, and whose it is.
    public var hasKVM: Bool
    /// The monitor's user and group in the container.
    public var owner: (uid: UInt32, gid: UInt32)

    /// A root.
    public init(program: String, directories: [String], files: [File], hasKVM: Bool, owner: (uid: UInt32, gid: UInt32))
    {
        self.program = program
        self.directories = directories
        self.files = files
        self.hasKVM = hasKVM
        self.owner = owner
    }

    /// Where hosts have libraries. See ld.so(8), and the Filesystem Hierarchy Standard for the first ones.
    private static let libraries = ["/lib", "/lib32", "/lib64", "/libx32", "/usr/lib", "/usr/lib64", "/usr/local/lib"]
    private static let linkerCache = "/etc/ld.so.cache"
    /// MOUNT_ATTR_RDONLY, _NOSUID, _NODEV of mount_setattr(2).
    private static let readOnly: UInt64 = 1 | 2 | 4
    private static let noExecute: UInt64 = 8
    /// The number of /dev/kvm. See the kernel's Documentation/admin-guide/devices.txt.
    static let kvm: (major: UInt32, minor: UInt32) = (10, 232)

    /// Furnishes the directory open as `root`, which is empty.
    ///
    /// - Parameter rootPath: The container's root filesystem.
    func furnish(_ root: Int32, rootPath: String) throws {
        for path in Self.libraries + directories { try showDirectory(path, in: root) }
        try makeParents(of: program, in: root)
        if exists(Self.linkerCache) { try bind(Self.linkerCache, at: Self.linkerCache, in: root, []) }
        let container = try openWithoutLinks(rootPath, flags: [.directory, .pathOnly])
        for file in files {
            let found =
                try file.isOnHost
                ? open(file.path, flags: .pathOnly) : openInRoot(container.raw, file.path, flags: .pathOnly)
            // Whoever can write there may have put another in its place since.
            guard try status(of: found.raw).isSameFile(as: file.status) else {
                throw Failure("\(file.path) is not the file any more that it was")
            }
            try attach(try cloneMount("", in: found.raw, recursive: false), at: file.place, in: root, [.noExecute])
        }
        if hasKVM { try showKVM(in: root) }
    }

    private func showDirectory(_ path: String, in root: Int32) throws {
        guard let found = try? status(of: path) else { return }
        let name = String(path.dropFirst())
        if found.kind == .symbolicLink {
            try makeParents(of: name, in: root)
            return try makeSymbolicLink(name, in: root, to: try readLink(path))
        }
        guard found.kind == .directory else { return }
        try makeParents(of: name, in: root)
        try makeDirectory(name, in: root, mode: 0o755)
        let place = try openBeneath(root, name, flags: [.directory, .pathOnly])
        let copy = try cloneMount(path, recursive: false)
        try setMountAttributes(copy.raw, set: Self.readOnly, recursive: false)
        try attachMount(copy.raw, at: place.raw)
    }

    private struct Extra: OptionSet {
        let rawValue: UInt64
        static let noExecute = Extra(rawValue: MonitorRoot.noExecute)
    }

    private func bind(_ path: String, at place: String, in root: Int32, _ extra: Extra) throws {
        try attach(try cloneMount(path, recursive: false), at: place, in: root, extra)
    }

    private func attach(_ mount: consuming Descriptor, at place: String, in root: Int32, _ extra: Extra) throws {
        let name = String(place.dropFirst())
        try makeParents(of: name, in: root)
        try makeNode(name, in: root, mode: 0o100_444)
        try setMountAttributes(mount.raw, set: Self.readOnly | extra.rawValue, recursive: false)
        let file = try openBeneath(root, name, flags: .pathOnly)
        try attachMount(mount.raw, at: file.raw)
    }

    private func showKVM(in root: Int32) throws {
        try makeParents(of: "dev/kvm", in: root)
        do throws(HostError) {
            try makeNode("dev/kvm", in: root, mode: 0o020_600, major: Self.kvm.major, minor: Self.kvm.minor)
            try changeOwner(of: "dev/kvm", in: root, uid: owner.uid, gid: owner.gid)
        } catch {
            // In a user namespace no node can be made; what the host has lets its user in, or nobody.
            guard error.isPermission else { throw error }
            try makeNode("dev/kvm", in: root, mode: 0o100_600)
            let place = try openBeneath(root, "dev/kvm", flags: .pathOnly)
            let device = try cloneMount("/dev/kvm", recursive: false)
            try attachMount(device.raw, at: place.raw)
        }
    }

    private func makeParents(of name: String, in root: Int32) throws {
        var path = ""
        for part in pathParts(name).dropLast() {
            path += path.isEmpty ? "\(part)" : "/\(part)"
            if !exists(path, in: root) { try makeDirectory(path, in: root, mode: 0o755) }
        }
    }
}
