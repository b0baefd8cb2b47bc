/// Completions for fish.
enum FishCompletion {
    static func script() -> String {
        let declarations = Catalogue.declarations
        let atCommand = "__fish_use_subcommand"
        var lines = [
            "# fish completion for \(Release.program), made by \"\(Release.program) completion fish\"",
            "function __\(Release.program)_containers",
            "    \(Release.program) list --quiet 2>/dev/null",
            "end",
            "complete -c \(Release.program) -f",
        ]
        lines += GlobalOptions.all.map { line(atCommand, option: $0) }
        for declaration in declarations {
            lines.append(line(atCommand, words: declaration.name, help: declaration.summary))
        }
        for declaration in declarations {
            let condition = "__fish_seen_subcommand_from \(declaration.name)"
            lines += declaration.options.map { line(condition, option: $0) }
            lines += declaration.positionals.compactMap { positional in
                words(positional.kind).map { line(condition, words: $0, help: positional.name) }
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func line(_ condition: String, option: Option) -> String {
        let names = option.names.map { $0.utf8.count == 1 ? "-s \($0)" : "-l \($0)" }.joined(separator: " ")
        let value =
            switch option.value {
            case .flag: ""
            case .text, .number: " -x"
            case .file: " -r -F"
            case .directory: " -x -a '(__fish_complete_directories)'"
            case .choice(let words): " -x -a '\(words.joined(separator: " "))'"
            case .optionalChoice(let words): " -a '\(words.joined(separator: " "))'"
            }
        return "complete -c \(Release.program) -n '\(condition)' \(names)\(value) -d '\(escaped(option.fullHelp))'"
    }

    private static func line(_ condition: String, words: String, help: String) -> String {
        "complete -c \(Release.program) -n '\(condition)' -a '\(words)' -d '\(escaped(help))'"
    }

    private static func words(_ kind: Positional.Kind) -> String? {
        switch kind {
        case .newContainer, .program: nil
        case .container: "(__\(Release.program)_containers)"
        case .signal: signalNames.joined(separator: " ")
        case .command: Catalogue.declarations.map(\.name).joined(separator: " ")
        case .choice(let words): words.joined(separator: " ")
        case .file: "(__fish_complete_path)"
        }
    }

    private static func escaped(_ text: String) -> String {
        text.unicodeScalars.map { $0 == "'" || $0 == "\\" ? "\\\($0)" : String($0) }.joined()
    }
}
