import HostSystem
import OCISpec
import TestSupport
import Testing

@testable import Sandboxing

/// Limits of config.json, and what is written for them, in order: `FILE=VALUE`.
struct LimitRow: Sendable, CustomTestStringConvertible {
    let resources: Resources
    let legacy: [String]
    let unified: [String]

    init(legacy: [String], unified: [String], _ change: (inout Resources) -> Void) {
        var resources = Resources()
        change(&resources)
        self.resources = resources
        self.legacy = legacy
        self.unified = unified
    }

    var testDescription: String { (legacy + unified).joined(separator: " ") }
}

@Suite struct CgroupLimitTests {
    static let memory: [LimitRow] = [
        LimitRow(legacy: [], unified: []) { _ in },
        LimitRow(
            // The kernel refuses a limit of memory and swap that is below the one of memory, so that comes first.
            legacy: [
                "memory.limit_in_bytes=100", "memory.memsw.limit_in_bytes=300", "memory.soft_limit_in_bytes=50",
                "memory.swappiness=60", "memory.oom_control=1",
            ],
            unified: ["memory.max=100", "memory.swap.max=200", "memory.low=50"]
        ) {
            var memory = MemoryResources()
            (memory.limit, memory.swap, memory.reservation) = (100, 300, 50)
            (memory.swappiness, memory.disableOOMKiller) = (60, true)
            $0.memory = memory
        },
        LimitRow(
            legacy: ["memory.limit_in_bytes=-1", "memory.memsw.limit_in_bytes=-1", "memory.soft_limit_in_bytes=-1"],
            unified: ["memory.max=max", "memory.swap.max=max", "memory.low=max"]
        ) {
            var memory = MemoryResources()
            (memory.limit, memory.swap, memory.reservation) = (-1, -1, -1)
            $0.memory = memory
        },
        // Version 2 counts swap alone: none is left when both limits are the same.
        LimitRow(
            legacy: ["memory.limit_in_bytes=100", "memory.memsw.limit_in_bytes=100"],
            unified: ["memory.max=100", "memory.swap.max=0"]
        ) {
            var memory = MemoryResources()
            (memory.limit, memory.swap, memory.disableOOMKiller) = (100, 100, false)
            $0.memory = memory
        },
    ]

    static let processors: [LimitRow] = [
        LimitRow(
            legacy: [
                "cpu.shares=1024", "cpu.cfs_period_us=100000", "cpu.cfs_quota_us=50000", "cpu.cfs_burst_us=10",
                "cpu.rt_period_us=1000", "cpu.rt_runtime_us=500", "cpu.idle=1", "cpuset.cpus=0-1", "cpuset.mems=0",
            ],
            unified: [
                "cpu.weight=39", "cpu.max=50000 100000", "cpu.max.burst=10", "cpu.idle=1", "cpuset.cpus=0-1",
                "cpuset.mems=0",
            ]
        ) {
            var cpu = CPUResources()
            (cpu.shares, cpu.quota, cpu.period, cpu.burst) = (1024, 50_000, 100_000, 10)
            (cpu.realtimeRuntime, cpu.realtimePeriod, cpu.cpus, cpu.mems, cpu.idle) = (500, 1000, "0-1", "0", 1)
            $0.cpu = cpu
        },
        LimitRow(legacy: [], unified: []) {
            var cpu = CPUResources()
            (cpu.shares, cpu.quota, cpu.period, cpu.cpus) = (0, 0, 0, "")
            $0.cpu = cpu
        },
        LimitRow(legacy: ["cpu.cfs_quota_us=-1"], unified: ["cpu.max=max 100000"]) {
            var cpu = CPUResources()
            cpu.quota = -1
            $0.cpu = cpu
        },
        LimitRow(legacy: ["cpu.cfs_period_us=5000"], unified: ["cpu.max=max 5000"]) {
            var cpu = CPUResources()
            cpu.period = 5000
            $0.cpu = cpu
        },
        LimitRow(legacy: ["pids.max=10"], unified: ["pids.max=10"]) { $0.pids = PidsResources(limit: 10) },
        LimitRow(legacy: ["pids.max=max"], unified: ["pids.max=max"]) { $0.pids = PidsResources(limit: -1) },
        LimitRow(legacy: [], unified: []) { $0.pids = PidsResources(limit: 0) },
    ]

