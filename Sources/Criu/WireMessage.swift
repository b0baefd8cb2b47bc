/// A message as protocol buffers have it: numbered fields, each a number or bytes.
///
/// See the protocol buffers' "Encoding" document; of it only what criu's rpc.proto uses.
struct WireMessage {
    /// The content of a field.
    enum Value: Equatable {
        case number(UInt64)
        case bytes([UInt8])
    }

    private(set) var bytes: [UInt8] = []

    /// Creates an empty message.
    init() {}

    /// Adds a number, a boolean or the value of an enumeration; a negative number has all 64 bits.
    mutating func add(_ field: UInt64, _ number: UInt64) {
        append(field << 3)
        append(number)
    }

    /// Adds text or a message inside of this one.
    mutating func add(_ field: UInt64, _ content: [UInt8]) {
        append(field << 3 | 2)
        append(UInt64(content.count))
        bytes += content
    }

    private mutating func append(_ number: UInt64) {
        var rest = number
        while rest > 0x7f {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    /// The fields in a message's bytes, in order; nil when they are none.
    static func fields(in bytes: [UInt8]) -> [(field: UInt64, value: Value)]? {
        var rest = bytes[...]
        var found: [(field: UInt64, value: Value)] = []
        while !rest.isEmpty {
            guard let tag = number(&rest) else { return nil }
            switch tag & 7 {
            case 0:
                guard let value = number(&rest) else { return nil }
                found.append((tag >> 3, .number(value)))
            case 2:
                guard let size = number(&rest), size <= UInt64(rest.count) else { return nil }
                found.append((tag >> 3, .bytes(Array(rest.prefix(Int(size))))))
                rest = rest.dropFirst(Int(size))
            // Numbers of fixed size; criu has none yet.
            case 1, 5:
                let size = tag & 7 == 1 ? 8 : 4
                guard rest.count >= size else { return nil }
                rest = rest.dropFirst(size)
            default: return nil
            }
        }
        return found
    }

    private static func number(_ bytes: inout ArraySlice<UInt8>) -> UInt64? {
        var (value, shift): (UInt64, UInt64) = (0, 0)
        while let byte = bytes.popFirst() {
            guard shift < 64 else { return nil }
            value |= UInt64(byte & 0x7f) << shift
            if byte & 0x80 == 0 { return value }
            shift += 7
        }
        return nil
    }
}
