public import HostLibraries

/// What a session asks a back-end to do, free of the wire's generations and numbers.
public enum Operation: Equatable, Sendable {
    /// Something about an encoded image, JPEG or PNG.
    case image(ImageTask, Bytes)
    /// The same, of which the answer is to be a picture: a PNG file, and NULs until it has so many bytes.
    case picture(ImageTask, Bytes, bytes: Int)
    /// `c = alpha * a * b + beta * c` in single precision.
    case multiply(MatrixProduct)
    /// Arithmetic on whole arrays.
    case arithmetic(ArrayTask)
    /// Makes a model ready to run; its key is what the other two name.
    case load(Model)
    /// Forgets a model.
    case unload(key: Int64)
    /// Runs a model that was loaded in the same worker.
    case run(ModelRun)

    /// The kinds of operations, for the question which back-end has which.
    public enum Kind: Equatable, Sendable, CaseIterable {
        /// The image tasks.
        case classify, detect, segment, pose, depth
        /// SGEMM.
        case multiply
        /// MINMAX and the operations named after the FPGA.
        case arithmetic
        /// Models: load, unload and run.
        case model
    }

    /// All arrays that go to the back-end.
    var contents: [Bytes] {
        switch self {
        case .image(_, let image), .picture(_, let image, _): [image]
        case .multiply(let product): [product.a, product.b, product.c]
        case .arithmetic(.minmax(let data, _, _, _)), .arithmetic(.copy(let data)): [data]
        case .arithmetic(.multiply(let left, let right)), .arithmetic(.parallel(let left, let right)),
            .arithmetic(.add(let left, let right)):
            [left, right]
        case .load(let model): model.files.map(\.content)
        case .unload: []
        case .run(let run): run.inputs.map(\.data)
        }
    }

    /// Bytes that the results will have, as far as that is known before; those of `copy` are there already.
    var resultBytes: Int {
        switch self {
        case .picture(_, _, let most): most
        case .multiply(let product): product.c.count
        case .arithmetic(.minmax(let data, _, _, _)): data.count
        case .arithmetic(.multiply(let left, _)), .arithmetic(.add(let left, _)): left.count
        // The second one begins at a multiple of 64 bytes.
        case .arithmetic(.parallel(let left, _)): 2 * left.count + 64
        case .arithmetic(.copy), .image, .load, .unload, .run: 0
        }
    }

    /// The kind of this operation.
    public var kind: Kind {
        switch self {
        case .image(let task, _), .picture(let task, _, _): task.kind
        case .multiply: .multiply
        case .arithmetic: .arithmetic
        case .load, .unload, .run: .model
        }
    }
}

/// What can be asked about an image.
public enum ImageTask: UInt8, Equatable, Sendable, CaseIterable {
    /// What it shows; where things are; which pixels belong to what; how people stand; how far things are.
    case classify = 1, detect, segment, pose, depth

    /// The same as a kind of operation.
    public var kind: Operation.Kind {
        switch self {
        case .classify: .classify
        case .detect: .detect
        case .segment: .segment
        case .pose: .pose
        case .depth: .depth
        }
    }
}

/// A matrix product with the arguments of cblas_sgemm, row-major and not transposed.
///
/// Whoever makes one checks that the arrays are as long as the numbers say.
public struct MatrixProduct: Equatable, Sendable {
    /// Rows of `a` and `c`; columns of `b` and `c`; columns of `a` and rows of `b`.
    public var m: Int32, n: Int32, k: Int32
    /// The factor of the product.
    public var alpha: Float
    /// Little-endian float32, `m` rows of `k` values, `lda` apart.
    public var a: Bytes
    /// Values from one row to the next.
    public var lda: Int32
    /// Little-endian float32, `k` rows of `n` values, `ldb` apart.
    public var b: Bytes
    /// Values from one row to the next.
    public var ldb: Int32
    /// The factor of what `c` held before.
    public var beta: Float
    /// Little-endian float32, `m` rows of `n` values, `ldc` apart; the answer has the same length.
    public var c: Bytes
    /// Values from one row to the next.
    public var ldc: Int32

    /// Creates a product; the parameters are the properties.
    public init(
        m: Int32, n: Int32, k: Int32, alpha: Float, a: Bytes, lda: Int32, b: Bytes, ldb: Int32, beta: Float, c: Bytes,
        ldc: Int32
    ) {
        (self.m, self.n, self.k, self.alpha, self.a, self.lda) = (m, n, k, alpha, a, lda)
        (self.b, self.ldb, self.beta, self.c, self.ldc) = (b, ldb, beta, c, ldc)
    }
}

/// Arithmetic on arrays in the layout of the wire: little-endian.
public enum ArrayTask: Equatable, Sendable {
    /// Smallest and largest float64 of `data`, and the data cut to `low` and `high`.
    case minmax(data: Bytes, count: Int32, low: Int32, high: Int32)
    /// The same int32 values.
    case copy(Bytes)
    /// Product of two square float32 matrices.
    case multiply(Bytes, Bytes)
    /// Sums and products, element by element, of two float32 arrays.
    case parallel(Bytes, Bytes)
    /// Sums, element by element, of two float32 arrays.
    case add(Bytes, Bytes)
}

/// A model and where its bytes are: in memory, never a path of the guest.
public struct Model: Equatable, Sendable {
    /// The call that loads it: whose numbers of element types the guest speaks.
    public enum Interface: UInt8, Equatable, Sendable {
        /// The three frameworks of the protocol.
        case tensorflow = 1, tensorflowLite, torch
    }

    /// Names the model in later operations: the resource's id.
    public var key: Int64
    /// The call that loads it.
    public var interface: Interface
    /// The files of the resource in the guest's order. Names are labels, never paths.
    public var files: [(name: String, content: Bytes)]

    /// Creates a model; the parameters are the properties.
    public init(key: Int64, interface: Interface, files: [(name: String, content: Bytes)]) {
        (self.key, self.interface, self.files) = (key, interface, files)
    }

    /// Whether all is the same.
    public static func == (left: Model, right: Model) -> Bool {
        left.key == right.key && left.interface == right.interface
            && left.files.elementsEqual(right.files) { $0.name == $1.name && $0.content == $1.content }
    }
}

/// One run of a loaded model.
public struct ModelRun: Equatable, Sendable {
    /// The model's key.
    public var key: Int64
    /// The values for the inputs, in the order of `inputNames` or else of the model.
    public var inputs: [Tensor]
    /// The guest's names of the inputs, TensorFlow only; empty for the model's order.
    public var inputNames: [String]
    /// The guest's names of the outputs, TensorFlow only; empty for the model's order.
    public var outputNames: [String]
    /// How many outputs the guest has room for; the answer has exactly as many.
    public var outputCount: Int

    /// Creates a run; the parameters are the properties.
    public init(key: Int64, inputs: [Tensor], inputNames: [String], outputNames: [String], outputCount: Int) {
        (self.key, self.inputs, self.inputNames) = (key, inputs, inputNames)
        (self.outputNames, self.outputCount) = (outputNames, outputCount)
    }
}
