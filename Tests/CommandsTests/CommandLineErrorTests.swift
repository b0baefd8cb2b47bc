import Commands
import Testing

/// A command line that is refused, with the exact message and exit status.
struct RefusedRow: Sendable, CustomTestStringConvertible {
    let words: [String]
    let message: String
    let status: Int32

    init(_ words: String..., message: String, status: Int32 = 1) {
        self.words = words
        self.message = message
        self.status = status
    }

    var testDescription: String { words.joined(separator: " ") }
}

@Suite struct CommandLineErrorTests {
    static let rows: [RefusedRow] = [
        RefusedRow("nosuch", message: "No help topic for 'nosuch'", status: 3),
        RefusedRow("nosuch", "--help", message: "No help topic for 'nosuch'", status: 3),
        RefusedRow("-", message: "No help topic for '-'", status: 3),
        RefusedRow("help", "nosuch", message: "No help topic for 'nosuch'", status: 3),
        RefusedRow("man", "nosuch", message: "No help topic for 'nosuch'", status: 3),
        RefusedRow("--nosuch", "list", message: "flag provided but not defined: -nosuch"),
        RefusedRow("create", "--nosuch", "c1", message: "flag provided but not defined: -nosuch"),
        RefusedRow("create", "c1", "--nosuch", message: "flag provided but not defined: -nosuch"),
        RefusedRow("list", "-fjson", message: "flag provided but not defined: -fjson"),
        RefusedRow("list", "-qf", "json", message: "flag provided but not defined: -qf"),
        RefusedRow("list", "--debug", message: "flag provided but not defined: -debug"),
        RefusedRow("---root", "/r", "list", message: "bad flag syntax: ---root"),
        RefusedRow("--=x", "list", message: "bad flag syntax: --=x"),
        RefusedRow("list", "-=x", message: "bad flag syntax: -=x"),
        RefusedRow("--root", message: "flag needs an argument: -root"),
        RefusedRow("list", "-f", message: "flag needs an argument: -f"),
        RefusedRow("list", "-q=maybe", message: "invalid boolean value \"maybe\" for -q: parse error"),
        RefusedRow("--debug=", "list", message: "invalid boolean value \"\" for -debug: parse error"),
        RefusedRow("--log-format", "xml", "list", message: "invalid log-format: xml (must be text or json)"),
        RefusedRow("--rootless=maybe", "list", message: "invalid rootless: maybe (must be true, false or auto)"),
        RefusedRow("list", "--format", "xml", message: "invalid format: xml (must be table or json)"),
        RefusedRow("completion", "csh", message: "invalid shell: csh (must be bash, zsh or fish)"),
        RefusedRow(
            "create", "--preserve-fds", "many", "c1",
            message: "invalid value \"many\" for flag -preserve-fds: parse error"),
        RefusedRow(
            "create", "--preserve-fds", "-1", "c1",
            message: "invalid value \"-1\" for flag -preserve-fds: value out of range"),
        RefusedRow(
            "create", "--preserve-fds=4294967296", "c1",
            message: "invalid value \"4294967296\" for flag -preserve-fds: value out of range"),
        RefusedRow("create", message: "swiftlet: \"create\" requires exactly 1 argument(s)"),
        RefusedRow("create", "a", "b", message: "swiftlet: \"create\" requires exactly 1 argument(s)"),
        RefusedRow("start", message: "swiftlet: \"start\" requires exactly 1 argument(s)"),
        RefusedRow("list", "x", message: "swiftlet: \"list\" requires exactly 0 argument(s)"),
        RefusedRow("features", "x", message: "swiftlet: \"features\" requires exactly 0 argument(s)"),
        RefusedRow("kill", message: "swiftlet: \"kill\" requires a minimum of 1 argument(s)"),
        RefusedRow("kill", "a", "TERM", "x", message: "swiftlet: \"kill\" requires a maximum of 2 argument(s)"),
        RefusedRow("kill", "a", "NOSUCH", message: "unknown signal \"NOSUCH\""),
        RefusedRow("state", "a/b", message: "invalid container ID format: \"a/b\": invalid character in container ID"),
        RefusedRow("delete", "--force", "..", message: "invalid container ID format: \"..\""),
        RefusedRow("start", "", message: "container id cannot be empty"),
        RefusedRow(
            "create", "a b",
            message: "swiftlet create failed: invalid container ID format: \"a b\": invalid character in container ID"),
        RefusedRow("--root=", "list", message: "invalid root: an empty path names no directory"),
    ]

    @Test("a wrong command line is refused in one line with runc's status", arguments: rows)
    func refuses(_ row: RefusedRow) {
        let result = Capture.run(row.words)
        #expect(result.message == row.message)
        #expect(result.status == row.status)
        #expect(result.output.isEmpty)
    }

    @Test("a wrong use of a command names the help that explains it")
    func hints() {
        #expect(Capture.run("create").error.hasSuffix("run 'swiftlet create --help' for usage\n"))
        #expect(Capture.run("--nosuch").error.hasSuffix("run 'swiftlet --help' for usage\n"))
    }

    @Test("an error goes to the log file as a line and to standard error in plain words")
    func reportsTwice() throws {
        try withTemporaryDirectory { directory in
            let log = "\(directory)/log.json"
            let result = Capture.run("--log", log, "--log-format", "json", "start", "a/b")
            let text = "invalid container ID format: \"a/b\": invalid character in container ID"
            #expect(result.status == 1)
            #expect(result.error == text + "\n")
            let line = try contents(of: log)
            #expect(line.hasPrefix(#"{"level":"error","msg":"invalid container ID format: \"a/b\": invalid "#))
            #expect(line.contains(#"","time":"20"#))
            #expect(line.hasSuffix("Z\"}\n"))
        }
    }

    @Test("a log file that cannot be opened is an error, and what was to be logged is not lost")
    func reportsBadLog() {
        let result = Capture.run("--log", "/nonexistent/log", "start", "a/b")
        #expect(result.status == 1)
        #expect(result.error.contains("the log cannot be written: openat /nonexistent/log: no such file or directory"))
        #expect(result.error.contains("invalid container ID format"))
        #expect(Capture.run("--debug", "--log", "/nonexistent/log", "features").status == 1)
    }

    @Test("--debug logs the command line and what has no effect")
    func logsDebugging() {
        let result = Capture.run("--debug", "--criu", "/x", "features")
        #expect(result.status == 0)
        #expect(result.error.contains("level=debug msg=\"swiftlet 0.1.0: features\"\n"))
        let remark = "--criu has no effect: it is looked for in $PATH, as runc does"
        #expect(result.error.contains("level=debug msg=\"\(remark)\"\n"))
    }
}
