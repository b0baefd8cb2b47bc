internal import HostSystem

/// A tar archive whose members depend on names, contents and modes only: they are root's, of the year 1970.
struct TarStream {
    private let sink: ([UInt8]) throws -> Void

    init(_ sink: @escaping ([UInt8]) throws -> Void) { self.sink = sink }

    func directory(_ name: String) throws { try header(name + "/", type: "5", size: 0, mode: 0o755) }

    /// Begins a file, whose bytes are to follow.
    func begin(_ name: String, size: UInt64, mode: UInt64) throws {
        try header(name, type: "0", size: size, mode: mode)
    }

    /// Ends a file of `size` bytes.
    func end(size: UInt64) throws { try sink([UInt8](repeating: 0, count: Int((512 - size % 512) % 512))) }

    func file(_ name: String, _ bytes: [UInt8]) throws {
        try begin(name, size: UInt64(bytes.count), mode: 0o644)
        try sink(bytes)
        try end(size: UInt64(bytes.count))
    }

    /// Ends the archive.
    func finish() throws { try sink([UInt8](repeating: 0, count: 1024)) }

    private func header(_ name: String, type: Unicode.Scalar, size: UInt64, mode: UInt64) throws {
        var header = TarHeader(type: type)
        guard header.put([UInt8](name.utf8), at: 0, 100) else {
            throw Failure("path is longer than 100 bytes: \(name)")
        }
        header.put(number: mode, at: 100, 8)
        header.put(number: 0, at: 108, 8)
        header.put(number: 0, at: 116, 8)
        guard header.put(number: size, at: 124, 12) else { throw Failure("file is larger than 8 GiB: \(name)") }
        header.put(number: 0, at: 136, 12)
        try sink(header.finished)
    }
}
