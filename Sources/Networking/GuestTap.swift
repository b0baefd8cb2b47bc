public import GuestModel
public import HostSystem

/// A tap that is a guest's network device, and what stands on the interface behind it.
public struct GuestTap: ~Copyable {
    /// The tap, for the monitor.
    public let descriptor: Descriptor
    /// The tap's name and number in its namespace.
    public let name: String, index: Int32
    /// What the guest is told.
    public let connection: GuestNetwork.Connection
    /// The hardware address the guest uses, and the largest packet in bytes, with or without an interface.
    public let hardwareAddress: [UInt8], mtu: UInt32
    /// What stands on other interfaces than the tap, to be removed when the guest has gone.
    public let places: [TrafficRedirect.Place]

    /// What a link has without an interface to take it from: Ethernet's own.
    private static let defaultMTU: UInt32 = 1500

    private init(
        _ tap: consuming Tap, _ index: Int32, _ connection: GuestNetwork.Connection, hardwareAddress: [UInt8],
        mtu: UInt32, places: [TrafficRedirect.Place]
    ) {
        name = tap.name
        self.index = index
        descriptor = tap.takeDescriptor()
        self.connection = connection
        self.hardwareAddress = hardwareAddress
        self.mtu = mtu
        self.places = places
    }

    /// Makes a tap for a guest's device, in the namespace of the calling process, wired to `found`.
    ///
    /// - Parameters:
    ///   - name: The guest's name for the device.
    ///   - link: The name of what this needs beside the tap.
    ///   - found: nil for a device that leads nowhere: the guest starts all the same.
    ///   - agent: How the guest reaches its vAccel agent by this device.
    static func make(
        for name: String, link: String, to found: NetworkSurvey.Found?, _ wish: NetworkWish, agent: AgentLink?
    ) throws -> GuestTap {
        // They would take all that arrives before anything else sees it.
        if let found { try TrafficRedirect().removeStaleTables(of: found.index) }
        let connection = GuestNetwork.Connection(device: name, interface: found?.interface)
        let address = found?.interface.hardwareAddress ?? freshAddress()
        let mtu = found?.interface.mtu ?? defaultMTU
        if let found, wish.mode == .macvtap {
            let tap = try LinkedInterface(found, link: link).openMacvtap()
            let index = try NetworkLinks.index(of: tap.name)
            return GuestTap(tap, index, connection, hardwareAddress: address, mtu: mtu, places: [])
        }
        let tap = try Tap("swiftlet%d")
        let index = try NetworkLinks.index(of: tap.name)
        try NetworkLinks().furnish(index, mtu: mtu, named: tap.name)
        let places = try found.map { try connect($0, tap: index, named: tap.name, link: link, wish, agent) }
        return GuestTap(tap, index, connection, hardwareAddress: address, mtu: mtu, places: places ?? [])
    }

    /// Makes a tap for a guest's device that leads to the namespace alone.
    static func makeMinimal(for name: String) throws -> GuestTap {
        let link = try MinimalLink()
        let interface = link.interface
        return GuestTap(
            link.tap, try NetworkLinks.index(of: interface.name),
            GuestNetwork.Connection(device: name, interface: interface),
            hardwareAddress: interface.hardwareAddress, mtu: interface.mtu, places: [])
    }

    /// Listens for the guest of a minimal link, at the namespace's end.
    func listenForAgent(port: UInt16) throws -> AgentSocket {
        guard let guest = connection.interface?.address(version4: true)?.address else {
            throw Failure("the guest cannot reach a vAccel agent: its link has no IPv4 address")
        }
        let own = MinimalLink.otherEnd(of: guest)
        return AgentSocket(try AgentLink.listen(port: port, at: own, for: guest), seenAs: own, port: port)
    }

    private static func connect(
        _ found: NetworkSurvey.Found, tap: Int32, named name: String, link: String, _ wish: NetworkWish,
        _ agent: AgentLink?
    ) throws -> [TrafficRedirect.Place] {
        if wish.mode == .bridge {
            try LinkedInterface(found, link: link).bridge(to: tap, named: name)
            return []
        }
        return try wish.isShared
            ? share(found, tap: tap, named: name, wish, agent) : takeOver(found, tap: tap, named: name, agent)
    }

