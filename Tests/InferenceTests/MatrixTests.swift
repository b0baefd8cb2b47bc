import HostLibraries
import TestSupport
import Testing

@Suite(.enabled(if: blasIsThere, "needs OpenBLAS (libopenblas0-pthread)")) struct MatrixTests {
    private let library: MatrixLibrary

    init() throws {
        library = try MatrixLibrary()
    }

    private func multiply(_ product: MatrixProduct, _ a: [Float], _ b: [Float], _ c: [Float]) throws -> [Float] {
        var bytes = bytesOf(c)
        var span = bytes.mutableSpan
        try library.multiply(product, Bytes(bytesOf(a)), Bytes(bytesOf(b)), into: &span)
        return numbersOf(bytes)
    }

    /// The definition, one element after the other.
    private func expected(_ p: MatrixProduct, _ a: [Float], _ b: [Float], _ c: [Float]) -> [Float] {
        var result = c
        for i in 0..<p.rows {
            for j in 0..<p.columns {
                var sum: Float = 0
                for l in 0..<p.inner { sum += a[i * p.strideA + l] * b[l * p.strideB + j] }
                let place = i * p.strideC + j
                result[place] = p.alpha * sum + (p.beta == 0 ? 0 : p.beta * c[place])
            }
        }
        return result
    }

    @Test(
        "a product is what the definition says",
        arguments: [
            MatrixProduct(m: 2, n: 3, k: 4, alpha: 1, lda: 4, ldb: 3, beta: 0, ldc: 3),
            MatrixProduct(m: 5, n: 7, k: 3, alpha: -2, lda: 4, ldb: 9, beta: 0.5, ldc: 8),
            MatrixProduct(m: 1, n: 1, k: 1, alpha: 3, lda: 1, ldb: 1, beta: 1, ldc: 1),
            MatrixProduct(m: 17, n: 1, k: 33, alpha: 1, lda: 33, ldb: 1, beta: 1, ldc: 1),
            MatrixProduct(m: 3, n: 3, k: 0, alpha: 1, lda: 1, ldb: 3, beta: 2, ldc: 3),
            MatrixProduct(m: 4, n: 4, k: 4, alpha: 0, lda: 4, ldb: 4, beta: 1, ldc: 4),
            MatrixProduct(m: 64, n: 65, k: 66, alpha: 1, lda: 66, ldb: 65, beta: 1, ldc: 65),
        ])
    func product(_ product: MatrixProduct) throws {
        let a = (0..<max(1, product.rows * product.strideA)).map { Float($0 % 7) - 3 }
        let b = (0..<max(1, product.inner * product.strideB)).map { Float($0 % 5) - 2 }
        let c = (0..<max(1, product.rows * product.strideC)).map { Float($0 % 11) }
        #expect(try multiply(product, a, b, c) == expected(product, a, b, c))
    }

    @Test("what C was does not matter when beta is 0")
    func ignoresTheResultsPast() throws {
        let product = MatrixProduct(m: 2, n: 2, k: 1, alpha: 1, lda: 1, ldb: 2, beta: 0, ldc: 2)
        let past = [Float](repeating: .nan, count: 4)
        #expect(try multiply(product, [2, 3], [5, 7], past) == [10, 14, 15, 21])
    }

    @Test("the last row needs no more than its columns")
    func exactArrays() throws {
        let product = MatrixProduct(m: 2, n: 2, k: 2, alpha: 1, lda: 5, ldb: 4, beta: 0, ldc: 3)
        let a: [Float] = [1, 2, 9, 9, 9, 3, 4]
        let b: [Float] = [1, 0, 9, 9, 0, 1]
        #expect(try multiply(product, a, b, [0, 0, 8, 0, 0]) == [1, 2, 8, 3, 4])
    }

    @Test("no rows or no columns change nothing", arguments: [(0, 3), (3, 0), (0, 0)])
    func nothing(m: Int, n: Int) throws {
        let product = MatrixProduct(m: m, n: n, k: 2, alpha: 1, lda: 2, ldb: max(1, n), beta: 0, ldc: max(1, n))
        let a = [Float](repeating: 1, count: 6)
        #expect(try multiply(product, a, a, [42]) == [42])
    }

    @Test(
        "a matrix that is not within its bytes is refused",
        arguments: [
            (MatrixProduct(m: 3, n: 2, k: 2, alpha: 1, lda: 2, ldb: 2, beta: 0, ldc: 2), "a matrix A of 3 x 2"),
            (MatrixProduct(m: 2, n: 2, k: 3, alpha: 1, lda: 2, ldb: 2, beta: 0, ldc: 2), "a matrix A of 3 columns"),
            (MatrixProduct(m: 1, n: 2, k: 3, alpha: 1, lda: 3, ldb: 2, beta: 0, ldc: 2), "a matrix B of 3 x 2"),
            (MatrixProduct(m: 2, n: 2, k: 1, alpha: 1, lda: 1, ldb: 1, beta: 0, ldc: 2), "a matrix B of 2 columns"),
            (MatrixProduct(m: 2, n: 2, k: 2, alpha: 1, lda: 2, ldb: 2, beta: 0, ldc: 1), "a matrix C of 2 columns"),
            (MatrixProduct(m: 2, n: 2, k: 2, alpha: 1, lda: 2, ldb: 2, beta: 0, ldc: 3), "a matrix C of 2 x 2"),
            (MatrixProduct(m: -1, n: 2, k: 2, alpha: 1, lda: 2, ldb: 2, beta: 0, ldc: 2), "with m of -1"),
            (MatrixProduct(m: 2, n: 2, k: 2, alpha: 1, lda: .min, ldb: 2, beta: 0, ldc: 2), "lda of -9223"),
            (MatrixProduct(m: 2, n: 2, k: 2, alpha: 1, lda: .max, ldb: 2, beta: 0, ldc: 2), "lda of 9223"),
            (MatrixProduct(m: 2, n: 1 << 32, k: 2, alpha: 1, lda: 2, ldb: 2, beta: 0, ldc: 2), "with n of 4294967296"),
            (
                MatrixProduct(
                    m: 1 << 30, n: 2, k: 2, alpha: 1, lda: Int(Int32.max), ldb: 2, beta: 0, ldc: 2),
                "a matrix A of 1073741824 x 2"
            ),
        ])
    func refused(product: MatrixProduct, reason: String) throws {
        var bytes = [UInt8](repeating: 7, count: 16)
        let four = [UInt8](repeating: 0, count: 16)
        var text = ""
        do {
            var span = bytes.mutableSpan
            try library.multiply(product, Bytes(four), Bytes(four), into: &span)
        } catch {
            text = "\(error)"
            #expect(error.isInvalid)
        }
        #expect(text.contains(reason), "\(text)")
        #expect(bytes == [UInt8](repeating: 7, count: 16))
    }
}
