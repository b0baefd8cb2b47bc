/// An array of numbers with a shape, as a model takes and gives it.
public struct Tensor: Equatable, Sendable {
    /// The type of the elements.
    public let type: ElementType
    /// The dimensions, outermost first; empty for a single number.
    public let shape: [Int]
    /// The elements, the last dimension's one after the other, least byte first.
    public let bytes: [UInt8]

    /// The most bytes of a tensor: 1 GiB.
    public static let mostBytes = 1 << 30

    /// A tensor of `bytes`.
    ///
    /// - Throws: ``LibraryError`` of kind `EINVAL` when shape, type and number of bytes do not agree.
    public init(type: ElementType, shape: [Int], bytes: [UInt8]) throws(LibraryError) {
        guard shape.count <= 16 else {
            throw LibraryError.invalid("a tensor of \(shape.count) dimensions; at most 16 are possible")
        }
        guard let needed = Self.byteCount(type: type, shape: shape) else {
            throw LibraryError.invalid("a tensor of shape \(shape): a dimension is negative or it is too large")
        }
        guard needed == bytes.count else {
            throw LibraryError.invalid("a tensor of \(type) and shape \(shape) has \(needed) bytes, not \(bytes.count)")
        }
        self.type = type
        self.shape = shape
        self.bytes = bytes
    }

    /// A tensor of 32-bit floating point numbers.
    ///
    /// - Throws: ``LibraryError`` of kind `EINVAL` when the shape is not that of so many numbers.
    public init(shape: [Int], _ numbers: [Float]) throws(LibraryError) {
        try self.init(type: .float32, shape: shape, bytes: bytesOf(numbers))
    }

    /// The number of elements.
    public var count: Int { bytes.count / type.size }

    /// The elements of a tensor of 32-bit floating point numbers; nil for another type.
    public var floats: [Float]? { type == .float32 ? numbersOf(bytes) : nil }

    /// The elements of a tensor of 64-bit integers; nil for another type.
    public var integers: [Int64]? { type == .int64 ? numbersOf(bytes) : nil }

    /// How many bytes a tensor has; nil when a dimension is negative or it would be larger than ``mostBytes``.
    public static func byteCount(type: ElementType, shape: [Int]) -> Int? {
        guard !shape.contains(where: { $0 < 0 }) else { return nil }
        if shape.contains(0) { return 0 }
        var count = type.size
        for dimension in shape {
            let (product, overflow) = count.multipliedReportingOverflow(by: dimension)
            guard !overflow, product <= mostBytes else { return nil }
            count = product
        }
        return count
    }
}

/// The bytes of numbers as they are in memory.
public func bytesOf<Number: BitwiseCopyable>(_ numbers: [Number]) -> [UInt8] {
    // SAFETY: the elements have no padding that matters and no references; the array lives for the call.
    unsafe numbers.withUnsafeBytes { unsafe [UInt8]($0) }
}

/// The numbers that bytes in memory are; what is left at the end is no number.
public func numbersOf<Number: BitwiseCopyable & FloatingPoint>(_ bytes: [UInt8]) -> [Number] { numbersIn(bytes) }

/// The numbers that bytes in memory are; what is left at the end is no number.
public func numbersOf<Number: BitwiseCopyable & FixedWidthInteger>(_ bytes: [UInt8]) -> [Number] { numbersIn(bytes) }

private func numbersIn<Number: BitwiseCopyable>(_ bytes: [UInt8]) -> [Number] {
    let count = bytes.count / MemoryLayout<Number>.stride
    return unsafe [Number](unsafeUninitializedCapacity: count) { buffer, initialized in
        // SAFETY: every pattern of bits is a number, and no more than the shorter of both is copied.
        unsafe bytes.withUnsafeBytes { source in
            let size = count * MemoryLayout<Number>.stride
            unsafe UnsafeMutableRawBufferPointer(buffer).copyMemory(from: .init(rebasing: source[..<size]))
        }
        initialized = count
    }
}
