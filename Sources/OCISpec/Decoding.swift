internal import HostSystem

/// A type that is one object of a specification document.
protocol SpecObject {
    /// Where the specification describes it.
    static var section: String { get }
    init(_ object: SpecCursor) throws(SpecError)
}

/// A type that is one member of a map: its name and the object under it.
protocol NamedSpecObject {
    /// Where the specification describes it.
    static var section: String { get }
    init(_ name: String, _ object: SpecCursor) throws(SpecError)
}

/// A string of which the specification lists the possible values.
protocol SpecWord: RawRepresentable<String>, CaseIterable, Equatable {
    /// What the words are, for messages: `namespace type`.
    static var noun: String { get }
}

/// The way from the document to a value. Becomes text only in an error.
indirect enum SpecPlace {
    case document(String)
    case member(of: SpecPlace, String)
    case element(of: SpecPlace, Int)

    /// The document's name and the JSON pointer in it (RFC 6901: `~` is `~0`, `/` is `~1`).
    var location: (document: String, pointer: String) {
        switch self {
        case .document(let name): return (name, "")
        case .member(let parent, let key):
            let (document, pointer) = parent.location
            let escaped = key.flatMap { $0 == "~" ? "~0" : $0 == "/" ? "~1" : String($0) }
            return (document, pointer + "/" + String(escaped))
        case .element(let parent, let index):
            let (document, pointer) = parent.location
            return (document, "\(pointer)/\(index)")
        }
    }
}

/// An object that is being decoded and the place where it stands.
///
/// Members that nobody asks for are ignored (runtime-spec config.md, extensibility: MUST). A member that is `null` is
/// absent, as it is for Go's decoder, with which every engine tests its documents. A list that is absent is empty.
struct SpecCursor {
    let object: JSONObject
    let place: SpecPlace
    let section: String

    init(_ value: JSONValue, at place: SpecPlace, section: String) throws(SpecError) {
        guard case .object(let object) = value else {
            throw SpecError(place, section, expected: "an object", found: value)
        }
        self.object = object
        self.place = place
        self.section = section
    }

    /// The member, unless it is absent or null.
    func member(_ key: String) -> JSONValue? {
        guard let value = object[key] else { return nil }
        if case .null = value { return nil }
        return value
    }

    /// The place of a member, or of an element of it.
    func place(_ key: String, _ index: Int? = nil) -> SpecPlace {
        let member = SpecPlace.member(of: place, key)
        return index.map { .element(of: member, $0) } ?? member
    }

    /// An error at a member.
    func error(_ key: String, _ reason: String) -> SpecError {
        SpecError(place(key), section, reason)
    }

    /// An error at an element of a member.
    func error(_ key: String, _ index: Int, _ reason: String) -> SpecError {
        SpecError(place(key, index), section, reason)
    }

    /// An error at the object itself.
    func error(_ reason: String) -> SpecError {
        SpecError(place, section, reason)
    }

    /// The value, or an error if there is none.
    func required<T>(_ key: String, _ value: T?) throws(SpecError) -> T {
        guard let value else { throw error(key, "required, but absent") }
        return value
    }
}

// MARK: - Single values

extension SpecCursor {
    /// A string; an empty one counts as absent, because Go's types cannot tell the two apart.
    func string(_ key: String) throws(SpecError) -> String? {
        guard let value = member(key) else { return nil }
        guard case .string(let text) = value else {
            throw SpecError(place(key), section, expected: "a string", found: value)
        }
        try refuseNUL(in: text, at: place(key))
        return text.isEmpty ? nil : text
    }

    /// The kernel ends every string at its first NUL byte: one inside would be cut without a word.
    private func refuseNUL(in text: String, at place: SpecPlace) throws(SpecError) {
        guard text.utf8.contains(0) else { return }
        throw SpecError(place, section, "contains a NUL byte")
    }

    /// A string that must be there and not be empty.
    func requiredString(_ key: String) throws(SpecError) -> String {
        guard let value = member(key) else { throw error(key, "required, but absent") }
        guard case .string(let text) = value else {
            throw SpecError(place(key), section, expected: "a string", found: value)
        }
        try refuseNUL(in: text, at: place(key))
        guard !text.isEmpty else { throw error(key, "must not be empty") }
        return text
    }

    /// A path from the root; nil where it is absent or empty.
    func absolutePath(_ key: String) throws(SpecError) -> String? {
        guard let path = try string(key) else { return nil }
        guard path.utf8.first == UInt8(ascii: "/") else { throw error(key, "'\(path)' is not an absolute path") }
        return path
    }

    func bool(_ key: String) throws(SpecError) -> Bool? {
        guard let value = member(key) else { return nil }
        guard case .bool(let truth) = value else {
            throw SpecError(place(key), section, expected: "a boolean", found: value)
        }
        return truth
    }

    /// An integer of the width its Go type has, within `range` where the specification says one.
    func integer<T: FixedWidthInteger>(
        _ key: String, in range: ClosedRange<T> = T.min...T.max
    ) throws(SpecError) -> T? {
        guard let value = member(key) else { return nil }
        return try integer(value, at: place(key), in: range)
    }

