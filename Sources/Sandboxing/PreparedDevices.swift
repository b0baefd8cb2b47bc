internal import HostSystem
internal import OCISpec

/// Device nodes for a container with a user namespace, in which no node can be made: those of config.json that the host
/// does not have at the same place with the same owner and mode.
///
/// Root makes them before process 1, in a tmpfs that is mounted nowhere; process 1 binds them.
/// See config-linux.md "Devices".
struct PreparedDevices {
    /// The tmpfs; each node's name in it is its number in config.json.
    private let tmpfs: Int32
    private let numbers: [Int]
    private let held = DescriptorSet()

    /// Makes the nodes; nil for containers that need none, and where the caller may not make any.
    init?(_ linux: LinuxSpec, _ namespaces: NamespacePlan, isGuest: Bool) {
        guard !linux.devices.isEmpty, !isGuest, effectiveUser() == 0,
            namespaces.new.contains(.user), namespaces.new.contains(.mount)
        else { return nil }
        let missing = linux.devices.indices.filter {
            linux.devices[$0].type != .fifo && !Self.hostHas(linux.devices[$0], linux)
        }
        guard !missing.isEmpty,
            let made = try? newFileSystem("tmpfs", source: "devices", options: ["mode=755"], attributes: 0)
        else { return nil }
        tmpfs = held.hold(made)
        var numbers = [Int]()
        for number in missing {
            // What cannot be made is bound from the host, or the reason is said why it is not.
            guard (try? Self.make(linux.devices[number], named: "\(number)", in: tmpfs, linux)) != nil else { continue }
            numbers.append(number)
        }
        guard !numbers.isEmpty else { return nil }
        self.numbers = numbers
    }

    /// Whether binding what the host has there gives the container what it is to have.
    private static func hostHas(_ device: DeviceNode, _ linux: LinuxSpec) -> Bool {
        guard let file = try? followedStatus(of: device.path), DeviceNodes.is(file, device) else { return false }
        if let mode = device.fileMode, mode & 0o7777 != file.permissions { return false }
        if let uid = device.uid, hostID(uid, linux.uidMappings) != file.owner { return false }
        if let gid = device.gid, hostID(gid, linux.gidMappings) != file.group { return false }
        return true
    }

    private static func make(
        _ device: DeviceNode, named name: String, in directory: Int32, _ linux: LinuxSpec
    ) throws(HostError) {
        guard let uid = hostID(device.uid ?? 0, linux.uidMappings), let gid = hostID(device.gid ?? 0, linux.gidMappings)
        else { throw HostError(call: "chown", subject: "an id that the user namespace does not map", errno: 0) }
        let mode = (device.fileMode ?? 0o666) & 0o7777
        try makeNode(
            name, in: directory, mode: DeviceNodes.kind(device.type) | mode,
            major: UInt32(truncatingIfNeeded: device.major), minor: UInt32(truncatingIfNeeded: device.minor))
        // The caller's umask took bits away.
        try changeMode(of: name, in: directory, to: mode)
        try changeOwner(of: name, in: directory, uid: uid, gid: gid)
    }

    /// What an id of the container is outside; nil when it is not mapped.
    private static func hostID(_ id: UInt32, _ mappings: [IDMapping]) -> UInt32? {
        for mapping in mappings where mapping.contains(id) {
            return UInt32(exactly: UInt64(mapping.hostID) + UInt64(id - mapping.containerID))
        }
        return nil
    }

    /// A detached mount of each node, by its number in config.json, made in process 1.
    ///
    /// Only what is mounted in one's own namespace can be copied: the tmpfs is, for as long as that takes, on top of `place`,
    /// a descriptor of any directory.
    func mounts(over place: Int32, _ held: DescriptorSet) throws(HostError) -> [Int: Int32] {
        try attachMount(tmpfs, at: place)
        var mounts = [Int: Int32]()
        for number in numbers {
            mounts[number] = held.hold(try cloneMount("\(number)", in: tmpfs, recursive: false))
        }
        try detachMount(descriptorPath(tmpfs))
        return mounts
    }
}
