public import HostLibraries

/// What executes operations. One file of `Backends` each, one line in its `Registry.swift`.
///
/// A back-end of its own worker process is made there after the fork: it opens its libraries and models, then the process
/// is confined and gets one operation after the other. It may crash or hang: that costs the guest one error. It throws
/// ``OperationError`` for what the guest is to see, and keeps loaded models by their keys.
public protocol Backend: AnyObject {
    /// Carries out one operation of a kind that its ``BackendDescription`` offers.
    ///
    /// - Parameter room: Where large results are put, so that nobody has to copy them.
    func perform(_ operation: Operation, in room: ResultRoom) throws(OperationError) -> OperationResult
}

/// A back-end as the agent knows it before there is one.
public struct BackendDescription: Sendable {
    /// Where operations are executed.
    public enum Placement: Equatable, Sendable {
        /// In the agent: nothing that parses what a guest sent, nothing that takes long.
        case agent
        /// In a process of its own, with a seccomp filter, limits and a deadline for each call.
        case worker
    }

    /// The word for `--backend`.
    public let name: String
    /// One line for the help.
    public let summary: String
    /// Where it runs.
    public let placement: Placement
    /// Bits of a session's flags that name it: CPU 1, GPU 2, FPGA 4, software 8, TensorFlow 16, Torch 32, generic 128, debug 256.
    public let hints: UInt32
    /// Which operations it has, with the operator's settings. Opens nothing that is slow to open: asked at the first call.
    public let offers: @Sendable (Operation.Kind, BackendSettings) -> Bool
    /// Opens libraries and models. In the worker, before it is confined; what it throws is logged, and every operation fails.
    public let make: @Sendable (BackendSettings) throws -> any Backend

    /// Creates a description; the parameters are the properties.
    public init(
        name: String, summary: String, placement: Placement, hints: UInt32 = 0,
        offers: @escaping @Sendable (Operation.Kind, BackendSettings) -> Bool,
        make: @escaping @Sendable (BackendSettings) throws -> any Backend
    ) {
        (self.name, self.summary, self.placement, self.hints) = (name, summary, placement, hints)
        (self.offers, self.make) = (offers, make)
    }
}

/// What the operator says about back-ends.
public struct BackendSettings: Equatable, Sendable {
    /// The directory with models and their labels: `--models`.
    public var models: String?
    /// How many threads a worker may compute with.
    public var threads: Int
    /// Libraries in the place of those that are looked for, by the name of the back-end: `--library onnx=/path/lib.so`.
    public var libraries: [String: String]
    /// Whether a graphics processor may be used: `--gpu`.
    public var gpu: Bool

    /// Creates settings; the parameters are the properties.
    public init(models: String? = nil, threads: Int = 1, libraries: [String: String] = [:], gpu: Bool = false) {
        (self.models, self.threads, self.libraries, self.gpu) = (models, threads, libraries, gpu)
    }
}

/// What an operation comes to.
public enum OperationResult: Equatable, Sendable {
    /// Nothing to tell: a model was loaded or unloaded.
    case done
    /// An image task: the text, and the name of a picture of the answer (for tasks other than classification, the answer).
    case image(text: String, imageName: String)
    /// An image task's answer as a picture: a PNG file, and NULs to the length that was asked for.
    case picture(Bytes)
    /// Arrays in the order of the operation's answers: `c` for the products, sum and product for `parallel`,
    /// data, minimum and maximum for `minmax`.
    case arrays([Bytes])
    /// The outputs of a model.
    case tensors([Tensor])

    /// Room that the arrays of such a result take.
    var bytes: Int {
        guard case .tensors(let tensors) = self else { return 0 }
        return tensors.reduce(0) { $0 + ($1.data.count + 63) / 64 * 64 }
    }
}

/// Why an operation failed: what the guest's application gets, and the reason for the operator's log.
public struct OperationError: Error, Equatable, CustomStringConvertible {
    /// A positive error number as vAccel uses them: `EINVAL` 22.
    public let errno: Int32
    /// The reason, lower case.
    public let description: String

    /// Creates an error.
    public init(errno: Int32, _ description: String) {
        (self.errno, self.description) = (errno, description)
    }

    /// EINVAL: what the guest sent does not fit together, or is no model or image.
    public static func invalid(_ reason: String) -> Self { Self(errno: 22, reason) }
    /// ENOTSUP: no back-end has it.
    public static func unsupported(_ reason: String) -> Self { Self(errno: 95, reason) }
    /// ENOENT: there is no such model.
    public static func notFound(_ reason: String) -> Self { Self(errno: 2, reason) }
    /// ELIBBAD: a library or model of the operator is missing or cannot be used.
    public static func library(_ reason: String) -> Self { Self(errno: 80, reason) }
    /// EIO: it failed for another reason.
    public static func failed(_ reason: String) -> Self { Self(errno: 5, reason) }
}
