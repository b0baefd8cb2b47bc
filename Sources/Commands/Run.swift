import HostSystem
import Lifecycle

enum Run: Command {
    static let name = "run"

    static let detach = Option("detach", "d", help: "return as soon as the container runs")
    static let keep = Option("keep", help: "do not delete the container when it ends")
    static let noSubreaper = Option(
        "no-subreaper", standing: .ignored("only the container's own process is waited for"),
        help: "do not become the parent of orphaned processes")

    static let declaration = Declaration(
        name: name, summary: "create and start a container",
        description: [
            """
            Makes the container, starts it, waits for its end, deletes it and returns its exit status. Signals sent to \
            this command are passed on to the container.
            """, BundleOptions.description,
        ],
        options: BundleOptions.all + [detach, keep, noSubreaper],
        positionals: [.newContainer],
        examples: [
            .init(line: "swiftlet run --bundle /srv/hello hello", meaning: "run the bundle /srv/hello to its end")
        ])

    static func run(_ arguments: Arguments, _ context: CommandContext) throws -> Int32 {
        do {
            return try context.runtime().run(
                id: context.containerID(arguments), options: CreateOptions(arguments),
                detach: arguments.isOn(detach), keep: arguments.isOn(keep))
        } catch {
            throw Failure("\(Release.program) run failed", cause: error)
        }
    }
}
