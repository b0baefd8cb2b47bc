import HostSystem
import OCIBundle
import TestSupport
import Testing

/// A root filesystem as an ill-meaning image has it, beside a file `outside` that it must not reach.
private func withHostileRoot(_ body: (borrowing RootFilesystem, String) throws -> Void) throws {
    try withTemporaryDirectory { directory in
        let root = "\(directory)/root"
        try write("outside", to: "\(directory)/outside", mode: 0o755)
        try write("program", to: "\(root)/bin/program", mode: 0o755)
        try write("data", to: "\(root)/etc/data")
        try write("not executable", to: "\(root)/etc/program")
        try makeDirectories("\(root)/sbin/program", mode: 0o755)
        try write("in a directory", to: "\(root)/work/sub/tool", mode: 0o755)
        try makeFifo("\(root)/fifo")
        let links = [
            ("absolute", "/bin/program"), ("climbing", "../../../../../../bin/program"), ("loop", "loop"),
            ("dangling", "/nosuch"), ("up", "../outside"), ("out", "\(directory)/outside"), ("parent", ".."),
            ("host", "/proc/self/exe"), ("chain", "absolute"), ("directory", "/work"),
        ]
        for (name, target) in links { try link("\(root)/\(name)", to: target) }
        try body(try RootFilesystem(path: root, in: -1), directory)
    }
}

private func text(_ file: OpenFile?) throws -> String? {
    guard let file else { return nil }
    return String(decoding: try file.read(at: 0, count: 100), as: UTF8.self)
}

@Suite struct RootFilesystemTests {
    static let files: [(path: String, content: String?)] = [
        ("/bin/program", "program"), ("bin/program", "program"), ("/./bin//program", "program"),
        ("/absolute", "program"), ("/climbing", "program"), ("/chain", "program"),
        ("/../../../etc/data", "data"), ("/parent/etc/data", "data"), ("/directory/sub/tool", "in a directory"),
        ("/nosuch", nil), ("/dangling", nil), ("/loop", nil), ("/up", nil), ("/out", nil), ("/parent/outside", nil),
        ("/host", nil), ("/fifo", nil), ("/bin", nil), ("/", nil), ("/bin/program/x", nil),
    ]

    @Test("a path is resolved inside the root filesystem, and only regular files are opened", arguments: files)
    func opensFile(path: String, content: String?) throws {
        try withHostileRoot { root, _ in
            let file = try root.openFile(path)
            #expect(try text(file) == content)
            #expect(file?.path == (content == nil ? nil : path))
        }
    }

    @Test("magic links of procfs lead nowhere", arguments: ["/proc/self/exe", "/proc/self/root/etc/passwd"])
    func refusesMagicLinks(path: String) throws {
        #expect(try RootFilesystem(path: "/", in: -1).openFile(path) == nil)
        #expect(try followedStatus(of: path).kind == .regular)
    }

    static let programs: [(name: String, searchPath: String, directory: String, content: String?)] = [
        ("/bin/program", "", "/", "program"), ("/etc/data", "", "/", "data"), ("/nosuch", "/bin", "/", nil),
        ("program", "/usr/bin:/bin", "/", "program"), ("program", "/usr/bin", "/", nil), ("program", "", "/", nil),
        // A file that nobody may execute and a directory are passed over.
        ("program", "/etc:/bin", "/", "program"), ("program", "/sbin:/bin", "/", "program"),
        ("program", "/etc", "/", nil), ("program", "::/bin:", "/", "program"),
        ("tool", "/bin:/directory/sub", "/", "in a directory"), ("", "/bin", "/", nil),
        ("bin/program", "/nosuch", "/", "program"), ("./program", "", "/bin", "program"),
        ("../bin/program", "", "/work", "program"), ("sub/tool", "", "/directory", "in a directory"),
        ("sub/tool", "", "/", nil), ("../../outside", "", "/work", nil), ("../outside", "", "/", nil),
        ("outside", "/..:/parent", "/", nil),
    ]

    @Test("a program is found by its path or in PATH", arguments: programs)
    func findsProgram(name: String, searchPath: String, directory: String, content: String?) throws {
        try withHostileRoot { root, _ in
            let file = try root.findProgram(name, searchPath: searchPath, workingDirectory: directory)
            #expect(try text(file) == content)
        }
    }

    @Test func takesTheFirstOfSearchPath() throws {
        try withHostileRoot { root, directory in
            try write("second", to: "\(directory)/root/work/program", mode: 0o755)
            for (searchPath, content) in [("/bin:/work", "program"), ("/work:/bin", "second")] {
                let file = try root.findProgram("program", searchPath: searchPath, workingDirectory: "/")
                #expect(try text(file) == content)
            }
        }
    }

    @Test(
        "sockets and device nodes are not even opened", .enabled(if: effectiveUser() == 0, "needs root: makes a node"))
    func passesOverDevices() throws {
        try withTemporaryDirectory { directory in
            _ = try listenUnix(at: "\(directory)/socket")
            // No driver has this number: opening it would fail with ENXIO.
            try makeNode(
                "\(directory)/device", in: currentDirectory, mode: NodeMode.character | 0o666, major: 240, minor: 255)
            let root = try RootFilesystem(path: directory, in: -1)
            for name in ["/socket", "/device", "/" + String(repeating: "x", count: 300)] {
                #expect(try root.openFile(name) == nil)
            }
        }
    }

    @Test func searchesRelativeDirectoriesFromTheWorkingDirectory() throws {
        try withHostileRoot { root, directory in
            try write("inner", to: "\(directory)/root/work/program", mode: 0o755)
            let file = try root.findProgram("program", searchPath: ".", workingDirectory: "/work")
            #expect(try text(file) == "inner")
        }
    }

    @Test func readsAtOffsets() throws {
        try withHostileRoot { root, _ in
            let file = try #require(try root.openFile("/bin/program"))
            #expect(file.size == 7)
            #expect(try file.read(at: 3, count: 2) == Array("gr".utf8))
            #expect(try file.read(at: 5, count: 100) == Array("am".utf8))
            #expect(try file.read(at: 7, count: 1) == [])
            #expect(try file.read(at: 0, count: 0) == [])
        }
    }
}
