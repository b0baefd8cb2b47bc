import HostSystem
import OCISpec
import TestSupport
import Testing

@testable import Sandboxing

/// Updates of a version 2 cgroup, played on a directory with its files.
@Suite struct CgroupUpdateTests {
    /// Files as the kernel has them, what is asked for, and what is in the files then.
    ///
    /// A write replaces the beginning of such a file only: a kernel's file would show the new value alone. So the former
    /// contents are not longer than what replaces them.
    struct Row: Sendable, CustomTestStringConvertible {
        let before: [String: String]
        let resources: String
        let after: [String: String]

        var testDescription: String { resources }
    }

    static let rows = [
        Row(
            before: ["cpu.max": "max 100000\n"], resources: #"{"cpu": {"period": 200000}}"#,
            after: ["cpu.max": "max 200000\n"]),
        Row(
            before: ["cpu.max": "50000 100000\n"], resources: #"{"cpu": {"period": 200000}}"#,
            after: ["cpu.max": "50000 200000\n"]),
        Row(
            before: ["memory.max": "104857600\n", "memory.swap.max": "max\n"],
            resources: #"{"memory": {"swap": 204857600}}"#,
            after: ["memory.max": "104857600\n", "memory.swap.max": "100000000"]),
        Row(
            before: ["memory.max": "1\n", "memory.swap.max": "0\n"], resources: #"{"memory": {"limit": -1}}"#,
            after: ["memory.max": "max", "memory.swap.max": "max"]),
        Row(before: ["pids.max": "max\n"], resources: #"{"pids": {"limit": 0}}"#, after: ["pids.max": "1ax\n"]),
        // Zeroes and empty words are no limits.
        Row(
            before: ["memory.max": "7\n", "cpu.weight": "9\n", "cpuset.cpus": "0\n"],
            resources: #"{"memory": {"limit": 0, "swap": 0}, "cpu": {"shares": 0, "quota": 0, "cpus": ""}}"#,
            after: ["memory.max": "7\n", "cpu.weight": "9\n", "cpuset.cpus": "0\n"]),
    ]

    private func cgroup(at path: String, _ files: [String: String]) throws -> Cgroup {
        try write("cpu memory pids cpuset\n", to: "\(path)/cgroup.controllers")
        for (name, content) in files { try write(content, to: "\(path)/\(name)") }
        return Cgroup(existing: [path])
    }

    private func decoded(_ text: String) throws -> Resources {
        try Resources.decode(try parseJSON([UInt8](text.utf8), named: "test"), named: "test")
    }

    @Test("what is not said keeps its value", arguments: rows)
    func updates(row: Row) throws {
        try withTemporaryDirectory { path in
            try cgroup(at: path, row.before).update(try decoded(row.resources))
            for (name, content) in row.after {
                let found = try readText("\(path)/\(name)")
                #expect(found == content || found == content + "\n", "\(name)")
            }
        }
    }

    @Test(
        "what cannot be is refused before anything changes",
        arguments: [
            (#"{"memory": {"swap": 200}}"#, "unable to set swap limit without memory limit"),
            (#"{"memory": {"limit": 300, "swap": 200}}"#, "memory+swap limit 200 should be >= memory limit 300"),
            (
                #"{"pids": {"limit": 5}, "memory": {"limit": 1000, "checkBeforeUpdate": true}}"#,
                "rejecting memory limit 1000 <= usage 5000"
            ),
            (
                #"{"pids": {"limit": 5}, "memory": {"limit": 9000, "swap": 4000, "checkBeforeUpdate": true}}"#,
                "memory+swap limit 4000 should be >= memory limit 9000"
            ),
            (
                #"{"pids": {"limit": 5}, "memory": {"limit": 1000, "swap": 4000, "checkBeforeUpdate": true}}"#,
                "rejecting memory+swap limit 4000 <= usage 5000"
            ),
        ])
    func refuses(resources: String, reason: String) throws {
        try withTemporaryDirectory { path in
            let before = ["memory.max": "max\n", "memory.current": "5000\n", "pids.max": "9\n"]
            let cgroup = try cgroup(at: path, before)
            let error = #expect(throws: (any Error).self) { try cgroup.update(try decoded(resources)) }
            #expect(error.map { "\($0)" }?.contains(reason) == true, "\(String(describing: error))")
            for (name, content) in before { #expect(try readText("\(path)/\(name)") == content) }
        }
    }

    @Test("when one limit cannot be set, those before it are taken back")
    func takesBack() throws {
        try withTemporaryDirectory { path in
            // There is no cpuset.cpus.
            let cgroup = try cgroup(at: path, ["memory.max": "77777\n", "pids.max": "44\n"])
            let resources = try decoded(#"{"memory": {"limit": 12345}, "pids": {"limit": 10}, "cpu": {"cpus": "0"}}"#)
            #expect(throws: (any Error).self) { try cgroup.update(resources) }
            #expect(try readText("\(path)/memory.max") == "77777\n")
            #expect(try readText("\(path)/pids.max") == "44\n")
        }
    }

    @Test("what has no effect on any kernel is said")
    func remarks() throws {
        #expect(try decoded(#"{"memory": {"kernel": 1}}"#).remarks.count == 1)
        #expect(try decoded(#"{"memory": {"kernelTCP": -1}}"#).remarks.count == 1)
        #expect(try decoded(#"{"memory": {"useHierarchy": false}}"#).remarks.count == 1)
        #expect(try decoded(#"{"memory": {"useHierarchy": true, "kernel": 0}}"#).remarks == [])
        #expect(Resources().remarks == [])
    }
}

@Suite struct CgroupStatisticsTests {
    private let files = [
        "cgroup.controllers": "cpu memory pids io hugetlb\n",
        "cpu.stat": "usage_usec 30\nuser_usec 20\nsystem_usec 10\nnr_periods 4\nnr_throttled 2\nthrottled_usec 7\n",
        "cpu.pressure": "some avg10=1.50 avg60=0.00 avg300=0.00 total=99\n",
        "memory.current": "1000\n", "memory.max": "4096\n", "memory.peak": "2000\n",
        "memory.swap.current": "10\n", "memory.swap.max": "100\n", "memory.stat": "file 300\nanon 200\n",
        "pids.current": "3\n", "pids.max": "max\n",
        "io.stat": "8:0 rbytes=5 wbytes=6 rios=1 wios=0 dbytes=0 dios=0\n",
        "hugetlb.2MB.current": "7\n", "hugetlb.2MB.events": "max 1\n",
        "cpuset.cpus.effective": "0-1,3\n",
    ]

    @Test("the figures of version 2 in runc's layout")
    func unified() throws {
        try withTemporaryDirectory { path in
            for (name, content) in files { try write(content, to: "\(path)/\(name)") }
            let data = try CgroupStatistics(of: [path]).document()
            #expect(data["cpu"]?["usage"] == ["total": 30000, "kernel": 10000, "user": 20000])
            #expect(data["cpu"]?["throttling"] == ["periods": 4, "throttledPeriods": 2, "throttledTime": 7000])
            #expect(data["cpu"]?["psi"]?["some"]?["total"] == 99)
            #expect(data["cpu"]?["psi"]?["some"]?["avg10"] == .number(1.5))
            #expect(data["cpu"]?["psi"]?["full"]?["total"] == 0)
            #expect(data["cpuset"]?["cpus"] == [0, 1, 3])
            #expect(data["memory"]?["cache"] == 300)
            #expect(data["memory"]?["usage"] == ["limit": 4096, "usage": 1000, "max": 2000, "failcnt": 0])
            // Version 1 counts memory and swap together, and so does this layout.
            #expect(data["memory"]?["swap"] == ["limit": 4196, "usage": 1010, "failcnt": 0])
            #expect(data["memory"]?["raw"] == ["anon": 200, "file": 300])
            #expect(data["memory"]?["psi"] == nil)
            #expect(data["pids"] == ["current": 3])
            #expect(
                data["blkio"]?["ioServiceBytesRecursive"] == [
                    ["major": 8, "op": "Read", "value": 5], ["major": 8, "op": "Write", "value": 6],
                ])
            #expect(data["hugetlb"] == ["2MB": ["usage": 7, "failcnt": 1]])
            #expect(data["network_interfaces"] == .null)
        }
    }

    @Test("cgroups that are gone are an error")
    func gone() {
        #expect(throws: HostError.self) { try CgroupStatistics(of: ["/sys/fs/cgroup/none-of-that-name"]).document() }
    }
}
