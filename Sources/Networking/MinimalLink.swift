internal import GuestModel
internal import HostSystem

/// A link between a guest's device and the processes of its network namespace, for a namespace without any interface that
/// leads elsewhere.
///
/// The tap is the namespace's end, with an address of its own. Nothing beyond the namespace is told of it or can be reached.
struct MinimalLink: ~Copyable {
    let tap: Tap
    /// The guest's end.
    let interface: GuestInterface

    /// How many of them a namespace can have: the networks of four addresses in 169.254.84.0/24.
    private static let most = 64
    private static let mtu: UInt32 = 1500

    /// Makes the first one that is free. Its number is in its name, which nobody else can take meanwhile.
    init() throws {
        for number in 0..<Self.most {
            do throws(HostError) {
                let tap = try Tap("swiftlet-min\(number)")
                interface = try Self.furnish(tap.name, UInt8(number * 4))
                self.tap = tap
                return
            } catch {
                guard error.isBusy else { throw error }
            }
        }
        throw Failure("the network namespace has \(Self.most) guests by links of their own, more are not possible")
    }

    /// Gives the namespace's end its addresses; returns the other one.
    private static func furnish(_ name: String, _ first: UInt8) throws(HostError) -> GuestInterface {
        let index = try NetworkLinks.index(of: name)
        let links = try NetworkLinks()
        try links.furnish(index, mtu: mtu, named: name)
        // Link-local, RFC 3927. The second network is of no other use either: unique local addresses, RFC 4193.
        func version4(_ last: UInt8) -> [UInt8] { [169, 254, 84, first + last] }
        func version6(_ last: UInt8) -> [UInt8] {
            [0xFD, 0x73, 0x77, 0x6C, 0x65, 0x74] + [UInt8](repeating: 0, count: 9) + [first + last]
        }
        try links.add(NetworkLinks.Address(version4(1), prefixLength: 30), to: index)
        var addresses = [IPAddress(bytes: version4(2)).map { NetworkAddress($0, prefixLength: 30) }]
        do throws(HostError) {
            try links.add(NetworkLinks.Address(version6(1), prefixLength: 126), to: index)
            addresses.append(IPAddress(bytes: version6(2)).map { NetworkAddress($0, prefixLength: 126) })
        } catch {
            // Without IPv6, or where it is switched off.
            guard error.isUnsupported || error.isPermission else { throw error }
        }
        return GuestInterface(
            name: name, hardwareAddress: GuestTap.freshAddress(), mtu: mtu, addresses: addresses.compactMap { $0 })
    }

    /// The namespace's address on the link of the guest with this one.
    static func otherEnd(of guest: IPAddress) -> IPAddress {
        let bytes = guest.bytes
        return IPAddress(version4: bytes[0], bytes[1], bytes[2], bytes[3] & ~3 | 1)
    }
}
