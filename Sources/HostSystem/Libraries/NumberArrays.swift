/// The float32 values in `bytes`, in the machine's order, which is little-endian; bytes of a part of one are left out.
public func floats(_ bytes: Bytes) -> [Float] { numbers(bytes) }

/// The float64 values in `bytes`, like ``floats(_:)``.
public func doubles(_ bytes: Bytes) -> [Double] { numbers(bytes) }

/// The bytes of float32 values.
public func floatBytes(_ values: [Float]) -> [UInt8] { bytes(values) }

/// The bytes of float64 values.
public func doubleBytes(_ values: [Double]) -> [UInt8] { bytes(values) }

/// Writes what `body` makes of the float32 values of two arrays, one after the other, as far as all three go.
public func combine(
    _ left: Bytes, _ right: Bytes, into result: inout MutableSpan<UInt8>, _ body: (Float, Float) -> Float
) {
    let size = MemoryLayout<Float>.size
    unsafe left.withUnsafeStorage { left in
        unsafe right.withUnsafeStorage { right in
            unsafe result.withUnsafeMutableBytes { result in
                // SAFETY: every place is below the length of all three; places need not be aligned.
                for place in stride(from: 0, to: min(left.count, right.count, result.count) / size * size, by: size) {
                    let first = unsafe left.loadUnaligned(fromByteOffset: place, as: Float.self)
                    let second = unsafe right.loadUnaligned(fromByteOffset: place, as: Float.self)
                    unsafe result.storeBytes(of: body(first, second), toByteOffset: place, as: Float.self)
                }
            }
        }
    }
}

private func numbers<Number: BitwiseCopyable>(_ bytes: Bytes) -> [Number] {
    let count = bytes.count / MemoryLayout<Number>.size
    let size = count * MemoryLayout<Number>.size
    return unsafe [Number](unsafeUninitializedCapacity: count) { buffer, filled in
        // SAFETY: both have `size` bytes at least; every pattern of bits is a number.
        unsafe bytes.withUnsafeStorage { source in
            let whole = unsafe UnsafeRawBufferPointer(rebasing: source[0..<size])
            unsafe UnsafeMutableRawBufferPointer(buffer).copyMemory(from: whole)
        }
        filled = count
    }
}

private func bytes<Number: BitwiseCopyable>(_ values: [Number]) -> [UInt8] {
    // SAFETY: numbers have no padding.
    unsafe values.withUnsafeBytes { unsafe Array($0) }
}
