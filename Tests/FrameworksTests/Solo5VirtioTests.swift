import GuestImages
import GuestModel
import Testing

@testable import Frameworks

/// Solo5's guests for virtio are booted by a multiboot loader, and are told the same as those of its tenders.
@Suite struct Solo5VirtioTests {
    private static let builder = Solo5Builder(
        target: 3, devices: [("service", 2), ("disk", 1)], code: multibootHeader(flags: 3) + [0xF4])

    @Test func bootsAsOnHardware() throws {
        for framework in [MirageOS(), Rumprun(), Solo5()] as [any Framework] {
            let guest = try #require(try recognise(framework, Self.builder.elf.image, as: framework.name))
            #expect(guest.framework == framework.name)
            #expect(guest.bootProtocols == [.multiboot])
            #expect(guest.devices.map(\.name) == ["service", "disk"])
            #expect(guest.hardware?.transports == [.pci])
            #expect(guest.hardware?.exitPort == ExitPort(port: 0x501, bytes: 2, meaning: .nothing))
            #expect(guest.leastMemoryBytes == 0x10_2800)
        }
    }

    @Test func takesTheEndFromTheHeaderWhereItHasAddresses() throws {
        var code = multibootHeader(flags: 1 << 16)
        for word in [0x10_0000, 0x10_0000, 0x20_0000, 0x60_0000, 0x10_0000] as [UInt32] { code.add(word) }
        let image = Solo5Builder(target: 3, code: code).elf.image
        #expect(try recognise(Solo5(), image)?.leastMemoryBytes == 0x60_0000)
    }

    @Test func isTheTendersWithoutAHeaderNot() throws {
        #expect(throws: GuestError("solo5 binary is built for virtio and has no multiboot header")) {
            try recognise(Solo5(), Solo5Builder(target: 3).elf.image)
        }
        #expect(try recognise(Solo5(), Solo5Builder(target: 2).elf.image)?.hardware == nil)
    }

    @Test func is64Bit() throws {
        var elf = Solo5Builder(target: 2).elf
        elf.machine = 3
        #expect(throws: ELFError.foreignMachine(3)) { try recognise(Solo5(), elf.image) }
        elf.is64Bit = false
        #expect(throws: ELFError.is32Bit) { try recognise(Solo5(), elf.image) }
    }
}