    static let others: [LimitRow] = [
        LimitRow(legacy: ["hugetlb.2MB.limit_in_bytes=4194304"], unified: ["hugetlb.2MB.max=4194304"]) {
            $0.hugepageLimits = [HugepageLimit(pageSize: "2MB", limit: 4_194_304)]
        },
        LimitRow(legacy: ["net_cls.classid=1048577", "net_prio.ifpriomap=lo 5"], unified: []) {
            var network = NetworkResources()
            network.classID = 0x10_0001
            network.priorities = [InterfacePriority(name: "lo", priority: 5)]
            $0.network = network
        },
        LimitRow(
            legacy: ["rdma.max=mlx hca_handle=2 hca_object=3", "rdma.max=mly hca_object=1"],
            unified: ["rdma.max=mlx hca_handle=2 hca_object=3", "rdma.max=mly hca_object=1"]
        ) {
            $0.rdma = [
                RDMALimit(device: "mlx", hcaHandles: 2, hcaObjects: 3),
                RDMALimit(device: "mly", hcaHandles: nil, hcaObjects: 1),
            ]
        },
        LimitRow(legacy: [], unified: ["pids.max=7", "memory.high=100", "cpu.weight=50"]) {
            $0.pids = nil
            $0.unified = ["pids.max": "7", "memory.high": "100", "cpu.weight": "50"]
        },
    ]

    private static func text(_ settings: [Cgroup.Setting]) -> [String] { settings.map { "\($0.file)=\($0.value)" } }

    @Test("limits become files of either version, in this order", arguments: memory + processors + others)
    func translates(_ row: LimitRow) {
        let (legacy, unified) = (
            Cgroup(isUnified: false, places: [], missing: []), Cgroup(isUnified: true, places: [], missing: [])
        )
        #expect(Self.text(legacy.legacySettings(row.resources)) == row.legacy)
        #expect(Self.text(unified.unifiedSettings(row.resources)) == row.unified)
    }

    @Test("each setting goes to the directory of its controller")
    func choosesTheDirectory() {
        let legacy = Cgroup(
            isUnified: false,
            places: [
                Cgroup.Place(directory: "/m", controllers: ["memory"], isRoot: false),
                Cgroup.Place(directory: "/c", controllers: ["cpu", "cpuacct"], isRoot: false),
            ], missing: [])
        let found = ["memory", "cpu", "cpuacct", "pids"].map { legacy.directory(of: $0) }
        #expect(found == ["/m", "/c", "/c", nil])
        let unified = Cgroup(
            isUnified: true, places: [Cgroup.Place(directory: "/u", controllers: [], isRoot: false)], missing: [])
        #expect(unified.directory(of: "") == "/u")
        var resources = Resources()
        resources.pids = PidsResources(limit: 1)
        #expect(throws: Failure.self) { try legacy.apply(resources) }
    }

