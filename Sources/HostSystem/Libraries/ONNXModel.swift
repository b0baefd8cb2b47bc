internal import CLibraries
import HostSystem

/// What a model takes or gives.
public struct ModelPort: Equatable, Sendable {
    /// The name inside the model.
    public let name: String
    /// The type of the elements; nil when it is no tensor of numbers.
    public let type: ElementType?
    /// The dimensions, outermost first; nil where any size is taken.
    public let shape: [Int?]

    /// Describes one tensor.
    public init(name: String, type: ElementType?, shape: [Int?]) {
        self.name = name
        self.type = type
        self.shape = shape
    }
}

/// How a model is run.
public struct ModelOptions: Equatable, Sendable {
    /// Threads within one operation.
    public var threads: Int
    /// The number of the NVIDIA processor to run on; nil for the ordinary processor.
    public var cudaDevice: Int?

    /// One thread on the ordinary processor, unless said otherwise.
    public init(threads: Int = 1, cudaDevice: Int? = nil) {
        self.threads = threads
        self.cudaDevice = cudaDevice
    }
}

/// A model that was loaded and can be run.
@safe public final class ONNXModel {
    private let library: ONNXLibrary
    private let session: UnsafeMutableRawPointer
    /// What the model takes, in its own order.
    public let inputs: [ModelPort]
    /// What the model gives, in its own order.
    public let outputs: [ModelPort]

    /// Loads a model from the bytes of an ONNX file.
    ///
    /// The file may refer to others, which the library would open: check it before with ``Inference/ModelFile``.
    /// - Throws: ``LibraryError`` of kind `EINVAL` or `ENOEXEC` when it is no model, `ENODEV` or `ENOTSUP` when it
    ///   cannot run where the options say.
    public init(_ model: [UInt8], in library: ONNXLibrary, options: ModelOptions = .init()) throws(LibraryError) {
        if options.cudaDevice != nil, !library.hasCUDA {
            let providers = library.providers.joined(separator: ", ")
            throw .unsupported("ONNX Runtime \(library.version) cannot use a GPU; it has \(providers)")
        }
        // SAFETY: only numbers; initialized as C does it.
        var wanted = lx_onnx_options()
        wanted.threads = Int32(clamping: max(1, options.threads))
        wanted.cuda_device = options.cudaDevice.map { Int32(clamping: $0) } ?? -1
        var loaded: UnsafeMutableRawPointer?
        try unsafe libraryCall("load a model of \(model.count) bytes") { text, size in
            unsafe model.withUnsafeBytes { bytes in
                // SAFETY: address and length belong together; the library copies what it keeps of the model.
                unsafe lx_onnx_load(
                    &library.state, bytes.baseAddress, bytes.count, &wanted, &loaded, text, size)
            }
        }
        guard let found = unsafe loaded else { throw .invalid("the model is empty") }
        unsafe session = found
        self.library = library
        do throws(LibraryError) {
            inputs = try unsafe Self.ports(of: found, in: library, output: false)
            outputs = try unsafe Self.ports(of: found, in: library, output: true)
        } catch {
            // SAFETY: loaded above; the object is not made, so that nobody lets it go again.
            unsafe lx_onnx_unload(&library.state, found)
            throw error
        }
    }

    deinit {
        // SAFETY: loaded by the initializer; whatever a run gave has been let go by the run.
        unsafe lx_onnx_unload(&library.state, session)
    }

    private static func ports(
        of session: UnsafeMutableRawPointer, in library: ONNXLibrary, output: Bool
    ) throws(LibraryError) -> [ModelPort] {
        var count = 0
        let which: Int32 = output ? 1 : 0
        try unsafe libraryCall("count a model's tensors") { text, size in
            // SAFETY: the session is loaded, `count` lives for the call.
            unsafe lx_onnx_count(&library.state, session, which, &count, text, size)
        }
        var ports = [ModelPort]()
        for index in 0..<count {
            var port = lx_onnx_port()
            try unsafe libraryCall("read a model's tensor \(index)") { text, size in
                // SAFETY: the session is loaded, the index is below the count, `port` lives for the call.
                unsafe lx_onnx_port(&library.state, session, which, index, &port, text, size)
            }
            let dimensions = elements(of: port.dimensions, count: Int(port.rank), as: Int64.self)
            let name = elements(of: port.name, count: Int(LX_ONNX_NAME), as: UInt8.self).prefix { $0 != 0 }
            ports.append(
                ModelPort(
                    name: String(decoding: name, as: UTF8.self), type: ElementType(rawValue: port.type),
                    shape: dimensions.map { $0 < 0 ? nil : Int($0) }))
        }
        return ports
    }

