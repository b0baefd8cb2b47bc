import HostSystem
import Lifecycle

enum Create: Command {
    static let name = "create"

    static let declaration = Declaration(
        name: name, summary: "create a container",
        description: [
            """
            Makes the container: its namespaces, mounts, devices, cgroup and limits. Its process waits for the command \
            start; a unikernel's monitor is chosen and checked here as well.
            """, BundleOptions.description,
        ],
        options: BundleOptions.all,
        positionals: [.newContainer],
        examples: [.init(line: "swiftlet create --bundle /srv/hello hello", meaning: "make a container named hello")])

    static func run(_ arguments: Arguments, _ context: CommandContext) throws -> Int32 {
        do {
            try context.runtime().create(id: context.containerID(arguments), options: CreateOptions(arguments))
        } catch {
            throw Failure("\(Release.program) create failed", cause: error)
        }
        return 0
    }
}
