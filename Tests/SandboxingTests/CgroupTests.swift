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
            unified: ["memory.swap.max=200", "memory.max=100", "memory.low=50"]
        ) {
            var memory = MemoryResources()
            (memory.limit, memory.swap, memory.reservation) = (100, 300, 50)
            (memory.swappiness, memory.disableOOMKiller) = (60, true)
            $0.memory = memory
        },
        LimitRow(
            legacy: ["memory.limit_in_bytes=-1", "memory.memsw.limit_in_bytes=-1", "memory.soft_limit_in_bytes=-1"],
            unified: ["memory.swap.max=max", "memory.max=max", "memory.low=max"]
        ) {
            var memory = MemoryResources()
            (memory.limit, memory.swap, memory.reservation) = (-1, -1, -1)
            $0.memory = memory
        },
        // Version 2 counts swap alone: none is left when both limits are the same.
        LimitRow(
            legacy: ["memory.limit_in_bytes=100", "memory.memsw.limit_in_bytes=100"],
            unified: ["memory.swap.max=0", "memory.max=100"]
        ) {
            var memory = MemoryResources()
            (memory.limit, memory.swap, memory.disableOOMKiller) = (100, 100, false)
            $0.memory = memory
        },
        // No limit of memory alone is no limit of swap either, as it is with version 1.
        LimitRow(legacy: ["memory.limit_in_bytes=-1"], unified: ["memory.swap.max=max", "memory.max=max"]) {
            var memory = MemoryResources()
            (memory.limit, memory.swap, memory.reservation) = (-1, 0, 0)
            $0.memory = memory
        },
        LimitRow(
            legacy: ["memory.limit_in_bytes=-1", "memory.memsw.limit_in_bytes=300"],
            unified: ["memory.swap.max=300", "memory.max=max"]
        ) {
            var memory = MemoryResources()
            (memory.limit, memory.swap) = (-1, 300)
            $0.memory = memory
        },
    ]

    static let processors: [LimitRow] = [
        LimitRow(
            legacy: [
                "cpu.shares=1024", "cpu.idle=1", "cpu.cfs_period_us=100000", "cpu.cfs_quota_us=50000",
                "cpu.cfs_burst_us=10", "cpu.rt_period_us=1000", "cpu.rt_runtime_us=500", "cpuset.cpus=0-1",
                "cpuset.mems=0",
            ],
            unified: [
                "cpu.weight=100", "cpu.idle=1", "cpu.max.burst=10", "cpu.max=50000 100000", "cpuset.cpus=0-1",
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
        LimitRow(legacy: ["cpu.cfs_quota_us=-1"], unified: ["cpu.max=max"]) {
            var cpu = CPUResources()
            cpu.quota = -1
            $0.cpu = cpu
        },
        LimitRow(legacy: ["cpu.cfs_period_us=5000"], unified: ["cpu.max=max 5000"]) {
            var cpu = CPUResources()
            cpu.period = 5000
            $0.cpu = cpu
        },
        // An idle group takes no shares: it is first made an ordinary one.
        LimitRow(legacy: ["cpu.idle=0", "cpu.shares=2"], unified: ["cpu.idle=0", "cpu.weight=1"]) {
            var cpu = CPUResources()
            (cpu.shares, cpu.idle) = (2, 0)
            $0.cpu = cpu
        },
        LimitRow(legacy: ["pids.max=10"], unified: ["pids.max=10"]) { $0.pids = PidsResources(limit: 10) },
        LimitRow(legacy: ["pids.max=max"], unified: ["pids.max=max"]) { $0.pids = PidsResources(limit: -1) },
        LimitRow(legacy: ["pids.max=1"], unified: ["pids.max=1"]) { $0.pids = PidsResources(limit: 0) },
    ]

    static let others: [LimitRow] = [
        LimitRow(
            legacy: ["hugetlb.2MB.limit_in_bytes=4194304", "hugetlb.2MB.rsvd.limit_in_bytes=4194304"],
            unified: ["hugetlb.2MB.max=4194304", "hugetlb.2MB.rsvd.max=4194304"]
        ) {
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
        LimitRow(
            legacy: [
                "blkio.weight=100", "blkio.leaf_weight=20", "blkio.weight_device=8:0 500",
                "blkio.leaf_weight_device=8:0 30", "blkio.throttle.read_bps_device=8:0 1",
                "blkio.throttle.write_bps_device=8:1 2", "blkio.throttle.read_iops_device=8:2 3",
                "blkio.throttle.write_iops_device=8:3 4",
            ],
            unified: [
                "io.bfq.weight=100", "io.bfq.weight=8:0 500", "io.max=8:0 rbps=1", "io.max=8:1 wbps=2",
                "io.max=8:2 riops=3", "io.max=8:3 wiops=4",
            ]
        ) {
            var block = BlockIOResources()
            (block.weight, block.leafWeight) = (100, 20)
            block.weightDevice = [WeightDevice(major: 8, minor: 0, weight: 500, leafWeight: 30)]
            block.throttleReadBpsDevice = [ThrottleDevice(major: 8, minor: 0, rate: 1)]
            block.throttleWriteBpsDevice = [ThrottleDevice(major: 8, minor: 1, rate: 2)]
            block.throttleReadIOPSDevice = [ThrottleDevice(major: 8, minor: 2, rate: 3)]
            block.throttleWriteIOPSDevice = [ThrottleDevice(major: 8, minor: 3, rate: 4)]
            $0.blockIO = block
        },
        LimitRow(legacy: [], unified: ["pids.max=7", "memory.high=100", "cpu.weight=50"]) {
            $0.pids = nil
            $0.unified = ["pids.max": "7", "memory.high": "100", "cpu.weight": "50"]
        },
    ]

    private static func text(_ settings: [Cgroup.Setting]) -> [String] { settings.map { "\($0.file)=\($0.value)" } }

    @Test("limits become files of either version, in this order", arguments: memory + processors + others)
    func translates(_ row: LimitRow) {
        #expect(Self.text(Cgroup.legacySettings(row.resources)) == row.legacy)
        #expect(Self.text(Cgroup.unifiedSettings(row.resources)) == row.unified)
    }

    @Test("each setting goes to the directory of its controller")
    func choosesTheDirectory() {
        let legacy = Cgroup(
            isUnified: false,
            places: [
                Cgroup.Place(directory: "/m", controllers: ["memory"]),
                Cgroup.Place(directory: "/c", controllers: ["cpu", "cpuacct"]),
            ], missing: [])
        func place(_ controller: String, _ cgroup: Cgroup) -> String? {
            cgroup.directory(of: Cgroup.Setting(controller, "", 0))
        }
        #expect(["memory", "cpu", "cpuacct", "pids"].map { place($0, legacy) } == ["/m", "/c", "/c", nil])
        let unified = Cgroup(
            isUnified: true, places: [Cgroup.Place(directory: "/u", controllers: [])], missing: [])
        #expect(place("memory", unified) == "/u")
        var resources = Resources()
        resources.pids = PidsResources(limit: 1)
        #expect(throws: Failure.self) { try legacy.apply(resources) }
    }

    @Test("beside version 1, a controller of the version 2 tree is limited there, in its words")
    func choosesTheVersion() {
        let mixed = Cgroup(
            isUnified: false,
            places: [
                Cgroup.Place(directory: "/p", controllers: ["pids"]),
                Cgroup.Place(directory: "/u", controllers: ["hugetlb", "io"], isUnified: true),
            ], missing: [])
        var resources = Resources()
        resources.pids = PidsResources(limit: 5)
        resources.hugepageLimits = [HugepageLimit(pageSize: "2MB", limit: 0)]
        resources.blockIO = BlockIOResources()
        resources.blockIO?.throttleReadBpsDevice = [ThrottleDevice(major: 8, minor: 0, rate: 1)]
        resources.unified = ["misc.max": "a 1"]
        let settings = mixed.settings(for: resources)
        #expect(
            Self.text(settings) == [
                "pids.max=5", "io.max=8:0 rbps=1", "hugetlb.2MB.max=0", "hugetlb.2MB.rsvd.max=0", "misc.max=a 1",
            ])
        #expect(settings.map { mixed.directory(of: $0) } == ["/p", "/u", "/u", "/u", "/u"])
    }

    @Test(
        "shares become a weight by the formula of the other runtimes",
        arguments: [
            (0, 1), (1, 1), (2, 1), (3, 2), (102, 17), (512, 59), (1024, 100), (2048, 174), (262_143, 10_000),
            (262_144, 10_000), (.max, 10_000),
        ] as [(UInt64, UInt64)])
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
            var own = isAbsolute || hierarchy.ownPath == "/" ? "" : hierarchy.ownPath
            // A version 2 cgroup that has processes, as the runtime's own, hands no controllers down.
            if hierarchy.isUnified, let slash = own.lastIndex(of: "/") { own = String(own[..<slash]) }
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
        #expect(message { try cgroup.refuseUsed() }.contains("the container's cgroup is not empty: /sys/fs/cgroup"))
        #expect(cgroup.missing == [])
    }

    @Test("an empty path is no path, and what does not exist is used by nobody")
    func takesFreeOnes() throws {
        let cgroup = try Cgroup.plan(path: "", id: "swiftlet-nosuch")
        #expect(cgroup.directories == (try Cgroup.plan(path: nil, id: "swiftlet-nosuch").directories))
        #expect(message { try cgroup.refuseUsed() } == "no error")
    }
}

