public import HostLibraries

/// A protocol buffers message while it is written: small fields in one buffer, large ones as pieces that are not copied.
///
/// A message inside of another one takes its pieces along, so that an array of a megabyte goes from a back-end to the
/// socket as it is, however many messages are around it.
public struct WireBuffer: Equatable, Sendable {
    /// What is shorter is copied: one call for the socket costs more than that.
    private static let copied = 16 << 10

    private var finished: [Bytes] = []
    private var tail: [UInt8] = []

    /// The length in bytes.
    public private(set) var count = 0

    /// Creates an empty message.
    public init() {}

    /// The bytes in order, as they go to a socket.
    public var pieces: [Bytes] { tail.isEmpty ? finished : finished + [Bytes(tail)] }

    /// All bytes in one piece.
    public var joined: [UInt8] { finished.isEmpty ? tail : pieces.reduce(into: []) { $1.append(to: &$0) } }

    /// Adds a number, boolean or enumeration; 0, which means the same as nothing, is left out.
    public mutating func add(_ field: UInt64, _ number: UInt64) {
        guard number != 0 else { return }
        append(varint: field << 3)
        append(varint: number)
    }

    /// Adds a signed number, which has all 64 bits when it is negative.
    public mutating func add(_ field: UInt64, _ number: Int64) { add(field, UInt64(bitPattern: number)) }

    /// Adds text; an empty one is left out.
    public mutating func add(_ field: UInt64, _ text: String) {
        let bytes = Array(text.utf8)
        if !bytes.isEmpty { add(field, always: Bytes(bytes)) }
    }

    /// Adds bytes; none are left out.
    public mutating func add(_ field: UInt64, _ bytes: Bytes) {
        if !bytes.isEmpty { add(field, always: bytes) }
    }

    /// Adds bytes, also when there are none.
    public mutating func add(_ field: UInt64, always bytes: Bytes) {
        append(varint: field << 3 | 2)
        append(varint: UInt64(bytes.count))
        append(bytes)
    }

    /// Adds a message, also when it is empty.
    public mutating func add(_ field: UInt64, message: WireBuffer) {
        append(varint: field << 3 | 2)
        append(varint: UInt64(message.count))
        append(message)
    }

    /// Adds numbers in the packed form; none are left out.
    public mutating func add(_ field: UInt64, packed numbers: [Int64]) {
        guard !numbers.isEmpty else { return }
        var packed = WireBuffer()
        for number in numbers { packed.append(varint: UInt64(bitPattern: number)) }
        add(field, message: packed)
    }

    /// Appends another message's bytes as they are.
    public mutating func append(_ other: WireBuffer) {
        for piece in other.finished { append(piece) }
        append(Bytes(other.tail))
    }

    /// Appends bytes as they are.
    public mutating func append(_ bytes: Bytes) {
        guard !bytes.isEmpty else { return }
        count += bytes.count
        // What a worker may write to is left to the kernel to read.
        guard bytes.count >= Self.copied || bytes.lease?.region.purpose == .results else {
            bytes.append(to: &tail)
            return
        }
        if !tail.isEmpty { finished.append(Bytes(tail)) }
        tail = []
        finished.append(bytes)
    }

    private mutating func append(varint number: UInt64) {
        var rest = number
        while rest > 0x7f {
            tail.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
            count += 1
        }
        tail.append(UInt8(rest))
        count += 1
    }
}
