import HostSystem
import TestSupport
import Testing

/// Starts a program with nothing to read or write.
private func start(_ path: String, _ arguments: [String], environment: [String] = ["PATH=/usr/bin:/bin"]) throws
    -> Int32
{
    let null = try open("/dev/null", flags: .readWrite)
    return try spawn(
        path, arguments: arguments, environment: environment, input: null.raw, output: null.raw, errors: null.raw)
}

@Suite struct ProcessTests {
    static let ends: [(script: String, end: ProcessEnd, status: Int32)] = [
        ("exit 0", .exited(0), 0), ("exit 255", .exited(255), 255), ("kill -9 $$", .signaled(9), 137),
        ("kill -TERM $$", .signaled(15), 143), ("exit 143", .exited(143), 143),
    ]

    @Test("the end of a child is its status or its signal", arguments: ends)
    func waits(script: String, end: ProcessEnd, status: Int32) throws {
        let pid = try start("/bin/sh", ["sh", "-c", script])
        #expect(try waitForChild(pid)?.end == end)
        #expect(end.shellStatus == status)
    }

    @Test func passesArgumentsAndEnvironment() throws {
        let output = try anonymousFile(named: "output")
        let input = try memoryFile("input")
        let script = "printf '<%s>' \"$0\" \"$@\"; cat; tr '\\0' '|' </proc/self/environ; echo err >&2"
        let pid = try spawn(
            "/bin/sh", arguments: ["sh", "-c", script, "zero", "", "two words"],
            environment: ["PATH=/usr/bin:/bin", "B="],
            input: input.raw, output: output.raw, errors: output.raw)
        #expect(try waitForChild(pid)?.end == .exited(0))
        try rewind(output.raw, named: "output")
        let text = String(decoding: try readAll(output.raw, named: "output"), as: UTF8.self)
        #expect(text.hasPrefix("<zero><><two words>input"))
        #expect(text.contains("PATH=/usr/bin:/bin|") && text.contains("B=|") && text.hasSuffix("err\n"))
        #expect(!text.contains("HOME="))
    }

    @Test(
        "a program that cannot be started is an error in the parent, and no child is left",
        arguments: [
            ("/nosuch", "exec /nosuch: no such file or directory"),
            ("/etc/passwd", "exec /etc/passwd: permission denied"),
            ("/etc/passwd/x", "exec /etc/passwd/x: not a directory"), ("/etc", "exec /etc: permission denied"),
        ])
    func reportsExec(path: String, expected: String) {
        #expect(message { _ = try start(path, [path]) } == expected)
    }

    @Test func waitsWithoutBlocking() throws {
        let pid = try start("/bin/sh", ["sh", "-c", "exec sleep 600"])
        #expect(try waitForChild(pid, block: false) == nil)
        let process = try openProcess(pid)
        #expect(try waitUntilReadable([process.raw], timeout: 0) == [false])
        try sendSignal(9, through: process.raw)
        #expect(try waitUntilReadable([process.raw]) == [true])
        #expect(try waitForChild(pid)?.end == .signaled(9))
        // ESRCH, ECHILD: the handle stands for the process that is gone, whoever gets its number.
        #expect(try errorNumber { try sendSignal(9, through: process.raw) } == 3)
        #expect(try errorNumber { _ = try waitForChild(pid) } == 10)
    }

    static let names = [
        "sleep", "a) Z 1 (b", ") Z 1 1 1", "((((", "))))", "a b  c", "new\nline",
        "\u{e4}\u{f6}\u{fc}\u{e4}\u{f6}\u{fc}\u{df}\u{df}", "back\\slash",
        "R", " ",
    ]

    @Test("a process is told alive or dead whatever its name is", arguments: names)
    func readsStatus(name: String) throws {
        try withTemporaryDirectory { directory in
            try link("\(directory)/\(name)", to: "/bin/sleep")
            let own = try #require(try processStatus(currentProcess()))
            let pid = try start("\(directory)/\(name)", ["sleep", "600"])
            let alive = try #require(try processStatus(pid))
            #expect(["R", "S", "D"].contains(alive.state))
            #expect(!alive.isDead)
            #expect(alive.startTime >= own.startTime)
            let process = try openProcess(pid)
            try sendSignal(9, to: pid)
            _ = try waitUntilReadable([process.raw])
            let dead = try #require(try processStatus(pid))
            #expect(dead.state == "Z" && dead.isDead)
            #expect(dead.startTime == alive.startTime)
            _ = try waitForChild(pid)
            #expect(try processStatus(pid) == nil)
        }
    }

    @Test(arguments: [0, -1, .max] as [Int32]) func knowsNoSuchProcess(pid: Int32) throws {
        #expect(try processStatus(pid) == nil)
    }
}

@Suite struct CapabilityTests {
    static let known: [(name: String, number: Int32)] = [
        ("CAP_CHOWN", 0), ("CAP_KILL", 5), ("CAP_NET_ADMIN", 12), ("CAP_SYS_ADMIN", 21), ("CAP_MKNOD", 27),
        ("CAP_CHECKPOINT_RESTORE", 40),
    ]

    @Test("capabilities have capabilities(7)'s numbers", arguments: known)
    func numbers(name: String, number: Int32) {
        #expect(capabilityNumber(name) == number)
        #expect(capabilityName(number) == name)
    }

    @Test func namesAllOfTheKernels() {
        #expect(lastCapability() >= 36)
        for number in 0...lastCapability() {
            #expect(capabilityName(number).flatMap(capabilityNumber) == number)
        }
    }

    static let noNames = [
        "", "KILL", "CAP_", "CAP_NOSUCH", " CAP_KILL", "CAP_KILLX", "all", "5", "0x5", "63", "cap_kill", "CAP_KILL ",
        "CAP_KILL,x", "CAP_KILL+ep",
    ]

    @Test("other names are none", arguments: noNames)
    func refuses(name: String) {
        #expect(capabilityNumber(name) == nil)
    }

    @Test func holdsSets() {
        let set = CapabilitySet(mask: 1 << 5 | 1 << 40)
        #expect((0...63).filter { set.contains($0) } == [5, 40])
        #expect(CapabilitySet() == CapabilitySet(mask: 0))
    }
}

@Suite struct HostErrorTests {
    static let errors: [(error: HostError, text: String)] = [
        (HostError(call: "openat2", subject: "/a", errno: 2), "openat2 /a: no such file or directory"),
        (HostError(call: "setsid", subject: "", errno: 1), "setsid: operation not permitted"),
        (HostError(call: "hook", subject: "exit status 1", errno: 0), "hook exit status 1"),
        (HostError(call: "x", subject: "", errno: 9999), "x: unknown error 9999"),
    ]

    @Test("an error says what was tried, on what and why it failed", arguments: errors)
    func describes(error: HostError, text: String) {
        #expect("\(error)" == text)
        #expect("\(Failure("cannot do it", cause: error))" == "cannot do it: \(text)")
        #expect("\(Failure("outer", cause: Failure("inner", cause: error)))" == "outer: inner: \(text)")
    }
}
