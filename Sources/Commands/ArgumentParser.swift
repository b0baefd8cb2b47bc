/// Reads words into options and positional arguments, by the rules of Go's flag package as runc applies them.
///
/// One dash or two make no difference, values follow as the next word or after `=`, a flag may be given `=false`,
/// options may follow positional arguments, `--` ends them, and single letters cannot be joined.
struct ArgumentParser {
    private let options: [Option]
    private let stopsAtPositional: Bool
    private var rest: ArraySlice<String>
    private var arguments = Arguments()

    /// Reads `words` and returns what is understood.
    ///
    /// - Parameters:
    ///   - options: What may occur.
    ///   - stopsAtPositional: Whether the first word that is no option makes all that follow positional.
    static func parse(
        _ words: ArraySlice<String>, options: [Option], stopsAtPositional: Bool = false
    ) throws(UsageError) -> Arguments {
        var parser = ArgumentParser(options: options, stopsAtPositional: stopsAtPositional, rest: words)
        try parser.run()
        parser.arguments.positionals += parser.rest
        return parser.arguments
    }

    /// Reads the words up to the first one that is no option; returns the others untouched.
    static func parseLeading(
        _ words: ArraySlice<String>, options: [Option]
    ) throws(UsageError) -> (arguments: Arguments, rest: ArraySlice<String>) {
        var parser = ArgumentParser(options: options, stopsAtPositional: true, rest: words)
        try parser.run()
        return (parser.arguments, parser.rest)
    }

    private init(options: [Option], stopsAtPositional: Bool, rest: ArraySlice<String>) {
        self.options = options
        self.stopsAtPositional = stopsAtPositional
        self.rest = rest
    }

    private mutating func run() throws(UsageError) {
        while let word = rest.first {
            let isOption = word.utf8.count > 1 && word.utf8.first == UInt8(ascii: "-")
            if !isOption, stopsAtPositional { return }
            rest.removeFirst()
            if !isOption {
                arguments.positionals.append(word)
            } else if word == "--" {
                guard !stopsAtPositional else { return }
                arguments.positionals += rest
                rest = []
            } else {
                try readOption(word)
            }
        }
    }

    private mutating func readOption(_ word: String) throws(UsageError) {
        let bare = word.hasPrefix("--") ? word.dropFirst(2) : word.dropFirst()
        guard let first = bare.utf8.first, first != UInt8(ascii: "-"), first != UInt8(ascii: "=") else {
            throw UsageError("bad flag syntax: \(word)")
        }
        let parts = bare.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let name = parts.first.map(String.init) ?? ""
        guard let option = options.first(where: { $0.names.contains(name) }) else {
            throw UsageError("flag provided but not defined: -\(name)")
        }
        if case .refused(let reason) = option.standing {
            throw UsageError("flag -\(name) is not supported: \(reason)")
        }
        let attached = parts.count == 2 ? String(parts[1]) : nil
        arguments.set(option, try value(of: option, named: name, attached: attached))
    }

    private mutating func value(
        of option: Option, named name: String, attached: String?
    ) throws(UsageError) -> Arguments.Value {
        switch option.value {
        case .flag:
            return .flag(try truth(attached, of: name))
        case .text, .file, .directory:
            return .text(try required(attached, of: name))
        case .number:
            return .number(try number(required(attached, of: name), of: name))
        case .choice(let words):
            let word = try required(attached, of: name)
            guard words.contains(word) else {
                throw UsageError("invalid \(option.name): \(word) (must be \(Self.alternatives(words)))")
            }
            return .text(word)
        case .optionalChoice(let words):
            let word = attached ?? nextWord(among: words) ?? words.first ?? ""
            guard words.contains(word) else {
                throw UsageError("invalid \(option.name): \(word) (must be \(Self.alternatives(words)))")
            }
            return .text(word)
        }
    }

    private mutating func required(_ attached: String?, of name: String) throws(UsageError) -> String {
        if let attached { return attached }
        guard let next = rest.popFirst() else { throw UsageError("flag needs an argument: -\(name)") }
        return next
    }

    /// Takes the next word only when it is a value, for an option whose value may be left out.
    private mutating func nextWord(among words: [String]) -> String? {
        guard let next = rest.first, words.contains(next) else { return nil }
        return rest.popFirst()
    }

    private func truth(_ text: String?, of name: String) throws(UsageError) -> Bool {
        switch text {
        case nil, "1", "t", "T", "true", "TRUE", "True": return true
        case "0", "f", "F", "false", "FALSE", "False": return false
        case .some(let other): throw UsageError("invalid boolean value \"\(other)\" for -\(name): parse error")
        }
    }

    private func number(_ text: String, of name: String) throws(UsageError) -> Int32 {
        guard let wide = Int64(text) else {
            throw UsageError("invalid value \"\(text)\" for flag -\(name): parse error")
        }
        guard let number = Int32(exactly: wide), number >= 0 else {
            throw UsageError("invalid value \"\(text)\" for flag -\(name): value out of range")
        }
        return number
    }

    /// `a`, `a or b`, `a, b or c`
    static func alternatives(_ words: [String]) -> String {
        guard let last = words.last, words.count > 1 else { return words.first ?? "" }
        return words.dropLast().joined(separator: ", ") + " or " + last
    }
}
