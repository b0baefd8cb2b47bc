import OCISpec
import Testing

@testable import Sandboxing

/// Runs eBPF programs as far as ``DeviceRules`` makes them; nil when one does what the kernel's verifier refuses.
private func answer(_ program: [UInt64], kind: UInt32, access: UInt32, major: UInt32, minor: UInt32) -> UInt64? {
    let context = [access << 16 | kind, major, minor]
    var registers = [UInt64?](repeating: nil, count: 11)
    var at = 0
    while program.indices.contains(at) {
        let code = program[at]
        let (to, from) = (Int(code >> 8 & 15), Int(code >> 12 & 15))
        let offset = Int(Int16(truncatingIfNeeded: code >> 16))
        let value = UInt32(code >> 32)
        at += 1
        func low(_ register: Int) -> UInt32? { registers[register].map { UInt32(truncatingIfNeeded: $0) } }
        switch code & 0xff {
        case 0x61: registers[to] = UInt64(context[offset / 4])
        case 0xbc: registers[to] = low(from).map(UInt64.init)
        case 0x54: registers[to] = low(to).map { UInt64($0 & value) }
        case 0x74: registers[to] = low(to).map { UInt64($0 >> value) }
        case 0xb7: registers[to] = UInt64(value)
        case 0x56:
            guard let found = low(to) else { return nil }
            if found != value { at += offset }
        case 0x16:
            guard let found = low(to) else { return nil }
            if found == value { at += offset }
        case 0x95: return registers[0]
        default: return nil
        }
    }
    return nil
}

/// A request, and whether it is allowed: kind, accesses, numbers.
typealias DeviceRequest = (kind: Character, access: String, major: UInt32, minor: UInt32, allowed: Bool)

@Suite struct DeviceRulesTests {
    private static func rule(
        _ allow: Bool, _ type: DeviceRule.Kind = .all, _ major: Int64? = nil, _ minor: Int64? = nil,
        _ access: String? = nil
    ) -> DeviceRule {
        var rule = DeviceRule(allow: allow, access: access)
        (rule.type, rule.major, rule.minor) = (type, major, minor)
        return rule
    }

    private static func check(_ rules: [DeviceRule], _ requests: [DeviceRequest]) {
        let program = DeviceRules(rules).program
        for request in requests {
            var access: UInt32 = 0
            for letter in request.access { access |= letter == "m" ? 1 : letter == "r" ? 2 : 4 }
            let found = answer(
                program, kind: request.kind == "b" ? 1 : 2, access: access, major: request.major, minor: request.minor)
            #expect(found == (request.allowed ? 1 : 0), "\(request)")
        }
    }

    @Test("every container may use the default devices, and make any node; nothing else")
    func allowsTheDefaults() {
        for rules in [[], [Self.rule(false, .all, nil, nil, "rwm")]] {
            Self.check(
                rules,
                [
                    ("c", "rw", 1, 3, true), ("c", "rwm", 1, 5, true), ("c", "r", 1, 9, true), ("c", "rw", 5, 0, true),
                    ("c", "rw", 5, 1, true), ("c", "rw", 5, 2, true), ("c", "rw", 136, 7, true),
                    ("c", "rw", 10, 200, true), ("c", "m", 250, 3, true), ("b", "m", 8, 0, true),
                    ("b", "r", 8, 0, false), ("b", "rm", 8, 0, false), ("c", "r", 1, 1, false),
                    ("b", "r", 1, 3, false), ("c", "r", 136 << 8, 3, false),
                ])
        }
    }

    @Test("the last rule that speaks of an access decides, bit by bit")
    func keepsTheOrder() {
        Self.check([Self.rule(true)], [("b", "rwm", 8, 0, true), ("c", "w", 1, 1, true)])
        Self.check(
            [Self.rule(false), Self.rule(true, .block, 8, nil, "r"), Self.rule(true, .block, 8, 1, "w")],
            [
                ("b", "r", 8, 0, true), ("b", "rw", 8, 0, false), ("b", "rw", 8, 1, true), ("b", "w", 8, 1, true),
                ("b", "r", 9, 0, false), ("c", "r", 8, 0, false),
            ])
        Self.check(
            [Self.rule(true), Self.rule(false, .block, 8, nil, "w")],
            [("b", "r", 8, 0, true), ("b", "rw", 8, 0, false), ("b", "rw", 9, 0, true)])
        Self.check(
            [Self.rule(false), Self.rule(true, .character, 10), Self.rule(false, .character, 10, 232)],
            [("c", "rw", 10, 231, true), ("c", "r", 10, 232, false), ("c", "m", 10, 232, true)])
        // What comes before a rule about everything has no effect.
        Self.check([Self.rule(true), Self.rule(false)], [("b", "r", 8, 0, false), ("c", "r", 1, 3, true)])
        // Of both kinds, but not everything.
        Self.check(
            [Self.rule(true, .all, nil, nil, "r")],
            [("b", "r", 8, 0, true), ("c", "r", 1, 1, true), ("b", "w", 8, 0, false)])
    }

    private static func lines(_ rules: [DeviceRule]) -> [String] {
        DeviceRules(rules).legacyLines.map { "\($0.allow ? "allow" : "deny") \($0.text)" }
    }

    @Test("version 1 gets the rules in their order, then what every container may use")
    func writesLines() {
        let lines = Self.lines([
            Self.rule(false, .all, nil, nil, "rwm"), Self.rule(true, .block, 8, 1, "rw"),
            Self.rule(false, .character, 11),
            Self.rule(true),
        ])
        #expect(lines.prefix(4) == ["deny a", "allow b 8:1 rw", "deny c 11:* rwm", "allow a"])
        #expect(lines.dropFirst(4).allSatisfy { $0.hasPrefix("allow ") })
        #expect(lines.contains("allow c 1:3 rwm"))
        #expect(lines.count == 16)
    }

    @Test("version 1 takes `a` for everything: a rule about less is written by kind")
    func splitsKinds() {
        #expect(
            Self.lines([Self.rule(false), Self.rule(true, .all, 8, nil, "r")]).prefix(3) == [
                "deny a", "allow c 8:* r", "allow b 8:* r",
            ])
    }

    @Test("what no rule speaks of is denied, whatever the parent allows")
    func deniesTheRest() {
        #expect(Self.lines([Self.rule(true, .block, 8, 1, "rw")]).prefix(2) == ["deny a", "allow b 8:1 rw"])
    }

    @Test("version 1 takes back narrower exceptions only by their own words")
    func takesBack() {
        let lines = Self.lines([
            Self.rule(false), Self.rule(true, .block, 8, 1, "rw"), Self.rule(true, .block, 8, 2, "r"),
            Self.rule(false, .block, 8, nil, "w"),
        ])
        #expect(lines[1...4] == ["allow b 8:1 rw", "allow b 8:2 r", "deny b 8:* w", "deny b 8:1 w"])
    }
}
