internal import HostSystem
internal import LaunchPlanning

/// Packs a directory into a file in memory that nobody can change.
struct VolumePacker {
    /// How deep directories may be, symbolic links to directories included.
    private static let greatestDepth = 32
    /// How often a directory that changes meanwhile is packed again.
    private static let attempts = 4
    private static let chunk = 1 << 18

    private let limit: UInt64
    private let format: VolumePlan.Format
    private let sectorBytes: UInt16

    init(_ plan: VolumePlan, sectorBytes: UInt16) {
        limit = plan.limitMiB << 20
        format = plan.format
        self.sectorBytes = sectorBytes
    }

    /// Packs the directory that `place` names.
    ///
    /// - Throws: ``HostSystem/Failure`` that names what cannot be packed, or that changes again and again.
    func pack(_ place: Int32) throws -> Descriptor {
        let file = try pack(place) { try sealableFile(named: "volume") }
        try seal(file.raw, named: "volume")
        return file
    }

    /// Packs it into a new file of a directory, which everybody may read.
    func pack(_ place: Int32, into name: String, of parent: Int32) throws -> Descriptor {
        try pack(place) {
            try HostSystem.open(name, in: parent, flags: [.readWrite, .create, .truncate], mode: 0o444)
        }
    }

    private func pack(_ place: Int32, into file: () throws -> Descriptor) throws -> Descriptor {
        let directory = try HostSystem.open(descriptorPath(place), flags: .directory)
        for _ in 1..<Self.attempts {
            let version = Self.version(of: directory.raw)
            do {
                let file = try packOnce(directory.raw, into: try file())
                if Self.version(of: directory.raw) == version { return file }
            } catch let change as Change {
                _ = change
            } catch {
                // What was not to be found may belong to the version before.
                if Self.version(of: directory.raw) == version { throw error }
            }
        }
        return try packOnce(directory.raw, into: try file())
    }

    /// Kubernetes replaces all files of a volume at once, by changing what `..data` links to.
    private static func version(of directory: Int32) -> String? { try? readLink("..data", in: directory) }

    private func packOnce(_ directory: Int32, into file: consuming Descriptor) throws -> Descriptor {
        if format == .tar {
            var sink: any VolumeSink = TarArchive(to: file.raw, limit: limit)
            try add("", of: directory, to: &sink, depth: 0)
            if var archive = sink as? TarArchive { try archive.finish(sectorBytes: sectorBytes) }
        } else {
            var sink: any VolumeSink = try StagedTree(limit: limit)
            try add("", of: directory, to: &sink, depth: 0)
            if let tree = sink as? StagedTree { try VolumeTool(tree: tree, image: file.raw).make(format) }
            let over = try status(of: file.raw).size % UInt64(sectorBytes)
            if over > 0 { try setSize(of: file.raw, to: status(of: file.raw).size + UInt64(sectorBytes) - over) }
        }
        return file
    }

    /// Adds what is in a directory, sorted by name. Symbolic links are followed inside of the whole tree.
    private func add(_ path: String, of tree: Int32, to sink: inout any VolumeSink, depth: Int) throws {
        guard depth < Self.greatestDepth else { throw Failure("\(path) is too deep, or its links lead in a circle") }
        let directory = try openBeneath(tree, path.isEmpty ? "." : path, flags: .directory)
        // With ..data there, such names are Kubernetes' own versions of the files.
        let isVersioned = depth == 0 && Self.version(of: tree) != nil
        for name in try entries(of: directory.raw, named: path).map(\.name).sorted()
        where !(isVersioned && name.hasPrefix("..")) {
            try addEntry(path.isEmpty ? name : "\(path)/\(name)", of: tree, to: &sink, depth: depth)
        }
    }

    private func addEntry(_ path: String, of tree: Int32, to sink: inout any VolumeSink, depth: Int) throws {
        let place = try open(path, beneath: tree)
        let found = try status(of: place.raw)
        switch found.kind {
        case .directory:
            try sink.begin(path, found)
            try add(path, of: tree, to: &sink, depth: depth + 1)
        case .regular:
            try sink.begin(path, found)
            try copy(place.raw, path, found, to: &sink)
        default: throw Failure("\(path) in it is neither a file nor a directory")
        }
    }

    private func open(_ path: String, beneath tree: Int32) throws(Failure) -> Descriptor {
        do throws(HostError) {
            return try openBeneath(tree, path, flags: .pathOnly)
        } catch {
            throw Failure("\(path) in it cannot be followed inside of it: \(error.reason)")
        }
    }

    private func copy(_ place: Int32, _ path: String, _ found: FileStatus, to sink: inout any VolumeSink) throws {
        let file = try HostSystem.open(descriptorPath(place), flags: .readOnly)
        var done: UInt64 = 0
        while done < found.size {
            let count = Int(min(found.size - done, UInt64(Self.chunk)))
            let bytes = try read(file.raw, named: path, at: done, count: count)
            guard bytes.count == count else { throw Change(description: "\(path) in it changes while it is packed") }
            try sink.write(bytes)
            done += UInt64(count)
        }
        guard try status(of: file.raw).isUnchanged(since: found) else {
            throw Change(description: "\(path) in it changes while it is packed")
        }
        try sink.end()
    }
}

/// A file that was not the same at the beginning and at the end.
private struct Change: Error, CustomStringConvertible {
    let description: String
}
