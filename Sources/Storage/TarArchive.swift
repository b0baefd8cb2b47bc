internal import HostSystem

/// An archive in the making: ustar, with a pax header where a name or an owner does not fit. See POSIX pax, tar(5).
struct TarArchive: VolumeSink {
    private static let blockSize: UInt64 = 512

    /// Where it is written to.
    let file: Int32
    /// The most that may be written, in bytes.
    let limit: UInt64
    private(set) var size: UInt64 = 0

    init(to file: Int32, limit: UInt64) {
        self.file = file
        self.limit = limit
    }

    /// Begins a member: a regular file, whose bytes are to follow, or a directory.
    mutating func begin(_ name: String, _ status: FileStatus) throws {
        let isDirectory = status.kind == .directory
        let path = [UInt8]((isDirectory ? name + "/" : name).utf8)
        var header = TarHeader(type: isDirectory ? "5" : "0")
        var records: [UInt8] = []
        if !header.put(path, at: 0, 100) { records += TarHeader.record("path", path) }
        if !header.put(number: UInt64(status.owner), at: 108, 8) {
            records += TarHeader.record("uid", [UInt8]("\(status.owner)".utf8))
        }
        if !header.put(number: UInt64(status.group), at: 116, 8) {
            records += TarHeader.record("gid", [UInt8]("\(status.group)".utf8))
        }
        header.put(number: UInt64(status.permissions), at: 100, 8)
        header.put(number: isDirectory ? 0 : status.size, at: 124, 12)
        header.put(number: UInt64(max(0, status.modified)), at: 136, 12)
        if !records.isEmpty { try addRecords(records) }
        try write(header.finished)
    }

    private mutating func addRecords(_ records: [UInt8]) throws {
        var header = TarHeader(type: "x")
        header.put([UInt8]("pax".utf8), at: 0, 100)
        header.put(number: 0o644, at: 100, 8)
        header.put(number: UInt64(records.count), at: 124, 12)
        try write(header.finished)
        try write(records)
        try fill(to: Self.blockSize)
    }

    /// Adds bytes of the member that was begun.
    mutating func write(_ bytes: [UInt8]) throws {
        guard size + UInt64(bytes.count) <= limit else { throw tooLarge(limit) }
        try writeAll(bytes, to: file, named: "archive")
        size += UInt64(bytes.count)
    }

    /// Ends a member.
    mutating func end() throws { try fill(to: Self.blockSize) }

    /// Ends the archive, which then has whole sectors.
    mutating func finish(sectorBytes: UInt16) throws {
        try write([UInt8](repeating: 0, count: Int(2 * Self.blockSize)))
        try fill(to: UInt64(sectorBytes))
    }

    private mutating func fill(to unit: UInt64) throws {
        let over = size % unit
        if over > 0 { try write([UInt8](repeating: 0, count: Int(unit - over))) }
    }
}
