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
        /// Whether the monitor may write to it.
        public let isWritable: Bool

        /// A file that is at `path` and, for the monitor, at `place`.
        public init(path: String, isOnHost: Bool, status: FileStatus, place: String, isWritable: Bool = false) {
            self.path = path
            self.isOnHost = isOnHost
            self.status = status
            self.place = place
            self.isWritable = isWritable
        }
    }

    /// A device that the monitor opens itself.
    public struct Device: Sendable {
        /// Where the host has it.
        public let path: String
        /// Where the monitor finds it.
        public let place: String
        /// Whether it is a block device, not a character device.
        public let isBlock: Bool
        /// Its numbers. See the kernel's Documentation/admin-guide/devices.txt.
        public let major: UInt32, minor: UInt32
        /// Whether the monitor may write to it.
        public let isWritable: Bool

        /// The block device with these numbers that the host has at `path`.
        public init(block path: String, at place: String, major: UInt32, minor: UInt32, isWritable: Bool) {
            (self.path, self.place, isBlock) = (path, place, true)
            (self.major, self.minor, self.isWritable) = (major, minor, isWritable)
        }

        private init(_ path: String, major: UInt32, minor: UInt32) {
            (self.path, place, isBlock, isWritable) = (path, path, false, true)
            (self.major, self.minor) = (major, minor)
        }

        /// The device of KVM.
        public static let kvm = Device("/dev/kvm", major: 10, minor: 232)
        /// The kernel's random numbers.
        public static let random = Device("/dev/urandom", major: 1, minor: 9)
        /// The device of taps.
        public static let tap = Device("/dev/net/tun", major: 10, minor: 200)

        fileprivate var mode: UInt32 { (isBlock ? 0o060_000 : 0o020_000) | (isWritable ? 0o600 : 0o400) }
    }

    /// The programs' paths on the host, relative to which they may look for their data; only the directories are there.
    public var programs: [String]
    /// Directories of the host, beside those of libraries.
    public var directories: [String]
    /// Files of the host that are where the host has them; those that it has not are not there.
    public var hostFiles: [String] = []
    /// The guest's files.
    public var files: [File]
    /// File systems that are mounted nowhere yet, and where the monitor finds them.
    public var mounts: [(descriptor: Int32, place: String)] = []
    /// The devices, which are the owner's.
    public var devices: [Device]
    /// A directory of the host's in which sockets are made, and where it is for the monitor.
    public var sockets: (path: String, place: String)?
    /// A directory for sockets and pipes, in which the owner may make them; nil for none.
    public var runDirectory: String?
    /// The monitor's user and group in the container.
    public var owner: (uid: UInt32, gid: UInt32)

    /// A root.
    public init(
        programs: [String], directories: [String], files: [File], devices: [Device], owner: (uid: UInt32, gid: UInt32)
    ) {
        self.programs = programs
        self.directories = directories
        self.files = files
        self.devices = devices
        self.owner = owner
    }

    /// Where hosts have libraries. See ld.so(8), and the Filesystem Hierarchy Standard for the first ones.
    private static let libraries = ["/lib", "/lib32", "/lib64", "/libx32", "/usr/lib", "/usr/lib64", "/usr/local/lib"]
    private static let linkerCache = "/etc/ld.so.cache"
    /// MOUNT_ATTR_RDONLY, _NOSUID, _NODEV of mount_setattr(2).
    private static let readOnly: UInt64 = 1 | restricted
    private static let restricted: UInt64 = 2 | 4
    private static let noExecute: UInt64 = 8

    /// Opens those files of the host's that there are, before the root is made where some of them may be.
    func openHostFiles() -> [(path: String, number: Int32)] {
        hostFiles.compactMap { path in
            guard let file = try? open(path, flags: .pathOnly) else { return nil }
            return (path, file.release())
        }
    }

    /// Furnishes the directory open as `root`, which is empty.
    ///
    /// - Parameters:
    ///   - rootPath: The container's root filesystem.
    ///   - opened: What ``openHostFiles()`` has opened, which is closed.
    func furnish(_ root: Int32, rootPath: String, opened: [(path: String, number: Int32)] = []) throws {
        for path in Self.libraries + directories { try showDirectory(path, in: root) }
        for program in programs { try makeParents(of: program, in: root) }
        if exists(Self.linkerCache) { try bind(Self.linkerCache, at: Self.linkerCache, in: root, Self.readOnly) }
        for file in opened {
            let found = Descriptor(owning: file.number)
            try attach(
                try cloneMount("", in: found.raw, recursive: false), at: file.path, in: root,
                Self.readOnly | Self.noExecute)
        }
        let container = try openWithoutLinks(rootPath, flags: [.directory, .pathOnly])
        for file in files {
            let found =
                try file.isOnHost
                ? open(file.path, flags: .pathOnly) : openInRoot(container.raw, file.path, flags: .pathOnly)
            // Whoever can write there may have put another in its place since.
            guard try status(of: found.raw).isSameFile(as: file.status) else {
                throw Failure("\(file.path) is not the file any more that it was")
            }
            try attach(
                try cloneMount("", in: found.raw, recursive: false), at: file.place, in: root,
                (file.isWritable ? Self.restricted : Self.readOnly) | Self.noExecute)
        }
        for (descriptor, place) in mounts {
            let name = String(place.dropFirst())
            try makeParents(of: name, in: root)
            try makeDirectory(name, in: root, mode: 0o755)
            let directory = try openBeneath(root, name, flags: [.directory, .pathOnly])
            try attachMount(descriptor, at: directory.raw)
        }
        for device in devices { try show(device, in: root) }
        if let runDirectory { try makeRunDirectory(String(runDirectory.dropFirst()), in: root) }
        guard let sockets else { return }
        let name = String(sockets.place.dropFirst())
        try makeDirectory(name, in: root, mode: 0o755)
        let copy = try cloneMount(sockets.path, recursive: false)
        try setMountAttributes(copy.raw, set: Self.restricted | Self.noExecute, recursive: false)
        let place = try openBeneath(root, name, flags: [.directory, .pathOnly])
        try attachMount(copy.raw, at: place.raw)
    }

    private func makeRunDirectory(_ name: String, in root: Int32) throws {
        try makeDirectory(name, in: root, mode: 0o755)
        let files = try newFileSystem(
            "tmpfs", source: "tmpfs",
            options: ["mode=700", "uid=\(owner.uid)", "gid=\(owner.gid)", "size=4k", "nr_inodes=16"],
            attributes: Self.restricted | Self.noExecute)
        let place = try openBeneath(root, name, flags: [.directory, .pathOnly])
        try attachMount(files.raw, at: place.raw)
    }

    private func showDirectory(_ path: String, in root: Int32) throws {
        guard let found = try? status(of: path) else { return }
        let name = String(path.dropFirst())
        if found.kind == .symbolicLink {
            try makeParents(of: name, in: root)
            return try makeSymbolicLink(name, in: root, to: try readLink(path))
        }
        // One below another that is shown is there with it.
        guard found.kind == .directory, !exists(name, in: root) else { return }
        try makeParents(of: name, in: root)
        try makeDirectory(name, in: root, mode: 0o755)
        let place = try openBeneath(root, name, flags: [.directory, .pathOnly])
        let copy = try cloneMount(path, recursive: false)
        try setMountAttributes(copy.raw, set: Self.readOnly, recursive: false)
        try attachMount(copy.raw, at: place.raw)
    }

    private func bind(_ path: String, at place: String, in root: Int32, _ attributes: UInt64) throws {
        try attach(try cloneMount(path, recursive: false), at: place, in: root, attributes)
    }

    private func attach(_ mount: consuming Descriptor, at place: String, in root: Int32, _ attributes: UInt64) throws {
        let name = String(place.dropFirst())
        try makeParents(of: name, in: root)
        try makeNode(name, in: root, mode: 0o100_444)
        try setMountAttributes(mount.raw, set: attributes, recursive: false)
        let file = try openBeneath(root, name, flags: .pathOnly)
        try attachMount(mount.raw, at: file.raw)
    }

    private func show(_ device: Device, in root: Int32) throws {
        let name = String(device.place.dropFirst())
        try makeParents(of: name, in: root)
        do throws(HostError) {
            try makeNode(name, in: root, mode: device.mode, major: device.major, minor: device.minor)
            try changeOwner(of: name, in: root, uid: owner.uid, gid: owner.gid)
        } catch {
            // In a user namespace no node can be made; what the host has lets its user in, or nobody.
            guard error.isPermission else { throw error }
            try makeNode(name, in: root, mode: 0o100_600)
            let place = try openBeneath(root, name, flags: .pathOnly)
            let copy = try cloneMount(device.path, recursive: false)
            if !device.isWritable { try setMountAttributes(copy.raw, set: 1, recursive: false) }
            try attachMount(copy.raw, at: place.raw)
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
