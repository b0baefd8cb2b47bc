internal import ContainerState
internal import GuestModel
internal import HostSystem
internal import LaunchPlanning
internal import Networking
internal import Supervision

/// A guest's network devices, from both sides: `start` makes taps in the container's network namespace and hands them to
/// process 1, which has no right to make any; `delete` removes what that left on the interfaces.
///
/// At `start`, because some engines connect a namespace before `create` and others only after it.
enum GuestWiring {
    /// A tap in process 1.
    struct Received {
        let connection: GuestNetwork.Connection
        let device: SupervisedDevice
        /// What an external monitor is told of it.
        let network: MonitorLaunch.Network
        /// All of it, as it came.
        let note: JSONValue
    }

    /// Prepares what interfaces of a joined network namespace are there at `create`: where their packets are sorted, so that
    /// `start` need not take any of them out of work for a moment.
    ///
    /// An ordinary user's guest needs none. What cannot be prepared is made at `start`.
    ///
    /// - Parameter keep: Writes the record, when it says what is to be taken back.
    static func prepare(_ record: inout ContainerRecord, keep: (ContainerRecord) throws -> Void) throws {
        guard !record.networkDevices.isEmpty, !record.networkNamespace.isEmpty, mode(of: record) == .redirect,
            effectiveUser() == 0
        else { return }
        let namespace = try openNamespace(record.networkNamespace, type: NamespaceFlag.network)
        let bare = try bareInterfaces(in: namespace.raw)
        let addresses = record.networkAddresses.compactMap { IPAddress($0) }
        let most = devices(of: record).linkCount
        record.bareInterfaces = bare
        try keep(record)
        _ = try ContainerNetwork(namespace.raw).perform {
            try prepareSharing(addresses, atMost: most, bare)
            return .null
        }
    }

    /// Connects the guest of `record`, whose process 1 waits behind `connection`.
    ///
    /// - Parameter keep: Writes the record, when it says what is to be taken back.
    static func connect(
        _ record: inout ContainerRecord, over connection: borrowing Descriptor, keep: (ContainerRecord) throws -> Void
    ) throws {
        let socket = connection.raw
        // From process 1 itself, for only it can open the namespace where the caller is an ordinary user.
        let namespace = try receiveDescriptor(over: socket)
        let (devices, linkCount) = devices(of: record)
        let wish = NetworkWish(
            mode(of: record), links: GuestLinks(ofProcess: record.pid), isShared: !record.networkNamespace.isEmpty,
            addresses: record.networkAddresses.compactMap { IPAddress($0) },
            ports: record.networkPorts.compactMap { PortRange.parse($0) },
            agentPort: record.agentPort == 0 ? nil : record.agentPort)
        do {
            // Before anything is set, so that `delete` knows it whenever this ends.
            if wish.isShared, wish.mode == .redirect {
                record.bareInterfaces += try bareInterfaces(in: namespace.raw)
                try keep(record)
            }
            let left = try ContainerNetwork(namespace.raw).perform {
                var places: [TrafficRedirect.Place] = []
                var taps: [Int32] = []
                do {
                    try wireGuest(devices, wish) { agent in
                        try sendDescriptor(agent.descriptor.raw, text: agent.note.text(), over: socket)
                    } use: { tap in
                        places += tap.places
                        taps.append(tap.index)
                        try sendDescriptor(
                            tap.descriptor.raw, text: tap.note(goesWithNamespace: !wish.isShared).text(),
                            over: socket)
                    }
                } catch {
                    for place in places { try? TrafficRedirect().remove(place) }
                    if wish.mode != .redirect, wish.mode != .minimal { try? wish.links.remove(count: linkCount) }
                    throw error
                }
                return ["places": .array(places.map(\.json)), "taps": .array(taps.map { JSONValue($0) })]
            }
            record.redirects = left["places"] ?? .null
            // These stay when nobody has them open.
            if record.keepsTaps { record.taps = left["taps"]?.array?.compactMap { $0.integer(as: Int32.self) } ?? [] }
            // A namespace of the container's own goes with it, and all that is in it.
            if !record.networkNamespace.isEmpty { try keep(record) }
        } catch {
            throw Failure("cannot connect the guest to the container's network", cause: error)
        }
    }

    /// The guest's devices, nil for one for each interface, and how many links of its own it has at most.
    private static func devices(of record: ContainerRecord) -> (names: [String]?, linkCount: Int) {
        guard record.networkDevices == [GuestPlan.everyInterface] else {
            return (record.networkDevices, record.networkDevices.count)
        }
        return (nil, 100)
    }

    private static func bareInterfaces(in namespace: Int32) throws -> [Int32] {
        let found = try ContainerNetwork(namespace).perform {
            .array(try TrafficRedirect().interfacesWithoutQueue().map { JSONValue($0) })
        }
        return found.array?.compactMap { $0.integer(as: Int32.self) } ?? []
    }

