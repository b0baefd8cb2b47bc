import GuestModel
import HostSystem
import Monitors
import Testing

@testable import LaunchPlanning

/// What Cloud Hypervisor is asked for, held against the fields that its API knows: those it does not know it passes over.
@Suite struct CloudHypervisorTests {
    /// From vmm/src/api/openapi/cloud-hypervisor.yaml of version 53, by the member of VmConfig.
    static let fields: [String: Set<String>] = [
        "cpus": ["boot_vcpus", "max_vcpus"], "memory": ["size", "shared"],
        "payload": ["kernel", "cmdline", "initramfs"], "serial": ["mode"], "console": ["mode"],
        "disks": ["path", "readonly", "serial", "image_type"], "net": ["tap", "mac"], "vsock": ["cid", "socket"],
        "debug_console": ["mode", "file", "iobase"],
    ]

    static func launch(_ change: (inout MonitorLaunch) -> Void = { _ in }) -> MonitorLaunch {
        var launch = FirecrackerTests.launch()
        launch.bootProtocol = .pvh
        launch.hardware = GuestHardware(
            transports: [.pci], exitPort: ExitPort(port: 0x501, bytes: 2, meaning: .status), hasVsock: true)
        change(&launch)
        return launch
    }

    static func machine(_ launch: MonitorLaunch) throws -> JSONValue {
        let requests = try CloudHypervisor().startRequests(for: launch)
        #expect(requests.map(\.name) == ["PUT /api/v1/vm.create", "PUT /api/v1/vm.boot"])
        return try parseJSON([UInt8](requests[0].body.utf8), named: "machine")
    }

    @Test("the machine has the fields that the API knows")
    func agreesWithTheAPI() throws {
        let machine = try Self.machine(
            Self.launch {
                $0.commandLine = #"a "b" \"#
                $0.devices = [FirecrackerTests.network(mtu: 1400), FirecrackerTests.disk]
                $0.hasInitrd = true
                $0.vsock = .init(guestCID: 3, descriptor: -1)
            })
        for (name, value) in try #require(machine.object).members {
            let known = try #require(Self.fields[name], "\(name)")
            for element in value.array ?? [value] {
                #expect(known.isSuperset(of: try #require(element.object).members.map(\.key)), "\(name)")
            }
        }
        #expect(machine["payload"]?["cmdline"]?.string == #"a "b" \"#)
        #expect(machine["payload"]?["initramfs"]?.string == "/initrd")
        #expect(machine["memory"]?["size"]?.integer(as: UInt64.self) == 64 << 20)
        #expect(machine["disks"]?.array?.first?["readonly"] == .bool(true))
        #expect(machine["disks"]?.array?.first?["image_type"]?.string == "Raw")
        #expect(machine["net"]?.array?.first?["mac"]?.string == "02:00:00:00:00:ab")
        #expect(machine["vsock"]?["socket"]?.string == "/vsock/vsock.sock")
        #expect(machine["debug_console"]?["iobase"]?.integer(as: UInt32.self) == 0x501)
    }

    @Test("a guest without devices is given none")
    func leavesOut() throws {
        let machine = try Self.machine(Self.launch { $0.hardware.exitPort = nil })
        for name in ["disks", "net", "vsock", "debug_console"] { #expect(machine[name] == nil, "\(name)") }
    }

    @Test("what it cannot do is refused")
    func refuses() throws {
        func reason(_ change: (inout MonitorLaunch) -> Void) -> String {
            do throws(GuestError) {
                _ = try CloudHypervisor().arguments(for: Self.launch(change))
                return ""
            } catch {
                return error.description
            }
        }
        let longest = String(repeating: "x", count: 65535)
        #expect(reason { $0.commandLine = longest } == "")
        #expect(reason { $0.commandLine = longest + "x" }.contains("boot string of 65536 bytes is too long"))
        #expect(reason { $0.commandLine = "a\nb" }.contains("printable ASCII"))
        #expect(reason { $0.processors = 255 }.contains("at most 254 processors, not 255"))
        #expect(
            reason { $0.hardware.transports = [.mmio] }.contains("virtio-pci devices, which the guest does not drive"))
    }

    @Test("its statuses", arguments: [(0, nil, 0), (0, 15, 143), (1, nil, 1), (1, 15, 1)] as [(Int32, Int32?, Int32)])
    func translates(code: Int32, signal: Int32?, status: Int32) {
        #expect(CloudHypervisor().status(of: code, exitPort: nil, askedBy: signal) == status)
    }

    @Test("only a guest that knows what a power button is for is asked by it")
    func asks() {
        var guest = GuestHardware(transports: [.pci], stopRequests: [.controlAltDelete])
        #expect(CloudHypervisor().stopRequest(for: guest) == nil)
        guest.stopRequests.append(.powerButton)
        #expect(CloudHypervisor().stopRequest(for: guest)?.name == "PUT /api/v1/vm.power-button")
    }
}
