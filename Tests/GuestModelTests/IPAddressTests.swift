import GuestModel
import Testing

@Suite struct IPAddressTests {
    @Test(
        arguments: [
            ("0.0.0.0", [0, 0, 0, 0]), ("255.255.255.255", [255, 255, 255, 255]), ("10.0.0.2", [10, 0, 0, 2]),
        ] as [(String, [UInt8])])
    func readsVersion4(text: String, bytes: [UInt8]) throws {
        let address = try #require(IPAddress(text))
        #expect(address.bytes == bytes)
        #expect(address.isVersion4)
        #expect(address.description == text)
    }

    /// The examples of RFC 5952, sections 1 to 5, and RFC 4291, section 2.2: many texts, one canonical form.
    @Test(arguments: [
        ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"), ("2001:0db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
        ("2001:db8::1:0:0:1", "2001:db8::1:0:0:1"), ("2001:db8::0:1:0:0:1", "2001:db8::1:0:0:1"),
        ("2001:0db8::1:0:0:1", "2001:db8::1:0:0:1"), ("2001:DB8:0:0:1::1", "2001:db8::1:0:0:1"),
        ("2001:db8:aaaa:bbbb:cccc:dddd:0:1", "2001:db8:aaaa:bbbb:cccc:dddd:0:1"),
        ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"), ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"),
        ("2001:db8:0:0:1:0:0:0", "2001:db8:0:0:1::"), ("0:0:0:0:0:0:0:0", "::"), ("::", "::"), ("::1", "::1"),
        ("1::", "1::"), ("fe80::", "fe80::"), ("FF01:0:0:0:0:0:0:101", "ff01::101"),
        ("::13.1.68.3", "::d01:4403"), ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"),
        ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"), ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"),
        ("0:0:1:0:0:0:1:1", "0:0:1::1:1"),
    ])
    func writesVersion6Canonically(text: String, canonical: String) throws {
        let address = try #require(IPAddress(text))
        #expect(!address.isVersion4)
        #expect(address.description == canonical)
        #expect(IPAddress(canonical) == address)
    }

    @Test(arguments: [
        "", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.-4", "1.2.3.+4", "1.2.3.", ".1.2.3", "1..2.3", "1.2.3.4 ",
        " 1.2.3.4", "0x1.2.3.4", "1.2.3.٤", ":", ":::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "12345::",
        "g::", "::+1", "::-1", ":1:2:3:4:5:6:7", "1:2:3:4:5:6:7:", "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8",
        "fe80::1%eth0",
        "::1.2.3", "::1.2.3.256", "1.2.3.4::", "::1.2.3.4:5", "[::1]", "::1/64",
    ])
    func refuses(text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test func everyAddressReadsWhatItWrites() {
        var state: UInt64 = 42
        for _ in 0..<10_000 {
            // Many zeros, in runs.
            let bytes = (0..<16).map { _ -> UInt8 in
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return state >> 62 == 0 ? UInt8(truncatingIfNeeded: state >> 40) : 0
            }
            let address = IPAddress(bytes: bytes)
            #expect(address.flatMap { IPAddress($0.description) } == address)
        }
    }

    @Test(arguments: [("127.0.0.1", true), ("127.255.0.1", true), ("128.0.0.1", false), ("::1", true), ("::", false)])
    func knowsLoopback(text: String, isLoopback: Bool) throws {
        #expect(try #require(IPAddress(text)).isLoopback == isLoopback)
    }
}

@Suite struct NetworkAddressTests {
    @Test(arguments: ["10.0.0.2/24", "10.0.0.2/0", "10.0.0.2/32", "fd00::2/64", "::/0", "fd00::2/128"])
    func readsWhatItWrites(text: String) throws {
        #expect(try #require(NetworkAddress(text)).description == text)
    }

    @Test(arguments: [
        "10.0.0.2", "10.0.0.2/", "/24", "10.0.0.2/33", "10.0.0.2/-1", "fd00::2/129", "10.0.0.2/24/1", "x/1",
    ])
    func refuses(text: String) {
        #expect(NetworkAddress(text) == nil)
    }

    @Test(arguments: [
        ("10.0.0.2/24", "10.0.0.255", true), ("10.0.0.2/24", "10.0.1.0", false), ("10.0.0.2/32", "10.0.0.2", true),
        ("10.0.0.2/31", "10.0.0.3", true), ("10.0.0.2/0", "192.0.2.1", true), ("10.0.0.2/0", "::1", false),
        ("fd00::/65", "fd00::7fff:ffff:ffff:ffff", true), ("fd00::/65", "fd00::8000:0:0:0", false),
    ])
    func contains(network: String, address: String, isInside: Bool) throws {
        #expect(try #require(NetworkAddress(network)).contains(#require(IPAddress(address))) == isInside)
    }
}
