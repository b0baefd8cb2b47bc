internal import GuestModel
internal import HostConfiguration
internal import HostSystem
internal import OCIBundle
internal import OCISpec

/// How a guest reaches a vAccel agent, and what is started for that.
public struct AcceleratorPlan: Equatable, Sendable {
    /// The transports of vAccel's remote procedure calls.
    public enum Transport: String, Sendable {
        /// TCP, at an address that leads to the guest's own agent.
        case tcp
        /// virtio-vsock, to the host.
        case vsock
    }

    /// An agent of the container's own.
    public struct Agent: Equatable, Sendable {
        /// Its program's path on the host.
        public let program: String
        /// Its arguments, but for the program's name and the sockets on which it listens.
        public let arguments: [String]
        /// The directories of the host, beside those of libraries, that it reads.
        public let directories: [String]
        /// The part of the container's memory that it needs, in MiB.
        public let memoryMiB: UInt64
    }

    /// How the guest reaches it.
    public let transport: Transport
    /// The port.
    public let port: UInt16
    /// Where the guest is told that the agent is: `tcp://169.254.83.3:65500`.
    public let location: String
    /// The agent; nil for one elsewhere.
    public let agent: Agent?

    /// What the guest's environment says of it.
    ///
    /// - Parameter location: Where the agent is, once that is known for sure.
    func environment(_ location: String?) -> [String] {
        let location = location ?? self.location
        // The newest name first, for a guest may have room for some only; then that of before 2025, and of before 2024-09.
        let names = ["VACCEL_RPC_ADDRESS", "VACCEL_RPC_ADDR"] + (transport == .vsock ? ["VACCEL_VSOCK"] : [])
        return names.map { "\($0)=\(location)" }
    }

    /// An environment that says where the agent is, and says nothing else of that.
    ///
    /// - Parameter location: Where the agent is, once that is known for sure.
    func tell(_ entries: [String], at location: String? = nil) -> [String] {
        entries.filter { entry in !Self.names.contains { entry.hasPrefix("\($0)=") } } + environment(location)
    }

    /// The names of ``environment(_:)``, which nobody else may have set.
    private static let names = ["VACCEL_RPC_ADDRESS", "VACCEL_RPC_ADDR", "VACCEL_VSOCK"]

    var json: JSONValue {
        var json: JSONObject = [
            "transport": .string(transport.rawValue), "port": JSONValue(port), "address": .string(location),
        ]
        if let agent {
            json["agent"] = .string(agent.program)
            json["arguments"] = JSONValue(agent.arguments)
            json["memoryMiB"] = JSONValue(agent.memoryMiB)
        }
        return .object(json)
    }
}

extension GuestProcess {
    /// The same process, told of a vAccel agent.
    func told(of accelerator: AcceleratorPlan?, at location: String? = nil) -> GuestProcess {
        guard let accelerator else { return self }
        var process = self
        process.environment = accelerator.tell(process.environment, at: location)
        return process
    }
}

/// Decides about a guest's vAccel agent: by what the container says, else the operator.
struct AcceleratorSearch {
    private let settings: VAccelSettings
    private let file: String
    /// What an ordinary image runs in; its program is no guest that was made to ask for anything.
    private let machine: MachinePlan?
    private let wish: (name: String, access: VAccelSettings.Access)?
    private let address: (name: String, value: String)?

    private static let usualPort: (tcp: UInt16, vsock: UInt16) = (65500, 2048)
    private static let environmentName = "SWIFTLET_VACCEL"
    private static let programName = "swiftlet-vaccel"

    /// Reads what is said of `found`.
    init(_ found: FoundGuest, _ environment: [String], _ said: GuestSettings) throws(Failure) {
        settings = found.configuration.vaccel
        file = found.configuration.file
        machine = found.machine
        address = try said.value(.acceleratorAddress)
        var named = try said.value(.accelerator)
        if named == nil, let entry = environment.last(where: { $0.hasPrefix(Self.environmentName + "=") }) {
            named = (Self.environmentName, String(entry.dropFirst(Self.environmentName.utf8.count + 1)))
        }
        wish = try named.map { name, value throws(Failure) in (name, try Self.access(value, name)) }
    }

    private static func access(_ value: String, _ name: String) throws(Failure) -> VAccelSettings.Access {
        switch value {
        case "true": return .auto
        case "false", "": return .off
        default: break
        }
        if let access = VAccelSettings.Access(rawValue: value) { return access }
        let known = VAccelSettings.Access.allCases.map(\.rawValue).joined(separator: ", ")
        throw Failure("\(name): \"\(value)\" is no way to a vAccel agent (known are: \(known))")
    }

