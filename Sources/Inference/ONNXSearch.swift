public import HostLibraries
internal import HostSystem

extension ONNXLibrary {
    /// Opens ONNX Runtime where it is installed.
    ///
    /// - Parameter path: The operator's own: the library, or a directory that has it, as an unpacked Python package.
    ///   nil looks where Debian, and pip on Debian, put it.
    /// - Throws: ``HostLibraries/LibraryError`` of kind `ENOENT` when it is nowhere.
    public convenience init(at path: String?) throws(LibraryError) {
        guard let path else {
            try self.init(firstOf: onnxLibraryCandidates())
            return
        }
        let isDirectory = (try? open(path, flags: [.pathOnly, .directory])) != nil
        let candidates = isDirectory ? ["", "/capi", "/onnxruntime/capi"].flatMap { versions(in: path + $0) } : [path]
        guard !candidates.isEmpty else { throw .missing("no libonnxruntime.so is in \(path)") }
        try self.init(firstOf: candidates)
    }
}

/// Where the library may be: what the dynamic linker finds, Debian's directory, Python's packages.
func onnxLibraryCandidates() -> [String] {
    var directories = ["/usr/lib/x86_64-linux-gnu", "/usr/local/lib"]
    for lib in ["/usr/local/lib", "/usr/lib"] {
        for python in names(in: lib) where python.hasPrefix("python3") {
            directories += ["dist-packages", "site-packages"].map { "\(lib)/\(python)/\($0)/onnxruntime/capi" }
        }
    }
    return ["libonnxruntime.so.1", "libonnxruntime.so"] + directories.flatMap(versions(in:))
}

/// The library's files in a directory, the longest name first: it has the version in it.
private func versions(in directory: String) -> [String] {
    names(in: directory).filter { $0.hasPrefix("libonnxruntime.so") }
        .sorted { ($0.utf8.count, $0) > ($1.utf8.count, $1) }.map { "\(directory)/\($0)" }
}

private func names(in path: String) -> [String] {
    guard let directory = try? open(path, flags: [.readOnly, .directory]) else { return [] }
    return ((try? entries(of: directory.raw, named: path)) ?? []).map(\.name).sorted()
}
