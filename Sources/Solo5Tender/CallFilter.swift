import CLinux
import CSeccomp
import HostSystem

/// One entry of an allow-list: a system call, what its arguments must be, and why the monitor needs it.
struct AllowedCall {
    /// A condition on one argument.
    enum Condition {
        case equal(argument: UInt32, UInt64)
        case atMost(argument: UInt32, UInt64)
        /// None of the bits is set.
        case without(argument: UInt32, bits: UInt64)
    }

    let call: String
    let conditions: [Condition]
    let reason: String

    init(_ call: String, _ conditions: Condition..., for reason: String) {
        self.call = call
        self.conditions = conditions
        self.reason = reason
    }
}

/// A compiled allow-list; a call outside it kills the process with SIGSYS.
///
/// It is compiled in advance, because nothing may be allocated once it is in force: an spt guest has no `brk`.
struct CallFilter {
    /// The BPF program, eight bytes an instruction.
    let program: [UInt8]

    /// Compiles `rules` with libseccomp.
    ///
    /// - Throws: `HostError` that names the rule libseccomp refuses.
    init(allowing rules: [AllowedCall]) throws {
        // SAFETY: the context is released below on every path, and is used by this function only.
        guard let context = unsafe seccomp_init(SCMP_ACT_KILL_PROCESS) else {
            throw HostError(call: "seccomp_init", subject: "", errno: ENOMEM)
        }
        defer { unsafe seccomp_release(context) }
        // Calls by the numbers of another architecture must not end a thread only.
        let action = unsafe seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS)
        try check("seccomp_attr_set", "architecture", action)
        for rule in rules {
            // SAFETY: the context is alive, and the array lives as long as the call.
            let number = unsafe seccomp_syscall_resolve_name(rule.call)
            let conditions = rule.conditions.map(\.comparison)
            let result = unsafe seccomp_rule_add_array(
                context, SCMP_ACT_ALLOW, number, UInt32(conditions.count), conditions)
            try check("seccomp_rule_add", rule.call, result)
        }
        // SAFETY: the name is a literal that outlives the call.
        let file = unsafe Descriptor(owning: try check("memfd_create", "seccomp filter", lx_anonymous_file("seccomp")))
        let exported = unsafe seccomp_export_bpf(context, file.raw)
        try check("seccomp_export_bpf", "", exported)
        let size = try status(of: file.raw).size
        // Filters have a 16-bit count of instructions of eight bytes.
        guard size > 0, size <= 0xFFFF * 8 else { throw Failure("seccomp filter has \(size) bytes") }
        program = try HostSystem.read(file.raw, named: "seccomp filter", at: 0, count: Int(size))
    }
}

extension AllowedCall.Condition {
    fileprivate var comparison: scmp_arg_cmp {
        switch self {
        case .equal(let argument, let value):
            scmp_arg_cmp(arg: argument, op: SCMP_CMP_EQ, datum_a: value, datum_b: 0)
        case .atMost(let argument, let value):
            scmp_arg_cmp(arg: argument, op: SCMP_CMP_LE, datum_a: value, datum_b: 0)
        case .without(let argument, let bits):
            scmp_arg_cmp(arg: argument, op: SCMP_CMP_MASKED_EQ, datum_a: bits, datum_b: 0)
        }
    }
}
