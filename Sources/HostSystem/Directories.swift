internal import CLinux

/// Makes a directory. See mkdirat(2).
public func makeDirectory(_ path: String, in directory: Int32 = currentDirectory, mode: UInt32) throws(HostError) {
    // SAFETY: the string is NUL-terminated for the length of the call.
    try check("mkdir", path, unsafe lx_mkdirat(directory, path, mode))
}

/// Makes a directory and those above it; says which of them are new, the outermost first.
@discardableResult
public func makeDirectories(_ path: String, mode: UInt32) throws(HostError) -> [String] {
    do throws(HostError) {
        try makeDirectory(path, mode: mode)
        return [path]
    } catch {
        if error.errno == EEXIST { return [] }
        guard error.errno == ENOENT, let parent = parentPath(path) else { throw error }
        let made = try makeDirectories(parent, mode: mode)
        do throws(HostError) { try makeDirectory(path, mode: mode) } catch {
            if error.errno != EEXIST { throw error }
        }
        return made + [path]
    }
}

/// The path of the directory that holds `path`; nil when there is none to name.
public func parentPath(_ path: String) -> String? {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")), slash != path.startIndex else { return nil }
    return String(path[..<slash])
}

/// The parts of a path, without empty ones and dots, `..` taken back.
public func pathParts(_ path: String) -> [Substring] {
    var parts = [Substring]()
    for part in path.split(separator: "/") where part != "." {
        if part == ".." { _ = parts.popLast() } else { parts.append(part) }
    }
    return parts
}

/// Removes an empty directory. See unlinkat(2) AT_REMOVEDIR.
public func removeDirectory(_ path: String, in directory: Int32 = currentDirectory) throws(HostError) {
    // SAFETY: the string is NUL-terminated for the length of the call.
    try check("rmdir", path, unsafe lx_unlinkat(directory, path, AT_REMOVEDIR))
}

/// A name in a directory.
public struct DirectoryEntry: Equatable, Sendable {
    /// The name, without a path.
    public let name: String
    /// Whether it is a directory itself.
    public let isDirectory: Bool
}

/// What is in an open directory, without `.` and `..`, in the kernel's order. See getdents64(2).
///
/// Relies on the file system to tell directories apart (d_type), as all do that the runtime looks into.
public func entries(of directory: Int32, named name: String) throws(HostError) -> [DirectoryEntry] {
    var found = [DirectoryEntry]()
    var last = 0
    repeat {
        let chunk = unsafe [UInt8](unsafeUninitializedCapacity: 32768) { buffer, count in
            // SAFETY: the kernel writes at most the buffer's length.
            last = unsafe lx_getdents(directory, buffer.baseAddress, buffer.count)
            count = max(0, last)
        }
        try check("getdents64", name, last)
        var at = 0
        // struct linux_dirent64: d_ino (8), d_off (8), d_reclen (2), d_type (1), d_name.
        while at + 19 < chunk.count {
            let record = Int(chunk[at + 16]) | Int(chunk[at + 17]) << 8
            guard record > 19, at + record <= chunk.count else { break }
            let entry = String(decoding: chunk[(at + 19)..<(at + record)].prefix { $0 != 0 }, as: UTF8.self)
            if entry != "." && entry != ".." {
                found.append(DirectoryEntry(name: entry, isDirectory: chunk[at + 18] == UInt8(DT_DIR)))
            }
            at += record
        }
    } while last > 0
    return found
}

/// Removes a directory and all below it, never crossing into another file system. See unlinkat(2).
public func removeTree(_ path: String, in directory: Int32 = currentDirectory) throws(HostError) {
    do throws(HostError) {
        let tree = try open(path, in: directory, flags: [.directory, .noFollow])
        for entry in try entries(of: tree.raw, named: path) {
            if entry.isDirectory {
                try removeTree(entry.name, in: tree.raw)
            } else {
                try removeFile(entry.name, in: tree.raw)
            }
        }
    } catch {
        if error.errno == ENOENT { return }
        throw error
    }
    try removeDirectory(path, in: directory)
}

/// The current directory's path. See getcwd(3).
public func currentDirectoryPath() throws(HostError) -> String {
    var buffer = [CChar](repeating: 0, count: 4096)
    // SAFETY: the buffer's own length is passed, and the result is NUL-terminated within it.
    let found = unsafe buffer.withUnsafeMutableBufferPointer {
        unsafe lx_current_directory($0.baseAddress, $0.count) != nil
    }
    guard found else { throw HostError(call: "getcwd", subject: "", errno: ENOENT) }
    return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

/// A path from the root of the file system: a relative one is below the current directory.
public func absolutePath(_ path: String) throws(HostError) -> String {
    path.hasPrefix("/") ? path : "\(try currentDirectoryPath())/\(path)"
}

/// Makes an open directory the current one. See fchdir(2).
public func changeDirectory(to descriptor: Int32) throws(HostError) {
    try check("fchdir", "descriptor \(descriptor)", lx_fchdir(descriptor))
}

/// Makes `path` the current directory. See chdir(2).
public func changeDirectory(to path: String) throws(HostError) {
    // SAFETY: the string is NUL-terminated for the length of the call.
    try check("chdir", path, unsafe lx_chdir(path))
}
