import EngineConfiguration
import HostSystem
import Testing

/// A configuration before and after, as text.
struct InstalledRow: Sendable, CustomTestStringConvertible {
    let name: String
    let engine: Engine
    var isDefault = false
    let before: String
    let after: String

    var testDescription: String { name }
}

private let annotations = #"["org.swiftlet.*", "com.urunc.unikernel.*", "org.unikraft.*"]"#

/// The handler as it is to be, in the tables of a plug-in.
private func handler(_ plugin: String, systemd: Bool = false) -> String {
    """
    [plugins."\(plugin)".containerd.runtimes.swiftlet]
      runtime_type = "io.containerd.runc.v2"
      pod_annotations = \(annotations)
      container_annotations = \(annotations)
      [plugins."\(plugin)".containerd.runtimes.swiftlet.options]
        BinaryName = "/usr/bin/swiftlet"
        SystemdCgroup = \(systemd)

    """
}

private func ours(_ lines: String) -> String {
    "# swiftlet install-engine: begin\n\(lines)# swiftlet install-engine: end\n"
}

private let second = "io.containerd.grpc.v1.cri"
private let third = "io.containerd.cri.v1.runtime"
private func runc(_ plugin: String) -> String {
    "[plugins.\"\(plugin)\".containerd.runtimes.runc]\n  runtime_type = \"io.containerd.runc.v2\"\n"
}

