internal import GuestModel
public import HostSystem

/// The links of its own that a guest's container has in its network namespace: a bridge or macvtap for each device.
///
/// They are named after the container's process 1, so that they are found again whatever became of their maker.
public struct GuestLinks: Sendable {
    private static let prefix = "swlet"
    private let process: Int32

    /// The links of the container with this process 1.
    public init(ofProcess process: Int32) { self.process = process }

    /// The name for the device of that number. Names have 15 bytes at most, processes seven digits, devices two.
    func name(of device: Int) -> String { "\(Self.prefix)\(process)-\(device)" }

    /// Whether a link of this name is a guest's.
    static func isOne(_ name: String) -> Bool { name.hasPrefix(prefix) && name.dropFirst(prefix.count).contains("-") }

    /// Removes them from the namespace of the calling process, which leaves the interfaces as they were before.
    ///
    /// - Parameter count: How many devices the guest has.
    public func remove(count: Int) throws(HostError) {
        let links = try NetworkLinks()
        for device in 0..<count { try links.remove(named: name(of: device)) }
    }
}

/// An interface that a guest has whole, through a link of its own beside it.
///
/// Addresses, routes and hardware address stay where they are: namespace and guest have them in common, but no packet for
/// them reaches the namespace. Whoever looks at the interface sees no difference, and nothing has to be put back.
struct LinkedInterface {
    private let found: NetworkSurvey.Found
    private let link: String

    init(_ found: NetworkSurvey.Found, link: String) { (self.found, self.link) = (found, link) }

    /// Makes the interface and a tap the ports of a bridge.
    ///
    /// The bridge knows the interface's hardware address as the guest's, and is for its ports alone: as an interface of the
    /// namespace it answers nobody.
    func bridge(to tap: Int32, named tapName: String) throws(HostError) {
        let interface = found.interface
        let links = try NetworkLinks()
        let bridge = try links.makeBridge(named: link, hardwareAddress: GuestTap.freshAddress())
        try links.furnish(bridge, mtu: interface.mtu, .noAddressResolution, named: link)
        try links.join(bridge, found.index, named: interface.name)
        try links.join(bridge, tap, named: tapName)
        try links.handOver(interface.hardwareAddress, of: found.index, to: tap)
    }

    /// Makes a macvtap on the interface, and opens it.
    ///
    /// What is sent to one receiver is the guest's alone. What is sent to all or to a group reaches the namespace too,
    /// which answers what is asked about an address as the guest does: with the same hardware address.
    func openMacvtap() throws -> Tap {
        let interface = found.interface
        let links = try NetworkLinks()
        let index = try links.makeMacvtap(on: found.index, named: link)
        try links.furnish(index, mtu: interface.mtu, .everyGroup, named: link)
        do throws(HostError) {
            return try Tap(macvtap: link, index: index)
        } catch {
            guard error.isPermission else { throw error }
            throw Failure("a macvtap device can only be opened by root of the host", cause: error)
        }
    }
}
