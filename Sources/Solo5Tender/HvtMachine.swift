import CLinux
import GuestModel
import HostSystem

/// A guest of the hvt contract: a virtual machine with one processor, memory, and a dozen hypercalls.
///
/// The contract is Solo5's `hvt_abi.h`, version 2. The ring of its newer tenders is not offered.
struct HvtMachine {
    let memory: GuestMemory
    let hypercalls: HvtHypercalls
    private let cpu: Int32
    private let run: Int
    private let filter: SeccompProgram
    private let faults: FaultRecord

    init(_ launch: TenderLaunch, _ binary: GuestBinary, faults: FaultRecord) throws {
        guard let kvm = launch.kvm else { throw Failure("an hvt guest needs /dev/kvm") }
        try HvtMachine.checkSupport(kvm)
        memory = try GuestMemory(loading: binary)
        binary.close()
        let machine = try check("ioctl", "KVM_CREATE_VM", lx_kvm_create_machine(kvm))
        // SAFETY: the guest's memory stays mapped until the process ends.
        let hostMemory = unsafe UnsafeRawPointer(bitPattern: memory.base)
        try check("ioctl", "KVM_SET_USER_MEMORY_REGION", unsafe lx_kvm_set_memory(machine, hostMemory, memory.size))
        cpu = try check("ioctl", "KVM_CREATE_VCPU", lx_kvm_create_cpu(machine))
        let runSize = try check("ioctl", "KVM_GET_VCPU_MMAP_SIZE", lx_kvm_run_size(kvm))
        guard Int(runSize) >= MemoryLayout<kvm_run>.size else {
            throw Failure("KVM shares \(runSize) bytes with its user, need \(MemoryLayout<kvm_run>.size)")
        }
        run = try check("mmap", "virtual processor", Int(lx_kvm_map_run(cpu, Int(runSize))))
        try check("ioctl", "KVM_SET_CPUID2", lx_kvm_copy_cpuid(kvm, cpu))
        // The guest's process keeps its own machine only, not the way to make another.
        _ = Descriptor(owning: kvm)
        let kilohertz = try check("ioctl", "KVM_GET_TSC_KHZ", lx_kvm_tsc_khz(cpu))
        HvtProcessor.writePageTables(memory)
        HvtProcessor.writeDescriptorTable(memory)
        try HvtProcessor.setRegisters(of: cpu, entry: binary.plan.entry, memory: memory)
        // The features offered and accepted and the ring's address, all zero; older guests do not look.
        let boot = binary.bootInformation(
            at: HvtProcessor.bootInformation, frequency: UInt64(kilohertz) * 1000,
            extra: [UInt8](repeating: 0, count: 16))
        memory.copy(boot, to: HvtProcessor.bootInformation)
        let waits = try WaitSet(binary.attachments)
        hypercalls = HvtHypercalls(memory: memory, waits: waits, attachments: binary.attachments)
        filter = try SeccompProgram(allowing: HvtMachine.allowList(cpu, waits, binary.attachments))
        self.faults = faults
        try setNoNewPrivileges()
    }

    private static func checkSupport(_ kvm: Int32) throws {
        let version = try check("ioctl", "KVM_GET_API_VERSION", lx_kvm_api_version(kvm))
        // The only version since Linux 2.6.22; see Linux' Documentation/virt/kvm/api.rst.
        guard version == 12 else { throw Failure("KVM has API version \(version), need 12") }
        guard lx_kvm_has_user_memory(kvm) > 0, lx_kvm_has_tsc_khz(kvm) > 0 else {
            throw Failure("KVM lacks KVM_CAP_USER_MEMORY or KVM_CAP_GET_TSC_KHZ")
        }
    }

