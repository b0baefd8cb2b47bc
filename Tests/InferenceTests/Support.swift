import HostLibraries
import HostSystem
import Inference

/// The directory of the repository.
let repository = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")

/// The classifier of digits and its images; see Tests/Models/train-digits.
let digits = repository + "/Tests/Models/digits"

/// The operator's word for where ONNX Runtime is, or what Hack/setup fetches.
let onnxPath = Program.environment("SWIFTLET_ONNXRUNTIME") ?? repository + "/.build-python/onnxruntime"

/// Why the tests with ONNX Runtime cannot run; nil when they can.
let onnxIsThere = (try? ONNXLibrary(at: onnxPath)) != nil
let jpegIsThere = (try? JPEGLibrary()) != nil
let pngIsThere = (try? PNGLibrary()) != nil
let blasIsThere = (try? MatrixLibrary()) != nil

func file(_ path: String) throws -> [UInt8] {
    let file = try open(path, flags: .readOnly)
    return try readAll(file.raw, named: path)
}

/// The kind of the error that `body` throws: its number; nil when it throws none.
func kind(of body: () throws -> Void) throws -> Int32? {
    do {
        try body()
        return nil
    } catch let error as LibraryError {
        return error.errno
    }
}

/// EINVAL, the kind of what cannot be worked with.
let invalid = LibraryError.invalid("").errno
/// ENOENT
let missing = LibraryError.missing("").errno
/// ENOTSUP
let unsupported = LibraryError.unsupported("").errno

/// Numbers that look random and are the same each time (xorshift64).
struct Scatter: RandomNumberGenerator {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }
    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }
}
