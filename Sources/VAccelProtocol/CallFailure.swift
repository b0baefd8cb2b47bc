/// Why a call failed, as the guest's client gets it.
public struct CallFailure: Error, Equatable, Sendable, CustomStringConvertible {
    /// gRPC status codes that the agent uses.
    public enum Code: UInt64, Sendable {
        /// The names of google.rpc.Code.
        case invalidArgument = 3, notFound = 5, resourceExhausted = 8, internalError = 13
    }

    /// The status code.
    public let code: Code
    /// The reason in words.
    public let description: String
    /// What the guest's application gets: a positive error number. Without one, upstream's client says EIO.
    public let errno: Int32?

    /// Creates a failure; the parameters are the properties.
    public init(_ code: Code, _ description: String, errno: Int32? = nil) {
        (self.code, self.description, self.errno) = (code, description, errno)
    }

    /// A failed operation in upstream's words.
    public static func operation(errno: Int32) -> Self { Self(.internalError, "FFI error: \(errno)", errno: errno) }

    /// A method or service that there is none of, in upstream's words.
    public static func unknownMethod(_ service: String, _ method: String) -> Self {
        Self(.invalidArgument, "/\(service)/\(method) does not exist")
    }

    /// What the older clients get in the answer's own message: the error number, EIO where there is none.
    public var number: Int32 { errno ?? 5 }

    /// A google.rpc.Status with the error number in its details.
    var encoded: WireBuffer {
        var status = WireBuffer()
        status.add(1, code.rawValue)
        status.add(2, description)
        guard let errno else { return status }
        var error = WireBuffer()
        error.add(2, UInt64(errno))
        var detail = WireBuffer()
        detail.add(1, "type.googleapis.com/vaccel.ProtoError")
        detail.add(2, message: error)
        status.add(3, message: detail)
        return status
    }
}
