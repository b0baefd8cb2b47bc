internal import HostSystem

/// What the kernel can do of what containers need, found out by doing it, in a child where it would stay.
///
/// Each returns what was found, and throws why it cannot.
enum KernelProbes {
    static func release() throws -> String {
        let text = try readText("/proc/sys/kernel/osrelease")
        return "Linux \(text.split(separator: "\n").first ?? "")"
    }

    /// See openat2(2).
    static func resolution() throws -> String {
        _ = try openBeneath(currentDirectory, ".", flags: [.directory, .pathOnly])
        return "paths are resolved inside a directory"
    }

    /// See pidfd_open(2).
    static func processDescriptors() throws -> String {
        _ = try openProcess(currentProcess())
        return "processes have descriptors"
    }

    /// See clone3(2).
    static func namespaces() throws -> String {
        try inChild(
            NamespaceFlag.mount | NamespaceFlag.pid | NamespaceFlag.ipc | NamespaceFlag.uts | NamespaceFlag.network
        ) { () throws(HostError) in }
        return "mount, pid, ipc, uts and network"
    }

    /// See open_tree(2), mount_setattr(2).
    static func mounts() throws -> String {
        try inChild(NamespaceFlag.mount) { () throws(HostError) in
            let tree = try cloneMount("/", recursive: true)
            try setMountAttributes(tree.raw, set: MountAttribute.readOnly, recursive: true)
        }
        return "mounts are made and changed by descriptors"
    }

    static func userNamespaces() throws -> String {
        try child(NamespaceFlag.user) { () throws(HostError) in }
        return "can be made"
    }

    /// See time_namespaces(7).
    static func timeNamespaces() throws -> String {
        _ = try status(of: "/proc/self/ns/time")
        return "the kernel has them"
    }

    /// See mount_setattr(2), MOUNT_ATTR_IDMAP.
    static func mappedMounts() throws -> String {
        let users = try makeUserNamespace(users: "0 100000 65536", groups: "0 100000 65536")
        let tree = try cloneMount("/", recursive: false)
        try mapMount(tree.raw, to: users.raw, recursive: false)
        return "for the file system of /"
    }

    /// See seccomp(2).
    static func seccomp() throws -> String {
        let actions = try readText("/proc/sys/kernel/seccomp/actions_avail")
        return "actions: \(actions.split(separator: "\n").first ?? "")"
    }

    /// See bpf(2), BPF_PROG_TYPE_CGROUP_DEVICE.
    static func devicePrograms() throws -> String {
        // r0 = 1; exit: everything is allowed.
        _ = try DeviceProgram([0x0000_0001_0000_00b7, 0x95])
        return "device rules on cgroup version 2"
    }

    /// Runs `body` in a child with new namespaces, and for an ordinary user in a user namespace.
    private static func inChild(_ namespaces: UInt64, _ body: () throws(HostError) -> Void) throws(HostError) {
        try child(effectiveUser() == 0 ? namespaces : namespaces | NamespaceFlag.user, body)
    }

    private static func child(_ namespaces: UInt64, _ body: () throws(HostError) -> Void) throws(HostError) {
        let pid = try cloneProcess(namespaces: namespaces)
        if pid == 0 {
            do throws(HostError) {
                try body()
                exitNow(0)
            } catch {
                exitNow(min(max(error.errno, 1), 255))
            }
        }
        guard let end = try waitForChild(pid)?.end, end != .exited(0) else { return }
        throw HostError(call: "probe", subject: "in new namespaces", errno: end.shellStatus)
    }
}
