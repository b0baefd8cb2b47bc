import HostSystem
import Lifecycle

enum Ps: Command {
    static let name = "ps"

    static let format = Option(
        "format", "f", value: .choice(["table", "json"]), preset: "table", help: "format of the list")

    static let declaration = Declaration(
        name: name, summary: "list the processes of a container",
        description: [
            """
            Lists the processes in the container's cgroups: what the host's ps prints about them, or their ids as a \
            JSON array. All words after the name of the container are options of ps, -ef if there are none.
            """
        ],
        options: [format],
        positionals: [.container, Positional("ps-option", .program, optional: true)],
        examples: [
            .init(line: "swiftlet ps hello", meaning: "list the processes of the container hello"),
            .init(line: "swiftlet ps --format json hello", meaning: "list their ids for a program to read"),
        ])

    static func run(_ arguments: Arguments, _ context: CommandContext) throws -> Int32 {
        let runtime = try context.runtime()
        let id = try context.containerID(arguments)
        if arguments.text(format) == "json" {
            let pids = JSONValue.array(try runtime.processes(id: id).map { JSONValue($0) })
            try context.output(pids.text() + "\n")
        } else {
            try context.output(try runtime.processTable(id: id, options: Array(arguments.positionals.dropFirst())))
        }
        return 0
    }
}
