import GuestImages
import HostSystem
import Testing

@testable import Solo5Tender

/// A launch that is refused before anything happens.
struct RefusedLaunch: Sendable, CustomTestStringConvertible {
    let testDescription: String
    var target: TenderTarget = .spt
    var memoryMiB: UInt64 = 16
    var commandLine: [UInt8] = []
    var devices: [AttachedDevice] = []
    let message: String
}

private let disk = AttachedDevice(name: "disk", kind: .block(capacityBytes: 1024, sectorBytes: 512), descriptor: 7)
private let net = AttachedDevice(name: "net", kind: .net(mac: [2, 0, 0, 0, 0, 1], mtu: 1500), descriptor: 8)

private func with(_ device: AttachedDevice, _ kind: AttachedDevice.Kind) -> AttachedDevice {
    AttachedDevice(name: device.name, kind: kind, descriptor: device.descriptor)
}

@Suite struct LaunchTests {
    static let refused: [RefusedLaunch] = [
        RefusedLaunch(
            testDescription: "wrong target", target: .hvt, devices: [disk, net],
            message: "Solo5 binary is built for spt, not for hvt"),
        RefusedLaunch(
            testDescription: "no memory", memoryMiB: 0, devices: [disk, net],
            message: "guest memory of 0 MiB is not possible, need 1 to 134217728 MiB"),
        RefusedLaunch(
            testDescription: "little memory", memoryMiB: 1, devices: [disk, net],
            message: "Solo5 binary's segment 0 does not fit the guest's 1 MiB of memory"),
        RefusedLaunch(
            testDescription: "too much memory for hvt", target: .hvt, memoryMiB: 4098, devices: [disk, net],
            message: "guest memory of 4098 MiB is not possible, need 2 to 4096 MiB"),
        RefusedLaunch(
            testDescription: "long command line", commandLine: [UInt8](repeating: 0x61, count: 8192),
            devices: [disk, net],
            message: "guest command line has 8192 bytes, Solo5 takes at most 8191"),
        RefusedLaunch(
            testDescription: "NUL in the command line", commandLine: [0x61, 0], devices: [disk, net],
            message: "guest command line contains a NUL byte"),
        RefusedLaunch(
            testDescription: "missing device", devices: [disk],
            message: "net device 'net' is declared by the guest, but not attached"),
        RefusedLaunch(
            testDescription: "surplus device",
            devices: [disk, net, AttachedDevice(name: "tap", kind: net.kind, descriptor: 9)],
            message: "device 'tap' is not declared in the guest's manifest"),
        RefusedLaunch(
            testDescription: "device twice", devices: [disk, net, disk], message: "device 'disk' is attached twice"),
        RefusedLaunch(
            testDescription: "wrong kind", devices: [with(disk, net.kind), net],
            message: "device 'disk' is a block device in the guest's manifest"),
        RefusedLaunch(
            testDescription: "odd sector", devices: [with(disk, .block(capacityBytes: 1024, sectorBytes: 521)), net],
            message: "block device 'disk' has sectors of 521 bytes, need a power of two from 512"),
        RefusedLaunch(
            testDescription: "half a sector", devices: [with(disk, .block(capacityBytes: 700, sectorBytes: 512)), net],
            message: "block device 'disk' has 700 bytes, need one or more whole sectors of 512"),
        RefusedLaunch(
            testDescription: "empty disk", devices: [with(disk, .block(capacityBytes: 0, sectorBytes: 512)), net],
            message: "block device 'disk' has 0 bytes, need one or more whole sectors of 512"),
        RefusedLaunch(
            testDescription: "short address", devices: [disk, with(net, .net(mac: [2], mtu: 1500))],
            message: "net device 'net' has a hardware address of 1 bytes, need 6"),
    ]

    @Test(arguments: refused) func refuses(row: RefusedLaunch) throws {
        let guest = Solo5Builder(target: 2, devices: [("disk", 1), ("net", 2)])
        let launch = TenderLaunch(
            target: row.target, memoryMiB: row.memoryMiB, commandLine: row.commandLine,
            executable: try file(guest.elf.image), devices: row.devices)
        var message = ""
        do { _ = try GuestBinary(launch) } catch { message = "\(error)" }
        #expect(message == row.message)
    }

    @Test func acceptsTheLongestCommandLine() throws {
        let guest = Solo5Builder(target: 2)
        let line = [UInt8](repeating: 0x61, count: 8191)
        let launch = TenderLaunch(
            target: .spt, memoryMiB: 16, commandLine: line, executable: try file(guest.elf.image))
        let boot = try GuestBinary(launch).bootInformation(at: 0x1_1000, frequency: nil, extra: [])
        #expect(Array(boot.suffix(8192)) == line + [0])
    }

    @Test func needsKVMForHvt() throws {
        let launch = TenderLaunch(
            target: .hvt, memoryMiB: 16, commandLine: [], executable: try file(Solo5Builder(target: 1).elf.image))
        var message = ""
        do { _ = try prepareTender(launch, faults: FaultRecord()) } catch { message = "\(error)" }
        #expect(message == "an hvt guest needs /dev/kvm")
    }

    @Test func refusesMemoryThatReachesThisProgram() async {
        let result = await #expect(processExitsWith: .exitCode(1), observing: [\.standardErrorContent]) {
            try supervise(Solo5Builder(target: 2), memoryMiB: 100_000_000)
        }
        let message = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
        #expect(
            message.contains(
                "cannot run: guest memory of 100000000 MiB overlaps this program's own addresses: "
                    + "it is too large for this build of swiftlet\n"))
    }
}
