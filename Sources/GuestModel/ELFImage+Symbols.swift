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
            guard var offset = segment.fileOffset.adding((step - segment.address % step) % step),
                let end = segment.fileOffset.adding(segment.fileSize)
            else { continue }
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

    /// Where the file's SHT_STRTAB sections are.
    private func stringTables(of source: any ByteSource) throws -> [Range<UInt64>] {
        try sectionHeaders(of: source).compactMap { section in
            guard section.type == Section.strings, let end = section.fileOffset.adding(section.size),
                end <= source.size, section.size <= Limits.symbolBytes
            else { return nil }
            return section.fileOffset..<end
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
