import GuestImages
import GuestModel
import Testing

@testable import Frameworks

private func interface(_ addresses: [String], routes: [(to: String, via: String)] = []) -> GuestInterface {
    GuestInterface(
        name: "eth0", hardwareAddress: [2, 0, 0, 0, 0, 1], mtu: 1500,
        addresses: addresses.compactMap { NetworkAddress($0) },
        routes: routes.compactMap { route in
            NetworkAddress(route.to).map { GuestInterface.Route(destination: $0, gateway: IPAddress(route.via)) }
        })
}

private func network(_ interfaces: GuestInterface?...) -> GuestNetwork {
    let names = ["service", "service1", "service2"]
    return GuestNetwork(connections: zip(names, interfaces).map { .init(device: $0, interface: $1) })
}

private func words(_ framework: some Framework, _ network: GuestNetwork, _ arguments: [String] = []) throws -> String {
    let process = GuestProcess(arguments: ["/unikernel"] + arguments)
    let boot = GuestBoot(process: process, network: network, over: .solo5SPT)
    return String(decoding: try framework.bootString(boot), as: UTF8.self)
}

private let default4 = (to: "0.0.0.0/0", via: "10.0.0.1")
private let default6 = (to: "::/0", via: "fd00::1")

@Suite struct MirageOSNetworkTests {
    @Test func hasNoOptionsWithoutAnInterface() throws {
        #expect(try words(MirageOS(), network(nil), ["a"]) == "a")
    }

    @Test func tellsBothVersions() throws {
        let both = interface(["10.0.0.2/24", "10.0.0.3/24", "fd00::2/64"], routes: [default4, default6])
        #expect(
            try words(MirageOS(), network(both), ["a b"]) == "--ipv4=10.0.0.2/24 --ipv4-gateway=10.0.0.1 "
                + "--ipv6=fd00::2/64 --ipv6-gateway=fd00::1 \"a b\"")
    }

    @Test func tellsOneVersionAlone() throws {
        #expect(try words(MirageOS(), network(interface(["10.0.0.2/24"]))) == "--ipv4=10.0.0.2/24")
        #expect(
            try words(MirageOS(), network(interface(["fd00::2/64"], routes: [default6])))
                == "--ipv6=fd00::2/64 --ipv6-gateway=fd00::1")
    }

    @Test func namesFurtherDevices() throws {
        let pair = network(interface(["10.0.0.2/24"], routes: [default4]), interface(["10.0.1.2/24", "fd01::2/64"]))
        #expect(
            try words(MirageOS(), pair) == "--ipv4=10.0.0.2/24 --ipv4-gateway=10.0.0.1 "
                + "--service1-ipv4=10.0.1.2/24 --service1-ipv6=fd01::2/64")
        #expect(try words(MirageOS(), network(nil, interface(["10.0.1.2/24"]))) == "--service1-ipv4=10.0.1.2/24")
    }

    @Test func namesGatewaysOffTheLink() throws {
        let offLink = interface(
            ["10.0.0.2/32"], routes: [("169.254.1.1/32", ""), (to: "0.0.0.0/0", via: "169.254.1.1")])
        #expect(try words(MirageOS(), network(offLink)) == "--ipv4=10.0.0.2/32 --ipv4-gateway=169.254.1.1")
    }

    @Test func takesNoOtherRouteForTheDefault() throws {
        let elsewhere = interface(["10.0.0.2/24"], routes: [(to: "192.168.0.0/16", via: "10.0.0.9")])
        #expect(try words(MirageOS(), network(elsewhere)) == "--ipv4=10.0.0.2/24")
    }

    /// Data as OCaml lays it out, with the option's name at an odd place and at one that counts.
    private func recognised(option: String, symbols: [String], at place: Int) throws -> [String] {
        var builder = Solo5Builder(target: 2, devices: [("service", 2)])
        let string = Array(option.utf8) + [0, 0, 0, 0, 4]
        builder.data = [UInt8](repeating: 1, count: place) + string + [UInt8](repeating: 1, count: 100)
        var elf = builder.elf
        elf.segments[1].memorySize = UInt64(builder.data.count)
        elf.symbolNames = symbols
        let candidate = GuestCandidate(path: "/unikernel", bytes: elf.image, isMarked: false)
        return try #require(try MirageOS().recognise(candidate)).options
    }

    @Test("the option for name servers is that of the image, and none where it has no DNS client")
    func findsTheOptionForNameServers() throws {
        let (start, client) = ("caml_startup", "camlDns_client_mirage")
        for option in ["dns-servers", "dns_servers"] {
            // The second across two of the windows that are read.
            for place in [64, 65528, 200_000] {
                #expect(try recognised(option: option, symbols: [start, client], at: place) == [option])
            }
            #expect(try recognised(option: option, symbols: [start, client], at: 63) == [])
            #expect(try recognised(option: option, symbols: [start, "Dns_client_mirage"], at: 64) == [])
        }
        #expect(try recognised(option: "dns-serverz", symbols: [start, client], at: 64) == [])
    }

    @Test func tellsNameServersOnlyByAnOptionOfTheImage() throws {
        var boot = GuestBoot(
            process: GuestProcess(arguments: ["/unikernel", "a"]), network: network(interface(["10.0.0.2/24"])),
            over: .solo5SPT)
        boot.network.nameServers = ["10.96.0.10", "fd00::a"].compactMap { IPAddress($0) }
        func words() throws -> String { String(decoding: try MirageOS().bootString(boot), as: UTF8.self) }
        #expect(try words() == "--ipv4=10.0.0.2/24 a")
        boot.options = ["dns_servers"]
        #expect(
            try words() == "--ipv4=10.0.0.2/24 --dns_servers=udp:10.96.0.10,tcp:10.96.0.10,"
                + "udp:[fd00::a]:53,tcp:[fd00::a]:53 a")
        boot.network.connections = []
        #expect(try words() == "a")
        boot.network = network(interface(["10.0.0.2/24"]))
        #expect(try words() == "--ipv4=10.0.0.2/24 a")
    }

    /// Errors count the process's words, not those of the network.
    @Test func namesTheWordBehindTheOptions() {
        let one = network(interface(["10.0.0.2/24"], routes: [default4]))
        let refusal = GuestError("argument 2 holds a NUL byte, which ends a solo5 command line")
        #expect(throws: refusal) { try words(MirageOS(), one, ["a", "b\0"]) }
    }
}

