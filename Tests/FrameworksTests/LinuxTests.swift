import GuestImages
import GuestModel
import Testing

@testable import Frameworks

@Suite struct LinuxTests {
    private static func boot(_ arguments: [String], _ change: (inout GuestBoot) -> Void = { _ in }) -> GuestBoot {
        var boot = GuestBoot(process: GuestProcess(arguments: arguments), over: .bzImage, hasInitrd: true)
        boot.path = "/boot/vmlinuz"
        change(&boot)
        return boot
    }

    private static let start = "console=ttyS0 panic=-1 reboot=k quiet"

    @Test func whatTheFirstProgramReadsIsWhatItWasGiven() throws {
        var random = RandomWords(seed: 21)
        var refused = 0
        for _ in 0..<RoundTripTests.count {
            let arguments = ["/sbin/" + random.word()] + random.arguments().dropFirst()
            let environment = (0..<Int.random(in: 0...3, using: &random.numbers)).map { "V\($0)=\(random.word())" }
            let boot = Self.boot(arguments) { $0.process.environment = environment }
            do throws(GuestError) {
                let model = LinuxModel(try Linux().bootString(boot))
                #expect(model.parameter("rdinit") == arguments[0], "\(boot.process)")
                #expect(model.arguments == bytes(Array(arguments.dropFirst())), "\(boot.process)")
                #expect(Array(model.environment.dropFirst(2)) == bytes(environment), "\(boot.process)")
            } catch {
                #expect(Self.isRight(error, boot.process), "\(error): \(boot.process)")
                refused += 1
            }
        }
        #expect(1000..<9000 ~= refused)
    }

    /// The error names a word that has what can be in the way: a quote, a zero, the end of parameters.
    private static func isRight(_ error: GuestError, _ process: GuestProcess) -> Bool {
        func isHard(_ word: String) -> Bool { word.utf8.contains(0) || word.utf8.contains(0x22) || word == "--" }
        return process.arguments.indices.contains { isHard(process.arguments[$0]) && isNamed($0, in: error) }
            || process.environment.contains { entry in
                isHard(entry) && error.description.contains("environment variable \(BootWords.name(of: entry)) ")
            }
    }

