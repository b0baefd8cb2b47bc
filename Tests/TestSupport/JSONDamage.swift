public import HostSystem

/// A JSON document of which one value was changed.
public struct DamagedJSON: Sendable {
    /// Which value, as a JSON pointer (RFC 6901).
    public let pointer: String
    /// What was done to it: `a number too large`.
    public let damage: String
    /// What came of it.
    public let document: JSONValue

    /// The pointer of what holds the value.
    public var parent: String {
        pointer.lastIndex(of: "/").map { String(pointer[..<$0]) } ?? ""
    }
}

/// What a value can be replaced by; nil to take it away.
public let jsonDamages: [(name: String, value: JSONValue?)] = [
    ("removed", nil), ("null", .null), ("true", true), ("false", false), ("zero", 0), ("one", 1), ("minus one", -1),
    ("a fraction", 1.5), ("a number of 63 bits", .integer(.max)), ("the least number", .integer(.min)),
    ("a number of 64 bits", .unsigned(.max)), ("a number beyond integers", .number(1e300)), ("an empty string", ""),
    ("a word", "nonsense"), ("a NUL in a string", "a\u{0}b"), ("lines", "a\nb: c\r\u{1B}[31m"), ("slashes", "../../~"),
    ("a long string", .string(String(repeating: "x", count: 70000))), ("an empty array", []), ("an array", [.null]),
    ("an array of strings", ["a", "a"]), ("an array of objects", [["a": 1], ["a": 1]]), ("an empty object", [:]),
    ("an object", ["a": 1]), ("an object of objects", ["a/b~": ["c": []]]),
]

extension JSONValue {
    /// The pointers of all values in this one, the outer before the inner, without the document itself.
    public var pointers: [String] {
        switch self {
        case .object(let object):
            object.members.flatMap { key, value in
                let part = "/" + key.pointerPart
                return [part] + value.pointers.map { part + $0 }
            }
        case .array(let elements):
            elements.enumerated().flatMap { index, value in ["/\(index)"] + value.pointers.map { "/\(index)" + $0 } }
        default: []
        }
    }

    /// This value with the one at `pointer` changed by `change`, which returns what is to stand there: nothing, or one
    /// value or more, of which an object holds all by the same name.
    public func changing(_ pointer: String, _ change: (JSONValue) -> [JSONValue]) -> JSONValue {
        changing(pointer.split(separator: "/", omittingEmptySubsequences: false).dropFirst(), change)
    }

    private func changing(_ parts: ArraySlice<Substring>, _ change: (JSONValue) -> [JSONValue]) -> JSONValue {
        guard let part = parts.first else { return self }
        let rest = parts.dropFirst()
        func changed(_ value: JSONValue) -> [JSONValue] {
            rest.isEmpty ? change(value) : [value.changing(rest, change)]
        }
        switch self {
        case .object(let object):
            return .object(
                JSONObject(
                    object.members.flatMap { key, value in
                        key.pointerPart == part ? changed(value).map { (key, $0) } : [(key, value)]
                    }))
        case .array(let elements):
            return .array(elements.enumerated().flatMap { "\($0)" == part ? changed($1) : [$1] })
        default: return self
        }
    }

    /// This document, damaged in every place in every way.
    public var damaged: [DamagedJSON] {
        pointers.flatMap { pointer in
            jsonDamages.map { name, value in
                DamagedJSON(
                    pointer: pointer, damage: name, document: changing(pointer) { _ in value.map { [$0] } ?? [] })
            } + [DamagedJSON(pointer: pointer, damage: "twice", document: changing(pointer) { [$0, $0] })]
        }
    }
}

extension String {
    /// This name as a part of a JSON pointer.
    fileprivate var pointerPart: String {
        utf8.contains { $0 == UInt8(ascii: "~") || $0 == UInt8(ascii: "/") }
            ? String(flatMap { $0 == "~" ? "~0" : $0 == "/" ? "~1" : String($0) }) : self
    }
}
