import ContainerState
import HostSystem
import OCISpec
import TestSupport
import Testing

@testable import Lifecycle

/// Containers that exist as records only, with processes that are no containers' at all.
private func withRuntime(_ body: (Runtime, StateStore) throws -> Void) throws {
    try withTemporaryDirectory { directory in
        let log = Log(standardError: { _ in })
        let settings = RuntimeSettings(root: "\(directory)/root", systemdCgroup: false, rootless: nil, log: log)
        try body(Runtime(settings), StateStore(root: settings.root))
    }
}

private func makeContainer(_ id: String, process: (pid: Int32, startTime: UInt64)?, in store: StateStore) throws {
    var record = ContainerRecord(
        ociVersion: "1.2.1", id: id, bundle: "/b", rootfs: "/b/rootfs", created: "2026-01-02T03:04:05Z", owner: 0)
    record.annotations = ["z": "1", "a": "2"]
    if let process { (record.pid, record.startTime) = process }
    try store.make(id: id).write(record)
}

/// This process: it lives as long as the test.
private func livingProcess() throws -> (pid: Int32, startTime: UInt64) {
    let own = try #require(try processStatus(currentProcess()))
    return (currentProcess(), own.startTime)
}

/// The number of this process as that of one which started at another time.
private func deadProcess() throws -> (pid: Int32, startTime: UInt64) {
    let own = try livingProcess()
    return (own.pid, own.startTime + 1)
}

@Suite struct RuntimeStateTests {
    @Test("state and list tell of a container whose process has ended")
    func tellsOfStopped() throws {
        try withRuntime { runtime, store in
            try makeContainer("c1", process: deadProcess(), in: store)
            #expect(
                try runtime.state(id: "c1") == [
                    "ociVersion": "1.2.1", "id": "c1", "pid": 0, "status": "stopped", "bundle": "/b",
                    "rootfs": "/b/rootfs", "created": "2026-01-02T03:04:05Z", "annotations": ["z": "1", "a": "2"],
                    "owner": "",
                ])
            let listed = try #require(try runtime.list().first)
            #expect(listed.id == "c1" && listed.status == "stopped" && listed.pid == 0)
            #expect(listed.owner == "root" && listed.annotations.map(\.0) == ["z", "a"])
        }
    }

    @Test func tellsOfRunningAndCreating() throws {
        try withRuntime { runtime, store in
            try makeContainer("b", process: livingProcess(), in: store)
            try makeContainer("a", process: nil, in: store)
            #expect(try runtime.state(id: "b")["pid"] == JSONValue(currentProcess()))
            #expect(try runtime.state(id: "b")["status"] == "running")
            #expect(try runtime.state(id: "a")["status"] == "creating")
            #expect(try runtime.list().map(\.id) == ["a", "b"])
        }
    }

    @Test("a container without a record is listed by nobody and can be removed")
    func passesOverHalfMade() throws {
        try withRuntime { runtime, store in
            _ = try store.make(id: "c1")
            #expect(try runtime.list().isEmpty)
            #expect(message { _ = try runtime.state(id: "c1") } == "container does not exist: c1")
            try runtime.delete(id: "c1", force: false)
            #expect(try store.ids() == [])
        }
    }

    @Test("hooks get the state document of the runtime spec")
    func makesTheHooksDocument() throws {
        try withRuntime { runtime, _ in
            var record = ContainerRecord(
                ociVersion: "1.2.1", id: "c1", bundle: "/b", rootfs: "/b/rootfs", created: "", owner: 0)
            record.pid = 7
            record.annotations = ["z": "1", "a": "2"]
            let running = runtime.document(record, status: .running).json
            #expect(
                running == [
                    "ociVersion": "1.2.1", "id": "c1", "status": "running", "pid": 7, "bundle": "/b",
                    "annotations": ["z": "1", "a": "2"],
                ])
            #expect(runtime.document(record, status: .stopped).json["pid"] == nil)
            record.hooks = ["poststop": [["path": "/bin/true", "timeout": 5]]]
            let hook = try #require(try record.decodedHooks().poststop.first)
            #expect(hook.path == "/bin/true" && hook.timeout == 5)
            record.hooks = .null
            #expect(try record.decodedHooks().isEmpty)
        }
    }
}

