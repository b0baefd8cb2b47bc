/// Why a file is not an ELF64 x86-64 file that can be read.
public enum ELFError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The file does not begin with the ELF magic number.
    case notELF
    /// The file ends at `offset`, inside `part`.
    case truncated(part: String, offset: UInt64)
    /// A 32-bit file.
    case is32Bit
    /// A big-endian file.
    case isBigEndian
    /// A file for another machine; the number is `e_machine`.
    case foreignMachine(UInt16)
    /// A field of the ELF header with a value that the format does not know.
    case badField(String, UInt64)
    /// A file without program headers: an object file, or a damaged one.
    case noProgramHeaders
    /// More program headers than ``ELFImage/Limits/programHeaders``.
    case tooManyProgramHeaders(Int)
    /// The program headers end behind the end of the file.
    case programHeadersOutsideFile(offset: UInt64, fileSize: UInt64)
    /// A segment's bytes end behind the end of the file.
    case segmentOutsideFile(index: Int, fileSize: UInt64)
    /// A note whose sizes lead out of its segment.
    case noteOutsideSegment(segment: Int)
    /// More notes than ``ELFImage/Limits/notes``.
    case tooManyNotes
    /// More bytes of notes than ``ELFImage/Limits/noteBytes``.
    case notesTooLarge

    /// One line that names the cause.
    public var description: String {
        switch self {
        case .notELF: "not an ELF file"
        case .truncated(let part, let offset): "ELF file is cut off at byte \(offset), inside the \(part)"
        case .is32Bit: "ELF file is 32-bit, need 64-bit x86-64"
        case .isBigEndian: "ELF file is big-endian, need little-endian x86-64"
        case .foreignMachine(let number): "ELF file is for \(Self.name(ofMachine: number)), need x86-64"
        case .badField(let field, let value): "ELF file has an unknown \(field) \(value)"
        case .noProgramHeaders: "ELF file has no program headers (an object file?)"
        case .tooManyProgramHeaders(let count):
            "ELF file has \(count) program headers, at most \(ELFImage.Limits.programHeaders) are read"
        case .programHeadersOutsideFile(let offset, let size):
            "ELF program headers at \(hexadecimal(offset)) lie outside the file of \(size) bytes"
        case .segmentOutsideFile(let index, let size):
            "ELF segment \(index) lies outside the file of \(size) bytes"
        case .noteOutsideSegment(let segment): "ELF segment \(segment) has a note whose sizes lead out of the segment"
        case .tooManyNotes: "ELF file has more than \(ELFImage.Limits.notes) notes"
        case .notesTooLarge: "ELF file has more than \(ELFImage.Limits.noteBytes >> 20) MiB of notes"
        }
    }

    /// The machines a user is likely to have built for by mistake, by the System V ABI's numbers.
    private static func name(ofMachine number: UInt16) -> String {
        switch number {
        case 3: "x86 (32-bit)"
        case 8: "MIPS"
        case 20: "PowerPC"
        case 21: "PowerPC64"
        case 22: "S/390"
        case 40: "ARM (32-bit)"
        case 183: "AArch64"
        case 243: "RISC-V"
        case 247: "BPF"
        case 258: "LoongArch"
        default: "machine \(number)"
        }
    }
}
