internal import CLibraries
import HostSystem

/// vAccel's own library with its plug-ins, release 0.7 or later, opened at run time and used by one session.
///
/// Which plug-ins it loads is the operator's choice.
@safe public final class UpstreamLibrary {
    private let library: SharedLibrary
    private var state: lx_upstream

    /// What can be asked about an image, by vAccel's number of the operation (op.h).
    public enum ImageOperation: Int32, Sendable {
        case classify = 3
        case detect, segment, pose, depth
    }

    /// What can be computed with arrays, by vAccel's number of the operation (op.h).
    public enum ArrayOperation: Int32, Sendable {
        case copy = 18
        case multiply, parallel, add
    }

    /// A model that was loaded.
    @safe public final class Model {
        fileprivate let library: UpstreamLibrary
        fileprivate let resource: UnsafeMutableRawPointer

        fileprivate init(_ resource: UnsafeMutableRawPointer, of library: UpstreamLibrary) {
            unsafe self.resource = resource
            self.library = library
        }

        deinit {
            // SAFETY: loaded once, and nobody else lets it go.
            _ = unsafe lx_upstream_unload(&library.state, resource)
        }
    }

    /// Opens the library, loads its plug-ins and begins a session; the directory that it makes for itself is removed.
    ///
    /// - Parameter plugins: Paths of plug-ins.
    /// - Throws: ``LibraryError`` of kind `ENOENT` when it cannot be opened, else with vAccel's own number.
    public init(path: String, plugins: [String]) throws(LibraryError) {
        // SAFETY: the first thing a worker does, before there is a thread that could read the environment.
        unsafe lx_upstream_prepare(plugins.joined(separator: ":"))
        library = try SharedLibrary(firstOf: [path], for: "vAccel's library")
        var started = unsafe lx_upstream()
        // SAFETY: the library stays open as long as this object lives; its functions have the types of its headers.
        let result = unsafe lx_upstream_start(&started, library.handle)
        unsafe state = started
        try Self.check(result, "start \(path) with plug-ins \(plugins.joined(separator: ", "))")
        // SAFETY: a text of the library's own, copied at once.
        guard let directory = unsafe lx_upstream_directory(&state) else { return }
        let name = unsafe String(cString: directory)
        // Sessions' directories are in it. Nothing that is done here needs them, and the process will not be able to
        // remove them when it ends.
        if name.hasPrefix("/"), pathParts(name).contains("vaccel") { try? removeTree(name) }
    }

    private static func check(_ result: Int32, _ what: String) throws(LibraryError) {
        guard result < 0 else { return }
        throw LibraryError(errno: -result, "vAccel's library: \(what): \(errorText(-result))")
    }

