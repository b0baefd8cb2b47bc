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
    public let configuration: JSONValue

    /// Where the machine's process 1 finds the root filesystem, and the shared mounts by their numbers.
    static let (rootPlace, mountPlace) = ("/share/root", "/share/mounts")
    /// The name by which its process 1 mounts the shared files.
    public static let shareTag = MonitorLaunch.shareTag
    /// The machine's ports, numbered from 1: that of its process 1, and the program's standard descriptors.
    public static let ports = ["control", "stdin", "stdout", "stderr"]
    /// The kernel's drivers for what the machine has.
    public static let drivers = ["virtio_pci", "virtio_console", "virtiofs", "virtio_net"]
    /// What the server of files needs of the container's memory, in MiB.
    static let fileServerMemory: UInt64 = 16
    /// The name by which the machine's process 1 knows that it is that.
    public static let initName = "/swiftlet-init"
    /// The kernel's command line: nothing is printed but its last words. Swift's run time would look for itself in /proc,
    /// which is not there yet.
    static let kernelWords = "console=ttyS0 loglevel=1 panic=-1 reboot=t rdinit=\(initName) SWIFT_ROOT=/"

    var json: JSONValue {
        [
            "modules": modules.map { .string($0) } ?? .null, "init": .string(initProgram),
            "fileServer": .string(fileServer), "sharedMounts": .array(shared.map { JSONValue($0) }),
            "configuration": configuration,
        ]
    }
}
