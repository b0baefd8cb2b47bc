import ContainerState
import HostSystem
import OCISpec
import TestSupport
import Testing

/// A record in which no member has its default.
func fullRecord(id: String = "c1") -> ContainerRecord {
    var record = ContainerRecord(
        ociVersion: "1.2.1", id: id, bundle: "/b \u{fc}\n", rootfs: "/b/rootfs", created: "2026-01-02T03:04:05Z",
        owner: .max)
    record.pid = .max
    record.startTime = .max
    record.guest = "solo5/spt"
    record.cgroups = ["/sys/fs/cgroup/a", "/sys/fs/cgroup/a/b"]
    record.processCgroups = ["/sys/fs/cgroup/a/b"]
    record.annotations = ["z": "1", "a": "2"]
    record.hooks = ["poststop": [["path": "/bin/true", "args": ["a", "b"]]]]
    return record
}

@Suite struct ContainerRecordTests {
    @Test func survivesItsFile() throws {
        let record = fullRecord()
        let json = try parseJSON(record.json.bytes(), named: "state.json")
        #expect(ContainerRecord(json: json) == record)
    }

    @Test func survivesTheDirectory() throws {
        try withTemporaryDirectory { root in
            let directory = try StateStore(root: root).make(id: "c1")
            #expect(try directory.record() == nil)
            try directory.write(fullRecord())
            #expect(try directory.record() == fullRecord())
        }
    }

    @Test("what a newer or older version wrote is read as far as it goes")
    func readsOthers() throws {
        var object = try #require(fullRecord().json.object)
        object["added"] = true
        #expect(ContainerRecord(json: .object(object)) == fullRecord())
        for key in ["guest", "cgroups", "processCgroups", "annotations", "hooks"] { object[key] = nil }
        let record = try #require(ContainerRecord(json: .object(object)))
        #expect(record.guest == "" && record.cgroups == [] && record.processCgroups == [])
        #expect(record.annotations == [:] && record.hooks == .null)
    }

    @Test(
        "a record without one of its members is none",
        arguments: ["ociVersion", "id", "bundle", "rootfs", "pid", "startTime", "created", "owner"])
    func needs(key: String) throws {
        for value in [nil, .null, .bool(true), .array([])] as [JSONValue?] {
            var object = try #require(fullRecord().json.object)
            object[key] = value
            #expect(ContainerRecord(json: .object(object)) == nil)
        }
    }

    static let garbage: [[UInt8]] =
        [
            "", "{", "{}", "[]", "null", "\0\0\0\0", "{\"id\":\"c1\"}", String(repeating: "[", count: 100_000),
            fullRecord().json.text().replacing("2147483647", with: "2147483648"),
            String(fullRecord().json.text().dropLast()),
        ].map { Array($0.utf8) } + [[0xFF, 0xFE], [UInt8](repeating: 0x7B, count: 1 << 20)]

    @Test("a state.json that is none counts as absent", arguments: garbage)
    func ignoresGarbage(bytes: [UInt8]) throws {
        try withTemporaryDirectory { root in
            let directory = try StateStore(root: root).make(id: "c1")
            try write(bytes, to: "\(directory.path)/state.json")
            #expect(try directory.record() == nil)
            #expect(try directory.status(nil) == .creating)
        }
    }

    @Test("a reader sees the old record or the new one")
    func replacesAtomically() throws {
        try withTemporaryDirectory { root in
            let directory = try StateStore(root: root).make(id: "c1")
            try directory.write(fullRecord())
            let place = "\(directory.path)/state.json"
            let reader = try open(place, flags: .readOnly)
            let before = try status(of: reader.raw)
            var changed = fullRecord()
            changed.pid = 7
            try directory.write(changed)
            #expect(try readAll(reader.raw, named: place) == fullRecord().json.bytes())
            #expect(try directory.record() == changed)
            #expect(try status(of: place).isSameFile(as: before) == false)
            #expect(try status(of: place).permissions == 0o600)
            #expect(try names(in: directory.path) == ["state.json"])
        }
    }

    @Test("a link in place of state.json is not followed")
    func refusesLinks() throws {
        try withTemporaryDirectory { root in
            let directory = try StateStore(root: root).make(id: "c1")
            try write(fullRecord().json.bytes(), to: "\(directory.path)/other")
            try link("\(directory.path)/state.json", to: "other")
            #expect(message { _ = try directory.record() }.contains("too many levels of symbolic links"))
        }
    }
}
