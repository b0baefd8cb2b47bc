internal import CLibraries

/// What a library that was opened at run time could not do.
public struct LibraryError: Error, Equatable, CustomStringConvertible {
    /// The kind of failure as an error number: `EINVAL` for what was passed in, `ENOTSUP`, `ENOENT`, `EIO` and others.
    public let errno: Int32
    /// What was tried and on what, then the library's own words.
    public let message: String

    /// An error of kind `errno`.
    public init(errno: Int32, _ message: String) {
        self.errno = errno
        self.message = message
    }

    /// The message.
    public var description: String { message }

    /// `EINVAL`: what was given cannot be worked with.
    public static func invalid(_ message: String) -> Self { .init(errno: EINVAL, message) }

    /// `ENOTSUP`: nothing here does that.
    public static func unsupported(_ message: String) -> Self { .init(errno: ENOTSUP, message) }

    /// `ENOENT`: a library, model or file is not there.
    public static func missing(_ message: String) -> Self { .init(errno: ENOENT, message) }

    /// Whether it is of kind `EINVAL`.
    public var isInvalid: Bool { errno == EINVAL }

    /// Whether it is of kind `ENOTSUP`.
    public var isUnsupported: Bool { errno == ENOTSUP }

    /// Whether it is of kind `ENOENT`.
    public var isMissing: Bool { errno == ENOENT }
}
