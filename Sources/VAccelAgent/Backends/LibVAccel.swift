internal import HostLibraries
import HostSystem
internal import VAccelProtocol

extension BackendDescription {
    /// An installed vAccel library with its plug-ins: what upstream's own agent would do, in a confined worker.
    public static let libvaccel = BackendDescription(
        name: "libvaccel",
        summary: "vAccel's own library with plug-ins: --library libvaccel=FILE:PLUGIN[:PLUGIN]",
        placement: .worker,
        hints: 1 | 2 | 4 | 8 | 16 | 32 | 64 | 128,
        offers: { _, settings in settings.libraries["libvaccel"] != nil },
        make: { settings throws(OperationError) in try LibVAccelBackend(settings) })
}

/// Hands operations to vAccel's library. Of models it has Torch's: the others' structures differ from release to release.
final class LibVAccelBackend: Backend {
    private let library: UpstreamLibrary
    private var loaded: [Int64: UpstreamLibrary.Model] = [:]

    init(_ settings: BackendSettings) throws(OperationError) {
        let paths = settings.libraries["libvaccel", default: ""].split(separator: ":").map(String.init)
        guard let path = paths.first else { throw .library("no --library libvaccel=FILE:PLUGIN") }
        do throws(LibraryError) {
            library = try UpstreamLibrary(path: path, plugins: Array(paths.dropFirst()))
        } catch { throw .library("\(error)") }
    }

    func perform(_ operation: Operation, in room: ResultRoom) throws(OperationError) -> OperationResult {
        do throws(LibraryError) {
            switch operation {
            case .image(let task, let image):
                let answer = try library.answer(task.upstream, image.array)
                return .image(text: answer.text, imageName: answer.name)
            case .picture: throw .unsupported("a plug-in's pictures are files of its own")
            case .multiply(let product): return .arrays([try multiply(product)])
            case .arithmetic(let task): return .arrays(try compute(task))
            case .load(let model):
                loaded[model.key] = try load(model)
                return .done
            case .unload(let key):
                loaded[key] = nil
                return .done
            case .run(let run): return .tensors(try self.run(run))
            }
        } catch { throw OperationError(errno: error.errno, "\(error)") }
    }

    private func multiply(_ product: MatrixProduct) throws(LibraryError) -> Bytes {
        let shape = HostLibraries.MatrixProduct(
            m: Int(product.m), n: Int(product.n), k: Int(product.k), alpha: product.alpha, lda: Int(product.lda),
            ldb: Int(product.ldb), beta: product.beta, ldc: Int(product.ldc))
        var c: [Float] = numbersOf(product.c.array)
        try library.multiply(shape, numbersOf(product.a.array), numbersOf(product.b.array), into: &c)
        return Bytes(bytesOf(c))
    }

    private func compute(_ task: ArrayTask) throws(LibraryError) -> [Bytes] {
        switch task {
        case .minmax(let data, _, let low, let high):
            let (output, least, most) = try library.minmax(numbersOf(data.array), low: low, high: high)
            return [Bytes(bytesOf(output)), Bytes(bytesOf([least])), Bytes(bytesOf([most]))]
        case .copy(let data): return try compute(.copy, data, [])
        case .multiply(let left, let right): return try compute(.multiply, left, right)
        case .parallel(let left, let right): return try compute(.parallel, left, right)
        case .add(let left, let right): return try compute(.add, left, right)
        }
    }

    private func compute(
        _ operation: UpstreamLibrary.ArrayOperation, _ a: Bytes, _ b: Bytes
    ) throws(LibraryError) -> [Bytes] {
        try library.compute(operation, a.array, b.array).map { Bytes($0) }
    }

    private func load(_ model: Model) throws(LibraryError) -> UpstreamLibrary.Model {
        guard model.interface == .torch else { throw .unsupported("libvaccel: models of Torch only") }
        guard let file = model.files.first, model.files.count == 1 else {
            throw .invalid("a model of \(model.files.count) files; libvaccel: one")
        }
        return try library.load(file.content.array, named: "model")
    }

    private func run(_ run: ModelRun) throws(LibraryError) -> [Tensor] {
        guard let model = loaded[run.key] else { throw .invalid("the model is not loaded") }
        var inputs: [UpstreamLibrary.TorchTensor] = []
        for tensor in run.inputs {
            guard let type = tensor.element.number(of: .torch) else {
                throw .unsupported("Torch's interface has no number for \(tensor.element)")
            }
            inputs.append(.init(type: Int32(type), shape: tensor.dimensions, bytes: tensor.data.array))
        }
        var results: [Tensor] = []
        for output in try library.run(model, inputs, outputs: run.outputCount) {
            guard let element = Tensor.Element(UInt64(clamping: output.type), of: .torch) else {
                throw .unsupported("a plug-in gives a tensor of type \(output.type)")
            }
            let tensor = Tensor(element: element, dimensions: output.shape, data: Bytes(output.bytes))
            guard tensor.expectedSize == output.bytes.count else {
                throw .invalid("a plug-in gives \(output.bytes.count) bytes for a tensor of shape \(output.shape)")
            }
            results.append(tensor)
        }
        return results
    }
}

extension ImageTask {
    fileprivate var upstream: UpstreamLibrary.ImageOperation {
        switch self {
        case .classify: .classify
        case .detect: .detect
        case .segment: .segment
        case .pose: .pose
        case .depth: .depth
        }
    }
}
