/// An ELF file for x86 or x86-64 as a loader sees it: header, segments and notes; sections where somebody asks.
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
        /// Section headers that are looked at.
        public static let sections = 1024
        /// Bytes of the table of sections' names.
        public static let sectionNameBytes: UInt64 = 1 << 20
        /// Bytes of one section's name that are looked at.
        public static let sectionName = 128
        /// Bytes of one table of symbols' names.
        public static let symbolBytes: UInt64 = 16 << 20
    }

    /// Whether it is an ELF64 file, `EI_CLASS` 2; an ELF32 file is one for x86.
    public let is64Bit: Bool
    /// `e_type`: 2 for an executable at fixed addresses, 3 for a position-independent one.
    public let type: UInt16
    /// `e_machine`: 62, x86-64, or 3, x86, as files of either class say that a multiboot loader is to take; files for
    /// other machines are refused.
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

    /// Where the section headers are, as the header says.
    let sectionTable: SectionTable

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
        /// `p_paddr`, where a loader that knows no page tables puts it.
        public let physicalAddress: UInt64
        /// `p_filesz` in bytes.
        public let fileSize: UInt64
        /// `p_memsz` in bytes; what is beyond `fileSize` is zero.
        public let memorySize: UInt64
        /// `p_align` in bytes.
        public let alignment: UInt64

        /// PT_LOAD: bytes to be placed in memory.
        public static let load: UInt32 = 1
        /// PT_INTERP: the path of the program that loads this one.
        public static let interpreter: UInt32 = 3
        /// PT_NOTE: a list of notes.
        public static let note: UInt32 = 4
    }

    /// Reads the header, the program headers and the notes of `source`.
    ///
    /// - Throws: ``ELFError`` when the file is not a sound ELF file for x86-64, or for x86 if it is for a multiboot loader;
    ///   the error of `source` when reading fails.
    public init(_ source: some ByteSource) throws {
        let size = source.size
        let bytes = try source.read(at: 0, count: Int(Swift.min(size, UInt64(ELFLayout.elf64.headerSize))))
        let layout = try ELFLayout.checkIdentity(bytes)
        let header = [UInt8](bytes.prefix(layout.headerSize))
        guard let type = header.number(UInt16.self, at: 16), let machine = header.number(UInt16.self, at: 18),
            let entry = layout.word(header, at: layout.entry), header.count == layout.headerSize
        else { throw ELFError.truncated(part: "ELF header", offset: UInt64(header.count)) }
        guard machine == ELFLayout.x86_64 || machine == ELFLayout.x86 else { throw ELFError.foreignMachine(machine) }
        // The ABI of 32-bit addresses on x86-64 is no way to build a kernel.
        guard layout.is64Bit || machine == ELFLayout.x86 else { throw ELFError.is32Bit }
        is64Bit = layout.is64Bit
        self.type = type
        self.machine = machine
        self.entry = entry
        osABI = header[7]
        fileSize = size
        segments = try layout.segments(of: source, header: header)
        notes = try ELFImage.notes(of: source, in: segments)
        sectionTable = layout.sectionTable(header)
    }

    /// Checks that it is an ELF64 file for x86-64.
    public func checkIsX86_64() throws(ELFError) {
        guard is64Bit else { throw .is32Bit }
        guard machine == ELFLayout.x86_64 else { throw .foreignMachine(machine) }
    }

    /// The end of what is loaded, by physical addresses; what does not fit a number counts as the largest one.
    public var physicalEnd: UInt64 {
        segments.filter { $0.type == Segment.load }.map { $0.physicalAddress.adding($0.memorySize) ?? .max }.max() ?? 0
    }

    /// The lowest virtual address of what is loaded; nil where nothing is.
    public var lowestAddress: UInt64? {
        segments.filter { $0.type == Segment.load && $0.memorySize > 0 }.map(\.address).min()
    }
}
