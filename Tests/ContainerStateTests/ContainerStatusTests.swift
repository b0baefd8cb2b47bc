import ContainerState
import HostSystem
import OCISpec
import TestSupport
import Testing

/// The record of a container whose process 1 is `pid`.
private func record(_ pid: Int32, startTime: UInt64) -> ContainerRecord {
    var record = fullRecord()
    record.pid = pid
    record.startTime = startTime
    return record
}

private func withDirectory(_ body: (borrowing ContainerDirectory) throws -> Void) throws {
    try withTemporaryDirectory { root in try body(try StateStore(root: root).make(id: "c1")) }
}

@Suite struct ContainerStatusTests {
    @Test func isCreatingWithoutAProcess() throws {
        try withDirectory { directory throws in
            #expect(try directory.status(nil) == .creating)
            #expect(try directory.status(record(0, startTime: 0)) == .creating)
        }
    }

    @Test func isRunningWithALivingProcess() throws {
        let own = try #require(try processStatus(currentProcess()))
        try withDirectory { directory throws in
            #expect(try directory.status(record(currentProcess(), startTime: own.startTime)) == .running)
        }
    }

    @Test func isCreatedWhileItsProcessWaits() throws {
        let own = try #require(try processStatus(currentProcess()))
        try withDirectory { directory in
            let listener = try directory.listenForStart()
            #expect(try directory.status(record(currentProcess(), startTime: own.startTime)) == .created)
            try directory.removeStartSocket()
            #expect(try directory.status(record(currentProcess(), startTime: own.startTime)) == .running)
            _ = consume listener
        }
    }

    @Test("a process with the same number that started at another time is another one")
    func isStoppedWhenTheNumberIsUsedAgain() throws {
        let own = try #require(try processStatus(currentProcess()))
        try withDirectory { directory throws in
            #expect(try directory.status(record(currentProcess(), startTime: own.startTime + 1)) == .stopped)
            #expect(try directory.status(record(currentProcess(), startTime: 0)) == .stopped)
        }
    }

    @Test func isStoppedWithADeadProcess() throws {
        let null = try open("/dev/null", flags: .readWrite)
        let pid = try spawn(
            "/bin/sh", arguments: ["sh", "-c", "exit 3"], environment: [], input: null.raw, output: null.raw,
            errors: null.raw)
        let process = try openProcess(pid)
        #expect(try waitUntilReadable([process.raw]) == [true])
        let zombie = try #require(try processStatus(pid))
        try withDirectory { directory in
            #expect(zombie.isDead)
            #expect(try directory.status(record(pid, startTime: zombie.startTime)) == .stopped)
            let end = try waitForChild(pid)?.end
            #expect(end == .exited(3))
            #expect(try directory.status(record(pid, startTime: zombie.startTime)) == .stopped)
        }
    }
}

@Suite struct StartSocketTests {
    @Test("start reaches process 1 in a directory of any length")
    func connects() throws {
        try withTemporaryDirectory { directory in
            let root = "\(directory)/\(String(repeating: "r", count: 200))"
            let container = try StateStore(root: root).make(id: String(repeating: "i", count: 200))
            let listener = try container.listenForStart()
            let client = try container.connectForStart()
            let server = try acceptConnection(listener.raw)
            try sendMessage(Array("start".utf8), to: client.raw)
            #expect(try receiveMessage(server.raw) == Array("start".utf8))
        }
    }

    @Test func isRefusedWhenProcessOneHasEnded() throws {
        try withDirectory { directory in
            _ = try directory.listenForStart()
            do throws(HostError) {
                _ = try directory.connectForStart()
                Issue.record("no error")
            } catch {
                #expect(error.isRefused)
            }
        }
    }
}
