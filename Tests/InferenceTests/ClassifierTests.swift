import HostLibraries
import HostSystem
import Inference
import TestSupport
import Testing

private let names = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]

@Suite(.enabled(if: onnxIsThere && pngIsThere && jpegIsThere, "needs ONNX Runtime, libpng16-16 and libturbojpeg0"))
struct ClassifierTests {
    private let library: ONNXLibrary
    private let classifier: Classifier
    private let decoder = ImageDecoder()

    init() throws {
        library = try ONNXLibrary(at: onnxPath)
        let entry = try ModelDirectory(digits).entry("digits")
        let model = try ONNXModel(entry.file.bytes, in: library)
        classifier = try Classifier(model, labels: entry.labels, settings: entry.settings)
    }

    @Test("a digit is called by its name", arguments: names)
    func digit(name: String) throws {
        for kind in ["png", "jpg"] {
            let image = try decoder.decode(try file("\(digits)/images/\(name).\(kind)"), channels: 1)
            let answer = try classifier.classify(image)
            #expect(answer.label == name && answer.index == names.firstIndex(of: name))
            #expect(answer.share > 0.3 && answer.share <= 1)
            #expect(answer.text.hasSuffix("% \(name)"))
        }
    }

    /// 443 of 450 when the model was made. What scales, rounds and multiplies may cost two of them.
    @Test("images that the model was not trained with are known as well as when it was made")
    func heldOut() throws {
        let lines = try readText(digits + "/held-out.txt").split(separator: "\n")
        let sheet = try decoder.decode(try file(digits + "/held-out.png"), channels: 1)
        var asked = 0
        var known = 0
        for (row, line) in lines.enumerated() {
            for (column, digit) in line.enumerated() {
                var pixels = [UInt8]()
                for y in 0..<8 {
                    let start = (row * 8 + y) * sheet.width + column * 8
                    pixels += sheet.pixels[start..<start + 8]
                }
                let image = try #require(Image(width: 8, height: 8, channels: 1, pixels: pixels))
                asked += 1
                if try classifier.classify(image).index == digit.wholeNumberValue { known += 1 }
            }
        }
        #expect(asked == 450)
        #expect(known >= 441, "\(known) of \(asked) are known")
    }

    @Test("labels are as many as classes")
    func labels() throws {
        let entry = try ModelDirectory(digits).entry("digits")
        let model = try ONNXModel(entry.file.bytes, in: library)
        // The model's classes are fixed, so that one label too few is a mistake of the operator's.
        #expect(try kind { _ = try Classifier(model, labels: Array(names.dropLast()), settings: .init()) } == invalid)
        let unnamed = try Classifier(model, labels: [], settings: .init())
        let image = try decoder.decode(try file("\(digits)/images/seven.png"), channels: 1)
        #expect(try unnamed.classify(image).label == "class 7")
    }
}

@Suite struct ModelSettingsTests {
    @Test("members become settings")
    func members() throws {
        let text = """
            {"task": "depth", "mean": [0.485, 0.456, 0.406], "std": 2, "range": 255, "layout": "NHWC", "colors": "BGR",
             "fit": "crop", "width": 20, "height": 10, "softmax": false, "threshold": 0.25}
            """
        let settings = try ModelSettings(Array(text.utf8), named: "x.json")
        #expect(settings.task == .depth && settings.mean == [0.485, 0.456, 0.406] && settings.std == [2])
        #expect(settings.range == 255 && settings.layout == .colourLast && settings.colours == .bgr)
        #expect(settings.fit == .crop && settings.width == 20 && settings.height == 10)
        #expect(settings.softmax == false && settings.threshold == 0.25)
    }

    @Test(
        "what is not understood is refused, and named",
        arguments: [
            #"{"task": "dream"}"#, #"{"mean": [1, 2]}"#, #"{"std": 0}"#, #"{"std": [1, 0, 1]}"#, #"{"mean": "x"}"#,
            #"{"width": 0}"#, #"{"height": 5000}"#, #"{"layout": "CHW"}"#, #"{"colors": "grey"}"#, #"{"range": -1}"#,
            #"{"threshold": 2}"#, #"{"softmax": 1}"#, #"{"unknown": 1}"#, "[]", "", #"{"range": 1e300}"#,
        ])
    func refused(text: String) throws {
        let reason = message { _ = try ModelSettings(Array(text.utf8), named: "x.json") }
        #expect(reason.hasPrefix("x.json"), "\(reason)")
    }

