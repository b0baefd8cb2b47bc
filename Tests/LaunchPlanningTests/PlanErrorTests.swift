import Frameworks
import GuestImages
import GuestModel
import HostSystem
import Monitors
import TestSupport
import Testing

@testable import LaunchPlanning

/// A bundle that cannot be launched, and why.
struct RefusedPlan: Sendable, CustomTestStringConvertible {
    let name: String
    let bundle: TestBundle
    let message: String

    init(_ name: String, _ message: String, _ bundle: TestBundle, _ change: (inout TestBundle) -> Void = { _ in }) {
        self.name = name
        self.message = message
        self.bundle = bundle.with(change)
    }

    var testDescription: String { name }
}

@Suite struct PlanErrorTests {
    static let spt = TestBundle(Images.spt)
    static let guest = "cannot run /unikernel as a unikernel"
    static let own = "org.swiftlet.unikernel."
    /// The frameworks' names.
    static let known = frameworks.flatMap { [$0.name] + $0.aliases }.joined(separator: ", ")
    /// The monitors' names.
    static let monitorNames = monitors.map(\.name).joined(separator: ", ")

    static let processes: [RefusedPlan] = [
        RefusedPlan(
            "no arguments",
            "config.json: /process/args: create needs a program to run (runtime-spec config.md, process)", spt
        ) { $0.arguments = [] }
    ]

    static let marks: [RefusedPlan] = [
        RefusedPlan("unknown monitor", "\(guest): monitor \"nosuch\" is not known (known are: \(monitorNames))", spt) {
            $0.annotations = [("\(own)monitor", "nosuch")]
        },
        RefusedPlan(
            "wrong monitor",
            "\(guest): monitor hvt boots solo5-hvt (ABI 2), the guest is made for solo5-spt (ABI 2): spt or solo5-spt is needed",
            spt
        ) { $0.annotations = [("\(own)monitor", "hvt")] },
        RefusedPlan(
            "unknown type",
            "\(guest): unikernel type \"nosuch\" is not known (known are: \(known))", spt
        ) { $0.annotations = [("\(own)type", "nosuch")] },
        RefusedPlan(
            "missing binary", "unikernel \"/nosuch\", named by annotations, is not in the root filesystem", spt
        ) { $0.annotations = [("\(own)binary", "/nosuch")] },
        RefusedPlan(
            "missing binary of a sidecar", "unikernel \"/nosuch\", named by environment, is not in the root filesystem",
            spt
        ) {
            $0.annotations = [("io.kubernetes.cri.sandbox-id", "1")]
            $0.environment = ["SWIFTLET_UNIKERNEL=/nosuch"]
        },
        RefusedPlan(
            "marked program",
            "/unikernel, named as a unikernel by annotations, is none of: solo5 "
                + "(ELF64 file for machine 62, OSABI 0, notes of: nobody)",
            TestBundle(Images.program)
        ) { $0.annotations = [("\(own)type", "solo5")] },
        RefusedPlan(
            "marked text",
            "/unikernel, named as a unikernel by annotations, is none of: \(known) (not an ELF file)",
            TestBundle(Array("#!/bin/sh\n".utf8))
        ) {
            $0.annotations = [("\(own)binary", "/unikernel")]
        },
        RefusedPlan(
            "wrong urunc.json", "/urunc.json in the root filesystem does not describe a unikernel", spt
        ) { $0.files.append(("/urunc.json", Array("{}".utf8))) },
    ]

