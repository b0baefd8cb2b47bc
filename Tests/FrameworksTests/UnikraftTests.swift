import GuestImages
import GuestModel
import Testing

@testable import Frameworks

/// A boot string, or why there is none.
func line(_ framework: some Framework, _ boot: GuestBoot) throws(GuestError) -> String {
    String(decoding: try framework.bootString(boot), as: UTF8.self)
}

/// The guest in a file, marked as one of a framework's or by nothing.
func recognise(
    _ framework: some Framework, _ image: [UInt8], as type: String? = nil, isMarked: Bool = false,
    files: [String: [UInt8]] = [:]
) throws -> Guest? {
    let candidate = GuestCandidate(
        path: "/unikernel", bytes: image, isMarked: isMarked || type != nil, framework: type
    ) { files[$0] }
    return try framework.recognise(candidate)
}

@Suite struct UnikraftTests {
    private static func boot(
        _ arguments: [String], over bootProtocol: BootProtocol = .multiboot,
        _ change: (inout GuestBoot) -> Void = { _ in }
    ) -> GuestBoot {
        var boot = GuestBoot(process: GuestProcess(arguments: ["/unikernel"] + arguments), over: bootProtocol)
        boot.options = ["*"]
        change(&boot)
        return boot
    }

    /// What the guest sees: a loader of multiboot puts the image's path in front.
    private static func read(_ line: [UInt8], _ boot: GuestBoot) -> UnikraftModel {
        let isNamed = boot.bootProtocol == .multiboot
        return UnikraftModel(
            Array((isNamed ? "/unikernel " : "").utf8) + line, withParameters: !boot.options.isEmpty)
    }

    @Test(arguments: [BootProtocol.multiboot, .linux64], [["*"], []])
    func whatTheGuestReadsIsWhatItWasGiven(over bootProtocol: BootProtocol, parameters: [String]) throws {
        var random = RandomWords(seed: 11)
        var refused = 0
        for _ in 0..<RoundTripTests.count {
            var boot = Self.boot([], over: bootProtocol)
            boot.process.arguments = random.arguments()
            boot.process.environment = (0..<Int.random(in: 0...3, using: &random.numbers)).map { index in
                (index == 2 ? "" : "V\(index)=") + random.word()
            }
            boot.options = parameters
            do throws(GuestError) {
                let model = Self.read(try Unikraft().bootString(boot), boot)
                #expect(model.arguments == bytes(boot.process.arguments), "\(boot.process)")
                let environment = parameters.isEmpty ? [] : boot.process.environment
                #expect(model.values("env.vars") == bytes(environment), "\(boot.process)")
            } catch {
                #expect(Self.isRight(error, boot.process), "\(error): \(boot.process)")
                refused += 1
            }
        }
        #expect(1000..<9000 ~= refused)
    }

    private static func isRight(_ error: GuestError, _ process: GuestProcess) -> Bool {
        let words = process.arguments
        if let wrong = words.indices.first(where: { words[$0].isEmpty || words[$0].utf8.contains(0) }) {
            return isNamed(wrong, in: error)
        }
        let wrong = process.environment.first { $0.utf8.first == 0x5B || $0.utf8.contains(0) }
        return wrong.map { error.description.contains("environment variable \(BootWords.name(of: $0)) ") } ?? false
    }

    @Test func needsNoEndOfParametersWhereThereAreNone() throws {
        #expect(try line(Unikraft(), Self.boot(["a", "b c"])) == "a 'b c'")
        #expect(try line(Unikraft(), Self.boot(["a", "--", "b"])) == "- -- a -- b")
        // Firecracker puts words of its own in front of the end.
        #expect(try line(Unikraft(), Self.boot(["a"], over: .linux64)) == "/unikernel - -- a")
        let none = Self.boot(["a", "--"], over: .linux64) {
            $0.options = []
            $0.process.environment = ["A=b"]
        }
        #expect(try line(Unikraft(), none) == "/unikernel a --")
    }

    @Test func takesTheLineOfTheImageAsItIs() throws {
        let boot = Self.boot(["x"]) {
            $0.process.commandLine = "nginx  -c '/a b'"
            $0.process.environment = ["A=b c"]
        }
        #expect(try line(Unikraft(), boot) == "'env.vars=A=b c' -- nginx  -c '/a b'")
    }

