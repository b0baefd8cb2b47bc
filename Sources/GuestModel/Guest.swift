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
    /// The least guest memory in bytes with which its image can be loaded.
    public let leastMemoryBytes: UInt64

    /// Creates a guest.
    public init(
        framework: String, path: String, bootProtocols: [BootProtocol], devices: [GuestDevice],
        leastMemoryBytes: UInt64
    ) {
        self.framework = framework
        self.path = path
        self.bootProtocols = bootProtocols
        self.devices = devices
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