    /// Without the right to load programs, a guest that asks for no part of the interface gets all of it.
    private static func share(
        _ found: NetworkSurvey.Found, tap: Int32, named name: String, _ wish: NetworkWish, _ agent: AgentLink?
    ) throws -> [TrafficRedirect.Place] {
        do {
            return try SharedInterface(tap: tap, tapName: name, found: found, ports: wish.ports, agent: agent).wire()
        } catch let error as HostError {
            guard error.call == "bpf", error.isPermission, !wish.isPart, agent == nil else { throw error }
            return try takeOver(found, tap: tap, named: name, nil)
        }
    }

    private static func takeOver(
        _ found: NetworkSurvey.Found, tap: Int32, named name: String, _ agent: AgentLink?
    ) throws -> [TrafficRedirect.Place] {
        if let agent {
            return try SharedInterface(
                tap: tap, tapName: name, found: found, ports: [], agent: agent, isAlone: true
            ).wire()
        }
        return [try TrafficRedirect().hand(tap, named: name, all: found.index, named: found.interface.name)]
    }

    /// A random address, locally administered and for one station. See IEEE 802, U/L and I/G bits.
    static func freshAddress() -> [UInt8] {
        let random = machineBytes(UInt64.random(in: 0...UInt64.max))
        return [random[0] & 0xFC | 2] + random[1..<6]
    }
}

/// Makes a tap for each of a guest's network devices, in the network namespace of the calling process.
///
/// The first device gets the first interface that serves the wish and no other guest has, and so on.
/// - Parameters:
///   - devices: The guest's own names; nil for a guest that takes one for each interface, named like it.
///   - agent: Takes the socket of the guest's vAccel agent, when the wish has one; the first device leads to it.
///   - use: Takes each tap as soon as it is there.
public func wireGuest(
    _ devices: [String]?, _ wish: NetworkWish, agent: (consuming AgentSocket) throws -> Void,
    use: (consuming GuestTap) throws -> Void
) throws {
    if let devices, devices.isEmpty { return }
    let isMinimal = wish.mode == .minimal
    let chosen = try isMinimal ? [] : wish.choose(from: NetworkSurvey(), for: devices?.first ?? "every one")
    let names = devices ?? (isMinimal ? ["net0"] : chosen.map(\.interface.name))
    var link: AgentLink?
    if let port = wish.agentPort, !isMinimal {
        guard chosen.first?.interface.address(version4: true) != nil else {
            throw Failure("the guest cannot reach a vAccel agent: its interface has no IPv4 address")
        }
        let listening = try AgentLink.listen(port: port)
        link = listening.link
        try agent(AgentSocket(listening, seenAs: .vaccelAgent, port: port))
    }
    for (number, device) in names.enumerated() {
        if isMinimal {
            let tap = try GuestTap.makeMinimal(for: device)
            if number == 0, let port = wish.agentPort { try agent(tap.listenForAgent(port: port)) }
            try use(tap)
        } else {
            let found = number < chosen.count ? chosen[number] : nil
            let name = wish.links.name(of: number)
            try use(GuestTap.make(for: device, link: name, to: found, wish, agent: number == 0 ? link : nil))
        }
    }
}

extension GuestTap {
    /// What goes with the tap to the process that runs the guest.
    ///
    /// - Parameter goesWithNamespace: Whether nobody looks at its namespace when the guest has gone.
    public func note(goesWithNamespace: Bool) -> JSONValue {
        var note: JSONObject = [
            "device": .string(connection.device), "tap": .string(name),
            "hardwareAddress": .array(hardwareAddress.map { JSONValue($0) }),
            "mtu": JSONValue(mtu), "goesWithNamespace": .bool(goesWithNamespace),
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
    /// The tap's name in its namespace.
    public let name: String
    /// The guest's hardware address.
    public let hardwareAddress: [UInt8]
    /// The largest packet in bytes.
    public let mtu: UInt32
    /// Whether nobody looks at its namespace when the guest has gone.
    public let goesWithNamespace: Bool

    /// Reads a note; nil when it is none.
    public init?(note: JSONValue) {
        guard let device = note["device"]?.string, let mtu = note["mtu"]?.integer(as: UInt32.self),
            let address = note["hardwareAddress"]?.array?.compactMap({ $0.integer(as: UInt8.self) })
        else { return nil }
        name = note["tap"]?.string ?? ""
        hardwareAddress = address
        self.mtu = mtu
        goesWithNamespace = note["goesWithNamespace"]?.bool ?? false
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
