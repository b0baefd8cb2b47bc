import HostSystem
import OCISpec
import Sandboxing
import TestSupport
import Testing

/// A hook that is a script of the shell.
private func hook(_ script: String, env: [String] = [], timeout: Int? = nil) -> Hook {
    var hook = Hook(path: "/bin/sh")
    (hook.args, hook.env, hook.timeout) = (["sh", "-c", script], env, timeout)
    return hook
}

@Suite struct HookRunnerTests {
    static let state = ContainerStateDocument(
        ociVersion: "1.2.1", id: "c1", status: .created, pid: 7, bundle: "/b", annotations: ["a": "\u{fc}\n"])
    let runner = HookRunner(state: state)

    @Test func runsInOrderUntilOneFails() throws {
        try withTemporaryDirectory { directory in
            let log = "\(directory)/log"
            let hooks = ["one", "two", "three"].map {
                hook("echo \($0) >>\(log); test \($0) != two")
            }
            #expect(
                message { try runner.run(hooks, kind: .createRuntime) }
                    == "config.json: /hooks/createRuntime/1: error running createRuntime hook #1: /bin/sh exit status 1"
            )
            let text = try readText(log)
            #expect(text == "one\ntwo\n")
        }
    }

    @Test func runsAllWhateverBecomesOfThem() throws {
        try withTemporaryDirectory { directory in
            let log = "\(directory)/log"
            let hooks = [hook("exit 1"), Hook(path: "/nosuch"), hook("echo three >\(log)")]
            let failures = runner.runAll(hooks, kind: .poststop)
            #expect(failures.count == 2)
            let text = try readText(log)
            #expect(text == "three\n")
        }
    }

    @Test("a hook reads the container's state on its standard input")
    func passesState() throws {
        try withTemporaryDirectory { directory in
            try runner.run([hook("cat >\(directory)/state"), hook("cat >\(directory)/again")], kind: .prestart)
            for name in ["state", "again"] {
                let text = try readText("\(directory)/\(name)")
                #expect(try parseJSON(Array(text.utf8), named: name) == Self.state.json)
            }
        }
    }

    @Test("a hook has its own environment alone, or the runtime's where it has none")
    func passesEnvironment() throws {
        try withTemporaryDirectory { directory in
            let dump = "/bin/cat /proc/self/environ >\(directory)/environment"
            try runner.run([hook(dump, env: ["A=1", "B=two words"])], kind: .prestart)
            let given = try readText("\(directory)/environment").split(separator: "\0").filter {
                $0 != "PWD=\(directory)"
            }
            #expect(given.contains("A=1") && given.contains("B=two words"))
            #expect(!given.contains { $0.hasPrefix("PATH=") || $0.hasPrefix("HOME=") })
            try runner.run([hook(dump)], kind: .prestart)
            let inherited = try readText("\(directory)/environment").split(separator: "\0")
            let path = try #require(Program.environment("PATH"))
            #expect(inherited.contains("PATH=\(path)"))
        }
    }

    @Test("a hook without arguments is called by its path")
    func passesArguments() throws {
        try withTemporaryDirectory { directory in
            var echo = hook("printf '<%s>' \"$0\" \"$@\" >\(directory)/arguments")
            echo.args += ["zero", "one", "two words", ""]
            try runner.run([echo], kind: .prestart)
            #expect(try readText("\(directory)/arguments") == "<zero><one><two words><>")
            // The shell without arguments reads its program, which is the state, from standard input.
            #expect(
                message { try runner.run([Hook(path: "/bin/sh")], kind: .prestart) }
                    .hasPrefix(
                        "config.json: /hooks/prestart/0: error running prestart hook #0: /bin/sh exit status 127, output \"/bin/sh: 1: "
                    ))
        }
    }

    static let failing: [(script: String, how: String)] = [
        ("exit 3", "exit status 3"), ("exit 255", "exit status 255"), ("kill -9 $$", "signal: killed"),
        ("kill -TERM $$", "signal: terminated"),
        ("echo one; echo two >&2; exit 1", "exit status 1, output \"one; two\""),
    ]

    @Test("a hook that fails is told with how it ended and what it printed", arguments: failing)
    func tellsFailures(script: String, how: String) {
        #expect(
            message { try runner.run([hook("true"), hook(script)], kind: .createContainer) }
                == "config.json: /hooks/createContainer/1: error running createContainer hook #1: /bin/sh \(how)")
    }

    @Test func tellsMissingPrograms() {
        #expect(
            message { try runner.run([Hook(path: "/nosuch")], kind: .prestart) }
                == "config.json: /hooks/prestart/0: error running prestart hook #0: exec /nosuch: no such file or directory"
        )
        #expect(
            message { try runner.run([Hook(path: "/etc/passwd")], kind: .prestart) }
                == "config.json: /hooks/prestart/0: error running prestart hook #0: exec /etc/passwd: permission denied"
        )
    }

    @Test("a hook that takes longer than its timeout is killed")
    func killsAfterTimeout() throws {
        try withTemporaryDirectory { directory in
            let script = "echo $$ >\(directory)/pid; exec sleep 600"
            #expect(
                message { try runner.run([hook(script, timeout: 1)], kind: .poststart) }
                    == "config.json: /hooks/poststart/0: error running poststart hook #0: poststart hook #0 /bin/sh did not end within 1 s"
            )
            let text = try readText("\(directory)/pid")
            let pid = try #require(Int32(text.dropLast()))
            #expect(throws: HostError.self) { try waitForChild(pid) }
        }
    }

    @Test func runsWithinItsTimeout() {
        #expect(message { try runner.run([hook("exit 0", timeout: 600)], kind: .poststart) } == "no error")
        #expect(
            message { try runner.run([hook("exit 4", timeout: 600)], kind: .poststart) }
                == "config.json: /hooks/poststart/0: error running poststart hook #0: /bin/sh exit status 4")
    }
}
