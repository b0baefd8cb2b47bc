import HostSystem
import VAccelAgent

/// The agent's command line.
struct AgentCommandLine {
    /// What is to be done.
    enum Wish: Equatable { case serve, help, version }

    var settings = AgentSettings()
    var logLevel = Log.Level.warning
    var wants = Wish.serve

    /// Reads the words after the program's name. A value follows as the next word or after `=`.
    init(_ words: ArraySlice<String>) throws(UsageError) {
        var rest = words
        while let word = rest.popFirst() {
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let name = parts.first ?? ""
            guard let option = AgentOption.all.first(where: { $0.names.contains(name) }) else {
                throw UsageError(word.hasPrefix("-") ? "no option \(name)" : "unexpected word \"\(word)\"")
            }
            let attached = parts.count == 2 ? parts[1] : nil
            if option.placeholder == nil {
                guard attached == nil else { throw UsageError("\(name) takes no value") }
                try option.take(&self, "")
            } else {
                guard let value = attached ?? rest.popFirst() else { throw UsageError("\(name) needs a value") }
                try option.take(&self, value)
            }
        }
        if wants == .serve, settings.addresses.isEmpty, settings.listeners.isEmpty {
            throw UsageError("nowhere to listen: give --address or --listen-fd")
        }
    }
}

/// The program `swiftlet-vaccel`.
public enum AgentProgram {
    /// The program's name, and its version, which is swiftlet's.
    static let name = "swiftlet-vaccel", version = "0.1.0"

    /// Runs the command line of this process and ends it: 0 after a signal asked for it, else 1.
    public static func main() -> Never {
        Program.resetCrashHandlers()
        Program.exit(run(Program.arguments))
    }

    /// Runs a command line.
    static func run(
        _ words: [String],
        output: (String) throws -> Void = { try Program.write($0, to: .output) },
        standardError: @escaping (String) -> Void = { _ = try? Program.write($0, to: .error) }
    ) -> Int32 {
        do {
            let line = try AgentCommandLine(words.dropFirst())
            switch line.wants {
            case .help: try output(AgentHelp.text)
            case .version: try output("\(name) version \(version)\nprotocol: vaccel.sync.agent.AgentService\n")
            case .serve: try Agent(line.settings, log: Log(level: line.logLevel, standardError: standardError)).run()
            }
            return 0
        } catch {
            standardError("\(name): \(error)\n")
            if error is UsageError { standardError("run '\(name) --help' for usage\n") }
            return 1
        }
    }
}
