/// The block before each member of a tar archive in the form of ustar. See POSIX pax, tar(5).
struct TarHeader {
    private var bytes = [UInt8](repeating: 0, count: 512)

    init(type: Unicode.Scalar) {
        bytes[156] = UInt8(ascii: type)
        put([UInt8]("ustar".utf8), at: 257, 6)
        put([UInt8]("00".utf8), at: 263, 2)
    }

    /// Puts a text in its place; what does not fit is cut off, and false is returned.
    @discardableResult
    mutating func put(_ text: [UInt8], at offset: Int, _ width: Int) -> Bool {
        for (index, byte) in text.prefix(width).enumerated() { bytes[offset + index] = byte }
        return text.count <= width
    }

    /// Puts octal digits and a NUL in their place; false when there are too many digits.
    @discardableResult
    mutating func put(number: UInt64, at offset: Int, _ width: Int) -> Bool {
        var rest = number
        for index in (0..<width - 1).reversed() {
            bytes[offset + index] = UInt8(ascii: "0") + UInt8(rest & 7)
            rest >>= 3
        }
        return rest == 0
    }

    /// The block with its checksum, which is computed as if there were blanks in its place.
    var finished: [UInt8] {
        var header = self
        let sum = bytes.reduce(UInt64(8 * 0x20)) { $0 + UInt64($1) }
        header.put(number: sum, at: 148, 7)
        header.bytes[155] = 0x20
        return header.bytes
    }

    /// A line of a pax header, which begins with its own length.
    static func record(_ key: String, _ value: [UInt8]) -> [UInt8] {
        let text = [UInt8](" \(key)=".utf8) + value + [0x0A]
        var length = text.count + 1
        while "\(length)".utf8.count + text.count != length { length += 1 }
        return [UInt8]("\(length)".utf8) + text
    }
}
