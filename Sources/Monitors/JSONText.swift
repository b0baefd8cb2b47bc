/// A value of JSON (RFC 8259) that a monitor is told, in text.
enum JSONText {
    case string(String)
    case number(UInt64)
    case boolean(Bool)
    case array([JSONText])
    case object([(name: String, value: JSONText)])

    var text: String {
        switch self {
        case .string(let string): Self.quoted(string)
        case .number(let number): "\(number)"
        case .boolean(let value): value ? "true" : "false"
        case .array(let elements): "[" + elements.map(\.text).joined(separator: ",") + "]"
        case .object(let members):
            "{" + members.map { Self.quoted($0.name) + ":" + $0.value.text }.joined(separator: ",") + "}"
        }
    }

    private static func quoted(_ string: String) -> String {
        var text = "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"", "\\": text += "\\\(scalar)"
            case "\u{0}"..<"\u{20}":
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text + "\""
    }
}
