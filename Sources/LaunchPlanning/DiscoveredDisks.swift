internal import HostSystem
internal import OCIBundle
internal import OCISpec

extension BlockSearch {
    /// The disks of a guest that finds out for itself which there are: each that the container speaks of.
    ///
    /// The root filesystem's device comes first, then what is named without a name of its own, then the named ones by
    /// their names, then mounts at /dev/NAME and block devices of config.json in its order.
    ///
    /// - Parameter sharesRoot: Whether the guest has the root filesystem in another way.
    func discoverable(sharesRoot: Bool) throws -> [String] {
        var names: [String] = []
        if try !sharesRoot && settings.value(.mountRootFilesystem)?.value == "true" { names.append(Self.rootDisk) }
        if try settings.value(.block) != nil { names.append(Self.firstDisk) }
        names += settings.names(beginningWith: "block.")
        let mounts = spec.mounts.filter { $0.isBind && !GuestMounts.isEngines($0) }.map { pathParts($0.destination) }
        let devices = (spec.linux?.devices ?? []).filter { $0.type == .block }.map { pathParts($0.path) }
        for path in mounts + devices where path.count == 2 && path[0] == "dev" { names.append(String(path[1])) }
        var known: Set<String> = []
        return names.filter { known.insert($0).inserted }
    }

    /// The name of the disk that holds the root filesystem.
    private static let rootDisk = "rootfs"
    /// The name of a disk that has none.
    private static let firstDisk = "disk"
}
