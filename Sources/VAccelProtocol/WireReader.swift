public import HostLibraries

/// A message that is not what the protocol says.
public enum WireError: Error, Equatable, CustomStringConvertible {
    /// It ends within a field.
    case truncated
    /// A number of more than 64 bits, field 0, or a kind of field that does not exist any more.
    case malformed
    /// More fields of one kind than are taken; the payload is how many are.
    case tooMany(Int)

    /// The reason; of a message that ends early in upstream's words.
    public var description: String {
        switch self {
        case .truncated: "Unexpected EOF"
        case .malformed: "malformed message"
        case .tooMany(let count): "more than \(count) fields of one kind"
        }
    }
}

/// Reads the fields of a protocol buffers message one after the other, without copying any.
///
/// See the protocol buffers' "Encoding" document. Groups, which proto3 does not have, are refused.
public struct WireReader {
    /// One field: its number and its content.
    public struct Field {
        /// The number that the message's definition gives it.
        public let number: UInt64
        /// The content.
        public let value: Value
    }

    /// The content of a field.
    public enum Value {
        /// A number, boolean or enumeration.
        case number(UInt64)
        /// Text, bytes, a message or packed numbers.
        case bytes(Bytes)
    }

    private let bytes: Bytes
    private var position: Int

    /// Reads the message in `bytes`.
    public init(_ bytes: Bytes) {
        self.bytes = bytes
        position = bytes.startIndex
    }

    /// The next field; nil at the end.
    public mutating func next() throws(WireError) -> Field? {
        guard position < bytes.endIndex else { return nil }
        let tag = try varint()
        guard tag >> 3 != 0 else { throw .malformed }
        switch tag & 7 {
        case 0: return Field(number: tag >> 3, value: .number(try varint()))
        case 1: return Field(number: tag >> 3, value: .number(try fixed(8)))
        case 2:
            let size = try varint()
            guard size <= UInt64(bytes.endIndex - position) else { throw .truncated }
            let end = position + Int(size)
            defer { position = end }
            return Field(number: tag >> 3, value: .bytes(bytes[position..<end]))
        case 5: return Field(number: tag >> 3, value: .number(try fixed(4)))
        default: throw .malformed
        }
    }

    /// The next number of packed ones; nil at the end.
    public mutating func nextPacked() throws(WireError) -> UInt64? {
        position < bytes.endIndex ? try varint() : nil
    }

    private mutating func varint() throws(WireError) -> UInt64 {
        var (value, shift): (UInt64, UInt64) = (0, 0)
        while position < bytes.endIndex {
            let byte = bytes[position]
            position += 1
            guard shift < 63 || byte <= 1 else { throw .malformed }
            value |= UInt64(byte & 0x7f) << shift
            if byte & 0x80 == 0 { return value }
            shift += 7
        }
        throw .truncated
    }

    private mutating func fixed(_ size: Int) throws(WireError) -> UInt64 {
        guard bytes.endIndex - position >= size else { throw .truncated }
        var value: UInt64 = 0
        for index in 0..<size { value |= UInt64(bytes[position + index]) << UInt64(8 * index) }
        position += size
        return value
    }
}

extension WireReader.Value {
    /// A number as the definition's int64; 0 for what is no number.
    public var int64: Int64 { Int64(bitPattern: uint64) }

    /// A number as the definition's uint64; 0 for what is no number.
    public var uint64: UInt64 {
        guard case .number(let number) = self else { return 0 }
        return number
    }

    /// A number as the definition's uint32, cut as protocol buffers cut it.
    public var uint32: UInt32 { UInt32(truncatingIfNeeded: uint64) }

    /// Bytes; empty for what is a number.
    public var content: Bytes {
        guard case .bytes(let bytes) = self else { return [] }
        return bytes
    }

    /// Text, with what is no UTF-8 replaced.
    public var text: String { String(decoding: content, as: UTF8.self) }

    /// One number, or packed ones, appended to `numbers` until there are `limit`.
    public func append(to numbers: inout [Int64], limit: Int) throws(WireError) {
        switch self {
        case .number(let number): numbers.append(Int64(bitPattern: number))
        case .bytes(let bytes):
            var reader = WireReader(bytes)
            while let number = try reader.nextPacked() {
                guard numbers.count < limit else { throw .tooMany(limit) }
                numbers.append(Int64(bitPattern: number))
            }
        }
        guard numbers.count <= limit else { throw .tooMany(limit) }
    }
}
