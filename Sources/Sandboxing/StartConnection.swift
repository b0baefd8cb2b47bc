public import HostSystem

/// The connection of `start` to a container's process 1.
///
/// `start` sends one message and waits until the connection ends: without a word when the program or guest has begun,
/// with the reason when it has not.
public struct StartConnection {
    /// The connection's descriptor; close-on-exec, so that a program's exec ends it.
    public let descriptor: Int32

    /// Open files that came before the word, each with what was said of it; they stay open.
    public let handed: [(descriptor: Int32, note: String)]

    /// The word that starts the container.
    static let start = [UInt8]("start".utf8)

    /// Waits for `start`; nil when whoever connected went away without a word.
    ///
    /// - Parameter network: The open network namespace, for whoever connects; closed here.
    static func wait(on listener: Int32, offering network: Int32?) -> StartConnection? {
        guard let connection = try? acceptConnection(listener).release() else { return nil }
        let owned = Descriptor(owning: listener)
        _ = consume owned
        do throws(HostError) {
            if let network {
                try sendDescriptor(network, text: "network", over: connection)
                _ = Descriptor(owning: network)
            }
            var handed: [(descriptor: Int32, note: String)] = []
            while true {
                let (bytes, descriptor) = try receiveWithDescriptor(connection)
                guard descriptor >= 0 else {
                    return bytes == start ? StartConnection(descriptor: connection, handed: handed) : nil
                }
                handed.append((descriptor, String(decoding: bytes, as: UTF8.self)))
            }
        } catch {
            StartConnection(descriptor: connection, handed: []).fail("\(error)")
        }
    }

    /// Tells `start` what was done in this process meanwhile. A message that begins with NUL is no reason of a failure.
    public func report(_ timeline: Timeline) { try? sendMessage([0] + [UInt8](timeline.text.utf8), to: descriptor) }

    /// Tells `start` that the workload has begun.
    public func succeed() {
        let owned = Descriptor(owning: descriptor)
        _ = consume owned
    }

    /// Tells `start` why the workload did not begin, and ends this process.
    public func fail(_ reason: String) -> Never {
        try? sendMessage([UInt8](reason.utf8.prefix(60000)), to: descriptor)
        exitNow(1)
    }

    /// Hands what listens for this process's filter to `start`, and waits until the agent has it.
    ///
    /// From here on every call may be one that the agent decides about, but for the sending itself.
    func passOn(_ listener: Int32) throws(HostError) {
        try sendDescriptor(listener, text: "listener", over: descriptor)
        guard try receiveMessage(descriptor) == Self.start else {
            throw HostError(call: "seccomp", subject: "the agent did not take the listener", errno: 0)
        }
    }

    /// The other end: starts the container behind `connection` and waits until its workload has begun.
    ///
    /// - Parameters:
    ///   - timeline: Gets the steps that process 1 reports.
    ///   - agent: Takes the listener of a filter that leaves decisions to an agent.
    /// - Throws: ``HostSystem/Failure`` with the reason that process 1 gives.
    public static func start(
        over connection: borrowing Descriptor, _ timeline: Timeline, agent: (Int32) throws -> Void
    ) throws {
        do {
            try sendMessage(start, to: connection.raw)
            while true {
                let (reason, listener) = try receiveWithDescriptor(connection.raw)
                if listener >= 0 {
                    let held = Descriptor(owning: listener)
                    try agent(held.raw)
                    try sendMessage(start, to: connection.raw)
                } else if reason.isEmpty {
                    return
                } else if reason.first == 0 {
                    timeline.include(String(decoding: reason.dropFirst(), as: UTF8.self))
                } else {
                    throw Failure(String(decoding: reason, as: UTF8.self))
                }
            }
        } catch let error as HostError {
            // A workload that ends at once leaves a connection that ends in order: it has taken the word.
            if error.isDisconnected { throw Failure("cannot start the container: its process has just ended") }
            throw Failure(error.description)
        }
    }
}
