enum Man: Command {
    static let name = "man"

    static let declaration = Declaration(
        name: name, summary: "print a manual page",
        description: ["Prints the manual page of the program, or of one command, in the mdoc language that man reads."],
        positionals: [Positional("command", .command, optional: true)],
        examples: [.init(line: "swiftlet man create | man -l -", meaning: "read the page about create")])

    static func run(_ arguments: Arguments, _ context: CommandContext) throws -> Int32 {
        guard let topic = arguments.positionals.first else {
            try context.output(ManualPage.program())
            return 0
        }
        try context.output(ManualPage.command(try Catalogue.command(named: topic).declaration))
        return 0
    }
}
