internal import HostSystem

/// A copy of a volume's files for a tool of the host's: on a file system in memory that is mounted nowhere, so that nobody
/// can change it and it is gone with its descriptor. The tool sees plain files and directories alone.
struct StagedTree: VolumeSink {
    /// The root of the tree.
    let directory: Int32
    /// Roughly what the files take, in bytes.
    private(set) var size: UInt64 = 0
    private let limit: UInt64
    private let held = DescriptorSet()
    private var file: (name: String, descriptor: DescriptorSet)?

    init(limit: UInt64) throws(HostError) {
        self.limit = limit
        let options = ["mode=755", "size=\(limit + limit / 4 + (1 << 20))"]
        directory = held.hold(try newFileSystem("tmpfs", source: "volume", options: options, attributes: 0))
    }

    mutating func begin(_ name: String, _ status: FileStatus) throws {
        // A block for the file and a part of one for its name, in each of the formats.
        size += 2048
        guard size <= limit else { throw tooLarge(limit) }
        if status.kind == .directory {
            try makeDirectory(name, in: directory, mode: status.permissions | 0o700)
        } else {
            let made = try openBeneath(
                directory, name, flags: [.writeOnly, .create, .exclusive], mode: status.permissions)
            try changeOwner(of: made.raw, uid: status.owner, gid: status.group)
            // The mask of the caller is not the directory's.
            try changeMode(of: name, in: directory, to: status.permissions)
            let held = DescriptorSet()
            held.add(made)
            file = (name, held)
        }
    }

    mutating func write(_ bytes: [UInt8]) throws {
        size += UInt64(bytes.count)
        guard size <= limit else { throw tooLarge(limit) }
        guard let file, let descriptor = file.descriptor.numbers.first else { return }
        try writeAll(bytes, to: descriptor, named: file.name)
    }

    mutating func end() throws { file = nil }
}
