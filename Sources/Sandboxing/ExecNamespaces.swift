internal import HostSystem
internal import OCISpec

/// The namespaces that a joining process enters. See setns(2).
struct ExecNamespaces {
    /// Whether the container has a PID namespace that is not the runtime's.
    let joinsPID: Bool
    /// Whether the container's mount namespace is somebody else's, too: its root is not that namespace's then.
    let sharesMounts: Bool
    private let joinsUser: Bool
    /// All but the PID and user namespaces.
    private let others: UInt64
    /// Those of them that config.json names.
    private let named: UInt64

    /// Those that config.json does not name are the runtime's own at the time of `create`, which need not be those of the
    /// process that joins.
    init(_ configured: [Namespace]) {
        let types = Set(configured.map(\.type))
        joinsPID = types.contains(.pid)
        joinsUser = types.contains(.user)
        sharesMounts = !configured.contains { $0.type == .mount && $0.path?.isEmpty != false }
        let always: Set<NamespaceType> = [.mount, .network, .ipc, .uts, .cgroup]
        others = NamespacePlan.flags(types.union(always).subtracting([.pid, .user]))
        named = NamespacePlan.flags(types.subtracting([.pid, .user]))
    }

    /// Makes the process, in the container's PID namespace if that has one of its own; 0 in the process.
    func clone(_ process: Int32) throws -> Int32 {
        func joinPID() throws(HostError) {
            // Takes effect for children only.
            if joinsPID { try joinNamespace(process, type: NamespaceFlag.pid, path: "pid namespace") }
        }
        do throws(HostError) {
            try joinPID()
        } catch {
            guard error.isPermission, joinsUser else { throw error }
            // An ordinary user has the right in the container's user namespace only.
            return try cloneFromHelper(namespaces: 0) { () throws(HostError) in
                try joinNamespace(process, type: NamespaceFlag.user, path: "user namespace")
                try joinPID()
            }
        }
        return try cloneProcess(namespaces: 0)
    }

    /// Enters all but the PID namespace, which only a child can. `process` is a process descriptor.
    func join(_ process: Int32) throws(HostError) {
        guard joinsUser else { return try joinWithoutUser(process) }
        do throws(HostError) {
            // Those that belong to the host (a network joined by its path) can be entered only with the host's rights.
            try joinNamespace(process, type: others, path: "namespaces")
            try joinNamespace(process, type: NamespaceFlag.user, path: "user namespace")
        } catch {
            // Invalid: the process is in the user namespace already.
            guard error.isPermission || error.isInvalid else { throw error }
            try joinUnprivileged(process)
        }
        try becomeRootOfUserNamespace()
    }

    /// Root of a user namespace around the runtime, as podman makes one, may enter what belongs to that; what
    /// config.json does not name is the host's, and the runtime is in it.
    private func joinWithoutUser(_ process: Int32) throws(HostError) {
        do throws(HostError) {
            try joinNamespace(process, type: others, path: "namespaces")
        } catch {
            guard error.isPermission else { throw error }
            try joinEach(of: others & ~named, process)
            if named != 0 { try joinNamespace(process, type: named, path: "namespaces") }
        }
    }

    /// An ordinary user has the rights to enter the others in the user namespace only, and never those of the host,
    /// which it is in already.
    private func joinUnprivileged(_ process: Int32) throws(HostError) {
        do throws(HostError) {
            try joinNamespace(process, type: NamespaceFlag.user, path: "user namespace")
        } catch {
            if !error.isInvalid { throw error }
        }
        try joinEach(of: others & ~NamespaceFlag.mount, process)
        try joinNamespace(process, type: NamespaceFlag.mount, path: "mount namespace")
    }

    /// Joins those that the kernel allows.
    private func joinEach(of types: UInt64, _ process: Int32) throws(HostError) {
        for bit in 0..<UInt64(32) where types & (1 << bit) != 0 {
            do throws(HostError) {
                try joinNamespace(process, type: 1 << bit, path: "namespaces")
            } catch {
                if !error.isPermission { throw error }
            }
        }
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
