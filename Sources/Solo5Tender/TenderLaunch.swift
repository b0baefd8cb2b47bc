/// Which of Solo5's contracts the monitor keeps.
public enum TenderTarget: Equatable, Sendable {
    /// A virtual machine on KVM; hypercalls by port output.
    case hvt
    /// An ordinary process that seccomp leaves a dozen system calls.
    case spt
}

/// A device of the host behind a name of the guest's manifest.
public struct AttachedDevice: Equatable, Sendable {
    /// What the device is, with what the guest is told about it.
    public enum Kind: Equatable, Sendable {
        /// A file or block device of `capacityBytes`, read and written in sectors of `sectorBytes`.
        case block(capacityBytes: UInt64, sectorBytes: UInt16)
        /// A tap device; six bytes of hardware address for the guest, and the MTU of the link in bytes.
        case net(mac: [UInt8], mtu: UInt16)
    }

    /// The name in the guest's manifest.
    public var name: String
    /// What it is.
    public var kind: Kind
    /// The open file or the attached tap; it stays the caller's.
    public var descriptor: Int32

    /// Describes a device.
    public init(name: String, kind: Kind, descriptor: Int32) {
        self.name = name
        self.kind = kind
        self.descriptor = descriptor
    }
}

/// All that a monitor needs to run a guest.
public struct TenderLaunch: Sendable {
    /// Which contract to keep.
    public var target: TenderTarget
    /// The guest's memory in MiB, counted from guest address zero. hvt rounds down to an even number.
    public var memoryMiB: UInt64
    /// The guest's command line without a NUL, at most 8191 bytes.
    public var commandLine: [UInt8]
    /// The guest's open ELF file; ``prepareTender(_:faults:)`` closes it.
    public var executable: Int32
    /// The open /dev/kvm, needed by hvt.
    public var kvm: Int32?
    /// One device for each that the guest's manifest declares.
    public var devices: [AttachedDevice]

    /// Describes a launch.
    public init(
        target: TenderTarget, memoryMiB: UInt64, commandLine: [UInt8], executable: Int32, kvm: Int32? = nil,
        devices: [AttachedDevice] = []
    ) {
        self.target = target
        self.memoryMiB = memoryMiB
        self.commandLine = commandLine
        self.executable = executable
        self.kvm = kvm
        self.devices = devices
    }
}
