public import HostSystem

/// A container's root filesystem, in which every path is resolved as the container's processes would.
///
/// The filesystem's content is not trusted: a symbolic link in it leads to nothing outside of it (openat2(2),
/// RESOLVE_IN_ROOT).
public struct RootFilesystem: ~Copyable {
    /// The directory, opened with O_PATH.
    public let descriptor: Descriptor

    /// Opens the root filesystem that config.json's `root.path` names.
    ///
    /// - Parameters:
    ///   - path: Absolute, as podman and docker write it, or relative to the bundle and then below it.
    ///   - bundle: The bundle's directory.
    /// - Throws: ``HostSystem/Failure`` when it is not there, is not a directory or lies outside the bundle.
    public init(path: String, in bundle: Int32) throws(Failure) {
        descriptor = try Self.open(path, in: bundle)
    }

    private static func open(_ path: String, in bundle: Int32) throws(Failure) -> Descriptor {
        do throws(HostError) {
            if path.hasPrefix("/") { return try HostSystem.open(path, flags: [.directory, .pathOnly]) }
            return try openBeneath(bundle, path, flags: [.directory, .pathOnly])
        } catch {
            throw Failure("config.json: /root/path: cannot open the root filesystem", cause: error)
        }
    }

    /// Opens a regular file of the container for reading.
    ///
    /// - Returns: nil when there is nothing at `path`, or something else than a regular file.
    public func openFile(_ path: String) throws(HostError) -> OpenFile? {
        try Self.openFile(path, inRoot: descriptor.raw)
    }

    /// The same in the root filesystem whose directory is `root`, for whoever cannot hold on to this value.
    public static func openFile(_ path: String, inRoot root: Int32) throws(HostError) -> OpenFile? {
        do throws(HostError) {
            // First by name only: opening a device node would reach the host's driver, and a fifo would wait.
            let named = try openInRoot(root, path, flags: .pathOnly)
            let status = try status(of: named.raw)
            guard status.kind == .regular else { return nil }
            let file = try HostSystem.open(descriptorPath(named.raw), flags: .readOnly)
            return OpenFile(file, path: path, status: status)
        } catch {
            if error.isNotFound || error.isNotDirectory || error.isLoop || error.isPermission || error.isNameTooLong {
                return nil
            }
            throw error
        }
    }

    /// Finds a program the way execvp(3) does, with the container's PATH and working directory.
    ///
    /// - Returns: Its path in the container, nil when there is none.
    public func findProgram(_ name: String, searchPath: String, workingDirectory: String) throws(HostError) -> OpenFile?
    {
        if name.isEmpty { return nil }
        if name.hasPrefix("/") { return try openFile(name) }
        if name.utf8.contains(UInt8(ascii: "/")) { return try openFile("\(workingDirectory)/\(name)") }
        for directory in searchPath.split(separator: ":", omittingEmptySubsequences: true) {
            let place = directory.hasPrefix("/") ? String(directory) : "\(workingDirectory)/\(directory)"
            if let file = try openFile("\(place)/\(name)"), file.status.isExecutable { return file }
        }
        return nil
    }
}

/// An open regular file, read at random offsets.
public final class OpenFile {
    /// The path it was opened by.
    public let path: String
    /// Its status when it was opened.
    public let status: FileStatus
    /// Whether it was opened by a path of the host's.
    public let isOnHost: Bool
    /// Its descriptor's number, for as long as this object lives.
    public let raw: Int32

    private let descriptor: Descriptor

    /// Opens a regular file of the host for reading.
    ///
    /// - Throws: ``HostSystem/Failure`` when it cannot be opened or is something else.
    public convenience init(onHost path: String) throws {
        let named = try HostSystem.open(path, flags: .pathOnly)
        let status = try HostSystem.status(of: named.raw)
        guard status.kind == .regular else { throw Failure("\(path) is no regular file") }
        self.init(
            try HostSystem.open(descriptorPath(named.raw), flags: .readOnly), path: path, status: status, isOnHost: true
        )
    }

    init(_ descriptor: consuming Descriptor, path: String, status: FileStatus, isOnHost: Bool = false) {
        self.isOnHost = isOnHost
        self.path = path
        self.status = status
        raw = descriptor.raw
        self.descriptor = descriptor
    }

    /// Its length in bytes.
    public var size: UInt64 { status.size }

    /// Reads up to `count` bytes at `offset`; fewer at the end.
    public func read(at offset: UInt64, count: Int) throws(HostError) -> [UInt8] {
        try HostSystem.read(raw, named: path, at: offset, count: count)
    }
}
