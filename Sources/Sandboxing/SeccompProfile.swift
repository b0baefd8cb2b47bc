internal import HostSystem
internal import OCISpec

extension SeccompProgram {
    /// Compiles the profile of config.json. See config-linux.md "Seccomp" of the runtime spec.
    ///
    /// - Throws: ``HostSystem/Failure`` when it asks for what cannot be done, or libseccomp refuses it.
    init(_ profile: Seccomp, cache: FilterCache? = nil) throws(Failure) {
        var rules = [FilterRule]()
        for rule in profile.syscalls {
            let action = Self.action(rule.action, error: rule.errnoRet)
            for conditions in Self.conditions(rule.args) {
                rules += rule.names.map { FilterRule(name: $0, action: action, conditions: conditions) }
            }
        }
        do throws(HostError) {
            try self.init(
                defaultAction: Self.action(profile.defaultAction, error: profile.defaultErrnoRet),
                architectures: profile.architectures.map(Self.architecture), rules: rules,
                flags: Self.flags(profile), knowsAll: false, cache: cache)
        } catch {
            throw Failure("cannot compile the seccomp profile", cause: error)
        }
    }

    /// SECCOMP_FILTER_FLAG_* bits. Where none are named a filter does not slow its process down, as with runc.
    static func flags(_ profile: Seccomp) -> UInt32 {
        profile.namesFlags ? profile.flags.reduce(0) { $0 | flag($1) } : flag(.allowSpeculation)
    }

    private static func action(_ action: SeccompAction, error: UInt32?) -> FilterAction {
        // EPERM where the profile names no error number.
        let number = UInt16(truncatingIfNeeded: error ?? 1)
        return switch action {
        case .kill, .killThread: .killThread
        case .killProcess: .killProcess
        case .trap: .trap
        case .errno: .error(number)
        case .trace: .trace(number)
        case .allow: .allow
        case .log: .log
        case .notify: .notify
        }
    }

    /// libseccomp takes one condition an argument: several on the same one become rules of their own, as in runc.
    private static func conditions(_ arguments: [SeccompArgument]) -> [[FilterCondition]] {
        let all = arguments.map {
            FilterCondition(index: $0.index, comparison: comparison($0.op), value: $0.value, second: $0.valueTwo)
        }
        let isUnique = Set(all.map(\.index)).count == all.count
        return isUnique ? [all] : all.map { [$0] }
    }

    private static func comparison(_ comparison: SeccompOperator) -> FilterCondition.Comparison {
        switch comparison {
        case .notEqual: .notEqual
        case .less: .less
        case .lessOrEqual: .lessOrEqual
        case .equal: .equal
        case .greaterOrEqual: .greaterOrEqual
        case .greater: .greater
        case .maskedEqual: .maskedEqual
        }
    }

    /// libseccomp's name: SCMP_ARCH_X86_64 is `x86_64`.
    private static func architecture(_ architecture: SeccompArchitecture) -> String {
        String(architecture.rawValue.dropFirst("SCMP_ARCH_".count)).lowercased()
    }

    private static func flag(_ flag: SeccompFlag) -> UInt32 {
        switch flag {
        // A process of one thread is in sync with itself, and with a listener the flag is not allowed.
        case .threadSync: 0
        case .log: 2
        case .allowSpeculation: 4
        case .waitKillable: 32
        }
    }
}
