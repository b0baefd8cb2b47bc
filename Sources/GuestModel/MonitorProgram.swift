/// A monitor that is a program of the host's: where it is, what it needs beside it, what it may do.
public struct MonitorProgram: Equatable, Sendable {
    /// How the supervisor talks to it.
    public enum Control: Equatable, Sendable {
        /// Not at all.
        case none
        /// The QEMU Machine Protocol, on a socket whose descriptor is among the arguments.
        case qmp
        /// HTTP, on a socket that the monitor makes at this path of its root.
        case http(socket: String)
    }

    /// Whose the virtio socket device is.
    public enum Vsock: String, Sendable {
        /// Nobody's: it has none.
        case none
        /// swiftlet's own or another process's, behind a connected socket (vhost-user), or the kernel's.
        case vhostUser
        /// The monitor's own, which listens at ``MonitorLaunch/vsockPath`` itself.
        case hybrid
    }

    /// The file names under which it is installed, best first.
    public let names: [String]
    /// Directories of the host that it reads besides its libraries; those that are not there are left out.
    public let dataDirectories: [String]
    /// What it can have guests executed by, best first.
    public let accelerators: [Accelerator]
    /// Whether it takes taps and disks as open descriptors; otherwise it opens them itself, by name and path.
    public let takesDescriptors: Bool
    /// How the supervisor talks to it.
    public let control: Control
    /// The system calls that it makes; all others fail with ENOSYS.
    public private(set) var calls: [SystemCalls]
    /// Those it makes besides when it shares files with a guest itself.
    public let fileCalls: SystemCalls?
    /// Whose its virtio socket device is.
    public private(set) var vsock = Vsock.none
    /// Whether it opens /dev/urandom for a device of the guest's.
    public private(set) var readsRandomDevice = false
    /// Whether it reports how guests end: at ``MonitorLaunch/eventsPath`` that one resets its machine, which it would go on
    /// with, and at ``MonitorLaunch/exitPath`` what one writes to its exit port.
    public private(set) var reportsEnds = false

    /// A program.
    public init(
        names: [String], dataDirectories: [String] = [], accelerators: [Accelerator], takesDescriptors: Bool,
        control: Control, calls: [SystemCalls], fileCalls: SystemCalls? = nil
    ) {
        self.names = names
        self.dataDirectories = dataDirectories
        self.accelerators = accelerators
        self.takesDescriptors = takesDescriptors
        self.control = control
        self.calls = calls
        self.fileCalls = fileCalls
    }
}

extension MonitorProgram {
    /// The same program, with a virtio socket device.
    public func with(_ vsock: Vsock) -> MonitorProgram {
        var program = self
        program.vsock = vsock
        return program
    }

    /// The same program, which shares files with its guest.
    public var sharingFiles: MonitorProgram {
        var program = self
        program.calls += [fileCalls].compactMap { $0 }
        return program
    }

    /// The same program, which reads /dev/urandom.
    public var readingRandomDevice: MonitorProgram {
        var program = self
        program.readsRandomDevice = true
        return program
    }

    /// The same program, which reports how guests end.
    public var reportingEnds: MonitorProgram {
        var program = self
        program.reportsEnds = true
        return program
    }
}

/// System calls that a program makes for one reason.
public struct SystemCalls: Equatable, Sendable {
    /// What for.
    public let reason: String
    /// Their names.
    public let names: [String]

    /// Calls and the reason for them.
    public init(_ reason: String, _ names: [String]) {
        self.reason = reason
        self.names = names
    }
}

/// What executes a guest's instructions.
public enum Accelerator: String, Sendable {
    /// The processor, by way of KVM.
    case kvm
    /// The monitor, which translates them (QEMU's Tiny Code Generator).
    case tcg
    /// The processor, as it executes any process: the monitor confines its own.
    case process
}

/// One launch of an external monitor: everything that its arguments depend on. Descriptors are those the monitor will have.
public struct MonitorLaunch: Equatable, Sendable {
    /// A network device.
    public struct Network: Equatable, Sendable {
        /// The guest's name for it; of a guest that knows none the interface's.
        public let name: String
        /// The tap's name in the monitor's network namespace.
        public let tap: String
        /// The open tap, where the monitor takes descriptors.
        public var descriptor: Int32 = -1
        /// The guest's hardware address.
        public let hardwareAddress: [UInt8]
        /// The largest packet in bytes.
        public let mtu: UInt32

        /// A device on a tap.
        public init(name: String, tap: String, hardwareAddress: [UInt8], mtu: UInt32) {
            self.name = name
            self.tap = tap
            self.hardwareAddress = hardwareAddress
            self.mtu = mtu
        }

