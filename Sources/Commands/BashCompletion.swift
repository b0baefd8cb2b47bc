/// Completions for bash.
enum BashCompletion {
    static func script() -> String {
        let declarations = Catalogue.declarations
        return """
            # bash completion for \(Release.program), made by "\(Release.program) completion bash"
            \(containersFunction())
            _\(Release.program)() {
                local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
            \(commandSearch())
                case "$command $previous" in
            \(values(command: "", GlobalOptions.all))\(declarations.map { values(command: $0.name, $0.options) }.joined())
                esac
                if [[ $current == -* ]]; then
                    case $command in
                    "") words="\(spellings(GlobalOptions.all))" ;;
            \(declarations.map { "        \($0.name)) words=\"\(spellings($0.options))\" ;;\n" }.joined())
                    esac
                else
                    case $command in
                    "") words="\(declarations.map(\.name).joined(separator: " "))" ;;
            \(declarations.map(positionals).joined())
                    esac
                fi
                COMPREPLY=($(compgen -W "$words" -- "$current"))
            }
            complete -F _\(Release.program) \(Release.program)

            """
    }

    /// Finds the command and the value of `--root` among the words before the cursor.
    private static func commandSearch() -> String {
        """
            local command= option= root= words= i
            [[ $previous == = ]] && previous=${COMP_WORDS[COMP_CWORD - 2]}
            [[ $current == = ]] && current=
            for ((i = 1; i < COMP_CWORD; i++)); do
                case ${COMP_WORDS[i]} in
                =) ;;
                \(valueOptions(GlobalOptions.all))) option=${COMP_WORDS[i]} ;;
                -*) option= ;;
                *)
                    [[ -z $option ]] && command=${COMP_WORDS[i]} && break
                    [[ $option == --root ]] && root=${COMP_WORDS[i]}
                    option=
                    ;;
                esac
            done
        """
    }

    private static func containersFunction() -> String {
        """
        _\(Release.program)_containers() {
            \(Release.program) ${1:+--root "$1"} list --quiet 2>/dev/null
        }
        """
    }

    private static func spellings(_ options: [Option]) -> String {
        options.flatMap(\.spellings).joined(separator: " ")
    }

    /// The options whose value is the next word, as a pattern. Bash makes a word of the equals sign, too.
    private static func valueOptions(_ options: [Option]) -> String {
        options.filter { option in
            switch option.value {
            case .flag, .optionalChoice: false
            default: true
            }
        }.flatMap(\.spellings).joined(separator: " | ")
    }

    /// What follows the options of a command that take a value.
    private static func values(command: String, _ options: [Option]) -> String {
        options.compactMap { option -> String? in
            guard let action = action(option.value) else { return nil }
            let pattern = option.spellings.map { "\"\(command) \($0)\"" }.joined(separator: " | ")
            return "    \(pattern)) \(action); return ;;\n"
        }.joined()
    }

    private static func action(_ value: Option.Value) -> String? {
        switch value {
        case .flag: nil
        case .text, .number: "COMPREPLY=()"
        case .file: "compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- \"$current\")"
        case .directory: "compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- \"$current\")"
        case .choice(let words), .optionalChoice(let words):
            "COMPREPLY=($(compgen -W \"\(words.joined(separator: " "))\" -- \"$current\"))"
        }
    }

    private static func positionals(_ declaration: Declaration) -> String {
        let words = declaration.positionals.compactMap { positional -> String? in
            switch positional.kind {
            case .newContainer, .program: nil
            case .container: "$(_\(Release.program)_containers \"$root\")"
            case .signal: signalNames.joined(separator: " ")
            case .command: Catalogue.declarations.map(\.name).joined(separator: " ")
            case .choice(let words): words.joined(separator: " ")
            case .file: "$(compgen -f -- \"$current\")"
            }
        }
        guard !words.isEmpty else { return "" }
        return "        \(declaration.name)) words=\"\(words.joined(separator: " "))\" ;;\n"
    }
}
