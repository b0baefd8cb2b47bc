import HostSystem
import OCISpec
import TestSupport
import Testing

@testable import Sandboxing

/// Puts this process under a profile. To be called in an exit test, whose process is the container's.
private func confine(_ rules: [SeccompRule], defaultAction: SeccompAction = .allow, defaultErrno: UInt32? = nil) throws
{
    var profile = Seccomp(defaultAction: defaultAction)
    profile.defaultErrnoRet = defaultErrno
    profile.syscalls = rules
    let program = try SeccompProgram(profile)
    try setNoNewPrivileges()
    try program.load()
}

private func rule(
    _ names: [String], _ action: SeccompAction, errno: UInt32? = nil, args: [SeccompArgument] = []
) -> SeccompRule {
    var rule = SeccompRule(names: names, action: action)
    (rule.errnoRet, rule.args) = (errno, args)
    return rule
}

/// The error number of kill(2) with each signal to this process, all of which it ignores or that do nothing.
private func errorsOfKill(_ signals: [Int32]) throws -> [Int32] {
    try signals.map { signal in try errorNumber { try sendSignal(signal, to: currentProcess()) } }
}

/// Ends an exit test: 0 when it went as expected.
private func finish(_ isExpected: Bool) -> Never { exitNow(isExpected ? 0 : 1) }

@Suite struct SeccompProfileTests {
    @Test("a call fails with the profile's error number, EPERM where it names none; a call nobody knows is passed over")
    func failsCalls() async {
        await #expect(processExitsWith: .success) {
            try confine([
                rule(["no_such_call", "mkdirat"], .errno, errno: 42), rule(["symlinkat"], .errno),
                rule(["unlinkat"], .allow),
            ])
            let errors = [
                try errorNumber { try makeDirectory("/nosuch/x", mode: 0) },
                try errorNumber { try makeSymbolicLink("/nosuch/x", in: currentDirectory, to: "x") },
                try errorNumber { try removeFile("/nosuch/x") },
            ]
            finish(errors == [42, 1, 2])
        }
    }

    @Test func failsByDefault() async {
        await #expect(processExitsWith: .success) {
            let needed = [
                "exit_group", "write", "futex", "mmap", "munmap", "brk", "madvise", "rt_sigprocmask", "unlinkat",
                "getpid", "mprotect", "rt_sigreturn", "sched_yield",
            ]
            try confine([rule(needed, .allow)], defaultAction: .errno, defaultErrno: 38)
            let errors = [
                try errorNumber { try makeDirectory("/nosuch/x", mode: 0) },
                try errorNumber { try removeFile("/nosuch/x") },
            ]
            finish(errors == [38, 2])
        }
    }

    @Test func killsTheProcess() async {
        await #expect(processExitsWith: .signal(31)) {
            try confine([rule(["mkdirat"], .killProcess)])
            try makeDirectory("/nosuch/x", mode: 0)
        }
    }

    @Test("conditions on different arguments must all hold")
    func combinesConditions() async {
        await #expect(processExitsWith: .success) {
            let own = UInt64(currentProcess())
            try confine([
                rule(
                    ["kill"], .errno, errno: 42,
                    args: [
                        SeccompArgument(index: 0, value: own, op: .equal),
                        SeccompArgument(index: 1, value: 18, op: .greaterOrEqual),
                    ])
            ])
            let others = try errorNumber { try sendSignal(18, to: .max) }
            finish(try errorsOfKill([0, 17, 18, 28]) == [0, 0, 42, 42] && others == 3)
        }
    }

    @Test("of several conditions on one argument one must hold")
    func separatesConditions() async {
        await #expect(processExitsWith: .success) {
            try confine([
                rule(
                    ["kill"], .errno, errno: 42,
                    args: [
                        SeccompArgument(index: 1, value: 0, op: .equal),
                        SeccompArgument(index: 1, value: 18, op: .equal),
                    ])
            ])
            finish(try errorsOfKill([0, 17, 18, 28]) == [42, 0, 42, 0])
        }
    }

    /// Which of the signals 0, 17, 18 and 28 a comparison with 17 matches; `maskedEqual`: signal & 17 == 16.
    static let comparisons: [(SeccompOperator, [Int32])] = [
        (.equal, [17]), (.notEqual, [0, 18, 28]), (.less, [0]), (.lessOrEqual, [0, 17]), (.greater, [18, 28]),
        (.greaterOrEqual, [17, 18, 28]), (.maskedEqual, [18, 28]),
    ]

    @Test("every comparison of the runtime spec is the kernel's", arguments: comparisons.map { $0.0.rawValue })
    func compares(name: String) async {
        await #expect(processExitsWith: .success) { [name = name as String] in
            guard let (comparison, matched) = Self.comparisons.first(where: { $0.0.rawValue == name }) else {
                finish(false)
            }
            let argument = SeccompArgument(index: 1, value: 17, valueTwo: 16, op: comparison)
            try confine([rule(["kill"], .errno, errno: 42, args: [argument])])
            let signals: [Int32] = [0, 17, 18, 28]
            finish(try errorsOfKill(signals) == signals.map { matched.contains($0) ? 42 : 0 })
        }
    }

    @Test("what an agent could never answer is refused")
    func refuses() {
        let (place, section) = ("config.json: /linux/seccomp", "(runtime-spec config-linux.md, seccomp)")
        var profile = Seccomp(defaultAction: .allow)
        profile.syscalls = [rule(["mkdir"], .allow), rule(["mkdir", "write"], .notify)]
        #expect(
            message { try profile.checkNotifications() }
                == "\(place)/listenerPath: SCMP_ACT_NOTIFY needs the path of an agent's socket \(section)")
        profile.listenerPath = "/run/agent"
        #expect(
            message { try profile.checkNotifications() }
                == "\(place)/syscalls/1/names: SCMP_ACT_NOTIFY cannot be used for the write syscall \(section)")
        profile.syscalls[1].names = ["mkdir"]
        #expect(message { try profile.checkNotifications() } == "no error")
        profile.defaultAction = .notify
        #expect(
            message { try profile.checkNotifications() }
                == "\(place)/defaultAction: SCMP_ACT_NOTIFY cannot be used as default action \(section)")
    }

    @Test("a filter listens when it leaves a call to an agent, and only then")
    func listens() throws {
        var profile = Seccomp(defaultAction: .allow)
        profile.listenerPath = "/run/agent"
        #expect(try SeccompProgram(profile).notifies == false)
        profile.syscalls = [rule(["mkdir"], .notify)]
        #expect(try SeccompProgram(profile).notifies)
    }

    @Test("every action, architecture and flag of the runtime spec is understood")
    func understandsAll() {
        for action in SeccompAction.allCases where action != .notify {
            var profile = Seccomp(defaultAction: .allow)
            profile.syscalls = [rule(["mkdir"], action)]
            #expect(message { _ = try SeccompProgram(profile) } == "no error", "\(action.rawValue)")
            #expect(message { _ = try SeccompProgram(Seccomp(defaultAction: action)) } == "no error")
        }
        var profile = Seccomp(defaultAction: .allow)
        profile.architectures = [.x86_64, .x86, .x32]
        profile.flags = SeccompFlag.allCases
        profile.syscalls = [rule(["mkdir"], .errno)]
        #expect(message { _ = try SeccompProgram(profile) } == "no error")
    }
}
