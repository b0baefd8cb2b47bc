/// What only virtual machines have. See runtime-spec config-vm.md; all paths are absolute on the host.
public struct VirtualMachineSpec: Equatable, Sendable {
    /// The program that runs the machine.
    public var hypervisor: Hypervisor?
    /// What the machine boots.
    public var kernel: Kernel
    /// The disk the kernel boots into.
    public var image: Image?
    /// The machine's hardware.
    public var hwConfig: HardwareConfig?

    /// A machine that boots a kernel.
    public init(kernel: Kernel) {
        self.kernel = kernel
    }

    /// The program that runs the machine.
    public struct Hypervisor: Equatable, Sendable {
        /// The program.
        public var path: String
        /// Its arguments.
        public var parameters: [String] = []

        /// A program without arguments.
        public init(path: String) {
            self.path = path
        }
    }

    /// What the machine boots.
    public struct Kernel: Equatable, Sendable {
        /// The kernel's file.
        public var path: String
        /// Its parameters.
        public var parameters: [String] = []
        /// The initial ram disk's file.
        public var initrd: String?

        /// A kernel without parameters.
        public init(path: String) {
            self.path = path
        }
    }

    /// The disk the kernel boots into.
    public struct Image: Equatable, Sendable {
        /// The disk's file.
        public var path: String
        /// Its format; absent in the document is `raw`.
        public var format = ImageFormat.raw

        /// A raw disk.
        public init(path: String) {
            self.path = path
        }
    }

    /// A format of disk images.
    public enum ImageFormat: String, CaseIterable, Sendable, SpecWord {
        case raw, qcow2, vdi, vmdk, vhd

        static let noun = "image format"
    }
}

extension VirtualMachineSpec: SpecObject {
    static let section = "config-vm.md"

    init(_ object: SpecCursor) throws(SpecError) {
        hypervisor = try object.child("hypervisor")
        kernel = try object.required("kernel", object.child("kernel"))
        image = try object.child("image")
        // The specification's text and its Go types spell the name differently.
        hwConfig = try object.child(object.member("hwConfig") == nil ? "hwconfig" : "hwConfig")
    }
}

extension VirtualMachineSpec.Hypervisor: SpecObject {
    static let section = "config-vm.md#hypervisor-object"

    init(_ object: SpecCursor) throws(SpecError) {
        path = try object.required("path", object.absolutePath("path"))
        parameters = try object.strings("parameters")
    }
}

extension VirtualMachineSpec.Kernel: SpecObject {
    static let section = "config-vm.md#kernel-object"

    init(_ object: SpecCursor) throws(SpecError) {
        path = try object.required("path", object.absolutePath("path"))
        parameters = try object.strings("parameters")
        initrd = try object.absolutePath("initrd")
    }
}

extension VirtualMachineSpec.Image: SpecObject {
    static let section = "config-vm.md#image-object"

    init(_ object: SpecCursor) throws(SpecError) {
        path = try object.required("path", object.absolutePath("path"))
        format = try object.word("format") ?? .raw
    }
}

extension VirtualMachineSpec {
    /// The machine's hardware; nil leaves the choice to the runtime.
    public struct HardwareConfig: Equatable, Sendable {
        /// The device tree's file.
        public var deviceTree: String?
        /// How many virtual processors.
        public var vcpus: UInt32?
        /// Bytes of memory.
        public var memory: UInt64?
        /// The host's device tree nodes to pass through.
        public var dtdevs: [String] = []
        /// The host's I/O memory to pass through.
        public var iomems: [IOMemory] = []
        /// The host's interrupts to pass through.
        public var irqs: [UInt32] = []

        /// Nothing chosen.
        public init() {}
    }

    /// I/O memory to pass through, in page frames.
    public struct IOMemory: Equatable, Sendable {
        /// The first frame in the guest; nil is `firstMFN`.
        public var firstGFN: UInt64?
        /// The first frame on the host.
        public var firstMFN: UInt64
        /// How many frames.
        public var nrMFNs: UInt64

        /// A range of frames.
        public init(firstGFN: UInt64? = nil, firstMFN: UInt64, nrMFNs: UInt64) {
            self.firstGFN = firstGFN
            self.firstMFN = firstMFN
            self.nrMFNs = nrMFNs
        }
    }
}

extension VirtualMachineSpec.HardwareConfig: SpecObject {
    static let section = "config-vm.md#hwconfig-object"

    init(_ object: SpecCursor) throws(SpecError) {
        deviceTree = try object.string("deviceTree")
        vcpus = try object.integer("vcpus")
        memory = try object.integer("memory")
        dtdevs = try object.strings("dtdevs")
        iomems = try object.children("iomems")
        irqs = try object.integers("irqs")
    }
}

extension VirtualMachineSpec.IOMemory: SpecObject {
    static let section = "config-vm.md#hwconfig-object"

    init(_ object: SpecCursor) throws(SpecError) {
        firstGFN = try object.integer("firstGFN")
        firstMFN = try object.required("firstMFN", object.integer("firstMFN"))
        nrMFNs = try object.required("nrMFNs", object.integer("nrMFNs"))
    }
}
