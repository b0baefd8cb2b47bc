internal import HostSystem
internal import OCISpec

/// The directory of a guest's virtio sockets: one for each container, for nobody but the monitor's user.
///
/// The names are short, for the path of a socket has 107 bytes at most, and new, so that nobody waits there already.
enum VsockDirectory {
    private static let systemBase = "/run/swiftlet-vsock"

    /// A path that there is nothing at yet.
    static func newPath() -> String {
        let name = String(UInt64.random(in: (1 << 60)...UInt64.max), radix: 16)
        return "\(base)/\(name)"
    }

    private static var base: String {
        guard effectiveUser() != 0, let own = Program.environment("XDG_RUNTIME_DIR"), own.hasPrefix("/") else {
            return systemBase
        }
        return "\(own)/swiftlet-vsock"
    }

    /// Makes it, as the container's user's.
    static func make(_ path: String, for spec: RuntimeSpec) throws {
        do throws(HostError) {
            // Others may look for their own directories below it, and not for which there are.
            if let parent = parentPath(path) { try makeDirectories(parent, mode: 0o711) }
            try makeDirectory(path, mode: 0o700)
            let user = spec.process?.user ?? User()
            let (uid, gid) = (
                hostID(user.uid, spec.linux?.uidMappings ?? []), hostID(user.gid, spec.linux?.gidMappings ?? [])
            )
            guard uid != effectiveUser() || gid != effectiveGroup() else { return }
            try changeOwner(of: path, in: currentDirectory, uid: uid, gid: gid)
        } catch {
            throw Failure("cannot make the directory of the guest's vsock", cause: error)
        }
    }

    /// The host's number of an id of the container's.
    private static func hostID(_ id: UInt32, _ mappings: [IDMapping]) -> UInt32 {
        for mapping in mappings where id >= mapping.containerID && id - mapping.containerID < mapping.size {
            return mapping.hostID + (id - mapping.containerID)
        }
        return id
    }

    /// Removes it and the sockets in it; one that is not there is no error.
    static func remove(_ path: String) throws(HostError) {
        if !path.isEmpty { try removeTree(path) }
    }
}
