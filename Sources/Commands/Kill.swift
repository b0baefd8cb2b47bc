import Lifecycle

enum Kill: Command {
    static let name = "kill"

    static let all = Option("all", "a", help: "send the signal to every process of the container")

    static let declaration = Declaration(
        name: name, summary: "send a signal to the process of a container",
        description: [
            """
            Sends a signal, SIGTERM unless another one is named. It may be a number or a name, with or without SIG, in \
            upper or lower case; real-time signals are named RTMIN+1 or RTMAX-1.
            """
        ],
        options: [all],
        positionals: [.container, Positional("signal", .signal, optional: true)],
        examples: [.init(line: "swiftlet kill hello KILL", meaning: "end the container hello at once")])

    static func run(_ arguments: Arguments, _ context: CommandContext) throws -> Int32 {
        // runc takes the signal as an argument where the specification of the command line has an option; callers
        // follow runc.
        let id = try context.containerID(arguments)
        let signal = try signalNumber(arguments.positionals.count > 1 ? arguments.positionals[1] : "TERM")
        try context.runtime().kill(id: id, signal: signal, all: arguments.isOn(all))
        return 0
    }
}