    /// Runs the model once.
    ///
    /// - Parameters:
    ///   - tensors: What it is given, by the names of ``inputs``.
    ///   - names: Which of ``outputs`` are wanted.
    /// - Returns: As many tensors as names, in that order.
    /// - Throws: ``LibraryError`` of kind `EINVAL` when names, types or shapes are not the model's, `ENOTSUP` when
    ///   it gives something else than numbers, others when the library fails.
    public func run(_ tensors: [(name: String, tensor: Tensor)], outputs names: [String]) throws(LibraryError)
        -> [Tensor]
    {
        let known = (Set(inputs.map(\.name)), Set(outputs.map(\.name)))
        for (name, _) in tensors where !known.0.contains(name) { throw .invalid("the model has no input \"\(name)\"") }
        for name in names where !known.1.contains(name) { throw .invalid("the model has no output \"\(name)\"") }
        guard !names.isEmpty else { return [] }
        // The library takes the tensors where they are; one buffer holds them all, each at a multiple of 64 bytes.
        var places = [Int]()
        var size = 64
        for (_, tensor) in tensors {
            places.append(size)
            size += (tensor.bytes.count + 63) / 64 * 64
        }
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 64)
        defer { unsafe memory.deallocate() }
        var values = unsafe [lx_onnx_tensor]()
        for ((_, tensor), place) in zip(tensors, places) {
            // SAFETY: the places were laid out above for the sizes of the same tensors.
            let start = unsafe memory.baseAddress.map { unsafe $0 + place }
            unsafe tensor.bytes.withUnsafeBytes { bytes in
                if let source = bytes.baseAddress { unsafe start?.copyMemory(from: source, byteCount: bytes.count) }
            }
            var value = unsafe lx_onnx_tensor()
            unsafe value.type = tensor.type.rawValue
            unsafe value.rank = Int32(tensor.shape.count)
            unsafe value.data = start
            unsafe value.size = tensor.bytes.count
            unsafe withUnsafeMutableBytes(of: &value.dimensions) { place in
                unsafe place.copyBytes(from: bytesOf(tensor.shape.map { Int64($0) }))
            }
            unsafe values.append(value)
        }
        return try unsafe run(values, named: tensors.map(\.name), outputs: names)
    }

    private func run(_ values: [lx_onnx_tensor], named inputNames: [String], outputs names: [String])
        throws(LibraryError) -> [Tensor]
    {
        var results = unsafe [UnsafeMutableRawPointer?](repeating: nil, count: names.count)
        defer {
            // SAFETY: made by the run, each let go once.
            for index in names.indices { unsafe lx_onnx_release(&library.state, results[index]) }
        }
        try unsafe libraryCall("run a model") { text, size in
            unsafe withCStrings(inputNames) { inputNames in
                unsafe withCStrings(names) { outputNames in
                    // SAFETY: names and values are as many as is said, and live for the call.
                    unsafe lx_onnx_run(
                        &library.state, session, inputNames, values, values.count, outputNames, &results,
                        names.count, text, size)
                }
            }
        }
        var tensors = [Tensor]()
        for index in names.indices { tensors.append(try unsafe tensor(in: results[index])) }
        return tensors
    }

    private func tensor(in value: UnsafeMutableRawPointer?) throws(LibraryError) -> Tensor {
        guard let value = unsafe value else { throw .unsupported("the model leaves an output out") }
        var found = unsafe lx_onnx_tensor()
        try unsafe libraryCall("read what a model gave") { text, size in
            // SAFETY: a value of the run, which is let go by the caller.
            unsafe lx_onnx_read(&library.state, value, &found, text, size)
        }
        guard let type = unsafe ElementType(rawValue: found.type) else {
            throw unsafe .unsupported("the model gives elements of ONNX's type \(found.type)")
        }
        let shape = unsafe elements(of: found.dimensions, count: Int(found.rank), as: Int64.self).map { Int($0) }
        guard let size = Tensor.byteCount(type: type, shape: shape) else {
            throw .invalid("the model gives a tensor of shape \(shape), which is too large")
        }
        // SAFETY: the library's tensor has that many elements of that type, and is let go after the copy only.
        let bytes = unsafe [UInt8](UnsafeRawBufferPointer(start: size > 0 ? found.data : nil, count: size))
        return try Tensor(type: type, shape: shape, bytes: bytes)
    }
}

/// The first `count` elements of a C array, which Swift sees as a tuple.
private func elements<Tuple, Element: BitwiseCopyable>(of tuple: Tuple, count: Int, as: Element.Type) -> [Element] {
    unsafe withUnsafeBytes(of: tuple) { bytes in
        // SAFETY: the tuple is the C array; no more than it has is read.
        let all = unsafe bytes.bindMemory(to: Element.self)
        return unsafe [Element](all.prefix(max(0, count)))
    }
}

/// Calls `body` with an array of NUL-terminated copies of `texts`.
private func withCStrings<Result>(
    _ texts: [String], _ body: (UnsafePointer<UnsafePointer<CChar>?>?) -> Result
) -> Result {
    var characters = [CChar]()
    var starts = [Int]()
    for text in texts {
        starts.append(characters.count)
        characters += text.utf8.map { CChar(bitPattern: $0) } + [0]
    }
    return unsafe characters.withUnsafeBufferPointer { buffer in
        // SAFETY: every start is inside the buffer, and each text ends with a NUL inside it.
        let pointers = unsafe starts.map { start in unsafe buffer.baseAddress.map { unsafe $0 + start } }
        return unsafe pointers.withUnsafeBufferPointer { unsafe body($0.baseAddress) }
    }
}
