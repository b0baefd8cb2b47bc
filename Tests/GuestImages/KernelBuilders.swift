/// A multiboot header: magic number, flags, checksum.
public func multibootHeader(flags: UInt32 = 3) -> [UInt8] {
    var bytes: [UInt8] = []
    for word in [0x1BAD_B002, flags, 0 &- (0x1BAD_B002 &+ flags)] { bytes.add(word) }
    return bytes
}

/// Builds images like those of Unikraft.
public struct UnikraftBuilder: Sendable {
    /// What `.uk_libinfo` says; nil leaves the section out.
    public var version: String?
    /// The libraries of `.uk_libinfo`.
    public var libraries: [String] = []
    /// The names of sections with parameters.
    public var parameterSections: [String] = []
    /// Whether it is an image for QEMU, else one for Firecracker.
    public var isMultiboot = true

    /// Describes an image.
    public init(version: String? = "0.17.0~484ff20") { self.version = version }

    private static func record(_ type: UInt16, _ text: String) -> [UInt8] {
        let bytes = Array(text.utf8) + [0]
        var record: [UInt8] = []
        record.add(type)
        record.add(UInt32(bytes.count + 6))
        return record + bytes
    }

    private static func list(_ records: [UInt8]) -> [UInt8] {
        var list: [UInt8] = []
        list.add(UInt32(records.count + 6))
        list.add(1 as UInt16)
        return list + records
    }

    /// The bytes of `.uk_libinfo`.
    public var information: [UInt8] {
        let global = Self.record(0xC, "gcc") + Self.record(7, version ?? "")
        return Self.list(global) + libraries.flatMap { Self.list(Self.record(1, $0)) }
    }

    /// The image.
    public var elf: ELFBuilder {
        var elf = ELFBuilder()
        elf.is64Bit = !isMultiboot
        elf.machine = isMultiboot ? 3 : 62
        let code: [UInt8] = (isMultiboot ? multibootHeader() : []) + [0xF4]
        elf.segments = [
            ELFBuilder.Segment(flags: 5, address: 0x10_0000, bytes: code),
            ELFBuilder.Segment(flags: 6, address: 0x20_0000, bytes: [0], memorySize: 0x40_0000),
        ]
        elf.sections = [ELFBuilder.Section(".text"), ELFBuilder.Section(".uk_inittab")]
        if version != nil { elf.sections.append(ELFBuilder.Section(".uk_libinfo", bytes: information)) }
        elf.sections += parameterSections.map { ELFBuilder.Section($0) }
        return elf
    }
}

/// The beginning of a bzImage of protocol 2.15, with its release at 0x400.
public func bzImage(release: String = "6.1.0-25-cloud-amd64 (debian-kernel@lists.debian.org)") -> [UInt8] {
    var image = [UInt8](repeating: 0, count: 0x1000)
    image = image.with(0xAA55 as UInt16, at: 0x1FE).with(0x5372_6448 as UInt32, at: 0x202)
    image = image.with(0x020F as UInt16, at: 0x206).with(0x200 as UInt16, at: 0x20E).with(1 as UInt8, at: 0x211)
    image = image.with(2047 as UInt32, at: 0x238).with(0x100_0000 as UInt64, at: 0x258)
    image = image.with(0x200_0000 as UInt32, at: 0x260)
    image.replaceSubrange(0x400..<0x400 + release.utf8.count, with: release.utf8)
    return image
}

/// A kernel at 16 MiB with notes: Xen's of a PVH entry, and others.
public func kernel(notes others: [UInt8] = [], entry: UInt32? = 0x100_0000) -> ELFBuilder {
    var elf = ELFBuilder()
    var notes = others
    if let entry {
        var descriptor: [UInt8] = []
        descriptor.add(entry)
        notes += note("Xen", 18, descriptor)
    }
    elf.entry = 0x100_0000
    elf.segments = [
        ELFBuilder.Segment(flags: 5, address: 0x100_0000, bytes: [0xF4], memorySize: 0x10_0000),
        ELFBuilder.Segment(type: 4, flags: 4, address: 0, bytes: notes, alignment: 4),
    ]
    return elf
}

/// A Hermit application: its OSABI, and hermit-entry's note.
public func hermitApplication(notes: [UInt8] = note("HERMIT", 0x5A00, [4])) -> ELFBuilder {
    var elf = ELFBuilder()
    elf.type = 3
    elf.osABI = 0xFF
    elf.entry = 0
    elf.segments = [
        ELFBuilder.Segment(flags: 5, address: 0, bytes: [0xF4], memorySize: 0x10_0000),
        ELFBuilder.Segment(type: 4, flags: 4, address: 0, bytes: notes, alignment: 4),
    ]
    return elf
}

/// A loader of Hermit's: an ELF32 file with a multiboot header, or an ELF64 file for Linux' 64-bit entry.
public func hermitLoader(isMultiboot: Bool = true) -> ELFBuilder {
    var elf = ELFBuilder()
    elf.is64Bit = !isMultiboot
    elf.machine = isMultiboot ? 3 : 62
    elf.segments = [
        ELFBuilder.Segment(flags: 5, address: 0x10_0000, bytes: (isMultiboot ? multibootHeader() : []) + [0xF4])
    ]
    return elf
}

/// A kernel of OSv's: Xen's notes of the guest's name and of a PVH entry.
public func osvKernel() -> ELFBuilder { kernel(notes: note("Xen", 6, Array("osv".utf8) + [0])) }

/// A kernel of Mewz': for a multiboot loader it says to be for x86.
public func mewzKernel() -> ELFBuilder {
    var elf = ELFBuilder()
    elf.machine = 3
    elf.segments = [
        ELFBuilder.Segment(
            flags: 7, address: 0x10_0000, bytes: multibootHeader(flags: 0) + [0xF4], memorySize: 0x20_0000)
    ]
    elf.symbolNames = ["boot", "bspEarlyInit", "wasker_main"]
    return elf
}

/// The beginning of a disk with a boot sector.
public func bootDisk(sectors: Int = 8) -> [UInt8] {
    [UInt8](repeating: 0, count: sectors * 512).with(0xAA55 as UInt16, at: 510)
}
