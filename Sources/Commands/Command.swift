/// A verb of the command line: what it is called and takes, and what it does.
///
/// The declaration is built only for the command that is asked for; looking for a name compares names alone.
protocol Command {
    static var name: String { get }
    static var declaration: Declaration { get }

    /// Does the work.
    ///
    /// - Returns: The exit status.
    static func run(_ arguments: Arguments, _ context: CommandContext) throws -> Int32
}

/// All commands, in the order of the help.
enum Catalogue {
    static var commands: [any Command.Type] {
        [
            Create.self, Start.self, State.self, Kill.self, Delete.self, Run.self, Exec.self, Ps.self, Trace.self,
            Pause.self, Resume.self, Checkpoint.self, Restore.self, Update.self, Events.self, Metrics.self, List.self,
            Spec.self, Features.self, Plan.self, Check.self, Image.self, InstallEngine.self, Man.self,
            Completion.self, Help.self,
        ]
    }

    /// The command of that name.
    ///
    /// - Throws: ``UsageError`` in runc's words and with its exit status, 3.
    static func command(named name: String) throws(UsageError) -> any Command.Type {
        if name == "h" { return Help.self }
        guard let command = commands.first(where: { $0.name == name }) else {
            throw UsageError("No help topic for '\(name)'", status: 3)
        }
        return command
    }

    /// The declarations of all commands.
    static var declarations: [Declaration] { commands.map { $0.declaration } }
}
