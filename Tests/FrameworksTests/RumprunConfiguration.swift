/// What a Rumprun guest reads out of its boot string, in the way of its parser jsmn: strings as they are written, with
/// escapes checked and not undone; keys may come more than once.
struct RumprunConfiguration {
    /// A value: a string, or an object of strings.
    enum Value {
        case string([UInt8])
        case object([(key: String, value: [UInt8])])
    }

    private(set) var members: [(key: String, value: Value)] = []

    /// Reads a boot string; nil when the guest would stop at it.
    init?(_ text: [UInt8]) {
        var reader = Reader(rest: text[...])
        guard let members = reader.members(nested: false), reader.rest.isEmpty else { return nil }
        self.members = members
    }

    /// The strings that came with a key.
    func strings(_ key: String) -> [[UInt8]] {
        members.compactMap { member in
            if member.key == key, case .string(let bytes) = member.value { return bytes }
            return nil
        }
    }

    /// The member of the object `net`.
    func network(_ key: String) -> String? {
        for case (key: "net", value: .object(let entries)) in members {
            return entries.first { $0.key == key }.map { String(decoding: $0.value, as: UTF8.self) }
        }
        return nil
    }

    private struct Reader {
        var rest: ArraySlice<UInt8>

        mutating func take(_ character: Character) -> Bool {
            guard let first = rest.first, first == character.asciiValue else { return false }
            rest.removeFirst()
            return true
        }

        /// A string without its quotes. After a backslash jsmn wants one of the letters of JSON.
        mutating func string() -> [UInt8]? {
            guard take("\"") else { return nil }
            var bytes: [UInt8] = []
            while let byte = rest.popFirst(), byte != 0 {
                if byte == 0x22 { return bytes }
                bytes.append(byte)
                guard byte == 0x5C else { continue }
                guard let escaped = rest.popFirst(), "\"\\/bfnrt".utf8.contains(escaped) else { return nil }
                bytes.append(escaped)
            }
            return nil
        }

        mutating func members(nested: Bool) -> [(key: String, value: Value)]? {
            guard take("{") else { return nil }
            var members: [(key: String, value: Value)] = []
            repeat {
                guard let key = string(), take(":"), let value = value(nested: nested) else { return nil }
                members.append((String(decoding: key, as: UTF8.self), value))
            } while take(",")
            return take("}") ? members : nil
        }

        private mutating func value(nested: Bool) -> Value? {
            if let string = string() { return .string(string) }
            guard !nested, let entries = members(nested: true) else { return nil }
            var object: [(key: String, value: [UInt8])] = []
            for entry in entries {
                guard case .string(let bytes) = entry.value else { return nil }
                object.append((entry.key, bytes))
            }
            return .object(object)
        }
    }
}
