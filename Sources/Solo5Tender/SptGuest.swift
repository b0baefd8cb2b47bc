import CLinux
import GuestModel
import HostSystem

/// A guest of the spt contract in this very process: its memory at its own addresses, its calls through seccomp.
///
/// The contract is Solo5's `spt_abi.h`, version 2.
struct SptGuest {
    /// `SPT_HOST_MEM_BASE`: the kernel does not map below it (vm.mmap_min_addr).
    private static let memoryStart: UInt64 = 0x1_0000
    /// `SPT_BOOT_INFO_BASE`.
    private static let bootInformation: UInt64 = 0x1_1000

    private let filter: SeccompProgram
    private let entry: UInt64
    private let memoryBytes: UInt64
    private let faults: FaultRecord

    init(_ launch: TenderLaunch, _ binary: GuestBinary, faults: FaultRecord) throws {
        try SptGuest.refuseExecutableData()
        try SptGuest.mapMemory(binary.memoryBytes)
        try binary.load(at: 0, executable: true)
        binary.close()
        let waits = try WaitSet(binary.attachments)
        var descriptors: [UInt8] = []
        descriptors.append(number: waits.descriptor)
        descriptors.append(number: waits.timer)
        let boot = binary.bootInformation(at: Self.bootInformation, frequency: nil, extra: descriptors)
        // SAFETY: boot information, manifest and command line have less than 0x4000 bytes, and the memory mapped above
        // is free from 0x11000 up to the first segment at 0x100000.
        unsafe UnsafeMutableRawPointer(bitPattern: Int(Self.bootInformation))?.copyMemory(
            from: boot, byteCount: boot.count)
        filter = try SeccompProgram(allowing: SptGuest.allowList(waits, binary.attachments))
        entry = binary.plan.entry
        memoryBytes = binary.memoryBytes
        self.faults = faults
        try setNoNewPrivileges()
    }

    /// With READ_IMPLIES_EXEC every readable page would be executable, the guest's data too; see personality(2).
    private static func refuseExecutableData() throws {
        let personality = try check("personality", "", lx_personality(0xFFFF_FFFF))
        guard personality & 0x40_0000 == 0 else {
            throw Failure("cannot run an spt guest in a process with the READ_IMPLIES_EXEC personality")
        }
    }

    private static func mapMemory(_ bytes: UInt64) throws {
        let address = lx_guest_map(memoryStart, bytes - memoryStart)
        if address == -Int64(EEXIST) || address > 0 && address != memoryStart {
            throw Failure(
                "guest memory of \(bytes >> 20) MiB overlaps this program's own addresses: "
                    + "it is too large for this build of swiftlet")
        }
        try check("mmap", "guest memory of \(bytes >> 20) MiB", Int(address))
    }

    /// The calls of the spt contract, and no other.
    private static func allowList(_ waits: WaitSet, _ attachments: [GuestBinary.Attachment]) -> [AllowedCall] {
        var rules = [
            AllowedCall("write", .file(1), for: "console output"),
            AllowedCall("exit_group", for: "the guest's end, and that of the fault handler"),
            AllowedCall("epoll_pwait", .file(waits.descriptor), for: "yield: wait for frames or the timer"),
            AllowedCall("timerfd_settime", .file(waits.timer), for: "yield: until when"),
            AllowedCall("clock_gettime", .equal(argument: 0, UInt64(CLOCK_MONOTONIC)), for: "the guest's clock"),
            AllowedCall("clock_gettime", .equal(argument: 0, UInt64(CLOCK_REALTIME)), for: "the wall clock"),
            AllowedCall("arch_prctl", .equal(argument: 0, 0x1002), for: "ARCH_SET_FS: thread-local storage"),
        ]
        for attachment in attachments {
            let descriptor = attachment.device.descriptor
            switch attachment.device.kind {
            case .block(let capacity, let sector):
                // One sector at a time, as the contract says; without the limit a guest could make its file grow.
                let last = capacity - UInt64(sector)
                for (call, reason) in [("pread64", "read a sector"), ("pwrite64", "write a sector")] {
                    rules.append(
                        AllowedCall(
                            call, .file(descriptor), .equal(argument: 2, UInt64(sector)),
                            .atMost(argument: 3, last), for: reason))
                }
            case .net:
                rules.append(AllowedCall("read", .file(descriptor), for: "receive a frame"))
                rules.append(AllowedCall("write", .file(descriptor), for: "send a frame"))
            }
        }
        return rules
    }

    /// Becomes the guest. Nothing else of this process is left in its address space then.
    func enter() -> Never {
        // The ABI of a function's first instruction: the stack is 8 below a multiple of 16.
        var place = lx_spt_entry(
            memory: memoryBytes, entry: entry, stack: memoryBytes - 8, argument: Self.bootInformation)
        // SAFETY: the entry point lies in an executable region and the stack ends at the end of the guest's memory, both
        // mapped by init; program and place are copied before anything is unmapped, and the call returns only when that
        // could not be prepared.
        let refused = unsafe filter.instructions.withUnsafeBytes { program in
            unsafe lx_spt_enter(faults.page, program.baseAddress, program.count, &place)
        }
        try? Program.write("cannot start the guest: \(errorText(-refused))\n", to: .error)
        exitNow(255)
    }
}
