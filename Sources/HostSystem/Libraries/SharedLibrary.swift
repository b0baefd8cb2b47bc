internal import CLibraries
import HostSystem

/// A library opened at run time, closed with its last user. See dlopen(3).
///
/// Nothing that a guest sends is ever opened so: names come from this program and from its operator.
@safe public final class SharedLibrary {
    let handle: UnsafeMutableRawPointer
    /// What it was opened by.
    public let path: String

    /// Opens the first of `candidates` that can be opened.
    ///
    /// - Parameters:
    ///   - candidates: File names, which the dynamic linker looks for, or absolute paths.
    ///   - purpose: What the library is, for the message: `the JPEG library`.
    /// - Throws: ``LibraryError`` of kind `ENOENT` with the reason for each candidate.
    public init(firstOf candidates: [String], for purpose: String) throws(LibraryError) {
        var reasons = [String]()
        for candidate in candidates {
            var opened: UnsafeMutableRawPointer?
            let reason = unsafe textOfLibrary { text, size in
                // SAFETY: the path is NUL-terminated, and at most `size` bytes are written to `text`.
                unsafe opened = lx_library_open(candidate, text, size)
            }
            if let found = unsafe opened {
                unsafe handle = found
                path = candidate
                return
            }
            reasons.append(reason)
        }
        let tried = reasons.isEmpty ? "no file is known" : reasons.joined(separator: "; ")
        throw LibraryError(errno: ENOENT, "\(purpose) cannot be opened: \(tried)")
    }

    deinit {
        // SAFETY: opened by the initializer; whoever holds a symbol of the library holds this object too.
        unsafe lx_library_close(handle)
    }

    /// The address of a function.
    ///
    /// - Throws: ``LibraryError`` of kind `ENOSYS` when the library has no such function.
    func symbol(_ name: String) throws(LibraryError) -> UnsafeMutableRawPointer {
        // SAFETY: the handle is open, the name is NUL-terminated.
        guard let address = unsafe lx_library_symbol(handle, name) else {
            throw LibraryError(errno: ENOSYS, "\(path) has no function \(name)")
        }
        return unsafe address
    }
}

/// What `body` writes to a buffer of 2 KiB as a NUL-terminated text.
func textOfLibrary(_ body: (UnsafeMutablePointer<CChar>?, Int) -> Void) -> String {
    var buffer = [CChar](repeating: 0, count: 2048)
    // SAFETY: the buffer lives for the call and its own length is passed; the text is NUL-terminated within it.
    unsafe buffer.withUnsafeMutableBufferPointer { unsafe body($0.baseAddress, $0.count) }
    return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

/// Calls a function of CLibraries that returns 0 or `-errno` and says why in the buffer it is given.
///
/// - Throws: ``LibraryError`` that begins with `what`.
func libraryCall(
    _ what: @autoclosure () -> String, _ body: (UnsafeMutablePointer<CChar>?, Int) -> Int32
) throws(LibraryError) {
    var result: Int32 = 0
    // SAFETY: buffer and length belong together, see textOfLibrary(_:).
    let text = unsafe textOfLibrary { text, size in unsafe result = body(text, size) }
    guard result < 0 else { return }
    throw LibraryError(errno: -result, "\(what()): \(text.isEmpty ? errorText(-result) : text)")
}
