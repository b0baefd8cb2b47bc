import HostSystem
import OCISpec
import TestSupport
import Testing

@testable import Sandboxing

/// What config.json asks for, in which new namespaces, and why it is refused; nil where it is not.
struct CheckRow: Sendable, CustomTestStringConvertible {
    let name: String
    let spec: RuntimeSpec
    let namespaces: [Namespace]
    let message: String?

    init(
        _ name: String, in namespaces: [NamespaceType] = [], _ message: String? = nil,
        _ change: (inout RuntimeSpec, inout LinuxSpec) -> Void
    ) {
        var (spec, linux) = (RuntimeSpec(), LinuxSpec())
        change(&spec, &linux)
        spec.linux = linux
        self.name = name
        self.spec = spec
        self.namespaces = namespaces.map { Namespace(type: $0) }
        self.message = message
    }

    var testDescription: String { name }
}

@Suite struct SpecChecksTests {
    static let unsupported: [CheckRow] = [
        CheckRow("nothing") { _, _ in },
        CheckRow("mount label") { $1.mountLabel = "x" },
        CheckRow(
            "masked paths of everybody",
            "config.json: /linux/maskedPaths: unable to restrict sys entries without a private MNT namespace "
                + "(runtime-spec config-linux.md, masked-paths)"
        ) { $1.maskedPaths = ["/proc/kcore"] },
        CheckRow("masked paths", in: [.mount]) { $1.maskedPaths = ["/proc/kcore"] },
        CheckRow("network device", in: [.network]) { $1.netDevices = [NetDevice(hostName: "eth0", name: "net%d")] },
        CheckRow(
            "network device without a network",
            "config.json: /linux/netDevices/eth0: unable to move network devices without a NET namespace "
                + "(runtime-spec config-linux.md, network-devices)"
        ) { $1.netDevices = [NetDevice(hostName: "eth0")] },
        CheckRow(
            "network device with a long name", in: [.network],
            "config.json: /linux/netDevices/eth0: invalid network device name \"abcdefghijklmnop\" "
                + "(runtime-spec config-linux.md, network-devices)"
        ) { $1.netDevices = [NetDevice(hostName: "eth0", name: "abcdefghijklmnop")] },
        CheckRow(
            "Intel RDT",
            "config.json: /linux/intelRdt: intelRdt is specified in config, but Intel RDT is not enabled "
                + "(runtime-spec config-linux.md, intelrdt)"
        ) { $1.intelRdt = IntelRdt() },
        CheckRow("time offsets", in: [.time]) { $1.timeOffsets = [TimeOffset(clock: .boottime, secs: 1)] },
        CheckRow(
            "time offsets of everybody",
            "config.json: /linux/timeOffsets: time namespace offsets specified, but time namespace isn't enabled in "
                + "the config (runtime-spec config-linux.md, offset-for-time-namespace)"
        ) { $1.timeOffsets = [TimeOffset(clock: .boottime, secs: 1)] },
        CheckRow("personality") { $1.personality = Personality(domain: .linux) },
        CheckRow(
            "mount with mappings",
            "config.json: /mounts/1/type: id-mapped mounts are only supported for bind-mounts "
                + "(runtime-spec config.md, mounts)"
        ) { spec, _ in
            spec.mounts = [Mount(destination: "/a"), Mount(destination: "/b", type: "tmpfs")]
            spec.mounts[1].uidMappings = [mapping]
        },
        CheckRow("bind mount with mappings") { spec, _ in
            spec.mounts = [Mount(destination: "/a", type: "bind", source: "/")]
            spec.mounts[0].uidMappings = [mapping]
        },
        CheckRow("bind mount with the container's mappings", in: [.user]) { spec, linux in
            spec.mounts = [Mount(destination: "/a", type: "bind", source: "/", options: ["ridmap"])]
            (linux.uidMappings, linux.gidMappings) = ([mapping], [mapping])
        },
        CheckRow(
            "bind mount with nobody's mappings",
            "config.json: /mounts/0/options: idmap needs mappings: the mount has none, and the container no user "
                + "namespace (runtime-spec config.md, mounts)"
        ) { spec, _ in spec.mounts = [Mount(destination: "/a", source: "/", options: ["bind", "idmap"])] },
    ]

