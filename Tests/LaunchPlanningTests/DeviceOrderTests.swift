import GuestImages
import GuestModel
import Testing

@testable import LaunchPlanning

/// A guest finds its devices on the bus in the order in which the monitor attaches them.
@Suite struct DeviceOrderTests {
    /// The devices that a monitor's arguments attach for a bundle with two networks: their drivers and what is behind them.
    private func devices(_ bundle: TestBundle) throws -> [String] {
        let guest = try #require(try bundle.plan().guest)
        let networks = (0..<2).map { (number: UInt8) in
            MonitorLaunch.Network(
                name: "net\(number)", tap: "tap\(number)", hardwareAddress: [2, 0, 0, 0, 0, number], mtu: 1500)
        }
        let program = try #require(guest.program)
        let arguments = try guest.arguments(of: program, networks: networks, commandLine: [])
        return zip(arguments, arguments.dropFirst()).compactMap { option, value in
            guard option == "-device", value.hasPrefix("virtio-") else { return nil }
            return value.split(separator: ",").prefix(2).joined(separator: " ")
        }
    }

    @Test("of a solo5 guest for virtio: that of its manifest, kinds mixed")
    func followsTheManifest() throws {
        let builder = Solo5Builder(
            target: 3, devices: [("front", 2), ("disk", 1), ("back", 2), ("log", 1)], code: multibootHeader() + [0xF4])
        let bundle = TestBundle(builder).with { $0.files += [("/disk", [1]), ("/log", [1])] }
        #expect(
            try devices(bundle) == [
                "virtio-net-pci netdev=net0", "virtio-blk-pci drive=disk0", "virtio-net-pci netdev=net1",
                "virtio-blk-pci drive=disk1",
            ])
    }

    @Test("of a guest that declares nothing: disks, then networks")
    func disksFirst() throws {
        let bundle = TestBundle(Images.pvh).with {
            $0.files.append(("/image", [1]))
            $0.annotations = [("com.urunc.unikernel.block", "/image")]
        }
        #expect(
            try devices(bundle) == [
                "virtio-blk-device drive=disk0", "virtio-net-device netdev=net0", "virtio-net-device netdev=net1",
            ])
    }
}
