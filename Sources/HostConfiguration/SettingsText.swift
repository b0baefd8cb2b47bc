internal import HostSystem

/// A value of a configuration file.
enum SettingValue: Equatable {
    case text(String)
    case integer(Int64)
    case boolean(Bool)
    case texts([String])
}

/// `key = value` in a configuration file.
struct Setting: Equatable {
    let key: String
    let value: SettingValue
    /// The line of the key, counted from 1.
    let line: Int
}

/// A `[table]` of a configuration file with its settings; what stands before the first one is in a table without name.
struct SettingsTable: Equatable {
    /// The parts of its name between the points.
    let name: [String]
    let line: Int
    var settings: [Setting] = []
}

/// Reads the part of TOML 1.0 that the configuration needs: tables, strings on one line, decimal integers, booleans,
/// arrays of strings. Whatever else there is, is an error with the line and what was expected there.
struct SettingsText {
    private let file: String
    private let bytes: [UInt8]
    private var at = 0
    private var line = 1

    /// The tables of a file.
    ///
    /// - Throws: ``HostSystem/Failure`` with file, line and what was expected.
    static func tables(in bytes: [UInt8], named file: String) throws(Failure) -> [SettingsTable] {
        var reader = SettingsText(file: file, bytes: bytes)
        try reader.checkCharacters()
        return try reader.document()
    }

    private init(file: String, bytes: [UInt8]) {
        self.file = file
        self.bytes = bytes
    }

    private mutating func document() throws(Failure) -> [SettingsTable] {
        var tables = [SettingsTable(name: [], line: 1)]
        while true {
            skipLines()
            guard let next = peek else { return tables }
            if next == UInt8(ascii: "[") {
                let table = try header()
                if let first = tables.first(where: { $0.name == table.name }) {
                    throw fault("table [\(table.name.joined(separator: "."))] is there already, in line \(first.line)")
                }
                tables.append(table)
            } else {
                let setting = try setting()
                let last = tables.count - 1
                if let first = tables[last].settings.first(where: { $0.key == setting.key }) {
                    throw fault("key \"\(setting.key)\" is there already, in line \(first.line)", in: setting.line)
                }
                tables[last].settings.append(setting)
            }
            skipBlanks()
            guard peek == nil || skip(UInt8(ascii: "\n")) else { throw expected("the end of the line") }
        }
    }

    private mutating func header() throws(Failure) -> SettingsTable {
        at += 1
        var name: [String] = []
        repeat {
            skipBlanks()
            name.append(try bareKey("the name of a table"))
            skipBlanks()
        } while skip(UInt8(ascii: "."))
        guard skip(UInt8(ascii: "]")) else { throw expected("\"]\"") }
        return SettingsTable(name: name, line: line)
    }

    private mutating func setting() throws(Failure) -> Setting {
        let start = line
        let key = try bareKey("a key or a table")
        skipBlanks()
        guard skip(UInt8(ascii: "=")) else { throw expected("\"=\"") }
        skipBlanks()
        return Setting(key: key, value: try value(), line: start)
    }

    private mutating func bareKey(_ what: String) throws(Failure) -> String {
        let key = word { Self.isLetterOrDigit($0) || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-") }
        guard !key.isEmpty else { throw expected(what) }
        return key
    }
}

// MARK: values

extension SettingsText {
    private mutating func value() throws(Failure) -> SettingValue {
        switch peek {
        case UInt8(ascii: "\""), UInt8(ascii: "'"): return .text(try text())
        case UInt8(ascii: "["): return .texts(try texts())
        default: break
        }
        let start = at
        let word = word { $0 > 0x20 && $0 != UInt8(ascii: "#") && $0 != UInt8(ascii: ",") }
        if word == "true" || word == "false" { return .boolean(word == "true") }
        if let digits = Self.decimal(word) {
            guard let number = Int64(digits) else { throw fault("integer \(word) is too large") }
            return .integer(number)
        }
        at = start
        throw expected("a string in quotes, a decimal integer, true, false or an array of strings")
    }

