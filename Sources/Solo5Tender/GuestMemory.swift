import CLinux
import GuestModel
import HostSystem

/// The memory of an hvt guest as the monitor sees it: guest addresses are offsets, each checked before it is used.
struct GuestMemory {
    /// What the monitor is about to do with a range.
    enum Access {
        case read, write
    }

    /// The host address of guest address zero.
    let base: Int
    /// Bytes.
    let size: UInt64
    /// Ranges that the host has protected, and that the monitor would therefore fault on.
    private let regions: [Solo5LoadPlan.Region]

    /// Below is the monitor's own: descriptor table and page tables, which the guest cannot see.
    private static let lowest: UInt64 = 0x1_0000
    /// Below the guest can only read.
    private static let lowestWritable: UInt64 = 0x10_0000

    /// Maps `binary`'s memory anywhere and loads the guest into it.
    init(loading binary: GuestBinary) throws {
        size = binary.memoryBytes
        base = try check("mmap", "guest memory of \(size >> 20) MiB", Int(lx_guest_map(0, size)))
        regions = binary.plan.regions
        try binary.load(at: base, executable: false)
    }

    /// The host's pointer to `count` bytes at the guest's `address`; nil when the guest may not touch all of them so.
    func pointer(_ address: UInt64, count: UInt64, for access: Access) -> UnsafeMutableRawPointer? {
        let (end, overflow) = address.addingReportingOverflow(count)
        guard !overflow, end <= size, address >= (access == .read ? Self.lowest : Self.lowestWritable) else {
            return nil
        }
        for region in regions where address < region.end && region.start < end {
            guard access == .read ? region.readable || region.executable : region.writable else { return nil }
        }
        return unsafe UnsafeMutableRawPointer(bitPattern: base + Int(address))
    }

    /// Reads the number at `address`, which the caller has found readable.
    func load<Number: FixedWidthInteger>(_ type: Number.Type, from address: UInt64) -> Number {
        // SAFETY: the caller checked the range with pointer(_:count:for:), or laid it out itself.
        unsafe UnsafeRawPointer(bitPattern: base + Int(address))?.loadUnaligned(as: type) ?? 0
    }

    /// Writes the number at `address`, which the caller has found writable.
    func store(_ number: some FixedWidthInteger, to address: UInt64) {
        // SAFETY: the caller checked the range with pointer(_:count:for:), or laid it out itself.
        unsafe UnsafeMutableRawPointer(bitPattern: base + Int(address))?.storeBytes(of: number, as: type(of: number))
    }

    /// Copies `bytes` to `address`, a place that the monitor laid out itself.
    func copy(_ bytes: [UInt8], to address: UInt64) {
        // SAFETY: the callers write below the lowest segment only, and memory has at least 2 MiB.
        unsafe UnsafeMutableRawPointer(bitPattern: base + Int(address))?.copyMemory(from: bytes, byteCount: bytes.count)
    }
}
