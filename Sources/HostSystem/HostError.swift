internal import CLinux

/// A system call that failed: what was tried, on what, and the kernel's reason.
///
/// The C shims of `CLinux` return `-errno`, so errno itself never crosses into Swift.
public struct HostError: Error, Equatable, CustomStringConvertible {
    /// The system call or library function, as its manual page names it: `openat2`.
    public let call: String
    /// What it was called on: a path, an identifier, a process; empty where there is no better word than the call.
    public let subject: String
    /// The error number, positive: `ENOENT`; 0 when the subject says it all.
    public let errno: Int32

    /// Creates an error for `call` on `subject`.
    public init(call: String, subject: String, errno: Int32) {
        self.call = call
        self.subject = subject
        self.errno = errno
    }

    /// `openat2 config.json: no such file or directory`
    public var description: String {
        let tried = subject.isEmpty ? call : "\(call) \(subject)"
        return errno == 0 ? tried : "\(tried): \(reason)"
    }

    /// The kernel's reason in lower case, as runc writes it: `no such file or directory`.
    public var reason: String { errorText(errno) }
}

/// An operation that cannot be done, told in one line: lower case, no full stop, facts outside, cause last.
public struct Failure: Error, CustomStringConvertible {
    /// What was tried and on what.
    public let message: String
    /// Why it failed, when another error says so.
    public let cause: (any Error)?

    /// Creates a failure with an optional cause.
    public init(_ message: String, cause: (any Error)? = nil) {
        self.message = message
        self.cause = cause
    }

    /// The message and its chain of causes, separated by colons.
    public var description: String {
        guard let cause else { return message }
        return "\(message): \(cause)"
    }
}

/// A message of a bearable length: of a very long one the middle is left out.
///
/// Messages quote what they are about, and a document or an argument may be megabytes.
public func bounded(_ message: String) -> String {
    let kept = 1000
    guard message.utf8.count > 4 * kept else { return message }
    let scalars = message.unicodeScalars
    return String(scalars.prefix(kept)) + " ... " + String(scalars.suffix(kept))
}

/// The text of an error number in lower case: `no such file or directory`.
///
/// See strerror(3). Lower case because engines search runc's messages for Go's spelling.
public func errorText(_ errno: Int32) -> String {
    var buffer = [CChar](repeating: 0, count: 128)
    // SAFETY: the buffer is ours, its length is passed, and the result is NUL-terminated within it.
    let text = unsafe buffer.withUnsafeMutableBufferPointer { unsafe lx_error_text(errno, $0.baseAddress, $0.count) }
    guard text == 0 else { return "error \(errno)" }
    return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self).lowercased()
}

/// Turns a shim's result into a value or an error: negative is `-errno`.
@discardableResult @inline(__always)
public func check(_ call: StaticString, _ subject: @autoclosure () -> String, _ result: Int32) throws(HostError)
    -> Int32
{
    guard result < 0 else { return result }
    throw HostError(call: "\(call)", subject: subject(), errno: -result)
}

/// Turns a shim's 64-bit result into a value or an error: negative is `-errno`.
@discardableResult @inline(__always)
public func check(_ call: StaticString, _ subject: @autoclosure () -> String, _ result: Int) throws(HostError) -> Int {
    guard result < 0 else { return result }
    throw HostError(call: "\(call)", subject: subject(), errno: Int32(-result))
}
