internal import GuestModel
internal import HostSystem

/// The supervisor's end of a monitor's control socket.
protocol ControlSession {
    /// The connection; it stays open as long as this process lives.
    var socket: Int32 { get }
    /// Whether requests may be sent before the answers to those before have come.
    var takesManyAtOnce: Bool { get }

    /// Sends a request.
    func send(_ request: MonitorRequest) throws(HostError)

    /// Reads what has come; nil at the connection's end.
    mutating func receive() throws -> [ControlMessage]?
}

/// What a monitor says.
enum ControlMessage: Equatable {
    /// The request in hand has been carried out.
    case done
    /// It has not, and why.
    case refused(String)
    /// Something that is no answer.
    case event(String)
}

extension ControlSession {
    /// Reads into `buffer`; false at the connection's end.
    func read(into buffer: inout [UInt8]) throws -> Bool {
        do throws(HostError) {
            let bytes = try readSome(socket, named: "monitor")
            buffer += bytes
            return !bytes.isEmpty
        } catch {
            // It ended before it had read everything.
            if error.isDisconnected { return false }
            throw error
        }
    }
}
