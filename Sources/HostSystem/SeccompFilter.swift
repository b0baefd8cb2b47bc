internal import CLinux
internal import CSeccomp

/// What happens to a system call. See seccomp(2).
public enum FilterAction: Equatable, Sendable {
    /// The process or the thread is killed by SIGSYS.
    case killProcess, killThread
    /// The thread gets SIGSYS.
    case trap
    /// The call fails with this error number.
    case error(UInt16)
    /// A tracer decides; it sees this message.
    case trace(UInt16)
    /// The call is allowed, and written to the audit log.
    case log
    /// The call is allowed.
    case allow
    /// The listener decides.
    case notify

    /// The value of SCMP_ACT_*.
    var value: UInt32 {
        switch self {
        case .killProcess: 0x8000_0000
        case .killThread: 0
        case .trap: 0x0003_0000
        case .error(let number): lx_seccomp_errno(number)
        case .trace(let message): lx_seccomp_trace(message)
        case .log: 0x7ffc_0000
        case .allow: 0x7fff_0000
        case .notify: 0x7fc0_0000
        }
    }
}

/// A condition on one argument of a system call.
public struct FilterCondition: Equatable, Sendable {
    /// The comparisons of seccomp_rule_add(3), with the numbers of SCMP_CMP_*.
    public enum Comparison: UInt32, Sendable {
        /// `!=`, `<`, `<=`, `==`, `>=`, `>`, and equality under a mask.
        case notEqual = 1, less, lessOrEqual, equal, greaterOrEqual, greater, maskedEqual
    }

    /// Which argument, 0 to 5.
    public let index: UInt32
    /// How it is compared.
    public let comparison: Comparison
    /// With what; for `maskedEqual` the mask.
    public let value: UInt64
    /// For `maskedEqual`: what the masked argument must equal.
    public let second: UInt64

    /// Creates a condition.
    public init(index: UInt32, comparison: Comparison, value: UInt64, second: UInt64 = 0) {
        self.index = index
        self.comparison = comparison
        self.value = value
        self.second = second
    }
}

/// What happens to one system call.
public struct FilterRule: Equatable, Sendable {
    /// The call's name: `openat`.
    public let name: String
    /// What happens to it.
    public let action: FilterAction
    /// When; all must hold.
    public let conditions: [FilterCondition]

    /// Creates a rule.
    public init(name: String, action: FilterAction, conditions: [FilterCondition] = []) {
        self.name = name
        self.action = action
        self.conditions = conditions
    }
}

/// Whether libseccomp knows a system call, on any architecture. See seccomp_syscall_resolve_name(3).
public func knowsSystemCall(_ name: String) -> Bool {
    // SAFETY: the string is NUL-terminated for the length of the call.
    unsafe seccomp_syscall_resolve_name(name) != -1
}

/// A compiled seccomp filter, ready to be loaded.
public struct SeccompProgram: Equatable, Sendable {
    /// The array of struct sock_filter, eight bytes an instruction.
    public let instructions: [UInt8]
    /// SECCOMP_FILTER_FLAG_* bits.
    let flags: UInt32

