public import HostSystem

/// Compares texts with the files that hold what is expected; with `RECORD=1` in the environment it writes them instead.
public struct GoldenFiles {
    private let directory: String

    /// The files of a directory of the repository.
    ///
    /// - Parameter directory: As `Tests/Golden/plans`.
    public init(_ directory: String) {
        let sourceFile = #filePath
        let root = sourceFile.split(separator: "/").dropLast(3).joined(separator: "/")
        self.directory = "/\(root)/\(directory)"
    }

    /// The expected text of file `name`; `actual` itself, written to the file, when expectations are recorded.
    ///
    /// - Throws: ``HostSystem/HostError`` when the file is not there or cannot be written.
    public func expected(_ name: String, actual: String) throws(HostError) -> String {
        let path = "\(directory)/\(name)"
        if Program.environment("RECORD") == "1" { try write(actual, to: path) }
        return try readText(path)
    }
}
