public import HostSystem
public import LaunchPlanning

/// A block device of a guest's, open.
public struct OpenBlock {
    /// The guest's own name for it.
    public let name: String
    /// Its size in bytes.
    public let capacityBytes: UInt64
    /// The size of a sector in bytes.
    public let sectorBytes: UInt16
    /// The open file.
    public let descriptor: Int32
    /// The file system that the packed directory is the one file of, mounted nowhere yet; nil for anything else.
    public let mount: Int32?
}

/// Opens what is behind a guest's block devices, as the runtime: neither a rule about devices nor the container's user
/// stands in the way. Files that are used otherwise meanwhile are refused.
///
/// - Parameters:
///   - blocks: What the plan found.
///   - root: The container's root filesystem.
///   - held: Takes the open files.
///   - volumeName: The name of the file that a directory becomes, for a monitor that has to open it by a path; nil for a
///     file in memory without one.
/// - Throws: ``HostSystem/Failure`` that names the device and the file.
public func openBlocks(
    _ blocks: PlannedBlocks, root: Int32, held: DescriptorSet, volumeName: String? = nil
) throws(Failure) -> [OpenBlock] {
    var opened = [OpenBlock]()
    for (plan, place) in zip(blocks.plans, blocks.places) {
        do {
            if let volumeName, case .volume(let volume) = plan.content {
                let packer = VolumePacker(volume, sectorBytes: plan.sectorBytes)
                opened.append(try mounted(packer, named: volumeName, for: plan, at: place, held))
                continue
            }
            let (descriptor, capacity) = try open(plan, at: place, root, held)
            opened.append(
                OpenBlock(
                    name: plan.name, capacityBytes: capacity, sectorBytes: plan.sectorBytes, descriptor: descriptor,
                    mount: nil))
        } catch {
            throw Failure("cannot attach \(plan.path) as block device '\(plan.name)'", cause: error)
        }
    }
    return opened
}

/// Packs a directory into the one file of a file system in memory, which can only be read then.
private func mounted(
    _ packer: VolumePacker, named name: String, for plan: BlockPlan, at place: Int32, _ held: DescriptorSet
) throws -> OpenBlock {
    let files = try newFileSystem("tmpfs", source: "tmpfs", options: ["mode=755", "nr_inodes=2"], attributes: 0)
    let file = try packer.pack(place, into: name, of: files.raw)
    let size = try status(of: file.raw).size
    let reader = try HostSystem.open(descriptorPath(file.raw), flags: .readOnly)
    // A file system that somebody writes to cannot be made one that is read only.
    _ = consume file
    let restrictions = [
        MountAttribute.readOnly, MountAttribute.noSetUserID, MountAttribute.noDevices, MountAttribute.noExecute,
    ]
    try setMountAttributes(files.raw, set: restrictions.reduce(0, |), recursive: false)
    return OpenBlock(
        name: plan.name, capacityBytes: size, sectorBytes: plan.sectorBytes, descriptor: held.hold(reader),
        mount: held.hold(files))
}

private func open(
    _ plan: BlockPlan, at place: Int32, _ root: Int32, _ held: DescriptorSet
) throws -> (Int32, UInt64) {
    if case .volume(let volume) = plan.content {
        let file = try VolumePacker(volume, sectorBytes: plan.sectorBytes).pack(place)
        let size = try status(of: file.raw).size
        // A monitor may want a descriptor that says itself that it is for reading.
        return (held.hold(try HostSystem.open(descriptorPath(file.raw), flags: .readOnly)), size)
    }
    if plan.content == .rootFilesystem {
        let tree = try HostSystem.open(descriptorPath(root), flags: .directory)
        try writeBack(fileSystemOf: tree.raw)
    }
    let isFile = plan.content == .file
    let file = try openForUse(plan, at: place)
    let capacity = isFile ? try status(of: file.raw).size : try blockDeviceSize(file.raw, named: plan.path)
    guard capacity > 0 else { throw Failure("it is empty") }
    guard capacity % UInt64(plan.sectorBytes) == 0 else {
        throw Failure("it has \(capacity) bytes, not a whole number of sectors of \(plan.sectorBytes) bytes")
    }
    return (held.hold(file), capacity)
}

/// A device that is mounted, or open elsewhere in the same way, is not to be written to: see open(2), O_EXCL.
private func openForUse(_ plan: BlockPlan, at place: Int32) throws -> Descriptor {
    let path = descriptorPath(place)
    var isWritable = !plan.isReadOnly
    var file: Descriptor
    do throws(HostError) {
        let writing: OpenFlags = plan.content == .file ? .readWrite : [.readWrite, .exclusive]
        file = try HostSystem.open(path, flags: isWritable ? writing : .readOnly)
    } catch {
        if error.isBusy { throw Failure("it is in use, for example mounted") }
        // What is on a file system that can only be read is not written to in any container.
        guard isWritable, error.isReadOnlyFileSystem else { throw Failure("cannot open it: \(error.reason)") }
        isWritable = false
        do throws(HostError) {
            file = try HostSystem.open(path, flags: .readOnly)
        } catch {
            throw Failure("cannot open it: \(error.reason)")
        }
    }
    guard try lockForUse(file.raw, writing: isWritable) else {
        throw Failure("it is in use by another device, of this guest or another, and one of them writes to it")
    }
    return file
}
