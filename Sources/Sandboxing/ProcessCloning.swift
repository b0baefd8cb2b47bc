internal import HostSystem
internal import OCISpec

/// Makes process 1 of a container, in namespaces of its own and in those that it joins.
struct ProcessCloning {
    let namespaces: NamespacePlan

    /// Returns the child's pid in the parent, 0 in the child, which is the parent's child in either case.
    ///
    /// - Throws: An error that says which namespace cannot be made or joined.
    func clone() throws -> Int32 {
        namespaces.joinsBeforeClone
            ? try cloneFromHelper(namespaces: namespaces.cloneFlags, joining: joinAll) : try cloneInPIDNamespace()
    }

    /// Joining a PID namespace puts later children there, not the caller; it is taken back in the parent, whose hooks
    /// stay outside.
    private func cloneInPIDNamespace() throws(HostError) -> Int32 {
        guard let joined = namespaces.joined.first(where: { $0.type == .pid }) else {
            return try cloneProcess(namespaces: namespaces.cloneFlags)
        }
        let own = try open("/proc/self/ns/pid", flags: .readOnly)
        try join(joined)
        let pid = try cloneProcess(namespaces: namespaces.cloneFlags)
        if pid != 0 { try joinNamespace(own.raw, type: NamespaceFlag.pid, path: "/proc/self/ns/pid") }
        return pid
    }

    /// What belongs to the caller's user namespace can be joined only as long as the caller is in it, what belongs to
    /// the joined one only from there.
    private func joinAll() throws(HostError) {
        var later = [NamespacePlan.Joined]()
        let user = namespaces.joined.first { $0.type == .user }
        for namespace in namespaces.joined where namespace.type != .user {
            do throws(HostError) {
                try join(namespace)
            } catch {
                guard error.isPermission, user != nil else { throw error }
                later.append(namespace)
            }
        }
        if let user { try join(user) }
        for namespace in later { try join(namespace) }
    }

    private func join(_ namespace: NamespacePlan.Joined) throws(HostError) {
        try joinNamespace(namespace.descriptor, type: NamespacePlan.flag(namespace.type), path: namespace.path)
    }
}

/// Makes a child of this process in namespaces that a helper joins: a user namespace cannot be left again.
///
/// The child is the helper's sibling; see clone(2) CLONE_PARENT.
/// - Parameters:
///   - namespaces: The CLONE_NEW* bits of those that are new, and belong to the joined user namespace.
///   - join: Joins the others.
/// - Returns: The child's pid, 0 in the child.
func cloneFromHelper(namespaces: UInt64, joining join: () throws(HostError) -> Void) throws -> Int32 {
    let pair = try SocketPair()
    let helper = try cloneProcess(namespaces: 0)
    let (ours, theirs) = pair.take()
    guard helper == 0 else {
        _ = Descriptor(owning: theirs)
        return try pid(from: InitChannel(socket: Descriptor(owning: ours)), helper: helper)
    }
    _ = Descriptor(owning: ours)
    let channel = InitChannel(socket: Descriptor(owning: theirs))
    do {
        try join()
        let pid = try cloneProcess(namespaces: namespaces | NamespaceFlag.sibling)
        if pid == 0 { return 0 }
        try channel.send(.proceed(pid: pid))
    } catch {
        try? channel.send(.failed("\(error)"))
    }
    exitNow(0)
}

private func pid(from channel: consuming InitChannel, helper: Int32) throws -> Int32 {
    let said = try channel.receive()
    _ = try waitForChild(helper)
    switch said {
    case .proceed(let pid): return pid
    case .failed(let reason): throw Failure(reason)
    default: throw Failure("the process that joins the container's namespaces ended before it had")
    }
}
