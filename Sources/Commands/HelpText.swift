/// The help, in the shape of runc's: NAME, USAGE, DESCRIPTION, OPTIONS.
enum HelpText {
    /// The help of the program, which was called by that name.
    static func program(as name: String) -> String {
        let commands = Catalogue.declarations.map { ($0.name, $0.summary) }
        return """
            NAME:
               \(name) - \(GlobalOptions.summary)

            USAGE:
               \(GlobalOptions.synopsis(as: name))

            DESCRIPTION:
            \(paragraphs(GlobalOptions.description))

            COMMANDS:
            \(aligned(commands))

            GLOBAL OPTIONS:
            \(options(GlobalOptions.all))

            """
    }

    /// The help of one command.
    static func command(_ declaration: Declaration, as name: String) -> String {
        var text = """
            NAME:
               \(name) \(declaration.name) - \(declaration.summary)

            USAGE:
               \(declaration.synopsis(as: name))

            DESCRIPTION:
            \(paragraphs(declaration.description))

            OPTIONS:
            \(options(declaration.options))

            """
        if !declaration.examples.isEmpty {
            text += "\nEXAMPLES:\n" + declaration.examples.map { "   # \($0.meaning)\n   \($0.line)\n" }.joined()
        }
        return text
    }

    private static func options(_ options: [Option]) -> String {
        aligned(options.map { option in (signature(option), option.fullHelp) })
    }

    /// `--bundle DIR, -b DIR`
    static func signature(_ option: Option) -> String {
        option.spellings.map { spelling in
            option.placeholder.map { "\(spelling) \($0)" } ?? spelling
        }.joined(separator: ", ")
    }

    private static func aligned(_ rows: [(String, String)]) -> String {
        let width = rows.map { $0.0.utf8.count }.max() ?? 0
        return rows.map { left, right in
            "   " + left + String(repeating: " ", count: width - left.utf8.count + 2) + right
        }.joined(separator: "\n")
    }

    private static func paragraphs(_ paragraphs: [String]) -> String {
        paragraphs.map { wrapped($0, width: 77).map { "   \($0)" }.joined(separator: "\n") }.joined(separator: "\n\n")
    }

    /// `text` in lines of at most `width` bytes where its words allow it.
    static func wrapped(_ text: String, width: Int) -> [String] {
        var lines: [String] = []
        for word in text.split(separator: " ") {
            if let last = lines.last, last.utf8.count + 1 + word.utf8.count <= width {
                lines[lines.count - 1] = "\(last) \(word)"
            } else {
                lines.append(String(word))
            }
        }
        return lines
    }
}
