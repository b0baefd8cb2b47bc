extension ELFImage {
    /// Whether the file has a symbol of that name, or one that ends in it: a look at its string tables.
    ///
    /// Stripped files have none. Tables beyond ``Limits/sections`` and ``Limits/symbolBytes`` are not looked at, nor is a
    /// damaged section table an error: nothing is loaded by it.
    public func hasSymbol(_ name: String, in source: any ByteSource) throws -> Bool {
        let wanted = Array(name.utf8) + [0]
        for table in try stringTables(of: source) {
            var offset = table.lowerBound
            while offset < table.upperBound {
                let count = min(Self.windowSize, table.upperBound - offset)
                if try source.read(at: offset, count: Int(count)).contains(wanted) { return true }
                // A name may lie across two windows.
                guard count == Self.windowSize else { break }
                offset += count - UInt64(wanted.count)
            }
        }
        return false
    }

    /// Whether what the file loads as writable data has these bytes, at an address that is a multiple of 8.
    public func hasAlignedData(_ wanted: [UInt8], in source: any ByteSource) throws -> Bool {
        let (execute, write, step): (UInt32, UInt32, UInt64) = (1, 2, 8)
        for segment in segments where segment.type == Segment.load && segment.flags & (execute | write) == write {
            var offset = segment.fileOffset + (step - segment.address % step) % step
            let (end, overflow) = segment.fileOffset.addingReportingOverflow(segment.fileSize)
            guard !overflow else { continue }
            while offset < end {
                let bytes = try source.read(at: offset, count: Int(min(Self.windowSize, end - offset)))
                if bytes.holds(wanted, atMultiplesOf: Int(step)) { return true }
                // It may lie across two windows.
                guard bytes.count == Self.windowSize else { break }
                offset += Self.windowSize - (UInt64(wanted.count) + step - 1) / step * step
            }
        }
        return false
    }

    private static let windowSize: UInt64 = 1 << 16
    private static let headerSize = 64

    /// Where the file's SHT_STRTAB sections are. See elf(5), Elf64_Shdr.
    private func stringTables(of source: any ByteSource) throws -> [Range<UInt64>] {
        let header = try source.read(at: 0, count: Self.headerSize)
        guard let start = header.number(UInt64.self, at: 40), let size = header.number(UInt16.self, at: 58),
            let count = header.number(UInt16.self, at: 60), size == Self.headerSize, start > 0,
            count <= Limits.sections
        else { return [] }
        let table = try source.read(at: start, count: Int(count) * Self.headerSize)
        return (0..<table.count / Self.headerSize).compactMap { index in
            let at = index * Self.headerSize
            guard table.number(UInt32.self, at: at + 4) == 3, let offset = table.number(UInt64.self, at: at + 24),
                let length = table.number(UInt64.self, at: at + 32), let end = offset.adding(length),
                end <= source.size, length <= Limits.symbolBytes
            else { return nil }
            return offset..<end
        }
    }
}

extension [UInt8] {
    /// Whether `part`, which is not empty, begins at a multiple of `step`.
    fileprivate func holds(_ part: [UInt8], atMultiplesOf step: Int) -> Bool {
        guard let first = part.first, count >= part.count else { return false }
        for at in stride(from: 0, through: count - part.count, by: step) where self[at] == first {
            if self[at..<(at + part.count)].elementsEqual(part) { return true }
        }
        return false
    }

    /// Whether `part`, which is not empty, occurs in the bytes.
    public func contains(_ part: [UInt8]) -> Bool {
        guard let first = part.first, count >= part.count else { return false }
        return (0...(count - part.count)).contains { at in
            self[at] == first && self[at..<(at + part.count)].elementsEqual(part)
        }
    }
}
