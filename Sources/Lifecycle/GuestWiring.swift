internal import ContainerState
internal import GuestModel
internal import HostSystem
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
    }

    /// Connects the guest of `record`, whose process 1 waits behind `connection`.
    ///
    /// - Parameter keep: Writes the record, once it says what is to be taken back.
    static func connect(
        _ record: inout ContainerRecord, over connection: borrowing Descriptor, keep: (ContainerRecord) throws -> Void
    ) throws {
        let process = try record.openProcess()
        let namespace = try open("/proc/\(record.pid)/ns/net", flags: .readOnly)
        // The number was not used again while the namespace was opened by it.
        guard try !waitUntilReadable([process.raw], timeout: 0)[0] else {
            throw Failure("cannot start container \(record.id): its process has just ended")
        }
        record.networkNamespaceNumber = try status(of: namespace.raw).inode
        var places: [TrafficRedirect.Place] = []
        do {
            let devices = record.networkDevices
            let wish = NetworkWish(
                isShared: !record.networkNamespace.isEmpty && effectiveUser() == 0,
                addresses: record.networkAddresses.compactMap { IPAddress($0) },
                ports: record.networkPorts.compactMap { PortRange.parse($0) })
            let socket = connection.raw
            try inNamespace(namespace.raw) {
                try wireGuest(devices, wish) { tap in
                    places += tap.places
                    try sendDescriptor(tap.descriptor.raw, text: tap.note.text(), over: socket)
                }
            }
            record.redirects = .array(places.map(\.json))
            try keep(record)
        } catch {
            try? inNamespace(namespace.raw) { for place in places { try? TrafficRedirect().remove(place) } }
            throw Failure("cannot connect the guest to the container's network", cause: error)
        }
    }

    /// Removes what ``connect(_:over:keep:)`` left on the interfaces of a namespace that outlives the container.
    static func takeBack(_ record: ContainerRecord) throws {
        let places = record.redirects.array?.compactMap(TrafficRedirect.Place.init(json:)) ?? []
        guard !places.isEmpty, !record.networkNamespace.isEmpty else { return }
        // What is there now may be another one, for such paths name processes.
        guard let namespace = try? openNamespace(record.networkNamespace, type: NamespaceFlag.network),
            try status(of: namespace.raw).inode == record.networkNamespaceNumber
        else { return }
        try inNamespace(namespace.raw) {
            let redirects = try TrafficRedirect()
            for place in places { try redirects.remove(place) }
        }
    }

    /// The taps in process 1, in the order of the guest's devices.
    static func taps(handed: [(descriptor: Int32, note: String)]) throws -> [Received] {
        try handed.map { descriptor, note in
            guard let tap = ReceivedTap(note: try parseJSON([UInt8](note.utf8), named: "tap")) else {
                throw Failure("a network device came without its description")
            }
            return Received(
                connection: tap.connection,
                device: SupervisedDevice(
                    name: tap.connection.device, kind: .network(hardwareAddress: tap.hardwareAddress, mtu: tap.mtu),
                    descriptor: descriptor))
        }
    }

    /// Does something in another network namespace.
    private static func inNamespace(_ namespace: Int32, _ body: () throws -> Void) throws {
        let ownPath = "/proc/self/ns/net"
        let own = try open(ownPath, flags: .readOnly)
        try joinNamespace(namespace, type: NamespaceFlag.network, path: "of the container")
        defer {
            // The way back, which cannot be closed; there is nothing to be done without it.
            do throws(HostError) {
                try joinNamespace(own.raw, type: NamespaceFlag.network, path: ownPath)
            } catch {
                try? Program.write("cannot return to the own network namespace: \(error)\n", to: .error)
                exitNow(1)
            }
        }
        try body()
    }
}

extension TrafficRedirect.Place {
    /// As a container's record keeps it.
    fileprivate var json: JSONValue {
        [
            "interface": JSONValue(interface), "direction": JSONValue(direction.rawValue),
            "priority": JSONValue(priority), "ownsQueue": .bool(ownsQueue),
        ]
    }

    fileprivate init?(json: JSONValue) {
        guard let interface = json["interface"]?.integer(as: Int32.self),
            let direction = json["direction"]?.integer(as: UInt32.self).flatMap(TrafficRedirect.Direction.init),
            let priority = json["priority"]?.integer(as: UInt16.self), let owns = json["ownsQueue"]?.bool
        else { return nil }
        self.init(interface: interface, direction: direction, priority: priority, ownsQueue: owns)
    }
}
