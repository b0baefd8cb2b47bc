/// A file or a block of memory that is read at random offsets, so that a reader touches only the bytes it needs.
public protocol ByteSource {
    /// The number of bytes there are.
    var size: UInt64 { get }

    /// Reads up to `count` bytes at `offset`; fewer come back only where the source ends.
    ///
    /// - Throws: The source's own error, passed on by the readers as it is.
    func read(at offset: UInt64, count: Int) throws -> [UInt8]
}

extension [UInt8]: ByteSource {
    /// The number of bytes there are.
    public var size: UInt64 { UInt64(count) }

    /// Reads up to `count` bytes at `offset`; fewer come back only at the end.
    public func read(at offset: UInt64, count: Int) -> [UInt8] {
        guard offset < size, count > 0 else { return [] }
        let start = Int(offset)
        return [UInt8](self[start..<start + Swift.min(count, self.count - start)])
    }
}

extension [UInt8] {
    /// The little-endian number of type `Number` at `offset`, nil when it would end outside.
    public func number<Number: FixedWidthInteger>(_ type: Number.Type, at offset: Int) -> Number? {
        let width = Number.bitWidth / 8
        guard offset >= 0, count >= width, offset <= count - width else { return nil }
        return self[offset..<offset + width].reversed().reduce(0) { $0 << 8 | Number(truncatingIfNeeded: $1) }
    }
}

/// `value` as a message shows an address: `0x100000`.
func hexadecimal(_ value: some BinaryInteger) -> String {
    "0x" + String(value, radix: 16)
}

extension UInt64 {
    /// The sum with `other`, nil when it does not fit.
    func adding(_ other: UInt64) -> UInt64? {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? nil : sum
    }

    /// The value rounded up to a multiple of `alignment`, a power of two; nil when it does not fit.
    func rounded(upTo alignment: UInt64) -> UInt64? {
        adding(alignment - 1).map { $0 & ~(alignment - 1) }
    }
}
