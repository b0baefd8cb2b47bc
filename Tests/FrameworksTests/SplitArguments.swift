/// Splits a command line as MirageOS's guests do, who use the library parse-argv.
///
/// White space separates words. Between single quotes everything stands for itself; between double quotes, and outside
/// of quotes, a backslash makes the next character stand for itself. Words without a byte vanish.
/// - Returns: nil where the library gives up.
func splitLikeParseArgv(_ line: [UInt8]) -> [[UInt8]]? {
    enum Quote { case none, single, double }
    var words: [[UInt8]] = []
    var word: [UInt8] = []
    var quote = Quote.none
    var rest = line[...]
    while let byte = rest.popFirst() {
        switch (byte, quote) {
        case (0x27, .none): quote = .single
        case (0x27, .single), (0x22, .double): quote = .none
        case (0x22, .none): quote = .double
        case (0x5C, .none), (0x5C, .double):
            guard let next = rest.popFirst() else { return nil }
            word.append(next)
        case (0x20, .none), (0x09...0x0D, .none):
            words.append(word)
            word = []
        default: word.append(byte)
        }
    }
    return (words + [word]).filter { !$0.isEmpty }
}

/// Splits a command line as Rumprun's guests do.
///
/// Blanks, tabs and line ends separate words. A quote of either kind begins a quoted part or, inside of one, changes its
/// kind, unless it is of the same kind and ends it; a backslash makes the next byte stand for itself everywhere.
func splitLikeRumprun(_ line: [UInt8]) -> [[UInt8]] {
    var words: [[UInt8]] = []
    var word: [UInt8]?
    var quote: UInt8?
    var rest = line[...]
    while let byte = rest.popFirst() {
        switch byte {
        case 0x5C:
            guard let next = rest.popFirst() else { break }
            word = (word ?? []) + [next]
        case quote: quote = nil
        case 0x27, 0x22:
            quote = byte
            word = word ?? []
        case 0x20, 0x09, 0x0A:
            if quote != nil {
                word?.append(byte)
            } else if let finished = word {
                words.append(finished)
                word = nil
            }
        default: word = (word ?? []) + [byte]
        }
    }
    return words + (word.map { [$0] } ?? [])
}
