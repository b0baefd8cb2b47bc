internal import GuestModel
internal import HostSystem
internal import OCIBundle
internal import OCISpec

/// What is behind a block device of a guest's.
public struct BlockPlan: Equatable, Sendable {
    /// The kinds of content.
    public enum Content: Equatable, Sendable {
        /// A regular file, whose bytes are the device's.
        case file
        /// A block device of the host's.
        case device
        /// The block device that holds the container's root filesystem, which is mounted meanwhile.
        case rootFilesystem
        /// A directory, packed into a file in memory.
        case volume(VolumePlan)
    }

    /// The guest's own name for the device.
    public let name: String
    /// What says so, as a message names it: an annotation, `/mounts/3`, `/linux/devices/0`, `root filesystem`.
    public let foundBy: String
    /// Where it is: on the host, or in the root filesystem.
    public let path: String
    /// Whether `path` is a path of the host's.
    public let isOnHost: Bool
    /// What it is.
    public let content: Content
    /// Whether the guest may only read.
    public let isReadOnly: Bool
    /// The size of a sector in bytes.
    public let sectorBytes: UInt16

    /// Where a monitor that opens disks by their paths finds it, as disk of that number.
    public func path(ofDisk number: Int) -> String {
        if case .volume = content { return MonitorLaunch.volumePath(number) }
        return MonitorLaunch.diskPath(number)
    }

    var json: JSONValue {
        var kind = "file"
        switch content {
        case .file: break
        case .device: kind = "device"
        case .rootFilesystem: kind = "root filesystem"
        case .volume(let volume): kind = volume.format.rawValue
        }
        return [
            "name": .string(name), "kind": "block", "foundBy": .string(foundBy),
            "path": .string(isOnHost ? path : "rootfs:\(path)"), "content": .string(kind),
            "readOnly": .bool(isReadOnly), "sectorBytes": JSONValue(UInt64(sectorBytes)),
        ]
    }
}

/// How a directory becomes a block device.
public struct VolumePlan: Equatable, Sendable {
    /// What the guest reads.
    public enum Format: String, CaseIterable, Sendable {
        /// An archive of tar(5).
        case tar
        /// ISO 9660 with Rock Ridge and Joliet names.
        case iso9660
        /// The second extended file system.
        case ext2
        /// FAT, as DOS has it.
        case fat
    }

    /// The format.
    public let format: Format
    /// The largest size of all in MiB.
    public let limitMiB: UInt64

    /// A plan.
    public init(format: Format, limitMiB: UInt64) {
        self.format = format
        self.limitMiB = limitMiB
    }
}

/// What a plan says of block devices, and their files by name, in the same order.
public struct PlannedBlocks {
    /// The plans.
    public internal(set) var plans: [BlockPlan] = []
    /// The files, opened with O_PATH, for as long as this value lives.
    public internal(set) var places: [Int32] = []

    let held = DescriptorSet()

    /// Puts an image that a monitor starts by its boot sector in front of all others.
    mutating func boot(from image: OpenFile, foundBy: String, _ spec: RuntimeSpec) throws(HostError) {
        let plan = BlockPlan(
            name: "boot", foundBy: foundBy, path: image.path, isOnHost: image.isOnHost, content: .file,
            isReadOnly: !image.isOnHost && spec.root?.readonly ?? false, sectorBytes: 512)
        plans.insert(plan, at: 0)
        places.insert(held.hold(try open(descriptorPath(image.raw), flags: .pathOnly)), at: 0)
    }
}