    @Test("a model's input and its settings say how images are given to it")
    func input() throws {
        func port(_ shape: [Int?], _ type: ElementType? = .float32) -> ModelPort {
            ModelPort(name: "x", type: type, shape: shape)
        }
        #expect(try ImageInput(port([nil, 3, 224, 224]), settings: .init()).shape == [1, 3, 224, 224])
        #expect(try ImageInput(port([1, 48, 96, 3]), settings: .init()).shape == [1, 48, 96, 3])
        #expect(try ImageInput(port([1, 8, 9]), settings: .init()).shape == [1, 8, 9])
        var settings = ModelSettings()
        settings.width = 30
        settings.height = 20
        #expect(try ImageInput(port([nil, 3, nil, nil]), settings: settings).shape == [1, 3, 20, 30])
        let refused: [ModelPort] = [
            port([nil, 3, nil, nil]), port([1, 4, 8, 8]), port([64]), port([2, 3, 8, 8]), port([1, 3, 8, 8], .int64),
            port([1, 3, 8, 8], nil), port([1, 3, 100_000, 8]), port([]),
        ]
        for port in refused { #expect(try kind { _ = try ImageInput(port, settings: .init()) } == invalid, "\(port)") }
    }

    @Test("samples are laid out as the model wants them")
    func layout() throws {
        let image = try #require(Image(width: 2, height: 1, channels: 3, pixels: [255, 0, 51, 0, 102, 255]))
        let first = ModelPort(name: "x", type: .float32, shape: [1, 3, 1, 2])
        #expect(try ImageInput(first, settings: .init()).tensor(of: image).floats == [1, 0, 0, 0.4, 0.2, 1])
        var settings = ModelSettings()
        settings.colours = .bgr
        settings.layout = .colourLast
        settings.range = 255
        settings.mean = [1, 2, 3]
        settings.std = [2]
        let last = ModelPort(name: "x", type: .float32, shape: [1, 1, 2, 3])
        let expected: [Float] = [25, -1, 126, 127, 50, -1.5]
        #expect(try ImageInput(last, settings: settings).tensor(of: image).floats == expected)
        let raw = ModelPort(name: "x", type: .uint8, shape: [1, 3, 1, 2])
        #expect(try ImageInput(raw, settings: .init()).tensor(of: image).bytes == [255, 0, 0, 102, 51, 255])
        let grey = try #require(Image(width: 1, height: 1, channels: 1, pixels: [0]))
        #expect(try kind { _ = try ImageInput(raw, settings: .init()).tensor(of: grey) } == invalid)
    }
}

@Suite struct ModelDirectoryTests {
    @Test("models are files that end in .onnx")
    func names() throws {
        #expect(try ModelDirectory(digits).names() == ["digits"])
        #expect(try ModelDirectory(digits).tasks().map(\.task) == [.classify])
        let entry = try ModelDirectory(digits).entry("digits")
        #expect(entry.labels.count == 10 && entry.labels[9] == "nine")
    }

    @Test("a name leads nowhere else", arguments: ["", "../digits/digits", ".", "a/b", ".hidden", "none", "a\u{0}b"])
    func elsewhere(name: String) throws {
        #expect(try kind { _ = try ModelDirectory(digits).entry(name) } == missing)
    }

    @Test("an unsound file is named")
    func unsound() throws {
        try withTemporaryDirectory { path in
            try write([1, 2, 3], to: path + "/a.onnx")
            try write(try file(digits + "/digits.onnx"), to: path + "/b.onnx")
            try write("{", to: path + "/b.json")
            for name in ["a", "b"] {
                let text = message { _ = try ModelDirectory(path).entry(name) }
                #expect(text.contains("\(path)/\(name)"), "\(text)")
            }
        }
    }
}