    private func integer<T: FixedWidthInteger>(
        _ value: JSONValue, at place: SpecPlace, in range: ClosedRange<T>
    ) throws(SpecError) -> T {
        if let integer: T = value.integer(), range.contains(integer) { return integer }
        switch value {
        case .number(let number): throw SpecError(place, section, "expected an integer, found \(number)")
        case .integer, .unsigned:
            let wanted = "expected an integer from \(range.lowerBound) to \(range.upperBound)"
            throw SpecError(place, section, "\(wanted), found \(value.text())")
        default: throw SpecError(place, section, expected: "a number", found: value)
        }
    }

    /// One of the words the specification lists; nil where it is absent or empty.
    func word<T: SpecWord>(_ key: String, as type: T.Type = T.self) throws(SpecError) -> T? {
        guard let text = try string(key) else { return nil }
        return try word(text, at: place(key))
    }

    func word<T: SpecWord>(_ text: String, at place: SpecPlace) throws(SpecError) -> T {
        if let word = T(rawValue: text) { return word }
        let known = T.allCases.map(\.rawValue).joined(separator: ", ")
        throw SpecError(place, section, "unknown \(T.noun) '\(text)' (known: \(known))")
    }

    func child<T: SpecObject>(_ key: String, as type: T.Type = T.self) throws(SpecError) -> T? {
        guard let value = member(key) else { return nil }
        return try T(SpecCursor(value, at: place(key), section: T.section))
    }
}

// MARK: - Lists and maps

extension SpecCursor {
    func strings(_ key: String) throws(SpecError) -> [String] {
        try list(key) { (index, value) throws(SpecError) in
            guard case .string(let text) = value else {
                throw SpecError(place(key, index), section, expected: "a string", found: value)
            }
            try refuseNUL(in: text, at: place(key, index))
            return text
        }
    }

    /// Paths from the root.
    func absolutePaths(_ key: String) throws(SpecError) -> [String] {
        let paths = try strings(key)
        for (index, path) in paths.enumerated() where path.utf8.first != UInt8(ascii: "/") {
            throw error(key, index, "'\(path)' is not an absolute path")
        }
        return paths
    }

    func integers<T: FixedWidthInteger>(_ key: String) throws(SpecError) -> [T] {
        try list(key) { (index, value) throws(SpecError) in
            try integer(value, at: place(key, index), in: T.min...T.max)
        }
    }

    func words<T: SpecWord>(_ key: String, as type: T.Type = T.self) throws(SpecError) -> [T] {
        try list(key) { (index, value) throws(SpecError) in
            guard case .string(let text) = value else {
                throw SpecError(place(key, index), section, expected: "a string", found: value)
            }
            try refuseNUL(in: text, at: place(key, index))
            return try word(text, at: place(key, index))
        }
    }

    func children<T: SpecObject>(_ key: String, as type: T.Type = T.self) throws(SpecError) -> [T] {
        try list(key) { (index, value) throws(SpecError) in
            try T(SpecCursor(value, at: place(key, index), section: T.section))
        }
    }

    private func list<T>(
        _ key: String, _ decode: (Int, JSONValue) throws(SpecError) -> T
    ) throws(SpecError) -> [T] {
        guard let value = member(key) else { return [] }
        guard case .array(let elements) = value else {
            throw SpecError(place(key), section, expected: "an array", found: value)
        }
        var decoded: [T] = []
        decoded.reserveCapacity(elements.count)
        for (index, element) in elements.enumerated() { decoded.append(try decode(index, element)) }
        return decoded
    }

    /// A map to strings. Names must not be empty; values may be.
    func stringMap(_ key: String, section: String) throws(SpecError) -> StringMap {
        let cursor = try mapCursor(key, section: section)
        var map = StringMap()
        for (name, value) in cursor.object.members {
            switch value {
            case .null: continue
            case .string(let text): map.entries.append((name, text))
            default: throw SpecError(cursor.place(name), section, expected: "a string", found: value)
            }
        }
        return map
    }

    /// A map to objects, as a list: the name becomes a property of its element.
    func children<T: NamedSpecObject>(named key: String, as type: T.Type = T.self) throws(SpecError) -> [T] {
        let cursor = try mapCursor(key, section: T.section)
        var decoded: [T] = []
        for (name, value) in cursor.object.members {
            if case .null = value { continue }
            decoded.append(try T(name, SpecCursor(value, at: cursor.place(name), section: T.section)))
        }
        return decoded
    }

    private func mapCursor(_ key: String, section: String) throws(SpecError) -> SpecCursor {
        let cursor = try SpecCursor(member(key) ?? .object(JSONObject()), at: place(key), section: section)
        for (name, _) in cursor.object.members where name.isEmpty {
            throw SpecError(cursor.place, section, "a name must not be empty")
        }
        return cursor
    }
}

extension SpecError {
    init(_ place: SpecPlace, _ section: String, _ reason: String) {
        let (document, pointer) = place.location
        self.init(document: document, pointer: pointer, reason: reason, section: section)
    }

    init(_ place: SpecPlace, _ section: String, expected: String, found: JSONValue) {
        self.init(place, section, "expected \(expected), found \(found.kind)")
    }
}
