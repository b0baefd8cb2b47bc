import HostSystem
import OCISpec
import TestSupport
import Testing

@testable import Sandboxing

@Suite struct NamespacePlanTests {
    static let flags: [(type: NamespaceType, bit: UInt64)] = [
        (.pid, 0x2000_0000), (.network, 0x4000_0000), (.mount, 0x2_0000), (.ipc, 0x800_0000), (.uts, 0x400_0000),
        (.user, 0x1000_0000), (.cgroup, 0x200_0000), (.time, 0x80),
    ]

    @Test("namespaces have clone3(2)'s numbers", arguments: flags)
    func numbers(type: NamespaceType, bit: UInt64) {
        #expect(NamespacePlan.flag(type) == bit)
    }

    @Test("all kinds are made at once but for those that process 1 makes later")
    func makesNew() throws {
        let plan = try NamespacePlan(NamespaceType.allCases.map { Namespace(type: $0) })
        #expect(plan.new == Set(NamespaceType.allCases))
        #expect(plan.late == [.cgroup, .time])
        #expect(plan.cloneFlags == 0x7C02_0000)
        #expect(plan.joined == [])
    }

    @Test func makesNothingThatIsNotAskedFor() throws {
        #expect(try NamespacePlan([]).cloneFlags == 0)
        let plan = try NamespacePlan([], always: [.mount])
        #expect(plan.new == [.mount])
        #expect(plan.cloneFlags == 0x2_0000)
        #expect(plan.isSeparate(.mount))
        #expect(plan.isSeparate(.network) == false)
    }

    @Test("namespaces are joined in a fixed order, the user namespace first, and are open from then on")
    func joins() throws {
        let paths: [(NamespaceType, String)] = [
            (.network, "net"), (.pid, "pid"), (.uts, "uts"), (.user, "user"), (.mount, "mnt"),
        ]
        let plan = try NamespacePlan(
            paths.map { Namespace(type: $0, path: "/proc/self/ns/\($1)") } + [Namespace(type: .ipc)], always: [.mount])
        #expect(plan.joined.map(\.type) == [.user, .uts, .network, .pid, .mount])
        #expect(plan.new == [.ipc])
        for joined in plan.joined {
            #expect(try absolutePath(of: joined.descriptor) == (try readLink(joined.path)))
            // The runtime's own, which the paths lead to, are not the container's.
            #expect(joined.isOwn)
            #expect(plan.isSeparate(joined.type) == false)
        }
        #expect(plan.late == [])
        #expect(plan.cloneFlags == 0x800_0000)
        #expect(plan.joinsBeforeClone)
        #expect(try NamespacePlan([Namespace(type: .pid, path: "/proc/self/ns/pid")]).joinsBeforeClone == false)
    }

    @Test func needsTheNamespaceToJoin() {
        #expect(
            message { _ = try NamespacePlan([Namespace(type: .network, path: "/nosuch")]) }
                == "config.json: /linux/namespaces/0/path: cannot join network namespace: openat /nosuch: no such file or directory"
        )
    }
}
