internal import HostSystem
internal import OCISpec

/// What a container can say of its guest, by the last part of swiftlet's own name for it.
///
/// See Specs/annotations.md.
public enum GuestName: String, CaseIterable, Sendable {
    /// The image's path in the root filesystem.
    case binary
    /// The framework.
    case framework = "type"
    /// The framework's version.
    case version
    /// The monitor.
    case monitor
    /// The guest's command line.
    case commandLine = "cmdline"
    /// The path of the initial RAM disk in the root filesystem.
    case initrd
    /// An image on the host.
    case hostKernel = "host-kernel"
    /// An initial RAM disk on the host.
    case hostInitrd = "host-initrd"
    /// The monitor's program on the host.
    case monitorPath = "monitor-path"
    /// What is behind the guest's first block device.
    case block
    /// Where the guest mounts its first block device.
    case blockMountPoint = "block-mount-point"
    /// Whether the device of the root filesystem is for the guest.
    case mountRootFilesystem = "mount-rootfs"
    /// How the guest has the root filesystem where that is not by a block device.
    case rootSharing = "root-sharing"
    /// How the guest reaches a vAccel agent.
    case accelerator = "vaccel"
    /// Where that agent is.
    case acceleratorAddress = "vaccel-address"
    /// Whether the guest has a virtio socket device.
    case vsock

    static let ownPrefix = "org.swiftlet.unikernel."
    static let uruncPrefix = "com.urunc.unikernel."
    static let kraftPrefix = "org.unikraft."

    /// The whole names in the order in which they are looked for: swiftlet's, urunc's, kraft's.
    public var names: [String] {
        [Self.ownPrefix + rawValue] + urunc.map { Self.uruncPrefix + $0 } + kraft.map { Self.kraftPrefix + $0 }
    }

    private var urunc: [String] {
        switch self {
        case .binary: ["binary"]
        case .framework: ["unikernelType"]
        case .version: ["unikernelVersion"]
        case .monitor: ["hypervisor"]
        case .commandLine: ["cmdline"]
        case .initrd: ["initrd"]
        case .hostKernel: ["bootKernel"]
        case .hostInitrd: ["bootInitrd"]
        case .monitorPath: []
        case .block: ["block"]
        case .blockMountPoint: ["blkMntPoint"]
        // The second is what urunc called it before version 0.6.
        case .mountRootFilesystem: ["mountRootfs", "useDMBlock"]
        case .rootSharing: []
        case .accelerator: ["vAccel"]
        case .acceleratorAddress: ["RPCAddress"]
        case .vsock: []
        }
    }

    /// What kraft writes into an image's manifest and the annotations of its layers.
    private var kraft: [String] {
        switch self {
        case .binary: ["kernel.image"]
        case .version: ["kernel.version"]
        case .initrd: ["kernel.initrd"]
        default: []
        }
    }

    /// Whether it is about the host, and refused unless the operator allows it.
    public var isRestricted: Bool { self == .hostKernel || self == .hostInitrd || self == .monitorPath }

    /// What says that a container holds a guest, and what kind.
    static let marks: [GuestName] = [
        .binary, .framework, .version, .monitor, .commandLine, .initrd, .hostKernel, .hostInitrd, .monitorPath,
    ]
}

/// Something that is said of a guest, and by which name.
public struct GuestStatement: Equatable, Sendable {
    /// The annotation, or the property of config.json as a JSON pointer.
    public let name: String
    /// What it says.
    public let value: String

    /// Whether the name is one of urunc's, whose values may be base64.
    public var isUruncs: Bool { name.hasPrefix(GuestName.uruncPrefix) }

    /// What `value` has under one of `names`; an empty value counts as none.
    ///
    /// - Throws: ``HostSystem/Failure`` that names both when two names have different values.
    static func find(
        _ names: [String], in source: String, more: [GuestStatement] = [], _ value: (String) -> String?
    ) throws(Failure) -> GuestStatement? {
        var found = names.compactMap { name -> GuestStatement? in
            guard let text = value(name), !text.isEmpty else { return nil }
            let statement = GuestStatement(name: name, value: text)
            return statement.isUruncs ? GuestStatement(name: name, value: plain(text)) : statement
        }
        found = more + found
        guard let first = found.first else { return nil }
        guard let other = found.first(where: { $0.value != first.value }) else { return first }
        throw Failure(
            "\(source) contradict each other: \(first.name) is \"\(first.value)\", \(other.name) is \"\(other.value)\"")
    }

    /// A value that may be base64: decoded when what comes out is printable text, else as it is.
    static func plain(_ text: String) -> String {
        guard let bytes = decodeBase64(text), bytes.allSatisfy({ $0 >= 32 && $0 != 127 }),
            let decoded = String(validating: bytes, as: UTF8.self)
        else { return text }
        return decoded
    }
}
