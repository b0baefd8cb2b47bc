import CLinux

/// The text of a guest's fault: what happened, where, and the registers, four to a line.
struct RegisterReport {
    private let headline: String
    private let registers: [(name: String, value: UInt64)]

    /// The report of a processor exception in an spt guest.
    init(_ fault: lx_fault) {
        let values = RegisterReport.values(of: fault)
        headline =
            "guest fault: \(RegisterReport.trap(fault.trap, error: fault.error, address: fault.address)), "
            + "instruction at \(hex(values.first ?? 0))"
        registers = Array(zip(RegisterReport.names, values)).map { (name: $0.0, value: $0.1) }
    }

    /// The report of an hvt guest that was stopped because of `cause`.
    init(cause: String, _ r: kvm_regs) {
        headline = "guest fault: \(cause), instruction at \(hex(r.rip))"
        let values = [
            r.rip, r.rflags, r.rsp, r.rbp, r.rax, r.rbx, r.rcx, r.rdx, r.rsi, r.rdi, r.r8, r.r9, r.r10, r.r11, r.r12,
            r.r13,
            r.r14, r.r15,
        ]
        registers = Array(zip(RegisterReport.names, values)).map { (name: $0.0, value: $0.1) }
    }

    var text: String {
        var text = headline
        for (number, register) in registers.enumerated() {
            text += number % 4 == 0 ? "\n  " : "  "
            text += pad(register.name, to: 6) + padded(register.value)
        }
        return text
    }

    private static let names = [
        "rip", "rflags", "rsp", "rbp", "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13",
        "r14", "r15",
    ]

    private static func values(of fault: lx_fault) -> [UInt64] {
        // A C array is a tuple in Swift.
        let r = fault.registers
        return [
            r.0, r.1, r.2, r.3, r.4, r.5, r.6, r.7, r.8, r.9, r.10, r.11, r.12, r.13, r.14, r.15, r.16, r.17,
        ]
    }

    /// The exception by its vector; numbers and error bits by the Intel manual, volume 3, chapter 6.
    private static func trap(_ number: UInt64, error: UInt64, address: UInt64) -> String {
        switch number {
        case 0: "division error"
        case 1, 3: "breakpoint or single step (trap \(number))"
        case 4: "overflow"
        case 6: "invalid instruction"
        case 12: "stack fault"
        case 13: "general protection fault (error \(hex(error)))"
        case 14:
            "\(error & 16 != 0 ? "execution of" : error & 2 != 0 ? "write to" : "read of") "
                + "\(hex(address)) (page fault, \(error & 1 != 0 ? "protected" : "not mapped"))"
        case 16, 19: "floating point error (trap \(number))"
        case 17: "misaligned access"
        default: "trap \(number) (error \(hex(error)))"
        }
    }
}

/// `value` as a report shows an address: `0x1000`.
func hex(_ value: some BinaryInteger) -> String {
    "0x" + String(value, radix: 16)
}

private func padded(_ value: UInt64) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
}

private func pad(_ text: String, to width: Int) -> String {
    text + String(repeating: " ", count: max(1, width + 1 - text.count))
}
