/// The rules of RFC 8259 that json-c 0.16 does not hold even when strict, checked before it reads the text.
///
/// It lets through invalid UTF-8, raw control characters in strings, `NaN` and `Infinity`, keys in single quotes,
/// leading zeros and bare points in numbers; it cuts a key at `\u0000` and saturates an integer beyond 64 bits.
enum JSONLexicalCheck {
    /// The first fault of these kinds, if any. Everything else is left to json-c.
    static func firstFault(in bytes: [UInt8]) -> JSONFault? {
        do throws(UTF8.ValidationError) {
            _ = try UTF8Span(validating: bytes.span)
        } catch {
            return JSONFault(offset: error.byteOffsets.lowerBound, reason: "invalid UTF-8")
        }
        do throws(JSONFault) {
            try scan(bytes.span)
            return nil
        } catch {
            return error
        }
    }

    private static func scan(_ text: Span<UInt8>) throws(JSONFault) {
        var at = 0
        var isEmpty = true
        while at < text.count {
            switch text[at] {
            case 0x20, 0x09, 0x0A, 0x0D:
                at += 1
                continue
            case UInt8(ascii: "\""): at = try endOfString(text, from: at)
            case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): at = try endOfNumber(text, from: at)
            case UInt8(ascii: "'"), UInt8(ascii: "N"), UInt8(ascii: "I"):
                throw JSONFault(offset: at, reason: "unexpected character")
            case 0: throw JSONFault(offset: at, reason: "unexpected NUL byte")
            default: at += 1
            }
            isEmpty = false
        }
        if isEmpty { throw JSONFault(offset: 0, reason: "no JSON value, the text is empty") }
    }

    /// The index after the closing quote of the string that starts at `start`; json-c finds a missing quote.
    private static func endOfString(_ text: Span<UInt8>, from start: Int) throws(JSONFault) -> Int {
        var at = start + 1
        var hasNUL = false
        while at < text.count, text[at] != UInt8(ascii: "\"") {
            guard text[at] >= 0x20 else {
                throw JSONFault(offset: at, reason: "control character in a string, it must be escaped")
            }
            guard text[at] == UInt8(ascii: "\\") else {
                at += 1
                continue
            }
            hasNUL = hasNUL || isEscapedNUL(text, at)
            at += 2
        }
        at = min(at + 1, text.count)
        if hasNUL, firstAfterSpace(text, at) == UInt8(ascii: ":") {
            throw JSONFault(offset: start, reason: "NUL in an object key")
        }
        return at
    }

    private static func isEscapedNUL(_ text: Span<UInt8>, _ at: Int) -> Bool {
        guard at + 5 < text.count, text[at + 1] == UInt8(ascii: "u") else { return false }
        return (2...5).allSatisfy { text[at + $0] == UInt8(ascii: "0") }
    }

    private static func firstAfterSpace(_ text: Span<UInt8>, _ start: Int) -> UInt8? {
        var at = start
        while at < text.count {
            guard isSpace(text[at]) else { return text[at] }
            at += 1
        }
        return nil
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D
    }

    /// The index after the number that starts at `start`; what follows it is json-c's matter.
    private static func endOfNumber(_ text: Span<UInt8>, from start: Int) throws(JSONFault) -> Int {
        let isNegative = text[start] == UInt8(ascii: "-")
        let first = isNegative ? start + 1 : start
        var at = try endOfDigits(text, from: first)
        if text[first] == UInt8(ascii: "0"), at > first + 1 {
            throw JSONFault(offset: start, reason: "number with a leading zero")
        }
        switch at < text.count ? text[at] : 0 {
        case UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"):
            at = try endOfFraction(text, from: at)
            guard isFinite(text, start..<at) else { throw JSONFault(offset: start, reason: "number too large") }
        default:
            guard fits(text, first..<at, isNegative: isNegative) else {
                throw JSONFault(offset: start, reason: "integer beyond 64 bits")
            }
        }
        return at
    }

    private static func endOfFraction(_ text: Span<UInt8>, from start: Int) throws(JSONFault) -> Int {
        var at = start
        if text[at] == UInt8(ascii: ".") { at = try endOfDigits(text, from: at + 1) }
        guard at < text.count, text[at] | 0x20 == UInt8(ascii: "e") else { return at }
        at += 1
        if at < text.count, text[at] == UInt8(ascii: "+") || text[at] == UInt8(ascii: "-") { at += 1 }
        return try endOfDigits(text, from: at)
    }

    private static func isFinite(_ text: Span<UInt8>, _ range: Range<Int>) -> Bool {
        var number = ""
        for index in range { number.unicodeScalars.append(Unicode.Scalar(text[index])) }
        return Double(number)?.isFinite ?? false
    }

    private static func endOfDigits(_ text: Span<UInt8>, from start: Int) throws(JSONFault) -> Int {
        var at = start
        while at < text.count, UInt8(ascii: "0")...UInt8(ascii: "9") ~= text[at] { at += 1 }
        guard at > start else { throw JSONFault(offset: min(at, text.count), reason: "digit expected") }
        return at
    }

    private static func fits(_ text: Span<UInt8>, _ digits: Range<Int>, isNegative: Bool) -> Bool {
        var magnitude: UInt64 = 0
        for index in digits {
            let (tens, carry) = magnitude.multipliedReportingOverflow(by: 10)
            let (sum, overflow) = tens.addingReportingOverflow(UInt64(text[index] - UInt8(ascii: "0")))
            guard !carry, !overflow else { return false }
            magnitude = sum
        }
        return !isNegative || magnitude <= Int64.min.magnitude
    }
}