    @Test func tellsTheNetworkOfEachDevice() throws {
        let first = GuestInterface(
            name: "eth0", hardwareAddress: [2, 0, 0, 0, 0, 1], mtu: 1500,
            addresses: ["fd00::2/64", "10.0.0.2/32"].compactMap { NetworkAddress($0) },
            routes: [GuestInterface.Route(destination: NetworkAddress("0.0.0.0/0")!, gateway: IPAddress("169.254.1.1"))]
        )
        let second = GuestInterface(
            name: "eth1", hardwareAddress: [2, 0, 0, 0, 0, 2], mtu: 1500,
            addresses: ["10.1.0.2/16"].compactMap { NetworkAddress($0) })
        let boot = Self.boot(["a"]) {
            $0.network.connections = [
                .init(device: "net0", interface: first), .init(device: "net1", interface: nil),
                .init(device: "net2", interface: second),
            ]
            $0.network.nameServers = ["fd00::53", "10.0.0.53", "10.0.0.54", "10.0.0.55"].compactMap { IPAddress($0) }
        }
        let servers = "10.0.0.53:10.0.0.54"
        #expect(
            try line(Unikraft(), boot)
                == "netdev.ip=10.0.0.2/32:169.254.1.1:\(servers) netdev.ip= netdev.ip=10.1.0.2/16::\(servers) -- a")
        var named = boot
        named.process.hostName = "guest"
        named.network.nameServers = []
        named.network.connections.removeLast(2)
        #expect(try line(Unikraft(), named) == "netdev.ip=10.0.0.2/32:169.254.1.1:::guest -- a")
        named.process.hostName = "a:b"
        #expect(throws: GuestError("host name \"a:b\" holds a colon, which a unikraft guest cannot be given")) {
            try line(Unikraft(), named)
        }
        for version in ["0.16.0", "0.15", "0.9.1~abc"] {
            var old = boot
            old.version = version
            #expect(
                try line(Unikraft(), old) == "netdev.ipv4_addr=10.0.0.2 netdev.ipv4_gw_addr=169.254.1.1 "
                    + "netdev.ipv4_subnet_mask=255.255.255.255 -- a")
        }
        for version in ["0.16.1", "0.17.0~484ff20", "0.20", "1.0"] {
            var new = boot
            new.version = version
            #expect(try line(Unikraft(), new) == (try line(Unikraft(), boot)))
        }
    }

    @Test func mountsTheInitialDisk() throws {
        let boot = Self.boot([]) { $0.hasInitrd = true }
        #expect(try line(Unikraft(), boot) == "vfs.fstab=initrd0:/:extract --")
        var old = boot
        old.version = "0.15.0"
        #expect(try line(Unikraft(), old) == "vfs.rootfs=initrd --")
    }

    @Test(arguments: [false, true])
    func mountsSharedFiles(besideInitrd hasInitrd: Bool) throws {
        let boot = Self.boot([]) {
            $0.sharedRoot = .plan9
            $0.hasInitrd = hasInitrd
        }
        #expect(try line(Unikraft(), boot) == "vfs.fstab=fs0:/:9pfs --")
        var old = boot
        old.version = "0.15.0"
        #expect(try line(Unikraft(), old) == "vfs.rootfs=9pfs vfs.rootdev=fs0 --")
    }

    @Test func countsWords() throws {
        func boot(_ arguments: Int, _ environment: [String] = []) -> GuestBoot {
            Self.boot([String](repeating: "x", count: arguments)) { $0.process.environment = environment }
        }
        #expect(UnikraftModel(Array("p ".utf8) + (try Unikraft().bootString(boot(58)))).arguments.count == 59)
        #expect(throws: GuestError("argument 59 is one too many: a unikraft guest takes 60 words altogether")) {
            try line(Unikraft(), boot(59))
        }
        #expect(try line(Unikraft(), boot(57, ["A=b"])).hasPrefix("env.vars=A=b -- x"))
        let error = #expect(throws: GuestError.self) { try line(Unikraft(), boot(57, ["A=b", "B=c"])) }
        #expect(error?.description.hasPrefix("environment variable B is too much") == true)
    }

    @Test func doesWithoutTheVariablesOfServices() throws {
        let links = ["DB_SERVICE_HOST=10.0.0.1", "DB_PORT=tcp://10.0.0.1:5432", "DB_PORT_5432_TCP_ADDR=10.0.0.1"]
        let boot = Self.boot([String](repeating: "x", count: 54)) {
            $0.process.environment = ["PATH=/bin"] + links + ["DB_USER=me", "HOSTNAME=h"]
        }
        #expect(
            try line(Unikraft(), boot).hasPrefix(
                "env.vars=DB_USER=me env.vars=PATH=/bin env.vars=HOSTNAME=h env.vars=DB_SERVICE_HOST=10.0.0.1 -- x"))
    }

    @Test func countsBytes() throws {
        func length(_ count: Int, _ bootProtocol: BootProtocol) throws -> Int {
            try Unikraft().bootString(Self.boot([String(repeating: "a", count: count)], over: bootProtocol)).count
        }
        #expect(try length(3839, .multiboot) == 3839)
        #expect(throws: GuestError("command line of 3840 bytes is too long for a unikraft guest (at most 3839)")) {
            try length(3840, .multiboot)
        }
        #expect(try length(4095 - 16, .linux64) == 4095)
        #expect(throws: GuestError.self) { try length(4096 - 16, .linux64) }
    }
}

