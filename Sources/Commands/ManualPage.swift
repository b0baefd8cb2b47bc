/// Manual pages in the mdoc language. See mdoc(7).
enum ManualPage {
    /// The page about the program: `swiftlet(8)`.
    static func program() -> String {
        var page = head(title: Release.program, summary: GlobalOptions.summary)
        page += ".Nm\n.Op Ar global options\n.Ar command\n.Op Ar command options\n.Op Ar arguments ...\n"
        page += section("DESCRIPTION", paragraphs(GlobalOptions.description))
        page += section("COMMANDS", list(Catalogue.declarations.map { (".It Cm \($0.name)", $0.summary) }))
        page += section("GLOBAL OPTIONS", list(GlobalOptions.all.map { (item($0), $0.fullHelp) }))
        page += section("ENVIRONMENT", list(GlobalOptions.environment.map { (".It Ev \($0)", $1) }))
        page += exitStatus()
        return page + seeAlso(Catalogue.commands.map { name(of: $0.name) })
    }

    /// The page about one command: `swiftlet-create(8)`.
    static func command(_ declaration: Declaration) -> String {
        var page = head(title: name(of: declaration.name), summary: declaration.summary)
        page += ".Nm \(Release.program)\n.Op Ar global options\n.Cm \(declaration.name)\n"
        for option in declaration.options { page += synopsis(option) }
        for positional in declaration.positionals {
            let name = positional.kind == .program ? "\(positional.name) ..." : positional.name
            page += positional.isRequired ? ".Ar \(name)\n" : ".Op Ar \(name)\n"
        }
        page += section("DESCRIPTION", paragraphs(declaration.description))
        page += section("OPTIONS", list(declaration.options.map { (item($0), $0.fullHelp) }))
        page += exitStatus()
        if !declaration.examples.isEmpty {
            page += section(
                "EXAMPLES",
                declaration.examples.map { "\(line($0.meaning)):\n.Dl \(argument($0.line))\n" }
                    .joined(separator: ".Pp\n"))
        }
        return page + seeAlso([Release.program])
    }

    private static func name(of command: String) -> String { "\(Release.program)-\(command)" }

    private static func head(title: String, summary: String) -> String {
        """
        .\\" Made by "\(Release.program) man" from the declarations of the command line.
        .Dd \(Release.date)
        .Dt \(title.uppercased()) 8
        .Os
        .Sh NAME
        .Nm \(title)
        .Nd \(argument(summary))
        .Sh SYNOPSIS

        """
    }

    private static func section(_ title: String, _ body: String) -> String { ".Sh \(title)\n\(body)" }

    private static func paragraphs(_ paragraphs: [String]) -> String {
        paragraphs.map(filled).joined(separator: ".Pp\n")
    }

    private static func list(_ rows: [(String, String)]) -> String {
        let items = rows.map { head, body in head + "\n" + filled(body) }
        return ".Bl -tag -width Ds\n\(items.joined()).El\n"
    }

    private static func exitStatus() -> String {
        section("EXIT STATUS", list(GlobalOptions.exitStatus.map { (".It \($0)", $1) }))
    }

    private static func seeAlso(_ pages: [String]) -> String {
        section("SEE ALSO", pages.sorted().map { ".Xr \($0) 8" }.joined(separator: " ,\n") + "\n")
    }

    /// `.It Fl -bundle Ar DIR , Fl b Ar DIR`; the macro Fl adds one dash.
    private static func item(_ option: Option) -> String {
        ".It " + option.names.map { flag($0, option) }.joined(separator: " , ")
    }

    private static func synopsis(_ option: Option) -> String {
        ".Op \(flag(option.name, option))\n"
    }

    private static func flag(_ name: String, _ option: Option) -> String {
        let flag = "Fl \(Option.spelling(name).dropFirst())"
        return option.placeholder.map { "\(flag) Ar \($0)" } ?? flag
    }

    /// Text in short lines; every sentence starts a line, because mdoc puts the right space after it then.
    private static func filled(_ text: String) -> String {
        var sentences: [[Substring]] = [[]]
        for word in text.split(separator: " ") {
            sentences[sentences.count - 1].append(word)
            if word.hasSuffix(".") { sentences.append([]) }
        }
        return sentences.flatMap { HelpText.wrapped($0.joined(separator: " "), width: 78) }
            .map { line($0) + "\n" }.joined()
    }

    /// A line of text that is not taken for a request.
    private static func line(_ text: String) -> String {
        let escaped = argument(text)
        return escaped.hasPrefix(".") || escaped.hasPrefix("'") ? "\\&\(escaped)" : escaped
    }

    private static func argument(_ text: String) -> String {
        text.unicodeScalars.map { $0 == "\\" ? "\\e" : String($0) }.joined()
    }
}
