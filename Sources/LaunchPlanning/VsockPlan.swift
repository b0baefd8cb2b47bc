internal import GuestModel
public import HostConfiguration
internal import HostSystem
internal import OCIBundle

/// A guest's virtio socket device, whose other end are Unix sockets in a directory of the container's, or the kernel's
/// virtio sockets.
public struct VsockPlan: Equatable, Sendable {
    /// What the device is.
    public enum Device: Equatable, Sendable {
        /// The monitor's own.
        case monitor
        /// swiftlet's.
        case builtin
        /// vhost-device-vsock, a program at this path of the host.
        case daemon(String)
        /// The host's kernel's.
        case kernel
    }

    /// The guest's context id. Alone with its device, all guests have the same; the kernel's are shared out at `create`, and
    /// nil before.
    public private(set) var guestCID: UInt32?
    /// What the device is.
    public let device: Device

    /// VMADDR_CID_HOST is 2; the first one that a guest can have.
    private static let usualCID: UInt32 = 3

    /// Whether the host's end are Unix sockets in a directory of the container's.
    public var hasDirectory: Bool { device != .kernel }

    var json: JSONValue {
        var json: JSONObject = ["guestCID": guestCID.map { JSONValue($0) } ?? .null]
        switch device {
        case .monitor: break
        case .builtin: json["device"] = .string(VsockSettings.Device.builtin.rawValue)
        case .daemon(let program):
            json["device"] = .string(VsockSettings.Device.daemon.rawValue)
            json["program"] = .string(program)
        case .kernel: json["device"] = .string(VsockSettings.Device.kernel.rawValue)
        }
        return .object(json)
    }

    /// The same device of the kernel's, once there is a context id for it.
    public func known(as guestCID: UInt32) -> VsockPlan {
        var plan = self
        plan.guestCID = guestCID
        return plan
    }

    /// Whether the container asks for one.
    ///
    /// - Throws: ``HostSystem/Failure`` for a value other than `true` and `false`.
    static func isWanted(_ settings: GuestSettings) throws(Failure) -> Bool {
        guard let (name, value) = try settings.value(.vsock) else { return false }
        switch value {
        case "true": return true
        case "false": return false
        default: throw Failure("\(name): expected true or false, not \"\(value)\"")
        }
    }

    /// The device, where it is wanted.
    ///
    /// - Parameters:
    ///   - wanted: Whether the container asks for one.
    ///   - accelerator: The guest's vAccel agent, which may be reached by it.
    ///   - configuration: The operator's, which says what devices are.
    /// - Throws: ``GuestModel/GuestError`` when the guest cannot drive one, the monitor has none, or the host has not what
    ///   the operator chose.
    init?(
        wanted: Bool, for accelerator: AcceleratorPlan?, by guest: Guest, on monitor: any Monitor,
        _ configuration: OperatorConfiguration, _ host: HostFacts
    ) throws(GuestError) {
        let isAgents = accelerator?.transport == .vsock
        guard wanted || isAgents else { return nil }
        guard guest.hardware?.hasVsock == true else {
            throw GuestError("the guest has no driver for a virtio socket device (vsock)")
        }
        guard case .external(let program) = monitor.form, program.vsock != .none else {
            throw GuestError("monitor \(monitor.name) has no virtio socket device (vsock)")
        }
        let isOwn = program.vsock == .hybrid
        device = isOwn ? .monitor : try Self.device(configuration, host, isAgents: isAgents)
        guestCID = device == .kernel ? nil : Self.usualCID
    }

    /// What the operator's choice of a device comes to on this host.
    ///
    /// - Throws: ``GuestModel/GuestError`` that says what is missing for it.
    public static func describe(_ configuration: OperatorConfiguration, on host: HostFacts) throws -> String {
        switch try device(configuration, host, isAgents: false) {
        case .monitor, .builtin: "swiftlet's own device"
        case .daemon(let program): program
        case .kernel: GuestContextID.device
        }
    }

    private static func device(
        _ configuration: OperatorConfiguration, _ host: HostFacts, isAgents: Bool
    ) throws(GuestError) -> Device {
        let (settings, file) = (configuration.vsock, configuration.file)
        switch settings.device {
        case .builtin: return .builtin
        case .daemon:
            let name = VsockSettings.Device.daemon.rawValue
            if let program = settings.program ?? host.findProgram([name]) { return .daemon(program) }
            throw GuestError(
                "\(name), the guest's virtio socket device by [vsock] of \(file), is not installed "
                    + "(\"program\" there names it where it is not in $PATH)")
        case .kernel:
            // Its listeners take connections of every guest on the host, and one port leads to one of them only.
            guard !isAgents else {
                throw GuestError(
                    "vAccel by vsock leads to an agent of the guest's own, which the kernel's virtio sockets cannot: "
                        + "\(file) has to name another \"device\" in [vsock]")
            }
            if let problem = host.vhostVsockProblem() {
                throw GuestError(
                    "the kernel's virtio socket devices, chosen by [vsock] of \(file), cannot be used: \(problem) "
                        + "(the module vhost_vsock makes \(GuestContextID.device))")
            }
            return .kernel
        }
    }
}
