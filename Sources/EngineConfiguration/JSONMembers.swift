internal import HostSystem

/// Where the members of a JSON object are in a text, so that one can be changed and all others stay as they are.
struct JSONMembers {
    struct Member {
        let name: String
        /// From the name's quote to the end of the value.
        let start: Int
        let value: Range<Int>
    }

    private var text: TextScanner
    private let open: Int
    private let close: Int
    let members: [Member]

    /// Reads the object that begins at `place`, with white space in front.
    ///
    /// - Parameter isWhole: Whether the text ends with the object.
    /// - Throws: ``HostSystem/Failure`` with file, line and what was expected.
    init(_ bytes: [UInt8], named file: String, at place: Int = 0, isWhole: Bool = false) throws(Failure) {
        text = TextScanner(bytes, named: file)
        text.at = place
        Self.skipSpace(&text)
        open = text.at
        members = try Self.skipObject(&text)
        close = text.at - 1
        guard isWhole else { return }
        Self.skipSpace(&text)
        guard text.peek == nil else { throw text.expected("the end of the file") }
    }

    subscript(name: String) -> Member? { members.last { $0.name == name } }

    /// A value that is a text, without looking at escapes.
    func string(_ name: String) -> String? {
        guard let value = self[name]?.value, value.count >= 2, text.bytes[value.lowerBound] == UInt8(ascii: "\"") else {
            return nil
        }
        return text.text(value.lowerBound + 1..<value.upperBound - 1)
    }

    /// The object that is a member's value.
    func object(_ name: String) throws(Failure) -> JSONMembers? {
        guard let member = self[name] else { return nil }
        return try JSONMembers(text.bytes, named: text.file, at: member.value.lowerBound)
    }

    /// The text with another value for a member, which is added where there is none.
    func setting(_ name: String, to value: String) -> [UInt8] {
        var bytes = text.bytes
        if let member = self[name] {
            bytes.replaceSubrange(member.value, with: value.utf8)
        } else if let last = members.last {
            // What separates the last name from what is before it, separates the new one too.
            let previous = members.dropLast().last?.value.upperBound
            var space = bytes[(previous ?? open + 1)..<last.start].filter { $0 != UInt8(ascii: ",") }
            if space.isEmpty, previous == nil { space = [0x20] }
            let addition = [UInt8(ascii: ",")] + space + Array("\"\(name)\": \(value)".utf8)
            bytes.insert(contentsOf: addition, at: last.value.upperBound)
        } else {
            bytes.replaceSubrange(open + 1..<close, with: "\n    \"\(name)\": \(value)\n".utf8)
        }
        return bytes
    }

    /// The text without a member.
    func removing(_ name: String) -> [UInt8] {
        var bytes = text.bytes
        guard let index = members.firstIndex(where: { $0.name == name }) else { return bytes }
        if index > 0 {
            bytes.removeSubrange(members[index - 1].value.upperBound..<members[index].value.upperBound)
        } else if members.count > 1 {
            bytes.removeSubrange(members[0].start..<members[1].start)
        } else {
            bytes.removeSubrange(open + 1..<close)
        }
        return bytes
    }
}

extension JSONMembers {
    private static func skipSpace(_ text: inout TextScanner) {
        text.word { $0 == 0x20 || 9...10 ~= $0 || $0 == 13 }
    }

    private static func skipObject(_ text: inout TextScanner) throws(Failure) -> [Member] {
        try text.require("{")
        var members: [Member] = []
        try skipList(&text, end: "}") { text throws(Failure) in
            let start = text.at
            guard text.peek == UInt8(ascii: "\"") else { throw text.expected("a name in quotes") }
            let name = try text.quoted(escapes: true)
            skipSpace(&text)
            try text.require(":")
            skipSpace(&text)
            let begin = text.at
            try skipValue(&text)
            members.append(Member(name: name, start: start, value: begin..<text.at))
        }
        return members
    }

    private static func skipList(
        _ text: inout TextScanner, end: Unicode.Scalar, _ element: (inout TextScanner) throws(Failure) -> Void
    ) throws(Failure) {
        skipSpace(&text)
        if text.skip(end) { return }
        repeat {
            skipSpace(&text)
            try element(&text)
            skipSpace(&text)
        } while text.skip(",")
        guard text.skip(end) else { throw text.expected("\",\" or \"\(end)\"") }
    }

    private static func skipValue(_ text: inout TextScanner) throws(Failure) {
        switch text.peek {
        case UInt8(ascii: "\""): _ = try text.quoted(escapes: true)
        case UInt8(ascii: "{"): _ = try skipObject(&text)
        case UInt8(ascii: "["):
            text.at += 1
            try skipList(&text, end: "]", skipValue)
        default:
            let start = text
            let word = text.word { $0 > 0x20 && !",]}\"[{:".utf8.contains($0) }
            let isNumber = word.utf8.first.map { "-0123456789".utf8.contains($0) } ?? false
            guard isNumber || ["true", "false", "null"].contains(word) else { throw start.expected("a value") }
        }
    }
}
