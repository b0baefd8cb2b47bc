internal import HostLibraries
import HostSystem
internal import Inference

extension BackendDescription {
    /// Models by ONNX Runtime: the operator's for image tasks, the guest's own for tensors.
    public static let onnx = BackendDescription(
        name: "onnx", summary: "ONNX Runtime: image tasks by the models of --models, and models that guests bring",
        placement: .worker, hints: 1 | 2 | 16 | 32,
        offers: { kind, settings in
            guard let task = ModelTask(kind) else { return kind == .model }
            guard let path = settings.models else { return false }
            // A directory that cannot be read is told of by the worker, not by there being no such operation.
            guard let tasks = try? ModelDirectory(path).tasks() else { return true }
            return tasks.contains { $0.task == task }
        },
        make: { settings throws(OperationError) in try ONNXBackend(settings) })
}

/// Runs models. All libraries and the operator's models are opened when it is made, before its process is confined.
final class ONNXBackend: Backend {
    private let library: ONNXLibrary
    private let options: ModelOptions
    private let decoder = ImageDecoder()
    /// The operator's models by name, and the first of each task.
    private var offered: [String: ONNXModel] = [:]
    private var vision: [ModelTask: VisionModel] = [:]
    /// The guest's models by key.
    private var loaded: [Int64: ONNXModel] = [:]

    init(_ settings: BackendSettings) throws(OperationError) {
        do throws(LibraryError) {
            library = try ONNXLibrary(at: settings.libraries["onnx"])
            options = ModelOptions(threads: settings.threads, cudaDevice: settings.gpu ? 0 : nil)
            guard !settings.gpu || library.hasCUDA else {
                let providers = library.providers.joined(separator: ", ")
                throw .unsupported("ONNX Runtime \(library.version) cannot use a GPU; it has \(providers)")
            }
            // What is missing of these is told when an image of its kind comes.
            _ = decoder.openLibraries()
            if let path = settings.models { try open(ModelDirectory(path)) }
        } catch { throw .library("\(error)") }
    }

    private func open(_ directory: ModelDirectory) throws(LibraryError) {
        let names: [String]
        do throws(HostError) { names = try directory.names() } catch { throw .missing("models: \(error)") }
        for name in names {
            let entry = try directory.entry(name)
            do throws(LibraryError) {
                let model = try ONNXModel(entry.file.bytes, in: library, options: options)
                offered[name] = model
                guard vision[entry.settings.task] == nil, entry.isForImages(model) else { continue }
                vision[entry.settings.task] = try VisionModel(model, labels: entry.labels, settings: entry.settings)
            } catch { throw LibraryError(errno: error.errno, "model \(directory.path)/\(name): \(error)") }
        }
    }

    func perform(_ operation: Operation, in room: ResultRoom) throws(OperationError) -> OperationResult {
        do throws(LibraryError) {
            switch operation {
            case .image(let task, let image): return try answer(task, image)
            case .picture(let task, let image, let most): return .picture(try picture(task, image, most, in: room))
            case .load(let model):
                loaded[model.key] = try load(model)
                return .done
            case .unload(let key):
                loaded[key] = nil
                return .done
            case .run(let run): return .tensors(try self.run(run, in: room))
            case .multiply, .arithmetic: throw .unsupported("ONNX Runtime runs models")
            }
        } catch {
            throw error.isMissing ? .library("\(error)") : OperationError(errno: error.errno, "\(error)")
        }
    }

    // MARK: images

    private func answer(_ task: ImageTask, _ file: Bytes) throws(LibraryError) -> OperationResult {
        let (model, image) = try question(task, file)
        let text = try model.answer(image)
        // Whichever of the two the guest has room for.
        return .image(text: text, imageName: task == .classify ? "" : text)
    }

    private func picture(
        _ task: ImageTask, _ file: Bytes, _ most: Int, in room: ResultRoom
    ) throws(LibraryError) -> Bytes {
        let (model, image) = try question(task, file)
        let answer = Bytes(try decoder.encodePNG(try model.picture(image)))
        guard answer.count <= most else {
            // EMSGSIZE
            throw LibraryError(errno: 90, "a picture of \(answer.count) bytes for an array of \(most)")
        }
        return room.result(most) { answer.copy(to: &$0) }
    }

    private func question(_ task: ImageTask, _ file: Bytes) throws(LibraryError) -> (VisionModel, Image) {
        guard let model = ModelTask(task.kind).flatMap({ vision[$0] }) else {
            throw .unsupported("there is no model for images to \(task)")
        }
        return (model, try decoder.decode(file.array, channels: model.input.channels))
    }

