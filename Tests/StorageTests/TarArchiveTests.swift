import HostSystem
import TestSupport
import Testing

@testable import Storage

@Suite struct TarArchiveTests {
    /// The bytes of an archive that `fill` makes of the files in a directory.
    private func archive(limit: UInt64 = 1 << 20, _ fill: (inout TarArchive, String) throws -> Void) throws -> [UInt8] {
        var bytes: [UInt8] = []
        try withTemporaryDirectory { directory in
            let file = try anonymousFile(named: "archive")
            var archive = TarArchive(to: file.raw, limit: limit)
            try fill(&archive, directory)
            bytes = try read(file.raw, named: "archive", at: 0, count: 1 << 20)
            #expect(UInt64(bytes.count) == archive.size)
        }
        return bytes
    }

    private func text(_ bytes: [UInt8], _ offset: Int, _ count: Int) -> String {
        String(decoding: bytes[offset..<offset + count].prefix { $0 != 0 }, as: UTF8.self)
    }

    /// Adds a file under a name that it has in the archive only.
    private func add(_ name: String, _ content: String, to archive: inout TarArchive, in directory: String) throws {
        let path = "\(directory)/file"
        try write(content, to: path, mode: 0o640)
        try archive.begin(name, try status(of: path))
        try archive.write([UInt8](content.utf8))
        try archive.end()
    }

    @Test func writesHeaderAndContent() throws {
        let bytes = try archive { archive, directory in
            try add("name", "content", to: &archive, in: directory)
            try archive.finish(sectorBytes: 512)
        }
        #expect(bytes.count == 4 * 512)
        #expect(text(bytes, 0, 100) == "name")
        #expect(text(bytes, 100, 8) == "0000640")
        #expect(text(bytes, 124, 12) == "00000000007")
        #expect(text(bytes, 156, 1) == "0")
        #expect(text(bytes, 257, 6) == "ustar")
        let sum = bytes[..<148].reduce(0) { $0 + Int($1) } + bytes[156..<512].reduce(0) { $0 + Int($1) } + 8 * 32
        #expect(Int(text(bytes, 148, 6), radix: 8) == sum)
        #expect(text(bytes, 512, 512) == "content")
        #expect(bytes[1024...].allSatisfy { $0 == 0 })
    }

    @Test("names of up to 100 bytes are in the header, longer ones in a pax header", arguments: [100, 101, 4000])
    func writesLongNames(length: Int) throws {
        let name = String(repeating: "n", count: length)
        let bytes = try archive { archive, directory in try add(name, "", to: &archive, in: directory) }
        guard length > 100 else {
            #expect(text(bytes, 0, 100) == name)
            #expect(bytes.count == 512)
            return
        }
        #expect(text(bytes, 156, 1) == "x")
        let record = text(bytes, 512, try #require(Int(text(bytes, 124, 12), radix: 8)))
        #expect(record == "\(record.utf8.count) path=\(name)\n")
        #expect(text(bytes, bytes.count - 512, 100) == String(repeating: "n", count: 100))
    }

    @Test("the length that begins a record counts its own digits", arguments: [80, 89, 90, 91, 985, 986, 987])
    func countsItsOwnDigits(length: Int) throws {
        let name = String(repeating: "n", count: max(101, length))
        let bytes = try archive { archive, directory in try add(name, "", to: &archive, in: directory) }
        let size = try #require(Int(text(bytes, 124, 12), radix: 8))
        #expect(text(bytes, 512, size).hasPrefix("\(size) path="))
    }

    @Test func fillsSectors() throws {
        let bytes = try archive { archive, directory in
            try add("name", "content", to: &archive, in: directory)
            try archive.finish(sectorBytes: 4096)
        }
        #expect(bytes.count == 4096)
    }

    @Test func keepsToItsLimit() throws {
        let limited = message {
            _ = try archive(limit: 1024) { archive, directory in
                try add("name", String(repeating: "c", count: 513), to: &archive, in: directory)
            }
        }
        #expect(limited.hasPrefix("it takes more than"))
    }
}
