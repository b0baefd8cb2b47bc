import CLinux
import GuestModel
import HostSystem

/// A guest that is loaded and only has to be entered.
public struct PreparedTender: ~Copyable {
    private enum Monitor {
        case spt(SptGuest)
        case hvt(HvtMachine)
    }

    private let monitor: Monitor

    fileprivate init(spt: SptGuest) { monitor = .spt(spt) }
    fileprivate init(hvt: HvtMachine) { monitor = .hvt(hvt) }

    /// Locks the process down with the monitor's seccomp allow-list and runs the guest.
    ///
    /// The process ends with the guest's own status; with 255 when the guest aborts or faults, and then the record given
    /// to ``prepareTender(_:faults:)`` tells why. A call outside the allow-list ends it with SIGSYS.
    public consuming func enter() -> Never {
        switch monitor {
        case .spt(let guest): guest.enter()
        case .hvt(let machine): machine.enter()
        }
    }
}

/// Loads a Solo5 guest into the calling process, which becomes the guest's own: map its memory, place its segments,
/// tell it about memory, command line and devices, and for hvt make the virtual machine.
///
/// The process must have one thread, and should end when this throws: memory and descriptors are not taken back. All
/// signals return to their default action, SIGPIPE is ignored, and privileges can no longer be gained.
/// - Throws: `HostError`, `Failure`, `ELFError` or `Solo5Error` that says what is wrong with the guest, its devices, or
///   the host.
public func prepareTender(_ launch: TenderLaunch, faults: FaultRecord) throws -> PreparedTender {
    if launch.target == .hvt, launch.kvm == nil { throw Failure("an hvt guest needs /dev/kvm") }
    let binary = try GuestBinary(launch)
    resetSignals()
    try check("sigaction", "SIGPIPE", lx_ignore_broken_pipes())
    switch launch.target {
    case .spt: return PreparedTender(spt: try SptGuest(launch, binary, faults: faults))
    case .hvt: return PreparedTender(hvt: try HvtMachine(launch, binary, faults: faults))
    }
}