    static let images: [RefusedPlan] = [
        RefusedPlan(
            "target virtio without QEMU",
            "\(guest): monitor qemu is not installed: no qemu-system-x86_64 in $PATH",
            TestBundle(Solo5Builder(target: 3, code: multibootHeader() + [0xF4]))
        ) { $0.host = HostFacts(kvmProblem: nil, isProcessorVirtualised: true) { _ in nil } },
        RefusedPlan(
            "target virtio without a header",
            "\(guest): solo5 binary is built for virtio and has no multiboot header",
            TestBundle(Solo5Builder(target: 3))),
        RefusedPlan(
            "target xen", "\(guest): no monitor boots solo5-xen (ABI 2) (known are: \(monitorNames))",
            TestBundle(Solo5Builder(target: 6))),
        RefusedPlan(
            "unknown target", "\(guest): solo5 binary was linked for target 99, which is not known",
            TestBundle(Solo5Builder(target: 99))),
        RefusedPlan(
            "ABI 3", "\(guest): no monitor boots solo5-spt (ABI 3) (known are: \(monitorNames))",
            TestBundle(changed(Images.spt) { $0.version = 3 })),
        RefusedPlan(
            "foreign machine", "\(guest): ELF file is for AArch64, need x86-64",
            TestBundle(changed(Images.spt.elf) { $0.machine = 183 }.image)),
        RefusedPlan(
            "devices",
            "\(guest): cannot attach block device 'disk': it is declared but not attached: no "
                + "org.swiftlet.unikernel.block.disk, no com.urunc.unikernel.block, no bind mount at /dev/disk or at a "
                + "path that ends in /disk, no block device /dev/disk in linux.devices, no /disk, /disk.img or "
                + "/dev/disk in the root filesystem, and no com.urunc.unikernel.mountRootfs",
            TestBundle(disk)),
        RefusedPlan(
            "wrong sector size",
            "\(guest): cannot attach block device 'disk': \(own)block-sector-size.disk is \"1000\", "
                + "need a power of two from 512 to 32768", TestBundle(disk)
        ) {
            $0.files.append(("/disk", []))
            $0.annotations = [("\(own)block-sector-size.disk", "1000")]
        },
        RefusedPlan(
            "wrong word",
            "\(guest): cannot attach block device 'disk': \(own)block-read-only.disk is \"1\", need true or false",
            TestBundle(disk)
        ) {
            $0.files.append(("/disk", []))
            $0.annotations = [("\(own)block-read-only.disk", "1")]
        },
        RefusedPlan(
            "missing file",
            "\(guest): cannot attach block device 'disk': /nosuch, named by \(own)block.disk, is not there",
            TestBundle(disk)
        ) { $0.annotations = [("\(own)block.disk", "/nosuch")] },
        RefusedPlan(
            "foreign mount",
            "config.json: /mounts/0: the guest cannot be given /data: no block device of its takes it (annotation "
                + "\(own)leave-out-mounts names mounts to do without) (runtime-spec config.md, mounts)", spt
        ) { $0.mounts = [["destination": "/data", "type": "bind", "source": "/etc"]] },
    ]

    static let disk = Solo5Builder(target: 2, devices: [("disk", 1), ("a", 2), ("b", 2)])

    static let sizes: [RefusedPlan] = [
        RefusedPlan(
            "small limit",
            "\(guest): memory limit of 6291455 bytes leaves too little for the guest: "
                + "monitor spt needs 4 MiB itself and 2 MiB for the guest", spt
        ) { $0.memoryLimit = (6 << 20) - 1 },
        RefusedPlan(
            "large image", "\(guest): guest needs at least 602 MiB of memory, the container leaves it 512 MiB",
            TestBundle(large)),
        RefusedPlan(
            "large image under a limit",
            "\(guest): guest needs at least 602 MiB of memory, the container leaves it 596 MiB", TestBundle(large)
        ) { $0.memoryLimit = 600 << 20 },
        RefusedPlan(
            "long command line",
            "\(guest): command line of 8192 bytes is too long for a solo5 guest (at most 8191)", spt
        ) { $0.arguments = ["/unikernel", "a", String(repeating: "b", count: 8190)] },
        RefusedPlan(
            "NUL in the command line", "\(guest): argument 1 holds a NUL byte, which ends a solo5 command line", spt
        ) { $0.annotations = [("\(own)cmdline", "a\0b")] },
    ]

    /// An image that takes 600 MiB of .bss from 0x101000 on.
    static let large = changed(Images.spt.elf) { $0.segments[1].memorySize = 600 << 20 }.image

    static func changed<Value>(_ value: Value, _ change: (inout Value) -> Void) -> Value {
        var value = value
        change(&value)
        return value
    }

    @Test("a bundle that cannot be launched is refused with the reason", arguments: processes + marks + images + sizes)
    func refuses(_ row: RefusedPlan) {
        #expect(message { _ = try row.bundle.plan() } == row.message)
    }
}

