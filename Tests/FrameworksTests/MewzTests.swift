import GuestImages
import GuestModel
import Testing

@testable import Frameworks

@Suite struct MewzTests {
    private static func boot(_ addresses: [String], via gateway: String?) -> GuestBoot {
        let interface = GuestInterface(
            name: "eth0", hardwareAddress: [2, 0, 0, 0, 0, 1], mtu: 1500,
            addresses: addresses.compactMap { NetworkAddress($0) },
            routes: NetworkAddress("0.0.0.0/0").map { everything in
                gateway.map { [.init(destination: everything, gateway: IPAddress($0))] } ?? []
            } ?? [])
        var boot = GuestBoot(process: GuestProcess(arguments: ["/unikernel"]), over: .multiboot)
        boot.network.connections = [.init(device: "eth0", interface: interface)]
        boot.process.environment = ["PATH=/bin"]
        return boot
    }

    @Test func tellsTheFirstNetwork() throws {
        #expect(
            try line(Mewz(), Self.boot(["fd00::2/64", "10.0.0.2/24"], via: "10.0.0.1"))
                == "ip=10.0.0.2/24 gateway=10.0.0.1")
        #expect(try line(Mewz(), Self.boot(["10.0.0.2/24"], via: nil)) == "ip=10.0.0.2/24 gateway=10.0.0.2")
        #expect(try line(Mewz(), Self.boot(["fd00::2/64"], via: nil)) == "")
    }

    @Test func takesNoArguments() throws {
        var boot = Self.boot([], via: nil)
        boot.process.commandLine = "app"
        #expect(try line(Mewz(), boot) == "app")
        boot.process.commandLine = nil
        boot.process.arguments.append("x")
        #expect(throws: GuestError("argument 1 cannot be passed: a mewz guest takes none")) {
            try Mewz().bootString(boot)
        }
        // As images made for urunc name what their engine wants to be named.
        boot.process.beginsWithName = false
        #expect(try line(Mewz(), boot) == "")
    }

    @Test func isRecognisedByItsHeaderAndSymbol() throws {
        let guest = try #require(try recognise(Mewz(), mewzKernel().image))
        #expect(guest.framework == "mewz")
        #expect(guest.bootProtocols == [.multiboot])
        #expect(guest.hardware?.transports == [.pci])
        #expect(guest.hardware?.needsModernVirtio == true)
        #expect(guest.hardware?.exitPort == ExitPort(port: 0x501, bytes: 2, meaning: .status))
        var stripped = mewzKernel()
        stripped.symbolNames = []
        #expect(try recognise(Mewz(), stripped.image) == nil)
        #expect(try recognise(Mewz(), stripped.image, isMarked: true) == nil)
        #expect(try recognise(Mewz(), stripped.image, as: "mewz") != nil)
        #expect(try recognise(Mewz(), UnikraftBuilder().elf.image) == nil)
        #expect(try recognise(Unikraft(), mewzKernel().image) == nil)
    }

    @Test func isTheRewrittenFile() throws {
        let message = "file is no kernel of Mewz' for a multiboot loader (mewz.qemu.elf): ELF64 for x86, with a header"
        var elf = mewzKernel()
        elf.machine = 62
        #expect(try recognise(Mewz(), elf.image) == nil)
        #expect(throws: GuestError(message)) { try recognise(Mewz(), elf.image, as: "mewz") }
        elf = mewzKernel()
        elf.segments[0].bytes = [0xF4]
        #expect(throws: GuestError(message)) { try recognise(Mewz(), elf.image) }
    }
}
