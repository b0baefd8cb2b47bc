internal import HostSystem

/// What a container's standard descriptors are, where that is nothing of its own: pipes and files of whoever started it.
///
/// Other ones take their place when the container is restored. The names are criu's, and so is a file for them, as runc
/// keeps it beside the images.
struct StandardDescriptors {
    /// The name of that file.
    static let fileName = "descriptors.json"

    /// A name for each of the three: `pipe:[INODE]`, `file[MOUNT:INODE]`, or where it leads inside of the container.
    let names: [String]

    /// Looks at the descriptors of process `pid`.
    init(of pid: Int32) throws(HostError) {
        let mounts = Set(try mountTable(of: "\(pid)").map(\.id))
        names = (0...2).map { number in
            let path = "/proc/\(pid)/fd/\(number)"
            guard let name = try? readLink(path) else { return "" }
            guard name.hasPrefix("/"), let status = try? followedStatus(of: path),
                let mount = Self.mount(of: number, pid), mount >= 0, !mounts.contains(mount)
            else { return name }
            return "file[\(String(UInt64(mount), radix: 16)):\(String(status.inode, radix: 16))]"
        }
    }

    /// The number of the mount in which an open file is. See proc(5), /proc/PID/fdinfo.
    private static func mount(of number: Int, _ pid: Int32) -> Int32? {
        let lines = (try? readText("/proc/\(pid)/fdinfo/\(number)"))?.split(separator: "\n") ?? []
        guard let line = lines.first(where: { $0.hasPrefix("mnt_id:") }) else { return nil }
        return Int32(line.dropFirst(7).drop { $0 == "\t" })
    }

    /// Those that are files outside of the container, which criu has to be told.
    var files: [String] {
        names.reduce(into: []) { found, name in
            if name.hasPrefix("file["), !found.contains(name) { found.append(name) }
        }
    }

    /// Keeps the names beside the images.
    func keep(in images: Int32) throws(HostError) {
        try replaceFile(Self.fileName, in: images, with: JSONValue(names).bytes())
    }

    /// Whether a restored container gets another descriptor for a name.
    static func isInherited(_ name: String) -> Bool { name.hasPrefix("pipe:") || name.hasPrefix("file[") }
}
