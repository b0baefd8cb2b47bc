internal import HostSystem
internal import OCISpec

/// What may be mounted on a container's procfs. See the function `checkProcMount` of runc, whose rules these are.
///
/// Labels, limits and sysctls are set by writing into procfs, and masked paths hide parts of it: a mount there makes all
/// of them something else (CVE-2019-16884, CVE-2019-19921).
enum ProcfsRules {
    /// Refuses a mount on a procfs, but for the files that lxcfs and the like replace, and another procfs.
    ///
    /// - Parameters:
    ///   - place: Where it is to be mounted.
    ///   - source: What is to be bound there, if that is what it is.
    static func check(_ mount: Mount, at place: Int32, binding source: Int32?) throws(HostError) {
        let parts = RootTree.normalised(mount.destination)
        if parts == ["proc"] {
            // An empty file system over a masked procfs hides more, never less.
            if mount.type == "tmpfs" { return }
            if let source, try fileSystemType(of: source) == FileSystemMagic.proc { return }
            throw refusal("\"\(mount.destination)\" cannot be mounted because it is not of type proc")
        }
        guard parts.first == "proc", mount.type != "tmpfs" || source != nil else { return }
        guard try fileSystemType(of: place) == FileSystemMagic.proc else { return }
        if replaceable.contains(parts.dropFirst().joined(separator: "/")) { return }
        throw refusal("\"\(mount.destination)\" cannot be mounted because it is inside /proc")
    }

    private static func refusal(_ text: String) -> HostError { HostError(call: text, subject: "", errno: 0) }

    private static let replaceable: Set = [
        "cpuinfo", "diskstats", "meminfo", "stat", "swaps", "uptime", "loadavg", "slabinfo", "net/dev",
        "sys/kernel/ns_last_pid", "sys/crypto/fips_enabled",
    ]
}
