import Lifecycle

enum Pause: Command {
    static let name = "pause"

    static let declaration = Declaration(
        name: name, summary: "hold every process of a container",
        description: [
            """
            Holds every process of a container, or its unikernel, where it is, until resume lets all go on. It takes \
            cgroups with a freezer.
            """
        ],
        positionals: [.container])

    static func run(_ arguments: Arguments, _ context: CommandContext) throws -> Int32 {
        try context.runtime().pause(id: context.containerID(arguments))
        return 0
    }
}
