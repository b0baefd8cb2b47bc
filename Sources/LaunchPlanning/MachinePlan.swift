internal import GuestModel
public import HostSystem

/// An ordinary image in a virtual machine: what is beside the kernel, and what the machine's process 1 is told.
public struct MachinePlan: Equatable, Sendable {
    /// The directory of the kernel's modules; nil for a kernel that has all it needs in it.
    public let modules: String?
    /// The program that becomes the machine's process 1.
    public let initProgram: String
    /// The initial RAM disk that these two are packed into, and kept in.
    public let initrd: String
    /// The server of files.
    public let fileServer: String
    /// The numbers of the mounts of config.json that are shared with the host.
    public let shared: [Int]
    /// The config.json that the machine's process 1 carries out.
    public private(set) var configuration: JSONValue

    /// Where the machine's process 1 finds the root filesystem, and the shared mounts by their numbers.
    static let (rootPlace, mountPlace) = ("/share/root", "/share/mounts")
    /// The name by which its process 1 mounts the shared files.
    public static let shareTag = MonitorLaunch.shareTag
    /// The machine's ports, numbered from 1: that of its process 1, and the program's standard descriptors.
    public static let ports = ["control", "stdin", "stdout", "stderr"]
    /// The kernel's drivers for what the machine has.
    public static let drivers = ["virtio_pci", "virtio_console", "virtiofs", "virtio_net"]
    /// The kernel's driver for a virtio socket device, which only some machines have.
    public static let vsockDriver = "vmw_vsock_virtio_transport"
    /// What the server of files needs of the container's memory, in MiB.
    static let fileServerMemory: UInt64 = 16
    /// The name by which the machine's process 1 knows that it is that.
    public static let initName = "/swiftlet-init"
    /// The kernel's command line: nothing is printed but its last words. Swift's run time would look for itself in /proc,
    /// which is not there yet.
    static let kernelWords = "console=ttyS0 loglevel=1 panic=-1 reboot=t rdinit=\(initName) SWIFT_ROOT=/"

    /// Finds out whether the machine's kernel can drive a virtio socket device; of one without modules nothing is known.
    ///
    /// - Throws: ``GuestModel/GuestError`` that says what is missing.
    func checkVsock() throws(GuestError) {
        guard let modules else { return }
        do {
            guard try KernelModules(in: modules).has(Self.vsockDriver) else {
                throw Failure("the kernel with the modules in \(modules) has no \(Self.vsockDriver)")
            }
        } catch {
            throw GuestError("the virtual machine can have no virtio socket device (vsock): \(error)")
        }
    }

    /// The same machine, whose program is told of a vAccel agent.
    func told(of accelerator: AcceleratorPlan?) -> MachinePlan {
        guard let accelerator, var whole = configuration.object, var process = whole["process"]?.object else {
            return self
        }
        let environment = process["env"]?.array?.compactMap(\.string) ?? []
        process["env"] = JSONValue(accelerator.tell(environment))
        whole["process"] = .object(process)
        var machine = self
        machine.configuration = .object(whole)
        return machine
    }

    var json: JSONValue {
        [
            "modules": modules.map { .string($0) } ?? .null, "init": .string(initProgram),
            "fileServer": .string(fileServer), "sharedMounts": .array(shared.map { JSONValue($0) }),
            "configuration": configuration,
        ]
    }
}
