/// A mount of this process's mount namespace. See proc(5), /proc/PID/mountinfo.
public struct MountEntry: Equatable, Sendable {
    /// The device that holds it, as `major:minor`.
    public let device: String
    /// The mount's number, which /proc/PID/fdinfo has as well.
    public let id: Int32
    /// The directory of the file system that is mounted.
    public let root: String
    /// Where it is mounted.
    public let path: String
    /// The file system's type: `proc`.
    public let type: String

    /// The entry in a line of mountinfo; nil when it is none.
    init?(_ line: Substring) {
        let fields = line.split(separator: " ")
        guard fields.count > 6, let end = fields[6...].firstIndex(of: "-"), end + 1 < fields.count else { return nil }
        device = String(fields[2])
        guard let id = Int32(fields[0]) else { return nil }
        self.id = id
        root = Self.unescaped(fields[3])
        path = Self.unescaped(fields[4])
        type = String(fields[end + 1])
    }

    /// Blanks, line feeds and backslashes are three octal digits after a backslash.
    private static func unescaped(_ field: Substring) -> String {
        guard field.utf8.contains(UInt8(ascii: "\\")) else { return String(field) }
        var bytes = [UInt8]()
        var rest = field.utf8[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\\"), let code = UInt8(String(decoding: rest.prefix(3), as: UTF8.self), radix: 8) {
                bytes.append(code)
                rest = rest.dropFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// The mounts of this process's mount namespace, in the order in which they were made.
public func mountTable() throws(HostError) -> [MountEntry] { try mountTable(of: "self") }

/// The mounts that a process sees, with paths as it sees them. See proc(5), /proc/PID/mountinfo.
///
/// - Parameter process: A pid, or `self`.
public func mountTable(of process: String) throws(HostError) -> [MountEntry] {
    try readText("/proc/\(process)/mountinfo").split(separator: "\n").compactMap { MountEntry($0) }
}
