/// One option, as data: the parser, the help, the manual page and the completions are made from it.
struct Option: Sendable {
    /// What follows an option's name.
    enum Value: Sendable, Equatable {
        /// Nothing, or `=true` and `=false` as Go's flag package has them.
        case flag
        /// Any text; the payload stands for it in the help.
        case text(String)
        /// The path of a file.
        case file(String)
        /// The path of a directory.
        case directory(String)
        /// A whole number from 0 to 2147483647.
        case number(String)
        /// One word of a list.
        case choice([String])
        /// One word of a list, or nothing, which means the first.
        case optionalChoice([String])
    }

    /// Whether the option does anything.
    enum Standing: Sendable, Equatable {
        case works
        /// Accepted, because callers of other runtimes pass it, but without effect; the payload says why.
        case ignored(String)
        /// Known, but refused, because a caller would wait for what never comes; the payload says why.
        case refused(String)
    }

    /// All names without dashes, the long one first.
    let names: [String]
    let value: Value
    /// What the option means, in one line.
    let help: String
    /// What holds when the option is not given, where that is not "nothing".
    let preset: String?
    let standing: Standing

    init(
        _ names: String..., value: Value = .flag, preset: String? = nil, standing: Standing = .works, help: String
    ) {
        self.names = names
        self.value = value
        self.preset = preset
        self.standing = standing
        self.help = help
    }

    /// The name that identifies the option.
    var name: String { names.first ?? "" }

    /// The names as they are typed: `--bundle`, `-b`.
    var spellings: [String] { names.map(Self.spelling) }

    /// A name as it is typed.
    static func spelling(_ name: String) -> String { name.utf8.count == 1 ? "-\(name)" : "--\(name)" }

    /// What stands for the value in the help: `DIR`, `text|json`, `[true|false]`; nil for a flag.
    var placeholder: String? {
        switch value {
        case .flag: nil
        case .text(let word), .file(let word), .directory(let word), .number(let word): word
        case .choice(let words): words.joined(separator: "|")
        case .optionalChoice(let words): "[\(words.joined(separator: "|"))]"
        }
    }

    /// The help with the default value and with what is to be said about an option without effect.
    var fullHelp: String {
        var text = help
        if let preset { text += " (default: \(preset))" }
        switch standing {
        case .works: break
        case .ignored(let reason): text += " (accepted, no effect: \(reason))"
        case .refused(let reason): text += " (refused: \(reason))"
        }
        return text
    }

    /// Every command has it.
    static let showHelp = Option("help", "h", help: "show this help")
}
