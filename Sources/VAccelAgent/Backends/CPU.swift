import HostLibraries
import HostSystem

extension BackendDescription {
    /// Matrix products by OpenBLAS where it is installed, and arithmetic on arrays.
    public static let cpu = BackendDescription(
        name: "cpu", summary: "matrix products, by OpenBLAS where it is installed, and arithmetic on arrays",
        placement: .worker, hints: 1 | 8 | 128,
        offers: { kind, _ in kind == .multiply || kind == .arithmetic },
        make: { settings in
            CPUBackend(library: try? MatrixLibrary(path: settings.libraries["cpu"], threads: settings.threads))
        })
}

/// Computes on the processor. Without a BLAS library products take longer, and are the same but for rounding.
final class CPUBackend: Backend {
    private let library: MatrixLibrary?

    init(library: MatrixLibrary?) { self.library = library }

    func perform(_ operation: Operation, in room: ResultRoom) throws(OperationError) -> OperationResult {
        switch operation {
        case .multiply(let product): .arrays([try multiply(product, in: room)])
        case .arithmetic(let task): .arrays(try answers(to: task, in: room))
        default: throw .unsupported("cpu has no \(operation.kind)")
        }
    }

    // MARK: products

    private func multiply(_ product: MatrixProduct, in room: ResultRoom) throws(OperationError) -> Bytes {
        let shape = HostLibraries.MatrixProduct(
            m: Int(product.m), n: Int(product.n), k: Int(product.k), alpha: product.alpha, lda: Int(product.lda),
            ldb: Int(product.ldb), beta: product.beta, ldc: Int(product.ldc))
        do throws(LibraryError) {
            return try room.result(product.c.count) { (c) throws(LibraryError) in
                if !product.isOverwritten { product.c.copy(to: &c) }
                guard let library else { return Self.plainProduct(product).copy(to: &c) }
                try library.multiply(shape, product.a, product.b, into: &c)
            }
        } catch { throw OperationError(errno: error.errno, error.message) }
    }

    /// The product by its definition, row after row so that memory is read in order.
    static func plainProduct(_ product: MatrixProduct) -> Bytes {
        let (a, b) = (floats(product.a), floats(product.b))
        var c = floats(product.c)
        let (m, n, k) = (Int(product.m), Int(product.n), Int(product.k))
        let (lda, ldb, ldc) = (Int(product.lda), Int(product.ldb), Int(product.ldc))
        for row in 0..<m {
            for column in 0..<n {
                let index = row * ldc + column
                c[index] = product.beta == 0 ? 0 : product.beta * c[index]
            }
            for inner in 0..<k {
                let factor = product.alpha * a[row * lda + inner]
                for column in 0..<n { c[row * ldc + column] += factor * b[inner * ldb + column] }
            }
        }
        return Bytes(floatBytes(c))
    }

    // MARK: arrays

    private func answers(to task: ArrayTask, in room: ResultRoom) throws(OperationError) -> [Bytes] {
        switch task {
        case .copy(let data): return [data]
        case .minmax(let data, _, let low, let high):
            return Self.extremes(doubles(data), Double(low), Double(high), in: room)
        case .multiply(let left, let right):
            let side = Int32((Double(left.count) / 4).squareRoot())
            let product = MatrixProduct(
                m: side, n: side, k: side, alpha: 1, a: left, lda: side, b: right, ldb: side, beta: 0, c: left,
                ldc: side)
            return side == 0 ? [left] : [try multiply(product, in: room)]
        case .add(let left, let right):
            return [room.result(left.count) { combine(left, right, into: &$0) { $0 + $1 } }]
        case .parallel(let left, let right):
            return [
                room.result(left.count) { combine(left, right, into: &$0) { $0 + $1 } },
                room.result(left.count) { combine(left, right, into: &$0) { $0 * $1 } },
            ]
        }
    }

    /// The values cut to the bounds, the smallest and the largest of them before that. What is no number has no part in it.
    private static func extremes(
        _ values: [Double], _ low: Double, _ high: Double, in room: ResultRoom
    ) -> [Bytes] {
        var (least, most) = (Double.infinity, -Double.infinity)
        var cut = values
        for (index, value) in values.enumerated() {
            if value < least { least = value }
            if value > most { most = value }
            if value < low { cut[index] = low } else if value > high { cut[index] = high }
        }
        let bytes = Bytes(doubleBytes(cut))
        let array = room.result(bytes.count) { bytes.copy(to: &$0) }
        return [array, Bytes(doubleBytes([least])), Bytes(doubleBytes([most]))]
    }
}
