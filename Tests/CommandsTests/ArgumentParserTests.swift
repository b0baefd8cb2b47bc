import Testing

@testable import Commands

/// A command line and what it is understood as: the options in the order of their declaration, then the rest.
struct ParsedRow: Sendable, CustomTestStringConvertible {
    let words: [String]
    let meaning: String

    init(_ words: String..., means meaning: String) {
        self.words = words
        self.meaning = meaning
    }

    var testDescription: String { words.joined(separator: " ") }
}

private func describe(_ arguments: Arguments, _ options: [Option]) -> String {
    let given = options.compactMap { option -> String? in
        if arguments.isOn(option) { return option.name }
        if let text = arguments.text(option) { return "\(option.name)=\(text)" }
        return arguments.number(option).map { "\(option.name)=\($0)" }
    }
    return (given + [":"] + arguments.positionals).joined(separator: " ")
}

@Suite struct ArgumentParserTests {
    static let rows: [ParsedRow] = [
        ParsedRow("create", "c1", means: ": c1"),
        ParsedRow("create", "--bundle", "/b", "c1", means: "bundle=/b : c1"),
        ParsedRow("create", "--bundle=/b", "c1", means: "bundle=/b : c1"),
        ParsedRow("create", "-b", "/b", "c1", means: "bundle=/b : c1"),
        ParsedRow("create", "-b=/b", "c1", means: "bundle=/b : c1"),
        ParsedRow("create", "-bundle", "/b", "c1", means: "bundle=/b : c1"),
        ParsedRow("create", "-bundle=/b", "c1", means: "bundle=/b : c1"),
        ParsedRow("create", "--b", "/b", "c1", means: "bundle=/b : c1"),
        ParsedRow("create", "c1", "--bundle", "/b", means: "bundle=/b : c1"),
        ParsedRow("create", "c1", "-b=/b", "--no-pivot", means: "bundle=/b no-pivot : c1"),
        ParsedRow("create", "--bundle", "/a", "--bundle", "/b", "c1", means: "bundle=/b : c1"),
        ParsedRow("create", "--bundle=", "c1", means: "bundle= : c1"),
        ParsedRow("create", "--bundle", "", "c1", means: "bundle= : c1"),
        ParsedRow("create", "--bundle=a=b", "c1", means: "bundle=a=b : c1"),
        ParsedRow("create", "--bundle", "--pid-file", "c1", means: "bundle=--pid-file : c1"),
        ParsedRow("create", "--", "--bundle", means: ": --bundle"),
        ParsedRow("create", "-b", "/b", "--", "-c1", means: "bundle=/b : -c1"),
        ParsedRow("create", "c1", "--", "--bundle", "x", means: ": c1 --bundle x"),
        ParsedRow("create", "-", means: ": -"),
        ParsedRow("create", "", means: ": "),
        ParsedRow("create", "--preserve-fds", "3", "c1", means: "preserve-fds=3 : c1"),
        ParsedRow("create", "--preserve-fds=0", "c1", means: "preserve-fds=0 : c1"),
        ParsedRow("create", "--config", "x.json", "--pid-file=/p", "c1", means: "config=x.json pid-file=/p : c1"),
        ParsedRow("create", "-f", "x.json", "c1", means: "config=x.json : c1"),
        ParsedRow(
            "create", "--console-socket", "/s", "--no-new-keyring", "c1", means: "console-socket=/s no-new-keyring : c1"
        ),
        ParsedRow("run", "-d", "--keep", "--no-subreaper", "c1", means: "detach keep no-subreaper : c1"),
        ParsedRow("run", "--detach=true", "c1", means: "detach : c1"),
        ParsedRow("run", "--detach=1", "c1", means: "detach : c1"),
        ParsedRow("run", "-d=T", "c1", means: "detach : c1"),
        ParsedRow("run", "--detach=false", "c1", means: ": c1"),
        ParsedRow("run", "--detach", "--detach=0", "c1", means: ": c1"),
        ParsedRow("run", "--detach", "true", means: "detach : true"),
        ParsedRow("kill", "--all", "c1", "15", means: "all : c1 15"),
        ParsedRow("kill", "-a", "c1", "KILL", means: "all : c1 KILL"),
        ParsedRow("kill", "c1", "9", "-a", means: "all : c1 9"),
        ParsedRow("delete", "--force", "c1", means: "force : c1"),
        ParsedRow("delete", "c1", "-f", means: "force : c1"),
        ParsedRow("list", "--format", "json", means: "format=json :"),
        ParsedRow("list", "-q", "-f=table", means: "format=table quiet :"),
        ParsedRow("spec", "--rootless", "-b", "/b", means: "bundle=/b rootless :"),
        ParsedRow("spec", "--unikernel", means: "unikernel :"),
        ParsedRow("state", "c1", "-h", means: "help : c1"),
    ]

    @Test("a command's words are understood like runc's", arguments: rows)
    func understands(_ row: ParsedRow) throws {
        let options = try Catalogue.command(named: row.words[0]).declaration.options
        let arguments = try ArgumentParser.parse(row.words.dropFirst(), options: options)
        #expect(describe(arguments, options) == row.meaning)
    }

    static let globalRows: [ParsedRow] = [
        ParsedRow("list", means: ": | list"),
        ParsedRow("--root", "/r", "list", "-q", means: "root=/r : | list -q"),
        ParsedRow("-root=/r", "list", means: "root=/r : | list"),
        ParsedRow("--log", "/l", "--log-format", "json", "state", "x", means: "log=/l log-format=json : | state x"),
        ParsedRow("--log=/l", "--log-format=text", "--debug", "list", means: "log=/l log-format=text debug : | list"),
        ParsedRow("--log-level", "warning", "list", means: "log-level=warning : | list"),
        ParsedRow("--systemd-cgroup", "list", means: "systemd-cgroup : | list"),
        ParsedRow("--cgroup-manager", "cgroupfs", "list", means: "cgroup-manager=cgroupfs : | list"),
        ParsedRow("--cgroup-manager=disabled", "list", means: "cgroup-manager=disabled : | list"),
        ParsedRow("--rootless=true", "list", means: "rootless=true : | list"),
        ParsedRow("--rootless", "auto", "list", means: "rootless=auto : | list"),
        ParsedRow("--rootless", "list", means: "rootless=true : | list"),
        ParsedRow("--criu", "/usr/sbin/criu", "list", means: "criu=/usr/sbin/criu : | list"),
        ParsedRow("--", "list", "--debug", means: ": | list --debug"),
        ParsedRow("-v", means: "version : | "),
    ]

    @Test("options before the command end at the command", arguments: globalRows)
    func understandsGlobalOptions(_ row: ParsedRow) throws {
        let (arguments, rest) = try ArgumentParser.parseLeading(row.words[...], options: GlobalOptions.all)
        let meaning = describe(arguments, GlobalOptions.all) + " | " + rest.joined(separator: " ")
        #expect(meaning == row.meaning)
    }
}
