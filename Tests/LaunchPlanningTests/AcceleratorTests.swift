import GuestImages
import HostSystem
import TestSupport
import Testing

@testable import LaunchPlanning

@Suite struct AcceleratorTests {
    static let name = "org.swiftlet.unikernel.vaccel"
    static let urunc = "com.urunc.unikernel."
    static let own = AcceleratedCase("tcp", "tcp://169.254.83.3:65500 /usr/bin/swiftlet-vaccel") {
        $0.annotations.append((name, "tcp"))
    }

    /// A guest with a network device that is told of its environment.
    static let guest = TestBundle(
        Solo5Builder(target: 2, devices: [("service", 2)])
    ).with { $0.annotations = [("org.swiftlet.unikernel.type", "rumprun")] }

    static let cases: [AcceleratedCase] = [
        AcceleratedCase("nothing said", nil) { _ in },
        own,
        AcceleratedCase("what the guest can", "tcp://169.254.83.3:65500 /usr/bin/swiftlet-vaccel") {
            $0.annotations.append((name, "auto"))
        },
        AcceleratedCase("by urunc's name", "tcp://169.254.83.3:65500 /usr/bin/swiftlet-vaccel") {
            $0.annotations.append(("\(urunc)vAccel", "tcp"))
        },
        AcceleratedCase("by the image", "tcp://169.254.83.3:65500 /usr/bin/swiftlet-vaccel") {
            $0.files.append(
                ("/urunc.json", Array("{\"\(urunc)unikernelType\": \"rumprun\", \"\(name)\": \"tcp\"}".utf8)))
        },
        AcceleratedCase("by the environment", "tcp://169.254.83.3:65500 /usr/bin/swiftlet-vaccel") {
            $0.environment = ["SWIFTLET_VACCEL=true"]
        },
        AcceleratedCase("by the operator", "tcp://169.254.83.3:65500 /usr/bin/swiftlet-vaccel") {
            $0.configuration = "[vaccel]\ndefault = \"auto\""
        },
        AcceleratedCase("not after all", nil) {
            $0.configuration = "[vaccel]\ndefault = \"auto\""
            $0.annotations.append((name, "off"))
        },
        AcceleratedCase("another port", "tcp://169.254.83.3:1234 /usr/bin/swiftlet-vaccel") {
            $0.annotations.append(("\(name)-address", "tcp://127.0.0.1:1234"))
        },
        AcceleratedCase(
            "an agent of the operator's", "tcp://169.254.83.3:65500 /opt/agent --backend cpu,noop --models /m -v"
        ) {
            $0.annotations.append((name, "tcp"))
            $0.configuration = """
                [vaccel]
                agent = "/opt/agent"
                backends = ["cpu", "noop"]
                models = "/m"
                options = ["-v"]
                """
        },
        AcceleratedCase("an agent elsewhere", "tcp://10.0.0.5:65500 none") {
            $0.annotations.append(("\(urunc)RPCAddress", "tcp://10.0.0.5:65500"))
            $0.configuration = "[vaccel]\nexternal = [\"tcp://10.0.0.5:65500\"]"
        },
    ]

    @Test("who says so, and what comes of it", arguments: cases)
    func plans(row: AcceleratedCase) throws {
        let plan = try #require(try Self.guest.with(row.change).plan().guest)
        let found = plan.accelerator.map { accelerator in
            ([accelerator.location, accelerator.agent?.program ?? "none"] + (accelerator.agent?.arguments ?? []))
                .joined(separator: " ")
        }
        #expect(found == row.expected)
        let line = String(decoding: plan.commandLine, as: UTF8.self)
        let address = plan.accelerator.map { "VACCEL_RPC_ADDRESS=\($0.location)" }
        if let address {
            #expect(line.contains(address))
        } else {
            #expect(!line.contains("VACCEL"))
        }
    }