@Suite struct PlanTests {
    @Test func takesTheLongestCommandLine() throws {
        let long = String(repeating: "b", count: 8189)
        let bundle = PlanErrorTests.spt.with { $0.arguments = ["/unikernel", "a", long] }
        #expect(try bundle.plan().guest?.commandLine == Array("a \(long)".utf8))
    }

    static let limits: [(limit: Int64, memoryMiB: UInt64)] = [
        (-1, 512), (0, 512), (6 << 20, 2), ((7 << 20) - 1, 2), (7 << 20, 3), (1 << 30, 1020), (.max, 1 << 24),
    ]

    @Test("a guest gets what the container may use, without what the monitor needs", arguments: limits)
    func sizesMemory(limit: Int64, memoryMiB: UInt64) throws {
        let bundle = PlanErrorTests.spt.with { $0.memoryLimit = limit }
        #expect(try bundle.plan().guest?.memoryMiB == memoryMiB)
    }

    /// A unikernel of MirageOS with a DNS client, its network as the boot string tells it.
    private func network(_ annotations: [(String, String)], resolver: String) throws -> String {
        var builder = Solo5Builder(target: 2, devices: [("service", 2)])
        builder.data = Array("dns-servers".utf8) + [0, 0, 0, 0, 4]
        var elf = builder.elf
        elf.symbolNames = ["caml_startup", "camlDns_client_mirage"]
        let bundle = TestBundle(elf.image).with {
            $0.annotations = annotations
            $0.files.append(("/resolv.conf", Array(resolver.utf8)))
            $0.mounts = [["destination": "/etc/resolv.conf", "type": "bind", "source": "rootfs/resolv.conf"]]
        }
        let interface = GuestInterface(
            name: "eth0", hardwareAddress: [2, 0, 0, 0, 0, 1], mtu: 1500,
            addresses: [NetworkAddress("10.0.0.2/24")].compactMap { $0 })
        let guest = try #require(try bundle.plan().guest)
        return String(
            decoding: try guest.bootString(connections: [.init(device: "service", interface: interface)]),
            as: UTF8.self)
    }

