/// What is multiplied: C (m x n) = alpha A (m x k) B (k x n) + beta C, 32-bit floating point, row after row.
///
/// The names of BLAS are m, n, k, lda, ldb, ldc.
public struct MatrixProduct: Equatable, Sendable {
    /// m: the rows of A and C.
    public let rows: Int
    /// n: the columns of B and C.
    public let columns: Int
    /// k: the columns of A, which are the rows of B.
    public let inner: Int
    /// The factor of the product.
    public let alpha: Float
    /// The factor of what C was; C is not read when it is 0.
    public let beta: Float
    /// lda: from one row of A to the next, in elements.
    public let strideA: Int
    /// ldb: from one row of B to the next, in elements.
    public let strideB: Int
    /// ldc: from one row of C to the next, in elements.
    public let strideC: Int

    /// A product with BLAS's own arguments, none of them checked yet.
    public init(m: Int, n: Int, k: Int, alpha: Float, lda: Int, ldb: Int, beta: Float, ldc: Int) {
        rows = m
        columns = n
        inner = k
        self.alpha = alpha
        self.beta = beta
        strideA = lda
        strideB = ldb
        strideC = ldc
    }

    /// Checks that the three matrices are within arrays of so many bytes.
    ///
    /// - Throws: ``LibraryError`` of kind `EINVAL` that names the argument.
    public func check(aBytes: Int, bBytes: Int, cBytes: Int) throws(LibraryError) {
        for (name, size) in [("m", rows), ("n", columns), ("k", inner)] where size < 0 || size > Int(Int32.max) {
            throw LibraryError.invalid("a matrix product with \(name) of \(size)")
        }
        try checkMatrix("A", "lda", rows: rows, columns: inner, stride: strideA, bytes: aBytes)
        try checkMatrix("B", "ldb", rows: inner, columns: columns, stride: strideB, bytes: bBytes)
        try checkMatrix("C", "ldc", rows: rows, columns: columns, stride: strideC, bytes: cBytes)
    }

    private func checkMatrix(
        _ matrix: String, _ argument: String, rows: Int, columns: Int, stride: Int, bytes: Int
    ) throws(LibraryError) {
        guard stride >= max(1, columns), stride <= Int(Int32.max) else {
            throw LibraryError.invalid("a matrix \(matrix) of \(columns) columns with \(argument) of \(stride)")
        }
        guard rows > 0, columns > 0 else { return }
        // At most 2^62 + 2^31: all three are below 2^31.
        let elements = (rows - 1) * stride + columns
        guard elements <= bytes / 4 else {
            throw LibraryError.invalid(
                "a matrix \(matrix) of \(rows) x \(columns) with \(argument) of \(stride) in \(bytes) bytes; "
                    + "it has \(elements) elements of 4 bytes")
        }
    }
}