    @Test(arguments: [
        ("a b", "\"a b\""), ("", "\"\""), ("a=b c", "\"a=b c\""), ("a\"b\"c", "a\"b\"c"), ("\u{E0}", "\"\u{E0}\""),
        ("=", "="), ("a=\"b\"x", "a=\"\"b\"x\""), ("\"a\"", "\"\"a\"\""), ("a\" b", nil), ("\"", nil),
    ])
    func quotes(word: String, text: String?) { #expect(LinuxWord.text(for: word) == text) }

    @Test func namesTheFirstProgram() throws {
        #expect(try line(Linux(), Self.boot(["/init"])) == "\(Self.start) rdinit=/init")
        #expect(try line(Linux(), Self.boot(["/boot/vmlinuz", "exit", "7"])) == "\(Self.start) -- exit 7")
        #expect(try line(Linux(), Self.boot(["vmlinuz"])) == Self.start)
        let disk = Self.boot(["/sbin/app", "a b"]) {
            $0.hasInitrd = false
            $0.disks = ["root"]
        }
        #expect(try line(Linux(), disk) == "\(Self.start) root=/dev/vda rw init=/sbin/app -- \"a b\"")
        // An initial RAM disk has what mounts them.
        let shared = Self.boot(["/sbin/app"]) {
            $0.hasInitrd = true
            $0.disks = ["data"]
            $0.sharedRoot = .virtiofs
        }
        #expect(try line(Linux(), shared) == "\(Self.start) root=fs0 rootfstype=virtiofs rw init=/sbin/app")
        var older = shared
        older.sharedRoot = .plan9
        #expect(
            try line(Linux(), older) == "\(Self.start) root=fs0 rootfstype=9p "
                + "rootflags=trans=virtio,version=9p2000.L,msize=512000,cache=mmap rw init=/sbin/app")
        let relative = GuestError(
            "argument 0 \"sh\" is no absolute path, which the kernel wants of its first program")
        #expect(throws: relative) { try line(Linux(), Self.boot(["sh", "-c", "true"])) }
        #expect(
            try line(Linux(), Self.boot(["/x"]) { $0.process.commandLine = "init=/y -- 1  2" })
                == "\(Self.start) init=/y -- 1  2")
    }

    @Test func tellsTheNetwork() throws {
        func interface(_ address: String, via gateway: String?) -> GuestInterface {
            GuestInterface(
                name: "eth0", hardwareAddress: [2, 0, 0, 0, 0, 1], mtu: 1500,
                addresses: [address].compactMap { NetworkAddress($0) },
                routes: gateway.map { gateway in
                    [
                        .init(
                            destination: NetworkAddress(IPAddress("0.0.0.0")!, prefixLength: 0),
                            gateway: IPAddress(gateway))
                    ]
                } ?? [])
        }
        let boot = Self.boot(["/init"]) {
            $0.network.connections = [
                .init(device: "net0", interface: interface("10.0.0.2/24", via: "10.0.0.1")),
                .init(device: "net1", interface: nil),
                .init(device: "net2", interface: interface("10.1.0.2/32", via: "10.1.0.1")),
            ]
            $0.network.nameServers = ["10.0.0.53", "::1", "10.0.0.54", "10.0.0.55"].compactMap { IPAddress($0) }
            $0.process.hostName = "guest"
        }
        #expect(
            try line(Linux(), boot) == "\(Self.start) "
                + "ip=10.1.0.2::10.1.0.1:255.255.255.252:guest:eth2:off:10.0.0.53:10.0.0.54 "
                + "ip=10.0.0.2::10.0.0.1:255.255.255.0:guest:eth0:off:10.0.0.53:10.0.0.54 rdinit=/init")
        let alone = Self.boot(["/init"]) {
            $0.network.connections = [.init(device: "net0", interface: interface("10.0.0.2/0", via: nil))]
        }
        #expect(try line(Linux(), alone) == "\(Self.start) ip=10.0.0.2:::0.0.0.0::eth0:off rdinit=/init")
    }

    @Test func refusesWhatTheKernelKeepsForItself() throws {
        func error(_ environment: [String]) -> String? {
            do throws(GuestError) {
                _ = try Linux().bootString(Self.boot(["/init"]) { $0.process.environment = environment })
                return nil
            } catch {
                return error.description
            }
        }
        let end = ", which a linux guest cannot be given"
        #expect(error(["A=b", "http_proxy=x"]) == nil)
        #expect(error(["A=b", "root=/x"]) == "environment variable root is a parameter of the kernel\(end)")
        #expect(error(["a.b=c"]) == "environment variable a.b is a parameter of the kernel\(end)")
        #expect(error(["A"]) == "environment variable A has no name or no value\(end)")
        #expect(error(["=x"]) == "environment variable  has no name or no value\(end)")
        #expect(error((0..<29).map { "A\($0)=x" }) == nil)
        #expect(
            error((0..<30).map { "A\($0)=x" }) == "environment variable A29 is one too many: a linux guest takes 29")
    }

    @Test func countsArgumentsAndBytes() throws {
        let most = try Linux().bootString(Self.boot(["/init"] + [String](repeating: "x", count: 32)))
        #expect(LinuxModel(most).arguments.count == 32)
        #expect(!LinuxModel(most).hasTooMany)
        #expect(throws: GuestError("argument 33 is one too many: a linux guest takes 32")) {
            try Linux().bootString(Self.boot(["/init"] + [String](repeating: "x", count: 33)))
        }
        func length(_ count: Int) throws -> Int {
            try Linux().bootString(Self.boot(["/i", String(repeating: "a", count: count)])).count
        }
        let most1 = 2047 - (try length(1) - 1)
        #expect(try length(most1) == 2047)
        #expect(throws: GuestError("command line of 2048 bytes is too long for a linux guest (at most 2047)")) {
            try length(most1 + 1)
        }
    }
}

@Suite struct KernelImageTests {
    private static let linuxNote = note("Linux", 0x100, [1, 0, 0, 0])

