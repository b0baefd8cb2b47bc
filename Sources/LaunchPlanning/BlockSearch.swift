internal import HostSystem
internal import OCIBundle
internal import OCISpec

/// Finds what is behind the block devices that a guest declares.
///
/// Files are only named (O_PATH): nothing is opened for use, and nothing of an image leads out of it.
struct BlockSearch {
    /// What was found for a device.
    private struct Found {
        let foundBy: String
        let path: String
        let isOnHost: Bool
        let isReadOnly: Bool
        /// Whether config.json itself names it, so that it may be a device.
        let isNamed: Bool
        let descriptor: Int32
        var isRoot = false
    }

    let spec: RuntimeSpec
    let bundlePath: String
    let rootPath: String
    let settings: GuestSettings
    private(set) var blocks = PlannedBlocks()
    /// The mounts of config.json, by number, that a device takes.
    private(set) var usedMounts: Set<Int> = []

    init(_ bundle: borrowing Bundle, _ settings: GuestSettings) {
        spec = bundle.spec
        bundlePath = bundle.path
        rootPath = bundle.rootPath
        self.settings = settings
    }

    /// Finds something for every device in `names`.
    ///
    /// - Throws: ``HostSystem/Failure`` that names the device, and each place where something could have been.
    mutating func find(_ names: [String], in root: borrowing RootFilesystem) throws(Failure) {
        for name in names {
            do {
                let found =
                    try named(name, in: root) ?? mounted(name) ?? inImage(name, root) ?? rootDevice(root)
                guard let found else { throw nothing(name) }
                blocks.plans.append(try plan(name, found))
                blocks.places.append(found.descriptor)
            } catch {
                throw Failure("cannot attach block device '\(name)'", cause: error)
            }
        }
    }

    private func plan(_ name: String, _ found: Found) throws -> BlockPlan {
        let content: BlockPlan.Content
        switch try status(of: found.descriptor).kind {
        case .regular: content = .file
        case .directory: content = .volume(try volume(name))
        case .blockDevice where found.isRoot: content = .rootFilesystem
        case .blockDevice where found.isNamed: content = .device
        case .blockDevice: throw Failure("\(found.path) is a device that config.json does not name")
        default: throw Failure("\(found.path) is neither a file nor a block device nor a directory")
        }
        var isReadOnly = found.isReadOnly
        if case .volume = content { isReadOnly = true }
        if let (key, value) = try settings.value("block-read-only.\(name)") {
            guard value == "true" || value == "false" else { throw wrong(key, value, "true or false") }
            isReadOnly = isReadOnly || value == "true"
        }
        return BlockPlan(
            name: name, foundBy: found.foundBy, path: found.path, isOnHost: found.isOnHost, content: content,
            isReadOnly: isReadOnly, sectorBytes: try sectorBytes(name))
    }

    private func sectorBytes(_ name: String) throws(Failure) -> UInt16 {
        guard let (key, value) = try settings.value("block-sector-size.\(name)") else { return 512 }
        guard let size = UInt16(value), size >= 512, size.nonzeroBitCount == 1 else {
            throw wrong(key, value, "a power of two from 512 to 32768")
        }
        return size
    }

    private func volume(_ name: String) throws(Failure) -> VolumePlan {
        var plan = (format: VolumePlan.Format.tar, limitMiB: UInt64(64))
        if let (key, value) = try settings.value("volume-format.\(name)") {
            guard let format = VolumePlan.Format(rawValue: value) else {
                throw wrong(key, value, VolumePlan.Format.allCases.map(\.rawValue).joined(separator: ", "))
            }
            plan.format = format
        }
        if let (key, value) = try settings.value("volume-limit.\(name)") {
            guard let limit = UInt64(value), 1...4096 ~= limit else {
                throw wrong(key, value, "a number of MiB from 1 to 4096")
            }
            plan.limitMiB = limit
        }
        return VolumePlan(format: plan.format, limitMiB: plan.limitMiB)
    }

    private func wrong(_ key: String, _ value: String, _ expected: String) -> Failure {
        Failure("\(key) is \"\(value)\", need \(expected)")
    }

    private func nothing(_ name: String) -> Failure {
        let first = blocks.plans.isEmpty ? "no com.urunc.unikernel.block, " : ""
        return Failure(
            "it is declared but not attached: no org.swiftlet.unikernel.block.\(name), \(first)no bind mount at "
                + "/dev/\(name) or at a path that ends in /\(name), no block device /dev/\(name) in linux.devices, no "
                + "/\(name), /\(name).img or /dev/\(name) in the root filesystem, and no "
                + "com.urunc.unikernel.mountRootfs")
    }
}

// MARK: the places

extension BlockSearch {
    /// What an annotation names.
    private mutating func named(_ name: String, in root: borrowing RootFilesystem) throws -> Found? {
        var setting = try settings.value("block.\(name)")
        if setting == nil, blocks.plans.isEmpty { setting = try settings.value(.block) }
        guard let (key, path) = setting else { return nil }
        guard let found = try resolve(path, foundBy: key, in: root) else {
            throw Failure("\(path), named by \(key), is not there")
        }
        return found
    }

