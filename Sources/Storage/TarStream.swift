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

/// Text in base64 (RFC 4648 section 4).
enum Base64Text {
    private static let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    static func encoded(_ text: String) -> String {
        let bytes = Array(text.utf8)
        var result: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let bits = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
            for index in 0..<4 {
                result.append(index <= group.count ? digits[bits >> (18 - 6 * index) & 63] : UInt8(ascii: "="))
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}