    @Test func takesKernelsOnlyWhenMarked() throws {
        let images = [bzImage(), kernel(notes: Self.linuxNote).image]
        for image in images {
            #expect(try recognise(Linux(), image) == nil)
            #expect(try recognise(PVH(), image) == nil)
            #expect(try recognise(Linux(), image, isMarked: true)?.framework == "linux")
            #expect(try recognise(PVH(), image, isMarked: true) == nil)
        }
        let compressed = try #require(try recognise(Linux(), images[0], as: "linux"))
        #expect(compressed.bootProtocols == [.bzImage])
        #expect(compressed.version == "6.1.0-25-cloud-amd64")
        #expect(compressed.leastMemoryBytes == 0x300_0000)
        let plain = try #require(try recognise(Linux(), images[1], as: "linux"))
        #expect(plain.bootProtocols == [.pvh, .linux64])
        #expect(plain.leastMemoryBytes == 0x110_0000)
        #expect(plain.hardware?.takesInitrd == true)
        let old = try #require(try recognise(Linux(), kernel(notes: Self.linuxNote, entry: nil).image, as: "linux"))
        #expect(old.bootProtocols == [.linux64])
        let xen = note("Xen", 6, Array("linux".utf8) + [0])
        #expect(try recognise(Linux(), kernel(notes: xen).image, isMarked: true)?.framework == "linux")
    }

    @Test func refusesProgramsAsKernels() throws {
        let program = kernel(entry: nil).image
        #expect(try recognise(Linux(), program, isMarked: true) == nil)
        #expect(throws: GuestError("file is neither a bzImage nor a kernel with notes of the owner Xen or Linux")) {
            try recognise(Linux(), program, as: "linux")
        }
        #expect(throws: ELFError.notELF) { try recognise(Linux(), Array("#!".utf8), as: "linux") }
        #expect(throws: GuestError("file has no note that names a PVH entry (owner Xen, type 18)")) {
            try recognise(PVH(), program, as: "pvh")
        }
        #expect(throws: ELFError.notELF) { try recognise(PVH(), bzImage(), as: "pvh") }
    }

    @Test func knowsOurOwnGuests() throws {
        let image = kernel(notes: note("Swiftlet", 1, Array("hello".utf8) + [0])).image
        for (framework, type) in [(PVH(), nil), (PVH(), "pvh"), (MirageOS(), "mirage")] as [(any Framework, String?)] {
            let guest = try #require(try recognise(framework, image, as: type))
            #expect(guest.framework == framework.name)
            #expect(guest.bootProtocols == [.pvh, .linux64])
            #expect(guest.hardware?.exitPort == ExitPort(port: 0x501, bytes: 2, meaning: .status))
            #expect(guest.leastMemoryBytes == 0x110_0000)
        }
        #expect(try recognise(MirageOS(), image) == nil)
        #expect(try recognise(Rumprun(), image, as: "rumprun") == nil)
        let other = try #require(try recognise(PVH(), kernel().image, as: "pvh"))
        #expect(other.bootProtocols == [.pvh])
    }

    @Test func tellsPVHGuestsTheirWords() throws {
        var boot = GuestBoot(process: GuestProcess(arguments: ["/x", "a", "", "b  c"]), over: .pvh)
        #expect(try line(PVH(), boot) == "a  b  c")
        boot.process.commandLine = " as it is "
        #expect(try line(PVH(), boot) == " as it is ")
        boot.process.commandLine = nil
        boot.process.arguments = ["/x", "a", "b\0"]
        #expect(throws: GuestError("argument 2 holds a NUL byte, which a pvh guest cannot be given")) {
            try line(PVH(), boot)
        }
        boot.process.arguments = ["/x", String(repeating: "a", count: 4096)]
        #expect(throws: GuestError("command line of 4096 bytes is too long for a pvh guest (at most 4095)")) {
            try line(PVH(), boot)
        }
    }

    /// Every byte of headers and notes with every kind of damage: an error or a value, never a trap.
    @Test func surviveEveryDamagedByte() {
        let images = [bzImage(), kernel(notes: note("Swiftlet", 1, [0]) + Self.linuxNote).image]
        for image in images {
            for offset in 0..<image.count where offset < 0x420 || image[offset] != 0 {
                for value in [0, 0x7F, 0xFF] as [UInt8] where image[offset] != value {
                    let damaged = image.with(value, at: offset)
                    for framework in frameworks {
                        for type in [nil, framework.name] { _ = try? recognise(framework, damaged, as: type) }
                    }
                }
            }
        }
    }
}
