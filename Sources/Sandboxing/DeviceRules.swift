internal import OCISpec

/// Which devices a container may use: the list of config.json, then the devices that every container may use.
///
/// Rules apply in their order, so the last one that speaks of an access decides; what no rule speaks of is denied, as
/// with runc. See config-linux.md "Allowed Device list" of the runtime spec.
struct DeviceRules {
    /// What a rule allows or denies, bit by bit as the kernel's BPF_DEVCG_ACC_* number it.
    struct Access: OptionSet {
        let rawValue: UInt32

        static let makeNode = Access(rawValue: 1)
        static let read = Access(rawValue: 2)
        static let write = Access(rawValue: 4)
        static let all: Access = [.makeNode, .read, .write]

        init(rawValue: UInt32) { self.rawValue = rawValue }

        /// From the letters of config.json; without any a rule is about all three.
        init(_ letters: String?) {
            guard let letters, !letters.isEmpty else {
                self = .all
                return
            }
            self = []
            if letters.contains("m") { insert(.makeNode) }
            if letters.contains("r") { insert(.read) }
            if letters.contains("w") { insert(.write) }
        }

        var letters: String {
            (contains(.read) ? "r" : "") + (contains(.write) ? "w" : "") + (contains(.makeNode) ? "m" : "")
        }
    }

    /// One rule about devices of one kind.
    struct Rule: Equatable {
        var allow: Bool
        /// `character` or `block`; `all` only when the rule is about everything.
        var kind: DeviceRule.Kind
        /// nil for every number.
        var major: Int64?
        var minor: Int64?
        var access: Access

        var isAll: Bool { kind == .all }

        /// As version 1's files take it.
        var text: String {
            if isAll { return "a" }
            func number(_ value: Int64?) -> String { value.map { "\($0)" } ?? "*" }
            return "\(kind.rawValue) \(number(major)):\(number(minor)) \(access.letters)"
        }

        /// Whether every device that `other` is about is one of this rule's.
        func covers(_ other: Rule) -> Bool {
            kind == other.kind && (major == nil || major == other.major) && (minor == nil || minor == other.minor)
        }

        func isAboutSame(as other: Rule) -> Bool {
            kind == other.kind && major == other.major && minor == other.minor
        }
    }

    /// The rules in their order; each with the place of the one in config.json that it comes from.
    private(set) var rules: [(rule: Rule, source: Int?)]

    /// Those of config.json; nothing but them.
    private init(configured: [DeviceRule]) {
        rules = []
        for (index, rule) in configured.enumerated() {
            let access = Access(rule.access)
            let isAll = rule.type == .all && rule.major == nil && rule.minor == nil && access == .all
            // Version 1 takes `a` for everything, whatever follows it: one that is about less is two rules.
            let kinds: [DeviceRule.Kind] =
                isAll ? [.all] : rule.type == .all ? [.character, .block] : [rule.type]
            rules += kinds.map {
                (Rule(allow: rule.allow, kind: $0, major: rule.major, minor: rule.minor, access: access), index)
            }
        }
    }

    /// The rules in force for a container with the list `configured`.
    init(_ configured: [DeviceRule]) {
        self.init(configured: configured)
        rules += Self.always.map { ($0, nil) }
    }

    /// Making (not opening) any node; null, random, full, tty, zero, urandom, console, the terminals, tun.
    private static let always: [Rule] =
        [.character, .block].map { Rule(allow: true, kind: $0, access: .makeNode) }
        + ([(1, 3), (1, 8), (1, 7), (5, 0), (1, 5), (1, 9), (5, 1), (136, nil), (5, 2), (10, 200)]
        as [(Int64, Int64?)])
        .map { Rule(allow: true, kind: .character, major: $0.0, minor: $0.1, access: .all) }

    /// Whether anything is denied by the list of config.json, so that it must not be left unapplied.
    static func restricts(_ configured: [DeviceRule]) -> Bool {
        configured.isEmpty || configured.contains { !$0.allow || Access($0.access) != .all }
    }
}

// MARK: version 1

extension DeviceRules {
    /// The lines for `devices.allow` and `devices.deny`, in order.
    ///
    /// A new cgroup has what its parent has. The kernel keeps exceptions to one default; taking one back works only by
    /// its own words, hence a rule that covers narrower ones takes those back as well.
    var legacyLines: [Rule] {
        var lines = [Rule]()
        var exceptions = [Rule]()
        var byDefault = false
        if rules.first?.rule.isAll != true { lines.append(Rule(allow: false, kind: .all, access: .all)) }
        for (rule, _) in rules {
            lines.append(rule)
            if rule.isAll {
                (byDefault, exceptions) = (rule.allow, [])
            } else if rule.allow == byDefault {
                for narrower in exceptions where rule.covers(narrower) && !rule.isAboutSame(as: narrower) {
                    var line = narrower
                    (line.allow, line.access) = (rule.allow, rule.access)
                    if !narrower.access.isDisjoint(with: rule.access) { lines.append(line) }
                }
                for index in exceptions.indices where rule.covers(exceptions[index]) {
                    exceptions[index].access.subtract(rule.access)
                }
            } else {
                exceptions.append(rule)
            }
        }
        return lines
    }

