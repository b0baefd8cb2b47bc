internal import GuestModel

/// What the sections of a Unikraft image say of it.
struct UnikraftImage {
    /// Whether there is a section that only Unikraft has.
    let isCertain: Bool
    /// The version that the image was built with.
    let version: String?
    /// The libraries that take parameters; `*`, all of them, where all are in one section or the sections are stripped.
    let parameters: [String]
    /// Whether the processor has to have RDRAND and RDSEED.
    let needsRandomInstructions: Bool

    /// Where Unikraft is linked to, and nobody's Linux programs are.
    private static let base: Range<UInt64> = 0x10_0000..<0x20_0000
    private static let ownSections = [
        ".uk_inittab", ".uk_ctortab", ".uk_thread_inittab", ".uk_eventtab", ".uk_bootinfo",
    ]
    private static let information = ".uk_libinfo"
    private static let mostInformation: UInt64 = 1 << 20
    private static let parameterSection = ".uk_libparam_params"

    /// Whether it is worth to read the sections of `elf`.
    static func mayBe(_ elf: ELFImage) -> Bool {
        guard let lowest = elf.lowestAddress, base.contains(lowest) else { return false }
        return !elf.segments.contains { $0.type == ELFImage.Segment.interpreter }
    }

    init(_ elf: ELFImage, in source: any ByteSource) throws {
        let sections = try elf.sections(of: source)
        let information = sections.first { $0.name == Self.information }
        isCertain = information != nil || sections.contains { Self.ownSections.contains($0.name) }
        let bytes = try information.flatMap { try elf.bytes(of: $0, in: source, limit: Self.mostInformation) }
        let records = UnikraftRecords(bytes ?? [])
        version = records.version
        needsRandomInstructions = records.libraries.isEmpty || records.libraries.contains("libukrandom")
        guard !sections.isEmpty else {
            parameters = ["*"]
            return
        }
        let names = sections.filter { $0.size > 0 && $0.name.hasPrefix(Self.parameterSection) }.map(\.name)
        parameters = names.map {
            $0 == Self.parameterSection ? "*" : String($0.dropFirst(Self.parameterSection.count + 1))
        }
    }
}

/// What the section `.uk_libinfo` holds: a list of records for the image, and one for each of its libraries.
///
/// See lib/uklibid of Unikraft: `u32 length, u16 layout`, then records of `u16 type, u32 length, bytes`; lengths count
/// their own fields.
private struct UnikraftRecords {
    var version: String?
    var libraries: [String] = []

    private enum RecordType {
        static let libraryName: UInt16 = 1
        static let version: UInt16 = 6
        static let fullVersion: UInt16 = 7
    }

    init(_ bytes: [UInt8]) {
        var position = 0
        while let length = bytes.number(UInt32.self, at: position), length >= 6,
            let layout = bytes.number(UInt16.self, at: position + 4), bytes.count - position >= Int(length)
        {
            if layout == 1 { read([UInt8](bytes[(position + 6)..<(position + Int(length))])) }
            position += Int(length)
        }
    }

    private mutating func read(_ records: [UInt8]) {
        var position = 0
        while let type = records.number(UInt16.self, at: position),
            let length = records.number(UInt32.self, at: position + 2), length >= 6,
            records.count - position >= Int(length)
        {
            let text = String(
                decoding: records[(position + 6)..<(position + Int(length))].prefix { $0 != 0 }, as: UTF8.self)
            switch type {
            case RecordType.libraryName: libraries.append(text)
            case RecordType.version, RecordType.fullVersion: version = version ?? text
            default: break
            }
            position += Int(length)
        }
    }
}
