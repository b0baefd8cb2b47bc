/// The system call filter. See runtime-spec config-linux.md, seccomp, and seccomp(2).
public struct Seccomp: Equatable, Sendable {
    /// What happens to calls that no rule names.
    public var defaultAction: SeccompAction
    /// The error number of `defaultAction`; nil leaves the choice to the runtime (`EPERM`).
    public var defaultErrnoRet: UInt32?
    /// The architectures the filter is for, besides the host's own.
    public var architectures: [SeccompArchitecture] = []
    /// Flags for seccomp(2).
    public var flags: [SeccompFlag] = []
    /// Whether they were named, be there none.
    public var namesFlags = false
    /// The Unix socket of the agent that answers `notify`.
    public var listenerPath: String?
    /// What the agent is told besides the container's state.
    public var listenerMetadata: String?
    /// The rules, in order.
    public var syscalls: [SeccompRule] = []

    /// A filter without rules.
    public init(defaultAction: SeccompAction) {
        self.defaultAction = defaultAction
    }
}

extension Seccomp: SpecObject {
    static let section = "config-linux.md#seccomp"

    init(_ object: SpecCursor) throws(SpecError) {
        defaultAction = try object.required("defaultAction", object.word("defaultAction"))
        defaultErrnoRet = try defaultAction.errorNumber("defaultErrnoRet", of: object)
        architectures = try object.words("architectures")
        flags = try object.words("flags")
        namesFlags = object.member("flags") != nil
        listenerPath = try object.string("listenerPath")
        listenerMetadata = try object.string("listenerMetadata")
        syscalls = try object.children("syscalls")
        if listenerMetadata != nil, listenerPath == nil {
            throw object.error("listenerMetadata", "must not be set without listenerPath")
        }
    }
}

/// What happens to a system call. See seccomp_rule_add(3).
public enum SeccompAction: String, CaseIterable, Sendable, SpecWord {
    /// The same as `killThread`.
    case kill = "SCMP_ACT_KILL"
    case killProcess = "SCMP_ACT_KILL_PROCESS"
    case killThread = "SCMP_ACT_KILL_THREAD"
    case trap = "SCMP_ACT_TRAP"
    case errno = "SCMP_ACT_ERRNO"
    case trace = "SCMP_ACT_TRACE"
    case allow = "SCMP_ACT_ALLOW"
    case log = "SCMP_ACT_LOG"
    case notify = "SCMP_ACT_NOTIFY"

    static let noun = "seccomp action"

    /// The number that goes with this action. An error where the action has none: the specification says MUST fail.
    func errorNumber(_ key: String, of object: SpecCursor) throws(SpecError) -> UInt32? {
        // Both actions carry 16 bits of data: SECCOMP_RET_DATA of seccomp(2).
        let number: UInt32? = try object.integer(key, in: 0...0xFFFF)
        guard number == nil || self == .errno || self == .trace else {
            throw object.error(key, "\(rawValue) does not take an error number")
        }
        return number
    }
}

/// A rule for some system calls.
public struct SeccompRule: Equatable, Sendable {
    /// The system calls' names; at least one.
    public var names: [String]
    /// What happens to them.
    public var action: SeccompAction
    /// The error number of `action`; nil leaves the choice to the runtime (`EPERM`).
    public var errnoRet: UInt32?
    /// What the arguments must be for the rule to apply.
    public var args: [SeccompArgument] = []

    /// A rule whatever the arguments are.
    public init(names: [String], action: SeccompAction) {
        self.names = names
        self.action = action
    }
}

extension SeccompRule: SpecObject {
    static let section = "config-linux.md#seccomp"

    init(_ object: SpecCursor) throws(SpecError) {
        names = try object.strings("names")
        action = try object.required("action", object.word("action"))
        errnoRet = try action.errorNumber("errnoRet", of: object)
        args = try object.children("args")
        guard !names.isEmpty else { throw object.error("names", "must name at least one system call") }
    }
}

/// A condition on one argument of a system call.
public struct SeccompArgument: Equatable, Sendable {
    /// Which argument, from 0 to 5.
    public var index: UInt32
    /// What it is compared with; the mask for `maskedEqual`.
    public var value: UInt64
    /// What the masked argument is compared with, for `maskedEqual`.
    public var valueTwo: UInt64
    /// How.
    public var op: SeccompOperator

    /// A condition.
    public init(index: UInt32, value: UInt64, valueTwo: UInt64 = 0, op: SeccompOperator) {
        self.index = index
        self.value = value
        self.valueTwo = valueTwo
        self.op = op
    }
}

extension SeccompArgument: SpecObject {
    static let section = "config-linux.md#seccomp"

    init(_ object: SpecCursor) throws(SpecError) {
        index = try object.required("index", object.integer("index", in: 0...5))
        value = try object.required("value", object.integer("value"))
        valueTwo = try object.integer("valueTwo") ?? 0
        op = try object.required("op", object.word("op"))
    }
}

/// A comparison. See seccomp_rule_add(3).
public enum SeccompOperator: String, CaseIterable, Sendable, SpecWord {
    case notEqual = "SCMP_CMP_NE"
    case less = "SCMP_CMP_LT"
    case lessOrEqual = "SCMP_CMP_LE"
    case equal = "SCMP_CMP_EQ"
    case greaterOrEqual = "SCMP_CMP_GE"
    case greater = "SCMP_CMP_GT"
    case maskedEqual = "SCMP_CMP_MASKED_EQ"

    static let noun = "seccomp operator"
}

/// A flag of seccomp(2).
public enum SeccompFlag: String, CaseIterable, Sendable, SpecWord {
    /// No longer in the specification, still written by engines; a filter of one thread is in sync anyway.
    case threadSync = "SECCOMP_FILTER_FLAG_TSYNC"
    case log = "SECCOMP_FILTER_FLAG_LOG"
    case allowSpeculation = "SECCOMP_FILTER_FLAG_SPEC_ALLOW"
    case waitKillable = "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"

    static let noun = "seccomp flag"
}

/// An architecture that libseccomp knows.
public enum SeccompArchitecture: String, CaseIterable, Sendable, SpecWord {
    case x86 = "SCMP_ARCH_X86"
    case x86_64 = "SCMP_ARCH_X86_64"
    case x32 = "SCMP_ARCH_X32"
    case arm = "SCMP_ARCH_ARM"
    case aarch64 = "SCMP_ARCH_AARCH64"
    case mips = "SCMP_ARCH_MIPS"
    case mips64 = "SCMP_ARCH_MIPS64"
    case mips64n32 = "SCMP_ARCH_MIPS64N32"
    case mipsel = "SCMP_ARCH_MIPSEL"
    case mipsel64 = "SCMP_ARCH_MIPSEL64"
    case mipsel64n32 = "SCMP_ARCH_MIPSEL64N32"
    case ppc = "SCMP_ARCH_PPC"
    case ppc64 = "SCMP_ARCH_PPC64"
    case ppc64le = "SCMP_ARCH_PPC64LE"
    case s390 = "SCMP_ARCH_S390"
    case s390x = "SCMP_ARCH_S390X"
    case parisc = "SCMP_ARCH_PARISC"
    case parisc64 = "SCMP_ARCH_PARISC64"
    case riscv64 = "SCMP_ARCH_RISCV64"
    case loongarch64 = "SCMP_ARCH_LOONGARCH64"
    case m68k = "SCMP_ARCH_M68K"
    case sh = "SCMP_ARCH_SH"
    case sheb = "SCMP_ARCH_SHEB"

    static let noun = "seccomp architecture"
}
