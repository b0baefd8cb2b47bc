import GuestImages
import GuestModel
import Testing

@testable import Frameworks

@Suite struct OSvTests {
    private static let start = "--power-off-on-abort"

    private static func boot(_ arguments: [String], _ change: (inout GuestBoot) -> Void = { _ in }) -> GuestBoot {
        var boot = GuestBoot(process: GuestProcess(arguments: arguments), over: .pvh)
        boot.path = "/loader.elf"
        change(&boot)
        return boot
    }

    /// A word that OSv's programs may be given, but for one in twenty.
    private static func word(_ random: inout RandomWords) -> String {
        let word = random.word()
        if Int.random(in: 0..<20, using: &random.numbers) == 0 { return word }
        return String(String.UnicodeScalarView(word.unicodeScalars.filter { $0.isASCII && $0 != "$" && $0 != "\0" }))
    }

    @Test func whatTheProgramReadsIsWhatItWasGiven() throws {
        var random = RandomWords(seed: 41)
        var refused = 0
        for _ in 0..<RoundTripTests.count {
            let words = (0..<Int.random(in: 0...7, using: &random.numbers)).map { _ in Self.word(&random) }
            let environment = (0..<Int.random(in: 0...3, using: &random.numbers)).map { "V\($0)=\(random.word())" }
            let directory = "/" + random.word()
            let boot = Self.boot(["/app.so"] + words) {
                $0.process.environment = environment
                $0.process.workingDirectory = directory
            }
            do throws(GuestError) {
                let model = OSvModel(try OSv().bootString(boot))
                #expect(model?.commands == [bytes(boot.process.arguments)], "\(boot.process)")
                #expect(model?.values("env") == bytes(environment), "\(boot.process)")
                #expect(model?.values("cwd") == (directory == "/" ? [] : bytes([directory])), "\(boot.process)")
            } catch {
                #expect(Self.isRight(error, boot.process), "\(error): \(boot.process)")
                refused += 1
            }
        }
        #expect(500..<5000 ~= refused)
    }

    /// Whether the error names what has a character that cannot be told.
    private static func isRight(_ error: GuestError, _ process: GuestProcess) -> Bool {
        if let wrong = process.environment.first(where: { $0.utf8.contains(0) }) {
            return error.description.contains("environment variable \(BootWords.name(of: wrong)) ")
        }
        if process.workingDirectory.utf8.contains(0) { return error.description.contains("working directory") }
        let words = process.arguments
        let wrong = words.indices.first { index in
            words[index].utf8.contains { $0 == 0 || $0 == UInt8(ascii: "$") || $0 > 127 }
        }
        return wrong.map { isNamed($0, in: error) } ?? false
    }

