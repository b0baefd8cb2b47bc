public import HostLibraries

/// An argument of a generic operation. See vAccel's `arg.h`.
public struct Argument: Equatable, Sendable {
    /// What an argument holds, with the numbers of release 0.5. An array's number follows its element's.
    public enum Kind {
        /// Some of the numbers; the others are not looked at.
        public static let raw: UInt64 = 0
        /// Numbers of their width, little-endian, then text with its NUL, and bytes.
        public static let int32: UInt64 = 5, int32Array: UInt64 = 6, int64: UInt64 = 7, uint8: UInt64 = 9
        /// Numbers of their width, little-endian.
        public static let float32: UInt64 = 17, float32Array: UInt64 = 18, float64: UInt64 = 19
        /// Numbers of their width, little-endian.
        public static let float64Array: UInt64 = 20, ucharArray: UInt64 = 26
        /// Text with its NUL, and bytes.
        public static let string: UInt64 = 27, buffer: UInt64 = 28
    }

    /// The bytes.
    public var content: Bytes
    /// How many bytes the guest says there are.
    public var size: UInt32
    /// What they are, of ``Kind``; the guest's own number in the older generations.
    public var kind: UInt64
    /// The number of a kind of the guest's own.
    public var customKind: UInt32 = 0
    /// Into how many messages a stream splits the argument; 0 for one that is whole.
    public var parts: UInt32 = 0
    /// Which of them this is, from 1.
    public var part: UInt32 = 0

    /// Creates a whole argument.
    public init(content: Bytes, kind: UInt64) {
        (self.content, self.kind) = (content, kind)
        size = UInt32(truncatingIfNeeded: content.count)
    }

    /// Reads an argument.
    init(_ bytes: Bytes, _ generation: Generation) throws(WireError) {
        (content, size, kind) = ([], 0, 0)
        var reader = WireReader(bytes)
        while let field = try reader.next() {
            switch (generation, field.number, field.value) {
            case (.current, 1, .bytes(let bytes)): content = bytes
            case (.current, 2, .number): size = field.value.uint32
            case (.current, 3, .number(let number)): kind = number
            case (.current, 4, .number): customKind = field.value.uint32
            case (.current, 5, .number): parts = field.value.uint32
            case (.current, 6, .number): part = field.value.uint32
            case (.current, _, _): break
            // Until 2023 the size came first and the bytes second, without a kind. The kinds of fields tell.
            case (_, 2, .bytes(let bytes)):
                content = bytes
                size = UInt32(truncatingIfNeeded: kind)
                kind = 0
            case (_, 1, .number(let number)): kind = number
            case (_, 2, .number): size = field.value.uint32
            case (_, 3, .bytes(let bytes)): content = bytes
            case (_, 4, .number): parts = field.value.uint32
            case (_, 5, .number): part = field.value.uint32
            default: break
            }
        }
    }

    /// The argument's message. `isUntyped`: in the form until 2023.
    func encoded(_ generation: Generation, isUntyped: Bool) -> WireBuffer {
        var message = WireBuffer()
        if generation == .current {
            message.add(1, content)
            message.add(2, UInt64(size))
            message.add(3, kind)
            message.add(4, UInt64(customKind))
        } else if isUntyped {
            message.add(1, UInt64(size))
            message.add(2, content)
        } else {
            message.add(1, kind)
            message.add(2, UInt64(size))
            message.add(3, content)
        }
        return message
    }
}

/// A generic operation: arguments to read and arguments to be written, the operation's number first.
public struct GenericCall: Equatable, Sendable {
    /// The session.
    public var session: Int64 = 0
    /// The arguments.
    public var read: [Argument] = [], write: [Argument] = []
    /// Whether the guest is of the time before arguments had a kind.
    public var isUntyped = false

    /// Creates a call without arguments.
    public init() {}

    /// Reads a message.
    public init(_ bytes: Bytes, _ generation: Generation) throws(WireError) {
        var reader = WireReader(bytes)
        while let field = try reader.next() {
            switch field.number {
            case 1: session = field.value.int64
            case 2: read.append(try argument(field.value.content, after: read, generation))
            case 3: write.append(try argument(field.value.content, after: write, generation))
            default: break
            }
        }
    }

    private mutating func argument(
        _ bytes: Bytes, after list: [Argument], _ generation: Generation
    ) throws(WireError) -> Argument {
        guard list.count < Most.arguments else { throw .tooMany(Most.arguments) }
        if generation != .current, !isUntyped { isUntyped = try Self.isUntyped(bytes) }
        return try Argument(bytes, generation)
    }

    private static func isUntyped(_ bytes: Bytes) throws(WireError) -> Bool {
        var reader = WireReader(bytes)
        while let field = try reader.next() {
            if field.number == 2, case .bytes = field.value { return true }
        }
        return false
    }
}
