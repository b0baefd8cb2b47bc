internal import HostSystem
internal import LaunchPlanning
internal import OCIBundle
internal import OCISpec
internal import Sandboxing
internal import Storage
internal import Supervision

/// What an ordinary image in a virtual machine is started with beside its monitor: the initial RAM disk, and what its
/// server of files serves.
final class MachineStart {
    /// The initial RAM disk.
    let initrd: OpenFile
    private let plan: MachinePlan
    private let hasTerminal: Bool

    /// Makes what is not there yet and opens the rest.
    init(_ plan: MachinePlan, _ bundle: borrowing Bundle) throws {
        self.plan = plan
        hasTerminal = bundle.spec.process?.terminal == true
        try MachineInitrd(plan).ensure()
        initrd = try OpenFile(onHost: plan.initrd)
    }

    /// Tells the sandbox what `server` serves, and leaves to the machine what is done in it.
    func prepare(_ request: inout SandboxRequest, _ server: SharedTree.Server) throws {
        guard request.preservedDescriptors.isEmpty else {
            throw Failure("cannot pass open descriptors to a program in a virtual machine")
        }
        request.sharedTree = SharedTree(
            .parts(configuration: plan.configuration.bytes()), mounts: plan.shared, by: .server(server))
        request.spec.leaveToMachine()
    }

    /// The machine's connections, in process 1.
    func link(_ taps: [GuestWiring.Received]) -> MachineLink {
        MachineLink(
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
