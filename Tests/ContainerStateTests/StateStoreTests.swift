import ContainerState
import HostSystem
import TestSupport
import Testing

@Suite struct StateStoreTests {
    @Test func makesAContainerOnce() throws {
        try withTemporaryDirectory { directory in
            let store = StateStore(root: "\(directory)/deep/root")
            #expect(try store.ids() == [])
            let made = try store.make(id: "c1")
            let path = made.path
            #expect(path == "\(directory)/deep/root/c1")
            #expect(try status(of: path).permissions == 0o700)
            #expect(
                message { _ = try store.make(id: "c1") }
                    == "container with id c1 exists already in \(directory)/deep/root")
            try made.remove()
            #expect(!exists(path))
            #expect(message { _ = try store.make(id: "c1") } == "no error")
        }
    }

    @Test func listsContainersSorted() throws {
        try withTemporaryDirectory { directory in
            let store = StateStore(root: directory)
            for id in ["b", "a", "B", "a.1"] { _ = try store.make(id: id) }
            try write("", to: "\(directory)/file")
            try link("\(directory)/link", to: "a")
            #expect(try store.ids() == ["B", "a", "a.1", "b"])
        }
    }

    @Test("a container that is not there is nil, what is no directory is an error")
    func opens() throws {
        try withTemporaryDirectory { directory in
            let store = StateStore(root: directory)
            for lock in [false, true] {
                #expect(try Self.path(of: "nosuch", in: store, lock: lock) == nil)
                #expect(try Self.path(of: "c1", in: StateStore(root: "/nosuch"), lock: lock) == nil)
            }
            _ = try store.make(id: "c1")
            #expect(try Self.path(of: "c1", in: store, lock: true) == "\(directory)/c1")
            try write("", to: "\(directory)/file")
            try link("\(directory)/link", to: "c1")
            for id in ["file", "link"] {
                #expect(
                    message { _ = try store.open(id: id, lock: false) } == "openat \(directory)/\(id): not a directory")
            }
        }
    }

    private static func path(of id: String, in store: StateStore, lock: Bool) throws -> String? {
        guard let container = try store.open(id: id, lock: lock) else { return nil }
        return container.path
    }

    /// Asks flock(1) for the lock of a directory: 0 when it got it, 1 when it did not within so many seconds.
    private func tryLock(_ path: String, seconds: Int) throws -> ProcessEnd? {
        let null = try open("/dev/null", flags: .readWrite)
        let pid = try spawn(
            "/usr/bin/flock", arguments: ["flock", "--wait", "\(seconds)", path, "true"], environment: ["PATH=/bin"],
            input: null.raw, output: null.raw, errors: null.raw)
        return try waitForChild(pid)?.end
    }

    @Test("one command at a time holds a container", .enabled(if: exists("/usr/bin/flock"), "needs flock(1)"))
    func locks() throws {
        try withTemporaryDirectory { directory in
            let store = StateStore(root: directory)
            do {
                let made = try store.make(id: "c1")
                #expect(try tryLock(made.path, seconds: 0) == .exited(1))
            }
            #expect(try tryLock("\(directory)/c1", seconds: 60) == .exited(0))
            do {
                let held = try store.open(id: "c1", lock: true)
                #expect(try tryLock("\(directory)/c1", seconds: 0) == .exited(1))
                _ = consume held
            }
            let reader = try store.open(id: "c1", lock: false)
            #expect(try tryLock("\(directory)/c1", seconds: 60) == .exited(0))
            _ = consume reader
        }
    }

    @Test func removesAllOfAContainer() throws {
        try withTemporaryDirectory { directory in
            let container = try StateStore(root: "\(directory)/root").make(id: "c1")
            try write("kept", to: "\(directory)/outside/file")
            try container.write(fullRecord())
            _ = try container.listenForStart()
            try link("\(container.path)/link", to: "../../outside")
            try write("", to: "\(container.path)/below/file")
            try container.remove()
            #expect(try names(in: "\(directory)/root") == [])
            #expect(try readText("\(directory)/outside/file") == "kept")
        }
    }
}