    @Test("what an image says of its agent is not what holds")
    func replaces() throws {
        let bundle = Self.guest.with {
            $0.annotations.append((Self.name, "tcp"))
            $0.environment = ["VACCEL_RPC_ADDRESS=tcp://elsewhere:1", "VACCEL_VSOCK=vsock://2:1", "OTHER=1"]
        }
        let line = String(decoding: try #require(try bundle.plan().guest).commandLine, as: UTF8.self)
        #expect(line.contains("OTHER=1"))
        #expect(!line.contains("elsewhere"))
        #expect(!line.contains("VACCEL_VSOCK"))
    }

    @Test("a guest's memory is what its agent leaves")
    func memory() throws {
        func size(_ change: (inout TestBundle) -> Void) throws -> UInt64? {
            try Self.guest.with(change).plan().guest?.memoryMiB
        }
        let alone = try size { $0.memoryLimit = 256 << 20 }
        let beside = try size {
            $0.memoryLimit = 356 << 20
            $0.annotations.append((Self.name, "tcp"))
            $0.configuration = "[vaccel]\nmemory-mib = 100"
        }
        #expect(alone != nil)
        #expect(alone == beside)
    }

    static let refused: [RefusedPlan] = [
        RefusedPlan(
            "an unknown way", "\(name): \"usb\" is no way to a vAccel agent (known are: off, auto, tcp, vsock)", guest
        ) {
            $0.annotations.append((name, "usb"))
        },
        RefusedPlan(
            "vsock without a driver",
            "\(PlanErrorTests.guest): \(name) asks for vAccel by vsock, and the guest has no driver for virtio-vsock",
            guest
        ) { $0.annotations.append((name, "vsock")) },
        RefusedPlan(
            "TCP without a network",
            "\(PlanErrorTests.guest): \(name) asks for vAccel by TCP, and the guest has no network device",
            PlanErrorTests.spt
        ) { $0.annotations = [(name, "tcp")] },
        RefusedPlan(
            "TCP over a bridge",
            "\(PlanErrorTests.guest): \(name) asks for vAccel by TCP, which a guest with network mode \"bridge\" "
                + "cannot reach its agent by", guest
        ) { $0.annotations += [(name, "tcp"), ("org.swiftlet.unikernel.network-mode", "bridge")] },
        RefusedPlan(
            "an agent elsewhere",
            "\(PlanErrorTests.guest): \(urunc)RPCAddress names the vAccel agent tcp://10.0.0.5:65500, which "
                + "DIR/config.toml does not allow ([vaccel] external)", guest
        ) { $0.annotations.append(("\(urunc)RPCAddress", "tcp://10.0.0.5:65500")) },
        RefusedPlan(
            "no address",
            "\(PlanErrorTests.guest): \(urunc)RPCAddress: \"10.0.0.5\" is no address of an agent "
                + "(tcp://HOST:PORT, vsock://CID:PORT or unix://PATH_PORT)", guest
        ) { $0.annotations.append(("\(urunc)RPCAddress", "10.0.0.5")) },
        RefusedPlan(
            "two ways",
            "\(PlanErrorTests.guest): \(name) and \(urunc)RPCAddress contradict each other", guest
        ) { $0.annotations += [(name, "tcp"), ("\(urunc)RPCAddress", "vsock://2:2048")] },
        RefusedPlan(
            "switched off",
            "\(PlanErrorTests.guest): \(name) asks for a vAccel agent, which DIR/config.toml does not allow "
                + "([vaccel] enabled)", guest
        ) {
            $0.annotations.append((name, "tcp"))
            $0.configuration = "[vaccel]\nenabled = false"
        },
        RefusedPlan(
            "not installed",
            "\(PlanErrorTests.guest): the vAccel agent is not installed: no swiftlet-vaccel in $PATH", guest
        ) {
            $0.annotations.append((name, "tcp"))
            $0.host = HostFacts(kvmProblem: nil, isProcessorVirtualised: true) { _ in nil }
        },
        RefusedPlan(
            "no memory left",
            "\(PlanErrorTests.guest): memory limit of 67108864 bytes leaves too little for the guest: monitor spt needs 4 "
                + "MiB itself and 2 MiB for the guest, its vAccel agent 64 MiB", guest
        ) {
            $0.annotations.append((name, "tcp"))
            $0.memoryLimit = 64 << 20
        },
    ]

    @Test("what cannot be", arguments: refused)
    func refuses(row: RefusedPlan) {
        #expect(message { _ = try row.bundle.plan() } == row.message)
    }
}

/// A bundle, and what its plan says of an agent: where it is, and its command line.
struct AcceleratedCase: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let expected: String?
    let change: @Sendable (inout TestBundle) -> Void

    init(_ name: String, _ expected: String?, _ change: @escaping @Sendable (inout TestBundle) -> Void) {
        (testDescription, self.expected, self.change) = (name, expected, change)
    }
}
