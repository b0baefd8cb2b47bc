internal import HostSystem
internal import LaunchPlanning
internal import OCIBundle
internal import OCISpec
internal import Sandboxing
internal import Storage
internal import Supervision

/// What an ordinary image in a virtual machine is started with beside its monitor: the initial RAM disk, the server of
/// files and the connections between them.
final class MachineStart {
    /// The initial RAM disk.
    let initrd: OpenFile
    private let plan: MachinePlan
    private let program: Int32
    private let hasTerminal: Bool
    /// The server's complaints: where they arrive, and where it writes them.
    private let errors: (ours: Int32, theirs: Int32)
    /// The monitor's connection to the server.
    private var share: Int32 = -1
    private let held: DescriptorSet

    /// Makes what is not there yet and opens the rest.
    init(_ plan: MachinePlan, _ bundle: borrowing Bundle, _ held: DescriptorSet) throws {
        self.plan = plan
        self.held = held
        hasTerminal = bundle.spec.process?.terminal == true
        try MachineInitrd(plan).ensure()
        initrd = try OpenFile(onHost: plan.initrd)
        program = held.hold(try open(plan.fileServer, flags: .readOnly))
        let pair = try SocketPair(stream: true).take()
        errors = (held.hold(Descriptor(owning: pair.first)), held.hold(Descriptor(owning: pair.second)))
    }

    /// Tells the sandbox what the server of files needs, and leaves to the machine what is done in it.
    ///
    /// - Parameter directory: The container's own, in which nobody else connects to the server.
    func prepare(_ request: inout SandboxRequest, in directory: String) throws {
        guard request.preservedDescriptors.isEmpty else {
            throw Failure("cannot pass open descriptors to a program in a virtual machine")
        }
        let folder = try open(directory, flags: [.directory, .pathOnly])
        let name = "files.sock"
        let path = "\(descriptorPath(folder.raw))/\(name)"
        let listener = held.hold(try listenUnix(at: path, stream: true))
        share = held.hold(try connectUnix(to: path, stream: true))
        try removeFile(name, in: folder.raw)
        request.sharedTree = SharedTree(
            path: plan.fileServer, program: program, listener: listener, errors: errors.theirs, mounts: plan.shared,
            configuration: plan.configuration.bytes())
        request.guestDescriptors += [share, errors.ours]
        request.spec.leaveToMachine()
    }

    /// The machine's connections, in process 1.
    func link(_ taps: [GuestWiring.Received]) -> MachineLink {
        MachineLink(
            share: share, shareErrors: errors.ours,
            settings: [
                "hostname": .string(hostName()), "domainname": .string(domainName()),
                "network": .array(taps.map(\.note)),
            ], hasTerminal: hasTerminal)
    }
}

extension RuntimeSpec {
    /// Takes out what the process 1 of a virtual machine does for its program, of which the monitor is to have nothing.
    mutating func leaveToMachine() {
        process?.rlimits = []
        hooks.startContainer = []
        linux?.personality = nil
    }
}
