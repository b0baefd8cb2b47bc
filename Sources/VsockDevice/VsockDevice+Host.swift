internal import CLinux
internal import HostSystem

// The host's side: its programs connect to the device's socket, and the guest to theirs.

/// The ports that connections of the host's programs come from, as in Firecracker.
enum HostPorts {
    static let first: UInt32 = 1 << 30
    static let last: UInt32 = (1 << 31) - 1
}

extension VsockDevice {
    /// How long until a listener that has too many waiting is asked again, and how often.
    static let knockMilliseconds: Int32 = 5
    private static let mostKnocks = 400
    /// `CONNECT `, a number of ten digits, a line feed.
    private static let longestGreeting = 19

    // MARK: the guest connects

    /// The guest asks for a connection to one of the host's ports.
    func connect(_ header: PacketHeader) {
        guard connections.count < connectionLimit else { return rejections.append(header.rejection) }
        let connection = newConnection(.knocking, guestPort: header.source_port, hostPort: header.destination_port)
        connection.takeCredit(header)
        guestConnections[connection.key] = connection
        connections[connection.id] = connection
        if !knock(connection) { knocking.append(connection) }
    }

    /// Connects to the host's listener, or tells the guest that there is none; false when that has to be tried again.
    private func knock(_ connection: Connection) -> Bool {
        let place = "\(path)_\(connection.hostPort)"
        // SAFETY: the string is NUL-terminated for the length of the call.
        let result = unsafe lx_stream_connect(place)
        if result == -EAGAIN { return false }
        guard result >= 0 else {
            end(connection, tellingGuest: true)
            return true
        }
        connection.connect(Descriptor(owning: result))
        do throws(HostError) {
            connection.state = .open
            try add(connection)
            connection.owed.insert(.response)
            schedule(connection)
        } catch {
            end(connection, tellingGuest: true)
        }
        return true
    }

    /// Tries again where a listener had too many waiting.
    func knockAgain() {
        guard !knocking.isEmpty else { return }
        var left: [Connection] = []
        for connection in knocking where connection.state == .knocking && connections[connection.id] != nil {
            if knock(connection) { continue }
            connection.window += 1
            if connection.window > Self.mostKnocks {
                end(connection, tellingGuest: true)
            } else {
                left.append(connection)
            }
        }
        for connection in knocking where connection.state == .open { connection.window = 1 }
        knocking = left
    }

    private func newConnection(
        _ state: Connection.State, socket: Int32 = -1, guestPort: UInt32 = 0, hostPort: UInt32 = 0
    ) -> Connection {
        defer { nextConnection += 1 }
        return Connection(
            id: nextConnection, state: state, socket: socket, guestPort: guestPort, hostPort: hostPort)
    }

    // MARK: the host connects

    /// Accepts all that have connected, as long as there is room for them.
    func acceptAll() {
        while connections.count < connectionLimit {
            let result = lx_accept_now(listener.raw)
            if result == -ECONNABORTED { continue }
            guard result >= 0 else { break }
            let connection = newConnection(.greeting, socket: result)
            do throws(HostError) { try add(connection) } catch { end(connection, tellingGuest: false) }
        }
        hasMoreToAccept = false
    }

    /// Reads which port a program of the host's wants; what follows the line is the guest's.
    func greet(_ connection: Connection) {
        let (seen, bytes) = StreamSocket.receive(Self.longestGreeting, from: connection.socket, peek: true)
        switch seen {
        case .wouldBlock: return
        case .failed, .moved(0): return end(connection, tellingGuest: false)
        case .moved: break
        }
        guard let end = bytes.firstIndex(of: UInt8(ascii: "\n")) else {
            if bytes.count == Self.longestGreeting || connection.hasEnd { self.end(connection, tellingGuest: false) }
            return
        }
        guard let port = Self.port(in: bytes[..<end]), let hostPort = freeHostPort(to: port),
            case .moved(end + 1) = StreamSocket.receive(end + 1, from: connection.socket).outcome
        else { return self.end(connection, tellingGuest: false) }
        (connection.guestPort, connection.hostPort, connection.state) = (port, hostPort, .requested)
        guestConnections[connection.key] = connection
        connection.owed.insert(.request)
        schedule(connection)
    }

    /// The port of `CONNECT port`.
    static func port(in line: ArraySlice<UInt8>) -> UInt32? {
        let word = [UInt8]("CONNECT ".utf8)
        guard line.starts(with: word), line.count > word.count else { return nil }
        let digits = line.dropFirst(word.count)
        guard digits.allSatisfy({ $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }) else { return nil }
        return UInt32(String(decoding: digits, as: UTF8.self))
    }

    private func freeHostPort(to guestPort: UInt32) -> UInt32? {
        for _ in 0...connectionLimit {
            let port = nextHostPort
            nextHostPort = port == HostPorts.last ? HostPorts.first : port + 1
            if guestConnections[UInt64(guestPort) << 32 | UInt64(port)] == nil { return port }
        }
        return nil
    }

    /// The guest has accepted; says whether the program of the host's is still there.
    func accepted(_ connection: Connection) -> Bool {
        let answer = [UInt8]("OK \(connection.hostPort)\n".utf8)
        guard StreamSocket.send(answer[...], over: connection.socket) == .moved(answer.count) else { return false }
        connection.state = .open
        return true
    }
}
