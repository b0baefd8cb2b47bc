internal import HostSystem

/// Changes of a TOML file in blocks between two comments, which are all that is needed to take them back.
struct OwnLines {
    static let begin = "# swiftlet install-engine: begin"
    static let end = "# swiftlet install-engine: end"
    /// In front of a line that the block stands in the place of.
    static let before = "# before: "

    /// A block of ours in the place of some lines.
    private struct Edit {
        let lines: Range<Int>
        let text: String
    }

    let outline: TOMLOutline
    private var edits: [Edit] = []
    /// What comes after the last line.
    private var tail = ""

    init(_ outline: TOMLOutline) { self.outline = outline }

    /// `bytes` without blocks of ours.
    ///
    /// - Throws: ``HostSystem/Failure`` where a block has no end.
    static func removed(from bytes: [UInt8], named file: String) throws(Failure) -> [UInt8] {
        var kept: [UInt8] = []
        var start: Int?
        for (index, line) in lines(of: bytes).enumerated() {
            let words = line.filter { $0 != 10 && $0 != 13 }
            if words.elementsEqual(begin.utf8) {
                start = index + 1
            } else if start == nil {
                kept += line
            } else if words.elementsEqual(end.utf8) {
                start = nil
            } else if line.starts(with: before.utf8) {
                kept += line.dropFirst(before.utf8.count)
            }
        }
        if let start { throw Failure("\(file):\(start): nothing ends this block: expected a line \"\(end)\"") }
        return kept
    }

    /// The lines of a text, each with the byte that ends it.
    static func lines(of bytes: [UInt8]) -> [ArraySlice<UInt8>] {
        var lines: [ArraySlice<UInt8>] = []
        var start = 0
        while start < bytes.count {
            let end = bytes[start...].firstIndex(of: 10).map { $0 + 1 } ?? bytes.count
            lines.append(bytes[start..<end])
            start = end
        }
        return lines
    }

    /// Refuses to write a table that is there already, or whose name leads through a value or keys with points.
    func check(_ table: [String]) throws(Failure) {
        let name = Self.name(of: table)
        for entry in outline.entries {
            let path = entry.path
            if path.starts(with: table) {
                throw outline.fault("\(name) is there already, and not from install-engine: remove it first", entry)
            }
            if !entry.isTable, table.starts(with: path) {
                throw outline.fault("\(name) is needed as a table of its own, and is inside this value", entry)
            }
            if !entry.isTable, path.dropLast().count > entry.tableDepth,
                table.starts(with: path.prefix(entry.tableDepth + 1))
            {
                throw outline.fault("\(name) is needed as a table of its own, and is begun by this key", entry)
            }
        }
    }

    /// Gives a key a value: in the place of the one it has, below its table's header, or in a table at the end.
    mutating func set(_ table: [String], _ key: String, to value: String) throws(Failure) {
        if let entry = outline.entry(table + [key]) {
            let old = Self.lines(of: Array(outline.text.bytes[entry.lines]))
            let lines = old.map { Self.before + String(decoding: $0, as: UTF8.self) }.joined()
            let indent = outline.text.text(entry.lines).prefix { $0 == " " || $0 == "\t" }
            edits.append(
                Edit(lines: entry.lines, text: Self.ended(lines) + "\(indent)\(key) = \(value)\n"))
        } else if let header = outline.entries.first(where: { $0.isTable && $0.path == table }) {
            let end = header.lines.upperBound
            edits.append(Edit(lines: end..<end, text: "\(key) = \(value)\n"))
        } else {
            try check(table + [key])
            append("[\(Self.name(of: table))]\n\(key) = \(value)\n")
        }
    }

    /// Adds lines at the end of the file.
    mutating func append(_ lines: String) { tail += lines }

    /// The text with all the changes.
    func applied() -> [UInt8] {
        // A last line without an end gets one, and belongs to what ends there.
        let end = outline.text.bytes.count
        var bytes = Self.ended(outline.text.bytes)
        func moved(_ place: Int) -> Int { place == end ? bytes.count : place }
        let tail = self.tail.isEmpty ? [] : Self.block(self.tail)
        let changes = edits.sorted { $0.lines.lowerBound > $1.lines.lowerBound }.map {
            (moved($0.lines.lowerBound)..<moved($0.lines.upperBound), Self.block($0.text))
        }
        bytes += tail
        for (lines, text) in changes { bytes.replaceSubrange(lines, with: text) }
        return bytes
    }

    private static func block(_ text: String) -> [UInt8] { Array("\(begin)\n\(text)\(end)\n".utf8) }

    private static func ended(_ text: String) -> String { text.isEmpty || text.hasSuffix("\n") ? text : text + "\n" }

    private static func ended(_ bytes: [UInt8]) -> [UInt8] { bytes.isEmpty || bytes.last == 10 ? bytes : bytes + [10] }

    /// A table's name as it is written.
    static func name(of table: [String]) -> String {
        table.map { $0.utf8.contains(UInt8(ascii: ".")) ? "\"\($0)\"" : $0 }.joined(separator: ".")
    }
}
