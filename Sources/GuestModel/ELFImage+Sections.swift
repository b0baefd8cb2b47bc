extension ELFImage {
    /// Where a file says that its section headers are.
    struct SectionTable: Equatable {
        let offset: UInt64
        let entrySize: UInt16
        let count: UInt16
        /// The number of the section with the sections' names.
        let names: UInt16
    }

    /// One section header with its name.
    public struct Section: Equatable, Sendable {
        /// The section's name; bytes that are not UTF-8 become U+FFFD.
        public let name: String
        /// `sh_type`.
        public let type: UInt32
        /// `sh_offset`: where the section's bytes begin in the file.
        public let fileOffset: UInt64
        /// `sh_size` in bytes.
        public let size: UInt64

        /// SHT_STRTAB: names.
        static let strings: UInt32 = 3
        /// SHT_NOBITS: no bytes in the file.
        static let noBits: UInt32 = 8
    }

    /// Whether the header says that there are section headers; they may be stripped.
    public var hasSections: Bool { sectionTable.offset > 0 && sectionTable.count > 0 }

    /// The file's sections; none when there are more than ``Limits/sections``, or when they or their names are damaged:
    /// nothing is loaded by them. See elf(5), Elf32_Shdr and Elf64_Shdr.
    ///
    /// - Throws: The error of `source` when reading fails.
    public func sections(of source: any ByteSource) throws -> [Section] {
        let headers = try sectionHeaders(of: source)
        guard Int(sectionTable.names) < headers.count else { return [] }
        let names = headers[Int(sectionTable.names)]
        guard names.type == Section.strings, names.size <= Limits.sectionNameBytes,
            let end = names.fileOffset.adding(names.size), end <= source.size
        else { return [] }
        let text = try source.read(at: names.fileOffset, count: Int(names.size))
        return headers.map { header in
            let name = text.dropFirst(Int(header.nameOffset)).prefix(Limits.sectionName).prefix { $0 != 0 }
            return Section(
                name: String(decoding: name, as: UTF8.self), type: header.type, fileOffset: header.fileOffset,
                size: header.size)
        }
    }

    /// The bytes of a section in the file, at most `limit` of them; nil when the section is longer or ends outside.
    public func bytes(of section: Section, in source: any ByteSource, limit: UInt64) throws -> [UInt8]? {
        guard section.type != Section.noBits, section.size <= limit, let end = section.fileOffset.adding(section.size),
            end <= fileSize
        else { return nil }
        let bytes = try source.read(at: section.fileOffset, count: Int(section.size))
        return bytes.count == Int(section.size) ? bytes : nil
    }

    struct SectionHeader {
        let nameOffset: UInt32
        let type: UInt32
        let fileOffset: UInt64
        let size: UInt64
    }

    /// The section headers, none where the table is damaged.
    func sectionHeaders(of source: any ByteSource) throws -> [SectionHeader] {
        let layout = is64Bit ? ELFLayout.elf64 : ELFLayout.elf32
        let size = layout.sectionHeaderSize
        guard hasSections, Int(sectionTable.entrySize) == size, sectionTable.count <= Limits.sections,
            let end = sectionTable.offset.adding(UInt64(sectionTable.count) * UInt64(size)), end <= source.size
        else { return [] }
        let table = try source.read(at: sectionTable.offset, count: Int(sectionTable.count) * size)
        // sh_flags and sh_addr stand before sh_offset and sh_size.
        let words = is64Bit ? (offset: 24, size: 32) : (offset: 16, size: 20)
        return (0..<table.count / size).compactMap { index in
            let at = index * size
            guard let name = table.number(UInt32.self, at: at), let type = table.number(UInt32.self, at: at + 4),
                let offset = layout.word(table, at: at + words.offset),
                let length = layout.word(table, at: at + words.size)
            else { return nil }
            return SectionHeader(nameOffset: name, type: type, fileOffset: offset, size: length)
        }
    }
}
