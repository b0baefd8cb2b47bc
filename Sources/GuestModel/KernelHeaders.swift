/// What a loader of the Multiboot Specification 0.6.96 looks for in the first 8192 bytes of a kernel (section 3.1).
public struct MultibootHeader: Equatable, Sendable {
    /// Where it begins in the file.
    public let offset: Int
    /// Its flags; bit 16 says that addresses follow, by which the file is loaded instead of as an ELF file.
    public let flags: UInt32
    /// The end of what is loaded, with zeroed memory, where the header has addresses.
    public let end: UInt64?

    private static let searched = 8192
    private static let magic: UInt32 = 0x1BAD_B002

    /// The first header in `source` whose checksum is right; nil when there is none.
    ///
    /// - Throws: The error of `source` when reading fails.
    public init?(in source: any ByteSource) throws {
        let bytes = try source.read(at: 0, count: Int(min(source.size, UInt64(Self.searched))))
        for offset in stride(from: 0, to: bytes.count, by: 4) {
            guard bytes.number(UInt32.self, at: offset) == Self.magic,
                let flags = bytes.number(UInt32.self, at: offset + 4),
                let checksum = bytes.number(UInt32.self, at: offset + 8), Self.magic &+ flags &+ checksum == 0
            else { continue }
            self.offset = offset
            self.flags = flags
            let loaded = bytes.number(UInt32.self, at: offset + 20) ?? 0
            let zeroed = bytes.number(UInt32.self, at: offset + 24) ?? 0
            end = flags & 1 << 16 == 0 ? nil : UInt64(max(loaded, zeroed))
            return
        }
        return nil
    }
}

/// The set-up header of a bzImage. See the kernel's Documentation/arch/x86/boot.rst.
public struct LinuxHeader: Equatable, Sendable {
    /// The version of the boot protocol: 0x020F is 2.15.
    public let bootVersion: UInt16
    /// The longest boot string in bytes, without its terminating NUL.
    public let commandLineBytes: UInt32
    /// The end of the memory that the kernel needs before it knows of any; 0 where an old kernel does not say.
    public let memoryEnd: UInt64
    /// The kernel's release, `6.1.0-25-cloud-amd64`; nil where it does not say.
    public let release: String?

    /// Reads the header; nil when `source` is no bzImage.
    ///
    /// - Throws: The error of `source` when reading fails.
    public init?(in source: any ByteSource) throws {
        let bytes = try source.read(at: 0, count: Int(min(source.size, 0x300)))
        guard bytes.number(UInt16.self, at: 0x1FE) == 0xAA55, bytes.count > 0x264,
            bytes[0x202..<0x206].elementsEqual("HdrS".utf8), let version = bytes.number(UInt16.self, at: 0x206),
            // An image that is loaded low is a zImage, which no monitor boots.
            version >= 0x0200, bytes[0x211] & 1 == 1
        else { return nil }
        bootVersion = version
        commandLineBytes = version >= 0x0206 ? bytes.number(UInt32.self, at: 0x238) ?? 255 : 255
        let preferred = bytes.number(UInt64.self, at: 0x258) ?? 0
        let size = UInt64(bytes.number(UInt32.self, at: 0x260) ?? 0)
        memoryEnd = version >= 0x020A ? preferred.adding(size) ?? .max : 0
        release = try Self.release(in: source, at: bytes.number(UInt16.self, at: 0x20E) ?? 0)
    }

    private static func release(in source: any ByteSource, at pointer: UInt16) throws -> String? {
        guard pointer > 0 else { return nil }
        let text = try source.read(at: UInt64(pointer) + 0x200, count: 64).prefix { $0 > 32 && $0 < 127 }
        return text.isEmpty ? nil : String(decoding: text, as: UTF8.self)
    }
}

extension ELFImage {
    /// The 32-bit entry of Xen's PVH protocol, XEN_ELFNOTE_PHYS32_ENTRY; nil when no note names one.
    public var pvhEntry: UInt64? {
        guard let descriptor = notes(named: "Xen", type: 18).first?.descriptor else { return nil }
        return descriptor.number(UInt64.self, at: 0) ?? descriptor.number(UInt32.self, at: 0).map(UInt64.init)
    }

    /// The name of the kernel in its Xen notes, XEN_ELFNOTE_GUEST_OS: `linux`, `osv`.
    public var xenGuestName: String? {
        notes(named: "Xen", type: 6).first.map { String(decoding: $0.descriptor.prefix { $0 != 0 }, as: UTF8.self) }
    }
}

extension Guest {
    /// Less memory than that no guest has: what is beyond is a damaged image, and would not fit later sums.
    public static let mostMemory = UInt64(1) << 46
}