        /// `52:54:00:12:34:56`
        public var hardwareAddressText: String {
            hardwareAddress.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: ":")
        }
    }

    /// A disk.
    public struct Disk: Equatable, Sendable {
        /// The name by which the guest may know it, its serial number.
        public let name: String
        /// The open file or block device, where the monitor takes descriptors.
        public let descriptor: Int32
        /// Where it is in the monitor's root, where it does not.
        public let path: String
        /// Whether it can only be read.
        public let isReadOnly: Bool
        /// Whether it is a block device, not a file.
        public let isDevice: Bool
        /// A sector's size in bytes.
        public let sectorBytes: UInt16

        /// A disk.
        public init(
            name: String, descriptor: Int32, path: String, isReadOnly: Bool, isDevice: Bool, sectorBytes: UInt16
        ) {
            self.name = name
            self.descriptor = descriptor
            self.path = path
            self.isReadOnly = isReadOnly
            self.isDevice = isDevice
            self.sectorBytes = sectorBytes
        }
    }

    /// A device on the guest's bus.
    public enum Device: Equatable, Sendable {
        /// A network device.
        case network(Network)
        /// A disk.
        case disk(Disk)
    }

    /// A stream of bytes between the guest and this host: a port of a virtio console.
    public struct Port: Equatable, Sendable {
        /// The name by which the guest knows it.
        public let name: String
        /// An open socket.
        public let descriptor: Int32

        /// A port.
        public init(name: String, descriptor: Int32) {
            self.name = name
            self.descriptor = descriptor
        }
    }

    /// A virtio socket device.
    public struct Vsock: Equatable, Sendable {
        /// The guest's context id; 0 while none was chosen.
        public let guestCID: UInt32
        /// The connected socket to the device, where that is another process's; the device, where it is the kernel's.
        public let descriptor: Int32
        /// Whether it is the kernel's (vhost), which reads the monitor's own memory.
        public let isKernels: Bool

        /// A device.
        public init(guestCID: UInt32, descriptor: Int32, isKernels: Bool = false) {
            self.guestCID = guestCID
            self.descriptor = descriptor
            self.isKernels = isKernels
        }
    }

    /// Where the directory of the guest's sockets is in the monitor's root.
    public static let vsockDirectory = "/vsock"
    /// The socket of the host's programs in it; that of guest port P has `_P` behind it.
    public static let vsockPath = vsockDirectory + "/" + vsockName
    /// The name of that socket.
    public static let vsockName = "vsock.sock"
    /// Where the guest's image is in the monitor's root.
    public static let kernelPath = "/kernel"
    /// Where its initial RAM disk is.
    public static let initrdPath = "/initrd"
    /// Where the monitor may make sockets, if it is controlled over HTTP.
    public static let runPath = "/run"
    /// Where it writes what it has to say then: a pipe.
    public static let logPath = "\(runPath)/log"
    /// Where it writes what happens to the machine, as JSON objects with an empty line behind each: a pipe.
    public static let eventsPath = "\(runPath)/events"
    /// Where it writes what the guest writes to its exit port: a pipe.
    public static let exitPath = "\(runPath)/exit"
    /// Where the disk of that number is, where the monitor does not take descriptors.
    public static func diskPath(_ number: Int) -> String { "/disks/\(number)" }
    /// Where it is when it is a directory that was packed: the one file in a file system of its own.
    public static func volumePath(_ number: Int) -> String { "\(diskPath(number))/\(volumeName)" }
    /// The name of that file.
    public static let volumeName = "volume"

    /// How the guest is started.
    public var bootProtocol: BootProtocol
    /// What the guest can drive.
    public var hardware: GuestHardware
    /// What executes it.
    public var accelerator: Accelerator
    /// Whether KVM is that of a processor with virtualisation, not of a hypervisor in software.
    public var isProcessorVirtualised: Bool
    /// The guest's memory in MiB.
    public var memoryMiB: UInt64
    /// How many processors it has.
    public var processors: Int
    /// Its boot string.
    public var commandLine: String
    /// Whether it is started with an initial RAM disk.
    public var hasInitrd: Bool
    /// Its devices, in the order in which it has to find them.
    public var devices: [Device]
    /// Its virtio socket device.
    public var vsock: Vsock?
    /// The socket on which the monitor is controlled.
    public var control: Int32
    /// A tree of files of the host's.
    public enum Share: Equatable, Sendable {
        /// Behind the vhost-user socket of a server of files.
        case server(Int32)
        /// At ``sharePath`` in the monitor's root.
        case directory
    }

    /// The tree of files that the guest has, by the tag ``shareTag``.
    public var share: Share?
    /// The guest's ports, numbered from 1.
    public var ports: [Port] = []
    /// The name by which the guest mounts its tree of files; urunc's.
    public static let shareTag = "fs0"
    /// Where the tree is in the root of a monitor that shares it itself.
    public static let sharePath = "/share"

    /// A launch without devices.
    public init(
        bootProtocol: BootProtocol, hardware: GuestHardware, accelerator: Accelerator, isProcessorVirtualised: Bool,
        memoryMiB: UInt64, commandLine: String, control: Int32
    ) {
        self.bootProtocol = bootProtocol
        self.hardware = hardware
        self.accelerator = accelerator
        self.isProcessorVirtualised = isProcessorVirtualised
        self.memoryMiB = memoryMiB
        processors = 1
        self.commandLine = commandLine
        hasInitrd = false
        devices = []
        self.control = control
    }

    /// Its network devices, in order.
    public var networks: [Network] {
        devices.compactMap { if case .network(let network) = $0 { network } else { nil } }
    }

    /// Its disks, in order.
    public var disks: [Disk] { devices.compactMap { if case .disk(let disk) = $0 { disk } else { nil } } }
}