    /// The plan for `guest`; nil when it is to have no agent.
    ///
    /// - Throws: ``GuestModel/GuestError`` that says what is missing or not allowed.
    func plan(
        for guest: Guest, _ network: NetworkShare, on host: HostFacts
    ) throws(GuestError) -> AcceleratorPlan? {
        let address = try self.address.map { name, value throws(GuestError) in
            try AgentAddress(value, named: name)
        }
        var access = wish?.access ?? settings.access
        if let address, wish == nil { access = address.transport == .tcp ? .tcp : .vsock }
        guard access != .off, machine == nil || wish != nil || address != nil else { return nil }
        let source = wish?.name ?? self.address?.name ?? "\(file), [vaccel] default"
        guard settings.isEnabled else {
            throw GuestError("\(source) asks for a vAccel agent, which \(file) does not allow ([vaccel] enabled)")
        }
        if let address, !address.isOwn { return try external(address, source) }
        let transport = try transport(access, for: guest, network, source)
        if let address, address.transport != transport {
            throw GuestError("\(source) and \(self.address?.name ?? "the address") contradict each other")
        }
        let port = address?.port ?? (transport == .tcp ? Self.usualPort.tcp : Self.usualPort.vsock)
        return AcceleratorPlan(
            transport: transport, port: port,
            location: transport == .tcp ? "tcp://\(IPAddress.vaccelAgent):\(port)" : "vsock://2:\(port)",
            agent: try agent(on: host))
    }

    private func external(_ address: AgentAddress, _ source: String) throws(GuestError) -> AcceleratorPlan {
        guard settings.external.contains(address.text) else {
            throw GuestError(
                "\(self.address?.name ?? source) names the vAccel agent \(address.text), which \(file) does not allow "
                    + "([vaccel] external)")
        }
        return AcceleratorPlan(transport: address.transport, port: address.port, location: address.text, agent: nil)
    }

    private func transport(
        _ access: VAccelSettings.Access, for guest: Guest, _ network: NetworkShare, _ source: String
    ) throws(GuestError) -> AcceleratorPlan.Transport {
        if let machine {
            guard access != .tcp else {
                throw GuestError(
                    "\(source) asks for vAccel by TCP, and a program in a virtual machine reaches its agent by vsock")
            }
            try machine.checkVsock()
            return .vsock
        }
        if access == .vsock {
            guard guest.hardware?.hasVsock == true else {
                throw GuestError("\(source) asks for vAccel by vsock, and the guest has no driver for virtio-vsock")
            }
            return .vsock
        }
        guard guest.hardware != nil || guest.devices.contains(where: { $0.kind == .network }) else {
            throw GuestError("\(source) asks for vAccel by TCP, and the guest has no network device")
        }
        guard network.mode == .redirect || network.mode == .minimal else {
            throw GuestError(
                "\(source) asks for vAccel by TCP, which a guest with network mode \"\(network.mode.rawValue)\" "
                    + "cannot reach its agent by")
        }
        return .tcp
    }

    private func agent(on host: HostFacts) throws(GuestError) -> AcceleratorPlan.Agent {
        guard let program = settings.agent ?? host.findProgram([Self.programName]) else {
            throw GuestError("the vAccel agent is not installed: no \(Self.programName) in $PATH")
        }
        var arguments: [String] = []
        if !settings.backends.isEmpty { arguments += ["--backend", settings.backends.joined(separator: ",")] }
        if let models = settings.models { arguments += ["--models", models] }
        return AcceleratorPlan.Agent(
            program: program, arguments: arguments + settings.options,
            directories: settings.directories + [settings.models].compactMap { $0 }, memoryMiB: settings.memoryMiB)
    }
}

/// Where a container says that its vAccel agent is: as vAccel's clients write it, or urunc for a monitor that passes vsock
/// on as sockets of the host, whose names end in the port.
private struct AgentAddress {
    let text: String
    let transport: AcceleratorPlan.Transport
    let port: UInt16
    /// Whether it leads to the agent of the container's own.
    let isOwn: Bool

    init(_ text: String, named name: String) throws(GuestError) {
        self.text = text
        // SCHEME, //HOST, PORT
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        let scheme = parts[0]
        let host = parts.count > 1 ? parts[1] : ""
        let end = scheme == "unix" ? host.split(separator: "_").last.map(String.init) : parts.last
        let isComplete = parts.count == (scheme == "unix" ? 2 : 3) && host.hasPrefix("//")
        guard isComplete, let port = end.flatMap({ UInt16($0) }), port > 0, ["tcp", "vsock", "unix"].contains(scheme)
        else {
            throw GuestError(
                "\(name): \"\(text)\" is no address of an agent (tcp://HOST:PORT, vsock://CID:PORT or unix://PATH_PORT)"
            )
        }
        self.port = port
        transport = scheme == "tcp" ? .tcp : .vsock
        // By vsock clients connect to the host, whatever the number.
        isOwn =
            transport == .vsock
            || ["//\(IPAddress.vaccelAgent)", "//127.0.0.1", "//localhost"].contains(host)
    }
}
