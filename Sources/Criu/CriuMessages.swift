/// What criu is asked for: `criu_req` of its rpc.proto.
public struct CriuRequest {
    /// The kinds of requests and answers that are used here; the numbers are those of rpc.proto.
    public enum Kind: UInt64, Sendable {
        case dump = 1
        case restore = 2
        case preDump = 4
        case notification = 6
        case featureCheck = 9
        case version = 10

        /// The name in rpc.proto, which runc's messages have.
        public var name: String {
            switch self {
            case .dump: "DUMP"
            case .restore: "RESTORE"
            case .preDump: "PRE_DUMP"
            case .notification: "NOTIFY"
            case .featureCheck: "FEATURE_CHECK"
            case .version: "VERSION"
            }
        }
    }

    /// What criu can be asked whether it has it; the numbers are those of `criu_features`.
    public enum Feature: UInt64, Sendable {
        /// Tracking which memory changed, for dumps in several steps.
        case memoryTracking = 1
        /// Fetching memory when it is used.
        case lazyPages = 2

        /// runc's name for it.
        public var name: String { self == .memoryTracking ? "MemTrack" : "LazyPages" }
    }

    /// The kind.
    public let kind: Kind
    /// How to do it.
    public var options: CriuOptions?
    /// What is asked about.
    public var feature: Feature?
    /// Whether what a notification called for has been done.
    var isDone: Bool?

    /// Creates a request.
    public init(_ kind: Kind, options: CriuOptions? = nil, feature: Feature? = nil) {
        self.kind = kind
        self.options = options
        self.feature = feature
    }

    var bytes: [UInt8] {
        var message = WireMessage()
        message.add(1, kind.rawValue)
        if let options { message.add(2, options.message.bytes) }
        if let isDone { message.add(3, isDone ? 1 : 0) }
        if let feature {
            var features = WireMessage()
            features.add(feature.rawValue, 1)
            message.add(5, features.bytes)
        }
        return message.bytes
    }
}

/// What criu says: `criu_resp` of its rpc.proto.
struct CriuAnswer {
    var kind: UInt64 = 0
    var succeeded = false
    var errno: Int32 = 0
    /// criu's own first error message; empty where it is too old to send one.
    var reason = ""
    /// The step that a notification is about: `post-restore`.
    var step = ""
    /// The process that a notification or the end of a restore is about.
    var pid: Int32 = 0
    /// Which of the features that were asked about are there: bit N stands for field N.
    var features: UInt64 = 0
    /// As one number: 31701 is 3.17.1.
    var version: Int32 = 0

    /// The answer in a message's bytes; nil when it is none.
    init?(_ bytes: [UInt8]) {
        guard let fields = WireMessage.fields(in: bytes) else { return nil }
        for (field, value) in fields {
            switch (field, value) {
            case (1, .number(let number)): kind = number
            case (2, .number(let number)): succeeded = number != 0
            case (7, .number(let number)): errno = Int32(truncatingIfNeeded: number)
            case (9, .bytes(let text)):
                reason = String(decoding: text.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
            case (4, .bytes(let inner)), (5, .bytes(let inner)), (8, .bytes(let inner)), (10, .bytes(let inner)):
                guard let fields = WireMessage.fields(in: inner) else { return nil }
                take(fields, of: field)
            default: continue
            }
        }
    }

    private mutating func take(_ fields: [(field: UInt64, value: WireMessage.Value)], of message: UInt64) {
        for case (let field, .number(let number)) in fields {
            let number32 = Int32(truncatingIfNeeded: number)
            switch (message, field) {
            case (4, 1), (5, 2): pid = number32
            case (8, _): if number != 0, field < 64 { features |= 1 << field }
            case (10, 1): version &+= number32 &* 10000
            case (10, 2): version &+= number32 &* 100
            case (10, 4): version &+= number32
            default: continue
            }
        }
        for case (let field, .bytes(let text)) in fields {
            if message == 5, field == 1 { step = String(decoding: text, as: UTF8.self) }
            // Built from git, between two versions: it counts as the next.
            if message == 10, field == 3 { version = (version / 100 + 1) * 100 }
        }
    }
}
