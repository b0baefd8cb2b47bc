import HostSystem

/// One entry of an allow-list: a system call, what its arguments must be, and why the monitor needs it.
struct AllowedCall {
    /// A condition on one argument.
    enum Condition {
        case equal(argument: UInt32, UInt64)
        /// The first argument is this open file; the kernel looks at no more than the lower half of the register.
        case file(Int32)
        case atMost(argument: UInt32, UInt64)
        /// None of the bits is set.
        case without(argument: UInt32, bits: UInt64)

        fileprivate var condition: FilterCondition {
            switch self {
            case .equal(let index, let value): FilterCondition(index: index, comparison: .equal, value: value)
            case .file(let descriptor):
                FilterCondition(
                    index: 0, comparison: .maskedEqual, value: 0xFFFF_FFFF,
                    second: UInt64(UInt32(bitPattern: descriptor)))
            case .atMost(let index, let value): FilterCondition(index: index, comparison: .lessOrEqual, value: value)
            case .without(let index, let bits): FilterCondition(index: index, comparison: .maskedEqual, value: bits)
            }
        }
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

extension SeccompProgram {
    /// Compiles an allow-list; a call outside it, or by the numbers of another architecture, kills the process.
    ///
    /// Compiled in advance, because nothing may be allocated once it is in force: an spt guest has no `brk`.
    init(allowing calls: [AllowedCall]) throws(HostError) {
        try self.init(
            defaultAction: .killProcess,
            rules: calls.map {
                FilterRule(name: $0.call, action: .allow, conditions: $0.conditions.map(\.condition))
            })
    }
}
