import GuestImages
import GuestModel
import Testing

@Suite struct KernelHeaderTests {
    @Test func findsAMultibootHeader() throws {
        let zeros = [UInt8](repeating: 0, count: 8192)
        func header(at offset: Int, _ bytes: [UInt8]) throws -> MultibootHeader? {
            try MultibootHeader(in: Array(zeros[..<offset]) + bytes)
        }
        #expect(try header(at: 0, multibootHeader())?.offset == 0)
        #expect(try header(at: 8180, multibootHeader())?.offset == 8180)
        #expect(try header(at: 8184, multibootHeader()) == nil)
        #expect(try header(at: 2, multibootHeader() + [0, 0]) == nil)
        #expect(try header(at: 0, multibootHeader().with(5 as UInt32, at: 4)) == nil)
        #expect(try header(at: 64, Array(multibootHeader()[..<11])) == nil)
        #expect(try header(at: 0, multibootHeader())?.end == nil)
        // Of two the first with a right sum counts.
        #expect(try header(at: 0, multibootHeader().with(5 as UInt32, at: 4) + multibootHeader(flags: 0))?.flags == 0)
    }

    @Test func readsABzImage() throws {
        let image = bzImage()
        let header = try #require(try LinuxHeader(in: image))
        #expect(header.bootVersion == 0x20F)
        #expect(header.commandLineBytes == 2047)
        #expect(header.memoryEnd == 0x300_0000)
        #expect(header.release == "6.1.0-25-cloud-amd64")
        for offset in [0x1FE, 0x202, 0x205, 0x207, 0x211] {
            #expect(try LinuxHeader(in: image.with(0 as UInt8, at: offset)) == nil, "byte \(offset)")
        }
        #expect(try LinuxHeader(in: Array(image[..<0x264])) == nil)
        #expect(try LinuxHeader(in: image.with(UInt64.max, at: 0x258))?.memoryEnd == .max)
        #expect(try LinuxHeader(in: image.with(UInt16.max, at: 0x20E))?.release == nil)
        let old = try #require(try LinuxHeader(in: image.with(0x0205 as UInt16, at: 0x206)))
        #expect(old.commandLineBytes == 255)
        #expect(old.memoryEnd == 0)
    }

    @Test func readsXenNotes() throws {
        var elf = ELFBuilder()
        func set(_ notes: [UInt8]) { elf.segments = [.init(type: 4, flags: 4, address: 0, bytes: notes, alignment: 4)] }
        set(note("Xen", 6, Array("osv".utf8) + [0]) + note("Xen", 18, [0, 0, 0x10, 0]))
        #expect(try ELFImage(elf.image).pvhEntry == 0x10_0000)
        #expect(try ELFImage(elf.image).xenGuestName == "osv")
        set(note("Xen", 18, [0, 0, 0x10, 0, 1, 0, 0, 0]))
        #expect(try ELFImage(elf.image).pvhEntry == 0x1_0010_0000)
        #expect(try ELFImage(elf.image).xenGuestName == nil)
        set(note("Xen", 18, [0, 0]))
        #expect(try ELFImage(elf.image).pvhEntry == nil)
    }
}

@Suite struct ELFSectionTests {
    private static func elf(_ change: (inout ELFBuilder) -> Void = { _ in }) -> ELFBuilder {
        var elf = ELFBuilder()
        elf.segments = [ELFBuilder.Segment(flags: 5, address: 0x10_0000, bytes: [0xC3])]
        elf.sections = [ELFBuilder.Section(".text", bytes: [1, 2, 3]), ELFBuilder.Section(".bss", type: 8)]
        change(&elf)
        return elf
    }

    @Test(arguments: [true, false]) func readsSectionsOfBothClasses(is64Bit: Bool) throws {
        let image = Self.elf {
            $0.is64Bit = is64Bit
            $0.machine = 3
        }.image
        let elf = try ELFImage(image)
        #expect(elf.is64Bit == is64Bit)
        #expect(elf.machine == 3)
        #expect(elf.entry == 0x10_0000)
        #expect(elf.lowestAddress == 0x10_0000)
        #expect(elf.segments.first?.flags == 5)
        #expect(elf.segments.first?.alignment == 0x1000)
        #expect(elf.physicalEnd == 0x10_0001)
        let sections = try elf.sections(of: image)
        #expect(sections.map(\.name) == [".text", ".bss", ".shstrtab"])
        #expect(try elf.bytes(of: sections[0], in: image, limit: 3) == [1, 2, 3])
        #expect(try elf.bytes(of: sections[0], in: image, limit: 2) == nil)
        #expect(try elf.bytes(of: sections[1], in: image, limit: 3) == nil)
    }

    @Test func takes32BitFilesForX86Only() throws {
        #expect(throws: ELFError.is32Bit) { try ELFImage(Self.elf { $0.is64Bit = false }.image) }
        #expect(throws: ELFError.foreignMachine(183)) { try ELFImage(Self.elf { $0.machine = 183 }.image) }
        #expect(throws: ELFError.foreignMachine(3)) {
            try ELFImage(Self.elf { $0.machine = 3 }.image).checkIsX86_64()
        }
    }

    @Test func looksAtNoMoreSectionsThanItSays() throws {
        let many = Self.elf { $0.sections = [ELFBuilder.Section](repeating: .init("a"), count: 1024) }.image
        #expect(try ELFImage(many).sections(of: many).isEmpty)
        let most = Self.elf { $0.sections = [ELFBuilder.Section](repeating: .init("a"), count: 1023) }.image
        #expect(try ELFImage(most).sections(of: most).count == 1024)
        let long = Self.elf { $0.sections = [ELFBuilder.Section(String(repeating: "n", count: 200))] }.image
        #expect(try ELFImage(long).sections(of: long).first?.name.count == 128)
    }

    /// Every byte of the headers and of the sections with every kind of damage: sections or none, never a trap.
    @Test(arguments: [true, false]) func survivesEveryDamagedByte(is64Bit: Bool) throws {
        let image = Self.elf {
            $0.is64Bit = is64Bit
            $0.machine = 3
        }.image
        for offset in Array(0..<128) + Array(0x2000..<image.count) {
            for value in [0, 1, 0x7F, 0x80, 0xFF] as [UInt8] where image[offset] != value {
                let damaged = image.with(value, at: offset)
                guard let elf = try? ELFImage(damaged) else { continue }
                for section in try elf.sections(of: damaged) {
                    _ = try elf.bytes(of: section, in: damaged, limit: 1 << 20)
                }
            }
        }
    }
}
