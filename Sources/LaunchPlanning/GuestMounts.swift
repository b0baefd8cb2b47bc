internal import HostSystem
internal import OCIBundle
internal import OCISpec

/// The mounts of config.json that a guest does not get.
///
/// A guest has no mounts but what its block devices take. What engines add to every container is left out; anything else
/// was meant for the guest, and is refused. See Specs/annotations.md.
struct GuestMounts {
    /// Kernel file systems, wherever they are.
    private static let types = ["proc", "sysfs", "devpts", "mqueue", "cgroup", "cgroup2"]
    /// Files and directories that engines bind or mount, by their parts.
    private static let paths = [
        "etc/hosts", "etc/hostname", "etc/resolv.conf", "etc/passwd", "etc/group", "dev", "dev/shm", "dev/mqueue",
        "dev/termination-log", "dev/console", "proc", "sys", "sys/fs/cgroup", "run/.containerenv",
    ]
    /// Empty ones that engines mount, and Kubernetes' and podman's own secrets.
    private static let emptyPaths = ["run", "run/lock", "tmp", "var/tmp"]
    private static let secrets = ["run/secrets", "var/run/secrets"]

    /// The destinations that are left out.
    ///
    /// - Throws: ``OCISpec/SpecError`` that names a mount which is neither taken nor one of an engine's own.
    static func leftOut(_ spec: RuntimeSpec, used: Set<Int>) throws(SpecError) -> [String] {
        let named = (spec.annotations[leaveOut] ?? "").split(separator: ",").map { pathParts(String($0)) }
        var leftOut = [String]()
        for (number, mount) in spec.mounts.enumerated() where !used.contains(number) {
            let isNobodys = isEngines(mount) || spec.isInPod && isMessage(mount)
            guard isNobodys || named.contains(pathParts(mount.destination)) else {
                throw SpecError(
                    pointer: "/mounts/\(number)",
                    reason: "the guest cannot be given \(mount.destination): no block device of its takes it "
                        + "(annotation \(leaveOut) names mounts to do without)",
                    section: "config.md#mounts")
            }
            leftOut.append(mount.destination)
        }
        return leftOut
    }

    private static let leaveOut = "org.swiftlet.unikernel.leave-out-mounts"

    static func isEngines(_ mount: Mount) -> Bool {
        if let type = mount.type, types.contains(type) { return true }
        let path = pathParts(mount.destination).joined(separator: "/")
        if paths.contains(path) || secrets.contains(where: { path == $0 || path.hasPrefix("\($0)/") }) { return true }
        return mount.type == "tmpfs" && emptyPaths.contains(path)
    }

    /// Whether a mount is the file for a pod's `terminationMessagePath`, which every container of Kubernetes has: a file
    /// `pods/UID/containers/NAME/NUMBER` of the kubelet's own.
    private static func isMessage(_ mount: Mount) -> Bool {
        let parts = pathParts(mount.source ?? "").suffix(5)
        return mount.isBind && parts.count == 5 && parts.first == "pods" && parts.dropFirst(2).first == "containers"
    }
}
