import GuestImages
import GuestModel
import Testing

/// A file with one executable segment and one of notes.
private let sound: ELFBuilder = {
    var elf = ELFBuilder()
    elf.osABI = 255
    elf.segments = [
        ELFBuilder.Segment(flags: 5, address: 0x10_0000, bytes: [0x90, 0xC3], memorySize: 16),
        ELFBuilder.Segment(
            type: 4, flags: 4, address: 0, bytes: note("GNU", 1, [6, 0, 0, 0]) + note("HERMIT", 0x5A00, [4]),
            alignment: 4),
    ]
    return elf
}()

/// A file that cannot be read, and the one line that says why.
struct Malformed: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let image: [UInt8]
    let message: String

    init(_ name: String, _ image: [UInt8], _ message: String) {
        testDescription = name
        self.image = image
        self.message = message
    }
}

@Suite struct ELFImageTests {
    @Test func readsHeaderSegmentsAndNotes() throws {
        let elf = try ELFImage(sound.image)
        #expect(elf.type == 2)
        #expect(elf.machine == 62)
        #expect(elf.osABI == 255)
        #expect(elf.entry == 0x10_0000)
        #expect(elf.segments.count == 2)
        #expect(elf.segments.first?.address == 0x10_0000)
        #expect(elf.segments.first?.flags == 5)
        #expect(elf.segments.first?.fileSize == 2)
        #expect(elf.segments.first?.memorySize == 16)
        #expect(
            elf.notes == [
                ELFImage.Note(name: "GNU", type: 1, descriptor: [6, 0, 0, 0]),
                ELFImage.Note(name: "HERMIT", type: 0x5A00, descriptor: [4]),
            ])
        #expect(elf.notes(named: "HERMIT", type: 0x5A00).map(\.descriptor) == [[4]])
        #expect(elf.notes(named: "HERMIT", type: 1).isEmpty)
    }

    @Test func toleratesMissingAndSurplusPaddingOfNotes() throws {
        var elf = sound
        elf.segments[1].bytes = [UInt8](note("A", 1, [1]).dropLast(3))
        #expect(try ELFImage(elf.image).notes.map(\.descriptor) == [[1]])
        elf.segments[1].bytes = note("A", 1, [1]) + [UInt8](repeating: 0, count: 40)
        #expect(try ELFImage(elf.image).notes.map(\.descriptor) == [[1]])
    }

    @Test func alignsNotesOfEightByteSegmentsToEight() throws {
        var elf = sound
        elf.segments[1].alignment = 8
        elf.segments[1].bytes = note("GNU", 5, [1, 2, 3, 4]) + [0, 0, 0, 0] + note("GNU", 6, [])
        #expect(try ELFImage(elf.image).notes.map(\.type) == [5, 6])
    }

    @Test func passesTheErrorsOfItsSourceOn() {
        struct Broken: Error, Equatable {}
        struct Source: ByteSource {
            let size: UInt64 = 4096
            func read(at offset: UInt64, count: Int) throws -> [UInt8] { throw Broken() }
        }
        #expect(throws: Broken()) { try ELFImage(Source()) }
    }

    @Test func noticesAFileThatShrinksWhileItIsRead() {
        struct Source: ByteSource {
            let image: [UInt8]
            var size: UInt64 { image.size }
            func read(at offset: UInt64, count: Int) -> [UInt8] {
                offset == 0 ? image.read(at: 0, count: count) : [UInt8](image.read(at: offset, count: count).dropLast())
            }
        }
        #expect(throws: ELFError.truncated(part: "program headers", offset: 64 + 111)) {
            try ELFImage(Source(image: sound.image))
        }
    }

    static let malformed: [Malformed] = {
        let image = sound.image
        let notes = ELFBuilder.programHeader(1)
        let noteBytes = 0x2000
        func withNotes(_ bytes: [UInt8]) -> [UInt8] {
            var elf = sound
            elf.segments[1].bytes = bytes
            return elf.image
        }
        var empty = sound
        empty.segments = []
        var many = sound
        many.segments = [ELFBuilder.Segment](repeating: sound.segments[0], count: 257)
        return [
            Malformed("empty file", [], "not an ELF file"),
            Malformed("script", Array("#!/bin/sh\n".utf8), "not an ELF file"),
            Malformed("magic only", Array(image[..<4]), "ELF file is cut off at byte 4, inside the ELF header"),
            Malformed("half a header", Array(image[..<40]), "ELF file is cut off at byte 40, inside the ELF header"),
            Malformed("32-bit", image.with(1 as UInt8, at: 4), "ELF file is 32-bit, need 64-bit x86-64"),
            Malformed("class 9", image.with(9 as UInt8, at: 4), "ELF file has an unknown class 9"),
            Malformed("big-endian", image.with(2 as UInt8, at: 5), "ELF file is big-endian, need little-endian x86-64"),
            Malformed("byte order 0", image.with(0 as UInt8, at: 5), "ELF file has an unknown byte order 0"),
            Malformed("version 2", image.with(2 as UInt8, at: 6), "ELF file has an unknown version 2"),
            Malformed("arm64", image.with(183 as UInt16, at: 18), "ELF file is for AArch64, need x86-64"),
            Malformed("odd machine", image.with(9999 as UInt16, at: 18), "ELF file is for machine 9999, need x86-64"),
            Malformed("object file", empty.image, "ELF file has no program headers (an object file?)"),
            Malformed("257 headers", many.image, "ELF file has 257 program headers, at most 256 are read"),
            Malformed(
                "header size", image.with(32 as UInt16, at: 54), "ELF file has an unknown program header size 32"),
            Malformed(
                "headers beyond the end", image.with(0x10_0000 as UInt64, at: 32),
                "ELF program headers at 0x100000 lie outside the file of \(image.count) bytes"),
            Malformed(
                "header offset overflows", image.with(UInt64.max - 8, at: 32),
                "ELF program headers at 0xfffffffffffffff7 lie outside the file of \(image.count) bytes"),
            Malformed(
                "notes beyond the end", image.with(0x10_0000 as UInt64, at: notes + 8),
                "ELF segment 1 lies outside the file of \(image.count) bytes"),
            Malformed(
                "notes overflow", image.with(UInt64.max, at: notes + 32),
                "ELF segment 1 lies outside the file of \(image.count) bytes"),
            Malformed(
                "note name too long", image.with(UInt32.max, at: noteBytes),
                "ELF segment 1 has a note whose sizes lead out of the segment"),
            Malformed(
                "note descriptor too long", image.with(UInt32.max, at: noteBytes + 4),
                "ELF segment 1 has a note whose sizes lead out of the segment"),
            Malformed(
                "half a note header", withNotes([5, 0, 0, 0, 1]),
                "ELF segment 1 has a note whose sizes lead out of the segment"),
            Malformed(
                "1025 notes", withNotes([[UInt8]](repeating: note("A", 1, []), count: 1025).flatMap { $0 }),
                "ELF file has more than 1024 notes"),
            Malformed(
                "too many bytes of notes", withNotes([UInt8](repeating: 0, count: 1 << 20 + 1)),
                "ELF file has more than 1 MiB of notes"),
        ]
    }()

    @Test(arguments: malformed) func refuses(file: Malformed) {
        let error = #expect(throws: ELFError.self) { try ELFImage(file.image) }
        #expect(error?.description == file.message)
    }

    /// Every byte of the headers with every kind of damage: an error or a value, never a trap.
    @Test func survivesEveryDamagedByte() {
        let image = sound.image
        var read = 0
        for offset in Array(0..<ELFBuilder.programHeader(2)) + Array(0x2000..<0x2030) {
            for value in [0, 1, 0x7F, 0x80, 0xFF] as [UInt8] where image[offset] != value {
                if (try? ELFImage(image.with(value, at: offset))) != nil { read += 1 }
            }
        }
        #expect(read > 0)
    }
}
