import GuestImages
import GuestModel
import Testing

@testable import Frameworks

/// What Nanos makes of its command line, from the comments of src/kernel/init.c: words of `NAME.NAME=VALUE` set what the
/// manifest has under these names; without a value it is taken away.
private struct NanosModel {
    private(set) var manifest: [[[UInt8]]: [UInt8]] = [:]

    init(_ line: [UInt8]) {
        for word in line.split(separator: 0x20) {
            guard let equals = word.firstIndex(of: 0x3D) else { continue }
            var names: [[UInt8]] = []
            var rest = word[..<equals]
            while let dot = rest.firstIndex(of: 0x2E), dot > rest.startIndex {
                names.append(Array(rest[..<dot]))
                rest = rest[(dot + 1)...]
            }
            let value = Array(word[(equals + 1)...])
            manifest[names + [Array(rest)]] = value.isEmpty ? nil : value
        }
    }

    func value(_ names: String...) -> [UInt8]? { manifest[bytes(names)] }
}

@Suite struct NanosTests {
    private static func boot(_ change: (inout GuestBoot) -> Void = { _ in }) -> GuestBoot {
        var boot = GuestBoot(process: GuestProcess(arguments: ["/unikernel"]), over: .linux64)
        change(&boot)
        return boot
    }

    @Test func whatTheProgramReadsIsWhatItWasGiven() throws {
        var random = RandomWords(seed: 51)
        var refused = 0
        for _ in 0..<RoundTripTests.count {
            let environment = (0..<Int.random(in: 0...2, using: &random.numbers)).map { "V\($0)=\(random.word())" }
            let boot = Self.boot { $0.process.environment = environment }
            do throws(GuestError) {
                let model = NanosModel(try Nanos().bootString(boot))
                #expect(model.manifest.count == environment.count, "\(environment)")
                for (index, entry) in environment.enumerated() {
                    #expect(model.value("environment", "V\(index)") == Array(entry.utf8.dropFirst(3)), "\(entry)")
                }
            } catch {
                let wrong = environment.first { $0.utf8.contains(0) || $0.utf8.contains(32) || $0.utf8.count == 3 }
                let isRight =
                    wrong.map { error.description.contains("environment variable \(BootWords.name(of: $0)) ") } ?? false
                #expect(isRight, "\(error): \(environment)")
                refused += 1
            }
        }
        #expect(1000..<9000 ~= refused)
    }

    @Test func tellsTheNetworkOfEachDevice() throws {
        let interface = GuestInterface(
            name: "eth0", hardwareAddress: [2, 0, 0, 0, 0, 1], mtu: 1500,
            addresses: ["10.0.0.2/16", "fd00::2/64"].compactMap { NetworkAddress($0) },
            routes: [.init(destination: NetworkAddress("0.0.0.0/0")!, gateway: IPAddress("10.0.0.1"))])
        let boot = Self.boot {
            $0.network.connections = [
                .init(device: "eth0", interface: nil), .init(device: "eth1", interface: interface),
            ]
            $0.process.environment = ["A=b=c.d"]
            $0.process.commandLine = "debug_exit=t"
        }
        #expect(
            try line(Nanos(), boot) == "en2.ipaddr=10.0.0.2 en2.netmask=255.255.0.0 en2.gateway=10.0.0.1 "
                + "en2.ip6addr=fd00::2 environment.A=b=c.d debug_exit=t")
    }

    @Test func refusesWhatItCannotBeTold() {
        func error(_ change: @escaping (inout GuestBoot) -> Void) -> String? {
            do throws(GuestError) {
                _ = try Nanos().bootString(Self.boot(change))
                return nil
            } catch {
                return error.description
            }
        }
        let end = ", which a nanos guest cannot be given"
        #expect(
            error { $0.process.arguments.append("x") }
                == "argument 1 cannot be passed: a nanos guest has those of its image's manifest")
        for entry in ["A", "A=", "=x"] {
            let name = entry == "=x" ? "" : "A"
            #expect(
                error { $0.process.environment = [entry] }
                    == "environment variable \(name) has no name or no value\(end)")
        }
        #expect(
            error { $0.process.environment = ["a.b=c"] } == "environment variable a.b has a dot in its name\(end)")
        #expect(
            error { $0.process.environment = ["A=b c"] } == "environment variable A holds a space or a NUL byte\(end)")
        for bootProtocol in [BootProtocol.pvh, .disk] {
            #expect(
                error {
                    $0.bootProtocol = bootProtocol
                    $0.process.environment = ["A=b c"]
                } == nil)
            #expect(
                error {
                    $0.bootProtocol = bootProtocol
                    $0.process.commandLine = "a=b"
                } == "a nanos guest started by \(bootProtocol) reads no command line, and has \"a=b\"")
        }
    }

    @Test func isTakenOnlyWhereTheContainerSaysSo() throws {
        for image in [bootDisk(), kernel().image] {
            #expect(try recognise(Nanos(), image) == nil)
            #expect(try recognise(Nanos(), image, isMarked: true) == nil)
        }
        let disk = try #require(try recognise(Nanos(), bootDisk(), as: "nanos"))
        #expect(disk.bootProtocols == [.disk])
        #expect(disk.hardware?.exitPort == ExitPort(port: 0x501, bytes: 1, meaning: .status))
        #expect(disk.hardware?.transports == [.pci])
        let direct = try #require(try recognise(Nanos(), kernel().image, as: "nanos"))
        #expect(direct.bootProtocols == [.pvh, .linux64])
        #expect(direct.hardware?.transports == [.mmio, .pci])
        #expect(direct.hardware?.needsOneIOAPIC == true)
        #expect(throws: GuestError("file has no note that names a PVH entry (owner Xen, type 18)")) {
            try recognise(Nanos(), kernel(entry: nil).image, as: "nanos")
        }
        #expect(throws: GuestError("file is neither a disk image with a boot sector nor a kernel")) {
            try recognise(Nanos(), Array("#!/bin/sh\n".utf8), as: "nanos")
        }
    }
}
