import HostSystem

enum Features: Command {
    static let name = "features"

    static let declaration = Declaration(
        name: name, summary: "print what the runtime supports",
        description: ["Prints the features document of the runtime specification, as JSON."])

    static func run(_ arguments: Arguments, _ context: CommandContext) throws -> Int32 {
        try context.output(RuntimeFeatures.document(seccomp: Program.seccompLibraryVersion).text(indented: true) + "\n")
        return 0
    }
}