    /// What the monitor calls while the guest runs, and no more.
    private static func allowList(
        _ cpu: Int32, _ waits: WaitSet, _ attachments: [GuestBinary.Attachment]
    ) -> [AllowedCall] {
        let executable: UInt64 = 4
        var rules = [
            AllowedCall(
                "ioctl", .file(cpu), .equal(argument: 1, lx_kvm_run_request()), for: "run the guest"),
            AllowedCall(
                "ioctl", .file(cpu), .equal(argument: 1, lx_kvm_get_registers_request()),
                for: "report a fault"),
            AllowedCall("write", .file(1), for: "console output"),
            AllowedCall("poll", for: "wait for a console that is full"),
            AllowedCall("write", .file(2), for: "the monitor's own last words, should it trap"),
            AllowedCall("epoll_pwait", .file(waits.descriptor), for: "poll: wait for frames or the timer"),
            AllowedCall("timerfd_settime", .file(waits.timer), for: "poll: until when"),
            AllowedCall("clock_gettime", for: "walltime, where the vDSO cannot tell it"),
            AllowedCall("exit_group", for: "the guest's end"),
            AllowedCall("brk", for: "allocator: text of a fault report"),
            AllowedCall("mmap", .without(argument: 2, bits: executable), for: "allocator"),
            AllowedCall("munmap", for: "allocator"),
            AllowedCall("mremap", for: "allocator"),
            AllowedCall(
                "mprotect", .without(argument: 2, bits: executable), for: "allocator, when it has several arenas"),
            AllowedCall("madvise", for: "allocator"),
            AllowedCall("futex", for: "one-time initialisation in Swift's runtime"),
            AllowedCall("getrandom", for: "one-time initialisation in Swift's runtime"),
        ]
        for attachment in attachments {
            let descriptor = attachment.device.descriptor
            let calls =
                switch attachment.device.kind {
                case .block: [("pread64", "read sectors"), ("pwrite64", "write sectors")]
                case .net: [("read", "receive a frame"), ("write", "send a frame")]
                }
            for (call, reason) in calls {
                rules.append(AllowedCall(call, .file(descriptor), for: reason))
            }
        }
        return rules
    }

    /// Becomes the guest's machine.
    func enter() -> Never {
        do throws(HostError) {
            try filter.load()
        } catch {
            stop("cannot start the guest: \(error)")
        }
        // SAFETY: init mapped the page that KVM shares; it stays until the process ends.
        guard let shared = unsafe UnsafeMutablePointer<kvm_run>(bitPattern: run) else { stop("no virtual processor") }
        while true {
            let result = lx_kvm_run(cpu)
            guard result == 0 else {
                let why = result == -EFAULT ? "access to memory that is protected" : "KVM_RUN: \(errorText(-result))"
                fault(why)
            }
            unsafe handle(shared)
        }
    }

    /// Does what the guest left `KVM_RUN` for, or ends it.
    private func handle(_ run: UnsafeMutablePointer<kvm_run>) {
        // SAFETY: KVM fills in the member of the union that belongs to the exit reason.
        switch unsafe run.pointee.exit_reason {
        case UInt32(KVM_EXIT_IO):
            let port = unsafe run.pointee.io
            guard port.direction == KVM_EXIT_IO_OUT, port.size == 4, port.count == 1 else {
                fault("access to port \(hex(port.port)), which is no hypercall")
            }
            // SAFETY: KVM's data lies in the page it shares, at the offset it tells.
            let argument = unsafe UnsafeRawPointer(run).loadUnaligned(
                fromByteOffset: Int(port.data_offset), as: UInt32.self)
            do {
                try hypercalls.perform(port: port.port, argument: UInt64(argument))
            } catch { fault(error.description) }
        case UInt32(KVM_EXIT_MMIO):
            let access = unsafe run.pointee.mmio
            let what = access.is_write != 0 ? "write to" : "read of"
            fault("\(what) \(hex(access.phys_addr)), which is protected or outside the guest's memory")
        case UInt32(KVM_EXIT_SHUTDOWN): fault("triple fault")
        case UInt32(KVM_EXIT_HLT): fault("processor halted with interrupts off")
        case UInt32(KVM_EXIT_FAIL_ENTRY):
            unsafe fault(
                "KVM cannot enter the guest, reason \(hex(run.pointee.fail_entry.hardware_entry_failure_reason))")
        case UInt32(KVM_EXIT_INTERNAL_ERROR):
            let detail = unsafe run.pointee.internal.suberror
            fault("KVM internal error \(detail)\(detail == 1 ? " (it cannot emulate an instruction)" : "")")
        case let reason: fault("unexpected KVM exit \(reason)")
        }
    }

    /// Ends the process with 255 and a report of the guest's registers.
    private func fault(_ cause: String) -> Never {
        var registers = kvm_regs()
        // SAFETY: the structure lives in this frame for as long as the call; it stays zero when the call fails.
        _ = unsafe lx_kvm_get_registers(cpu, &registers)
        stop(RegisterReport(cause: cause, registers).text)
    }

    private func stop(_ report: String) -> Never {
        faults.record(report)
        exitNow(255)
    }
}
