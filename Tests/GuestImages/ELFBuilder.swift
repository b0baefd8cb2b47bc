/// Builds ELF64 files byte by byte, sound ones and broken ones.
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
    /// The names of a symbol table; no section at all without any.
    public var symbolNames: [String] = []

    /// Begins with a file without segments.
    public init() {}

    /// Where program header `index` begins in ``image``.
    public static func programHeader(_ index: Int) -> Int { 64 + 56 * index }

    /// The file: header, program headers, and the segments' bytes, each at the next multiple of 4096.
    public var image: [UInt8] {
        var image: [UInt8] = [0x7F, 0x45, 0x4C, 0x46, 2, 1, 1, osABI] + [UInt8](repeating: 0, count: 8)
        image.add(type)
        image.add(machine)
        image.add(1 as UInt32)
        image.add(entry)
        image.add(64 as UInt64)
        image.add(0 as UInt64)
        image.add(0 as UInt32)
        for size in [64, 56, UInt16(segments.count), 0, 0, 0] { image.add(size) }
        var data: [UInt8] = []
        let start = (image.count + 56 * segments.count + 4095) / 4096 * 4096
        for segment in segments {
            image.add(segment.type)
            image.add(segment.flags)
            image.add(UInt64(start + data.count))
            image.add(segment.address)
            image.add(segment.address)
            image.add(UInt64(segment.bytes.count))
            image.add(segment.memorySize ?? UInt64(segment.bytes.count))
            image.add(segment.alignment)
            data += segment.bytes
            data += [UInt8](repeating: 0, count: (4096 - data.count % 4096) % 4096)
        }
        image += [UInt8](repeating: 0, count: start - image.count) + data
        if !symbolNames.isEmpty { addNames(to: &image) }
        return image
    }

    /// A string table, and section headers: the empty one and that of the table.
    private func addNames(to image: inout [UInt8]) {
        var names: [UInt8] = [0]
        for name in symbolNames { names += Array(name.utf8) + [0] }
        let place = image.count
        image += names + [UInt8](repeating: 0, count: (8 - names.count % 8) % 8)
        let headers = image.count
        image += [UInt8](repeating: 0, count: 64)
        image.add(0 as UInt32)
        image.add(3 as UInt32)
        for number in [0, 0, UInt64(place), UInt64(names.count)] { image.add(number) }
        image += [UInt8](repeating: 0, count: 24)
        image.replaceSubrange(40..<48, with: (0..<8).map { UInt8(truncatingIfNeeded: headers >> ($0 * 8)) })
        image.replaceSubrange(58..<62, with: [64, 0, 2, 0])
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
