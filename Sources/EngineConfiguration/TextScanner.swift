internal import HostSystem

/// A place in the text of a configuration, and the steps that TOML and JSON have in common.
struct TextScanner {
    let file: String
    let bytes: [UInt8]
    var at = 0

    init(_ bytes: [UInt8], named file: String) {
        self.bytes = bytes
        self.file = file
    }

    var peek: UInt8? { at < bytes.count ? bytes[at] : nil }

    /// Whether the next byte is the one expected, which is then passed.
    mutating func skip(_ byte: Unicode.Scalar) -> Bool {
        guard peek == UInt8(ascii: byte) else { return false }
        at += 1
        return true
    }

    mutating func require(_ byte: Unicode.Scalar) throws(Failure) {
        guard skip(byte) else { throw expected("\"\(byte)\"") }
    }

    /// Passes bytes that belong to a set, and returns them.
    @discardableResult
    mutating func word(_ belongs: (UInt8) -> Bool) -> String {
        let start = at
        while let byte = peek, belongs(byte) { at += 1 }
        return text(start..<at)
    }

    /// Passes a text on one line up to its quote, which is at the place; escapes stay as they are.
    mutating func quoted(escapes: Bool) throws(Failure) -> String {
        let quote = bytes[at]
        at += 1
        let start = at
        while let byte = peek, byte != 10 {
            at += 1
            if byte == quote { return text(start..<at - 1) }
            if escapes, byte == UInt8(ascii: "\\"), let next = peek, next != 10 { at += 1 }
        }
        throw expected("the quote that ends the text")
    }

    func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

    /// The line of a place, counted from 1.
    func line(of place: Int) -> Int { 1 + bytes[..<place].count { $0 == 10 } }

    func expected(_ what: String) -> Failure { fault("expected \(what)", at: at) }

    func fault(_ reason: String, at place: Int) -> Failure { Failure("\(file):\(line(of: place)): \(reason)") }
}
