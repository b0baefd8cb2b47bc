internal import HostSystem

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
    }

    /// Where Linux distributions mount cgroups.
    static let mountRoot = "/sys/fs/cgroup"

    /// Whether the host uses version 2 alone.
    let isUnified: Bool
    /// The hierarchies a container is placed in.
    let hierarchies: [Hierarchy]

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
    /// Version 2 is used only where it stands at the mount root itself; beside version 1 (hybrid) it is left alone, as
    /// runc does it.
    static func detect() throws(HostError) -> CgroupLayout {
        let isUnified = try fileSystemType(at: mountRoot) == FileSystemMagic.cgroup2
        let membership = try readText("/proc/self/cgroup")
        return CgroupLayout(isUnified: isUnified, hierarchies: parse(membership, isUnified: isUnified))
    }

    /// The hierarchies named in the text of /proc/PID/cgroup that are mounted. See cgroups(7).
    private static func parse(_ membership: String, isUnified: Bool) -> [Hierarchy] {
        var found = [Hierarchy]()
        for line in membership.split(separator: "\n") {
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { continue }
            let path = String(fields[2])
            if fields[1].isEmpty {
                if isUnified { found.append(Hierarchy(controllers: [], mountPoint: mountRoot, ownPath: path)) }
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
