internal import GuestModel
internal import HostSystem

/// The pipes in which a monitor reports how its guest ends.
final class GuestReports {
    /// How a guest has ended.
    enum End: Equatable {
        /// It resets its machine.
        case reset
        /// It has said with this status that it ends.
        case told(Int32)
    }

    private let events: Descriptor
    private let exit: Descriptor
    private let port: ExitPort?
    private var text: [UInt8] = []
    /// For each of ``watched`` whether there is something to read.
    var ready: [Bool] = []

    /// Longer events are none of a machine's.
    private static let longestEvent = 1 << 16

    /// Makes the pipes.
    ///
    /// - Parameter port: The guest's exit port, where it has one.
    init(_ port: ExitPort?) throws(HostError) {
        events = try Self.pipe(MonitorLaunch.eventsPath)
        exit = try Self.pipe(MonitorLaunch.exitPath)
        self.port = port
    }

    /// Open for writing as well, so that it has no end, whoever else closes it. See fifo(7).
    private static func pipe(_ path: String) throws(HostError) -> Descriptor {
        try makeNode(path, in: currentDirectory, mode: NodeMode.fifo | 0o600)
        return try open(path, flags: [.readWrite, .nonBlocking])
    }

    /// The descriptors to be waited for.
    var watched: [Int32] { [events.raw, exit.raw] }

    /// Reads what there is; returns the guest's end once it is reported.
    func take() throws -> End? {
        // A guest that says how it ends resets its machine then.
        if ready[1], let port {
            let bytes = try readSome(exit.raw, named: "exit port").prefix(Int(port.bytes))
            return .told(port.status(of: bytes.reversed().reduce(0) { $0 << 8 | UInt32($1) }))
        }
        guard ready[0] else { return nil }
        text += try readSome(events.raw, named: "the monitor's events")
        while let event = try Self.takeEvent(from: &text) {
            if event == "vm rebooting" { return .reset }
        }
        guard text.count <= Self.longestEvent else { throw Failure("the monitor's event has no end") }
        return nil
    }

    /// Takes the first event from `text`, its source and name; nil when it is not all there yet.
    static func takeEvent(from text: inout [UInt8]) throws -> String? {
        let end: [UInt8] = [10, 10]
        guard let index = text.indices.dropLast().first(where: { text[$0...].starts(with: end) }) else { return nil }
        let json = try parseJSON([UInt8](text[..<index]), named: "the monitor's event")
        text.removeFirst(index + end.count)
        return "\(json["source"]?.string ?? "") \(json["event"]?.string ?? "")"
    }
}
