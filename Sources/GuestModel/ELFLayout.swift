/// Where the fields of an ELF file are, by the System V ABI: those of the two classes differ in the width of words.
struct ELFLayout: Equatable {
    static let x86: UInt16 = 3
    static let x86_64: UInt16 = 62

    static let elf64 = ELFLayout(
        is64Bit: true, headerSize: 64, programHeaderSize: 56, sectionHeaderSize: 64, entry: 24,
        programHeaders: 32, sectionHeaders: 40, sizes: 54)
    static let elf32 = ELFLayout(
        is64Bit: false, headerSize: 52, programHeaderSize: 32, sectionHeaderSize: 40, entry: 24,
        programHeaders: 28, sectionHeaders: 32, sizes: 42)

    let is64Bit: Bool
    let headerSize: Int
    let programHeaderSize: Int
    let sectionHeaderSize: Int
    /// Where `e_entry` is.
    let entry: Int
    /// Where `e_phoff` and `e_shoff` are.
    let programHeaders, sectionHeaders: Int
    /// Where `e_phentsize` is; `e_phnum`, `e_shentsize`, `e_shnum` and `e_shstrndx` follow.
    let sizes: Int

    /// The layout of the class that the header names.
    static func checkIdentity(_ header: [UInt8]) throws(ELFError) -> ELFLayout {
        guard header.starts(with: [0x7F, 0x45, 0x4C, 0x46]) else { throw .notELF }
        guard header.count >= 16 else { throw .truncated(part: "ELF header", offset: UInt64(header.count)) }
        guard header[4] == 1 || header[4] == 2 else { throw .badField("class", UInt64(header[4])) }
        switch header[5] {
        case 1: break
        case 2: throw .isBigEndian
        default: throw .badField("byte order", UInt64(header[5]))
        }
        guard header[6] == 1 else { throw .badField("version", UInt64(header[6])) }
        return header[4] == 2 ? elf64 : elf32
    }

    /// An address, offset or size of the class's width.
    func word(_ bytes: [UInt8], at offset: Int) -> UInt64? {
        is64Bit ? bytes.number(UInt64.self, at: offset) : bytes.number(UInt32.self, at: offset).map(UInt64.init)
    }

    func segments(of source: some ByteSource, header: [UInt8]) throws -> [ELFImage.Segment] {
        guard let offset = word(header, at: programHeaders), let entrySize = header.number(UInt16.self, at: sizes),
            let count = header.number(UInt16.self, at: sizes + 2)
        else { throw ELFError.truncated(part: "ELF header", offset: UInt64(header.count)) }
        guard count > 0 else { throw ELFError.noProgramHeaders }
        guard count <= ELFImage.Limits.programHeaders else { throw ELFError.tooManyProgramHeaders(Int(count)) }
        guard entrySize == programHeaderSize else { throw ELFError.badField("program header size", UInt64(entrySize)) }
        let bytes = Int(count) * programHeaderSize
        guard let end = offset.adding(UInt64(bytes)), end <= source.size else {
            throw ELFError.programHeadersOutsideFile(offset: offset, fileSize: source.size)
        }
        let table = try source.read(at: offset, count: bytes)
        return try (0..<Int(count)).map { index in
            guard let segment = ELFImage.Segment(table, at: index * programHeaderSize, self) else {
                throw ELFError.truncated(part: "program headers", offset: offset + UInt64(table.count))
            }
            return segment
        }
    }

    /// What the header says of the section headers; nothing of it is checked.
    func sectionTable(_ header: [UInt8]) -> ELFImage.SectionTable {
        ELFImage.SectionTable(
            offset: word(header, at: sectionHeaders) ?? 0, entrySize: header.number(UInt16.self, at: sizes + 4) ?? 0,
            count: header.number(UInt16.self, at: sizes + 6) ?? 0,
            names: header.number(UInt16.self, at: sizes + 8) ?? 0)
    }
}

extension ELFImage.Segment {
    /// Decodes the program header at `start`, nil when `table` ends before it does.
    fileprivate init?(_ table: [UInt8], at start: Int, _ layout: ELFLayout) {
        // p_flags stands behind p_type in an ELF64 file, behind p_memsz in an ELF32 file; all else keeps its order.
        let width = layout.is64Bit ? 8 : 4
        let words = start + width
        guard let type = table.number(UInt32.self, at: start),
            let flags = table.number(UInt32.self, at: start + (layout.is64Bit ? 4 : 24)),
            let fileOffset = layout.word(table, at: words),
            let address = layout.word(table, at: words + width),
            let physicalAddress = layout.word(table, at: words + 2 * width),
            let fileSize = layout.word(table, at: words + 3 * width),
            let memorySize = layout.word(table, at: words + 4 * width),
            let alignment = layout.word(table, at: words + (layout.is64Bit ? 5 : 6) * width)
        else { return nil }
        self.type = type
        self.flags = flags
        self.fileOffset = fileOffset
        self.address = address
        self.physicalAddress = physicalAddress
        self.fileSize = fileSize
        self.memorySize = memorySize
        self.alignment = alignment
    }
}
