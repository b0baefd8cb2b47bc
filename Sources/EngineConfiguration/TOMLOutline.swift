internal import HostSystem

/// Where the tables and keys of a TOML file are. Values are passed over, not understood.
struct TOMLOutline {
    struct Entry {
        /// The table's name, or the key's with its table's in front.
        let path: [String]
        /// How much of the path is the name of the table that it stands in.
        let tableDepth: Int
        /// The whole lines from the first of the entry to its last.
        let lines: Range<Int>
        /// The bytes of the value; empty for a table.
        let value: Range<Int>

        var isTable: Bool { tableDepth == path.count }
    }

    private(set) var text: TextScanner
    private(set) var entries: [Entry] = []

    /// - Throws: ``HostSystem/Failure`` with file, line and what was expected.
    init(_ bytes: [UInt8], named file: String) throws(Failure) {
        text = TextScanner(bytes, named: file)
        var table: [String] = []
        while true {
            skipLines()
            guard text.peek != nil else { return }
            let start = text.at
            let first = (text.bytes[..<start].lastIndex(of: 10) ?? -1) + 1
            var path = table
            var value = start..<start
            if text.skip("[") {
                let isArray = text.skip("[")
                table = try keys()
                path = table
                try text.require("]")
                if isArray { try text.require("]") }
            } else {
                path += try keys()
                try text.require("=")
                skipBlanks()
                let begin = text.at
                try skipValue()
                value = begin..<text.at
            }
            skipBlanks()
            skipComment()
            guard text.peek == nil || text.skip("\n") else { throw text.expected("the end of the line") }
            entries.append(Entry(path: path, tableDepth: table.count, lines: first..<text.at, value: value))
        }
    }

    /// The key or table of that name.
    func entry(_ path: [String]) -> Entry? { entries.first { $0.path == path } }

    /// The value of a key as it is written.
    func value(_ path: [String]) -> String? { entry(path).map { text.text($0.value) } }

    /// Everything in a table and in those below it.
    func entries(below path: [String]) -> [Entry] { entries.filter { $0.path.starts(with: path) } }

    func fault(_ reason: String, _ entry: Entry) -> Failure { text.fault(reason, at: entry.lines.lowerBound) }
}

extension TOMLOutline {
    private mutating func skipBlanks() { text.word { $0 == 0x20 || $0 == 9 || $0 == 13 } }

    private mutating func skipComment() {
        if text.peek == UInt8(ascii: "#") { text.word { $0 != 10 } }
    }

    private mutating func skipLines() {
        repeat {
            skipBlanks()
            skipComment()
        } while text.skip("\n")
    }

    /// A key, or several with points between them.
    private mutating func keys() throws(Failure) -> [String] {
        var keys: [String] = []
        repeat {
            skipBlanks()
            let isQuoted = text.peek == UInt8(ascii: "\"") || text.peek == UInt8(ascii: "'")
            let key = isQuoted ? try text.quoted(escapes: text.peek == UInt8(ascii: "\"")) : text.word(Self.isBare)
            guard isQuoted || !key.isEmpty else { throw text.expected("a key or a table") }
            keys.append(key)
            skipBlanks()
        } while text.skip(".")
        return keys
    }

    private static func isBare(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }

    private mutating func skipValue() throws(Failure) {
        switch text.peek {
        case UInt8(ascii: "\""), UInt8(ascii: "'"): try skipText()
        case UInt8(ascii: "["): try skipList(end: "]")
        case UInt8(ascii: "{"): try skipList(end: "}")
        default:
            let word = text.word { $0 > 0x20 && !",]}#\"'[{=".utf8.contains($0) }
            guard !word.isEmpty else { throw text.expected("a value") }
        }
    }

    private mutating func skipList(end: Unicode.Scalar) throws(Failure) {
        text.at += 1
        while true {
            skipLines()
            if text.skip(end) { return }
            if end == "}" {
                _ = try keys()
                try text.require("=")
                skipBlanks()
            }
            try skipValue()
            skipLines()
            guard text.skip(",") || text.peek == UInt8(ascii: end) else { throw text.expected("\",\" or \"\(end)\"") }
        }
    }

    /// A text in single or double quotes, or in three of them over any number of lines.
    private mutating func skipText() throws(Failure) {
        let quote = text.bytes[text.at]
        let escapes = quote == UInt8(ascii: "\"")
        let mark = [quote, quote, quote]
        guard text.bytes[text.at...].starts(with: mark) else {
            _ = try text.quoted(escapes: escapes)
            return
        }
        text.at += 3
        while text.peek != nil {
            if text.bytes[text.at...].starts(with: mark) {
                text.at += 3
                // Up to two quotes may stand before the end.
                text.word { $0 == quote }
                return
            }
            if escapes, text.skip("\\") { text.at = min(text.at + 1, text.bytes.count) } else { text.at += 1 }
        }
        throw text.expected("the quotes that end the text")
    }
}
