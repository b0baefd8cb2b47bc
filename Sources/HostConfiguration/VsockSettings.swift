internal import HostSystem

/// What the operator says of virtio sockets: what the device of a guest is whose monitor has none of its own.
///
/// See Specs/configuration.md.
public struct VsockSettings: Equatable, Sendable {
    /// What drives a guest's sockets at the host's end.
    public enum Device: String, CaseIterable, Sendable {
        /// swiftlet's own device, a process beside the monitor.
        case builtin
        /// The daemon of that name of the rust-vmm project, in the place of swiftlet's.
        case daemon = "vhost-device-vsock"
        /// The host's kernel, module vhost_vsock.
        case kernel
    }

    /// Which of them.
    public var device = Device.builtin
    /// The daemon's program, an absolute path on the host; nil to look for it in the usual places.
    public var program: String?

    /// What holds when nothing is said.
    public init() {}
}

extension OperatorConfiguration {
    mutating func decodeVsock(_ table: SettingsTable) throws(Failure) {
        try decode(table, ["device", "program"]) { setting, configuration throws(Failure) in
            guard setting.key == "device" else {
                configuration.vsock.program = try configuration.absolutePath(setting)
                return
            }
            guard case .text(let word) = setting.value, let device = VsockSettings.Device(rawValue: word) else {
                let words = VsockSettings.Device.allCases.map { "\"\($0.rawValue)\"" }
                throw configuration.fault(setting, "one of \(words.joined(separator: ", "))")
            }
            configuration.vsock.device = device
        }
    }
}
