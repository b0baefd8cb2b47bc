enum Help: Command {
    static let name = "help"

    static let declaration = Declaration(
        name: name, summary: "show the help of the program or of one command",
        description: ["Without a command it lists all commands."],
        positionals: [Positional("command", .command, optional: true)])

    static func run(_ arguments: Arguments, _ context: CommandContext) throws -> Int32 {
        guard let topic = arguments.positionals.first else {
            try context.output(HelpText.program(as: context.called))
            return 0
        }
        try context.output(HelpText.command(try Catalogue.command(named: topic).declaration, as: context.called))
        return 0
    }
}
