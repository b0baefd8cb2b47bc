import HostSystem

/// Runs `body` with the path of an empty directory, which is removed afterwards.
func withTemporaryDirectory(_ body: (String) throws -> Void) throws {
    let path = "/tmp/swiftlet-commands-\(currentProcess())-\(monotonicNanoseconds())"
    try makeDirectory(path, mode: 0o700)
    defer { try? removeTree(path) }
    try body(path)
}

/// The text of a file.
func contents(of path: String) throws -> String { try readText(path) }
