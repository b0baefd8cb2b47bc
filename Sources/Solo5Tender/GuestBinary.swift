import CLinux
import GuestModel
import HostSystem

/// An open file as the ELF reader wants it.
private struct OpenFile: ByteSource {
    let descriptor: Int32
    let size: UInt64

    init(_ descriptor: Int32) throws {
        self.descriptor = descriptor
        size = try status(of: descriptor).size
    }

    func read(at offset: UInt64, count: Int) throws -> [UInt8] {
        try HostSystem.read(descriptor, named: "guest executable", at: offset, count: count)
    }
}

/// The guest's executable, checked against the launch: every device attached, everything inside the memory.
struct GuestBinary {
    /// A device of the manifest with what is behind it.
    struct Attachment {
        let handle: Int
        let device: AttachedDevice
    }

    /// What goes where in the guest's memory.
    let plan: Solo5LoadPlan
    /// The guest's memory in bytes.
    let memoryBytes: UInt64
    /// The devices in the order of the manifest.
    let attachments: [Attachment]
    /// The manifest as the guest is to see it: devices attached, with their properties.
    let manifest: [UInt8]
    /// The command line without a NUL.
    let commandLine: [UInt8]

    private let descriptor: Int32

    /// Reads and checks the executable of `launch`.
    init(_ launch: TenderLaunch) throws {
        descriptor = launch.executable
        let elf = try ELFImage(OpenFile(launch.executable))
        try elf.checkIsX86_64()
        guard let solo5 = try Solo5Binary(elf) else { throw Failure("guest executable is no Solo5 binary") }
        memoryBytes = try GuestBinary.memoryBytes(launch)
        let target: Solo5Binary.Target = launch.target == .hvt ? .hvt : .spt
        try solo5.validate(for: target, memoryBytes: memoryBytes)
        plan = try solo5.loadPlan(memoryBytes: memoryBytes)
        guard launch.commandLine.count < GuestBinary.commandLineSize else {
            throw Failure(
                "guest command line has \(launch.commandLine.count) bytes, Solo5 takes at most "
                    + "\(GuestBinary.commandLineSize - 1)")
        }
        guard !launch.commandLine.contains(0) else { throw Failure("guest command line contains a NUL byte") }
        commandLine = launch.commandLine
        attachments = try GuestBinary.attach(launch.devices, to: solo5.devices)
        manifest = GuestBinary.manifest(solo5.manifest.bytes, attachments, target: launch.target)
    }

    /// `HVT_CMDLINE_SIZE` and `SPT_CMDLINE_SIZE`: with the NUL.
    private static let commandLineSize = 8192

    private static func memoryBytes(_ launch: TenderLaunch) throws -> UInt64 {
        // hvt maps 2 MiB pages through four page directories, hence even numbers up to 4 GiB; spt only has to stay
        // below the addresses the kernel gives to a process.
        let (granule, limit): (UInt64, UInt64) = launch.target == .hvt ? (2, 4096) : (1, 1 << 27)
        let mebibytes = launch.memoryMiB / granule * granule
        guard mebibytes >= granule, mebibytes <= limit else {
            throw Failure(
                "guest memory of \(launch.memoryMiB) MiB is not possible, need \(granule) to \(limit) MiB")
        }
        return mebibytes << 20
    }

    /// Places the file's bytes at `base`, where guest address 0 would be, and protects each region.
    ///
    /// The memory must be fresh: what the file does not fill is expected to be zero already.
    /// - Parameter executable: Whether the guest executes these very pages (spt), or a virtual machine does (hvt): then
    ///   the host needs to read them, and must not execute them.
    func load(at base: Int, executable: Bool) throws {
        for region in plan.regions {
            var done: UInt64 = 0
            while done < region.fileSize {
                let count = try check(
                    "pread", "guest executable",
                    // SAFETY: loadPlan checked that the region lies inside the guest's memory, which is mapped at base.
                    unsafe Int(
                        lx_guest_pread(
                            descriptor, UnsafeMutableRawPointer(bitPattern: base + Int(region.address + done)),
                            Int(region.fileSize - done), region.fileOffset + done)))
                guard count > 0 else { throw Failure("guest executable became shorter while it was read") }
                done += UInt64(count)
            }
            let readable = region.readable || (region.executable && !executable)
            try check(
                "mprotect", "guest memory",
                // SAFETY: as above; the range holds whole pages of the guest's memory.
                unsafe lx_guest_protect(
                    UnsafeMutableRawPointer(bitPattern: base + Int(region.start)), Int(region.end - region.start),
                    readable ? 1 : 0, region.writable ? 1 : 0, region.executable && executable ? 1 : 0))
        }
    }

    /// Closes the executable, which nobody needs once it is loaded.
    func close() {
        _ = lx_close(descriptor)
    }
}
