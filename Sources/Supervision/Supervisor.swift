public import GuestModel
internal import HostSystem
internal import Solo5Tender

/// A guest that is about to be started: the monitor's settings and the descriptors it needs.
public struct SupervisedGuest {
    /// Which of this program's tenders runs it.
    public let tender: EmbeddedTender
    /// The guest's memory in MiB.
    public let memoryMiB: UInt64
    /// Its boot string, without a terminating NUL.
    public let commandLine: [UInt8]
    /// The open image.
    public let image: Int32
    /// The open /dev/kvm, where the monitor needs it.
    public let kvm: Int32?
    /// What is behind each of its devices.
    public let devices: [SupervisedDevice]

    /// Creates a description.
    public init(
        tender: EmbeddedTender, memoryMiB: UInt64, commandLine: [UInt8], image: Int32, kvm: Int32?,
        devices: [SupervisedDevice]
    ) {
        self.devices = devices
        self.tender = tender
        self.memoryMiB = memoryMiB
        self.commandLine = commandLine
        self.image = image
        self.kvm = kvm
    }
}

/// A device of the guest's, and the open file that is behind it.
public struct SupervisedDevice {
    /// What the guest is told of it.
    public enum Kind {
        /// A tap, with the guest's hardware address and the largest packet in bytes.
        case network(hardwareAddress: [UInt8], mtu: UInt32)
        /// A file or block device, with its size and that of a sector in bytes.
        case block(capacityBytes: UInt64, sectorBytes: UInt16)
    }

    /// The guest's name for it.
    public let name: String
    /// What it is.
    public let kind: Kind
    /// The open file.
    public let descriptor: Int32
    /// Whether the end of the guest need not wait until the kernel has closed it.
    public let closesLate: Bool

    /// A device.
    public init(name: String, kind: Kind, descriptor: Int32, closesLate: Bool = false) {
        self.closesLate = closesLate
        self.name = name
        self.kind = kind
        self.descriptor = descriptor
    }

    fileprivate var attached: AttachedDevice {
        switch kind {
        case .network(let address, let mtu):
            AttachedDevice(
                name: name, kind: .net(mac: address, mtu: UInt16(clamping: mtu)), descriptor: descriptor)
        case .block(let capacity, let sector):
            AttachedDevice(
                name: name, kind: .block(capacityBytes: capacity, sectorBytes: sector), descriptor: descriptor)
        }
    }
}

/// Process 1 of a guest's container: starts the monitor, waits for it, ends it on request and translates its status.
///
/// The real Solo5 tenders ignore SIGTERM as process 1 or turn it into 1; this process ends the guest for any signal that
/// ends a program by default, and then itself with 128 plus the signal's number.
public struct Supervisor {
    private let guest: SupervisedGuest

    /// Creates a supervisor.
    public init(_ guest: SupervisedGuest) { self.guest = guest }

    /// Runs the guest to its end and ends this process with its status.
    ///
    /// - Parameters:
    ///   - loaded: Called when the guest is loaded and about to run, in the monitor's process.
    ///   - started: Called in the monitor's process after that, and in this one.
    ///   - failed: Called in either when the guest cannot be loaded; ends the process.
    public func run(loaded: () -> Void, started: () -> Void, failed: (String) -> Never) -> Never {
        do {
            let faults = try FaultRecord()
            let signals = try SignalQueue()
            let supervisor = currentProcess()
            let monitor = try cloneProcess(namespaces: 0)
            if monitor == 0 {
                becomeMonitor(
                    of: supervisor, faults,
                    started: {
                        loaded()
                        started()
                    }, failed: failed)
            }
            started()
            let status = watch(monitor, signals, faults)
            closeLater(guest.devices.filter(\.closesLate).map(\.descriptor))
            exitNow(status)
        } catch {
            failed("\(error)")
        }
    }

    /// The parent, once the guest runs; returns the status this process is to end with. The monitor ends with it.
    private func watch(_ monitor: Int32, _ signals: borrowing SignalQueue, _ faults: FaultRecord) -> Int32 {
        do {
            try closeWhatOnlyTheMonitorNeeds()
            return try attend(monitor, signals, faults)
        } catch {
            // `start` has gone: standard error is what is left.
            try? Program.write("cannot supervise the guest: \(error)\n", to: .error)
            return 1
        }
    }

    /// The child: loads the guest and becomes it.
    private func becomeMonitor(
        of supervisor: Int32, _ faults: FaultRecord, started: () -> Void, failed: (String) -> Never
    ) -> Never {
        do {
            try endWithParent(supervisor)
            let launch = TenderLaunch(
                target: guest.tender == .spt ? .spt : .hvt, memoryMiB: guest.memoryMiB, commandLine: guest.commandLine,
                executable: guest.image, kvm: guest.kvm, devices: guest.devices.map(\.attached))
            let tender = try prepareTender(launch, faults: faults)
            started()
            tender.enter()
        } catch {
            failed("\(error)")
        }
    }

    private func closeWhatOnlyTheMonitorNeeds() throws {
        // What is closed late has to be open here last.
        let devices = guest.devices.filter { !$0.closesLate }
        let files = [guest.image, guest.kvm].compactMap { $0 } + devices.map(\.descriptor)
        for number in files { _ = Descriptor(owning: number) }
    }

    /// Waits for the monitor and for signals; returns the status this process is to end with.
    private func attend(_ monitor: Int32, _ signals: borrowing SignalQueue, _ faults: FaultRecord) throws -> Int32 {
        while true {
            try waitIdle(for: signals.descriptor.raw)
            while let signal = try signals.next() {
                if signal == Signal.child {
                    if let end = try reap(monitor) { return status(end, faults) }
                } else if Self.ends(signal) {
                    try? sendSignal(Signal.kill, to: monitor)
                    _ = try waitForChild(monitor)
                    return 128 + signal
                }
            }
        }
    }

    /// Collects every child that has ended; process 1 inherits orphans too.
    private func reap(_ monitor: Int32) throws -> ProcessEnd? {
        while let (pid, end) = try waitForAnyChild() { if pid == monitor { return end } }
        return nil
    }

    private func status(_ end: ProcessEnd, _ faults: FaultRecord) -> Int32 {
        if let report = faults.report {
            try? Program.write(report.hasSuffix("\n") ? report : report + "\n", to: .error)
        }
        return end.shellStatus
    }

    /// Whether a program without a handler would end by `signal`. See signal(7).
    static func ends(_ signal: Int32) -> Bool {
        switch signal {
        case Signal.child, Signal.resume, Signal.urgent, Signal.windowChange, Signal.stop, Signal.terminalStop,
            Signal.terminalInput, Signal.terminalOutput:
            false
        default: true
        }
    }
}
