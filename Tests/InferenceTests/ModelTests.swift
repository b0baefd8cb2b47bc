import HostLibraries
import HostSystem
import Inference
import TestSupport
import Testing

private let needsLibrary: Comment = "needs ONNX Runtime (Hack/python runtime, or SWIFTLET_ONNXRUNTIME)"

@Suite(.enabled(if: onnxIsThere, needsLibrary)) struct ModelTests {
    private let library: ONNXLibrary
    private let model: ONNXModel

    init() throws {
        library = try ONNXLibrary(at: onnxPath)
        model = try ONNXModel(try file(digits + "/digits.onnx"), in: library)
    }

    @Test("a model tells what it takes and gives")
    func ports() {
        #expect(model.inputs == [ModelPort(name: "image", type: .float32, shape: [nil, 1, 8, 8])])
        #expect(model.outputs == [ModelPort(name: "logits", type: .float32, shape: [nil, 10])])
        #expect(library.providers.contains("CPUExecutionProvider") && library.version.contains("."))
    }

    @Test("tensors go in and come out by name")
    func run() throws {
        let images = try Tensor(shape: [3, 1, 8, 8], [Float](repeating: 0.5, count: 192))
        let results = try model.run([("image", images)], outputs: ["logits"])
        #expect(results.count == 1 && results[0].shape == [3, 10])
        let numbers = try #require(results[0].floats)
        #expect(numbers[0..<10] == numbers[10..<20] && numbers.contains { $0 != 0 })
    }

    @Test("no image at all is no answer, not an error")
    func empty() throws {
        let results = try model.run([("image", try Tensor(shape: [0, 1, 8, 8], []))], outputs: ["logits"])
        #expect(results.map(\.shape) == [[0, 10]])
    }

    @Test("what does not fit the model is refused")
    func mismatches() throws {
        let sound = try Tensor(shape: [1, 1, 8, 8], [Float](repeating: 0, count: 64))
        let wrongShape = try Tensor(shape: [1, 1, 8, 9], [Float](repeating: 0, count: 72))
        let wrongRank = try Tensor(shape: [64], [Float](repeating: 0, count: 64))
        let wrongType = try Tensor(type: .int64, shape: [1, 1, 8, 8], bytes: [UInt8](repeating: 0, count: 512))
        #expect(try kind { _ = try model.run([("image", wrongShape)], outputs: ["logits"]) } == invalid)
        #expect(try kind { _ = try model.run([("image", wrongRank)], outputs: ["logits"]) } == invalid)
        #expect(try kind { _ = try model.run([("image", wrongType)], outputs: ["logits"]) } == invalid)
        #expect(try kind { _ = try model.run([("picture", sound)], outputs: ["logits"]) } == invalid)
        #expect(try kind { _ = try model.run([("image", sound)], outputs: ["words"]) } == invalid)
        #expect(try kind { _ = try model.run([], outputs: ["logits"]) } != nil)
        #expect(try kind { _ = try model.run([("image", sound)], outputs: ["logits"]) } == nil)
    }

    @Test("a tensor's bytes are as many as its shape says")
    func tensors() throws {
        #expect(try kind { _ = try Tensor(type: .float32, shape: [2], bytes: [0, 0, 0, 0]) } == invalid)
        #expect(try kind { _ = try Tensor(type: .uint8, shape: [-1], bytes: []) } == invalid)
        #expect(try kind { _ = try Tensor(type: .uint8, shape: [.max, .max], bytes: []) } == invalid)
        #expect(try kind { _ = try Tensor(type: .uint8, shape: Array(repeating: 1, count: 17), bytes: [0]) } == invalid)
        #expect(try Tensor(type: .int64, shape: [], bytes: [1, 0, 0, 0, 0, 0, 0, 0]).integers == [1])
    }

    @Test("a GPU that the library cannot use is an error that says what it has")
    func noGPU() throws {
        try #require(!library.hasCUDA, "the library at hand has CUDA")
        let bytes = try file(digits + "/digits.onnx")
        let onGPU = ModelOptions(cudaDevice: 0)
        #expect(try kind { _ = try ONNXModel(bytes, in: library, options: onGPU) } == unsupported)
        let reason = message { _ = try ONNXModel(bytes, in: library, options: onGPU) }
        #expect(reason.contains("cannot use a GPU") && reason.contains("CPUExecutionProvider"), "\(reason)")
    }

    @Test("what is no model is refused", arguments: [0, 1, 100, 5000, 14000])
    func truncated(length: Int) throws {
        let bytes = Array(try file(digits + "/digits.onnx")[..<length])
        #expect(try kind { _ = try ONNXModel(bytes, in: library) } != nil)
        #expect(try kind { _ = try ModelFile(bytes) } != nil)
    }

    /// In a process of their own: the library is C++ and reads what a guest sends.
    @Test("damaged models and images for them never end the process", arguments: [1, 2, 3])
    func damaged(seed: Int) async {
        await #expect(processExitsWith: .success) { [seed] in
            var random = Scatter(UInt64(seed))
            let library = try ONNXLibrary(at: onnxPath)
            let whole = try file(digits + "/digits.onnx")
            let images = try Tensor(shape: [1, 1, 8, 8], [Float](repeating: 0.5, count: 64))
            for _ in 0..<300 {
                var changed = whole
                // The weights are most of the file; what is around them is what a parser stumbles over.
                for _ in 0..<Int.random(in: 1...3, using: &random) {
                    let place = Int.random(in: 0..<400, using: &random)
                    let end = Bool.random(using: &random) ? place : changed.count - 1 - place
                    changed[end] = UInt8.random(in: 0...255, using: &random)
                }
                guard (try? ModelFile(changed)) != nil,
                    let model = try? ONNXModel(changed, in: library)
                else { continue }
                _ = try? model.run([(model.inputs.first?.name ?? "", images)], outputs: model.outputs.map(\.name))
            }
        }
    }
}

