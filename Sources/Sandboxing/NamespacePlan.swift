internal import HostSystem
internal import OCISpec

/// Which namespaces a container's process 1 gets anew and which it joins. See config-linux.md "Namespaces".
struct NamespacePlan {
    /// A namespace that exists already.
    struct Joined: Equatable {
        let type: NamespaceType
        let path: String
        let descriptor: Int32
        /// Whether it is the caller's own namespace, after all.
        let isOwn: Bool
    }

    /// The kinds to be made anew.
    let new: Set<NamespaceType>
    /// Those to be joined, in the order in which that is done.
    let joined: [Joined]
    private let descriptors = DescriptorSet()

    /// The user namespace comes first, because it decides about the right to enter the others.
    private static let order: [NamespaceType] = [.user, .ipc, .uts, .network, .pid, .mount, .cgroup, .time]

    /// Opens the namespaces to be joined.
    ///
    /// - Parameters:
    ///   - always: Kinds that the container gets even if config.json does not ask for them.
    ///   - leftOut: Kinds that config.json may name, but the container does not get that way.
    init(
        _ configured: [Namespace], always: Set<NamespaceType> = [], leftOut: Set<NamespaceType> = []
    ) throws(Failure) {
        var new = always
        var joined = [Joined]()
        for type in Self.order {
            guard !leftOut.contains(type), let index = configured.firstIndex(where: { $0.type == type }) else {
                continue
            }
            guard let path = configured[index].path, !path.isEmpty else {
                new.insert(type)
                continue
            }
            do throws(HostError) {
                let descriptor = try openNamespace(path, type: Self.flag(type))
                let isOwn = try status(of: descriptor.raw)
                    .isSameFile(as: followedStatus(of: "/proc/self/ns/\(Self.procName(type))"))
                joined.append(Joined(type: type, path: path, descriptor: descriptor.raw, isOwn: isOwn))
                descriptors.add(descriptor)
            } catch {
                throw Failure(
                    at: "/linux/namespaces/\(index)/path", "cannot join \(type.rawValue) namespace", cause: error)
            }
            new.remove(type)
        }
        self.new = new
        self.joined = joined
    }

    /// The bits for clone3(2).
    var cloneFlags: UInt64 { Self.flags(new.subtracting(late)) }

    /// What process 1 makes itself, later: the cgroup namespace, when it is in its cgroup; the time namespace, whose
    /// offsets come first.
    var late: Set<NamespaceType> { new.intersection([.cgroup, .time]) }

    /// Whether a helper joins the namespaces before process 1 is made: with a user namespace, a joined one because the
    /// new namespaces have to belong to it, a new one because process 1 has no right to join anything from there.
    var joinsBeforeClone: Bool {
        !joined.isEmpty && (new.contains(.user) || joined.contains { $0.type == .user })
    }

    /// Whether the container has a namespace of this type that is not the runtime's.
    func isSeparate(_ type: NamespaceType) -> Bool {
        new.contains(type) || joined.contains { $0.type == type && !$0.isOwn }
    }

    /// The name of a kind in /proc/PID/ns. See namespaces(7).
    static func procName(_ type: NamespaceType) -> String {
        switch type {
        case .mount: "mnt"
        case .network: "net"
        default: type.rawValue
        }
    }

    /// The CLONE_NEW* bits of several kinds.
    static func flags(_ types: Set<NamespaceType>) -> UInt64 { types.reduce(0) { $0 | flag($1) } }

    /// The CLONE_NEW* bit of a kind.
    static func flag(_ type: NamespaceType) -> UInt64 {
        switch type {
        case .pid: NamespaceFlag.pid
        case .network: NamespaceFlag.network
        case .mount: NamespaceFlag.mount
        case .ipc: NamespaceFlag.ipc
        case .uts: NamespaceFlag.uts
        case .user: NamespaceFlag.user
        case .cgroup: NamespaceFlag.cgroup
        case .time: NamespaceFlag.time
        }
    }
}
