/// Builds ELF files byte by byte, sound ones and broken ones.
public struct ELFBuilder: Sendable {
    /// One program header with the bytes it points to.
    public struct Segment: Sendable {
        /// `p_type`.
        public var type: UInt32 = 1
        /// `p_flags`: 1 execute, 2 write, 4 read.
        public var flags: UInt32
        /// `p_vaddr`.
        public var address: UInt64
        /// The segment's bytes in the file.
        public var bytes: [UInt8]
        /// `p_memsz`, the number of bytes unless given.
        public var memorySize: UInt64?
        /// `p_align`.
        public var alignment: UInt64 = 0x1000

        /// Describes a segment.
        public init(
            type: UInt32 = 1, flags: UInt32, address: UInt64, bytes: [UInt8], memorySize: UInt64? = nil,
            alignment: UInt64 = 0x1000
        ) {
            self.type = type
            self.flags = flags
            self.address = address
            self.bytes = bytes
            self.memorySize = memorySize
            self.alignment = alignment
        }
    }

    /// A section that no segment needs, with its bytes.
    public struct Section: Sendable {
        /// The name.
        public var name: String
        /// `sh_type`: 1 bytes, 3 names, 8 no bytes in the file.
        public var type: UInt32 = 1
        /// The section's bytes in the file.
        public var bytes: [UInt8]

        /// Describes a section.
        public init(_ name: String, type: UInt32 = 1, bytes: [UInt8] = [0]) {
            self.name = name
            self.type = type
            self.bytes = bytes
        }
    }

    /// Whether to build an ELF64 file; else an ELF32 one.
    public var is64Bit = true
    /// `e_type`.
    public var type: UInt16 = 2
    /// `e_machine`.
    public var machine: UInt16 = 62
    /// `EI_OSABI`.
    public var osABI: UInt8 = 0
    /// `e_entry`.
    public var entry: UInt64 = 0x10_0000
    /// The program headers in the order of the file.
    public var segments: [Segment] = []
    /// The names of a symbol table; no such section without any.
    public var symbolNames: [String] = []
    /// The sections; with them come that of their names and the headers, at the end of the file.
    public var sections: [Section] = []

    /// Begins with a file without segments.
    public init() {}

    /// Where program header `index` of an ELF64 file begins in ``image``.
    public static func programHeader(_ index: Int) -> Int { 64 + 56 * index }

    private var headerSize: Int { is64Bit ? 64 : 52 }
    private var programHeaderSize: Int { is64Bit ? 56 : 32 }

    /// The file: header, program headers, the segments' bytes, each at the next multiple of 4096, and sections.
    public var image: [UInt8] {
        let start = (headerSize + programHeaderSize * segments.count + 4095) / 4096 * 4096
        var data: [UInt8] = []
        var headers: [UInt8] = []
        for segment in segments {
            headers += header(of: segment, at: start + data.count)
            data += segment.bytes
            data += [UInt8](repeating: 0, count: (4096 - data.count % 4096) % 4096)
        }
        let (bytes, table) = sectionParts(at: start + data.count)
        var image = fileHeader(sectionHeaders: table.isEmpty ? 0 : start + data.count + bytes.count) + headers
        image += [UInt8](repeating: 0, count: start - image.count)
        return image + data + bytes + table
    }

    /// The sections with those of symbols' and sections' names; none where none is asked for.
    private var allSections: [Section] {
        var all = sections
        if !symbolNames.isEmpty {
            all.append(Section(".strtab", type: 3, bytes: Self.table(of: symbolNames)))
        }
        if all.isEmpty { return [] }
        return all + [Section(".shstrtab", type: 3, bytes: Self.table(of: all.map(\.name) + [".shstrtab"]))]
    }

    private static func table(of names: [String]) -> [UInt8] {
        var table: [UInt8] = [0]
        for name in names { table += Array(name.utf8) + [0] }
        return table
    }

    private func fileHeader(sectionHeaders: Int) -> [UInt8] {
        var image: [UInt8] = [0x7F, 0x45, 0x4C, 0x46, is64Bit ? 2 : 1, 1, 1, osABI] + [UInt8](repeating: 0, count: 8)
        image.add(type)
        image.add(machine)
        image.add(1 as UInt32)
        for word in [entry, UInt64(headerSize), UInt64(sectionHeaders)] { add(word, to: &image) }
        image.add(0 as UInt32)
        let count = UInt16(allSections.count)
        let sizes = [headerSize, programHeaderSize, segments.count, count == 0 ? 0 : is64Bit ? 64 : 40]
        for size in sizes.map(UInt16.init) + [count, count == 0 ? 0 : count - 1] { image.add(size) }
        return image
    }

    private func header(of segment: Segment, at offset: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.add(segment.type)
        if is64Bit { bytes.add(segment.flags) }
        let sizes = [UInt64(segment.bytes.count), segment.memorySize ?? UInt64(segment.bytes.count)]
        for word in [UInt64(offset), segment.address, segment.address] + sizes { add(word, to: &bytes) }
        if !is64Bit { bytes.add(segment.flags) }
        add(segment.alignment, to: &bytes)
        return bytes
    }

    /// The sections' bytes with their names behind them, and their headers.
    private func sectionParts(at start: Int) -> (bytes: [UInt8], headers: [UInt8]) {
        var name: UInt32 = 1
        var bytes: [UInt8] = []
        var headers: [UInt8] = []
        for section in allSections {
            headers.add(name)
            headers.add(section.type)
            // Flags, address, offset, size; link and information; alignment and size of entries.
            for word in [0, 0, UInt64(start + bytes.count), UInt64(section.bytes.count)] { add(word, to: &headers) }
            headers.add(0 as UInt64)
            for word in [1, 0] as [UInt64] { add(word, to: &headers) }
            bytes += section.bytes
            name += UInt32(section.name.utf8.count + 1)
        }
        return (bytes, headers)
    }

    private func add(_ word: UInt64, to bytes: inout [UInt8]) {
        if is64Bit { bytes.add(word) } else { bytes.add(UInt32(truncatingIfNeeded: word)) }
    }
}

/// The bytes of one ELF note, padded to four.
public func note(_ name: String, _ type: UInt32, _ descriptor: [UInt8]) -> [UInt8] {
    let name = [UInt8](name.utf8) + [0]
    var bytes: [UInt8] = []
    bytes.add(UInt32(name.count))
    bytes.add(UInt32(descriptor.count))
    bytes.add(type)
    for part in [name, descriptor] {
        bytes += part + [UInt8](repeating: 0, count: (4 - part.count % 4) % 4)
    }
    return bytes
}

extension [UInt8] {
    /// Appends `number`, little-endian.
    public mutating func add(_ number: some FixedWidthInteger) {
        for index in 0..<number.bitWidth / 8 { append(UInt8(truncatingIfNeeded: number >> (index * 8))) }
    }

    /// The bytes with `number` at `offset`, little-endian.
    public func with(_ number: some FixedWidthInteger, at offset: Int) -> [UInt8] {
        var (bytes, patch) = (self, [UInt8]())
        patch.add(number)
        bytes.replaceSubrange(offset..<offset + patch.count, with: patch)
        return bytes
    }
}
