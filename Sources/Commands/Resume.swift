import Lifecycle

enum Resume: Command {
    static let name = "resume"

    static let declaration = Declaration(
        name: name, summary: "let a paused container go on",
        description: ["Lets the processes of a container go on that was paused."],
        positionals: [.container])

    static func run(_ arguments: Arguments, _ context: CommandContext) throws -> Int32 {
        try context.runtime().resume(id: context.containerID(arguments))
        return 0
    }
}
