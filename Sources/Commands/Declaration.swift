/// What may stand in the place of one positional argument.
struct Positional: Sendable {
    /// What a shell can offer there.
    enum Kind: Sendable, Equatable {
        /// A name the caller makes up.
        case newContainer
        /// The name of a container that exists.
        case container
        case signal
        /// The name of a command.
        case command
        case choice([String])
        case file
        /// Any number of words that are not this program's: a program and its arguments.
        case program
    }

    let name: String
    let kind: Kind
    let isRequired: Bool

    init(_ name: String, _ kind: Kind, optional: Bool = false) {
        self.name = name
        self.kind = kind
        isRequired = !optional
    }

    /// `<container-id>`, or `[signal]` when it may be left out, or `[command...]`.
    var synopsis: String {
        let text = kind == .program ? "\(name)..." : name
        return isRequired ? "<\(text)>" : "[\(text)]"
    }

    static let newContainer = Positional("container-id", .newContainer)
    static let container = Positional("container-id", .container)
}

/// A command, as data: everything about it but what it does.
struct Declaration: Sendable {
    /// A line to type and what it does.
    struct Example: Sendable {
        let line: String
        let meaning: String
    }

    let name: String
    /// One line without a full stop.
    let summary: String
    /// Paragraphs.
    let description: [String]
    /// The options besides `--help`.
    let ownOptions: [Option]
    let positionals: [Positional]
    let examples: [Example]

    init(
        name: String, summary: String, description: [String], options: [Option] = [], positionals: [Positional] = [],
        examples: [Example] = []
    ) {
        self.name = name
        self.summary = summary
        self.description = description
        ownOptions = options
        self.positionals = positionals
        self.examples = examples
    }

    /// All options of the command.
    var options: [Option] { ownOptions + [Option.showHelp] }

    /// Whether all words after the first positional argument belong to another program.
    var endsWithWords: Bool { positionals.last?.kind == .program }

    /// `swiftlet kill [command options] <container-id> [signal]`
    func synopsis(as program: String) -> String {
        ([program, name, "[command options]"] + positionals.map(\.synopsis)).joined(separator: " ")
    }

    /// Refuses a number of positional arguments that the command does not take, in runc's words.
    func checkCount(of arguments: Arguments) throws(UsageError) {
        let count = arguments.positionals.count
        let least = positionals.count { $0.isRequired }
        let most = endsWithWords ? Int.max : positionals.count
        let complaint: String
        if least == most, count != least {
            complaint = "exactly \(least)"
        } else if count < least {
            complaint = "a minimum of \(least)"
        } else if count > most {
            complaint = "a maximum of \(most)"
        } else {
            return
        }
        throw UsageError("\(Release.program): \"\(name)\" requires \(complaint) argument(s)")
    }
}
