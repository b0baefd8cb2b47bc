public import HostLibraries

/// A model that answers a question about images, whichever it is made for.
public struct VisionModel {
    /// What it is made for.
    public let task: ModelTask
    /// How it takes images.
    public let input: ImageInput
    private let answering: any ImageAnswering

    /// Prepares a loaded model for its task.
    ///
    /// - Throws: ``HostLibraries/LibraryError`` of kind `EINVAL` when the model takes no image, or gives nothing that its
    ///   task can be answered with.
    public init(_ model: ONNXModel, labels: [String], settings: ModelSettings) throws(LibraryError) {
        task = settings.task
        switch settings.task {
        case .classify: answering = try Classifier(model, labels: labels, settings: settings)
        case .detect: answering = try Detector(model, labels: labels, settings: settings)
        case .segment: answering = try Segmenter(model, labels: labels, settings: settings)
        case .pose: answering = try PoseEstimator(model, labels: labels, settings: settings)
        case .depth: answering = try DepthEstimator(model, settings: settings)
        }
        input = answering.input
    }

    /// The answer about an image as a text: one line for each thing that was found, empty when nothing was.
    ///
    /// - Throws: ``HostLibraries/LibraryError``
    public func answer(_ image: Image) throws(LibraryError) -> String { try answering.answer(image) }

    /// The answer about an image as a picture of its size: the image with what was found drawn on it, a colour for each
    /// class, or black for the least distance and white for the most.
    ///
    /// - Throws: ``HostLibraries/LibraryError``, of kind `ENOTSUP` for classification.
    public func picture(_ image: Image) throws(LibraryError) -> Image { try answering.picture(image) }
}

/// A task as its model carries it out.
protocol ImageAnswering {
    /// How the model takes images.
    var input: ImageInput { get }
    /// See ``VisionModel/answer(_:)``.
    func answer(_ image: Image) throws(LibraryError) -> String
    /// See ``VisionModel/picture(_:)``.
    func picture(_ image: Image) throws(LibraryError) -> Image
}

extension Classifier: ImageAnswering {
    func answer(_ image: Image) throws(LibraryError) -> String { try classify(image).text }

    func picture(_ image: Image) throws(LibraryError) -> Image {
        throw .unsupported("what an image shows is told in words only")
    }
}

/// A model of one image, with what every task needs of it.
struct ImageModel {
    let model: ONNXModel
    let input: ImageInput
    let labels: [String]

    init(_ model: ONNXModel, labels: [String], settings: ModelSettings) throws(LibraryError) {
        guard model.inputs.count == 1, let port = model.inputs.first else {
            throw .invalid("the model takes \(model.inputs.count) tensors, an image is one")
        }
        input = try ImageInput(port, settings: settings)
        self.model = model
        self.labels = labels
    }

    /// What the model gives for an image, by the names of its outputs.
    func run(_ image: Image, outputs: [String]) throws(LibraryError) -> [Tensor] {
        try model.run([(model.inputs[0].name, try input.tensor(of: image))], outputs: outputs)
    }

    /// The name of a class, joint or thing.
    func label(_ index: Int) -> String { labels.indices.contains(index) ? labels[index] : "class \(index)" }
}

/// Numbers of a picture: some planes of rows of columns.
struct Planes {
    let count: Int
    let height: Int
    let width: Int
    let numbers: [Float]

    /// The last three dimensions, or two for one plane; those before must be 1. Integers count as their numbers.
    init?(_ tensor: Tensor) {
        guard tensor.shape.count >= 2, tensor.shape.dropLast(3).allSatisfy({ $0 == 1 }) else { return nil }
        let found = tensor.floats ?? tensor.integers?.map { Float($0) } ?? tensor.samples?.map { Float($0) }
        guard let found, !found.isEmpty else { return nil }
        let last = Array(tensor.shape.suffix(3))
        count = last.count == 3 ? last[0] : 1
        height = last[last.count - 2]
        width = last[last.count - 1]
        numbers = found
    }

    func number(_ plane: Int, _ y: Int, _ x: Int) -> Float { numbers[(plane * height + y) * width + x] }
}

extension Tensor {
    /// The elements of a tensor of bytes; nil for another type.
    fileprivate var samples: [UInt8]? { type == .uint8 ? bytes : nil }
}
