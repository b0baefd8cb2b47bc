internal import HostLibraries

/// A thing in an image.
struct Detection: Equatable {
    let index: Int
    /// The share of 1 that the model gives it.
    let share: Float
    /// Left, top, right, bottom in pixels of the model's input.
    let box: [Float]

    /// How much of what two boxes cover together they both cover; none when it cannot be told.
    func overlap(with other: Detection) -> Float {
        func area(_ box: [Float]) -> Float { max(0, box[2] - box[0]) * max(0, box[3] - box[1]) }
        let common = area([
            max(box[0], other.box[0]), max(box[1], other.box[1]), min(box[2], other.box[2]), min(box[3], other.box[3]),
        ])
        let all = area(box) + area(other.box) - common
        return all > 0 ? common / all : 0
    }
}

/// A model that says what is where in an image: a line `99.902% banana LEFT TOP RIGHT BOTTOM` for each thing, in pixels
/// of the image, the surest first.
///
/// Two kinds are known: three outputs named for boxes (N x 4: left, top, right, bottom in pixels of the input), scores and
/// labels or classes, as of models that leave doubles out themselves; and one output of 1 x (4 + classes) x N or its
/// transpose, with centre, width and height in pixels of the input, as of the YOLO family since version 8.
struct Detector: ImageAnswering {
    private enum Form {
        case separate(boxes: String, scores: String, labels: String)
        case joined(String)
    }

    private let model: ImageModel
    private let form: Form
    private let threshold: Float
    /// More of the same class than this share in common is the same thing. What YOLO is published with.
    private let sameOverlap: Float = 0.45
    /// The most things told of.
    private let most = 100

    var input: ImageInput { model.input }

    init(_ model: ONNXModel, labels: [String], settings: ModelSettings) throws(LibraryError) {
        self.model = try ImageModel(model, labels: labels, settings: settings)
        threshold = settings.threshold
        if let boxes = Self.output(of: model, ["box"]), let scores = Self.output(of: model, ["score"]),
            let classes = Self.output(of: model, ["label", "class"])
        {
            form = .separate(boxes: boxes, scores: scores, labels: classes)
        } else if let port = model.outputs.first, port.type == .float32, port.shape.count == 3 {
            form = .joined(port.name)
        } else {
            throw .invalid("the model gives no boxes, scores and labels, and not one tensor of all three")
        }
    }

    func answer(_ image: Image) throws(LibraryError) -> String {
        try detect(image).map { found in
            let (corner, opposite) = corners(of: found, in: image)
            return "\(percent(found.share))% \(model.label(found.index)) "
                + "\(corner.x) \(corner.y) \(opposite.x) \(opposite.y)"
        }.joined(separator: "\n")
    }

    /// The image with a box around each thing, the surest on top.
    func picture(_ image: Image) throws(LibraryError) -> Image {
        var canvas = Canvas(image)
        for found in try detect(image).reversed() {
            let (corner, opposite) = corners(of: found, in: image)
            canvas.drawBox(
                left: corner.x, top: corner.y, right: opposite.x, bottom: opposite.y, Canvas.color(of: found.index &+ 1)
            )
        }
        return try canvas.image()
    }

    private func corners(of found: Detection, in image: Image) -> ((x: Int, y: Int), (x: Int, y: Int)) {
        (
            input.place(x: found.box[0], y: found.box[1], in: image),
            input.place(x: found.box[2], y: found.box[3], in: image)
        )
    }

    private func detect(_ image: Image) throws(LibraryError) -> [Detection] {
        let found: [Detection]
        switch form {
        case .separate(let boxes, let scores, let labels):
            found = try separate(try model.run(image, outputs: [boxes, scores, labels]))
        case .joined(let name): found = try joined(try model.run(image, outputs: [name])[0])
        }
        let sound = found.filter { $0.share >= threshold && $0.share <= 1 && $0.box.allSatisfy(\.isFinite) }
        return distinct(sound.sorted { $0.share > $1.share })
    }

    private func separate(_ tensors: [Tensor]) throws(LibraryError) -> [Detection] {
        guard let boxes = tensors[0].floats, let scores = tensors[1].floats,
            let classes = tensors[2].integers ?? tensors[2].floats?.map({ Int64(saturating: $0) }),
            boxes.count == scores.count * 4, classes.count == scores.count
        else { throw .invalid("the model's boxes, scores and labels are not as many as each other") }
        return scores.indices.map { index in
            Detection(
                index: Int(classes[index]), share: scores[index], box: Array(boxes[4 * index..<4 * index + 4]))
        }
    }

    private func joined(_ tensor: Tensor) throws(LibraryError) -> [Detection] {
        guard let numbers = tensor.floats, tensor.shape.count == 3, tensor.shape[0] == 1 else {
            throw .invalid("the model gives detections of shape \(tensor.shape)")
        }
        let (first, second) = (tensor.shape[1], tensor.shape[2])
        let classes = model.labels.isEmpty ? min(first, second) - 4 : model.labels.count
        let valuesFirst = first == classes + 4
        guard classes > 0, valuesFirst || second == classes + 4 else {
            throw .invalid("the model gives detections of shape \(tensor.shape), which is not of \(classes) classes")
        }
        let count = valuesFirst ? second : first
        func value(_ index: Int, _ which: Int) -> Float {
            numbers[valuesFirst ? which * count + index : index * (classes + 4) + which]
        }
        return (0..<count).map { index in
            var best = 0
            for candidate in 0..<classes where value(index, 4 + candidate) > value(index, 4 + best) { best = candidate }
            let (x, y) = (value(index, 0), value(index, 1))
            let (width, height) = (value(index, 2) / 2, value(index, 3) / 2)
            return Detection(
                index: best, share: value(index, 4 + best), box: [x - width, y - height, x + width, y + height])
        }
    }

    /// Without those that a surer one of the same class covers. The surest come first.
    private func distinct(_ sorted: [Detection]) -> [Detection] {
        var kept = [Detection]()
        for candidate in sorted where kept.count < most {
            let isKnown = kept.contains { $0.index == candidate.index && $0.overlap(with: candidate) > sameOverlap }
            if !isKnown { kept.append(candidate) }
        }
        return kept
    }

    /// The first output with one of the words in its name.
    private static func output(of model: ONNXModel, _ words: [String]) -> String? {
        model.outputs.first { port in words.contains { contains(port.name.lowercased(), $0) } }?.name
    }

    private static func contains(_ text: String, _ word: String) -> Bool {
        let (bytes, wanted) = (Array(text.utf8), Array(word.utf8))
        guard bytes.count >= wanted.count else { return false }
        return (0...bytes.count - wanted.count).contains { bytes[$0..<$0 + wanted.count].elementsEqual(wanted) }
    }
}

extension Int64 {
    /// The nearest integer; the ends of the range, or 0, for what is none.
    init(saturating number: Float) {
        self = number.isNaN ? 0 : Int64(exactly: number.rounded()) ?? (number < 0 ? .min : .max)
    }
}
