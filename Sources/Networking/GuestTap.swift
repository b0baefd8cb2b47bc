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
    /// The filters on other interfaces than the tap, to be removed when the guest has gone.
    public let places: [TrafficRedirect.Place]

    /// What a link has without an interface to take it from: Ethernet's own.
    private static let defaultMTU: UInt32 = 1500

    private init(
        _ descriptor: consuming Descriptor, _ connection: GuestNetwork.Connection, hardwareAddress: [UInt8],
        mtu: UInt32, places: [TrafficRedirect.Place]
    ) {
        self.descriptor = descriptor
        self.connection = connection
        self.hardwareAddress = hardwareAddress
        self.mtu = mtu
        self.places = places
    }

    /// Makes a tap for the guest's `device` in the namespace of the calling process, wired to `found`.
    ///
    /// - Parameter found: nil for a device that leads nowhere: the guest starts all the same.
    static func make(
        for device: String, to found: NetworkSurvey.Found?, _ wish: NetworkWish
    ) throws -> GuestTap {
        let tap = try Tap("swiftlet%d")
        let index = try NetworkLinks.index(of: tap.name)
        let mtu = found?.interface.mtu ?? defaultMTU
        try NetworkLinks().furnish(index, mtu: mtu, named: tap.name)
        let places = try found.map { found in
            try wish.isShared
                ? share(found, tap: index, named: tap.name, wish) : takeOver(found, tap: index, named: tap.name)
        }
        return GuestTap(
            tap.takeDescriptor(), GuestNetwork.Connection(device: device, interface: found?.interface),
            hardwareAddress: found?.interface.hardwareAddress ?? freshAddress(), mtu: mtu, places: places ?? [])
    }

    /// Without the right to load programs, a guest that asks for no part of the interface gets all of it.
    private static func share(
        _ found: NetworkSurvey.Found, tap: Int32, named name: String, _ wish: NetworkWish
    ) throws -> [TrafficRedirect.Place] {
        do {
            return try SharedInterface(tap: tap, tapName: name, found: found, ports: wish.ports).wire()
        } catch let error as HostError {
            guard error.call == "bpf", error.isPermission, !wish.isPart else { throw error }
            return try takeOver(found, tap: tap, named: name)
        }
    }

    private static func takeOver(
        _ found: NetworkSurvey.Found, tap: Int32, named name: String
    ) throws(HostError) -> [TrafficRedirect.Place] {
        let redirects = try TrafficRedirect()
        _ = try redirects.add(from: tap, to: found.index, named: name)
        return [try redirects.add(from: found.index, to: tap, named: found.interface.name)]
    }

    /// A random address, locally administered and for one station. See IEEE 802, U/L and I/G bits.
    private static func freshAddress() -> [UInt8] {
        let random = machineBytes(UInt64.random(in: 0...UInt64.max))
        return [random[0] & 0xFC | 2] + random[1..<6]
    }
}

/// What a guest's container asks of its network.
public struct NetworkWish: Sendable {
    /// Whether the interfaces are used by others as well: ordinary processes, or guests with other addresses or ports.
    public var isShared: Bool
    /// The addresses that are the guest's; all when there are none.
    public var addresses: [IPAddress]
    /// The ports that are the guest's; all when there are none.
    public var ports: [ClosedRange<UInt16>]

    /// A wish.
    public init(isShared: Bool, addresses: [IPAddress], ports: [ClosedRange<UInt16>]) {
        self.isShared = isShared
        self.addresses = addresses
        self.ports = ports
    }

    /// Whether others can have guests on the same interface.
    fileprivate var isPart: Bool { isShared && !(addresses.isEmpty && ports.isEmpty) }

    /// The interfaces for the guest, each with the addresses that it is to have.
    fileprivate func choose(from survey: NetworkSurvey, for device: String) throws -> [NetworkSurvey.Found] {
        let redirects = try TrafficRedirect()
        var chosen: [NetworkSurvey.Found] = []
        var taken: String?
        for var found in survey.interfaces {
            if !addresses.isEmpty {
                found.interface.addresses.removeAll { !addresses.contains($0.address) }
                if found.interface.addresses.isEmpty { continue }
            }
            if try !isPart && redirects.isTaken(found.index) {
                taken = found.interface.name
            } else {
                chosen.append(found)
            }
        }
        if chosen.isEmpty, let taken {
            throw Failure(
                "no interface of the network namespace is left for device '\(device)': \(taken) serves another guest")
        }
        if chosen.isEmpty, let address = addresses.first {
            throw Failure("no interface of the network namespace has the address \(address)")
        }
        return chosen
    }
}

/// Makes a tap for each of a guest's network devices, in the network namespace of the calling process.
///
/// The first device gets the first interface that serves the wish and no other guest has, and so on.
/// - Parameter use: Takes each tap as soon as it is there.
public func wireGuest(
    _ devices: [String], _ wish: NetworkWish, use: (consuming GuestTap) throws -> Void
) throws {
    guard let first = devices.first else { return }
    let chosen = try wish.choose(from: NetworkSurvey(), for: first)
    for (number, device) in devices.enumerated() {
        try use(GuestTap.make(for: device, to: number < chosen.count ? chosen[number] : nil, wish))
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
