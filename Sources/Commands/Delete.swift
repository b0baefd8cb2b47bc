import Lifecycle

enum Delete: Command {
    static let name = "delete"

    static let force = Option("force", "f", help: "kill a container that still runs; a missing one is no error")
    static let regex = Option(
        "regex", "r",
        help: "container-id is an extended regular expression: delete every container whose name it matches")

    static let declaration = Declaration(
        name: name, summary: "delete a container and what it holds",
        description: [
            "Removes the cgroup, the mounts and the state of a container that has stopped, and runs its poststop hooks."
        ],
        options: [force, regex],
        positionals: [.container],
        examples: [
            .init(line: "swiftlet delete --force hello", meaning: "remove hello whatever its status"),
            .init(
                line: "swiftlet delete --force --regex '^test-'", meaning: "remove all whose names begin with test-"),
        ])

    static func run(_ arguments: Arguments, _ context: CommandContext) throws -> Int32 {
        if arguments.isOn(regex) {
            let pattern = arguments.positionals.first ?? ""
            try context.runtime().delete(matching: pattern, force: arguments.isOn(force))
            return 0
        }
        try context.runtime().delete(id: context.containerID(arguments), force: arguments.isOn(force))
        return 0
    }
}
