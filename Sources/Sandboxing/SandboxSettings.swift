internal import HostSystem
internal import LaunchPlanning
internal import OCISpec

/// All that a container's process 1 needs to know to furnish its sandbox; made by the parent, read by the child.
///
/// A class, because the copying of its many values would be much code.
final class SandboxSettings {
    let id: String
    let spec: RuntimeSpec
    let bundle: String
    let rootPath: String
    let isGuest: Bool
    let noPivot: Bool
    let noNewKeyring: Bool
    /// The descriptors that the program keeps besides the standard ones.
    let preservedDescriptors: [Int32]
    /// The engine's socket that takes the terminal's master.
    let consoleSocket: Int32?
    /// Descriptors that a guest's supervisor keeps.
    let guestDescriptors: [Int32]
    /// What an external monitor finds in its root; nil for an embedded one.
    let monitorRoot: MonitorRoot?
    /// What a virtual machine shares with the host.
    let sharedTree: SharedTree?
    /// Whether `start` needs the network namespace, to connect a guest's devices in it.
    let offersNetwork: Bool
    let namespaces: NamespacePlan
    var cgroup: Cgroup
    let identity: ProcessIdentity
    let attributes: ExecutionAttributes
    /// Mounts that were made before process 1; nil until they are.
    var mappedMounts: IDMappedMounts?
    /// Device nodes that were made before process 1; nil for most containers.
    var preparedDevices: PreparedDevices?

    /// What `request` says, and what was made of it.
    init(
        _ request: SandboxRequest, _ namespaces: NamespacePlan, _ cgroup: Cgroup, _ identity: ProcessIdentity,
        _ attributes: ExecutionAttributes
    ) {
        (id, spec, bundle, rootPath) = (request.id, request.spec, request.bundle, request.rootPath)
        isGuest = request.plan.guest != nil
        (noPivot, noNewKeyring) = (request.noPivot, request.noNewKeyring)
        (preservedDescriptors, guestDescriptors) = (request.preservedDescriptors, request.guestDescriptors)
        consoleSocket = request.consoleSocket
        (monitorRoot, sharedTree) = (request.monitorRoot, request.sharedTree)
        offersNetwork = request.plan.guest?.wiring.isEmpty == false
        (self.namespaces, self.cgroup, self.identity, self.attributes) = (namespaces, cgroup, identity, attributes)
    }
}