@Suite struct RuntimeRefusalTests {
    @Test("what is asked of a container that is not there is refused in runc's words")
    func needsAContainer() throws {
        try withRuntime { runtime, store in
            let expected = "container does not exist: c1"
            #expect(message { _ = try runtime.state(id: "c1") } == expected)
            #expect(message { try runtime.start(id: "c1") } == expected)
            #expect(message { try runtime.kill(id: "c1", signal: 15, all: false) } == expected)
            #expect(message { try runtime.delete(id: "c1", force: false) } == expected)
            try runtime.delete(id: "c1", force: true)
            #expect(try runtime.list().isEmpty)
            #expect(!exists(store.root))
        }
    }

    @Test("a container that runs is neither started nor deleted")
    func leavesRunning() throws {
        try withRuntime { runtime, store in
            try makeContainer("c1", process: livingProcess(), in: store)
            #expect(message { try runtime.start(id: "c1") } == "cannot start an already running container")
            #expect(
                message { try runtime.delete(id: "c1", force: false) }
                    == "cannot delete container c1 that is not stopped: running")
            #expect(try store.ids() == ["c1"])
        }
    }

    @Test("a container that has stopped is neither started nor signalled, but deleted")
    func leavesStopped() throws {
        try withRuntime { runtime, store in
            try makeContainer("c1", process: deadProcess(), in: store)
            #expect(message { try runtime.start(id: "c1") } == "cannot start a container that has stopped")
            // Were it delivered, this process would end.
            #expect(message { try runtime.kill(id: "c1", signal: 9, all: false) } == "container not running")
            // Nothing is left of it either, which is no error.
            try runtime.kill(id: "c1", signal: 9, all: true)
            try runtime.delete(id: "c1", force: false)
            #expect(try store.ids() == [])
        }
    }

    @Test func deletesARunningOneByForce() throws {
        try withRuntime { runtime, store in
            let null = try open("/dev/null", flags: .readWrite)
            let pid = try spawn(
                "/bin/sh", arguments: ["sh", "-c", "exec sleep 600"], environment: ["PATH=/bin:/usr/bin"],
                input: null.raw,
                output: null.raw, errors: null.raw)
            let started = try #require(try processStatus(pid)?.startTime)
            try makeContainer("c1", process: (pid, started), in: store)
            try runtime.delete(id: "c1", force: true)
            #expect(try waitForChild(pid)?.end == .signaled(9))
            #expect(try store.ids() == [])
        }
    }

    @Test("options that cannot be met are refused before anything is made")
    func refusesOptions() throws {
        try withRuntime { runtime, store in
            let options = CreateOptions(
                bundle: "/nosuch", configFile: nil, pidFile: nil, consoleSocket: nil, noPivot: false,
                noNewKeyring: false, preserveDescriptors: 0)
            let systemd = Runtime(
                RuntimeSettings(root: store.root, systemdCgroup: true, rootless: nil, log: runtime.log))
            #expect(message { try systemd.create(id: "c1", options: options) }.contains("systemd"))
            #expect(
                message { try runtime.create(id: "c1", options: options) }
                    == "cannot open the bundle: openat /nosuch: no such file or directory")
            #expect(!exists(store.root))
        }
    }
}

@Suite struct RuntimeHookTests {
    @Test("delete runs the poststop hooks, when nothing of the container is left, and warns of those that fail")
    func runsPoststop() throws {
        try withTemporaryDirectory { directory in
            var warnings = ""
            let log = Log(standardError: { warnings += $0 })
            let store = StateStore(root: "\(directory)/root")
            let runtime = Runtime(RuntimeSettings(root: store.root, systemdCgroup: false, rootless: nil, log: log))
            var record = ContainerRecord(
                ociVersion: "1.2.1", id: "c1", bundle: "/b", rootfs: "/b/rootfs", created: "", owner: 0)
            (record.pid, record.startTime) = try deadProcess()
            let script = "ls \(store.root) >\(directory)/left; cat >\(directory)/state"
            record.hooks = [
                "poststop": [
                    ["path": "/bin/sh", "args": ["sh", "-c", "echo first; exit 3"]],
                    ["path": "/bin/sh", "args": ["sh", "-c", .string(script)]],
                ]
            ]
            try store.make(id: "c1").write(record)
            try runtime.delete(id: "c1", force: false)
            #expect(try readText("\(directory)/left") == "")
            let state = try parseJSON(Array(readText("\(directory)/state").utf8), named: "state")
            #expect(state["id"] == "c1" && state["status"] == "stopped")
            #expect(warnings.contains("level=warning"))
            #expect(
                warnings.contains(
                    "error running poststop hook #0: poststop hook failed with exit code 3: /bin/sh, output"))
        }
    }
}