    @Test("name servers are those of resolv.conf that can be reached, or of the annotation")
    func tellsNameServers() throws {
        let name = "org.swiftlet.unikernel.name-servers"
        let resolver = "search a.b\nnameserver 127.0.0.11\nnameserver 10.96.0.10\noptions ndots:0\n"
        let told = "--ipv4=10.0.0.2/24 --dns-servers=udp:10.96.0.10,tcp:10.96.0.10"
        #expect(try network([], resolver: resolver) == told)
        #expect(try network([], resolver: "nameserver 127.0.0.11\n") == "--ipv4=10.0.0.2/24")
        #expect(try network([(name, "none")], resolver: resolver) == "--ipv4=10.0.0.2/24")
        #expect(
            try network([(name, "10.0.0.1,10.0.0.9")], resolver: resolver)
                == "--ipv4=10.0.0.2/24 --dns-servers=udp:10.0.0.1,tcp:10.0.0.1,udp:10.0.0.9,tcp:10.0.0.9")
        #expect(
            message { _ = try network([(name, "dns")], resolver: resolver) }
                == "annotation \(name): \"dns\" is no IP address")
    }

    @Test("the first place that marks a guest decides")
    func ordersMarks() throws {
        let bundle = TestBundle(Images.spt).with {
            for name in ["annotated", "listed", "named"] { $0.files.append(("/\(name)", Images.spt.elf.image)) }
            $0.files.append(("/urunc.json", Array(#"{"com.urunc.unikernel.binary":"/listed"}"#.utf8)))
            $0.environment = ["SWIFTLET_UNIKERNEL=/named"]
            $0.annotations = [("org.swiftlet.unikernel.binary", "/annotated")]
        }
        func found(_ bundle: TestBundle) throws -> [String?] {
            let guest = try bundle.plan().guest
            return [guest?.foundBy, guest?.kernel]
        }
        #expect(try found(bundle) == ["annotations", "/annotated"])
        let listed = bundle.with { $0.annotations = [] }
        #expect(try found(listed) == ["/urunc.json", "/listed"])
        let named = listed.with { $0.files.removeAll { $0.path == "/urunc.json" } }
        #expect(try found(named) == ["environment", "/named"])
        let program = named.with { $0.environment = [] }
        #expect(try found(program) == ["program", "/unikernel"])
    }

    @Test("annotations that name the image, or none, are completed by what the image says of itself")
    func completesAnnotations() throws {
        let bundle = TestBundle(Images.spt).with {
            $0.files.append(("/listed", Images.spt.elf.image))
            let names = [("binary", "/listed"), ("unikernelType", "rumprun"), ("cmdline", "of the image")]
            let members = names.map { "\"com.urunc.unikernel.\($0)\":\"\($1)\"" }.joined(separator: ",")
            $0.files.append(("/urunc.json", Array("{\(members)}".utf8)))
        }
        func told(_ annotations: [(String, String)]) throws -> [String?] {
            let guest = try bundle.with { $0.annotations = annotations }.plan().guest
            return [guest?.foundBy, guest?.kernel, guest?.framework]
        }
        let own = "org.swiftlet.unikernel."
        #expect(try told([]) == ["/urunc.json", "/listed", "rumprun"])
        #expect(try told([(own + "binary", "/listed")]) == ["annotations", "/listed", "rumprun"])
        #expect(try told([(own + "binary", "./listed")]).last == "rumprun")
        #expect(try told([(own + "monitor", "spt")]) == ["annotations", "/listed", "rumprun"])
        let other = [(own + "binary", "/listed"), (own + "type", "mirage")]
        #expect(try told(other) == ["annotations", "/listed", "mirage"])
        // Another image is another guest.
        #expect(try told([(own + "binary", "/unikernel")]) == ["annotations", "/unikernel", "solo5"])
    }

    @Test(
        "the pause container of a pod is an ordinary program",
        arguments: [
            "io.kubernetes.cri.container-type", "io.kubernetes.cri-o.ContainerType",
        ])
    func leavesSandboxes(name: String) throws {
        let bundle = PlanErrorTests.spt.with { $0.annotations = [(name, "sandbox")] }
        #expect(try bundle.plan().guest == nil)
        #expect(try bundle.with { $0.annotations = [(name, "container")] }.plan().guest != nil)
    }

    @Test("a sidecar without the pod's unikernel is an ordinary program, one with it is a guest")
    func leavesSidecars() throws {
        let pod = [("org.swiftlet.unikernel.binary", "/guest"), ("io.kubernetes.cri.sandbox-id", "1")]
        let bundle = TestBundle(Images.program).with { $0.annotations = pod }
        #expect(try bundle.plan().guest == nil)
        #expect(try bundle.with { $0.files.append(("/guest", Images.spt.elf.image)) }.plan().guest?.kernel == "/guest")
    }

    @Test("the kubelet's file for a termination message is no mount of the guest's")
    func leavesMessagesOut() throws {
        let source = "/var/lib/kubelet/pods/1-2/containers/main/f00"
        func plan(_ annotations: [(String, String)], _ source: String) throws -> [String]? {
            let bundle = TestBundle(Images.spt).with {
                $0.annotations = annotations
                $0.mounts = [["destination": "/message", "type": "bind", "source": .string(source)]]
            }
            return try bundle.plan().guest?.mountsLeftOut
        }
        let pods = ["io.kubernetes.cri.sandbox-id", "io.kubernetes.cri-o.SandboxID"]
        for pod in pods { #expect(try plan([(pod, "1")], source) == ["/message"]) }
        #expect(throws: (any Error).self) { try plan([], source) }
        let volume = "/var/lib/kubelet/pods/1-2/volumes/kubernetes.io~empty-dir/main"
        #expect(throws: (any Error).self) { try plan([(pods[0], "1")], volume) }
    }

    @Test("a guest of a pod whose annotations mean another is what its own image says")
    func findsOtherGuests() throws {
        let pod = [("org.swiftlet.unikernel.binary", "/guest"), ("io.kubernetes.cri.sandbox-id", "1")]
        let bundle = TestBundle(Images.spt).with { $0.annotations = pod }
        #expect(try bundle.plan().guest?.foundBy == "program")
        let listed = bundle.with {
            $0.arguments = ["/nosuch"]
            $0.files.append(("/urunc.json", Array(#"{"com.urunc.unikernel.binary":"/unikernel"}"#.utf8)))
        }
        #expect(try listed.plan().guest?.foundBy == "/urunc.json")
    }
}