    /// What is bound to /dev/NAME, a device of that path, or what is bound to a path that ends in /NAME.
    private mutating func mounted(_ name: String) throws -> Found? {
        if let number = bind(where: { $0.elementsEqual(["dev", Substring(name)]) }) { return try take(number, []) }
        for (number, device) in (spec.linux?.devices ?? []).enumerated()
        where pathParts(device.path).elementsEqual(["dev", Substring(name)]) {
            guard device.type == .block else { throw Failure("/linux/devices/\(number) is no block device") }
            let (major, minor) = (UInt32(device.major), UInt32(device.minor))
            let node = try nameBlockDevice(major: major, minor: minor)
            let path = try absolutePath(of: node.raw)
            return Found(
                foundBy: "/linux/devices/\(number)", path: path, isOnHost: true,
                isReadOnly: isReadOnly(device.major, device.minor), isNamed: true, descriptor: blocks.held.hold(node))
        }
        guard let number = bind(where: { $0.last == Substring(name) }) else { return nil }
        return try take(number, [])
    }

    /// Whether the rules that name the device let it be read, and none lets it be written.
    private func isReadOnly(_ major: Int64, _ minor: Int64) -> Bool {
        let rules = (spec.linux?.resources?.devices ?? []).filter {
            $0.allow && $0.type == .block && $0.major == major && $0.minor == minor
        }
        return !rules.isEmpty && !rules.contains { $0.access?.contains("w") ?? true }
    }

    private func bind(where matches: ([Substring]) -> Bool) -> Int? {
        spec.mounts.lastIndex { $0.isBind && matches(pathParts($0.destination)) }
    }

    private mutating func inImage(_ name: String, _ root: borrowing RootFilesystem) throws -> Found? {
        for path in ["/\(name)", "/\(name).img", "/dev/\(name)"] {
            if let found = try resolve(path, foundBy: "root filesystem", in: root) { return found }
        }
        return nil
    }

    /// What a process of the container would find at `path`; nil when nothing is there.
    private mutating func resolve(
        _ path: String, foundBy: String, in root: borrowing RootFilesystem
    ) throws -> Found? {
        let parts = pathParts(path)
        let covering = spec.mounts.lastIndex { parts.starts(with: pathParts($0.destination)) }
        do throws(HostError) {
            if let covering { return try take(covering, Array(parts), foundBy: foundBy) }
            let file = try openInRoot(root.descriptor.raw, path, flags: .pathOnly)
            return Found(
                foundBy: foundBy, path: path, isOnHost: false, isReadOnly: spec.root?.readonly ?? false,
                isNamed: false, descriptor: blocks.held.hold(file))
        } catch {
            if error.isNotFound || error.isNotDirectory || error.isNameTooLong { return nil }
            throw error
        }
    }

    /// What is at a path of the container below a mount; at the mount itself for an empty path.
    private mutating func take(
        _ number: Int, _ parts: [Substring], foundBy: String? = nil
    ) throws(HostError) -> Found? {
        let mount = spec.mounts[number]
        // Another file system is empty, or has nothing that could be a disk.
        guard mount.isBind else { return nil }
        let path = mount.sourcePath(bundle: bundlePath)
        let rest = parts.dropFirst(pathParts(mount.destination).count).joined(separator: "/")
        var file = try open(path, flags: .pathOnly)
        if !rest.isEmpty { file = try openBeneath(file.raw, rest, flags: .pathOnly) }
        usedMounts.insert(number)
        return Found(
            foundBy: foundBy ?? "/mounts/\(number)", path: rest.isEmpty ? path : "\(path)/\(rest)", isOnHost: true,
            isReadOnly: mount.isReadOnly, isNamed: rest.isEmpty, descriptor: blocks.held.hold(file))
    }

    /// The device that holds the root filesystem, if the container asks for it: whole, and mounted nowhere else, so that
    /// there is nothing on it that the container does not have anyway.
    private mutating func rootDevice(_ root: borrowing RootFilesystem) throws -> Found? {
        guard let (key, value) = try settings.value(.mountRootFilesystem), value == "true",
            !blocks.plans.contains(where: { $0.content == .rootFilesystem })
        else { return nil }
        guard let (major, minor) = try ownDevice(root) else {
            throw Failure("\(key) is true, and the root filesystem has no block device of its own")
        }
        let node = try nameBlockDevice(major: major, minor: minor)
        let path = try absolutePath(of: node.raw)
        return Found(
            foundBy: key, path: path, isOnHost: true, isReadOnly: true, isNamed: true,
            descriptor: blocks.held.hold(node), isRoot: true)
    }
}

extension BlockSearch {
    /// The numbers of the block device that has the root filesystem and nothing else; nil when there is none.
    func ownDevice(_ root: borrowing RootFilesystem) throws -> (major: UInt32, minor: UInt32)? {
        let (major, minor) = try status(of: root.descriptor.raw).fileSystemDevice
        let mounts = try mountTable().filter { $0.device == "\(major):\(minor)" }
        guard major != 0, mounts.count == 1, mounts[0].path == rootPath, mounts[0].root == "/" else { return nil }
        return (major, minor)
    }
}

extension Mount {
    /// Whether it can only be read.
    fileprivate var isReadOnly: Bool {
        let last = options.last { ["ro", "rw", "rro", "rrw"].contains($0) }
        return last == "ro" || last == "rro"
    }
}
