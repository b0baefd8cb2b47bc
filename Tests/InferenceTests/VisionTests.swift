import HostLibraries
import Inference
import Testing

/// The models are those of Tests/Models/make-vision, whose answers can be worked out by hand.
@Suite(.enabled(if: onnxIsThere, "needs ONNX Runtime (Hack/python runtime, or SWIFTLET_ONNXRUNTIME)"))
struct VisionTests {
    private let library: ONNXLibrary

    init() throws {
        library = try ONNXLibrary(at: onnxPath)
    }

    private func model(_ name: String, _ change: (inout ModelSettings) -> Void = { _ in }) throws -> VisionModel {
        let entry = try ModelDirectory(repository + "/Tests/Models/vision").entry(name)
        var settings = entry.settings
        change(&settings)
        return try VisionModel(try ONNXModel(entry.file.bytes, in: library), labels: entry.labels, settings: settings)
    }

    private func white(_ width: Int, _ height: Int, _ channels: Int) throws -> Image {
        let pixels = [UInt8](repeating: 255, count: width * height * channels)
        return try #require(Image(width: width, height: height, channels: channels, pixels: pixels))
    }

    /// 64 x 32 pixels for a model of 32 x 32: columns count twice.
    @Test("things are told with their places in the image, the surest first")
    func boxes() throws {
        let found = try model("boxes").answer(try white(64, 32, 3))
        #expect(found == "90.000% spoon 0 0 32 16\n80.000% cup 16 16 64 32")
    }

    @Test("what is below the threshold is left out")
    func threshold() throws {
        #expect(try model("boxes") { $0.threshold = 0.85 }.answer(try white(32, 32, 3)) == "90.000% spoon 0 0 16 16")
        let all = try model("boxes") { $0.threshold = 0 }.answer(try white(32, 32, 3))
        #expect(all.split(separator: "\n").count == 3 && all.hasSuffix("30.000% cup 1 2 3 4"))
        let black = try #require(Image(width: 2, height: 2, channels: 3, pixels: [UInt8](repeating: 0, count: 12)))
        #expect(try model("boxes").answer(black).isEmpty)
    }

    @Test("two boxes of the same thing are one")
    func joined() throws {
        let found = try model("joined").answer(try white(32, 32, 3))
        #expect(found == "90.000% cup 0 0 16 16\n70.000% spoon 16 16 32 32")
    }

    /// A model that cuts the middle out of a wide image sees 16 pixels of it left out on both sides.
    @Test("places are in the whole image, whatever was cut off for the model")
    func cropped() throws {
        let found = try model("boxes") { $0.fit = .crop }.answer(try white(64, 32, 3))
        #expect(found == "90.000% spoon 16 0 32 16\n80.000% cup 24 16 48 32")
    }

    /// Three quarters of the image are light; one pixel is the brightest, one the darkest.
    private func picture() throws -> Image {
        var pixels = [UInt8](repeating: 200, count: 256)
        for y in 0..<8 { for x in 8..<16 { pixels[16 * y + x] = 50 } }
        pixels[16 * 10 + 3] = 255
        pixels[16 * 2 + 12] = 0
        return try #require(Image(width: 16, height: 16, channels: 1, pixels: pixels))
    }

    @Test("classes are told with their share of the image")
    func segments() throws {
        #expect(try model("segment").answer(try picture()) == "75.000% light\n25.000% dark")
    }

    @Test("joints are told with their places")
    func poses() throws {
        #expect(try model("pose").answer(try picture()) == "100.000% brightest 4 11\n100.000% darkest 13 3")
    }

    @Test("the least and the most distance are told with their places")
    func depth() throws {
        let found = try model("depth").answer(try picture())
        #expect(found.hasPrefix("least 0.0 at 13 3, most 10.0 at 4 11, mean 6.3"), "\(found)")
    }

    @Test("in a picture of distances the least is black, the most white, and what the model did not see black")
    func distances() throws {
        var pixels = [UInt8](repeating: 100, count: 32 * 16)
        for y in 0..<16 {
            for x in 0..<8 { pixels[32 * y + x] = 255 }
            pixels[32 * y + 20] = 200
            pixels[32 * y + 22] = 150
        }
        let image = try #require(Image(width: 32, height: 16, channels: 1, pixels: pixels))
        let picture = try model("depth") { $0.fit = .crop }.picture(image)
        #expect((picture.width, picture.height, picture.channels) == (32, 16, 3))
        for (x, shade) in [(3, 0), (7, 0), (8, 0), (20, 255), (21, 0), (22, 128), (24, 0)] as [(Int, UInt8)] {
            #expect(Array(picture.pixels[3 * (32 * 5 + x)..<3 * (32 * 5 + x) + 3]) == [shade, shade, shade], "\(x)")
        }
    }

    @Test("joints are crosses on the image")
    func crosses() throws {
        let found = try model("pose").picture(try picture())
        #expect(Array(found.pixels[3 * (16 * 11 + 4)..<3 * (16 * 11 + 4) + 3]) == [128, 0, 0])
        #expect(Array(found.pixels[3 * (16 * 1 + 1)..<3 * (16 * 1 + 1) + 3]) == [200, 200, 200])
    }

    @Test("a model that its task cannot be answered with is refused")
    func mismatched() throws {
        #expect(try kind { _ = try model("depth") { $0.task = .detect } } == invalid)
        #expect(try kind { _ = try model("segment") { $0.task = .depth }.answer(try picture()) } == invalid)
        #expect(try kind { _ = try model("joined") { $0.task = .pose }.answer(try white(9, 9, 3)) } == nil)
        #expect(try kind { _ = try model("boxes").answer(try white(9, 9, 1)) } == invalid)
    }

    @Test("a strip is not made longer than memory")
    func strip() throws {
        let strip = try white(1, 16384, 1)
        #expect(try kind { _ = try model("depth") { $0.fit = .crop }.answer(strip) } == nil)
        let entry = try ModelDirectory(digits).entry("digits")
        var settings = entry.settings
        settings.fit = .crop
        settings.width = 2048
        settings.height = 2048
        let port = ModelPort(name: "x", type: .float32, shape: [1, 1, nil, nil])
        let input = try ImageInput(port, settings: settings)
        #expect(try kind { _ = try input.tensor(of: strip) } == invalid)
    }
}
