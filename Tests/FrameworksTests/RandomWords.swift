import GuestModel

/// Random numbers that are the same in every run: SplitMix64.
struct SeededNumbers: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// Words that are hard on quoting: mostly of characters that somebody gives a meaning.
struct RandomWords {
    private static let meaningful = [
        " ", "  ", "\t", "\n", "\r", "\u{B}", "\u{C}", "'", "\"", "\\", "\\\\", "-", "--", "=", "{", "}", "[", "]", ":",
        ",",
        "/", "$", "#", ";", "&", "%", "*", "?", "~",
    ]
    private static let ordinary = ["a", "Z", "0", "ok", "word", "é", "日本", "🙂", "e\u{301}", "\u{A0}", "\u{2028}"]
    private static let rare = ["\0", "\u{1}", "\u{1B}", "\u{7F}", "\r\n"]

    var numbers: SeededNumbers

    init(seed: UInt64) { numbers = SeededNumbers(state: seed) }

    mutating func word() -> String {
        var word = ""
        for _ in 0..<Int.random(in: 0...8, using: &numbers) {
            let choice = Int.random(in: 0..<200, using: &numbers)
            let source = choice < 1 ? Self.rare : choice < 80 ? Self.meaningful : Self.ordinary
            word += source.randomElement(using: &numbers) ?? ""
        }
        return word
    }

    /// A program's arguments: its name, then up to seven words.
    mutating func arguments() -> [String] {
        ["/unikernel"] + (0..<Int.random(in: 0...7, using: &numbers)).map { _ in word() }
    }
}

/// Bytes, as words are compared: Swift takes differently composed characters for equal.
func bytes(_ words: [String]) -> [[UInt8]] { words.map { Array($0.utf8) } }

/// How the word is named in errors: `argument 3`.
func isNamed(_ index: Int, in error: GuestError) -> Bool { error.description.contains("argument \(index) ") }