@Suite struct EngineEntryTests {
    static let rows: [InstalledRow] = [
        InstalledRow(
            name: "containerd without a file", engine: .containerd, before: "",
            after: ours("version = 2\n" + runc(second) + handler(second))),
        InstalledRow(
            name: "containerd, version 3, no end of the last line", engine: .cri,
            before: "# mine\nversion = 3\n[debug]\n  level = 'info'",
            after: "# mine\nversion = 3\n[debug]\n  level = 'info'\n" + ours(runc(third) + handler(third))),
        InstalledRow(
            name: "containerd, version 4, whose handlers are where those of version 3 are", engine: .cri,
            before: "version = 4\n", after: "version = 4\n" + ours(runc(third) + handler(third))),
        InstalledRow(
            name: "containerd with handlers, systemd and a default", engine: .cri, isDefault: true,
            before: """
                version = 2
                [plugins.'\(second)'.containerd]
                  default_runtime_name = "runc" # the usual one
                  [plugins.'\(second)'.containerd.runtimes.runc]
                    [plugins.'\(second)'.containerd.runtimes.runc.options]
                      SystemdCgroup = true

                """,
            after: """
                version = 2
                [plugins.'\(second)'.containerd]
                \(ours("# before:   default_runtime_name = \"runc\" # the usual one\n  default_runtime_name = \"swiftlet\"\n"))\
                  [plugins.'\(second)'.containerd.runtimes.runc]
                    [plugins.'\(second)'.containerd.runtimes.runc.options]
                      SystemdCgroup = true
                \(ours(handler(second, systemd: true)))
                """),
        InstalledRow(
            name: "containerd, default without its key", engine: .cri, isDefault: true,
            before: "version = 2\n[ plugins . \"\(second)\" . containerd ]",
            after: "version = 2\n[ plugins . \"\(second)\" . containerd ]\n"
                + ours("default_runtime_name = \"swiftlet\"\n") + ours(runc(second) + handler(second))),
        InstalledRow(
            name: "podman without a file", engine: .podman, isDefault: true, before: "",
            after: ours("[engine]\nruntime = \"swiftlet\"\n[engine.runtimes]\nswiftlet = [\"/usr/bin/swiftlet\"]\n")),
        InstalledRow(
            name: "podman beside other runtimes", engine: .podman,
            before:
                "[engine.runtimes]\nkata = [\n  \"/usr/bin/kata\", # one\n  '''[engine]'''\n]\n[engine]\nruntime=\"crun\"\n",
            after: "[engine.runtimes]\n" + ours("swiftlet = [\"/usr/bin/swiftlet\"]\n")
                + "kata = [\n  \"/usr/bin/kata\", # one\n  '''[engine]'''\n]\n[engine]\nruntime=\"crun\"\n"),
        InstalledRow(
            name: "docker without a file", engine: .docker, before: "",
            after: "{\n    \"runtimes\": {\"swiftlet\": {\"path\": \"/usr/bin/swiftlet\"}}\n}\n"),
        InstalledRow(
            name: "docker, other keys, default", engine: .docker, isDefault: true,
            before: "{\n  \"debug\" : true,\n  \"hosts\": [\"unix:///a\", {}]\n}",
            after:
                "{\n  \"debug\" : true,\n  \"hosts\": [\"unix:///a\", {}],\n  \"runtimes\": {\"swiftlet\": {\"path\": "
                + "\"/usr/bin/swiftlet\"}},\n  \"default-runtime\": \"swiftlet\"\n}"),
        InstalledRow(
            name: "docker on one line, other runtimes and default", engine: .docker, isDefault: true,
            before: #"{"default-runtime":"crun","runtimes":{"crun":{"path":"/c\"}"}}}"#,
            after: #"{"default-runtime":"swiftlet","runtimes":{"crun":{"path":"/c\"}"}, "#
                + #""swiftlet": {"path": "/usr/bin/swiftlet"}}}"#),
        InstalledRow(
            name: "docker with another path", engine: .docker,
            before: #"{"runtimes": {"swiftlet": {"path": "/old"}, "b": {}}}"#,
            after: #"{"runtimes": {"swiftlet": {"path": "/usr/bin/swiftlet"}, "b": {}}}"#),
    ]

    private func installed(_ row: InstalledRow, in text: String) throws -> String {
        let entry = try EngineEntry(row.engine, path: "/usr/bin/swiftlet", isDefault: row.isDefault)
        return String(decoding: try entry.installed(in: Array(text.utf8), named: "file"), as: UTF8.self)
    }

    @Test("the runtime is added and all else stays as it is; once more changes nothing", arguments: rows)
    func installs(row: InstalledRow) throws {
        #expect(try installed(row, in: row.before) == row.after)
        #expect(try installed(row, in: row.after) == row.after)
    }

    @Test("what was added is taken back byte for byte", arguments: rows)
    func restores(row: InstalledRow) throws {
        let rest = try EngineEntry.removed(
            row.engine, from: Array(row.after.utf8), before: Array(row.before.utf8), named: "file")
        #expect(String(decoding: rest, as: UTF8.self) == row.before)
    }

    @Test("what others have added since stays when the runtime goes")
    func keepsOthers() throws {
        func rest(_ engine: Engine, _ text: String, before: String?) throws -> String {
            let rest = try EngineEntry.removed(
                engine, from: Array(text.utf8), before: before.map { Array($0.utf8) }, named: "file")
            return String(decoding: rest, as: UTF8.self)
        }
        let containerd = try installed(Self.rows[2], in: Self.rows[2].before) + "[debug]\n"
        #expect(try rest(.cri, containerd, before: Self.rows[2].before) == Self.rows[2].before + "[debug]\n")
        let docker = #"{"a": 1, "runtimes": {"swiftlet": {"path": "/s"}}, "default-runtime": "swiftlet", "b": 2}"#
        #expect(
            try rest(.docker, docker, before: #"{"default-runtime": "crun"}"#)
                == #"{"a": 1, "default-runtime": "crun", "b": 2}"#)
        #expect(try rest(.docker, docker, before: nil) == #"{"a": 1, "b": 2}"#)
        let two = #"{"runtimes": {"swiftlet": {"path": "/s"}, "crun": {}}}"#
        #expect(try rest(.docker, two, before: nil) == #"{"runtimes": {"crun": {}}}"#)
        #expect(try rest(.docker, #"{"runtimes": {"swiftlet": {"path": "/s"}}}"#, before: nil) == "")
    }

    static let refused: [(Engine, String, String)] = [
        (.cri, "version = 1\n", "f: version 1 is not known (known are: 2 to 4)"),
        (.cri, "root = \"/a\"\n", "f:1: expected \"version = 2\", 3 or 4: versions before that name no handlers"),
        (
            .cri, "version = 2\n\ndisabled_plugins = [\"cri\"]\n",
            "f:3: the plug-in for the container runtime interface (cri) is switched off here"
        ),
        (
            .cri, "version = 2\n[plugins.\"\(second)\".containerd.runtimes.swiftlet]\n",
            "f:2: plugins.\"\(second)\".containerd.runtimes.swiftlet is there already, and not from install-engine: remove it first"
        ),
        (
            .cri, "version = 2\n[plugins.\"\(second)\"]\ncontainerd = { a = 1 }\n",
            "f:3: plugins.\"\(second)\".containerd.runtimes.swiftlet is needed as a table of its own, and is inside this value"
        ),
        (
            .cri, "version = 2\n[plugins.\"\(second)\"]\ncontainerd.a = 1\n",
            "f:3: plugins.\"\(second)\".containerd.runtimes.swiftlet is needed as a table of its own, and is begun by this key"
        ),
        (.cri, "version = 2\na = \"b\n", "f:2: expected the quote that ends the text"),
        (.cri, "version = 2\na = [1,\n2\n", "f:4: expected \",\" or \"]\""),
        (.cri, "version = 2 3\n", "f:1: expected the end of the line"),
        (.podman, "[engine\n", "f:1: expected \"]\""),
        (.podman, "a\n", "f:1: expected \"=\""),
        (.podman, "= 1\n", "f:1: expected a key or a table"),
        (.podman, "a = '''\nb\n", "f:3: expected the quotes that end the text"),
        (
            .podman, "[engine.runtimes]\nswiftlet = [\"/s\"]\n",
            "f:2: engine.runtimes.swiftlet is there already, and not from install-engine: remove it first"
        ),
        (
            .podman, "# swiftlet install-engine: begin\na = 1\n",
            "f:1: nothing ends this block: expected a line \"# swiftlet install-engine: end\""
        ),
        (.docker, "[]", "f:1: expected \"{\""),
        (.docker, "{\n\"a\": 1\n\"b\": 2}", "f:3: expected \",\" or \"}\""),
        (.docker, "{\"a\": nil}", "f:1: expected a value"),
        (.docker, "{\"a\": 1} x", "f:1: expected the end of the file"),
        (.docker, "{\"a\": \"1}", "f:1: expected the quote that ends the text"),
        (.docker, "{\"runtimes\": []}", "f:1: expected \"{\""),
    ]

    @Test("what cannot be understood is refused with its line", arguments: refused)
    func refuses(engine: Engine, text: String, message: String) throws {
        let entry = try EngineEntry(engine, path: "/s", isDefault: true)
        let error = #expect(throws: Failure.self) { try entry.installed(in: Array(text.utf8), named: "f") }
        #expect(error?.description == message)
    }

    @Test("a path that a configuration cannot hold is refused", arguments: ["swiftlet", "/a\"b", "/a\nb", "/a\\b"])
    func refusesPath(path: String) {
        #expect(throws: Failure.self) { try EngineEntry(.docker, path: path, isDefault: false) }
    }
}

@Suite struct LineDifferenceTests {
    private func difference(_ old: String?, _ new: String?) -> String {
        LineDifference.unified(old.map { Array($0.utf8) }, new.map { Array($0.utf8) }, path: "f")
    }

    @Test("changes have three lines around them and their numbers")
    func hunks() {
        let old = (1...20).map { "\($0)\n" }.joined()
        let new = old.replacing("\n2\n", with: "\n2\ntwo\n").replacing("\n18\n", with: "\n")
        #expect(
            difference(old, new) == """
                --- f
                +++ f
                @@ -1,5 +1,6 @@
                 1
                 2
                +two
                 3
                 4
                 5
                @@ -15,6 +16,5 @@
                 15
                 16
                 17
                -18
                 19
                 20

                """)
    }

    @Test("files that come and go, and last lines without an end")
    func edges() {
        #expect(difference("a", "a").isEmpty)
        #expect(difference(nil, "a\n") == "--- /dev/null\n+++ f\n@@ -0,0 +1,1 @@\n+a\n")
        #expect(difference("a\n", nil) == "--- f\n+++ /dev/null\n@@ -1,1 +0,0 @@\n-a\n")
        #expect(
            difference("a", "a\nb\n")
                == "--- f\n+++ f\n@@ -1,1 +1,2 @@\n-a\n\\ No newline at end of file\n+a\n+b\n")
    }
}