    static let names: [CheckRow] = [
        CheckRow("host name of its own", in: [.uts]) { spec, _ in spec.hostname = "h" },
        CheckRow(
            "the host's name",
            "config.json: /hostname: unable to set hostname without a private UTS namespace "
                + "(runtime-spec config.md, hostname)"
        ) { spec, _ in spec.hostname = "h" },
        CheckRow(
            "the host's domain name", in: [.network, .pid],
            "config.json: /domainname: unable to set domainname without a private UTS namespace "
                + "(runtime-spec config.md, domainname)"
        ) { spec, _ in spec.domainname = "d" },
    ]

    static let mapping = IDMapping(containerID: 0, hostID: 1000, size: 1)
    static let mappings: [CheckRow] = [
        CheckRow("both mappings", in: [.user]) {
            $1.uidMappings = [mapping]; $1.gidMappings = [mapping]
        },
        CheckRow(
            "mappings without a namespace",
            "config.json: /linux/uidMappings: mappings need a user namespace, which the container has not "
                + "(runtime-spec config-linux.md, user-namespace-mappings)"
        ) { $1.uidMappings = [mapping] },
    ]

    @Test("what cannot be done, or would be the host's, is refused", arguments: unsupported + names + mappings)
    func checks(_ row: CheckRow) {
        let text = message { try SpecChecks.check(row.spec, try NamespacePlan(row.namespaces)) }
        #expect(text == row.message ?? "no error")
    }

    static let sysctls: [(name: String, namespaces: [NamespaceType], reason: String?)] = [
        ("net.ipv4.ip_forward", [.network], nil), ("net/ipv4/conf/eth0.100/forwarding", [.network], nil),
        ("kernel.shmmax", [.ipc], nil), ("kernel.sem", [.ipc], nil), ("kernel/msgmax", [.ipc], nil),
        ("fs.mqueue.msg_max", [.ipc], nil), ("kernel.domainname", [.uts], nil),
        ("net.ipv4.ip_forward", [.ipc, .uts], "not allowed in host network namespace"),
        ("kernel.shmmax", [.network], "is not allowed in the hosts ipc namespace"),
        ("kernel.domainname", [], "is not allowed in the hosts uts namespace"),
        ("kernel.hostname", [.uts], "not allowed as it conflicts with the OCI \"hostname\" field"),
        ("user.max_net_namespaces", [.network], "setting ucounts without a user namespace not allowed"),
        ("kernel.core_pattern", [.ipc, .uts, .network], "is not in a separate kernel namespace"),
        ("vm.overcommit_memory", [.ipc, .uts, .network], "is not in a separate kernel namespace"),
        ("kernel.shmmax_", [.ipc], "is not in a separate kernel namespace"),
        ("kernel", [.ipc], "is not in a separate kernel namespace"),
        ("net", [.network], "is not in a separate kernel namespace"),
        ("fs.mqueue", [.ipc], "is not in a separate kernel namespace"),
        ("net/../kernel/core_pattern", [.network], "is not the name of a sysctl"),
        ("net/ipv4/../../kernel/core_pattern", [.network], "is not the name of a sysctl"),
        ("./net/core", [.network], "is not in a separate kernel namespace"),
        ("...", [.network], "is not the name of a sysctl"), ("/", [.network], "is not the name of a sysctl"),
    ]

    @Test("a sysctl is set only where it belongs to a namespace of the container's own", arguments: sysctls)
    func checksSysctl(name: String, namespaces: [NamespaceType], reason: String?) {
        var (spec, linux) = (RuntimeSpec(), LinuxSpec())
        linux.sysctl = StringMap([(key: name, value: "1")])
        spec.linux = linux
        let text = message {
            try SpecChecks.check(spec, try NamespacePlan(namespaces.map { Namespace(type: $0) }))
        }
        #expect(reason.map(text.contains) ?? (text == "no error"), "\(text)")
    }

    @Test("the runtime's own namespace is not the container's, whatever path leads to it")
    func refusesOwn() throws {
        var (spec, linux) = (RuntimeSpec(), LinuxSpec())
        spec.hostname = "h"
        linux.sysctl = ["net.core.somaxconn": "1"]
        spec.linux = linux
        let joined = try NamespacePlan([
            Namespace(type: .uts, path: "/proc/self/ns/uts"), Namespace(type: .network, path: "/proc/self/ns/net"),
        ])
        #expect(message { try SpecChecks.check(spec, joined) }.contains("/hostname: unable to set hostname"))
    }
}