    /// An image operation's text and the name of its picture, as a plug-in answers them.
    ///
    /// - Throws: ``LibraryError`` with the plug-in's own number.
    public func answer(_ operation: ImageOperation, _ image: [UInt8]) throws(LibraryError) -> (
        text: String, name: String
    ) {
        var text = [CChar](repeating: 0, count: 1024)
        var name = [CChar](repeating: 0, count: 1024)
        // SAFETY: the lengths are the arrays' own; one byte of each stays NUL.
        let result = unsafe lx_upstream_image(
            &state, operation.rawValue, image, image.count, &text, text.count - 1, &name, name.count - 1)
        try Self.check(result, "\(operation) an image")
        func string(_ characters: [CChar]) -> String {
            String(decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
        return (string(text), string(name))
    }

    /// Multiplies into `c`: C = alpha A B + beta C.
    ///
    /// - Throws: ``LibraryError`` of kind `EINVAL` when a matrix is not within its bytes, else with the plug-in's number.
    public func multiply(_ product: MatrixProduct, _ a: [Float], _ b: [Float], into c: inout [Float])
        throws(LibraryError)
    {
        try product.check(aBytes: a.count * 4, bBytes: b.count * 4, cBytes: c.count * 4)
        // SAFETY: the check above holds all three matrices inside their arrays.
        let result = unsafe lx_upstream_sgemm(
            &state, Int64(product.rows), Int64(product.columns), Int64(product.inner), product.alpha, a,
            Int64(product.strideA), b, Int64(product.strideB), product.beta, &c, Int64(product.strideC))
        try Self.check(result, "multiply")
    }

    /// MINMAX: what it makes of `data`, the least and the most.
    ///
    /// - Throws: ``LibraryError`` with the plug-in's own number.
    public func minmax(_ data: [Double], low: Int32, high: Int32) throws(LibraryError) -> ([Double], Double, Double) {
        var output = [Double](repeating: 0, count: data.count)
        var (least, most) = (0.0, 0.0)
        // SAFETY: both arrays have as many elements as is said.
        let result = unsafe lx_upstream_minmax(
            &state, data, Int32(clamping: data.count), low, high, &output, &least, &most)
        try Self.check(result, "minmax")
        return (output, least, most)
    }

    /// The results of an operation on arrays of 4-byte elements; the second is empty but for ``ArrayOperation/parallel``.
    ///
    /// - Throws: ``LibraryError`` of kind `EINVAL` when `a` and `b` differ in size, else with the plug-in's own number.
    public func compute(_ operation: ArrayOperation, _ a: [UInt8], _ b: [UInt8]) throws(LibraryError) -> [[UInt8]] {
        guard operation == .copy || a.count == b.count, a.count % 4 == 0 else {
            throw .invalid("arrays of \(a.count) and \(b.count) bytes")
        }
        var first = [UInt8](repeating: 0, count: a.count)
        var second = [UInt8](repeating: 0, count: operation == .parallel ? a.count : 0)
        // SAFETY: all arrays that the operation uses have `a.count / 4` elements; the others are not looked at.
        let result = unsafe lx_upstream_arrays(&state, operation.rawValue, a, b, &first, &second, a.count / 4)
        try Self.check(result, "\(operation) arrays")
        return operation == .parallel ? [first, second] : [first]
    }

    /// Loads a model as Torch's.
    ///
    /// - Parameter name: A label, never a path.
    /// - Throws: ``LibraryError`` with the plug-in's own number.
    public func load(_ model: [UInt8], named name: String) throws(LibraryError) -> Model {
        var resource: UnsafeMutableRawPointer?
        // SAFETY: address and length are the array's; the library copies what it keeps.
        let result = unsafe lx_upstream_load(&state, model, model.count, name, &resource)
        try Self.check(result, "load a model of \(model.count) bytes")
        guard let found = unsafe resource else { throw .invalid("vAccel's library made no model") }
        return unsafe Model(found, of: self)
    }

    /// A tensor as vAccel's Torch interface has it.
    public struct TorchTensor: Equatable, Sendable {
        /// vAccel's number of the type (torch.h): float 7.
        public let type: Int32
        /// The dimensions.
        public let shape: [Int64]
        /// The elements.
        public let bytes: [UInt8]

        /// A tensor; whether all agrees is the caller's matter.
        public init(type: Int32, shape: [Int64], bytes: [UInt8]) {
            self.type = type
            self.shape = shape
            self.bytes = bytes
        }
    }

    /// Runs a model.
    ///
    /// - Throws: ``LibraryError`` with the plug-in's own number, or of kind `EINVAL` for more than 64 tensors.
    public func run(_ model: Model, _ inputs: [TorchTensor], outputs count: Int) throws(LibraryError) -> [TorchTensor] {
        guard inputs.count <= 64, (0...64).contains(count) else { throw .invalid("more than 64 tensors") }
        // One place for all, that stays where it is: bytes of every input, then its dimensions.
        let size = inputs.reduce(64) { $0 + ($1.bytes.count + 63) / 64 * 64 + $1.shape.count * 8 + 64 }
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 64)
        defer { unsafe memory.deallocate() }
        var values = unsafe [lx_upstream_tensor]()
        var place = 0
        for input in inputs {
            let dimensions = place + (input.bytes.count + 63) / 64 * 64
            // SAFETY: `size` has room for the bytes and the dimensions of each, at multiples of 64 bytes.
            unsafe UnsafeMutableRawBufferPointer(rebasing: memory[place...]).copyBytes(from: input.bytes)
            unsafe UnsafeMutableRawBufferPointer(rebasing: memory[dimensions...]).copyBytes(from: bytesOf(input.shape))
            let start = unsafe memory.baseAddress.map { unsafe $0 + place }
            let shape = unsafe memory.baseAddress.map { unsafe ($0 + dimensions).assumingMemoryBound(to: Int64.self) }
            unsafe values.append(
                lx_upstream_tensor(
                    data: start, size: input.bytes.count, dimensions: shape, rank: Int64(input.shape.count),
                    type: input.type))
            place = dimensions + (input.shape.count * 8 + 63) / 64 * 64
        }
        var results = unsafe [UnsafeMutableRawPointer?](repeating: nil, count: count)
        // SAFETY: `results` has `count` places and `values` as many as is said; the model is one of this library's.
        let result = unsafe lx_upstream_run(&state, model.resource, values, values.count, &results, count)
        defer {
            // SAFETY: made by the run, each let go once.
            for index in 0..<count { unsafe lx_upstream_release(&state, results[index]) }
        }
        try Self.check(result, "run a model")
        var tensors = [TorchTensor]()
        for index in 0..<count { tensors.append(try unsafe tensor(in: results[index])) }
        return tensors
    }

    private func tensor(in output: UnsafeMutableRawPointer?) throws(LibraryError) -> TorchTensor {
        var found = unsafe lx_upstream_tensor()
        // SAFETY: a tensor of the library's, or none.
        try Self.check(unsafe lx_upstream_read(output, &found), "read what a model gave")
        let (rank, size) = unsafe (Int(found.rank), found.size)
        guard (0...16).contains(rank), size <= Tensor.mostBytes else {
            throw .invalid("a plug-in gives a tensor of \(rank) dimensions and \(size) bytes")
        }
        // SAFETY: the plug-in says that there are as many; what it says wrongly ends this process alone.
        let shape = unsafe [Int64](UnsafeBufferPointer(start: found.dimensions, count: rank))
        let bytes = unsafe [UInt8](UnsafeRawBufferPointer(start: found.data, count: size))
        return unsafe TorchTensor(type: found.type, shape: shape, bytes: bytes)
    }
}
