/// A value of a unit's property, in one of D-Bus' types as far as systemd's unit properties need them.
///
/// See the D-Bus specification, "Type System".
public enum BusValue: Equatable, Sendable {
    /// `b`
    case bool(Bool)
    /// `y`
    case byte(UInt8)
    /// `i`
    case int32(Int32)
    /// `u`
    case uint32(UInt32)
    /// `x`
    case int64(Int64)
    /// `t`
    case uint64(UInt64)
    /// `d`
    case double(Double)
    /// `s`
    case string(String)
    /// `as`
    case strings([String])
    /// `ay`
    case bytes([UInt8])
    /// `au`
    case numbers([UInt32])

    /// The type as D-Bus writes it.
    var signature: String {
        switch self {
        case .bool: "b"
        case .byte: "y"
        case .int32: "i"
        case .uint32: "u"
        case .int64: "x"
        case .uint64: "t"
        case .double: "d"
        case .string: "s"
        case .strings: "as"
        case .bytes: "ay"
        case .numbers: "au"
        }
    }
}

extension BusValue {
    /// Reads a value in GVariant's text format, as annotations `org.systemd.property.NAME` hold it: `true`, `-5`,
    /// `uint64 7`, `'text'`, `['a', 'b']`. nil when it is none of these.
    ///
    /// See GLib's "GVariant Text Format". A number without a type is an int32, as there.
    public init?(text: String) {
        let text = text.trimmed
        switch text {
        case "true": self = .bool(true)
        case "false": self = .bool(false)
        case _ where text.hasPrefix("["):
            guard let list = Self.list(text) else { return nil }
            self = .strings(list)
        case _ where text.first == "'" || text.first == "\"":
            guard let (string, rest) = Self.quoted(Substring(text)), rest.isEmpty else { return nil }
            self = .string(string)
        default:
            guard let number = Self.number(text) else { return nil }
            self = number
        }
    }

    private static func number(_ text: String) -> BusValue? {
        let words = text.split(separator: " ")
        guard let last = words.last, words.count <= 2 else { return nil }
        if words.count == 1 {
            return Int32(last).map { .int32($0) } ?? (last.contains(".") ? Double(last).map { .double($0) } : nil)
        }
        switch words[0] {
        case "byte": return UInt8(last).map { .byte($0) }
        case "int32": return Int32(last).map { .int32($0) }
        case "uint32": return UInt32(last).map { .uint32($0) }
        case "int64": return Int64(last).map { .int64($0) }
        case "uint64": return UInt64(last).map { .uint64($0) }
        case "double": return Double(last).map { .double($0) }
        default: return nil
        }
    }

    /// A quoted string at the beginning, and what follows it.
    private static func quoted(_ text: Substring) -> (String, Substring)? {
        guard let mark = text.first, mark == "'" || mark == "\"" else { return nil }
        var string = ""
        var escaped = false
        for index in text.indices.dropFirst() {
            let character = text[index]
            if escaped {
                string.append(character == "n" ? "\n" : character == "t" ? "\t" : character)
                escaped = false
            } else if character == "\\" {
                escaped = true
            } else if character == mark {
                return (string, text[text.index(after: index)...])
            } else {
                string.append(character)
            }
        }
        return nil
    }

    private static func list(_ text: String) -> [String]? {
        guard text.hasSuffix("]") else { return nil }
        var rest = Substring(String(text.dropFirst().dropLast()).trimmed)
        var found = [String]()
        while !rest.isEmpty {
            guard let (string, after) = quoted(rest) else { return nil }
            found.append(string)
            rest = after.drop { $0 == " " }
            if rest.first == "," { rest = rest.dropFirst().drop { $0 == " " } } else if !rest.isEmpty { return nil }
        }
        return found
    }
}

extension String {
    fileprivate var trimmed: String {
        var text = Substring(self)
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }
}

/// A property by its name, as systemd's D-Bus interface calls it.
public struct UnitProperty: Equatable, Sendable {
    /// `MemoryMax`, for instance.
    public let name: String
    /// What it is set to.
    public let value: BusValue

    /// Creates a property.
    public init(_ name: String, _ value: BusValue) {
        self.name = name
        self.value = value
    }
}
