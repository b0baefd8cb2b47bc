import HostSystem
import OCISpec
import ServiceManager
import TestSupport
import Testing

@testable import Sandboxing

@Suite struct SystemdUnitTests {
    static let slice = effectiveUser() == 0 ? "system.slice" : "user.slice"

    static let rows: [(path: String?, cgroup: String)] = [
        (nil, "/\(slice)/swiftlet-c1.scope"), ("", "/\(slice)/swiftlet-c1.scope"),
        ("system.slice:docker:abc", "/system.slice/docker-abc.scope"),
        ("a-b-c.slice:libpod:x", "/a.slice/a-b.slice/a-b-c.slice/libpod-x.scope"),
        (":p:x", "/\(slice)/p-x.scope"), ("user.slice::x", "/user.slice/x.scope"), ("-.slice:p:x", "/p-x.scope"),
    ]

    @Test("a path names slice, prefix and name; a slice is in those that its name begins with", arguments: rows)
    func places(path: String?, cgroup: String) throws {
        #expect(try SystemdUnit(path: path, id: "c1").cgroup == cgroup)
    }

    @Test(
        "a path of another form is refused",
        arguments: [
            "/a/b", "a:b", "a.slice:b:c:d", "a:b:c", "a--b.slice:p:x", "a.slice:p:", "a.slice:p:../x",
            "a.slice:p:x.slice",
        ])
    func refuses(path: String) {
        #expect(message { _ = try SystemdUnit(path: path, id: "c1") }.contains("/linux/cgroupsPath"))
    }

    @Test("limits are told to systemd as properties")
    func translatesLimits() {
        var resources = Resources()
        var (memory, cpu) = (MemoryResources(), CPUResources())
        (memory.limit, memory.swap, memory.reservation) = (100, 300, -1)
        (cpu.shares, cpu.quota, cpu.period, cpu.cpus, cpu.mems) = (1024, 12_345, 100_000, "0-1,9", "0")
        (resources.memory, resources.cpu, resources.pids) = (memory, cpu, PidsResources(limit: 7))
        resources.unified = ["memory.high": "50", "cgroup.freeze": "0"]
        #expect(
            SystemdUnit.limits(resources) == [
                UnitProperty("MemorySwapMax", .uint64(200)), UnitProperty("MemoryMax", .uint64(100)),
                UnitProperty("MemoryLow", .uint64(.max)), UnitProperty("CPUWeight", .uint64(100)),
                UnitProperty("CPUQuotaPerSecUSec", .uint64(130_000)),
                UnitProperty("CPUQuotaPeriodUSec", .uint64(100_000)), UnitProperty("AllowedCPUs", .bytes([3, 2])),
                UnitProperty("AllowedMemoryNodes", .bytes([1])), UnitProperty("TasksMax", .uint64(7)),
                UnitProperty("MemoryHigh", .uint64(50)),
            ])
    }

    @Test("annotations name properties; seconds become microseconds")
    func readsAnnotations() throws {
        let found = try SystemdUnit.annotated([
            "other": "1", "org.systemd.property.CollectMode": "'inactive'",
            "org.systemd.property.TimeoutStopSec": "90", "org.systemd.property.TimeoutStartUSec": "uint64 5",
        ])
        #expect(
            found == [
                UnitProperty("CollectMode", .string("inactive")), UnitProperty("TimeoutStopUSec", .uint64(90_000_000)),
                UnitProperty("TimeoutStartUSec", .uint64(5)),
            ])
    }

    @Test(
        "an annotation that cannot be read is refused",
        arguments: [("A", "text"), ("a.b", "1"), ("", "1"), ("RuntimeMaxSec", "'x'"), ("RuntimeMaxSec", "-1")])
    func refusesAnnotations(name: String, value: String) {
        let key = "org.systemd.property.\(name)"
        #expect(message { _ = try SystemdUnit.annotated([key: value]) }.contains("/annotations/\(key)"))
    }
}
