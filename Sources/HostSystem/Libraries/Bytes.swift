/// Bytes of a request or an answer: part of an array or of a region, which is shared, not copied.
///
/// Slices of it have its indices, as slices of arrays have. A region stays with its bytes, and is free when the last of
/// them are gone.
public struct Bytes: Sendable {
    @usableFromInline enum Storage: Sendable {
        case array(ArraySlice<UInt8>)
        case region(RegionLease)
    }

    @usableFromInline let storage: Storage
    /// The place of the first byte in the array or region.
    public let startIndex: Int
    /// The place after the last byte in the array or region.
    public let endIndex: Int

    @usableFromInline init(_ storage: Storage, _ range: Range<Int>) {
        (self.storage, startIndex, endIndex) = (storage, range.lowerBound, range.upperBound)
    }

    /// Bytes of an array.
    public init(_ array: [UInt8]) { self.init(.array(array[...]), 0..<array.count) }

    /// Bytes of a part of an array, with the same indices.
    public init(_ slice: ArraySlice<UInt8>) { self.init(.array(slice), slice.startIndex..<slice.endIndex) }

    /// The first `count` bytes of a region, at most all.
    public init(_ lease: RegionLease, count: Int) {
        self.init(.region(lease), 0..<Swift.max(0, Swift.min(count, lease.region.count)))
    }

    /// Bytes of a region by their place; nil when it has none there.
    public init?(_ lease: RegionLease, offset: Int, count: Int) {
        guard offset >= 0, count >= 0, offset <= lease.region.count, count <= lease.region.count - offset else {
            return nil
        }
        self.init(.region(lease), offset..<offset + count)
    }

    /// The region that holds the bytes; nil for those of an array.
    public var lease: RegionLease? {
        if case .region(let lease) = storage { lease } else { nil }
    }

    /// A copy.
    public var array: [UInt8] {
        switch storage {
        case .array(let slice): [UInt8](slice)
        case .region: unsafe withUnsafeStorage { unsafe [UInt8]($0) }
        }
    }

    /// Copies the bytes to the end of an array.
    public func append(to array: inout [UInt8]) {
        switch storage {
        case .array(let slice): array += slice
        case .region: unsafe withUnsafeStorage { unsafe array.append(contentsOf: $0) }
        }
    }

    /// Copies as many bytes as there is room for, and zeros where there is more.
    public func copy(to room: inout MutableSpan<UInt8>) {
        unsafe withUnsafeStorage { source in
            unsafe room.withUnsafeMutableBytes { target in
                let size = Swift.min(source.count, target.count)
                // SAFETY: neither is shorter.
                unsafe target.copyMemory(from: UnsafeRawBufferPointer(rebasing: source[..<size]))
                unsafe UnsafeMutableRawBufferPointer(rebasing: target[size...]).initializeMemory(
                    as: UInt8.self, repeating: 0)
            }
        }
    }

    /// Calls `body` with the bytes where they are.
    public func withSpan<Result, Failure: Error>(
        _ body: (Span<UInt8>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        switch storage {
        case .array(let slice): return try body(slice.span)
        case .region(let lease):
            // SAFETY: the range was checked to be within the region, which the lease keeps mapped for the call.
            return try unsafe body(Span(_unsafeElements: lease.region.buffer(startIndex..<endIndex)))
        }
    }

    /// Calls `body` with the address of the bytes.
    func withUnsafeStorage<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        switch storage {
        case .array(let slice): return try unsafe slice.withUnsafeBytes { try unsafe body($0) }
        case .region(let lease):
            // SAFETY: the range was checked to be within the region, which the lease keeps mapped for the call.
            return try unsafe body(UnsafeRawBufferPointer(lease.region.buffer(startIndex..<endIndex)))
        }
    }
}

extension Bytes: RandomAccessCollection {
    /// The byte at a place.
    @inlinable public subscript(index: Int) -> UInt8 {
        precondition(index >= startIndex && index < endIndex)
        switch storage {
        case .array(let slice): return slice[index]
        case .region(let lease): return lease.region[index]
        }
    }

    /// The bytes at places, with the same indices.
    @inlinable public subscript(range: Range<Int>) -> Bytes {
        precondition(range.lowerBound >= startIndex && range.upperBound <= endIndex)
        switch storage {
        case .array(let slice): return Bytes(.array(slice[range]), range)
        case .region: return Bytes(storage, range)
        }
    }

    /// Lets generic algorithms copy the bytes at once.
    public func withContiguousStorageIfAvailable<Result>(
        _ body: (UnsafeBufferPointer<UInt8>) throws -> Result
    ) rethrows -> Result? {
        // SAFETY: bytes are bytes, whatever they are bound to.
        try unsafe withUnsafeStorage { try unsafe body($0.assumingMemoryBound(to: UInt8.self)) }
    }
}

extension Bytes: ExpressibleByArrayLiteral {
    /// Bytes that are written down.
    public init(arrayLiteral elements: UInt8...) { self.init(elements) }
}

extension Bytes: Equatable {
    /// Whether both have the same bytes, wherever they are.
    public static func == (left: Bytes, right: Bytes) -> Bool { left.count == right.count && left.elementsEqual(right) }
}
