import HostSystem
import Lifecycle

enum Events: Command {
    static let name = "events"

    static let interval = Option(
        "interval", value: .text("TIME"), preset: "5s", help: "time between two figures, as 5s, 100ms or 1m30s")
    static let stats = Option("stats", help: "print the figures once and end")

    static let declaration = Declaration(
        name: name, summary: "print what a container uses, and when it lacks memory",
        description: [
            """
            Prints a JSON object a line: of type stats with the figures of the container's cgroups, and of type oom \
            each time that the kernel had to end a process of the container because memory was lacking. Ends with \
            the container.
            """
        ],
        options: [interval, stats],
        positionals: [.container],
        examples: [.init(line: "swiftlet events --stats hello", meaning: "print what hello uses now")])

    static func run(_ arguments: Arguments, _ context: CommandContext) throws -> Int32 {
        let id = try context.containerID(arguments)
        let text = arguments.text(interval) ?? "5s"
        guard let nanoseconds = GoDuration.nanoseconds(text) else {
            throw UsageError("invalid value \"\(text)\" for flag -interval: parse error")
        }
        let runtime = try context.runtime()
        guard nanoseconds > 0 else { throw Failure("duration interval must be greater than 0") }
        if arguments.isOn(stats) {
            try context.output(runtime.statistics(id: id).text() + "\n")
        } else {
            try runtime.watch(id: id, every: nanoseconds) { try context.output($0.text() + "\n") }
        }
        return 0
    }
}
