internal import HostSystem
internal import OCISpec

/// The cgroup hierarchies of this host and where the runtime is in each. See cgroups(7).
struct CgroupLayout {
    /// One mounted hierarchy.
    struct Hierarchy: Equatable {
        /// The controllers bound to it, or `systemd` for the named one; empty for version 2.
        let controllers: [String]
        /// Where it is mounted.
        let mountPoint: String
        /// The runtime's own cgroup in it, as an absolute path from the mount point.
        let ownPath: String
        /// Whether it is the version 2 tree.
        var isUnified = false
    }

    /// Where Linux distributions mount cgroups.
    static let mountRoot = "/sys/fs/cgroup"

    /// Whether the host uses version 2 alone.
    let isUnified: Bool
    /// The hierarchies a container is placed in.
    let hierarchies: [Hierarchy]
    /// The runtime's own cgroup in a version 2 tree beside version 1; nil where there is none.
    private let hybridPath: String?

    /// The controllers of the hierarchy that a directory is in, by the name under which that is mounted; those of
    /// version 2 have none.
    static func controllers(of directory: String) -> [Substring] {
        guard directory.hasPrefix(mountRoot + "/") else { return [] }
        return directory.dropFirst(mountRoot.count + 1).prefix { $0 != "/" }.split(separator: ",")
    }

    /// Whether a directory is one of version 2.
    static func isUnified(_ directory: String) -> Bool { exists("\(directory)/cgroup.controllers") }

    /// Looks at the host.
    ///
    static func detect() throws(HostError) -> CgroupLayout {
        let isUnified = try fileSystemType(at: mountRoot) == FileSystemMagic.cgroup2
        let membership = try readText("/proc/self/cgroup")
        var hybridPath: String?
        if !isUnified, let line = membership.split(separator: "\n").last, line.hasPrefix("0::") {
            hybridPath = String(line.dropFirst(3))
        }
        return CgroupLayout(
            isUnified: isUnified, hierarchies: parse(membership, isUnified: isUnified), hybridPath: hybridPath)
    }

    /// The version 2 tree beside version 1, when `resources` has limits for controllers that are bound to it.
    ///
    /// Otherwise it is left alone: a process that moves there waits for a lock that all processes of the host share.
    func hybrid(for resources: Resources) throws(HostError) -> Hierarchy? {
        guard !isUnified, let hybridPath else { return nil }
        let controllers = Set(hierarchies.flatMap(\.controllers))
        let isElsewhere = Cgroup.legacySettings(resources).contains { !controllers.contains($0.controller) }
        guard isElsewhere || !resources.unified.isEmpty else { return nil }
        let mountPoint = "\(Self.mountRoot)/unified"
        guard (try? fileSystemType(at: mountPoint)) == FileSystemMagic.cgroup2 else { return nil }
        let bound = try readText("\(mountPoint)/cgroup.controllers").split { $0 == " " || $0 == "\n" }.map(String.init)
        return Hierarchy(controllers: bound, mountPoint: mountPoint, ownPath: hybridPath, isUnified: true)
    }

    /// The hierarchies named in the text of /proc/PID/cgroup that are mounted. See cgroups(7).
    private static func parse(_ membership: String, isUnified: Bool) -> [Hierarchy] {
        var found = [Hierarchy]()
        for line in membership.split(separator: "\n") {
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { continue }
            let path = String(fields[2])
            if fields[1].isEmpty {
                if isUnified {
                    found.append(Hierarchy(controllers: [], mountPoint: mountRoot, ownPath: path, isUnified: true))
                }
                continue
            }
            if isUnified { continue }
            let name = fields[1].hasPrefix("name=") ? fields[1].dropFirst(5) : fields[1]
            let mountPoint = "\(mountRoot)/\(name)"
            guard exists(mountPoint) else { continue }
            found.append(
                Hierarchy(
                    controllers: name.split(separator: ",").map(String.init), mountPoint: mountPoint, ownPath: path))
        }
        return found
    }
}
