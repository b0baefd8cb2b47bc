internal import HostSystem
public import HostLibraries

/// What a model is for.
public enum ModelTask: String, CaseIterable, Sendable {
    /// What is in an image, in one word.
    case classify
    /// What is where in an image.
    case detect
    /// To what each pixel of an image belongs.
    case segment
    /// Where the joints of a body are in an image.
    case pose
    /// How far away each pixel of an image is.
    case depth
}

/// How an image becomes a model's input, and its output an answer: the file `NAME.json` beside a model.
///
/// A sample of 0 to 255 becomes (sample * range / 255 - mean) / std. All members are optional, unknown ones refused.
public struct ModelSettings: Equatable, Sendable {
    /// What the image is made to fit by.
    public enum Fit: String, Sendable {
        /// Width and height each by their own factor.
        case stretch
        /// The shorter side fits, what is too much of the longer one is cut off at both ends.
        case crop
    }

    /// How the colours are ordered.
    public enum Colours: String, Sendable {
        case rgb = "RGB"
        case bgr = "BGR"
    }

    /// Where the colours are in the input's shape.
    public enum Layout: String, Sendable {
        case colourFirst = "NCHW"
        case colourLast = "NHWC"
    }

    /// What the model is for.
    public var task = ModelTask.classify
    /// What white becomes before `mean` and `std`.
    public var range: Float = 1
    /// What is taken off, by channel; one number is for all of them.
    public var mean: [Float] = [0]
    /// What is divided by, by channel; one number is for all of them.
    public var std: [Float] = [1]
    /// See ``Layout``; nil to tell by the input's shape.
    public var layout: Layout?
    /// See ``Colours``.
    public var colours = Colours.rgb
    /// See ``Fit``.
    public var fit = Fit.stretch
    /// Pixels, where the input takes any width.
    public var width: Int?
    /// Pixels, where the input takes any height.
    public var height: Int?
    /// Whether logits are given, that have yet to be made into shares of 1; nil to tell by the numbers.
    public var softmax: Bool?
    /// What is left out of detections: below this share of 1.
    public var threshold: Float = 0.5

    /// A classifier of red, green and blue from 0 to 1.
    public init() {}

    /// Reads the content of a file.
    ///
    /// - Throws: ``HostLibraries/LibraryError`` of kind `EINVAL` that names the member.
    public init(_ bytes: [UInt8], named document: String) throws(LibraryError) {
        let members: [(key: String, value: JSONValue)]
        do {
            guard let object = try parseJSON(bytes, named: document).object else {
                throw LibraryError.invalid("\(document): not an object")
            }
            members = object.members
        } catch let error as LibraryError {
            throw error
        } catch {
            throw .invalid("\(error)")
        }
        for (key, value) in members {
            guard take(key, value) else {
                throw .invalid("\(document): \(key) cannot be \(bounded(value.text()))")
            }
        }
    }

    private mutating func take(_ key: String, _ value: JSONValue) -> Bool {
        switch key {
        case "task": set(\.task, value.string.flatMap(ModelTask.init(rawValue:)))
        case "layout": set(present: \.layout, value.string.flatMap(Layout.init(rawValue:)))
        case "colors": set(\.colours, value.string.flatMap(Colours.init(rawValue:)))
        case "fit": set(\.fit, value.string.flatMap(Fit.init(rawValue:)))
        case "softmax": set(present: \.softmax, value.bool)
        case "range": set(\.range, number(value).flatMap { $0 > 0 ? $0 : nil })
        case "threshold": set(\.threshold, number(value).flatMap { (0...1).contains($0) ? $0 : nil })
        case "mean": set(\.mean, numbers(value))
        case "std": set(\.std, numbers(value).flatMap { $0.contains(0) ? nil : $0 })
        case "width": set(present: \.width, value.integer().flatMap { (1...4096).contains($0) ? $0 : nil })
        case "height": set(present: \.height, value.integer().flatMap { (1...4096).contains($0) ? $0 : nil })
        default: false
        }
    }

    private mutating func set<Value>(_ member: WritableKeyPath<Self, Value>, _ value: Value?) -> Bool {
        guard let value else { return false }
        self[keyPath: member] = value
        return true
    }

    /// For members that may be absent, which `null` does not make them.
    private mutating func set<Value>(present member: WritableKeyPath<Self, Value?>, _ value: Value?) -> Bool {
        guard let value else { return false }
        self[keyPath: member] = value
        return true
    }

    private func numbers(_ value: JSONValue) -> [Float]? {
        guard let array = value.array else { return number(value).map { [$0] } }
        let found = array.compactMap(number)
        return found.count == array.count && (found.count == 1 || found.count == 3) ? found : nil
    }

    private func number(_ value: JSONValue) -> Float? {
        switch value {
        case .number(let number): Float(number).isFinite ? Float(number) : nil
        default: value.integer(as: Int32.self).map { Float($0) }
        }
    }
}
