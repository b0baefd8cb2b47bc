/// What a guest that boots as on hardware can drive, how it says that it ends, and how it is asked to.
///
/// Solo5's guests have none of it: their devices and their end are calls of the tender.
public struct GuestHardware: Equatable, Sendable {
    /// Where a guest finds virtio devices. See the virtio specification 1.2, chapter 4.
    public enum Transport: String, Sendable {
        /// On a PCI bus.
        case pci
        /// At addresses that the boot string or ACPI tables name.
        case mmio
    }

    /// What makes a guest shut down in order.
    public enum StopRequest: String, Sendable {
        /// The power button of ACPI.
        case powerButton
        /// Control, Alt and Delete on the keyboard.
        case controlAltDelete
    }

    /// The transports it has drivers for, best first.
    public var transports: [Transport]
    /// Whether it finds its devices or its clock by ACPI tables only.
    public var needsACPI: Bool
    /// Whether resetting or powering off a machine needs what only a whole PC has, such as a keyboard controller.
    public var needsPC: Bool
    /// Whether its drivers know virtio devices of version 1.0 of the specification or later alone.
    public var needsModernVirtio: Bool
    /// Whether it has no other clock than the HPET where there is none of KVM's.
    public var needsHPET: Bool
    /// Whether it takes interrupts of the first I/O APIC alone.
    public var needsOneIOAPIC: Bool
    /// The port by which it says how it ended; nil when it just resets or powers off the machine.
    public var exitPort: ExitPort?
    /// What makes it shut down, best first; nothing for most unikernels.
    public var stopRequests: [StopRequest]
    /// Whether it can be given an initial RAM disk.
    public var takesInitrd: Bool
    /// Whether it needs a processor with RDRAND and RDSEED.
    public var needsRandomInstructions: Bool
    /// How many processors it can use.
    public var mostProcessors: Int
    /// Whether it may have a driver for virtio sockets.
    public var hasVsock: Bool
    /// The ways in which it may have files of the host's as its root, best first.
    public var fileSharing: [FileSharing]

    /// A guest with drivers for `transports`, and nothing else unless said otherwise.
    public init(
        transports: [Transport], needsACPI: Bool = false, needsPC: Bool = false,
        needsModernVirtio: Bool = false, needsHPET: Bool = false, needsOneIOAPIC: Bool = false,
        exitPort: ExitPort? = nil,
        stopRequests: [StopRequest] = [], takesInitrd: Bool = false, needsRandomInstructions: Bool = false,
        mostProcessors: Int = 1, hasVsock: Bool = false, fileSharing: [FileSharing] = []
    ) {
        self.transports = transports
        self.needsACPI = needsACPI
        self.needsPC = needsPC
        self.needsModernVirtio = needsModernVirtio
        self.needsHPET = needsHPET
        self.needsOneIOAPIC = needsOneIOAPIC
        self.exitPort = exitPort
        self.stopRequests = stopRequests
        self.takesInitrd = takesInitrd
        self.needsRandomInstructions = needsRandomInstructions
        self.mostProcessors = mostProcessors
        self.hasVsock = hasVsock
        self.fileSharing = fileSharing
    }
}

/// A way in which a guest has files of the host's.
public enum FileSharing: String, CaseIterable, Sendable {
    /// The file system device of the virtio specification 1.2, chapter 5.11, behind which is a server of its own.
    case virtiofs
    /// The Plan 9 file protocol, 9P2000.L, over a virtio device of the monitor's.
    case plan9 = "9p"
}

/// An I/O port that ends the machine when a value is written to it: QEMU's isa-debug-exit device.
public struct ExitPort: Equatable, Sendable {
    /// What the value says.
    public enum Meaning: Equatable, Sendable {
        /// The value is the status.
        case status
        /// The value says success, any other failure.
        case success(UInt32)
        /// The value says nothing: the guest has ended, and how is not known.
        case nothing
    }

    /// The port's number.
    public let port: UInt16
    /// How many bytes are written at once.
    public let bytes: UInt8
    /// What the value says.
    public let meaning: Meaning

    /// A port.
    public init(port: UInt16, bytes: UInt8, meaning: Meaning) {
        self.port = port
        self.bytes = bytes
        self.meaning = meaning
    }

    /// The exit status of a guest that wrote `value`, of which the monitor may know the lower seven bits only.
    public func status(of value: UInt32) -> Int32 {
        switch meaning {
        case .status: Int32(truncatingIfNeeded: value & 0xFF)
        case .success(let good): value & 0x7F == good & 0x7F ? 0 : 1
        case .nothing: 0
        }
    }
}
