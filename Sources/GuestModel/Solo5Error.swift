/// Why a file with a Solo5 note cannot run as a Solo5 guest.
public enum Solo5Error: Error, Equatable, Sendable, CustomStringConvertible {
    /// The binary has a Solo5 note, but not the one named.
    case missingNote(String)
    /// The binary has more than one of the note named.
    case severalNotes(String, Int)
    /// The ABI note's descriptor has another size than 16 bytes.
    case abiNoteSize(Int)
    /// The manifest's size does not fit its number of entries; nil when not even the number can be read.
    case manifestSize(Int, entries: Int?)
    /// A manifest of another version than 1.
    case manifestVersion(UInt32)
    /// A manifest with no entry or too many.
    case manifestEntries(UInt32)
    /// A manifest entry that breaks a rule.
    case entry(Int, EntryRule)
    /// The binary was linked for another target.
    case wrongTarget(built: Solo5Binary.Target, wanted: Solo5Binary.Target)
    /// The binary wants another ABI version.
    case abiVersion(Solo5Binary.Target, UInt32)
    /// The file is no executable at fixed addresses; the number is `e_type`.
    case notExecutable(UInt16)
    /// The file has no bytes to load.
    case nothingToLoad
    /// Execution would begin at an address that is not executable.
    case entryNotExecutable(UInt64)
    /// A segment that breaks a rule.
    case segment(Int, SegmentRule)

    /// What a manifest entry can break.
    public enum EntryRule: Equatable, Sendable {
        /// The name is empty, not letters and digits, or has no end.
        case name
        /// The name is that of an earlier entry.
        case duplicate(String)
        /// The type is neither a block nor a net device.
        case type(UInt32)
        /// Entry 0 is not the reserved one.
        case notReserved
        /// The entry claims to be attached already.
        case attached
    }

    /// What a segment can break.
    public enum SegmentRule: Equatable, Sendable {
        /// The alignment is not a power of two.
        case alignment(UInt64)
        /// The segment is smaller in memory than in the file.
        case memoryBelowFile
        /// The bytes lie behind the end of the file.
        case outsideFile
        /// The address is below ``Solo5Binary/lowestAddress``.
        case tooLow(UInt64)
        /// The segment ends behind the end of the guest's memory of so many bytes.
        case outsideMemory(UInt64)
        /// The segment begins before the end of the previous one.
        case overlap
        /// The segment does not fill whole pages of 4096 bytes.
        case notOnPages
        /// The segment is writable and executable at once.
        case writableAndExecutable
    }

    /// One line that names the cause.
    public var description: String {
        switch self {
        case .missingNote(let kind): "Solo5 binary has no \(kind) note"
        case .severalNotes(let kind, let count): "Solo5 binary has \(count) \(kind) notes, must have one"
        case .abiNoteSize(let size): "Solo5 ABI note has \(size) bytes, must have 16"
        case .manifestSize(let size, .none): "Solo5 manifest is cut off after \(size) bytes"
        case .manifestSize(let size, .some(let entries)):
            "Solo5 manifest has \(size) bytes, which does not fit its \(entries) entries"
        case .manifestVersion(let version): "Solo5 manifest has version \(version), must have 1"
        case .manifestEntries(let count):
            "Solo5 manifest has \(count) entries, must have 1 to \(Solo5Manifest.Layout.maximumEntries)"
        case .entry(let handle, let rule): "Solo5 manifest entry \(handle) \(rule)"
        case .wrongTarget(let built, let wanted): "Solo5 binary is built for \(built), not for \(wanted)"
        case .abiVersion(let target, let version):
            "Solo5 binary wants \(target) ABI version \(version), only \(Solo5Binary.supportedABIVersion) is supported"
        case .notExecutable(let type): "Solo5 binary has ELF type \(type), must have 2 (executable at fixed addresses)"
        case .nothingToLoad: "Solo5 binary has nothing to load"
        case .entryNotExecutable(let address):
            "Solo5 binary starts at \(hexadecimal(address)), which is in no executable segment"
        case .segment(let index, let rule): "Solo5 binary's segment \(index) \(rule)"
        }
    }
}

extension Solo5Error.EntryRule: CustomStringConvertible {
    /// The end of a sentence that begins with the entry.
    public var description: String {
        switch self {
        case .name: "has a bad name (need 1 to 67 letters and digits)"
        case .duplicate(let name): "has the name '\(name)' of an earlier entry"
        case .type(let type): "has unknown device type \(type)"
        case .notReserved: "is not the reserved one"
        case .attached: "is marked as attached already"
        }
    }
}

extension Solo5Error.SegmentRule: CustomStringConvertible {
    /// The end of a sentence that begins with the segment.
    public var description: String {
        switch self {
        case .alignment(let alignment): "has alignment \(alignment), not a power of two"
        case .memoryBelowFile: "is smaller in memory than in the file"
        case .outsideFile: "lies outside the file"
        case .tooLow(let address):
            "begins at \(hexadecimal(address)), below \(hexadecimal(Solo5Binary.lowestAddress))"
        case .outsideMemory(let bytes): "does not fit the guest's \(bytes >> 20) MiB of memory"
        case .overlap: "begins before the end of the previous one"
        case .notOnPages: "does not fill whole pages"
        case .writableAndExecutable: "is writable and executable"
        }
    }
}
