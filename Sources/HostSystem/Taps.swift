internal import CLinux

/// A tap device of the calling process's network namespace: Ethernet frames to read and write, non-blocking.
///
/// It goes when its descriptor is closed. See the kernel's Documentation/networking/tuntap.rst.
public struct Tap: ~Copyable {
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
        descriptor = Descriptor(owning: try check("open", "/dev/net/tun (\(pattern))", opened))
        self.name = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// The open device alone.
    public consuming func takeDescriptor() -> Descriptor { descriptor }
}
