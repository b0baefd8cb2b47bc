internal import HostLibraries

/// A model that says to what each pixel belongs: a line `43.210% road` for each class, the largest first.
///
/// Its output has either a plane of numbers for each class, of which the largest counts, or the classes' numbers.
struct Segmenter: ImageAnswering {
    private let model: ImageModel
    private let output: String

    var input: ImageInput { model.input }

    init(_ model: ONNXModel, labels: [String], settings: ModelSettings) throws(LibraryError) {
        self.model = try ImageModel(model, labels: labels, settings: settings)
        output = try pictureOutput(of: model, for: "a class for each pixel")
    }

    func answer(_ image: Image) throws(LibraryError) -> String {
        let planes = try planes(of: try model.run(image, outputs: [output])[0])
        var pixels = [Int: Int]()
        for y in 0..<planes.height {
            for x in 0..<planes.width { pixels[found(in: planes, x, y), default: 0] += 1 }
        }
        let all = Float(planes.width * planes.height)
        return pixels.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(100).map { found in
            "\(percent(Float(found.value) / all))% \(model.label(found.key))"
        }.joined(separator: "\n")
    }

    /// The colour of each pixel's class.
    func picture(_ image: Image) throws(LibraryError) -> Image {
        let planes = try planes(of: try model.run(image, outputs: [output])[0])
        return try Canvas(like: image) { x, y in
            input.source(x: x, y: y, of: image, in: planes).map { Canvas.color(of: found(in: planes, $0.x, $0.y)) }
        }.image()
    }

    /// The class of a pixel.
    private func found(in planes: Planes, _ x: Int, _ y: Int) -> Int {
        guard planes.count > 1 else { return Int(Int64(saturating: planes.number(0, y, x))) }
        var best = 0
        for plane in 0..<planes.count where planes.number(plane, y, x) > planes.number(best, y, x) { best = plane }
        return best
    }
}

/// A model that says where joints are: a line `99.902% left_elbow X Y` for each that is sure enough, in pixels of the image.
///
/// Its output has a plane for each joint, in which the largest number is where the joint is.
struct PoseEstimator: ImageAnswering {
    private let model: ImageModel
    private let output: String
    private let threshold: Float

    var input: ImageInput { model.input }

    init(_ model: ONNXModel, labels: [String], settings: ModelSettings) throws(LibraryError) {
        self.model = try ImageModel(model, labels: labels, settings: settings)
        threshold = settings.threshold
        output = try pictureOutput(of: model, for: "a plane for each joint")
    }

    func answer(_ image: Image) throws(LibraryError) -> String {
        try joints(in: image).map { "\(percent(min(1, $0.share)))% \(model.label($0.index)) \($0.x) \($0.y)" }
            .joined(separator: "\n")
    }

    /// The image with a cross at each joint.
    func picture(_ image: Image) throws(LibraryError) -> Image {
        var canvas = Canvas(image)
        for joint in try joints(in: image) {
            canvas.drawCross(x: joint.x, y: joint.y, Canvas.color(of: joint.index + 1))
        }
        return try canvas.image()
    }

    private func joints(in image: Image) throws(LibraryError) -> [(index: Int, share: Float, x: Int, y: Int)] {
        let planes = try planes(of: try model.run(image, outputs: [output])[0])
        var found = [(index: Int, share: Float, x: Int, y: Int)]()
        for joint in 0..<min(planes.count, 100) {
            var best = (x: 0, y: 0)
            for y in 0..<planes.height {
                for x in 0..<planes.width where planes.number(joint, y, x) > planes.number(joint, best.y, best.x) {
                    best = (x, y)
                }
            }
            let share = planes.number(joint, best.y, best.x)
            guard share >= threshold else { continue }
            let place = input.place(
                x: (Float(best.x) + 0.5) * Float(input.width) / Float(planes.width),
                y: (Float(best.y) + 0.5) * Float(input.height) / Float(planes.height), in: image)
            found.append((joint, share, place.x, place.y))
        }
        return found
    }
}

/// A model that says how far away each pixel is: the least and the most with their places in pixels of the image, and the
/// mean, in the model's own measure: `least 0.523 at 120 33, most 9.1 at 4 5, mean 3.2`.
struct DepthEstimator: ImageAnswering {
    private let model: ImageModel
    private let output: String

    var input: ImageInput { model.input }

    init(_ model: ONNXModel, settings: ModelSettings) throws(LibraryError) {
        self.model = try ImageModel(model, labels: [], settings: settings)
        output = try pictureOutput(of: model, for: "a number for each pixel")
    }

    func answer(_ image: Image) throws(LibraryError) -> String {
        let planes = try distances(in: image)
        var least = (x: 0, y: 0)
        var most = (x: 0, y: 0)
        var sum = 0.0
        for y in 0..<planes.height {
            for x in 0..<planes.width {
                let depth = planes.number(0, y, x)
                sum += Double(depth)
                if depth < planes.number(0, least.y, least.x) { least = (x, y) }
                if depth > planes.number(0, most.y, most.x) { most = (x, y) }
            }
        }
        func text(_ point: (x: Int, y: Int)) -> String {
            let place = input.place(
                x: (Float(point.x) + 0.5) * Float(input.width) / Float(planes.width),
                y: (Float(point.y) + 0.5) * Float(input.height) / Float(planes.height), in: image)
            return "\(planes.number(0, point.y, point.x)) at \(place.x) \(place.y)"
        }
        let mean = Float(sum / Double(planes.width * planes.height))
        return "least \(text(least)), most \(text(most)), mean \(mean)"
    }

    /// Shades of grey: black for the least distance, white for the most. What is no number is black.
    func picture(_ image: Image) throws(LibraryError) -> Image {
        let planes = try distances(in: image)
        let sound = planes.numbers.filter(\.isFinite)
        let least = sound.min() ?? 0
        let range = (sound.max() ?? 0) - least
        return try Canvas(like: image) { x, y in
            guard let place = input.source(x: x, y: y, of: image, in: planes) else { return nil }
            let share = (planes.number(0, place.y, place.x) - least) / range
            // NaN where all distances are alike.
            guard share > 0 else { return nil }
            let shade = UInt8((255 * min(1, share)).rounded())
            return [shade, shade, shade]
        }.image()
    }

    private func distances(in image: Image) throws(LibraryError) -> Planes {
        let planes = try planes(of: try model.run(image, outputs: [output])[0])
        guard planes.count == 1 else { throw .invalid("the model gives \(planes.count) numbers for each pixel") }
        return planes
    }
}

/// The name of a model's first output, which must be able to be a picture.
private func pictureOutput(of model: ONNXModel, for purpose: String) throws(LibraryError) -> String {
    guard let port = model.outputs.first, port.type != nil, (2...4).contains(port.shape.count) else {
        throw .invalid("the model's first output does not have \(purpose)")
    }
    return port.name
}

private func planes(of tensor: Tensor) throws(LibraryError) -> Planes {
    guard let planes = Planes(tensor) else {
        throw .invalid("the model gives a tensor of \(tensor.type) and shape \(tensor.shape), which is no picture")
    }
    return planes
}
