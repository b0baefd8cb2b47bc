/// The help and the manual page, made from the options.
enum AgentHelp {
    private static let summary = "vAccel agent: carries out a guest's operations"

    /// What `--help` prints.
    static var text: String {
        var text =
            "\(AgentProgram.name) - \(summary)\n\nUSAGE:\n   \(AgentProgram.name) --address URI [options]\n\nOPTIONS:\n"
        for option in AgentOption.all {
            let words = option.names.joined(separator: ", ") + (option.placeholder.map { " " + $0 } ?? "")
            text += "   \(words)\n" + wrapped(option.help, width: 70).map { "        \($0)\n" }.joined()
        }
        return text
    }

    private static let description = [
        "Listens for clients of vAccel's RPC plug-in and answers sessions, resources, image operations, models and generic "
            + "operations, as vaccel-rpc-agent does.",
        "One agent serves one guest: numbers of sessions and resources are valid on all its connections, and what a guest "
            + "may use is bounded by the options. Nothing that a guest sends is opened as a path or URL, or executed. "
            + "Resources are kept in memory.",
        "Back-ends that run libraries or models do so in a process of their own, which is confined: it computes, and talks to "
            + "the agent. When it crashes or takes too long, the operation fails, and the next one gets a new process.",
        "SIGTERM and SIGINT end the agent with status 0, its workers with it, and its sockets are removed.",
    ]

    /// The manual page in the mdoc language. See mdoc(7).
    static var manualPage: String {
        var page = """
            .\\" Made by the tests from the declarations of the command line; see Hack/golden.
            .Dd November 28, 2026
            .Dt SWIFTLET-VACCEL 8
            .Os
            .Sh NAME
            .Nm \(AgentProgram.name)
            .Nd \(summary)
            .Sh SYNOPSIS
            .Nm
            .Fl -address Ar URI
            .Op Ar options
            .Sh DESCRIPTION

            """
        page += description.map { wrapped($0, width: 78).joined(separator: "\n") + "\n" }.joined(separator: ".Pp\n")
        page += ".Sh OPTIONS\n.Bl -tag -width Ds\n"
        for option in AgentOption.all {
            let names = option.names.map { name in
                "Fl \(name.dropFirst())" + (option.placeholder.map { " Ar \($0)" } ?? "")
            }
            page +=
                ".It \(names.joined(separator: " , "))\n" + wrapped(option.help, width: 78).joined(separator: "\n")
                + "\n"
        }
        page += ".El\n.Sh EXIT STATUS\n0 after a signal that asks to end, 1 for an error.\n"
        return page + ".Sh SEE ALSO\n.Xr swiftlet 8\n"
    }

    private static func wrapped(_ text: String, width: Int) -> [String] {
        var lines = [""]
        for word in text.split(separator: " ") {
            let last = lines[lines.count - 1]
            if last.isEmpty {
                lines[lines.count - 1] = String(word)
            } else if last.utf8.count + word.utf8.count < width {
                lines[lines.count - 1] += " " + word
            } else {
                lines.append(String(word))
            }
        }
        return lines
    }
}