    /// Compiles a filter with libseccomp.
    ///
    /// A call that this kernel's architecture or libseccomp does not know is passed over, as runc does it.
    /// - Parameters:
    ///   - defaultAction: What happens to calls without a rule.
    ///   - architectures: Names of libseccomp beside the native one: `x86`, `x32`.
    ///   - flags: SECCOMP_FILTER_FLAG_* bits for ``load()``.
    ///   - knowsAll: Whether calls that are newer than all that is named are for the default action too.
    ///   - cache: Where the program may be found, and is kept for the next time.
    /// - Throws: ``HostError`` that names the library's function and the rule it refused.
    public init(
        defaultAction: FilterAction, architectures: [String] = [], rules: [FilterRule], flags: UInt32 = 0,
        knowsAll: Bool = true, cache: FilterCache? = nil
    ) throws(HostError) {
        self.flags = flags
        notifies = defaultAction == .notify || rules.contains { $0.action == .notify }
        // What is looked for in the cache takes the place of what ran before, libseccomp's tables and trees, the largest
        // that this program ever has in memory, take the place of that, and what runs afterwards takes theirs.
        giveMemoryBack()
        let source = cache.map { _ in
            filterSource(defaultAction: defaultAction, architectures: architectures, rules: rules, knowsAll: knowsAll)
        }
        if let cache, let source, let kept = cache.program(from: source) {
            instructions = kept
            return
        }
        giveMemoryBack()
        defer { giveMemoryBack() }
        let answersUnknown = !knowsAll && UnknownCalls.areMet(by: defaultAction)
        let head = answersUnknown ? UnknownCalls(rules, architectures).program : []
        instructions = head + (try Self.compile(defaultAction, architectures, rules))
        if let cache, let source { cache.keep(instructions, from: source) }
    }

    private static func compile(
        _ defaultAction: FilterAction, _ architectures: [String], _ rules: [FilterRule]
    ) throws(HostError) -> [UInt8] {
        // SAFETY: the context is libseccomp's allocation, used only here and released on every path.
        guard let context = unsafe seccomp_init(defaultAction.value) else {
            throw HostError(call: "seccomp_init", subject: "", errno: EINVAL)
        }
        defer { unsafe seccomp_release(context) }
        if defaultAction == .killProcess {
            // Calls by the numbers of another architecture must not end a thread only.
            let result = unsafe seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH, defaultAction.value)
            try check("seccomp_attr_set", "architecture", result)
        }
        for name in architectures {
            let number = unsafe seccomp_arch_resolve_name(name)
            // 0 is what this library does not know.
            if number == 0 { throw HostError(call: "seccomp_arch_resolve_name", subject: name, errno: EINVAL) }
            let result = unsafe seccomp_arch_add(context, number)
            if result != -EEXIST { try check("seccomp_arch_add", name, result) }
        }
        for rule in rules where rule.action != defaultAction {
            let number = unsafe seccomp_syscall_resolve_name(rule.name)
            if number == -1 { continue }
            let conditions = rule.conditions.map {
                scmp_arg_cmp(
                    arg: $0.index, op: scmp_compare(rawValue: $0.comparison.rawValue), datum_a: $0.value,
                    datum_b: $0.second)
            }
            let result = unsafe seccomp_rule_add_array(
                context, rule.action.value, number, UInt32(conditions.count), conditions)
            try check("seccomp_rule_add", rule.name, result)
        }
        let file = try anonymousFile(named: "seccomp")
        try check("seccomp_export_bpf", "", unsafe seccomp_export_bpf(context, file.raw))
        try rewind(file.raw, named: "seccomp")
        return try readAll(file.raw, named: "seccomp")
    }

    /// Whether some calls are decided by whoever has the listener of ``loadListening()``.
    public let notifies: Bool

    /// Puts this process under the filter. Needs no_new_privs or CAP_SYS_ADMIN. See seccomp(2).
    public func load() throws(HostError) {
        // Without a listener nobody waits, and the kernel refuses the flag.
        _ = try load(flags: flags & ~Self.waitKillable)
    }

    /// Puts this process under the filter and returns what listens for calls to be decided about, close-on-exec.
    ///
    /// See seccomp_unotify(2), SECCOMP_FILTER_FLAG_NEW_LISTENER.
    public func loadListening() throws(HostError) -> Descriptor { Descriptor(owning: try load(flags: flags | 8)) }

    /// SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
    private static let waitKillable: UInt32 = 32

    private func load(flags: UInt32) throws(HostError) -> Int32 {
        // SAFETY: the array's own count is passed; the kernel copies the program.
        let result = unsafe instructions.withUnsafeBytes { unsafe lx_load_seccomp($0.baseAddress, $0.count, flags) }
        return try check("seccomp", "\(instructions.count / 8) instructions", result)
    }
}
