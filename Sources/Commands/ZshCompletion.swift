/// Completions for zsh.
enum ZshCompletion {
    static func script() -> String {
        let declarations = Catalogue.declarations
        return """
            #compdef \(Release.program)
            # zsh completion for \(Release.program), made by "\(Release.program) completion zsh"
            _\(Release.program)_containers() {
                local -a containers
                containers=(${(f)"$(_call_program containers \(Release.program) ${root:+--root} $root list --quiet 2>/dev/null)"})
                _describe container containers
            }
            _\(Release.program)_commands() {
                local -a commands
                commands=(
            \(declarations.map { "        '\($0.name):\(escaped($0.summary))'\n" }.joined())    )
                _describe command commands
            }
            _\(Release.program)() {
                local context state state_descr line
                typeset -A opt_args
                _arguments -C \\
            \(GlobalOptions.all.flatMap(arguments).map { "        \($0) \\\n" }.joined())\
                    '1:command:_\(Release.program)_commands' \\
                    '*::argument:->arguments'
                [[ $state == arguments ]] || return
                local root=${opt_args[--root]}
                case $line[1] in
            \(declarations.map(commandCase).joined())\
                esac
            }
            _\(Release.program) "$@"

            """
    }

    private static func commandCase(_ declaration: Declaration) -> String {
        let words = declaration.options.flatMap(arguments) + declaration.positionals.map(positional)
        return "    \(declaration.name))\n        _arguments \\\n"
            + words.map { "            \($0)" }.joined(separator: " \\\n") + "\n        ;;\n"
    }

    /// One specification for each name of the option; the names exclude each other.
    private static func arguments(_ option: Option) -> [String] {
        let exclusion = option.names.count > 1 ? "(\(option.spellings.joined(separator: " ")))" : ""
        return option.spellings.map { spelling in
            "'\(exclusion)\(spelling)\(suffix(spelling, option.value))[\(escaped(option.fullHelp))]\(action(option))'"
        }
    }

    /// `=` after a long name lets the value follow as a word or after an equals sign.
    private static func suffix(_ spelling: String, _ value: Option.Value) -> String {
        switch value {
        case .flag: ""
        case .optionalChoice: "=-"
        default: spelling.hasPrefix("--") ? "=" : ""
        }
    }

    private static func action(_ option: Option) -> String {
        switch option.value {
        case .flag: ""
        case .text(let word), .number(let word): ":\(escaped(word)):( )"
        case .file(let word): ":\(word):_files"
        case .directory(let word): ":\(word):_files -/"
        case .choice(let words): ":\(option.name):(\(words.joined(separator: " ")))"
        case .optionalChoice(let words): "::\(option.name):(\(words.joined(separator: " ")))"
        }
    }

    private static func positional(_ positional: Positional) -> String {
        let action =
            switch positional.kind {
            case .newContainer: "( )"
            case .program: "_normal"
            case .container: "_\(Release.program)_containers"
            case .signal: "(\(signalNames.joined(separator: " ")))"
            case .command: "_\(Release.program)_commands"
            case .choice(let words): "(\(words.joined(separator: " ")))"
            case .file: "_files"
            }
        if positional.kind == .program { return "'*::\(positional.name):\(action)'" }
        return "':\(positional.isRequired ? "" : ":")\(positional.name):\(action)'"
    }

    /// Text that ends neither the quotes nor the part of a specification that it stands in.
    private static func escaped(_ text: String) -> String {
        text.unicodeScalars.map { scalar in
            switch scalar {
            case "'": "'\\''"
            case "[", "]", ":", "\\": "\\\(scalar)"
            default: String(scalar)
            }
        }.joined()
    }
}
