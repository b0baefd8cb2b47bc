/// The float32 values in `bytes`, in the machine's order, which is little-endian; bytes of a part of one are left out.
public func floats(_ bytes: ArraySlice<UInt8>) -> [Float] { numbers(bytes) }

/// The float64 values in `bytes`, like ``floats(_:)``.
public func doubles(_ bytes: ArraySlice<UInt8>) -> [Double] { numbers(bytes) }

/// The bytes of float32 values.
public func floatBytes(_ values: [Float]) -> [UInt8] { bytes(values) }

/// The bytes of float64 values.
public func doubleBytes(_ values: [Double]) -> [UInt8] { bytes(values) }

private func numbers<Number: BitwiseCopyable>(_ bytes: ArraySlice<UInt8>) -> [Number] {
    let count = bytes.count / MemoryLayout<Number>.size
    let size = count * MemoryLayout<Number>.size
    return unsafe [Number](unsafeUninitializedCapacity: count) { buffer, filled in
        // SAFETY: both have `size` bytes at least; every pattern of bits is a number.
        unsafe bytes.withUnsafeBytes { source in
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