    @Test("device rules keep their order; what every container may use comes last")
    func translatesDevices() {
        var resources = Resources()
        var disk = DeviceRule(allow: true, access: "rw")
        (disk.type, disk.major, disk.minor) = (.block, 8, 1)
        var wild = DeviceRule(allow: false)
        (wild.type, wild.major) = (.character, 10)
        resources.devices = [DeviceRule(allow: false, access: "rwm"), disk, wild, DeviceRule(allow: true)]
        let cgroup = Cgroup(isUnified: false, places: [], missing: [])
        let written = Self.text(cgroup.legacySettings(resources))
        #expect(
            written.prefix(4) == [
                "devices.deny=a", "devices.allow=b 8:1 rw", "devices.deny=c 10:* rwm", "devices.allow=a",
            ])
        #expect(written.dropFirst(4).allSatisfy { $0.hasPrefix("devices.allow=") })
        #expect(written.contains("devices.allow=c 1:3 rwm"))
        resources.devices = []
        #expect(cgroup.legacySettings(resources).isEmpty)
    }

    @Test(
        "shares become a weight by the formula of the other runtimes",
        arguments: [(0, 1), (1, 1), (2, 1), (28, 1), (29, 2), (1024, 39), (262_144, 10_000), (.max, 10_000)]
            as [(UInt64, UInt64)])
    func convertsShares(shares: UInt64, weight: UInt64) {
        #expect(Cgroup.weight(shares: shares) == weight)
    }
}

@Suite(.enabled(if: (try? CgroupLayout.detect()) != nil, "needs /sys/fs/cgroup"))
struct CgroupPlacementTests {
    static let rows: [(path: String?, isAbsolute: Bool, parts: String)] = [
        ("/a/b", true, "/a/b"), ("/a//b/", true, "/a/b"), ("/./a", true, "/a"), (nil, true, "/swiftlet-test"),
        ("/../../etc", true, "/etc"), ("/a/../../../b", true, "/a/b"), ("a/b", false, "/a/b"),
        ("../../a", false, "/a"), ("a/..", false, "/a"),
    ]

    @Test("a path counts from the mount point or from the runtime's own cgroup, and never leaves it", arguments: rows)
    func places(path: String?, isAbsolute: Bool, parts: String) throws {
        let layout = try CgroupLayout.detect()
        let expected = layout.hierarchies.map { hierarchy in
            let own = isAbsolute || hierarchy.ownPath == "/" ? "" : hierarchy.ownPath
            return hierarchy.mountPoint + own + parts
        }
        #expect(try Cgroup.plan(path: path, id: "swiftlet-test").directories == expected)
    }

    @Test("what is not there yet is remembered, outermost first")
    func remembersMissing() throws {
        let cgroup = try Cgroup.plan(path: "/swiftlet-nosuch/a", id: "c1")
        let expected = cgroup.directories.flatMap { [String($0.dropLast(2)), $0] }
        #expect(cgroup.missing == expected)
    }

    @Test(
        "a hierarchy's root and the runtime's own cgroup are no container's", arguments: ["/", "/.."])
    func refusesRoots(path: String) throws {
        let cgroup = try Cgroup.plan(path: path, id: "c1")
        #expect(message { try cgroup.refuseUsed() }.hasPrefix("the container's cgroup is not empty: /sys/fs/cgroup"))
        #expect(cgroup.missing == [])
    }

    @Test("an empty path is no path, and what does not exist is used by nobody")
    func takesFreeOnes() throws {
        let cgroup = try Cgroup.plan(path: "", id: "swiftlet-nosuch")
        #expect(cgroup.directories == (try Cgroup.plan(path: nil, id: "swiftlet-nosuch").directories))
        #expect(message { try cgroup.refuseUsed() } == "no error")
    }

    @Test func refusesLimitsThatHaveNoPlaceInTheVersion() throws {
        let (legacy, unified) = (
            Cgroup(isUnified: false, places: [], missing: []), Cgroup(isUnified: true, places: [], missing: [])
        )
        var resources = Resources()
        resources.blockIO = BlockIOResources()
        // What docker writes for "no weight" is no limit.
        resources.blockIO?.weight = 0
        try unified.checkPlaces(for: resources)
        resources.blockIO?.weight = 100
        try legacy.checkPlaces(for: resources)
        #expect(throws: SpecError.self) { try unified.checkPlaces(for: resources) }
        resources = Resources()
        resources.unified = ["memory.high": "1000"]
        try unified.checkPlaces(for: resources)
        #expect(throws: SpecError.self) { try legacy.checkPlaces(for: resources) }
    }
}
