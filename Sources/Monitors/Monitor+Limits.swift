internal import GuestModel

/// What monitors that are configured over an API cannot give a guest, each in the same words.
extension Monitor {
    /// Refuses a guest that does not drive the monitor's devices, or is to have too many processors.
    func checkMachine(
        of launch: MonitorLaunch, has transport: GuestHardware.Transport, mostProcessors: Int
    ) throws(GuestError) {
        guard launch.hardware.transports.contains(transport) else {
            throw GuestError("monitor \(name) has virtio-\(transport.rawValue) devices, which the guest does not drive")
        }
        guard launch.processors <= mostProcessors else {
            throw GuestError(
                "monitor \(name) gives a guest at most \(mostProcessors) processors, not \(launch.processors)")
        }
    }

    /// Refuses a boot string that is not of printable ASCII characters, or has more than `most` bytes.
    ///
    /// - Parameter reason: What the limit depends on, to be said behind it.
    func checkLine(of launch: MonitorLaunch, most: Int, because reason: String = "") throws(GuestError) {
        guard launch.commandLine.utf8.allSatisfy({ 0x20...0x7E ~= $0 }) else {
            throw GuestError("monitor \(name) takes a boot string of printable ASCII characters only")
        }
        let length = launch.commandLine.utf8.count
        guard length <= most else {
            throw GuestError(
                "boot string of \(length) bytes is too long for monitor \(name) (at most \(most)\(reason))")
        }
    }
}
