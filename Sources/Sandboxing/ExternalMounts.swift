internal import HostSystem
public import OCISpec

/// The mounts of a container that show files of the host: a checkpoint keeps their names only.
///
/// The names are runc's: a mount is called by its mount point, and what masks a file `/dev/null`.
public struct ExternalMounts {
    /// A mount point as the container sees it, or at a restore a name, and what it stands for.
    public typealias Pair = (key: String, value: String)

    /// The nodes that every container has; in a user namespace they are the host's, bound.
    static let defaultNodes = ["null", "zero", "full", "random", "urandom", "tty"].map { "/dev/\($0)" }
    /// What masks a file.
    static let mask: Pair = ("/dev/null", "/dev/null")

    /// The mounts with their names.
    public let names: [Pair]

    /// Looks at what the process `pid` of a running container sees.
    ///
    /// - Parameters:
    ///   - spec: The container's config.json.
    ///   - pid: A process of it.
    public init(_ spec: RuntimeSpec, pid: Int32) throws {
        let root = try open("/proc/\(pid)/root", flags: [.directory, .pathOnly])
        let table = try mountTable(of: "\(pid)")
        let points = Set(table.map(\.path))
        // What a path leads to; the links of an image are followed inside of its root.
        func find(_ path: String) -> (place: String, status: FileStatus)? {
            guard let found = try? openInRoot(root.raw, path, flags: .pathOnly),
                let place = try? readLink(descriptorPath(found.raw)), let status = try? status(of: found.raw)
            else { return nil }
            return (place, status)
        }
        func mountPoint(_ path: String) -> (place: String, status: FileStatus)? {
            find(path).flatMap { points.contains($0.place) ? $0 : nil }
        }
        var names = [Pair]()
        for mount in spec.mounts {
            if mount.isBind, let (place, _) = mountPoint(mount.destination) {
                names.append((place, place))
            }
        }
        let linux = spec.linux ?? LinuxSpec()
        // Without a cgroup namespace version 1 is bound from the host.
        if !linux.namespaces.contains(where: { $0.type == .cgroup }) {
            for entry in table where entry.type == "cgroup" { names.append((entry.path, entry.path)) }
        }
        // A mask that is the container's own null device comes back as that.
        let null = find("/dev/null")?.status
        for path in linux.maskedPaths {
            guard let (place, status) = mountPoint(path), status.kind != .directory else { continue }
            if null.map({ status.isSameFile(as: $0) }) != true { names.append((place, Self.mask.value)) }
        }
        for path in Self.defaultNodes + linux.devices.map(\.path) where points.contains(path) {
            names.append((path, path))
        }
        self.names = names
    }
}

/// Namespaces that a container shares with others: a checkpoint leaves them out, and a restore joins them again.
public enum ExternalNamespaces {
    /// The name by which a checkpoint knows the namespace; runc's.
    public static func key(_ type: NamespaceType) -> String { type == .pid ? "extRootPidNS" : "extRootNetNS" }

    /// What criu is told about namespaces that it leaves out: `net[INODE]:NAME`.
    public static func names(_ spec: RuntimeSpec) throws -> [String] {
        var names = [String]()
        for namespace in spec.linux?.namespaces ?? [] where namespace.type == .network || namespace.type == .pid {
            guard let path = namespace.path, !path.isEmpty else { continue }
            let inode = try followedStatus(of: path).inode
            names.append("\(kind(namespace.type))[\(inode)]:\(key(namespace.type))")
        }
        return names
    }

    /// criu's word for a kind of namespace, which is that of /proc/PID/ns.
    public static func kind(_ type: NamespaceType) -> String { NamespacePlan.procName(type) }
}
