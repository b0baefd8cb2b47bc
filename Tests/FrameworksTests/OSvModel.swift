/// What OSv makes of its command line, from its documentation (the usage text of loader.cc, the comments of
/// core/commands.cc): options in front, a backslash keeps a blank; then programs, separated by `;`, `&` or `!`.
struct OSvModel {
    private(set) var options: [(name: String, value: [UInt8])] = []
    private(set) var commands: [[[UInt8]]] = []

    /// Reads a line; nil where OSv prints its usage and ends.
    init?(_ line: [UInt8]) {
        var rest = line[...]
        let blanks: Set<UInt8> = [0x20, 0x09, 0x0A]
        while let first = rest.drop(while: { blanks.contains($0) }).first, first == 0x2D {
            rest = rest.drop { blanks.contains($0) }
            var option: [UInt8] = []
            while let byte = rest.popFirst(), !blanks.contains(byte) {
                guard byte == 0x5C else {
                    option.append(byte)
                    continue
                }
                guard let kept = rest.popFirst() else { return nil }
                option.append(kept)
            }
            guard option.starts(with: [0x2D, 0x2D]) else { return nil }
            let parts = option.dropFirst(2).split(separator: 0x3D, maxSplits: 1, omittingEmptySubsequences: false)
            let value = parts.count == 2 ? Array(parts[1]) : nil
            guard value != [] else { return nil }
            options.append((String(decoding: parts[0], as: UTF8.self), value ?? []))
        }
        guard rest.allSatisfy({ $0 < 128 }) else { return nil }
        while let command = Self.command(&rest) { commands.append(command) }
        guard rest.isEmpty else { return nil }
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || 9...13 ~= byte }

    private static func command(_ rest: inout ArraySlice<UInt8>) -> [[UInt8]]? {
        var words: [[UInt8]] = []
        while true {
            rest = rest.drop(while: isBlank)
            guard let first = rest.first else { return words.isEmpty ? nil : words }
            if ";&!".utf8.contains(first) {
                rest = rest.dropFirst()
                return words
            }
            let isQuoted = first == 0x22
            if isQuoted { rest = rest.dropFirst() }
            var word: [UInt8] = []
            while let byte = rest.first, isQuoted ? byte != 0x22 : !" ;&!".utf8.contains(byte) {
                rest = rest.dropFirst()
                if byte == 0x5C, let next = rest.first, let meant = escapes[next] {
                    rest = rest.dropFirst()
                    word.append(meant)
                } else {
                    word.append(byte)
                }
            }
            if isQuoted {
                guard !rest.isEmpty else { return nil }
                rest = rest.dropFirst()
            }
            // What is behind the first dollar sign is a variable's name, here of none that there is.
            words.append(Array(word.prefix { $0 != 0x24 }))
        }
    }

    private static let escapes: [UInt8: UInt8] = [
        0x61: 7, 0x62: 8, 0x66: 12, 0x6E: 10, 0x72: 13, 0x74: 9, 0x76: 11, 0x5C: 0x5C, 0x27: 0x27, 0x22: 0x22,
    ]

    /// The values of an option, in order.
    func values(_ name: String) -> [[UInt8]] { options.filter { $0.name == name }.map(\.value) }
}