@Suite struct UnikraftImageTests {
    static func changed(_ change: (inout UnikraftBuilder) -> Void) -> UnikraftBuilder {
        var builder = UnikraftBuilder()
        change(&builder)
        return builder
    }

    @Test func recognisesBothForms() throws {
        let builder = Self.changed { $0.libraries = ["libukboot", "libvfscore"] }
        let qemu = try #require(try recognise(Unikraft(), builder.elf.image))
        #expect(qemu.framework == "unikraft")
        #expect(qemu.bootProtocols == [.multiboot])
        #expect(
            qemu.hardware
                == GuestHardware(
                    transports: [.pci], needsACPI: true, needsPC: true, takesInitrd: true, fileSharing: [.plan9]))
        #expect(qemu.version == "0.17.0~484ff20")
        #expect(qemu.options.isEmpty)
        #expect(qemu.leastMemoryBytes == 0x60_0000)
        var other = builder
        other.isMultiboot = false
        other.version = nil
        other.parameterSections = [".uk_libparam_params_libuknetdev", ".uk_libparam_params_libposix_environ"]
        let firecracker = try #require(try recognise(Unikraft(), other.elf.image))
        #expect(firecracker.bootProtocols == [.linux64])
        #expect(
            firecracker.hardware
                == GuestHardware(transports: [.mmio], takesInitrd: true, needsRandomInstructions: true))
        #expect(firecracker.version == nil)
        #expect(firecracker.options == ["libuknetdev", "libposix_environ"])
        other.parameterSections = [".uk_libparam_params"]
        #expect(try recognise(Unikraft(), other.elf.image)?.options == ["*"])
    }

    @Test func knowsWhoNeedsRandomNumbersOfTheProcessor() throws {
        let builder = Self.changed { $0.libraries = ["libukboot", "libukrandom"] }
        #expect(try recognise(Unikraft(), builder.elf.image)?.hardware?.needsRandomInstructions == true)
    }

    @Test func takesAStrippedImageWhenItIsNamed() throws {
        var elf = UnikraftBuilder().elf
        elf.sections = []
        #expect(try recognise(Unikraft(), elf.image) == nil)
        #expect(try recognise(Unikraft(), elf.image, isMarked: true) == nil)
        let named = try #require(try recognise(Unikraft(), elf.image, as: "unikraft"))
        #expect(named.bootProtocols == [.multiboot])
        #expect(named.options == ["*"])
    }

    @Test func isNobodyElses() throws {
        // A program with Unikraft's sections is one all the same: it has a loader, or is not where Unikraft is.
        var program = UnikraftBuilder().elf
        program.segments[0].address = 0x40_0000
        #expect(try recognise(Unikraft(), program.image) == nil)
        program = UnikraftBuilder().elf
        program.segments.append(ELFBuilder.Segment(type: 3, flags: 4, address: 0, bytes: Array("/lib/ld.so".utf8)))
        #expect(try recognise(Unikraft(), program.image) == nil)
        #expect(try recognise(Unikraft(), Array("#!/bin/sh\n".utf8)) == nil)
        var withText = Solo5Builder(target: 2).elf
        withText.sections = [ELFBuilder.Section(".text")]
        #expect(try recognise(Unikraft(), withText.image) == nil)
        #expect(throws: GuestError("file has no section of unikraft's (.uk_inittab, .uk_libinfo ...)")) {
            try recognise(Unikraft(), withText.image, as: "unikraft")
        }
        #expect(throws: ELFError.notELF) { try recognise(Unikraft(), Array("#!/bin/sh\n".utf8), as: "unikraft") }
    }

    /// Every byte of headers, sections and records with every kind of damage: an error or a value, never a trap.
    @Test func survivesEveryDamagedByte() throws {
        for isMultiboot in [true, false] {
            let builder = Self.changed {
                $0.isMultiboot = isMultiboot
                $0.libraries = ["libukboot"]
            }
            let image = builder.elf.image
            var read = 0
            for offset in Array(0..<256) + Array(0x1000..<0x1010) + Array(0x3000..<image.count) {
                for value in [0, 1, 0x7F, 0x80, 0xFF] as [UInt8] where image[offset] != value {
                    for type in [nil, "unikraft"] {
                        if (try? recognise(Unikraft(), image.with(value, at: offset), as: type)) != nil { read += 1 }
                    }
                }
            }
            #expect(read > 0)
        }
    }
}
