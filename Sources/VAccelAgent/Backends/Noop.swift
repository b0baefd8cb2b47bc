import HostLibraries
import HostSystem

extension BackendDescription {
    /// Upstream's dummy answers: shows that a guest reaches its agent, computes nothing.
    public static let noop = BackendDescription(
        name: "noop", summary: "dummy answers, as upstream's noop plug-in gives them", placement: .agent, hints: 256,
        offers: { _, _ in true }, make: { _ in NoopBackend() })
}

/// Answers everything at once with what upstream's noop plug-in answers.
final class NoopBackend: Backend {
    func perform(_ operation: Operation, in room: ResultRoom) throws(OperationError) -> OperationResult {
        switch operation {
        case .image(.classify, _):
            .image(text: "This is a dummy classification tag!", imageName: "This is a dummy imgname!")
        case .image: .image(text: "", imageName: "This is a dummy imgname!")
        case .picture: throw .unsupported("noop has no pictures")
        case .multiply(let product): .arrays([product.c])
        case .arithmetic(let task): .arrays(Self.answers(to: task))
        case .load, .unload: .done
        case .run(let run): .tensors(Self.echoes(of: run))
        }
    }

    /// Upstream's: a smallest of -1 and a largest of 10000, a product of 9.1 everywhere, true sums.
    private static func answers(to task: ArrayTask) -> [Bytes] {
        switch task {
        case .minmax(let data, _, _, _):
            [data, bytes(of: Double(-1).bitPattern, 8), bytes(of: Double(10000).bitPattern, 8)]
        case .copy(let data): [data]
        case .multiply(let left, _): [repeated(9.1, asIn: left)]
        case .add(let left, let right): [sums(left, right)]
        case .parallel(let left, let right): [sums(left, right), repeated(1, asIn: left)]
        }
    }

    private static func bytes(of pattern: UInt64, _ count: Int) -> Bytes {
        Bytes((0..<count).map { UInt8(truncatingIfNeeded: pattern >> UInt64(8 * $0)) })
    }

    private static func repeated(_ value: Float, asIn array: Bytes) -> Bytes {
        Bytes(floatBytes(Array(repeating: value, count: array.count / 4)))
    }

    private static func sums(_ left: Bytes, _ right: Bytes) -> Bytes {
        Bytes(floatBytes(zip(floats(left), floats(right)).map { $0 + $1 }))
    }

    /// As many tensors as the guest has room for: its inputs in turn.
    private static func echoes(of run: ModelRun) -> [Tensor] {
        guard !run.inputs.isEmpty else {
            let empty = Tensor(element: .float32, dimensions: [0], data: [])
            return Array(repeating: empty, count: run.outputCount)
        }
        return (0..<run.outputCount).map { run.inputs[$0 % run.inputs.count] }
    }
}
