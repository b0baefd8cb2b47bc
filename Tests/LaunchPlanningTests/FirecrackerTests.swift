import GuestModel
import HostSystem
import Monitors
import Testing

@testable import LaunchPlanning

/// What Firecracker is asked for, held against the fields that its API knows: it refuses any other.
@Suite struct FirecrackerTests {
    /// The fields of requests that this runtime makes and of those that it might, by the first part of their path, and those
    /// that have to be there. From src/firecracker/swagger/firecracker.yaml of version 1.12.
    static let fields: [String: (known: Set<String>, required: Set<String>)] = [
        "machine-config": (
            ["vcpu_count", "mem_size_mib", "smt", "cpu_template", "track_dirty_pages", "huge_pages"],
            ["vcpu_count", "mem_size_mib"]
        ),
        "boot-source": (["kernel_image_path", "initrd_path", "boot_args"], ["kernel_image_path"]),
        "drives": (
            [
                "drive_id", "partuuid", "is_root_device", "cache_type", "is_read_only", "path_on_host", "rate_limiter",
                "io_engine", "socket",
            ],
            ["drive_id", "is_root_device"]
        ),
        "network-interfaces": (
            ["iface_id", "host_dev_name", "guest_mac", "rx_rate_limiter", "tx_rate_limiter"],
            ["iface_id", "host_dev_name"]
        ),
        "actions": (["action_type"], ["action_type"]),
    ]

    static func launch(_ line: String = "one", devices: [MonitorLaunch.Device] = []) -> MonitorLaunch {
        var launch = MonitorLaunch(
            bootProtocol: .linux64, hardware: GuestHardware(transports: [.mmio]), accelerator: .kvm,
            isProcessorVirtualised: true, memoryMiB: 64, commandLine: line, control: -1)
        launch.devices = devices
        return launch
    }

    static let disk = MonitorLaunch.Device.disk(
        .init(name: "data", descriptor: -1, path: "/disks/0", isReadOnly: true, isDevice: false, sectorBytes: 512))
    static func network(mtu: UInt32) -> MonitorLaunch.Device {
        .network(.init(name: "net0", tap: "tap7", hardwareAddress: [2, 0, 0, 0, 0, 0xAB], mtu: mtu))
    }

    @Test("every request has the fields that the API knows, and those that it needs")
    func agreesWithTheAPI() throws {
        var launch = Self.launch("a \"b\" \\", devices: [Self.network(mtu: 1500), Self.disk])
        launch.hasInitrd = true
        let requests = try Firecracker().startRequests(for: launch)
        #expect(
            requests.map(\.name) == [
                "PUT /machine-config", "PUT /boot-source", "PUT /drives/disk0", "PUT /network-interfaces/net0",
                "PUT /actions",
            ])
        for request in requests {
            let kind = String(request.name.split(separator: "/")[1])
            let known = try #require(Self.fields[kind])
            let names = Set(try #require(parseJSON([UInt8](request.body.utf8), named: kind).object).members.map(\.key))
            #expect(names.isSubset(of: known.known) && names.isSuperset(of: known.required), "\(request.name)")
        }
        let boot = try parseJSON([UInt8](requests[1].body.utf8), named: "boot")
        #expect(boot["boot_args"]?.string == "a \"b\" \\" && boot["initrd_path"]?.string == "/initrd")
        #expect(requests[3].body.contains(#""host_dev_name":"tap7","guest_mac":"02:00:00:00:00:ab""#))
        #expect(requests.allSatisfy { $0.olderBody == nil })
    }

    @Test("another size of packets than Ethernet's is told, but to versions that do not know the word")
    func tellsTheMTU() throws {
        let request = try Firecracker().startRequests(for: Self.launch(devices: [Self.network(mtu: 1400)]))[2]
        #expect(request.body.hasSuffix(#","mtu":1400}"#))
        #expect(request.olderBody == request.body.replacing(#","mtu":1400"#, with: ""))
    }

    @Test("what it cannot do is refused")
    func refuses() throws {
        func reason(_ change: (inout MonitorLaunch) -> Void) -> String {
            var launch = Self.launch()
            change(&launch)
            do throws(GuestError) {
                _ = try Firecracker().arguments(for: launch)
                return ""
            } catch {
                return error.description
            }
        }
        let longest = String(repeating: "x", count: 2047 - 8)
        #expect(reason { $0.commandLine = longest } == "")
        #expect(reason { $0.commandLine = longest + "x" }.contains("boot string of 2040 bytes is too long"))
        #expect(reason { $0.commandLine = "a\nb" }.contains("printable ASCII"))
        #expect(reason { $0.commandLine = "ü" }.contains("printable ASCII"))
        #expect(reason { $0.processors = 33 }.contains("at most 32 processors, not 33"))
        #expect(
            reason { $0.hardware.transports = [.pci] }.contains("virtio-mmio devices, which the guest does not drive"))
    }

    @Test(
        "its statuses",
        arguments: [
            (0, nil, 0), (0, 15, 143), (1, nil, 1), (1, 15, 1), (148, nil, 159), (149, nil, 135), (150, nil, 139),
            (157, nil, 132), (152, nil, 152), (153, nil, 153),
        ] as [(Int32, Int32?, Int32)])
    func translates(code: Int32, signal: Int32?, status: Int32) {
        #expect(Firecracker().status(of: code, exitPort: nil, askedBy: signal) == status)
    }

    @Test("only a guest that knows what Control, Alt and Delete are for is asked by them")
    func asks() {
        let guest = GuestHardware(transports: [.mmio], stopRequests: [.powerButton])
        #expect(Firecracker().stopRequest(for: guest) == nil)
        var linux = guest
        linux.stopRequests.append(.controlAltDelete)
        #expect(Firecracker().stopRequest(for: linux)?.body == #"{"action_type":"SendCtrlAltDel"}"#)
    }
}
