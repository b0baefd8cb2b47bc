import Lifecycle

enum Start: Command {
    static let name = "start"

    static let declaration = Declaration(
        name: name, summary: "start the process of a created container",
        description: ["Lets the process of a container that was made with create begin its work."],
        positionals: [.container])

    static func run(_ arguments: Arguments, _ context: CommandContext) throws -> Int32 {
        try context.runtime().start(id: context.containerID(arguments))
        return 0
    }
}
