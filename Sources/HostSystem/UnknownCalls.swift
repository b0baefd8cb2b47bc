internal import CSeccomp

/// What goes before a filter so that a call which its profile cannot know fails with ENOSYS.
///
/// A profile lists the calls of its day; its default action is for those of them that it left out. A call that is newer
/// than all it names, the kernel may have and the C library may try: it goes on with an older one for ENOSYS alone, not
/// for EPERM. So a number above the largest one that is named for the architecture gets the answer of a kernel that has
/// not heard of it, as runc does it.
struct UnknownCalls {
    /// The bit of x32's numbers, whose architecture is x86-64's. See asm/unistd.h.
    private static let x32Bit: UInt32 = 0x4000_0000
    /// AUDIT_ARCH_X86_64 of linux/audit.h, and SCMP_ARCH_X32 of seccomp.h.
    private static let (x86, x32): (UInt32, UInt32) = (0xC000_003E, 0x4000_003E)

    /// The largest number that is named, by architecture (AUDIT_ARCH_*, or libseccomp's own number for x32).
    private var largest: [(architecture: UInt32, number: UInt32)] = []

    /// Looks the names up.
    ///
    /// - Parameter architectures: Names of libseccomp beside the native one.
    init(_ rules: [FilterRule], _ architectures: [String]) {
        // SAFETY: the strings are NUL-terminated for the length of each call.
        let all = [seccomp_arch_native()] + architectures.map { unsafe seccomp_arch_resolve_name($0) }
        for architecture in all where !largest.contains(where: { $0.architecture == architecture }) {
            let numbers = rules.map { unsafe seccomp_syscall_resolve_name_arch(architecture, $0.name) }
            // Negative numbers stand for calls that the architecture has not.
            if let number = numbers.max(), number >= 0 { largest.append((architecture, UInt32(number))) }
        }
    }

    /// Whether the default action is one that a newer call should not meet.
    static func areMet(by action: FilterAction) -> Bool {
        switch action {
        case .allow, .log, .trace, .error(38): false
        default: true
        }
    }

    /// The instructions, eight bytes each; the filter follows. See linux/filter.h and linux/seccomp.h.
    var program: [UInt8] {
        let x32 = largest.first { $0.architecture == Self.x32 }?.number ?? UInt32.max
        let blocks = largest.filter { $0.architecture != Self.x32 }
        var bytes = Self.instruction(0x20, at: 4)  // the architecture
        for (index, block) in blocks.enumerated() {
            let rest = UInt32(7 * (blocks.count - 1 - index))
            bytes += Self.instruction(0x15, block.architecture, no: 6)
            bytes += Self.instruction(0x20, at: 0)  // the number
            bytes += Self.instruction(0x35, Self.isX86(block.architecture) ? Self.x32Bit : UInt32.max, no: 1)
            bytes += Self.instruction(0x25, x32, yes: 1, no: 2)
            bytes += Self.instruction(0x25, block.number, no: 1)
            bytes += Self.instruction(0x06, FilterAction.error(38).value)
            bytes += Self.instruction(0x05, rest)  // on to the filter
        }
        return bytes
    }

    private static func isX86(_ architecture: UInt32) -> Bool { architecture == x86 }

    private static func instruction(_ code: UInt16, at offset: UInt32) -> [UInt8] { instruction(code, offset) }

    private static func instruction(_ code: UInt16, _ value: UInt32, yes: UInt8 = 0, no: UInt8 = 0) -> [UInt8] {
        [UInt8(truncatingIfNeeded: code), UInt8(code >> 8), yes, no]
            + (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
}
