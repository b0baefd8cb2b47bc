internal import HostSystem
internal import OCISpec

/// Makes device nodes and the links beside them. See config-linux.md "Devices" and "Default Devices".
struct DeviceNodes {
    /// Whether nodes cannot be made here (a user namespace) and the host's are bound instead.
    let binds: Bool
    /// What config.json mounts: a file that it mounts in the place of a default node stays.
    let mounts: [Mount]
    /// Nodes made for this container before its user namespace, by their number in config.json.
    var prepared: [Int: Int32] = [:]

    /// The nodes every container has.
    private static let defaults: [DeviceNode] = [
        node("/dev/null", 1, 3), node("/dev/zero", 1, 5), node("/dev/full", 1, 7), node("/dev/random", 1, 8),
        node("/dev/urandom", 1, 9), node("/dev/tty", 5, 0),
    ]

    private static let links = [
        ("/dev/fd", "/proc/self/fd"), ("/dev/stdin", "/proc/self/fd/0"), ("/dev/stdout", "/proc/self/fd/1"),
        ("/dev/stderr", "/proc/self/fd/2"),
    ]

    private static func node(_ path: String, _ major: Int64, _ minor: Int64) -> DeviceNode {
        var node = DeviceNode(path: path, type: .character, major: major, minor: minor)
        node.fileMode = 0o666
        return node
    }

    /// Makes the default nodes, those of config.json and the links.
    func make(_ configured: [DeviceNode], in tree: borrowing RootTree) throws(Failure) {
        let named = Set(configured.map(\.path))
        for device in Self.defaults where !named.contains(device.path) { try make(device, "/linux/devices", in: tree) }
        for (index, device) in configured.enumerated() {
            try make(device, "/linux/devices/\(index)", prepared: prepared[index], in: tree)
        }
        do throws(HostError) {
            for (path, target) in Self.links { try link(path, to: target, in: tree) }
            if let pts = try tree.find("/dev/pts/ptmx") {
                _ = consume pts
                try link("/dev/ptmx", to: "pts/ptmx", in: tree)
            }
        } catch {
            throw Failure("cannot link devices", cause: error)
        }
    }

    private func make(
        _ device: DeviceNode, _ pointer: String, prepared: Int32? = nil, in tree: borrowing RootTree
    ) throws(Failure) {
        do throws(HostError) {
            if let prepared {
                let place = try tree.make(device.path, isDirectory: false)
                return try attachMount(prepared, at: place.descriptor.raw)
            }
            if binds && device.type != .fifo { return try bind(device, in: tree) }
            do throws(HostError) {
                try makeNew(device, in: tree)
            } catch {
                // Root of a user namespace around the runtime, as podman makes one, may not make nodes.
                guard error.isPermission else { throw error }
                try bind(device, in: tree)
            }
        } catch {
            throw Failure(at: pointer, "cannot make device \(device.path)", cause: error)
        }
    }

    private func bind(_ device: DeviceNode, in tree: borrowing RootTree) throws(HostError) {
        let source = try open(device.path, flags: .pathOnly)
        guard Self.is(try status(of: source.raw), device) else {
            throw HostError(call: "bind", subject: "the host has another file there", errno: 0)
        }
        let place = try tree.make(device.path, isDirectory: false)
        let copy = try cloneMount("", in: source.raw, recursive: false)
        try setMountAttributes(
            copy.raw, set: MountAttribute.noSetUserID | MountAttribute.noExecute, recursive: false)
        try attachMount(copy.raw, at: place.descriptor.raw)
    }

    private func makeNew(_ device: DeviceNode, in tree: borrowing RootTree) throws(HostError) {
        let (parent, name) = try tree.parent(of: device.path)
        let directory = Descriptor(owning: parent)
        let mode = Self.kind(device.type) | ((device.fileMode ?? 0o666) & 0o7777)
        do throws(HostError) {
            try makeNode(
                name, in: directory.raw, mode: mode, major: UInt32(truncatingIfNeeded: device.major),
                minor: UInt32(truncatingIfNeeded: device.minor))
        } catch {
            // An image that brings the node along keeps it; anything else under that name is none of the container's.
            guard error.isAlreadyThere else { throw error }
            guard try Self.is(status(of: name, in: directory.raw), device) || isMounted(device) else {
                throw HostError(call: "mknod", subject: "another file is there already", errno: 0)
            }
        }
        if device.uid ?? 0 != 0 || device.gid ?? 0 != 0 { try give(device, name, in: directory.raw) }
    }

    /// Gives a node to its user, if it is that node: an image may have brought along anything by its name.
    private func give(_ device: DeviceNode, _ name: String, in directory: Int32) throws(HostError) {
        let node = try openWithoutLinks(name, in: directory, flags: .pathOnly)
        guard Self.is(try status(of: node.raw), device) else {
            throw HostError(call: "fstat", subject: "\(name), which is something else", errno: 0)
        }
        try changeOwnerOfNamed(node.raw, uid: device.uid ?? 0, gid: device.gid ?? 0)
    }

    private func isMounted(_ device: DeviceNode) -> Bool {
        let place = RootTree.normalised(device.path)
        return mounts.contains { RootTree.normalised($0.destination) == place }
    }

    /// Whether a file is the device that is asked for.
    static func `is`(_ file: FileStatus, _ device: DeviceNode) -> Bool {
        switch device.type {
        case .character, .unbuffered: file.kind == .characterDevice && file.device == numbers(device)
        case .block: file.kind == .blockDevice && file.device == numbers(device)
        case .fifo: file.kind == .fifo
        }
    }

    private static func numbers(_ device: DeviceNode) -> (major: UInt32, minor: UInt32) {
        (UInt32(truncatingIfNeeded: device.major), UInt32(truncatingIfNeeded: device.minor))
    }

    /// The S_IFMT bits of a kind of device.
    static func kind(_ type: DeviceType) -> UInt32 {
        switch type {
        case .character, .unbuffered: NodeMode.character
        case .block: NodeMode.block
        case .fifo: NodeMode.fifo
        }
    }

    private func link(_ path: String, to target: String, in tree: borrowing RootTree) throws(HostError) {
        let (parent, name) = try tree.parent(of: path)
        let directory = Descriptor(owning: parent)
        do throws(HostError) {
            try makeSymbolicLink(name, in: directory.raw, to: target)
        } catch {
            if !error.isAlreadyThere { throw error }
        }
    }
}
