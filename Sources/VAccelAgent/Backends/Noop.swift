extension BackendDescription {
    /// Upstream's dummy answers: shows that a guest reaches its agent, computes nothing.
    public static let noop = BackendDescription(
        name: "noop", summary: "dummy answers, as upstream's noop plug-in gives them", placement: .agent,
        offers: { _, _ in true }, make: { _ in NoopBackend() })
}

/// Answers everything at once with what upstream's noop plug-in answers.
final class NoopBackend: Backend {
    func perform(_ operation: Operation) throws(OperationError) -> OperationResult {
        switch operation {
        case .image(.classify, _):
            .image(text: "This is a dummy classification tag!", imageName: "This is a dummy imgname!")
        case .image: .image(text: "", imageName: "This is a dummy imgname!")
        case .multiply(let product): .arrays([product.c])
        case .arithmetic(let task): .arrays(Self.answers(to: task))
        case .load, .unload: .done
        case .run(let run): .tensors(Self.echoes(of: run))
        }
    }

    private static func answers(to task: ArrayTask) -> [Bytes] {
        func zeros(_ count: Int) -> Bytes { Array(repeating: 0, count: count)[...] }
        return switch task {
        case .minmax(let data, _, _, _): [data, zeros(8), zeros(8)]
        case .copy(let data): [data]
        case .multiply(let left, _), .add(let left, _): [left]
        case .parallel(let left, let right): [left, right]
        }
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