@Suite struct ModelFileTests {
    private func field(_ number: Int, _ content: [UInt8]) -> [UInt8] {
        varint(number << 3 | 2) + varint(content.count) + content
    }

    private func varint(_ value: Int) -> [UInt8] {
        value < 0x80 ? [UInt8(value)] : [UInt8(value & 0x7F | 0x80)] + varint(value >> 7)
    }

    private var outside: [UInt8] {
        let entry = field(1, Array("location".utf8)) + field(2, Array("/etc/passwd".utf8))
        return [0x10, 1] + field(13, entry) + [0x70, 1]
    }

    @Test("our own model refers to nothing")
    func sound() throws {
        let bytes = try file(digits + "/digits.onnx")
        #expect(try ModelFile(bytes).bytes == bytes)
    }

    @Test("numbers in another file are refused wherever a tensor can be")
    func references() throws {
        let sparse = field(1, outside)
        let places: [(String, [UInt8])] = [
            ("initializer", field(7, field(5, outside))),
            ("sparse initializer", field(7, field(15, sparse))),
            ("constant", field(7, field(1, field(5, field(5, outside))))),
            ("list of constants", field(7, field(1, field(5, field(10, outside))))),
            ("sparse constant", field(7, field(1, field(5, field(22, sparse))))),
            ("branch", field(7, field(1, field(5, field(6, field(5, outside)))))),
            ("branches", field(7, field(1, field(5, field(11, field(5, outside)))))),
            ("function", field(7, []) + field(25, field(7, field(1, [])) + field(7, field(5, field(5, outside))))),
            ("training", field(7, []) + field(20, field(1, field(5, outside)))),
        ]
        for (name, bytes) in places {
            let reason = message { _ = try ModelFile(bytes) }
            #expect(reason.contains("outside its file"), "\(name): \(reason)")
        }
        // Only marked so, and with the mark written as a longer number.
        for mark in [[0x70, 1], [0x70, 0x81, 0x00], [0x70, 0x81, 0x80, 0x80, 0x80, 0x10], [0xF0, 0x00, 0x01]]
            as [[UInt8]]
        {
            #expect(try kind { _ = try ModelFile(field(7, field(5, mark))) } == invalid, "\(mark)")
        }
        #expect(try kind { _ = try ModelFile(field(7, field(5, [0x70, 0]))) } == nil)
    }

    @Test("nesting ends somewhere")
    func deep() throws {
        var bytes = [UInt8]()
        for _ in 0..<200 { bytes = field(1, field(5, field(6, bytes))) }
        #expect(try kind { _ = try ModelFile(field(7, bytes)) } == invalid)
    }

    @Test("any bytes are taken or refused", arguments: 1...3)
    func arbitrary(seed: Int) throws {
        var random = Scatter(UInt64(seed))
        let whole = try file(digits + "/digits.onnx")
        for _ in 0..<2000 {
            let start = Int.random(in: 0..<whole.count, using: &random)
            var bytes = Array(whole[start..<min(whole.count, start + 300)])
            for index in bytes.indices where UInt8.random(in: 0...20, using: &random) == 0 {
                bytes[index] = .random(in: 0...255, using: &random)
            }
            _ = try? ModelFile(bytes)
        }
    }
}
