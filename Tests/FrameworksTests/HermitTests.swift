import GuestImages
import GuestModel
import Testing

@testable import Frameworks

@Suite struct HermitTests {
    private static func boot(_ arguments: [String], _ change: (inout GuestBoot) -> Void = { _ in }) -> GuestBoot {
        var boot = GuestBoot(process: GuestProcess(arguments: ["/unikernel"] + arguments), over: .multiboot)
        change(&boot)
        return boot
    }

    @Test func whatTheApplicationReadsIsWhatItWasGiven() throws {
        var random = RandomWords(seed: 31)
        var refused = 0
        for _ in 0..<RoundTripTests.count {
            let environment = (0..<Int.random(in: 0...3, using: &random.numbers)).map { "V\($0)=\(random.word())" }
            let boot = Self.boot(Array(random.arguments().dropFirst())) { $0.process.environment = environment }
            do throws(GuestError) {
                // A multiboot loader puts the image's path in front.
                let model = HermitModel(Array("/kernel ".utf8) + (try Hermit().bootString(boot)))
                #expect(model?.arguments == bytes(Array(boot.process.words)), "\(boot.process)")
                #expect(model?.unknown == [], "\(boot.process)")
                for entry in environment {
                    let value = Array(entry.utf8.dropFirst(3))
                    #expect(model?.environment[Array(entry.utf8.prefix(2))] == value, "\(boot.process)")
                }
            } catch {
                let words = boot.process.arguments
                let variable = environment.first { $0.utf8.contains(0) }
                let argument = words.indices.first { words[$0].utf8.contains(0) }
                let isRight =
                    variable.map { error.description.contains("environment variable \(BootWords.name(of: $0)) ") }
                    ?? argument.map { isNamed($0, in: error) } ?? false
                #expect(isRight, "\(error): \(boot.process)")
                refused += 1
            }
        }
        #expect(10..<3000 ~= refused)
    }

    @Test func tellsTheFirstNetwork() throws {
        let interface = GuestInterface(
            name: "eth0", hardwareAddress: [2, 0, 0, 0, 0, 1], mtu: 1500,
            addresses: ["fd00::2/64", "10.0.0.2/24"].compactMap { NetworkAddress($0) },
            routes: [.init(destination: NetworkAddress("0.0.0.0/0")!, gateway: IPAddress("10.0.0.1"))])
        let one = Self.boot(["a b", ""]) {
            $0.network.connections = [.init(device: "eth0", interface: interface)]
            $0.process.environment = ["A=it's"]
        }
        #expect(
            try line(Hermit(), one)
                == #"-ip 10.0.0.2 -mask 255.255.255.0 -gateway 10.0.0.1 'env=A=it'\''s' -- 'a b' ''"#)
        var far = interface
        far.addresses = [NetworkAddress("10.1.0.2/32")!]
        far.routes[0] = .init(destination: far.routes[0].destination, gateway: IPAddress("10.1.0.1"))
        let other = Self.boot([]) { $0.network.connections = [.init(device: "eth0", interface: far)] }
        #expect(try line(Hermit(), other) == "-ip 10.1.0.2 -mask 255.255.255.252 -gateway 10.1.0.1")
        far.routes = []
        let alone = Self.boot([]) { $0.network.connections = [.init(device: "eth0", interface: far)] }
        #expect(try line(Hermit(), alone) == "-ip 10.1.0.2 -mask 255.255.255.255")
    }

    @Test func takesTheLineOfTheImageAsItIs() throws {
        let boot = Self.boot(["x"]) { $0.process.commandLine = "serve  '/a b'" }
        #expect(try line(Hermit(), boot) == "-- serve  '/a b'")
    }

    @Test func refusesWhatItCannotBeTold() {
        let end = ", which a hermit guest cannot be given"
        for entry in ["A", "=x", ""] {
            let name = entry == "A" ? "A" : ""
            #expect(throws: GuestError("environment variable \(name) has no name or no value\(end)")) {
                try Hermit().bootString(Self.boot([]) { $0.process.environment = [entry] })
            }
        }
        for (bootProtocol, most) in [(BootProtocol.multiboot, 4095), (.linux64, 2047)] {
            let long = String(repeating: "a", count: most - 3)
            #expect(throws: Never.self) {
                try Hermit().bootString(Self.boot([long]) { $0.bootProtocol = bootProtocol })
            }
            #expect(
                throws: GuestError("command line of \(most + 1) bytes is too long for a hermit guest (at most \(most))")
            ) { try Hermit().bootString(Self.boot([long + "a"]) { $0.bootProtocol = bootProtocol }) }
        }
    }
}

