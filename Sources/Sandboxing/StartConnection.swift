public import HostSystem

/// The connection of `start` to a container's process 1.
///
/// `start` sends one message and waits until the connection ends: without a word when the program or guest has begun,
/// with the reason when it has not.
public struct StartConnection {
    /// The connection's descriptor; close-on-exec, so that a program's exec ends it.
    public let descriptor: Int32

    /// The word that starts the container.
    static let start = [UInt8]("start".utf8)

    /// Waits for `start`; nil when whoever connected went away without a word.
    static func wait(on listener: Int32) -> StartConnection? {
        guard let connection = try? acceptConnection(listener).release() else { return nil }
        let owned = Descriptor(owning: listener)
        _ = consume owned
        let accepted = StartConnection(descriptor: connection)
        do throws(HostError) {
            return try receiveMessage(connection) == start ? accepted : nil
        } catch {
            accepted.fail("\(error)")
        }
    }

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

    /// The other end: starts the container behind `connection` and waits until its workload has begun.
    ///
    /// - Throws: ``HostSystem/Failure`` with the reason that process 1 gives.
    public static func start(over connection: borrowing Descriptor) throws {
        do throws(HostError) {
            try sendMessage(start, to: connection.raw)
            let reason = try receiveMessage(connection.raw)
            if reason.isEmpty { return }
            throw HostError(call: String(decoding: reason, as: UTF8.self), subject: "", errno: 0)
        } catch {
            // A workload that ends at once leaves a connection that ends in order: it has taken the word.
            if error.isDisconnected { throw Failure("cannot start the container: its process has just ended") }
            throw Failure(error.description)
        }
    }
}
