public import HostLibraries

/// The header of a ttrpc frame. See ttrpc's PROTOCOL.md.
public struct FrameHeader: Equatable, Sendable {
    /// Bytes of a header.
    public static let size = 10

    /// What a frame carries.
    public enum Kind {
        /// Values of the header's type.
        public static let request: UInt8 = 1
        /// An answer, to the request with the same stream.
        public static let response: UInt8 = 2
        /// A message of a stream.
        public static let data: UInt8 = 3
    }

    /// Bits of the header's flags.
    public enum Flag {
        /// The sender's last message of the stream.
        public static let closed: UInt8 = 1
        /// More messages of the stream follow.
        public static let open: UInt8 = 2
        /// There is no message in this frame.
        public static let empty: UInt8 = 4
    }

    /// Bytes that follow the header.
    public var length: UInt32
    /// The number of the call: odd, chosen by the client.
    public var stream: UInt32
    /// What the frame carries, of ``Kind``.
    public var kind: UInt8
    /// Bits of ``Flag``.
    public var flags: UInt8

    /// Creates a header; the parameters are the properties.
    public init(length: UInt32, stream: UInt32, kind: UInt8, flags: UInt8 = 0) {
        (self.length, self.stream, self.kind, self.flags) = (length, stream, kind, flags)
    }

    /// Reads the header at the start of `bytes`; nil when they are too few.
    public init?(_ bytes: Bytes) {
        guard bytes.count >= Self.size else { return nil }
        let start = bytes.startIndex
        func number(_ offset: Int) -> UInt32 {
            (0..<4).reduce(0) { $0 << 8 | UInt32(bytes[start + offset + $1]) }
        }
        self.init(length: number(0), stream: number(4), kind: bytes[start + 8], flags: bytes[start + 9])
    }

    /// The header's bytes.
    public var bytes: [UInt8] {
        func split(_ number: UInt32) -> [UInt8] {
            [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> $0) }
        }
        return split(length) + split(stream) + [kind, flags]
    }
}

/// The message of a request frame: which method of which service, and the method's own message.
public struct CallMessage: Equatable, Sendable {
    /// The service with its package: `vaccel.sync.agent.AgentService`.
    public var service = ""
    /// The method: `CreateSession`.
    public var method = ""
    /// The method's message.
    public var payload: Bytes = []
    /// How long the caller waits, in nanoseconds; 0 for as long as it takes.
    public var timeout: Int64 = 0

    /// Creates a message; the parameters are the properties.
    public init(service: String, method: String, payload: Bytes) {
        (self.service, self.method, self.payload) = (service, method, payload)
    }

    /// Reads a message. See ttrpc's request.proto; metadata is passed over.
    public init(_ bytes: Bytes) throws(WireError) {
        var reader = WireReader(bytes)
        while let field = try reader.next() {
            switch field.number {
            case 1: service = field.value.text
            case 2: method = field.value.text
            case 3: payload = field.value.content
            case 4: timeout = field.value.int64
            default: break
            }
        }
    }

    /// The message's bytes.
    public var encoded: WireBuffer {
        var message = WireBuffer()
        message.add(1, service)
        message.add(2, method)
        message.add(3, payload)
        message.add(4, timeout)
        return message
    }
}

/// Frames that the agent sends.
public enum AnswerFrame {
    /// The answer of a call that went well. The status, which could be left out, is sent as upstream sends it.
    public static func success(_ payload: WireBuffer, stream: UInt32) -> WireBuffer {
        var response = WireBuffer()
        response.add(1, message: WireBuffer())
        if payload.count > 0 { response.add(2, message: payload) }
        return frame(response, stream: stream)
    }

    /// The answer of a call that failed.
    public static func failure(_ failure: CallFailure, stream: UInt32) -> WireBuffer {
        var response = WireBuffer()
        response.add(1, message: failure.encoded)
        return frame(response, stream: stream)
    }

    private static func frame(_ response: WireBuffer, stream: UInt32) -> WireBuffer {
        let header = FrameHeader(length: UInt32(response.count), stream: stream, kind: FrameHeader.Kind.response)
        var frame = WireBuffer()
        frame.append(Bytes(header.bytes))
        frame.append(response)
        return frame
    }
}