/// A limit, and whether each version refuses it.
struct PlaceRow: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let legacy: String?
    let unified: String?
    let resources: Resources

    init(_ name: String, legacy: String? = nil, unified: String? = nil, _ change: (inout Resources) -> Void) {
        testDescription = name
        self.legacy = legacy
        self.unified = unified
        var resources = Resources()
        change(&resources)
        self.resources = resources
    }
}

@Suite struct CgroupPlaceTests {
    private static func memory(_ change: (inout MemoryResources) -> Void) -> MemoryResources {
        var memory = MemoryResources()
        change(&memory)
        return memory
    }

    private static func block(_ change: (inout BlockIOResources) -> Void) -> BlockIOResources {
        var block = BlockIOResources()
        change(&block)
        return block
    }

    private static func device(_ allow: Bool, _ major: Int64?, _ minor: Int64? = nil, _ access: String? = nil)
        -> DeviceRule
    {
        var rule = DeviceRule(allow: allow, access: access)
        (rule.type, rule.major, rule.minor) = (.character, major, minor)
        return rule
    }

    static let rows: [PlaceRow] = [
        PlaceRow("nothing") { _ in },
        // What docker writes for "no weight" is no limit.
        PlaceRow("a weight of 0") { $0.blockIO = block { ($0.weight, $0.leafWeight) = (0, 0) } },
        PlaceRow("a weight") { $0.blockIO = block { $0.weight = 100 } },
        PlaceRow("a leaf weight", unified: "blockIO/leafWeight") { $0.blockIO = block { $0.leafWeight = 100 } },
        PlaceRow("a map", legacy: "unified") { $0.unified = ["memory.high": "1000"] },
        PlaceRow("a path", legacy: "unified/../x.y", unified: "unified/../x.y") { $0.unified = ["../x.y": "1"] },
        PlaceRow("no parameter", legacy: "unified/pids", unified: "unified/pids") { $0.unified = ["pids": "1"] },
        PlaceRow("a class", unified: "network") {
            $0.network = NetworkResources()
            $0.network?.classID = 1
        },
        PlaceRow("a class of 0") {
            $0.network = NetworkResources()
            $0.network?.classID = 0
        },
        PlaceRow("swappiness", unified: "memory/swappiness") { $0.memory = memory { $0.swappiness = 60 } },
        PlaceRow("no OOM killer", unified: "memory/disableOOMKiller") {
            $0.memory = memory { $0.disableOOMKiller = true }
        },
        PlaceRow("an OOM killer") { $0.memory = memory { $0.disableOOMKiller = false } },
        PlaceRow("swap alone", unified: "memory/swap") { $0.memory = memory { $0.swap = 1 } },
        PlaceRow("all the swap") { $0.memory = memory { $0.swap = -1 } },
        PlaceRow("less swap than memory", unified: "memory/swap") {
            $0.memory = memory { ($0.limit, $0.swap) = (2, 1) }
        },
        PlaceRow("real time", unified: "cpu/realtimeRuntime") {
            $0.cpu = CPUResources()
            $0.cpu?.realtimeRuntime = 1
        },
        PlaceRow("a hole in a wildcard", legacy: "devices/2") {
            $0.devices = [DeviceRule(allow: false), device(true, 10), device(false, 10, 200)]
        },
        PlaceRow("a hole in everything but one kind of access") {
            $0.devices = [DeviceRule(allow: false), device(true, 10, nil, "r"), device(false, 10, 200, "w")]
        },
        PlaceRow("an exception taken back") {
            $0.devices = [DeviceRule(allow: false), device(true, 10, 200), device(false, 10, 200)]
        },
    ]

    @Test("what a version has no place for is refused by name", arguments: rows)
    func refuses(_ row: PlaceRow) {
        for (isUnified, expected) in [(false, row.legacy), (true, row.unified)] {
            let cgroup = Cgroup(isUnified: isUnified, places: [], missing: [])
            let text = message { try cgroup.checkPlaces(for: row.resources) }
            if let expected {
                #expect(text.contains("/linux/resources/\(expected)"), "unified: \(isUnified)")
            } else {
                #expect(text == "no error", "unified: \(isUnified)")
            }
        }
    }
}