@Suite struct RumprunNetworkTests {
    private func read(_ interface: GuestInterface?) throws -> RumprunConfiguration {
        try #require(RumprunConfiguration(Array(try words(Rumprun(), network(interface)).utf8)))
    }

    @Test func hasNoObjectWithoutAnInterface() throws {
        #expect(try read(nil).network("if") == nil)
    }

    @Test func tellsTheFirstAddress() throws {
        let both = try read(interface(["10.0.0.2/24", "fd00::2/64"], routes: [default4, default6]))
        #expect(both.network("if") == "ukvmif0")
        #expect(both.network("type") == "inet")
        #expect(both.network("method") == "static")
        #expect(both.network("addr") == "10.0.0.2")
        #expect(both.network("mask") == "24")
        #expect(both.network("gw") == "10.0.0.1")
    }

    @Test func tellsIPv6WhereThatIsAll() throws {
        let one = try read(interface(["fd00::2/64"], routes: [default6]))
        #expect(one.network("type") == "inet6")
        #expect(one.network("addr") == "fd00::2")
        #expect(one.network("mask") == "64")
        #expect(one.network("gw") == "fd00::1")
    }

    @Test(arguments: [
        ("10.0.0.2/32", "10.0.0.1", "30"), ("10.0.0.2/32", "169.254.1.1", "0"), ("10.0.0.2/24", "10.0.1.1", "23"),
        ("10.0.0.2/24", "10.0.0.2", "24"), ("10.0.0.2/16", "10.0.0.1", "16"),
    ])
    func widensTheNetworkToReachTheGateway(address: String, gateway: String, mask: String) throws {
        let one = try read(interface([address], routes: [(to: "0.0.0.0/0", via: gateway)]))
        #expect(one.network("mask") == mask)
        #expect(one.network("gw") == gateway)
    }
}
