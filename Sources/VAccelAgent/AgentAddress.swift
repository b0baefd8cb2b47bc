import HostLibraries
public import HostSystem

/// Where an agent listens, in vAccel's spelling.
public enum AgentAddress: Equatable, Sendable, CustomStringConvertible {
    /// `unix:///run/agent.sock`; a socket that nobody listens at any more is replaced.
    case path(String)
    /// `unix://@name`: a name without a file.
    case abstract(String)
    /// `vsock://CID:PORT`; the number of a guest's machine lets only that one in, 2 any guest, 4294967295 anybody.
    case vsock(machine: UInt32, port: UInt32)
    /// `tcp://ADDRESS:PORT`, in host order; the address is four numbers or `localhost`.
    case tcp(address: UInt32, port: UInt16)

    /// Reads an address.
    ///
    /// - Throws: ``HostSystem/Failure`` that says what is wrong with it.
    public init(_ text: String) throws(Failure) {
        let parts = Self.split(text)
        guard let parts else { throw Failure("address \(text) is none of unix://, vsock:// and tcp://") }
        switch parts.scheme {
        case "unix": self = try Self.unix(parts.rest, text)
        case "vsock":
            guard let (host, port) = Self.hostAndPort(parts.rest), let machine = UInt32(host), let port = UInt32(port)
            else { throw Failure("address \(text) is not vsock://CID:PORT") }
            self = .vsock(machine: machine, port: port)
        case "tcp":
            guard let (host, port) = Self.hostAndPort(parts.rest), let port = UInt16(port),
                let address = Self.ipv4(host == "localhost" ? "127.0.0.1" : host)
            else { throw Failure("address \(text) is not tcp://IPV4:PORT") }
            self = .tcp(address: address, port: port)
        default: throw Failure("address \(text) is none of unix://, vsock:// and tcp://")
        }
    }

    private static func split(_ text: String) -> (scheme: String, rest: String)? {
        for scheme in ["unix", "vsock", "tcp"] where text.hasPrefix(scheme + "://") {
            return (scheme, String(text.dropFirst(scheme.count + 3)))
        }
        return nil
    }

    private static func unix(_ rest: String, _ text: String) throws(Failure) -> Self {
        let name = rest.hasPrefix("@") ? String(rest.dropFirst()) : rest
        guard !name.isEmpty, rest.hasPrefix("@") || rest.hasPrefix("/"), !name.utf8.contains(0) else {
            throw Failure("address \(text) has neither an absolute path nor @NAME")
        }
        guard name.utf8.count <= 107 else { throw Failure("address \(text) is longer than 107 bytes") }
        return rest.hasPrefix("@") ? .abstract(name) : .path(name)
    }

    private static func hostAndPort(_ rest: String) -> (String, String)? {
        let parts = rest.split(separator: ":", omittingEmptySubsequences: false)
        return parts.count == 2 ? (String(parts[0]), String(parts[1])) : nil
    }

    private static func ipv4(_ text: String) -> UInt32? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
        guard parts.count == 4 else { return nil }
        var address: UInt32 = 0
        for part in parts {
            guard let part else { return nil }
            address = address << 8 | UInt32(part)
        }
        return address
    }

    /// The address as it is written.
    public var description: String {
        switch self {
        case .path(let path): "unix://\(path)"
        case .abstract(let name): "unix://@\(name)"
        case .vsock(let machine, let port): "vsock://\(machine):\(port)"
        case .tcp(let address, let port):
            "tcp://" + [24, 16, 8, 0].map { String(address >> $0 & 0xff) }.joined(separator: ".") + ":\(port)"
        }
    }
}

/// A place where connections come in.
struct Listener: ~Copyable {
    let descriptor: Descriptor
    /// The path to remove at the end.
    let path: String?
    /// The only machine that may connect; nil for whoever can.
    private let machine: UInt32?

    /// Begins to listen.
    init(at address: AgentAddress) throws(Failure) {
        do throws(HostError) {
            descriptor = try Self.listen(at: address)
        } catch { throw Failure("cannot listen at \(address)", cause: error) }
        if case .path(let path) = address { self.path = path } else { path = nil }
        if case .vsock(let machine, _) = address { self.machine = machine } else { machine = nil }
    }

    /// Takes over a socket that listens already.
    init(adopting number: Int32) throws(HostError) {
        descriptor = try adoptListener(number)
        path = nil
        machine = nil
    }

    private static func listen(at address: AgentAddress) throws(HostError) -> Descriptor {
        switch address {
        case .path(let path):
            try removeStale(path)
            return try listenForStreams(unix: path)
        case .abstract(let name): return try listenForStreams(unix: "\0" + name)
        case .vsock(_, let port): return try listenForStreams(vsockPort: port)
        case .tcp(let host, let port): return try listenForStreams(ipv4: host, port: port)
        }
    }

    /// Whether the other end of a connection is one that may connect.
    func admits(_ connection: Int32) -> Bool {
        guard let machine, machine != .max else { return true }
        let peer = peerMachine(of: connection)
        return machine == 2 ? peer > 2 : peer == machine
    }

    /// Removes a socket that an agent left which ended before it could.
    ///
    /// One that somebody listens at is left, and so is a file of another kind: listening fails then.
    private static func removeStale(_ path: String) throws(HostError) {
        guard (try? status(of: path))?.kind == .socket else { return }
        do throws(HostError) {
            _ = try connectUnix(to: path, stream: true)
        } catch {
            if error.isRefused { try removeFile(path) }
        }
    }
}
