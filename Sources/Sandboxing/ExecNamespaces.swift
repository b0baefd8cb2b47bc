internal import HostSystem
internal import OCISpec

/// The namespaces that a joining process enters. See setns(2).
struct ExecNamespaces {
    /// Whether the container has a PID namespace that is not the runtime's.
    let joinsPID: Bool
    /// Whether the container's mount namespace is somebody else's, too: its root is not that namespace's then.
    let sharesMounts: Bool
    private let joinsUser: Bool
    private let others: UInt64

    /// Those that config.json does not name are the runtime's own at the time of `create`, which need not be those of the
    /// process that joins.
    init(_ configured: [Namespace]) {
        let types = Set(configured.map(\.type))
        joinsPID = types.contains(.pid)
        joinsUser = types.contains(.user)
        sharesMounts = !configured.contains { $0.type == .mount && $0.path?.isEmpty != false }
        let always: Set<NamespaceType> = [.mount, .network, .ipc, .uts, .cgroup]
        others = NamespacePlan.flags(types.union(always).subtracting([.pid, .user]))
    }

    /// Enters all but the PID namespace, which only a child can. `process` is a process descriptor.
    func join(_ process: Int32) throws(HostError) {
        guard joinsUser else { return try joinNamespace(process, type: others, path: "namespaces") }
        do throws(HostError) {
            // Those that belong to the host (a network joined by its path) can be entered only with the host's rights.
            try joinNamespace(process, type: others, path: "namespaces")
            try joinNamespace(process, type: NamespaceFlag.user, path: "user namespace")
        } catch {
            guard error.isPermission else { throw error }
            try joinUnprivileged(process)
        }
        try becomeRootOfUserNamespace()
    }

    /// An ordinary user has the rights to enter the others in the user namespace only, and never those of the host,
    /// which it is in already.
    private func joinUnprivileged(_ process: Int32) throws(HostError) {
        try joinNamespace(process, type: NamespaceFlag.user, path: "user namespace")
        for bit in 0..<UInt64(32) where others & (1 << bit) != 0 && 1 << bit != NamespaceFlag.mount {
            do throws(HostError) {
                try joinNamespace(process, type: 1 << bit, path: "namespaces")
            } catch {
                if !error.isPermission { throw error }
            }
        }
        try joinNamespace(process, type: NamespaceFlag.mount, path: "mount namespace")
    }
}

/// The process of another user namespace has every capability in it, but keeps ids that mean nothing there.
func becomeRootOfUserNamespace() throws(HostError) {
    for become in [setGroup, setUser] {
        do throws(HostError) {
            try become(0)
        } catch {
            // Id 0 need not be mapped.
            if !error.isInvalid { throw error }
        }
    }
}
