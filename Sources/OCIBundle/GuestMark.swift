internal import HostSystem
public import OCISpec

/// What a container says about the guest in its root filesystem, and where it says so.
public struct GuestMark: Equatable, Sendable {
    /// Where it was found, as a message names it: `annotations`, `/urunc.json`, `environment`.
    public let source: String
    /// The image's path in the root filesystem; nil for the program that the container runs.
    public var binary: String?
    /// The framework's name.
    public var framework: String?
    /// The monitor's name.
    public var monitor: String?
    /// A command line for the guest, in place of the container's arguments.
    public var commandLine: String?

    /// The mark in the container's annotations; nil when there is none.
    ///
    /// swiftlet's own names come first, then those of images made for urunc, whose values are base64 or plain.
    public static func inAnnotations(_ annotations: StringMap) -> GuestMark? {
        find("annotations") { annotations[$0] }
    }

    /// The mark in `/urunc.json` of the root filesystem; nil when there is no such file.
    ///
    /// - Throws: ``HostSystem/JSONError`` or ``HostSystem/Failure`` when the file is there and cannot be understood.
    public static func inMetadata(of root: borrowing RootFilesystem) throws -> GuestMark? {
        guard let json = try metadata(of: root) else { return nil }
        guard let mark = find(metadataPath, { json[$0]?.string }) else {
            throw Failure("\(metadataPath) in the root filesystem does not describe a unikernel")
        }
        return mark
    }

    static func metadata(of root: borrowing RootFilesystem) throws -> JSONValue? {
        guard let file = try root.openFile(metadataPath) else { return nil }
        guard file.size <= largestMetadata else {
            throw Failure(
                "\(metadataPath) in the root filesystem has \(file.size) bytes, at most \(largestMetadata) are read")
        }
        return try parseJSON(try file.read(at: 0, count: Int(file.size)), named: metadataPath)
    }

    /// The mark in the container's environment: `SWIFTLET_UNIKERNEL` and `SWIFTLET_MONITOR`; nil when there is none.
    public static func inEnvironment(_ environment: [String]) -> GuestMark? {
        func value(_ name: String) -> String? {
            let entry = environment.last { $0.hasPrefix(name + "=") }
            return entry.map { String($0.dropFirst(name.count + 1)) }.flatMap { $0.isEmpty ? nil : $0 }
        }
        guard let binary = value("SWIFTLET_UNIKERNEL") else { return nil }
        return GuestMark(source: "environment", binary: binary, monitor: value("SWIFTLET_MONITOR"))
    }

    static let ownPrefix = "org.swiftlet.unikernel."
    static let peerPrefix = "com.urunc.unikernel."
    static let metadataPath = "/urunc.json"
    static let largestMetadata: UInt64 = 1 << 20

    init(source: String, binary: String? = nil, monitor: String? = nil) {
        self.source = source
        self.binary = binary
        self.monitor = monitor
    }

    private static func find(_ source: String, _ value: (String) -> String?) -> GuestMark? {
        func first(_ own: String, _ peer: String) -> String? { setting(own, peer, value)?.value }
        var mark = GuestMark(source: source)
        mark.binary = first("binary", "binary")
        mark.framework = first("type", "unikernelType")
        mark.monitor = first("monitor", "hypervisor")
        mark.commandLine = first("cmdline", "cmdline")
        return mark == GuestMark(source: source) ? nil : mark
    }

    /// What `value` has under swiftlet's name `own`, else under urunc's name `peer`, with the whole name; an empty one
    /// counts as none.
    static func setting(
        _ own: String, _ peer: String?, _ value: (String) -> String?
    ) -> (name: String, value: String)? {
        if let text = value(ownPrefix + own), !text.isEmpty { return (ownPrefix + own, text) }
        guard let peer, let text = value(peerPrefix + peer), !text.isEmpty else { return nil }
        return (peerPrefix + peer, plain(text))
    }

    /// A value that may be base64: decoded when what comes out is printable text, else as it is.
    static func plain(_ text: String) -> String {
        guard let bytes = decodeBase64(text), bytes.allSatisfy({ $0 >= 32 && $0 != 127 }),
            let decoded = String(validating: bytes, as: UTF8.self)
        else { return text }
        return decoded
    }
}