@Suite struct HermitImageTests {
    private static let application = hermitApplication().image
    private static let multiboot = hermitLoader().image
    private static let linux = hermitLoader(isMultiboot: false).image

    @Test func bootsByTheLoaderBesideIt() throws {
        let guest = try #require(
            try recognise(Hermit(), Self.application, files: ["/hermit-loader-x86_64": Self.multiboot]))
        #expect(guest.framework == "hermit")
        #expect(guest.bootProtocols == [.multiboot])
        #expect(guest.loaders == [.multiboot: "/hermit-loader-x86_64"])
        #expect(guest.hardware?.transports == [.pci])
        #expect(guest.hardware?.needsModernVirtio == true)
        #expect(guest.hardware?.takesInitrd == false)
        let port = try #require(guest.hardware?.exitPort)
        #expect([port.status(of: 1), port.status(of: 0)] == [0, 1])
        #expect(guest.leastMemoryBytes > 0x10_0000 + UInt64(Self.application.count))
    }

    @Test func takesEachProtocolsBestLoader() throws {
        let files = [
            "/hermit-loader": Self.multiboot, "/hermit-loader-x86_64-multiboot": Self.multiboot,
            "/hermit-loader-x86_64-linux": Self.linux,
        ]
        let guest = try #require(try recognise(Hermit(), Self.application, files: files))
        #expect(guest.bootProtocols == [.multiboot, .linux64])
        #expect(guest.loaders[.multiboot] == "/hermit-loader-x86_64-multiboot")
        #expect(guest.loaders[.linux64] == "/hermit-loader-x86_64-linux")
        #expect(guest.hardware?.transports == [.pci, .mmio])
        let alone = try recognise(Hermit(), Self.application, files: ["/hermit-loader": Self.linux])
        #expect(alone?.bootProtocols == [.linux64])
        #expect(alone?.hardware?.transports == [.mmio])
    }

    @Test func isRecognisedByOSABIAndNote() throws {
        let files = ["/hermit-loader": Self.multiboot]
        let gnu = hermitApplication(notes: note("GNU", 1, [6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])).image
        #expect(try recognise(Hermit(), gnu, files: files) != nil)
        let linuxes = note("GNU", 1, [UInt8](repeating: 0, count: 16))
        for notes in [[], linuxes, note("HERMIT", 1, [4]), note("GNU", 1, [6])] {
            let image = hermitApplication(notes: notes).image
            #expect(try recognise(Hermit(), image, files: files) == nil)
            #expect(try recognise(Hermit(), image, isMarked: true, files: files) == nil)
            #expect(try recognise(Hermit(), image, as: "hermit", files: files) != nil)
        }
        var program = hermitApplication()
        program.osABI = 0
        #expect(try recognise(Hermit(), program.image, files: files) == nil)
        #expect(try recognise(Hermit(), Array("#!/bin/sh\n".utf8), files: files) == nil)
    }

    @Test func needsALoaderThatIsOne() throws {
        #expect(
            throws: GuestError(
                "hermit application needs its loader beside it: / has no hermit-loader, hermit-loader-x86_64, "
                    + "hermit-loader-x86_64-linux ...")
        ) { try recognise(Hermit(), Self.application) }
        #expect(
            throws: GuestError("/hermit-loader is no loader of Hermit's for multiboot or for Linux' 64-bit entry")
        ) { try recognise(Hermit(), Self.application, files: ["/hermit-loader": Self.application]) }
    }

    @Test func takesALoaderForTheImageIfTheContainerSaysSo() throws {
        #expect(try recognise(Hermit(), Self.multiboot, isMarked: true) == nil)
        let guest = try #require(try recognise(Hermit(), Self.multiboot, as: "hermit"))
        #expect(guest.needsInitrd)
        #expect(guest.hardware?.takesInitrd == true)
        #expect(guest.bootProtocols == [.multiboot])
        #expect(try recognise(Hermit(), Self.linux, as: "hermit")?.bootProtocols == [.linux64])
    }
}