    // MARK: models that guests bring

    /// A resource of one ONNX file; or an empty file with the name of one of the operator's models, which is that model.
    private func load(_ model: Model) throws(LibraryError) -> ONNXModel {
        guard let file = model.files.first, model.files.count == 1 else {
            throw .invalid("a model of \(model.files.count) files; an ONNX model is one")
        }
        guard file.content.isEmpty else {
            return try ONNXModel(try ModelFile(file.content.array).bytes, in: library, options: options)
        }
        let name = file.name.hasSuffix(".onnx") ? String(file.name.dropLast(5)) : file.name
        guard let found = offered[name] else { throw .invalid("an empty model, and none is called \"\(name)\"") }
        return found
    }

    private func run(_ run: ModelRun, in room: ResultRoom) throws(LibraryError) -> [Tensor] {
        guard let model = loaded[run.key] else { throw .invalid("the model is not loaded") }
        let inputs = try ports(of: model.inputs, run.inputNames, count: run.inputs.count, "input")
        let outputs = try ports(of: model.outputs, run.outputNames, count: run.outputCount, "output")
        var tensors = [(name: String, tensor: HostLibraries.Tensor)]()
        for (port, tensor) in zip(inputs, run.inputs) { tensors.append((port, try .init(tensor))) }
        var results = [Tensor]()
        for tensor in try model.run(tensors, outputs: outputs) { results.append(try Tensor(tensor, in: room)) }
        return results
    }

    /// The model's names for `count` tensors: those that the guest names, or else the first ones in the model's order.
    ///
    /// TensorFlow's names have a number after a colon, which models made of its graphs may keep or not.
    private func ports(
        of ports: [ModelPort], _ names: [String], count: Int, _ kind: String
    ) throws(LibraryError) -> [String] {
        guard !names.isEmpty else {
            guard count <= ports.count else {
                throw .invalid("\(count) tensors for a model of \(ports.count) \(kind)s")
            }
            return ports.prefix(count).map(\.name)
        }
        guard names.count == count else { throw .invalid("\(names.count) names for \(count) tensors") }
        var found = [String]()
        for name in names {
            let port = ports.first { $0.name == name } ?? ports.first { withoutNumber($0.name) == withoutNumber(name) }
            guard let port else { throw .invalid("the model has no \(kind) \"\(bounded(name))\"") }
            found.append(port.name)
        }
        return found
    }

    private func withoutNumber(_ name: String) -> Substring {
        name.hasSuffix(":0") ? name.dropLast(2) : name[...]
    }
}

extension ModelTask {
    /// The task of a kind of operation; nil for those that are not about images.
    fileprivate init?(_ kind: Operation.Kind) {
        switch kind {
        case .classify: self = .classify
        case .detect: self = .detect
        case .segment: self = .segment
        case .pose: self = .pose
        case .depth: self = .depth
        case .multiply, .arithmetic, .model: return nil
        }
    }
}

extension ModelDirectory.Entry {
    /// Whether a model is there to answer questions about images: it has settings or labels, or takes one.
    fileprivate func isForImages(_ model: ONNXModel) -> Bool {
        guard labels.isEmpty, !hasSettings, let input = model.inputs.first else { return true }
        return (try? ImageInput(input, settings: settings)) != nil
    }
}

extension Tensor.Element {
    /// The same type with ONNX's number.
    fileprivate var onnx: ElementType {
        switch self {
        case .float16: .float16
        case .float32: .float32
        case .float64: .float64
        case .int8: .int8
        case .int16: .int16
        case .int32: .int32
        case .int64: .int64
        case .uint8: .uint8
        case .uint16: .uint16
        case .uint32: .uint32
        case .uint64: .uint64
        case .bool: .bool
        }
    }
}

extension HostLibraries.Tensor {
    fileprivate init(_ tensor: VAccelAgent.Tensor) throws(LibraryError) {
        var shape = [Int]()
        for dimension in tensor.dimensions { shape.append(Int(dimension)) }
        try self.init(type: tensor.element.onnx, shape: shape, bytes: tensor.data.array)
    }
}

extension Tensor {
    fileprivate init(_ tensor: HostLibraries.Tensor, in room: ResultRoom) throws(LibraryError) {
        guard let element = Element.allCases.first(where: { $0.onnx == tensor.type }) else {
            throw .unsupported("the model gives a tensor of \(tensor.type), which vAccel has no number for")
        }
        let bytes = Bytes(tensor.bytes)
        let data = room.result(bytes.count) { bytes.copy(to: &$0) }
        self.init(element: element, dimensions: tensor.shape.map { Int64($0) }, data: data)
    }
}
