/// A map from names to strings in the document's order: `annotations`, `sysctl`, `unified`.
public struct StringMap: Equatable, Sendable, Sequence {
    /// The entries, in the document's order.
    public var entries: [(key: String, value: String)]

    /// A map with these entries, whose keys must differ.
    public init(_ entries: [(key: String, value: String)] = []) {
        self.entries = entries
    }

    /// The value of a key.
    public subscript(key: String) -> String? {
        for entry in entries where entry.key == key { return entry.value }
        return nil
    }

    /// Whether there is no entry.
    public var isEmpty: Bool { entries.isEmpty }

    /// The entries in order, for `for (key, value) in`.
    public func makeIterator() -> IndexingIterator<[(key: String, value: String)]> { entries.makeIterator() }

    /// Whether both have the same entries in the same order.
    public static func == (left: StringMap, right: StringMap) -> Bool {
        left.entries.elementsEqual(right.entries) { $0.key == $1.key && $0.value == $1.value }
    }
}

extension StringMap: ExpressibleByDictionaryLiteral {
    /// A map written as a literal, in the literal's order.
    public init(dictionaryLiteral elements: (String, String)...) {
        self.init(elements.map { (key: $0.0, value: $0.1) })
    }
}
