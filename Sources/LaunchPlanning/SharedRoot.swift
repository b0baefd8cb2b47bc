public import GuestModel
internal import HostConfiguration
internal import HostSystem
internal import OCIBundle
internal import OCISpec

/// The container's root filesystem as that of its guest: the same files, with the bind mounts of config.json among them.
public struct SharedRoot: Equatable, Sendable {
    /// How the guest has it.
    public let sharing: FileSharing
    /// The program on the host that serves the files; nil where the monitor does.
    public let server: String?
    /// The numbers of the mounts of config.json that are in it.
    public let mounts: [Int]
    /// Where these are.
    let destinations: [String]
    /// Whether it can only be read; mounts have their own say.
    let isReadOnly: Bool

    /// What its server needs of the container's memory, in MiB.
    var serverMemory: UInt64 { server == nil ? 0 : MachinePlan.fileServerMemory }

    var json: JSONValue {
        [
            "sharing": .string(sharing.rawValue), "tag": .string(MonitorLaunch.shareTag),
            "server": server.map { .string($0) } ?? .null, "mounts": JSONValue(destinations),
            "readOnly": .bool(isReadOnly),
        ]
    }
}

/// Where distributions have the server of files, virtiofsd.
enum FileServer {
    private static let paths = [
        "/usr/libexec/virtiofsd", "/usr/lib/qemu/virtiofsd", "/usr/lib/virtiofsd", "/usr/local/libexec/virtiofsd",
    ]

    /// The program's path: the one the operator names, or the first that is there.
    ///
    /// - Throws: ``HostSystem/Failure`` that says where it was looked for.
    static func find(_ configuration: OperatorConfiguration) throws(Failure) -> String {
        if let path = configuration.machines.fileServer ?? paths.first(where: canExecute) { return path }
        throw Failure(
            "virtiofsd is not installed: neither of \(paths.joined(separator: ", ")) is there "
                + "(\"file-server\" in [vm] of \(configuration.file) names another)")
    }
}

/// A container's wish that its guest have the root filesystem, where that is no block device's.
struct SharedRootSearch {
    /// The ways in which the guest may have it, best first.
    let offered: [FileSharing]
    private let server: String?
    private let isReadOnly: Bool
    /// The numbers of the mounts that are among the files, and where they are.
    private(set) var mounts: [Int] = []
    private var destinations: [String] = []

    /// Finds out what is wished and possible; nil where the guest is to have no files of the host's.
    ///
    /// - Parameter hasDevice: Whether the root filesystem is that of a block device which the guest can have.
    /// - Throws: ``HostSystem/Failure`` that says what is missing, or what of the settings is wrong.
    init?(
        _ found: FoundGuest, _ bundle: borrowing Bundle, _ settings: GuestSettings, hasDevice: () throws -> Bool
    ) throws {
        let wish = try settings.value(.rootSharing)
        let named = try wish.map { (key, value) throws(Failure) in
            if let way = FileSharing(rawValue: value) { return way }
            let known = FileSharing.allCases.map(\.rawValue).joined(separator: " or ")
            throw Failure("\(key) is \"\(value)\", need \(known)")
        }
        guard try settings.value(.mountRootFilesystem)?.value == "true" else { return nil }
        let able = found.guest.hardware?.fileSharing ?? []
        guard !able.isEmpty, try named != nil || !hasDevice() else { return nil }
        if let named, !able.contains(named) {
            throw Failure("a \(found.guest.framework) guest cannot have its root by \(named.rawValue)")
        }
        var ways = named.map { [$0] } ?? able
        do throws(Failure) {
            server = try ways.contains(.virtiofs) ? FileServer.find(found.configuration) : nil
        } catch {
            ways.removeAll { $0 == .virtiofs }
            if ways.isEmpty { throw error }
            server = nil
        }
        offered = ways
        isReadOnly = bundle.spec.root?.readonly ?? false
    }

    /// Finds the files and directories that are bound where a guest has no file systems of its own.
    ///
    /// - Parameter used: The mounts that the guest's block devices take.
    mutating func find(in bundle: borrowing Bundle, besides used: Set<Int>) {
        for (number, mount) in bundle.spec.mounts.enumerated() where !used.contains(number) {
            guard Self.isShareable(mount, mount.sourcePath(bundle: bundle.path)) else { continue }
            mounts.append(number)
            destinations.append(mount.destination)
        }
    }

    private static func isShareable(_ mount: Mount, _ source: String) -> Bool {
        let first = pathParts(mount.destination).first
        guard mount.isBind, let first, !["dev", "proc", "sys"].contains(first) else { return false }
        guard let kind = try? followedStatus(of: source).kind, kind == .regular || kind == .directory,
            let type = try? fileSystemType(at: source)
        else { return false }
        return !FileSystemMagic.kernels.contains(type)
    }

    /// What is shared by one of the ways in ``offered``.
    func plan(_ sharing: FileSharing) -> SharedRoot {
        SharedRoot(
            sharing: sharing, server: sharing == .virtiofs ? server : nil, mounts: mounts,
            destinations: destinations, isReadOnly: isReadOnly)
    }
}
