enum Completion: Command {
    static let name = "completion"

    static let shells = ["bash", "zsh", "fish"]

    static let declaration = Declaration(
        name: name, summary: "print the completions for a shell",
        description: ["Prints a script that makes a shell complete commands, options and names of containers."],
        positionals: [Positional("shell", .choice(shells))],
        examples: [.init(line: "source <(swiftlet completion bash)", meaning: "complete in this bash")])

    static func run(_ arguments: Arguments, _ context: CommandContext) throws -> Int32 {
        let shell = arguments.positionals.first ?? ""
        switch shell {
        case "bash": try context.output(BashCompletion.script())
        case "zsh": try context.output(ZshCompletion.script())
        case "fish": try context.output(FishCompletion.script())
        default: throw UsageError("invalid shell: \(shell) (must be \(ArgumentParser.alternatives(shells)))")
        }
        return 0
    }
}
