internal import CLibraries
import HostSystem

/// ONNX Runtime, opened at run time and used through its C interface (onnxruntime_c_api.h).
@safe public final class ONNXLibrary {
    private let library: SharedLibrary
    var state: lx_onnx
    /// The library's own version: `1.32.0`.
    public let version: String
    /// What models can run on, by ONNX Runtime's names: `CPUExecutionProvider`.
    public let providers: [String]

    /// Opens the library and starts it.
    ///
    /// - Parameter candidates: The operator's own path, or places where the library may be.
    /// - Throws: ``LibraryError`` of kind `ENOENT` when none can be opened, `ENOSYS` when it is too old.
    public init(firstOf candidates: [String]) throws(LibraryError) {
        library = try SharedLibrary(firstOf: candidates, for: "the ONNX Runtime library")
        let path = library.path
        let base = unsafe try library.symbol("OrtGetApiBase")
        // SAFETY: the function has been of this name and type since the first version of the library.
        let number = unsafe lx_onnx_version(base)
        version = unsafe number.map { unsafe String(cString: $0) } ?? "without a version"
        let description = "ONNX Runtime \(version) at \(path)"
        var started = unsafe lx_onnx()
        try unsafe libraryCall("start \(description)") { text, size in
            // SAFETY: the structure lives for the call, and nothing of it is kept by the library.
            unsafe lx_onnx_start(base, &started, text, size)
        }
        var result: Int32 = 0
        let names = unsafe textOfLibrary { text, size in
            // SAFETY: the library was started above.
            unsafe result = lx_onnx_providers(&started, text, size)
        }
        unsafe state = started
        providers = result < 0 ? [] : names.split(separator: " ").map(String.init)
    }

    deinit {
        // SAFETY: every model holds this object, so none is left.
        unsafe lx_onnx_stop(&state)
    }

    /// Whether the library was built to use NVIDIA's processors.
    public var hasCUDA: Bool { providers.contains("CUDAExecutionProvider") }
}
