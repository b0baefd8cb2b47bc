/// An ELF64 x86-64 file as a loader sees it: header, segments and notes, of the sections only the names of symbols.
///
/// The file is taken for hostile: every offset is checked against the file before it is read, and what is read and
/// kept is bounded (see ``ELFImage/Limits``). The format is that of the System V ABI and of elf(5).
public struct ELFImage: Equatable, Sendable {
    /// What a file may have at most; unikernels and kernels stay far below.
    public enum Limits {
        /// Program headers.
        public static let programHeaders = 256
        /// Notes in all segments together.
        public static let notes = 1024
        /// Bytes of all note segments together.
        public static let noteBytes: UInt64 = 1 << 20
        /// Section headers that are looked through for symbols.
        public static let sections = 1024
        /// Bytes of one table of symbols' names.
        public static let symbolBytes: UInt64 = 16 << 20
    }

    /// `e_type`: 2 for an executable at fixed addresses, 3 for a position-independent one.
    public let type: UInt16
    /// `e_machine`: 62, x86-64; files for other machines are refused.
    public let machine: UInt16
    /// `EI_OSABI`: 0 for System V, 255 for a freestanding program (Hermit).
    public let osABI: UInt8
    /// `e_entry`: the virtual address where execution begins.
    public let entry: UInt64
    /// The program headers in file order, those of every type.
    public let segments: [Segment]
    /// Every note of every PT_NOTE segment in file order.
    public let notes: [Note]
    /// The size of the file in bytes.
    public let fileSize: UInt64

    /// One program header.
    public struct Segment: Equatable, Sendable {
        /// `p_type`.
        public let type: UInt32
        /// `p_flags`: 1 execute, 2 write, 4 read.
        public let flags: UInt32
        /// `p_offset`: where the segment's bytes begin in the file.
        public let fileOffset: UInt64
        /// `p_vaddr`.
        public let address: UInt64
        /// `p_filesz` in bytes.
        public let fileSize: UInt64
        /// `p_memsz` in bytes; what is beyond `fileSize` is zero.
        public let memorySize: UInt64
        /// `p_align` in bytes.
        public let alignment: UInt64

        /// PT_LOAD: bytes to be placed in memory.
        public static let load: UInt32 = 1
        /// PT_NOTE: a list of notes.
        public static let note: UInt32 = 4
    }

    /// Reads the header, the program headers and the notes of `source`.
    ///
    /// - Throws: ``ELFError`` when the file is not a sound ELF64 x86-64 file; the error of `source` when reading fails.
    public init(_ source: some ByteSource) throws {
        let size = source.size
        let header = try source.read(at: 0, count: Int(Swift.min(size, UInt64(ELFLayout.headerSize))))
        try ELFLayout.checkIdentity(header)
        guard let type = header.number(UInt16.self, at: 16), let machine = header.number(UInt16.self, at: 18),
            let entry = header.number(UInt64.self, at: 24), header.count == ELFLayout.headerSize
        else { throw ELFError.truncated(part: "ELF header", offset: UInt64(header.count)) }
        guard machine == ELFLayout.x86_64 else { throw ELFError.foreignMachine(machine) }
        self.type = type
        self.machine = machine
        self.entry = entry
        osABI = header[7]
        fileSize = size
        segments = try ELFLayout.segments(of: source, header: header)
        notes = try ELFImage.notes(of: source, in: segments)
    }
}

/// Where the fields of an ELF64 file are, by the System V ABI.
private enum ELFLayout {
    static let headerSize = 64
    static let programHeaderSize = 56
    static let x86_64: UInt16 = 62

    static func checkIdentity(_ header: [UInt8]) throws(ELFError) {
        guard header.starts(with: [0x7F, 0x45, 0x4C, 0x46]) else { throw .notELF }
        guard header.count >= 16 else { throw .truncated(part: "ELF header", offset: UInt64(header.count)) }
        switch header[4] {
        case 1: throw .is32Bit
        case 2: break
        default: throw .badField("class", UInt64(header[4]))
        }
        switch header[5] {
        case 1: break
        case 2: throw .isBigEndian
        default: throw .badField("byte order", UInt64(header[5]))
        }
        guard header[6] == 1 else { throw .badField("version", UInt64(header[6])) }
    }

    static func segments(of source: some ByteSource, header: [UInt8]) throws -> [ELFImage.Segment] {
        guard let offset = header.number(UInt64.self, at: 32), let entrySize = header.number(UInt16.self, at: 54),
            let count = header.number(UInt16.self, at: 56)
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
            guard let segment = ELFImage.Segment(table, at: index * programHeaderSize) else {
                throw ELFError.truncated(part: "program headers", offset: offset + UInt64(table.count))
            }
            return segment
        }
    }
}

extension ELFImage.Segment {
    /// Decodes the program header at `start`, nil when `table` ends before it does.
    fileprivate init?(_ table: [UInt8], at start: Int) {
        guard let type = table.number(UInt32.self, at: start), let flags = table.number(UInt32.self, at: start + 4),
            let fileOffset = table.number(UInt64.self, at: start + 8),
            let address = table.number(UInt64.self, at: start + 16),
            let fileSize = table.number(UInt64.self, at: start + 32),
            let memorySize = table.number(UInt64.self, at: start + 40),
            let alignment = table.number(UInt64.self, at: start + 48)
        else { return nil }
        self.type = type
        self.flags = flags
        self.fileOffset = fileOffset
        self.address = address
        self.fileSize = fileSize
        self.memorySize = memorySize
        self.alignment = alignment
    }
}
