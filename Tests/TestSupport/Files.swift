public import HostSystem

/// Runs `body` with the path of an empty directory, which is removed afterwards.
///
/// - Throws: What `body` throws, or ``HostSystem/HostError`` when the directory cannot be made.
public func withTemporaryDirectory(_ body: (String) throws -> Void) throws {
    let path = "/tmp/swiftlet-tests-\(currentProcess())-\(monotonicNanoseconds())"
    try makeDirectory(path, mode: 0o755)
    defer { try? removeTree(path) }
    try body(path)
}

/// Writes a file, and the directories above it where there are none.
public func write(_ bytes: [UInt8], to path: String, mode: UInt32 = 0o644) throws(HostError) {
    if let parent = parentPath(path) { try makeDirectories(parent, mode: 0o755) }
    let file = try open(path, flags: [.writeOnly, .create, .truncate], mode: mode)
    try writeAll(bytes, to: file.raw, named: path)
}

/// Writes a text file, and the directories above it where there are none.
public func write(_ text: String, to path: String, mode: UInt32 = 0o644) throws(HostError) {
    try write([UInt8](text.utf8), to: path, mode: mode)
}

/// Makes a symbolic link.
public func link(_ path: String, to target: String) throws(HostError) {
    try makeSymbolicLink(path, in: currentDirectory, to: target)
}

/// Makes a fifo.
public func makeFifo(_ path: String) throws(HostError) {
    try makeNode(path, in: currentDirectory, mode: NodeMode.fifo | 0o644)
}

/// The names in a directory, sorted.
public func names(in path: String) throws(HostError) -> [String] {
    let directory = try open(path, flags: .directory)
    return try entries(of: directory.raw, named: path).map(\.name).sorted()
}

/// An anonymous file with `text` in it, at its beginning.
public func memoryFile(_ text: String) throws(HostError) -> Descriptor {
    let file = try anonymousFile(named: "test")
    try writeAll([UInt8](text.utf8), to: file.raw, named: "test")
    try rewind(file.raw, named: "test")
    return file
}
