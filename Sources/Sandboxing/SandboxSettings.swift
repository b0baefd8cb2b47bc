internal import HostSystem
internal import OCISpec

/// All that a container's process 1 needs to know to furnish its sandbox; made by the parent, read by the child.
struct SandboxSettings {
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
}
