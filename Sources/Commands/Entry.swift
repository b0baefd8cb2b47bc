public import HostSystem
internal import Lifecycle

/// The program: its whole command line, from the words to the exit status.
public enum Swiftlet {
    /// Runs the command line of this process and ends it.
    public static func main() -> Never {
        Program.resetCrashHandlers()
        if MachineInit.isWanted { MachineInit.run() }
        Program.exit(run(Program.arguments))
    }

    /// Runs one command line.
    ///
    /// - Parameters:
    ///   - words: The program's name and its arguments.
    ///   - output: Takes what the command prints on standard output.
    ///   - standardError: Takes log lines and reasons of failure.
    /// - Returns: The exit status: 0, 1 for an error, 3 for an unknown command, or that of the process run.
    public static func run(
        _ words: [String],
        output: @escaping (String) throws -> Void = { try Program.write($0, to: .output) },
        standardError: @escaping (String) -> Void = { _ = try? Program.write($0, to: .error) }
    ) -> Int32 {
        var run = CommandLineRun(
            called: Release.calledName(words), output: output, standardError: standardError)
        return run.run(words.dropFirst())
    }
}

/// One command line while it is carried out.
private struct CommandLineRun {
    private let called: String
    private let output: (String) throws -> Void
    private let standardError: (String) -> Void
    private var log: Log
    /// The command that the usage hint names, once it is known.
    private var command: String?

    init(called: String, output: @escaping (String) throws -> Void, standardError: @escaping (String) -> Void) {
        self.called = called
        self.output = output
        self.standardError = standardError
        log = Log(standardError: standardError)
    }

    mutating func run(_ words: ArraySlice<String>) -> Int32 {
        do {
            let (globals, rest) = try ArgumentParser.parseLeading(words, options: GlobalOptions.all)
            return try run(globals, rest)
        } catch let error as UsageError {
            log.fatal(error.description)
            let help = command.map { "\($0) --help" } ?? "--help"
            standardError("run '\(called) \(help)' for usage\n")
            return error.status
        } catch let error as StatusError {
            log.fatal(error.description)
            return error.status
        } catch {
            log.fatal("\(error)")
            return 1
        }
    }

    private mutating func run(_ globals: Arguments, _ rest: ArraySlice<String>) throws -> Int32 {
        if globals.isOn(Option.showHelp) || (rest.isEmpty && !globals.isOn(GlobalOptions.version)) {
            try output(HelpText.program(as: called))
            return 0
        }
        if globals.isOn(GlobalOptions.version) {
            try output(Release.versionText(seccomp: Program.seccompLibraryVersion))
            return 0
        }
        log = makeLog(globals)
        let command = try Catalogue.command(named: rest.first ?? "")
        self.command = command.name
        let declaration = command.declaration
        let arguments = try ArgumentParser.parse(
            rest.dropFirst(), options: declaration.options, stopsAtPositional: declaration.endsWithWords)
        if arguments.isOn(Option.showHelp) {
            try output(HelpText.command(declaration, as: called))
            return 0
        }
        try declaration.checkCount(of: arguments)
        log.debug("\(Release.program) \(Release.version): \(rest.joined(separator: " "))")
        for remark in globals.ignored + arguments.ignored { log.debug(remark) }
        // A log that cannot be written must be known before anything is done, not after; the log has reported it.
        guard log.failure == nil else { return 1 }
        let began = monotonicNanoseconds()
        let status = try command.run(
            arguments, CommandContext(called: called, globals: globals, log: log, output: output))
        if let kind = declaration.positionals.first?.kind, kind == .container || kind == .newContainer {
            log.step(
                "all", of: command.name, container: arguments.positionals.first ?? "",
                nanoseconds: monotonicNanoseconds() - began)
        }
        return status
    }

    private func makeLog(_ globals: Arguments) -> Log {
        let path = globals.text(GlobalOptions.log)
        let level: Log.Level =
            switch globals.text(GlobalOptions.logLevel) {
            case _ where globals.isOn(GlobalOptions.debug): .debug
            case "error": .error
            case "warning": .warning
            case "debug": .debug
            default: .info
            }
        return Log(
            path: path == "" ? nil : path, format: globals.text(GlobalOptions.logFormat) == "json" ? .json : .text,
            level: level, standardError: standardError)
    }
}
