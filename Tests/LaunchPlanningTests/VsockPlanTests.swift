import HostSystem
import TestSupport
import Testing

@testable import LaunchPlanning

/// What a guest's virtio socket device is, by the operator's choice.
struct VsockPlanTests {
    private static let guest = TestBundle(Images.pvh).with {
        $0.annotations.append(("org.swiftlet.unikernel.vsock", "true"))
    }

    private static func chooses(_ device: String, _ change: (inout TestBundle) -> Void = { _ in }) -> TestBundle {
        guest.with {
            $0.configuration = "[vsock]\ndevice = \"\(device)\""
            $0.host.vhostVsockProblem = { nil }
            change(&$0)
        }
    }

    private func arguments(_ plan: GuestPlan) throws -> [String] {
        try plan.arguments(of: try #require(plan.program), networks: [], commandLine: plan.commandLine)
    }

    @Test(arguments: ["", "builtin", "vhost-device-vsock"])
    func `a device that is a process has the guest's memory, and a socket`(device: String) throws {
        let plan = try #require(try (device.isEmpty ? Self.guest : Self.chooses(device)).plan().guest)
        let vsock = try #require(plan.vsock)
        #expect(vsock.device == (device == "vhost-device-vsock" ? .daemon("/usr/bin/vhost-device-vsock") : .builtin))
        #expect(vsock.guestCID == 3)
        #expect(vsock.hasDirectory)
        let arguments = try arguments(plan)
        #expect(arguments.contains("vhost-user-vsock-device,chardev=vsock"))
        #expect(arguments.contains("socket,id=vsock,fd=4"))
        #expect(arguments.contains { $0.hasPrefix("memory-backend-memfd,") && $0.hasSuffix(",share=on") })
    }

    @Test func `the daemon's program is where the operator says`() throws {
        let bundle = Self.chooses("vhost-device-vsock") { $0.configuration += "\nprogram = \"/opt/daemon\"" }
        #expect(try bundle.plan().guest?.vsock?.device == .daemon("/opt/daemon"))
        #expect(try bundle.plan().json["guest"]?["vsock"]?["program"] == "/opt/daemon")
    }

    @Test func `the kernel's device is an open file, and its context id is known at create`() throws {
        let plan = try #require(try Self.chooses("kernel").plan().guest)
        let vsock = try #require(plan.vsock)
        #expect(vsock.device == .kernel)
        #expect(vsock.guestCID == nil)
        #expect(!vsock.hasDirectory)
        let arguments = try arguments(plan.with(vsock.known(as: 4_000_000_000)))
        #expect(arguments.contains("vhost-vsock-device,guest-cid=4000000000,vhostfd=4"))
        #expect(!arguments.contains { $0.hasPrefix("memory-backend") || $0.hasPrefix("socket,id=vsock") })
    }

    @Test func `a monitor's own device stays what it is`() throws {
        let bundle = Self.chooses("kernel") { $0.annotations.append(("org.swiftlet.unikernel.monitor", "firecracker")) }
        let plan = try #require(try bundle.plan().guest)
        #expect(plan.monitor == "firecracker")
        #expect(plan.vsock?.device == .monitor)
        #expect(plan.vsock?.guestCID == 3)
    }

    private static let refused: [RefusedPlan] = [
        RefusedPlan(
            "no daemon",
            "\(PlanErrorTests.guest): vhost-device-vsock, the guest's virtio socket device by [vsock] of DIR/config.toml, is "
                + "not installed (\"program\" there names it where it is not in $PATH)", guest
        ) {
            $0.configuration = "[vsock]\ndevice = \"vhost-device-vsock\""
            $0.host.findProgram = { $0.first == "vhost-device-vsock" ? nil : "/usr/bin/\($0[0])" }
        },
        RefusedPlan(
            "no module",
            "\(PlanErrorTests.guest): the kernel's virtio socket devices, chosen by [vsock] of DIR/config.toml, cannot be "
                + "used: open /dev/vhost-vsock: no such file (the module vhost_vsock makes /dev/vhost-vsock)", guest
        ) {
            $0.configuration = "[vsock]\ndevice = \"kernel\""
            $0.host.vhostVsockProblem = { "open /dev/vhost-vsock: no such file" }
        },
        RefusedPlan(
            "an agent that others would reach",
            "\(PlanErrorTests.guest): vAccel by vsock leads to an agent of the guest's own, which the kernel's virtio sockets "
                + "cannot: DIR/config.toml has to name another \"device\" in [vsock]", guest
        ) {
            $0.configuration = "[vsock]\ndevice = \"kernel\""
            $0.host.vhostVsockProblem = { nil }
            $0.annotations.append(("org.swiftlet.unikernel.vaccel", "vsock"))
        },
    ]

    @Test(arguments: refused) func `what the host has not is refused by name`(row: RefusedPlan) {
        #expect(message { _ = try row.bundle.plan() } == row.message)
    }
}
