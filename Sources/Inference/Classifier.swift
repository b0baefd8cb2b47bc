public import HostLibraries
internal import HostSystem

/// What a classifier says of an image.
public struct Classification: Equatable, Sendable {
    /// The number of the class, from 0.
    public let index: Int
    /// The name of the class: `banana`.
    public let label: String
    /// The share of 1 that the model gives it.
    public let share: Float

    /// As vAccel's image operations answer: `99.902% banana`.
    public var text: String { "\(percent(share))% \(label)" }
}

/// A share of 1 as a percentage of three decimals: `99.902`.
func percent(_ share: Float) -> String {
    let thousandths = Int((Double(share) * 100_000).rounded())
    let fraction = String(thousandths % 1000)
    return "\(thousandths / 1000).\(String(repeating: "0", count: 3 - fraction.count))\(fraction)"
}

/// A model that says what is in an image.
public struct Classifier {
    private let model: ImageModel
    private let output: String
    private let settings: ModelSettings

    /// How the model takes images.
    public var input: ImageInput { model.input }

    /// - Throws: ``HostLibraries/LibraryError`` of kind `EINVAL` when the model takes no image or gives no classes, or
    ///   there are not as many labels as classes.
    public init(_ model: ONNXModel, labels: [String], settings: ModelSettings) throws(LibraryError) {
        guard let output = model.outputs.first, output.type == .float32 else {
            throw .invalid("the model's first output is none of 32-bit floats")
        }
        if let classes = output.shape.last ?? nil, !labels.isEmpty, classes != labels.count {
            throw .invalid("the model has \(classes) classes, but there are \(labels.count) labels")
        }
        self.model = try ImageModel(model, labels: labels, settings: settings)
        self.output = output.name
        self.settings = settings
    }

    /// The most likely class of an image.
    ///
    /// - Throws: ``HostLibraries/LibraryError``
    public func classify(_ image: Image) throws(LibraryError) -> Classification {
        let results = try model.run(image, outputs: [output])
        guard let numbers = results.first?.floats, !numbers.isEmpty else {
            throw .invalid("the model gives no classes")
        }
        guard !numbers.contains(where: \.isNaN) else { throw .invalid("the model gives no numbers for this image") }
        let shares = settings.softmax ?? !isDistribution(numbers) ? softmax(numbers) : numbers
        var best = 0
        for index in shares.indices where shares[index] > shares[best] { best = index }
        return Classification(index: best, label: model.label(best), share: max(0, min(1, shares[best])))
    }
}

/// Whether numbers are shares of 1 already.
func isDistribution(_ numbers: [Float]) -> Bool {
    numbers.allSatisfy { (0...1).contains($0) } && abs(numbers.reduce(0, +) - 1) < 0.01
}

/// Logits as shares of 1.
func softmax(_ logits: [Float]) -> [Float] {
    let largest = logits.max() ?? 0
    // What is infinite has it all.
    guard largest.isFinite else { return logits.map { $0 == largest ? 1 : 0 } }
    let powers = logits.map { Float(exponential(Double($0 - largest))) }
    let sum = powers.reduce(0, +)
    return powers.map { $0 / sum }
}

/// e to the power of `value`. See exp(3).
private func exponential(_ value: Double) -> Double { power(2.718281828459045, value) }
