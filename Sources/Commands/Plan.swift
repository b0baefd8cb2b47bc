import HostSystem
import Lifecycle

enum Plan: Command {
    static let name = "plan"

    static let declaration = Declaration(
        name: name, summary: "print how a bundle would be launched",
        description: [
            """
            Reads the bundle and decides everything that create would decide, without changing the host. Prints the \
            plan as JSON, or the reason why the bundle cannot be launched.
            """
        ],
        options: [BundleOptions.bundle, BundleOptions.config],
        examples: [.init(line: "swiftlet plan --bundle /srv/hello", meaning: "see what create would do")])

    static func run(_ arguments: Arguments, _ context: CommandContext) throws -> Int32 {
        let plan = try context.runtime().plan(
            bundle: BundleOptions.bundlePath(arguments), configFile: arguments.text(BundleOptions.config))
        try context.output(plan.text(indented: true) + "\n")
        return 0
    }
}
