internal import CLinux

/// A tap device of the calling process's network namespace: Ethernet frames to read and write, non-blocking.
///
/// It goes when its descriptor is closed. See the kernel's Documentation/networking/tuntap.rst.
public struct Tap: ~Copyable {
    /// The file that each of them is open on.
    public static let path = "/dev/net/tun"
    /// The open device.
    public let descriptor: Descriptor
    /// Its name.
    public let name: String

    /// Makes a device.
    ///
    /// - Parameter pattern: The name, with `%d` for the first number that is free; at most 15 bytes.
    public init(_ pattern: String) throws(HostError) {
        var name = [CChar](repeating: 0, count: 16)
        for (index, byte) in pattern.utf8.prefix(15).enumerated() { name[index] = CChar(bitPattern: byte) }
        // SAFETY: the array has the 16 bytes of a name with its NUL, and lives for the call.
        let opened = unsafe name.withUnsafeMutableBufferPointer { unsafe lx_tap_open($0.baseAddress) }
        descriptor = Descriptor(owning: try check("open", "\(Self.path) (\(pattern))", opened))
        self.name = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Opens a link of ``NetworkLinks/makeMacvtap(on:named:)``, in the namespace of the calling process.
    ///
    /// Its device file is one that no other process sees; which one it is, the namespace's own sysfs knows. Needs the right
    /// to make device files.
    public init(macvtap name: String, index: Int32) throws(HostError) {
        let sysfs = try newFileSystem("sysfs", source: "sysfs", options: [], attributes: 0)
        let number = "class/net/\(name)/tap\(index)/dev"
        let parts = try readText(number, in: sysfs.raw).split { $0 == ":" || $0 == "\n" }.compactMap { UInt32($0) }
        guard parts.count == 2 else { throw HostError(call: "read", subject: number, errno: EINVAL) }
        let files = try newFileSystem("tmpfs", source: "tmpfs", options: ["mode=700"], attributes: 0)
        try makeNode("tap", in: files.raw, mode: NodeMode.character | 0o600, major: parts[0], minor: parts[1])
        let opened = try open("tap", in: files.raw, flags: [.readWrite, .nonBlocking])
        try check("TUNSETIFF", name, lx_macvtap_frames(opened.raw))
        descriptor = opened
        self.name = name
    }

    /// Leaves an open tap to whoever opens it next by its name: a process of the caller's user. It stays until it is removed.
    ///
    /// - Parameter descriptor: Its descriptor, which is closed: a tap can be open once.
    public static func leave(_ descriptor: Int32, named name: String) throws(HostError) {
        let tap = Descriptor(owning: descriptor)
        try check("TUNSETPERSIST", name, lx_tap_leave(tap.raw))
    }

    /// The open device alone.
    public consuming func takeDescriptor() -> Descriptor { descriptor }
}