    /// The digits of an integer as TOML has them, without underscores; nil for any other word.
    private static func decimal(_ word: String) -> String? {
        var digits = Substring(word)
        let sign = digits.hasPrefix("-") ? "-" : ""
        if digits.hasPrefix("-") || digits.hasPrefix("+") { digits = digits.dropFirst() }
        let groups = digits.split(separator: "_", omittingEmptySubsequences: false)
        guard groups.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy(isDigit) }) else { return nil }
        guard digits == "0" || !digits.hasPrefix("0") else { return nil }
        return sign + groups.joined()
    }

    private mutating func texts() throws(Failure) -> [String] {
        at += 1
        var texts: [String] = []
        while true {
            skipLines()
            if skip(UInt8(ascii: "]")) { return texts }
            guard peek == UInt8(ascii: "\"") || peek == UInt8(ascii: "'") else {
                throw expected("a string in quotes or \"]\"")
            }
            texts.append(try text())
            skipLines()
            guard skip(UInt8(ascii: ",")) || peek == UInt8(ascii: "]") else { throw expected("\",\" or \"]\"") }
        }
    }

    private mutating func text() throws(Failure) -> String {
        let quote = bytes[at]
        at += 1
        var content: [UInt8] = []
        while let byte = peek, byte != UInt8(ascii: "\n") {
            at += 1
            if byte == quote { return String(decoding: content, as: UTF8.self) }
            if byte == UInt8(ascii: "\\"), quote == UInt8(ascii: "\"") {
                content += try escaped()
            } else {
                content.append(byte)
            }
        }
        throw expected("the quote that ends the string")
    }

    private mutating func escaped() throws(Failure) -> [UInt8] {
        guard let kind = peek else { throw expected("the quote that ends the string") }
        at += 1
        switch kind {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): return [kind]
        case UInt8(ascii: "b"): return [8]
        case UInt8(ascii: "t"): return [9]
        case UInt8(ascii: "n"): return [10]
        case UInt8(ascii: "f"): return [12]
        case UInt8(ascii: "r"): return [13]
        case UInt8(ascii: "u"), UInt8(ascii: "U"):
            let count = kind == UInt8(ascii: "u") ? 4 : 8
            let digits = String(decoding: bytes[at..<min(at + count, bytes.count)], as: UTF8.self)
            guard digits.utf8.count == count, digits.utf8.allSatisfy(Self.isLetterOrDigit),
                let scalar = UInt32(digits, radix: 16).flatMap(Unicode.Scalar.init)
            else { throw expected("\(count) hexadecimal digits of a character") }
            at += count
            return Array(String(Character(scalar)).utf8)
        default:
            at -= 1
            throw expected("one of b t n f r u U \" \\ after the backslash")
        }
    }
}

// MARK: characters

extension SettingsText {
    private var peek: UInt8? { at < bytes.count ? bytes[at] : nil }

    /// What no file may hold anywhere: text that is not UTF-8, control characters.
    private mutating func checkCharacters() throws(Failure) {
        do throws(UTF8.ValidationError) {
            _ = try UTF8Span(validating: bytes.span)
        } catch {
            let place = bytes[..<error.byteOffsets.lowerBound]
            throw fault("expected UTF-8", in: 1 + place.count { $0 == UInt8(ascii: "\n") })
        }
        var number = 1
        for (index, byte) in bytes.enumerated() {
            if byte == UInt8(ascii: "\n") { number += 1 }
            let endsLine = byte == UInt8(ascii: "\r") && bytes.indices.contains(index + 1) && bytes[index + 1] == 10
            guard byte >= 0x20 && byte != 0x7F || byte == 9 || byte == 10 || endsLine else {
                throw fault("expected text, found a control character", in: number)
            }
        }
    }

    private mutating func skip(_ byte: UInt8) -> Bool {
        guard peek == byte else { return false }
        if byte == UInt8(ascii: "\n") { line += 1 }
        at += 1
        return true
    }

    /// Skips spaces, and a comment up to the end of the line.
    private mutating func skipBlanks() {
        while let byte = peek, byte == 0x20 || byte == 9 || byte == 13 { at += 1 }
        guard peek == UInt8(ascii: "#") else { return }
        while let byte = peek, byte != UInt8(ascii: "\n") { at += 1 }
    }

    private mutating func skipLines() {
        repeat { skipBlanks() } while skip(UInt8(ascii: "\n"))
    }

    private mutating func word(_ belongs: (UInt8) -> Bool) -> String {
        let start = at
        while let byte = peek, belongs(byte) { at += 1 }
        return String(decoding: bytes[start..<at], as: UTF8.self)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        isDigit(byte) || UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte | 0x20
    }

    private func fault(_ reason: String, in line: Int? = nil) -> Failure {
        Failure("\(file):\(line ?? self.line): \(reason)")
    }

    private func expected(_ what: String) -> Failure {
        let rest = String(decoding: bytes[at...].prefix { $0 > 0x20 }.prefix(40), as: UTF8.self)
        let found =
            switch peek {
            case nil: "the end of the file"
            case 10, 13: "the end of the line"
            default: rest.isEmpty ? "a space" : "\"\(rest)\""
            }
        return fault("expected \(what), found \(found)")
    }
}
