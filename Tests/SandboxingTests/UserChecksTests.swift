import OCISpec
import TestSupport
import Testing

@testable import Sandboxing

@Suite struct UserChecksTests {
    static let own = IDMapping(containerID: 0, hostID: 1000, size: 1)
    static let granted = IDMapping(containerID: 1, hostID: 100_000, size: 10)

    /// The error for a container of user 1000, nil where there is none.
    private func error(
        _ mappings: [IDMapping], user: UInt32 = 1000, in types: [NamespaceType] = [.user],
        _ change: (inout RuntimeSpec) -> Void
    ) throws -> String? {
        var spec = RuntimeSpec()
        spec.process = Process()
        spec.linux = LinuxSpec()
        spec.linux?.uidMappings = mappings
        spec.linux?.gidMappings = mappings
        change(&spec)
        let namespaces = try NamespacePlan(types.map { Namespace(type: $0) })
        do {
            try UserChecks(user: user, group: user).check(spec, namespaces)
            return nil
        } catch {
            return "\(error)"
        }
    }

    @Test func ordinaryUsersNeedAUserNamespace() throws {
        #expect(
            try error([], in: [.pid]) { _ in }
                == "config.json: /linux/namespaces: rootless container requires user namespaces "
                + "(runtime-spec config-linux.md, namespaces)")
        #expect(try error([], user: 0, in: [.pid]) { _ in } == nil)
    }

    @Test("ids that the map does not have are refused, the last one it has is not")
    func unmappedIDs() throws {
        #expect(try error([Self.own, Self.granted]) { $0.process?.user.uid = 10 } == nil)
        #expect(
            try error([Self.own, Self.granted]) { $0.process?.user.uid = 11 }
                == "config.json: /process/user/uid: cannot set uid to unmapped user 11 in user namespace "
                + "(runtime-spec config.md, posix-platform-user)")
        #expect(
            try error([Self.own]) { $0.process?.user.gid = 1 }
                == "config.json: /process/user/gid: cannot set gid to unmapped group 1 in user namespace "
                + "(runtime-spec config.md, posix-platform-user)")
        #expect([IDMapping(containerID: 1, hostID: 0, size: .max)].maps(.max))
    }

    @Test("additional groups need a map that a helper or root writes")
    func additionalGroups() throws {
        #expect(
            try error([Self.own]) { $0.process?.user.additionalGids = [0] }
                == "config.json: /process/user/additionalGids: cannot set any additional groups in a rootless "
                + "container (runtime-spec config.md, posix-platform-user)")
        #expect(try error([Self.own, Self.granted]) { $0.process?.user.additionalGids = [0, 10] } == nil)
        #expect(try error([Self.own], user: 0) { $0.process?.user.additionalGids = [0] } == nil)
        #expect(
            try error([Self.own, Self.granted]) { $0.process?.user.additionalGids = [0, 99] }
                == "config.json: /process/user/additionalGids/1: cannot set gid to unmapped group 99 in user "
                + "namespace (runtime-spec config.md, posix-platform-user)")
    }

    @Test("owners of file systems have to be mapped, what is no number is the kernel's to refuse")
    func owners() throws {
        #expect(
            try error([Self.own]) { $0.mounts = [Mount(destination: "/a", options: ["mode=700", "gid=5"])] }
                == "config.json: /mounts/0/options/1: cannot specify gid=5 mount option for rootless container: it is "
                + "not mapped (runtime-spec config.md, mounts)")
        #expect(
            try error([Self.own]) { $0.mounts = [Mount(destination: "/a", options: ["uid=0", "gid=x", "guid=5"])] }
                == nil)
    }

    @Test("a path in config.json has to be made, whoever calls; root of the host does without nothing")
    func privilege() {
        #expect(CgroupPrivilege(isPathGiven: false, rootless: true).mayOmitCgroups)
        #expect(!CgroupPrivilege(isPathGiven: true, rootless: true).mayOmitCgroups)
        #expect(CgroupPrivilege(isPathGiven: true, rootless: true).mayOmitDeviceRules)
        #expect(!CgroupPrivilege(isPathGiven: false, rootless: false).mayOmitCgroups)
    }
}
