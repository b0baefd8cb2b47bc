internal import CLinux

/// An extended regular expression of POSIX. See regex(7).
public struct RegularExpression {
    private let pattern: String

    /// An expression that can be used.
    ///
    /// - Throws: ``Failure`` with the C library's reason.
    public init(_ pattern: String) throws(Failure) {
        guard !pattern.utf8.contains(0) else { throw Failure("a regular expression contains no NUL") }
        self.pattern = pattern
        let reason = unsafe [UInt8](unsafeUninitializedCapacity: 128) { buffer, count in
            // SAFETY: both texts are NUL-terminated, and at most the buffer's length is written.
            count = Int(unsafe lx_regex_check(pattern, buffer.baseAddress, buffer.count))
        }
        guard reason.isEmpty else {
            throw Failure("invalid regular expression \"\(pattern)\": \(String(decoding: reason, as: UTF8.self))")
        }
    }

    /// Whether some part of `text` is what the expression describes.
    public func matches(_ text: String) -> Bool {
        // SAFETY: both texts are NUL-terminated for the length of the call.
        unsafe lx_regex_matches(pattern, text) != 0
    }
}
