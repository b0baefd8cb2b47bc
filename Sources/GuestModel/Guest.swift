/// A way to start a guest: what the guest's image asks for and a monitor offers.
///
/// Frameworks and monitors know nothing of each other; they meet in these values.
public struct BootProtocol: Hashable, Sendable, CustomStringConvertible {
    /// The protocol's name: `solo5-spt`.
    public let name: String
    /// The version of its ABI.
    public let version: UInt32

    /// Creates a protocol from its name and ABI version.
    public init(name: String, version: UInt32) {
        self.name = name
        self.version = version
    }

    /// Solo5's tender on KVM, ABI 2.
    public static let solo5HVT = BootProtocol(name: "solo5-hvt", version: 2)
    /// Solo5's tender on seccomp, ABI 2.
    public static let solo5SPT = BootProtocol(name: "solo5-spt", version: 2)
    /// An ELF file with a note that names its 32-bit entry, which gets `hvm_start_info`. See Xen's pvh.pandoc.
    public static let pvh = BootProtocol(name: "pvh", version: 1)
    /// The Multiboot Specification 0.6.96; a loader puts the image's path in front of the boot string.
    public static let multiboot = BootProtocol(name: "multiboot", version: 1)
    /// A bzImage. See the kernel's Documentation/arch/x86/boot.rst.
    public static let bzImage = BootProtocol(name: "bzimage", version: 2)
    /// An ELF file whose 64-bit entry gets `boot_params`. See the same, "64-bit Boot Protocol".
    public static let linux64 = BootProtocol(name: "linux64", version: 2)
    /// A disk whose first sector is a boot loader.
    public static let disk = BootProtocol(name: "disk", version: 1)

    /// `solo5-spt (ABI 2)`
    public var description: String { "\(name) (ABI \(version))" }
}

/// A device that a guest's image declares.
public struct GuestDevice: Equatable, Sendable {
    /// The kinds of devices guests have.
    public enum Kind: String, Sendable {
        /// A block device.
        case block
        /// A network interface.
        case network
    }

    /// The guest's own name for it.
    public let name: String
    /// What it is.
    public let kind: Kind

    /// Creates a device.
    public init(name: String, kind: Kind) {
        self.name = name
        self.kind = kind
    }
}

/// A unikernel found in a container's root filesystem, told without regard to who will run it.
public struct Guest: Equatable, Sendable {
    /// The framework that recognised it.
    public let framework: String
    /// The image's path in the root filesystem.
    public let path: String
    /// How it can be started, best first.
    public let bootProtocols: [BootProtocol]
    /// The devices it declares; every one must be attached.
    public let devices: [GuestDevice]
    /// The hardware it can drive; nil for a guest that has its devices from its tender, those it declares.
    public let hardware: GuestHardware?
    /// The version of its framework; nil where the image does not say.
    public let version: String?
    /// The paths in the root filesystem of the kernels that a monitor boots in place of the image, which then is that
    /// kernel's initial RAM disk; none where the image is booted itself.
    public let loaders: [BootProtocol: String]
    /// The least guest memory in bytes with which its image can be loaded.
    public let leastMemoryBytes: UInt64
    /// Whether it runs with an initial RAM disk only, which the container has to name.
    public var needsInitrd = false
    /// The options of its framework that this image takes and others do not.
    public var options: [String] = []

    /// Creates a guest.
    public init(
        framework: String, path: String, bootProtocols: [BootProtocol], devices: [GuestDevice],
        hardware: GuestHardware? = nil, version: String? = nil, loaders: [BootProtocol: String] = [:],
        leastMemoryBytes: UInt64
    ) {
        self.framework = framework
        self.path = path
        self.bootProtocols = bootProtocols
        self.devices = devices
        self.hardware = hardware
        self.version = version
        self.loaders = loaders
        self.leastMemoryBytes = leastMemoryBytes
    }
}

/// Why a file cannot be run as a guest.
public struct GuestError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What is wrong, in one line.
    public let description: String

    /// Creates an error with its text.
    public init(_ description: String) { self.description = description }
}
