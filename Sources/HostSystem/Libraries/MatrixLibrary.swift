internal import CLibraries
import HostSystem

/// Matrix products by a BLAS library: Debian's OpenBLAS, or another with its C interface.
@safe public final class MatrixLibrary {
    private let library: SharedLibrary
    private let sgemm: UnsafeMutableRawPointer

    /// Opens the library.
    ///
    /// - Parameters:
    ///   - path: The operator's own; nil for Debian's.
    ///   - threads: How many threads one product may use. The library reads it once, when it is first opened.
    /// - Throws: ``LibraryError`` of kind `ENOENT`.
    public init(path: String? = nil, threads: Int = 1) throws(LibraryError) {
        // SAFETY: the first thing a worker does, before there is a thread that could read the environment.
        lx_blas_set_threads(Int32(clamping: max(1, threads)))
        let candidates = path.map { [$0] } ?? ["libopenblas.so.0", "libcblas.so.3", "libblas.so.3"]
        library = try SharedLibrary(firstOf: candidates, for: "the BLAS library")
        unsafe sgemm = try library.symbol("cblas_sgemm")
    }

    /// Multiplies into `c`: C = alpha A B + beta C.
    ///
    /// See cblas_sgemm, row-major, nothing transposed.
    /// - Throws: ``LibraryError`` of kind `EINVAL` when a matrix would not be within its bytes.
    public func multiply(
        _ product: MatrixProduct, _ a: Bytes, _ b: Bytes, into c: inout MutableSpan<UInt8>
    ) throws(LibraryError) {
        try product.check(aBytes: a.count, bBytes: b.count, cBytes: c.count)
        guard product.rows > 0, product.columns > 0 else { return }
        // SAFETY: the check above holds every element that is read or written inside the three ranges; a matrix that
        // is not aligned is read by instructions that do not need it to be.
        unsafe a.withUnsafeStorage { a in
            unsafe b.withUnsafeStorage { b in
                unsafe c.withUnsafeMutableBytes { c in
                    unsafe lx_blas_sgemm(
                        sgemm, Int32(product.rows), Int32(product.columns), Int32(product.inner), product.alpha,
                        a.baseAddress?.assumingMemoryBound(to: Float.self), Int32(product.strideA),
                        b.baseAddress?.assumingMemoryBound(to: Float.self), Int32(product.strideB), product.beta,
                        c.baseAddress?.assumingMemoryBound(to: Float.self), Int32(product.strideC))
                }
            }
        }
    }
}
