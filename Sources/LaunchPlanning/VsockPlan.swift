internal import GuestModel
internal import HostConfiguration
internal import HostSystem
internal import OCIBundle

/// A guest's virtio socket device, whose other end are Unix sockets in a directory of the container's.
public struct VsockPlan: Equatable, Sendable {
    /// The guest's context id: every guest is alone with its device, so all of them have the same.
    public let guestCID: UInt32

    /// VMADDR_CID_HOST is 2; the first one that a guest can have.
    static let usual = VsockPlan(guestCID: 3)

    var json: JSONValue { ["guestCID": JSONValue(guestCID)] }

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
    /// - Throws: ``GuestModel/GuestError`` when the guest cannot drive one or the monitor has none.
    init?(wanted: Bool, by guest: Guest, on monitor: any Monitor) throws(GuestError) {
        guard wanted else { return nil }
        guard guest.hardware?.hasVsock == true else {
            throw GuestError("the guest has no driver for a virtio socket device (vsock)")
        }
        guard case .external(let program) = monitor.form, program.vsock != .none else {
            throw GuestError("monitor \(monitor.name) has no virtio socket device (vsock)")
        }
        self = .usual
    }

    private init(guestCID: UInt32) { self.guestCID = guestCID }
}