    /// The place in config.json of the first rule that version 1 would pass over without a word: one that takes back a
    /// part of what an earlier one with a wildcard said.
    static func firstWithoutEffect(in configured: [DeviceRule]) -> Int? {
        var exceptions = [Rule]()
        var byDefault = false
        for (rule, source) in DeviceRules(configured: configured).rules {
            if rule.isAll {
                (byDefault, exceptions) = (rule.allow, [])
            } else if rule.allow != byDefault {
                exceptions.append(rule)
            } else if exceptions.contains(where: {
                $0.covers(rule) && !$0.isAboutSame(as: rule) && !$0.access.isDisjoint(with: rule.access)
            }) {
                return source
            } else {
                for index in exceptions.indices where rule.covers(exceptions[index]) {
                    exceptions[index].access.subtract(rule.access)
                }
            }
        }
        return nil
    }
}

// MARK: version 2

extension DeviceRules {
    /// An eBPF program that answers 1 when all that is asked for is allowed, else 0.
    ///
    /// It goes through the rules from the last to the first with the accesses that are not yet decided: a denial of one
    /// of them is the end, an allowance takes them away, and when none is left all are allowed. See the kernel's
    /// `struct bpf_cgroup_dev_ctx` and its document on the instruction set.
    var program: [UInt64] {
        var code = [
            Instruction.loadWord(to: 2, from: 1, offset: 0), Instruction.copy(to: 3, from: 2),
            Instruction.and(2, 0xffff), Instruction.shiftRight(3, 16), Instruction.loadWord(to: 4, from: 1, offset: 4),
            Instruction.loadWord(to: 5, from: 1, offset: 8),
        ]
        for (rule, _) in rules.reversed() {
            if rule.isAll { return code + Instruction.answer(rule.allow) }
            let decision =
                rule.allow
                ? [Instruction.and(3, ~rule.access.rawValue), Instruction.skipUnless(3, is: 0, 2)]
                : [
                    Instruction.copy(to: 6, from: 3), Instruction.and(6, rule.access.rawValue),
                    Instruction.skipIf(6, is: 0, 2),
                ]
            let body = decision + Instruction.answer(rule.allow)
            var conditions: [(register: UInt64, value: UInt32)] = [(2, rule.kind == .block ? 1 : 2)]
            if let major = rule.major { conditions.append((4, UInt32(truncatingIfNeeded: major))) }
            if let minor = rule.minor { conditions.append((5, UInt32(truncatingIfNeeded: minor))) }
            for (index, condition) in conditions.enumerated() {
                let skipped = body.count + conditions.count - index - 1
                code.append(Instruction.skipUnless(condition.register, is: condition.value, skipped))
            }
            code += body
        }
        return code + Instruction.answer(false)
    }

    /// Instructions as `struct bpf_insn` lays them out: code, registers, offset, immediate value.
    private enum Instruction {
        static func make(_ code: UInt64, to: UInt64, from: UInt64 = 0, offset: Int = 0, value: UInt32 = 0) -> UInt64 {
            code | to << 8 | from << 12 | UInt64(UInt16(truncatingIfNeeded: offset)) << 16 | UInt64(value) << 32
        }
        static func loadWord(to: UInt64, from: UInt64, offset: Int) -> UInt64 {
            make(0x61, to: to, from: from, offset: offset)
        }
        static func copy(to: UInt64, from: UInt64) -> UInt64 { make(0xbc, to: to, from: from) }
        static func and(_ register: UInt64, _ value: UInt32) -> UInt64 { make(0x54, to: register, value: value) }
        static func shiftRight(_ register: UInt64, _ bits: UInt32) -> UInt64 { make(0x74, to: register, value: bits) }
        static func skipUnless(_ register: UInt64, is value: UInt32, _ count: Int) -> UInt64 {
            make(0x56, to: register, offset: count, value: value)
        }
        static func skipIf(_ register: UInt64, is value: UInt32, _ count: Int) -> UInt64 {
            make(0x16, to: register, offset: count, value: value)
        }
        /// Two instructions: the answer, and the end.
        static func answer(_ allow: Bool) -> [UInt64] { [make(0xb7, to: 0, value: allow ? 1 : 0), make(0x95, to: 0)] }
    }
}
