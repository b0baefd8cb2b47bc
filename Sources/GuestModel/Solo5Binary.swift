/// A Solo5 unikernel: which tender it wants, which devices, and which bytes go where.
///
/// The facts are those of Solo5's `elf_abi.h`, `mft_abi.h` and of its loader, releases 0.9 to 0.12.
public struct Solo5Binary: Equatable, Sendable {
    /// What the binary was linked for: `abi_target` of its ABI note.
    public enum Target: Equatable, Sendable, CustomStringConvertible {
        case hvt, spt, virtio, muen, genode, xen
        case unknown(UInt32)

        /// The target with the number of the ABI note.
        public init(number: UInt32) {
            switch number {
            case 1: self = .hvt
            case 2: self = .spt
            case 3: self = .virtio
            case 4: self = .muen
            case 5: self = .genode
            case 6: self = .xen
            default: self = .unknown(number)
            }
        }

        /// Solo5's own name of the target: `hvt`.
        public var description: String {
            switch self {
            case .hvt: "hvt"
            case .spt: "spt"
            case .virtio: "virtio"
            case .muen: "muen"
            case .genode: "genode"
            case .xen: "xen"
            case .unknown(let number): "target \(number)"
            }
        }
    }

    /// The lowest address of a guest's own bytes: `HVT_GUEST_MIN_BASE`, `SPT_GUEST_MIN_BASE`.
    public static let lowestAddress: UInt64 = 0x10_0000
    /// The only ABI version of hvt and spt there is: `HVT_ABI_VERSION`, `SPT_ABI_VERSION`.
    public static let supportedABIVersion: UInt32 = 2

    /// What the binary was linked for.
    public let target: Target
    /// `abi_version` of the ABI note.
    public let abiVersion: UInt32
    /// What the manifest declares.
    public let manifest: Solo5Manifest
    /// Where execution begins.
    public let entry: UInt64

    /// `e_type`, the size of the file, and the PT_LOAD segments with their number in the file.
    let type: UInt16
    let fileSize: UInt64
    let segments: [NumberedSegment]

    /// A segment with its number in the file, for messages.
    struct NumberedSegment: Equatable, Sendable {
        let index: Int
        let header: ELFImage.Segment
    }

    /// The devices the manifest declares, in its order.
    public var devices: [Solo5Manifest.Device] { manifest.devices }

    /// Describes `elf`, or is nil when it carries no Solo5 note at all.
    ///
    /// - Throws: ``Solo5Error`` when there is a Solo5 note, but the notes are incomplete or broken.
    public init?(_ elf: ELFImage) throws(Solo5Error) {
        let own = elf.notes.filter { $0.name == "Solo5" }
        guard !own.isEmpty else { return nil }
        let abi = try Solo5Binary.only(elf.notes(named: "Solo5", type: 0x3149_4241), "ABI")
        let manifest = try Solo5Binary.only(elf.notes(named: "Solo5", type: 0x3154_464D), "manifest")
        guard abi.count == 16, let target = abi.number(UInt32.self, at: 0), let version = abi.number(UInt32.self, at: 4)
        else { throw .abiNoteSize(abi.count) }
        self.target = Target(number: target)
        abiVersion = version
        self.manifest = try Solo5Manifest(note: manifest)
        entry = elf.entry
        type = elf.type
        fileSize = elf.fileSize
        segments = elf.segments.enumerated().filter { $0.element.type == ELFImage.Segment.load }
            .map { NumberedSegment(index: $0.offset, header: $0.element) }
    }

    private static func only(_ notes: [ELFImage.Note], _ kind: String) throws(Solo5Error) -> [UInt8] {
        guard let first = notes.first else { throw .missingNote(kind) }
        guard notes.count == 1 else { throw .severalNotes(kind, notes.count) }
        return first.descriptor
    }

    /// Checks that a tender for `target` with `memoryBytes` of guest memory can run the binary.
    ///
    /// - Parameter memoryBytes: The guest's memory in bytes, counted from address zero.
    /// - Throws: ``Solo5Error`` that names the rule that is broken.
    public func validate(for target: Target, memoryBytes: UInt64) throws(Solo5Error) {
        guard target == self.target else { throw .wrongTarget(built: self.target, wanted: target) }
        guard abiVersion == Self.supportedABIVersion else { throw .abiVersion(target, abiVersion) }
        _ = try loadPlan(memoryBytes: memoryBytes)
    }
}
