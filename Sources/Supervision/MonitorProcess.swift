public import GuestModel
public import HostSystem

/// An external monitor that is about to be started in place of a child of the supervisor's.
public struct MonitorProcess {
    /// The monitor's name, for messages.
    public let name: String
    /// The open program.
    public let program: Int32
    /// Its arguments, the program's name first.
    public let arguments: [String]
    /// The descriptors that it is to have behind the control socket's, which is ``firstDescriptor`` where it is controlled.
    public private(set) var descriptors: [Int32]
    /// The guest's virtio socket device, without which it cannot go on.
    private(set) var companion: VsockProcess.Running?
    /// The system calls it may make; nil for all.
    public let filter: SeccompProgram?
    /// How it is controlled.
    public let control: MonitorProgram.Control
    /// What it is asked for so that the guest begins.
    public let startRequests: [MonitorRequest]
    /// What it is asked for so that the guest shuts down; nil when the guest is not asked.
    public let stopRequest: MonitorRequest?
    /// How long the guest may take for that, in seconds.
    public let graceSeconds: Int
    /// The container's status for the monitor's own, and the signal upon which the guest was asked to end.
    public let status: (Int32, Int32?) -> Int32
    /// The server of the files that the guest shares with the host; nil for a guest without.
    public var files: FileServerLink?
    /// What a virtual machine with an ordinary program has beside its monitor; nil for any other guest.
    public var machine: MachineLink?
    /// Whether it reports how guests end, see ``GuestModel/MonitorProgram/reportsEnds``.
    public var reportsEnds = false
    /// The port by which this guest says how it ended, where it has one.
    public var exitPort: ExitPort?

    /// The control socket's descriptor in the monitor; the others follow.
    public static let firstDescriptor: Int32 = 3

    /// A monitor.
    public init(
        name: String, program: Int32, arguments: [String], descriptors: [Int32], filter: SeccompProgram?,
        control: MonitorProgram.Control, startRequests: [MonitorRequest], stopRequest: MonitorRequest?,
        graceSeconds: Int, status: @escaping (Int32, Int32?) -> Int32
    ) {
        self.name = name
        self.program = program
        self.arguments = arguments
        self.descriptors = descriptors
        self.filter = filter
        self.control = control
        self.startRequests = startRequests
        self.stopRequest = stopRequest
        self.graceSeconds = graceSeconds
        self.status = status
    }

    /// Gives it a virtio socket device that runs already; its socket comes behind the other descriptors.
    public mutating func attach(_ device: VsockProcess.Running) {
        companion = device
        descriptors.append(device.frontEnd)
    }

    /// Gives it one more descriptor behind the others.
    public mutating func attach(_ descriptor: Int32) { descriptors.append(descriptor) }

    /// Becomes the monitor. Returns only by throwing.
    ///
    /// - Parameters:
    ///   - control: The monitor's end of the control socket.
    ///   - errors: What becomes its standard error.
    ///   - connection: A descriptor that stays until the monitor has begun.
    ///   - more: Descriptors that follow ``descriptors``.
    func execute(control: Int32, errors: Int32, more: [Int32]) throws(HostError) -> Never {
        // The socket of one that does not take it closes when it has begun.
        let wanted = (self.control == .qmp ? [control] : []) + descriptors + more
        let end = Self.firstDescriptor + Int32(wanted.count)
        // Out of the way of the numbers they are to have.
        var moved: [Int32] = []
        for number in wanted { moved.append(try duplicate(number, from: end).release()) }
        let program = try duplicate(program, from: end).release()
        let errors = try duplicate(errors, from: end).release()
        for (offset, number) in moved.enumerated() {
            try duplicate(number, to: Self.firstDescriptor + Int32(offset))
        }
        // A machine's console is for its last words; the container's descriptors are for its program.
        for number in machine == nil ? [Int32(2)] : [0, 1, 2] { try duplicate(errors, to: number) }
        resetSignals()
        if let filter { try filter.load() }
        try HostSystem.execute(descriptor: program, arguments: arguments, environment: [])
    }
}