    @Test func namesTheProgram() throws {
        #expect(try line(OSv(), Self.boot(["/hello", "a b", ""])) == "\(Self.start) \"/hello\" \"a b\" \"\"")
        #expect(try line(OSv(), Self.boot(["/loader.elf", "/hello", "x"])) == "\(Self.start) \"/hello\" \"x\"")
        let image = Self.boot(["x"]) { $0.process.commandLine = "/a; /b" }
        #expect(try line(OSv(), image) == "\(Self.start) /a; /b")
        let whole = Self.boot(["/hello"]) { $0.process.beginsWithName = false }
        #expect(try line(OSv(), whole) == "\(Self.start) \"/hello\"")
        let firecracker = Self.boot(["/hello"]) { $0.bootProtocol = .linux64 }
        #expect(try line(OSv(), firecracker) == "--nopci \(Self.start) \"/hello\"")
        #expect(
            throws: GuestError("there is no program for an osv guest to run: process.args names the image alone")
        ) { try OSv().bootString(Self.boot(["/loader.elf"])) }
    }

    @Test func tellsTheNetworkOfEachDevice() throws {
        func interface(_ address: String, via gateway: String?) -> GuestInterface {
            GuestInterface(
                name: "eth0", hardwareAddress: [2, 0, 0, 0, 0, 1], mtu: 1500,
                addresses: ["fd00::2/64", address].compactMap { NetworkAddress($0) },
                routes: gateway.map {
                    [.init(destination: NetworkAddress("0.0.0.0/0")!, gateway: IPAddress($0))]
                } ?? [])
        }
        let boot = Self.boot(["/hello"]) {
            $0.network.connections = [
                .init(device: "eth0", interface: interface("10.0.0.2/24", via: "10.0.0.1")),
                .init(device: "eth1", interface: nil),
                .init(device: "eth2", interface: interface("10.1.0.2/16", via: nil)),
            ]
            $0.network.nameServers = ["::1", "10.0.0.53", "10.0.0.54"].compactMap { IPAddress($0) }
        }
        #expect(
            try line(OSv(), boot) == "\(Self.start) --ip=eth0,10.0.0.2,255.255.255.0 --ip=eth2,10.1.0.2,255.255.0.0 "
                + "--defaultgw=10.0.0.1 --nameserver=10.0.0.53 \"/hello\"")
        let far = Self.boot(["/hello"]) {
            $0.network.connections = [.init(device: "eth0", interface: interface("10.1.0.2/32", via: "10.1.0.1"))]
        }
        #expect(
            try line(OSv(), far)
                == "\(Self.start) --ip=eth0,10.1.0.2,255.255.255.252 --defaultgw=10.1.0.1 \"/hello\"")
    }

    @Test func refusesWhatItCannotBeTold() throws {
        func error(_ arguments: [String], environment: [String] = []) -> String? {
            do throws(GuestError) {
                _ = try OSv().bootString(Self.boot(arguments) { $0.process.environment = environment })
                return nil
            } catch {
                return error.description
            }
        }
        let end = ", which an osv guest cannot be given"
        #expect(error(["/a", "$HOME"]) == "argument 1 holds a dollar sign\(end)")
        #expect(error(["/a", "é"]) == "argument 1 holds a character that is not of ASCII\(end)")
        #expect(error(["/a", "xvirtio_mmio.device=y"]) == "argument 1 holds virtio_mmio.device=\(end)")
        #expect(error([""]) == "argument 0 is empty\(end)")
        #expect(error(["/a"], environment: ["A"]) == "environment variable A has no name or no value\(end)")
        #expect(
            error(["/a"], environment: ["A=virtio_mmio.device=\u{301}"])
                == "environment variable A holds a NUL byte or virtio_mmio.device=\(end)")
        #expect(error(["/a"], environment: ["A=", "B=é$"]) == nil)
        func length(_ count: Int) throws -> Int {
            try OSv().bootString(Self.boot(["/a", String(repeating: "a", count: count)])).count
        }
        let most = 1023 - (try length(1) - 1)
        #expect(try length(most) == 1023)
        #expect(throws: GuestError("command line of 1024 bytes is too long for an osv guest (at most 1023)")) {
            try length(most + 1)
        }
    }

    @Test func isRecognisedByXensNote() throws {
        let guest = try #require(try recognise(OSv(), osvKernel().image))
        #expect(guest.framework == "osv")
        #expect(guest.bootProtocols == [.pvh, .linux64])
        #expect(guest.hardware?.transports == [.pci, .mmio])
        #expect(guest.hardware?.needsHPET == true)
        #expect(guest.leastMemoryBytes == 0x110_0000)
        let others = [kernel(), kernel(notes: note("Xen", 6, Array("linux".utf8)))].map(\.image)
        for image in others {
            #expect(try recognise(OSv(), image) == nil)
            #expect(try recognise(OSv(), image, isMarked: true) == nil)
            #expect(try recognise(OSv(), image, as: "osv") != nil)
        }
        #expect(try recognise(OSv(), bzImage(), isMarked: true) == nil)
        #expect(try recognise(OSv(), bzImage(), as: "osv")?.bootProtocols == [.bzImage])
        let plain = kernel(notes: note("Xen", 6, Array("osv".utf8)), entry: nil).image
        #expect(try recognise(OSv(), plain)?.bootProtocols == [.linux64])
        #expect(throws: GuestError("file is neither a bzImage nor a kernel with notes of the owner Xen")) {
            try recognise(OSv(), hermitLoader(isMultiboot: false).image, as: "osv")
        }
    }
}
