internal import HostSystem
internal import OCISpec

/// Bind mounts with an id mapping of their own, and all of a container that root makes with a user namespace, made before
/// process 1 and attached by it. See config.md "Mounts", `idmap`.
///
/// Only who has privileges over the file system may map its ids, and process 1 may be in a user namespace, whose root
/// need not get to what root of the host wants to be mounted.
struct IDMappedMounts {
    /// What was made for a mount.
    enum Prepared {
        /// The mount itself, detached.
        case mount(Int32)
        /// The user namespace that its ids are mapped by: what it shows is there only when the mounts before it are.
        case namespace(Int32)
    }

    /// What was made for the mount of config.json with this index.
    private(set) var prepared: [Int: Prepared] = [:]
    private let held = DescriptorSet()

    /// Makes what `spec` asks for; nothing for most containers.
    init(
        _ spec: RuntimeSpec, _ bundle: String, rootPath: String, _ namespaces: NamespacePlan, isGuest: Bool
    ) throws(Failure) {
        let opensAll = namespaces.isSeparate(.user) && effectiveUser() == 0
        for (index, mount) in spec.mounts.enumerated() where !isGuest {
            let options = MountOptions(mount)
            let isMapped = options.isMapped || !mount.uidMappings.isEmpty
            guard isMapped || (opensAll && options.isBind) else { continue }
            let isInside = RootTree.path(mount.sourcePath(bundle: bundle), isWithin: rootPath)
            if isInside && !isMapped { continue }
            do throws(HostError) {
                let ids =
                    isMapped
                    ? held.hold(try Self.userNamespace(of: mount, spec.linux ?? LinuxSpec(), namespaces)) : nil
                if isInside, let ids {
                    prepared[index] = .namespace(ids)
                    continue
                }
                let source = try Mounting.openSource(mount, options, bundle: bundle)
                let made = try cloneMount("", in: source.raw, recursive: options.flags.contains(.recursive))
                if let ids { try mapMount(made.raw, to: ids, recursive: options.mapsRecursively) }
                prepared[index] = .mount(held.hold(made))
            } catch {
                // Process 1 may see what is not there here, and says it in other words.
                if !isMapped && (error.isNotFound || error.isPermission) { continue }
                let what = isMapped ? "map the ids of" : "open the source of"
                throw Failure(at: "/mounts/\(index)", "cannot \(what) the mount at \(mount.destination)", cause: error)
            }
        }
    }

    /// The mount's own mappings, or the container's.
    private static func userNamespace(
        of mount: Mount, _ linux: LinuxSpec, _ namespaces: NamespacePlan
    ) throws(HostError) -> Descriptor {
        if mount.uidMappings.isEmpty {
            if let joined = namespaces.joined.first(where: { $0.type == .user }) {
                return try open(joined.path, flags: .readOnly)
            }
            return try makeUserNamespace(users: text(linux.uidMappings), groups: text(linux.gidMappings))
        }
        return try makeUserNamespace(users: text(mount.uidMappings), groups: text(mount.gidMappings))
    }

    private static func text(_ mappings: [IDMapping]) -> String {
        mappings.map { "\($0.containerID) \($0.hostID) \($0.size)\n" }.joined()
    }
}
