import HostSystem
import Lifecycle

enum Trace: Command {
    static let name = "trace"

    static let format = Option(
        "format", "f", value: .choice(["text", "json", "svg"]), preset: "text",
        help: "a table, an object for a program to read, or a picture")

    static let declaration = Declaration(
        name: name, summary: "print when a container's create and start did what",
        description: [
            """
            Prints the steps of the commands create and start one after the other, each with the time at which it began and \
            how long it took, in milliseconds, and the time in between, in which an engine may have connected networks. It \
            is there as long as the container. A step is what was done between its predecessor's end and its own, by the \
            command or by process 1, for which the command waits.
            """,
            "The steps are " + TraceRow.meanings.map { "\($0.name) (\($0.meaning))" }.joined(separator: ", ") + ".",
        ],
        options: [format],
        positionals: [.container],
        examples: [
            .init(line: "swiftlet trace hello", meaning: "print the time line of the container hello"),
            .init(line: "swiftlet trace --format svg hello >hello.svg", meaning: "draw it"),
        ])

    static func run(_ arguments: Arguments, _ context: CommandContext) throws -> Int32 {
        let trace = try context.runtime().trace(id: context.containerID(arguments))
        switch arguments.text(format) {
        case "json": try context.output(document(trace).text() + "\n")
        case "svg": try context.output(TracePicture(trace).text)
        default: try context.output(table(trace))
        }
        return 0
    }

    private static func table(_ trace: ContainerTrace) -> String {
        let kind = trace.guest.isEmpty ? "" : "\(trace.guest), "
        let rows = TraceRow.rows(of: trace).map { row in
            [
                TraceRow.milliseconds(row.began), TraceRow.milliseconds(row.duration),
                row.kind == .step ? "  \(row.name)" : row.name, row.meaning,
            ]
        }
        return "\(trace.id): \(kind)\(trace.status), created \(trace.created)\n"
            + columns([["AT", "TOOK", "STEP", "WHAT"]] + rows)
    }

    private static func document(_ trace: ContainerTrace) -> JSONValue {
        let origin = trace.commands.first?.began ?? 0
        let commands = trace.commands.map { command -> JSONValue in
            let steps = command.steps.map { step -> JSONValue in
                [
                    "name": .string(step.name), "began_ns": .integer(step.began - origin),
                    "duration_ns": .integer(step.duration),
                ]
            }
            return [
                "name": .string(command.name), "began_ns": .integer(command.began - origin),
                "duration_ns": .integer(command.ended - command.began), "steps": .array(steps),
            ]
        }
        return [
            "id": .string(trace.id), "guest": .string(trace.guest), "status": .string(trace.status),
            "created": .string(trace.created), "commands": .array(commands),
        ]
    }
}