    private static func mode(of record: ContainerRecord) -> NetworkMode {
        NetworkMode(rawValue: record.networkMode) ?? .redirect
    }

    /// Removes what ``prepare(_:keep:)`` and ``connect(_:over:keep:)`` left on the interfaces of a namespace that outlives the container.
    static func takeBack(_ record: ContainerRecord) throws {
        guard !record.networkDevices.isEmpty, !record.networkNamespace.isEmpty,
            mode(of: record) != .minimal || !record.taps.isEmpty
        else { return }
        // What is there now may be another one, for such paths name processes.
        guard let namespace = try namespaceIfThere(record.networkNamespace),
            try status(of: namespace.raw).inode == record.networkNamespaceNumber
        else { return }
        let places = record.redirects.array?.compactMap(TrafficRedirect.Place.init(json:)) ?? []
        do {
            _ = try ContainerNetwork(namespace.raw).perform {
                for tap in record.taps { try NetworkLinks().remove(index: tap) }
                guard mode(of: record) == .redirect else {
                    try GuestLinks(ofProcess: record.pid).remove(count: devices(of: record).linkCount)
                    return .null
                }
                let redirects = try TrafficRedirect()
                for place in places { try redirects.remove(place) }
                try redirects.removePreparedQueues(of: record.bareInterfaces)
                // A `start` that was killed could not say what it had done.
                if places.isEmpty {
                    try redirects.removeStale()
                    try redirects.removeEmptyQueues(of: record.bareInterfaces)
                }
                return .null
            }
        } catch {
            throw Failure("cannot take the guest's filters and links from the container's network", cause: error)
        }
    }

    /// nil when the namespace has gone, and something else may have its place.
    private static func namespaceIfThere(_ path: String) throws(HostError) -> Descriptor? {
        do throws(HostError) {
            return try openNamespace(path, type: NamespaceFlag.network)
        } catch {
            // Without a number it is there and no namespace.
            guard error.isNotFound || error.isNoSuchProcess || error.errno == 0 else { throw error }
            return nil
        }
    }

    /// Copies of the taps that process 1 has, for whoever is about to end it and to wait: they are closed with
    /// ``HostSystem/closeLater(_:)`` when it has gone, which otherwise takes as long as the kernel needs for them.
    ///
    /// Of a namespace that is the container's own: in any other one nothing may be left when the container has gone.
    static func copyTaps(of record: ContainerRecord, _ process: borrowing Descriptor) -> [Int32] {
        guard !record.networkDevices.isEmpty, record.networkNamespace.isEmpty else { return [] }
        return copyDescriptors(of: Tap.path, from: process.raw, process: record.pid)
    }

    /// What was handed to process 1: the taps in the order of the guest's devices, and its vAccel agent's socket.
    static func received(
        _ handed: [(descriptor: Int32, note: String)]
    ) throws -> (taps: [Received], agent: (socket: Int32, location: String)?) {
        var taps: [Received] = []
        var agent: (Int32, String)?
        for (descriptor, text) in handed {
            let note = try parseJSON([UInt8](text.utf8), named: "network device")
            if let found = ReceivedAgent(note: note) {
                agent = (descriptor, found.location)
                continue
            }
            guard let tap = ReceivedTap(note: note) else {
                throw Failure("a network device came without its description")
            }
            taps.append(
                Received(
                    connection: tap.connection,
                    device: SupervisedDevice(
                        name: tap.connection.device,
                        kind: .network(hardwareAddress: tap.hardwareAddress, mtu: tap.mtu),
                        descriptor: descriptor, closesLate: tap.goesWithNamespace),
                    network: MonitorLaunch.Network(
                        name: tap.connection.device, tap: tap.name, hardwareAddress: tap.hardwareAddress,
                        mtu: tap.mtu),
                    note: note))
        }
        return (taps, agent)
    }
}

extension TrafficRedirect.Place {
    /// As a container's record keeps it.
    fileprivate var json: JSONValue {
        switch self {
        case .filter(let place):
            [
                "interface": JSONValue(place.interface), "direction": JSONValue(place.direction.rawValue),
                "priority": JSONValue(place.priority), "ownsQueue": .bool(place.ownsQueue),
            ]
        case .table(let table): ["interface": JSONValue(table.interface), "tap": JSONValue(table.tap)]
        }
    }

    fileprivate init?(json: JSONValue) {
        guard let interface = json["interface"]?.integer(as: Int32.self) else { return nil }
        if let tap = json["tap"]?.integer(as: Int32.self) {
            self = .table(ForwardTable(interface: interface, tap: tap))
            return
        }
        guard let direction = json["direction"]?.integer(as: UInt32.self).flatMap(TrafficRedirect.Direction.init),
            let priority = json["priority"]?.integer(as: UInt16.self), let owns = json["ownsQueue"]?.bool
        else { return nil }
        self = .filter(
            TrafficRedirect.FilterPlace(
                interface: interface, direction: direction, priority: priority, ownsQueue: owns))
    }
}
