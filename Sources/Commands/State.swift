import HostSystem
import Lifecycle

enum State: Command {
    static let name = "state"

    static let declaration = Declaration(
        name: name, summary: "print the state of a container",
        description: ["Prints the state document of the runtime specification: id, status, pid, bundle, annotations."],
        positionals: [.container])

    static func run(_ arguments: Arguments, _ context: CommandContext) throws -> Int32 {
        let state = try context.runtime().state(id: context.containerID(arguments))
        try context.output(state.text(indented: true) + "\n")
        return 0
    }
}
