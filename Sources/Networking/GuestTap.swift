public import GuestModel
public import HostSystem

/// A tap that is a guest's network device, and what stands on the interface behind it.
public struct GuestTap: ~Copyable {
    /// The tap, for the monitor.
    public let descriptor: Descriptor
    /// What the guest is told.
    public let connection: GuestNetwork.Connection
    /// The hardware address the guest uses, and the largest packet in bytes, with or without an interface.
    public let hardwareAddress: [UInt8], mtu: UInt32
    /// The filter on the interface, to be removed when the guest has gone; that of the tap goes with it.
    public let redirect: TrafficRedirect.Place?

    /// What a link has without an interface to take it from: Ethernet's own.
    private static let defaultMTU: UInt32 = 1500

    private init(
        _ descriptor: consuming Descriptor, _ connection: GuestNetwork.Connection, hardwareAddress: [UInt8],
        mtu: UInt32, redirect: TrafficRedirect.Place?
    ) {
        self.descriptor = descriptor
        self.connection = connection
        self.hardwareAddress = hardwareAddress
        self.mtu = mtu
        self.redirect = redirect
    }

    /// Makes a tap for the guest's `device` in the namespace of the calling process, wired to `found`.
    ///
    /// - Parameter found: nil for a device that leads nowhere: the guest starts all the same.
    static func make(for device: String, to found: NetworkSurvey.Found?) throws(HostError) -> GuestTap {
        let tap = try Tap("swiftlet%d")
        let index = try NetworkLinks.index(of: tap.name)
        let mtu = found?.interface.mtu ?? defaultMTU
        try NetworkLinks().furnish(index, mtu: mtu, named: tap.name)
        var place: TrafficRedirect.Place?
        if let found {
            let redirects = try TrafficRedirect()
            _ = try redirects.add(from: index, to: found.index, named: tap.name)
            place = try redirects.add(from: found.index, to: index, named: found.interface.name)
        }
        return GuestTap(
            tap.takeDescriptor(), GuestNetwork.Connection(device: device, interface: found?.interface),
            hardwareAddress: found?.interface.hardwareAddress ?? freshAddress(), mtu: mtu, redirect: place)
    }

    /// A random address, locally administered and for one station. See IEEE 802, U/L and I/G bits.
    private static func freshAddress() -> [UInt8] {
        let random = machineBytes(UInt64.random(in: 0...UInt64.max))
        return [random[0] & 0xFC | 2] + random[1..<6]
    }
}

/// Makes a tap for each of a guest's network devices, in the network namespace of the calling process.
///
/// The first device gets the first interface that no other guest has, and so on.
/// - Parameter use: Takes each tap as soon as it is there.
public func wireGuest(_ devices: [String], use: (consuming GuestTap) throws -> Void) throws {
    if devices.isEmpty { return }
    let survey = try NetworkSurvey()
    let redirects = try TrafficRedirect()
    var free: [NetworkSurvey.Found] = []
    for found in survey.interfaces where try !redirects.isTaken(found.index) { free.append(found) }
    if free.isEmpty, let first = survey.interfaces.first {
        throw Failure(
            "no interface of the network namespace is left for device '\(devices[0])': "
                + "\(first.interface.name) serves another guest")
    }
    for (number, device) in devices.enumerated() {
        try use(GuestTap.make(for: device, to: number < free.count ? free[number] : nil))
    }
}

extension GuestTap {
    /// What goes with the tap to the process that runs the guest.
    public var note: JSONValue {
        var note: JSONObject = [
            "device": .string(connection.device), "hardwareAddress": .array(hardwareAddress.map { JSONValue($0) }),
            "mtu": JSONValue(mtu),
        ]
        if let interface = connection.interface {
            note["interface"] = [
                "name": .string(interface.name),
                "addresses": JSONValue(interface.addresses.map(\.description)),
                "routes": .array(
                    interface.routes.map {
                        ["to": .string("\($0.destination)"), "via": .string($0.gateway?.description ?? "")]
                    }),
            ]
        }
        return .object(note)
    }
}

/// A tap as the process that runs the guest knows it.
public struct ReceivedTap {
    /// What the guest is told.
    public let connection: GuestNetwork.Connection
    /// The guest's hardware address.
    public let hardwareAddress: [UInt8]
    /// The largest packet in bytes.
    public let mtu: UInt32

    /// Reads a note; nil when it is none.
    public init?(note: JSONValue) {
        guard let device = note["device"]?.string, let mtu = note["mtu"]?.integer(as: UInt32.self),
            let address = note["hardwareAddress"]?.array?.compactMap({ $0.integer(as: UInt8.self) })
        else { return nil }
        hardwareAddress = address
        self.mtu = mtu
        let interface = note["interface"].map { Self.interface($0, address, mtu) }
        connection = GuestNetwork.Connection(device: device, interface: interface)
    }

    private static func interface(_ note: JSONValue, _ hardwareAddress: [UInt8], _ mtu: UInt32) -> GuestInterface {
        GuestInterface(
            name: note["name"]?.string ?? "", hardwareAddress: hardwareAddress, mtu: mtu,
            addresses: note["addresses"]?.array?.compactMap { NetworkAddress($0.string ?? "") } ?? [],
            routes: note["routes"]?.array?.compactMap { route in
                NetworkAddress(route["to"]?.string ?? "").map {
                    GuestInterface.Route(destination: $0, gateway: IPAddress(route["via"]?.string ?? ""))
                }
            } ?? [])
    }
}
