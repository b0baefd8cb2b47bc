import CLinux
import HostSystem

/// The state an hvt guest begins in: 64-bit mode, memory mapped one to one, interrupts off.
///
/// Layout and register values are those of Solo5's hvt contract; the formats are in the Intel manual, volume 3,
/// chapters 3 (segments) and 4 (paging).
enum HvtProcessor {
    /// Where things lie in the guest's first 64 KiB, which are not mapped for the guest, and right above.
    private static let descriptorTable: UInt64 = 0x1000
    private static let level4: UInt64 = 0x2000
    private static let level3: UInt64 = 0x3000
    private static let level2: UInt64 = 0x4000
    private static let level1: UInt64 = 0x8000
    /// `X86_BOOT_INFO_BASE`, the first page the guest can read.
    static let bootInformation: UInt64 = 0x1_0000

    private static let present: UInt64 = 1
    private static let writable: UInt64 = 2
    private static let large: UInt64 = 0x80
    private static let largePage: UInt64 = 0x20_0000
    private static let guestStart: UInt64 = 0x10_0000

    /// Maps `memory` one to one: 4 KiB pages for the first 2 MiB, 2 MiB pages above.
    ///
    /// Pages below the boot information are not mapped, so that null pointers fault; those up to the guest's own bytes
    /// can be read only.
    static func writePageTables(_ memory: GuestMemory) {
        memory.store(level3 | present | writable, to: level4)
        for directory in UInt64(0)..<4 {
            memory.store((level2 + directory * 0x1000) | present | writable, to: level3 + directory * 8)
        }
        memory.store(level1 | present | writable, to: level2)
        for page in stride(from: bootInformation, to: largePage, by: 0x1000) {
            memory.store(page | present | (page < guestStart ? 0 : writable), to: level1 + page / 0x1000 * 8)
        }
        for page in stride(from: largePage, to: memory.size, by: Int(largePage)) {
            memory.store(page | present | writable | large, to: level2 + page / largePage * 8)
        }
    }

    /// Writes the descriptors of the two flat segments behind the empty one.
    static func writeDescriptorTable(_ memory: GuestMemory) {
        // Present, code, execute-only and accessed, 64-bit, limit in pages; and the same for data, 32-bit.
        memory.store(0x00AF_9900_0000_FFFF as UInt64, to: descriptorTable + 8)
        memory.store(0x00CF_9300_0000_FFFF as UInt64, to: descriptorTable + 16)
    }

    /// Puts the processor `cpu` at `entry` with a stack that ends at the end of `memory`.
    static func setRegisters(of cpu: Int32, entry: UInt64, memory: GuestMemory) throws(HostError) {
        var system = kvm_sregs()
        // SAFETY: both structures live in this frame for as long as the calls.
        try check("ioctl", "KVM_GET_SREGS", unsafe lx_kvm_get_system_registers(cpu, &system))
        system.cr0 = 0x8001_0021  // paging, write protection, numeric errors, protected mode
        system.cr3 = level4
        system.cr4 = 0x620  // physical address extension, SSE state, SSE exceptions
        system.efer = 0x500  // long mode enabled and active
        system.cs = segment(selector: 8, type: 9, long: 1)
        let data = segment(selector: 16, type: 3, long: 0)
        system.ss = data
        system.ds = data
        system.es = data
        system.fs = data
        system.gs = data
        system.gdt.base = descriptorTable
        system.gdt.limit = 23
        system.tr = kvm_segment()
        system.tr.type = 11
        system.tr.present = 1
        system.ldt = kvm_segment()
        system.ldt.unusable = 1
        try check("ioctl", "KVM_SET_SREGS", unsafe lx_kvm_set_system_registers(cpu, &system))
        var registers = kvm_regs()
        registers.rip = entry
        registers.rflags = 2  // the bit that is always set
        registers.rsp = memory.size - 8
        registers.rdi = bootInformation
        try check("ioctl", "KVM_SET_REGS", unsafe lx_kvm_set_registers(cpu, &registers))
    }

    /// A segment over all addresses.
    private static func segment(selector: UInt16, type: UInt8, long: UInt8) -> kvm_segment {
        var segment = kvm_segment()
        segment.limit = 0xFFFF_FFFF
        segment.selector = selector
        segment.type = type
        segment.present = 1
        segment.db = 1 - long
        segment.s = 1
        segment.l = long
        segment.g = 1
        return segment
    }
}
