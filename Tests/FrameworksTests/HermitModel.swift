/// What a Hermit kernel makes of its command line, from its documentation (README.md of the loader, src/env): words as in a
/// shell, options in front of `--`, and behind it the application's arguments.
struct HermitModel {
    private(set) var image: [UInt8]?
    private(set) var environment: [[UInt8]: [UInt8]] = [:]
    private(set) var arguments: [[UInt8]] = []
    /// Words that are logged as errors.
    private(set) var unknown: [[UInt8]] = []

    /// Reads a line; nil where the kernel would stop, or read less than all of it.
    init?(_ line: [UInt8]) {
        guard let words = Self.split(line) else { return nil }
        var rest = words[...]
        while let word = rest.popFirst() {
            let text = String(decoding: word, as: UTF8.self)
            if text == "--" {
                arguments += rest
                return
            }
            if ["-ip", "-mask", "-gateway"].contains(text) {
                guard let value = rest.popFirst() else { return nil }
                environment[Array("HERMIT_\(text.dropFirst().uppercased())".utf8)] = value
            } else if word.starts(with: Array("env=".utf8)) {
                let entry = word.dropFirst(4)
                guard let place = entry.firstIndex(of: 0x3D) else { return nil }
                environment[Array(entry[..<place])] = Array(entry[(place + 1)...])
            } else if word.contains(0x3D) || image != nil {
                unknown.append(word)
            } else {
                image = word
            }
        }
    }

    /// Words as POSIX' shell has them, without expansions: quotes, backslashes, and comments.
    static func split(_ line: [UInt8]) -> [[UInt8]]? {
        let blanks: Set<UInt8> = [0x20, 0x09, 0x0A]
        var words: [[UInt8]] = []
        var rest = line[...]
        while true {
            rest = rest.drop { blanks.contains($0) }
            guard let first = rest.first else { return words }
            if first == UInt8(ascii: "#") {
                rest = rest.drop { $0 != 0x0A }
                continue
            }
            var word: [UInt8] = []
            while let byte = rest.popFirst(), !blanks.contains(byte) {
                switch byte {
                case UInt8(ascii: "'"):
                    guard let end = rest.firstIndex(of: byte) else { return nil }
                    word += rest[..<end]
                    rest = rest[(end + 1)...]
                case UInt8(ascii: "\""):
                    guard let part = doubleQuoted(&rest) else { return nil }
                    word += part
                case UInt8(ascii: "\\"):
                    guard let next = rest.popFirst() else { return nil }
                    if next != 0x0A { word.append(next) }
                default: word.append(byte)
                }
            }
            words.append(word)
        }
    }

    private static func doubleQuoted(_ rest: inout ArraySlice<UInt8>) -> [UInt8]? {
        var part: [UInt8] = []
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\"") { return part }
            guard byte == UInt8(ascii: "\\") else {
                part.append(byte)
                continue
            }
            guard let next = rest.popFirst() else { return nil }
            if "$`\"\\".utf8.contains(next) { part.append(next) } else if next != 0x0A { part += [byte, next] }
        }
        return nil
    }
}
