public import HostSystem
public import LaunchPlanning

/// The initial RAM disk of a virtual machine: swiftlet as its process 1, and the drivers that this needs.
///
/// One file serves every machine with the same kernel; it is made when there is none. See the kernel's
/// driver-api/early-userspace/buffer-format.rst for the archive.
public struct MachineInitrd {
    /// The directory in which the machine's process 1 finds its modules, and their names in the order of loading.
    public static let (modules, order) = ("/modules", "/modules/order")
    /// The names of those that a machine with a virtio socket device needs besides.
    public static let vsockOrder = "/modules/vsock-order"
    /// The directories that the machine's process 1 mounts something on or writes to.
    private static let directories = ["dev", "proc", "sys", "run", "share", "bundle", "modules"]

    private let plan: MachinePlan

    /// The disk of a planned machine.
    public init(_ plan: MachinePlan) { self.plan = plan }

    /// Makes the file if it is not there.
    ///
    /// - Throws: ``HostSystem/Failure`` that names what cannot be read or written.
    public func ensure() throws(Failure) {
        if exists(plan.initrd) { return }
        do {
            try make()
        } catch {
            throw Failure("cannot make the initial RAM disk of virtual machines at \(plan.initrd)", cause: error)
        }
    }

    private func make() throws {
        guard let slash = plan.initrd.lastIndex(of: "/") else { return }
        let directory = String(plan.initrd[..<slash])
        // Root of a container's user namespace has to get through.
        _ = try makeDirectories(directory, mode: 0o711)
        let folder = try open(directory, flags: [.directory, .noFollow])
        let found = try status(of: folder.raw)
        guard found.owner == effectiveUser(), found.permissions & 0o022 == 0 else {
            throw Failure("others may write to \(directory)")
        }
        // Who comes at the same time waits, and finds it made.
        try lockExclusively(folder.raw)
        let name = String(plan.initrd[plan.initrd.index(after: slash)...])
        if exists(name, in: folder.raw) { return }
        try removeOthers(in: folder.raw)
        try replaceFile(name, in: folder.raw, with: try archive(), mode: 0o444)
    }

    /// What was made of another program or other modules is of no use any more; whoever has it open keeps it.
    private func removeOthers(in folder: Int32) throws(HostError) {
        let old = try entries(of: folder, named: "initial RAM disks").map(\.name)
        guard old.count >= Self.mostKept else { return }
        for name in old { try removeFile(name, in: folder) }
    }

    private static let mostKept = 8

    private func archive() throws -> [UInt8] {
        var archive = CpioArchive()
        for directory in Self.directories { archive.add(directory, mode: 0o040_755) }
        archive.add("dev/console", mode: 0o020_600, device: (5, 1))
        archive.add(String(MachinePlan.initName.dropFirst()), mode: 0o100_755, try Self.content(plan.initProgram))
        var lists = (order: "", vsockOrder: "")
        if let directory = plan.modules {
            let modules = try KernelModules(in: directory)
            let usual = try modules.paths(of: MachinePlan.drivers)
            // Not every kernel has it, and few machines need it.
            let vsock = modules.has(MachinePlan.vsockDriver) ? try modules.paths(of: [MachinePlan.vsockDriver]) : []
            let more = vsock.filter { !usual.contains($0) }
            for path in usual + more {
                archive.add("modules/\(Self.name(path))", mode: 0o100_444, try Self.content("\(directory)/\(path)"))
            }
            lists = (Self.list(usual), Self.list(more))
        }
        archive.add(String(Self.order.dropFirst()), mode: 0o100_444, [UInt8](lists.order.utf8))
        archive.add(String(Self.vsockOrder.dropFirst()), mode: 0o100_444, [UInt8](lists.vsockOrder.utf8))
        return archive.finished
    }

    private static func name(_ path: String) -> String { String(path.split(separator: "/").last ?? "") }
    private static func list(_ paths: [String]) -> String { paths.map { name($0) + "\n" }.joined() }

    private static func content(_ path: String) throws(HostError) -> [UInt8] {
        let file = try open(path, flags: .readOnly)
        return try readAll(file.raw, named: path, limit: 64 << 20)
    }
}

/// A cpio archive in the form that the kernel unpacks: "newc".
struct CpioArchive {
    private var bytes: [UInt8] = []
    private var number: UInt32 = 0

    /// Adds a file, a directory or a node.
    mutating func add(
        _ name: String, mode: UInt32, device: (major: UInt32, minor: UInt32) = (0, 0), _ content: [UInt8] = []
    ) {
        number += 1
        let fields: [UInt32] = [
            number, mode, 0, 0, 1, 0, UInt32(content.count), 0, 0, device.major, device.minor,
            UInt32(name.utf8.count + 1), 0,
        ]
        bytes += "070701".utf8
        for field in fields {
            let digits = String(field, radix: 16)
            bytes += [UInt8](repeating: UInt8(ascii: "0"), count: 8 - digits.utf8.count) + digits.utf8
        }
        bytes += name.utf8
        bytes.append(0)
        pad()
        bytes += content
        pad()
    }

    private mutating func pad() { bytes += [UInt8](repeating: 0, count: -bytes.count & 3) }

    /// The whole archive.
    var finished: [UInt8] {
        var whole = self
        whole.add("TRAILER!!!", mode: 0)
        return whole.bytes
    }
}
