public import HostSystem
public import OCISpec

/// Runs hooks. See config.md "POSIX-platform Hooks" of the runtime spec.
public struct HookRunner {
    /// What hooks get on their standard input.
    let state: ContainerStateDocument
    /// The environment of hooks that name none; nil for this process's.
    var environment: [String]?

    /// Creates a runner that tells hooks `state`.
    public init(state: ContainerStateDocument) { self.state = state }

    /// Runs hooks in order; the first that fails ends it.
    ///
    /// - Throws: ``HostSystem/Failure`` that names the hook and says how it ended and what it printed.
    public func run(_ hooks: [Hook], kind: HookKind) throws(Failure) {
        for (index, hook) in hooks.enumerated() { try run(hook, index, kind) }
    }

    /// Runs all hooks whatever becomes of each, and returns what went wrong: for hooks that run when nothing can be
    /// taken back any more.
    public func runAll(_ hooks: [Hook], kind: HookKind) -> [Failure] {
        hooks.enumerated().compactMap { index, hook in
            do throws(Failure) {
                try run(hook, index, kind)
                return nil
            } catch {
                return error
            }
        }
    }

    private func run(_ hook: Hook, _ index: Int, _ kind: HookKind) throws(Failure) {
        do throws(HostError) {
            try run(hook, named: "\(kind.rawValue) hook #\(index)", kind)
        } catch {
            throw Failure(
                at: "/hooks/\(kind.rawValue)/\(index)", "error running \(kind.rawValue) hook #\(index)", cause: error)
        }
    }

    private func run(_ hook: Hook, named name: String, _ kind: HookKind) throws(HostError) {
        let input = try anonymousFile(named: name)
        try writeAll(state.json.bytes(), to: input.raw, named: name)
        try rewind(input.raw, named: name)
        let output = try anonymousFile(named: name)
        let held = DescriptorSet()
        defer { held.close() }
        let standardOutput = try file(for: "stdout", held) ?? output.raw
        let standardError = try file(for: "stderr", held) ?? output.raw
        let pid = try spawn(
            hook.path, arguments: hook.args.isEmpty ? [hook.path] : hook.args,
            environment: hook.env.isEmpty ? self.environment ?? currentEnvironment() : hook.env, input: input.raw,
            output: standardOutput, errors: standardError)
        let end: ProcessEnd
        do throws(HostError) {
            end = try wait(pid, seconds: hook.timeout, named: "\(name) \(hook.path)")
        } catch {
            endChild(pid)
            throw error
        }
        guard end != .exited(0) else { return }
        try rewind(output.raw, named: name)
        let printed = String(decoding: try readAll(output.raw, named: name), as: UTF8.self)
        throw HookEnd.error(end, of: kind, hook: hook.path, printed: printed)
    }

    /// The file that an annotation names for what hooks print, as with crun; nil for most containers.
    private func file(for stream: String, _ held: DescriptorSet) throws(HostError) -> Int32? {
        guard !state.annotations.isEmpty, let path = state.annotations["run.oci.hooks.\(stream)"] else { return nil }
        return held.hold(try open(path, flags: [.writeOnly, .create, .append], mode: 0o700))
    }

    private func wait(_ pid: Int32, seconds: Int?, named name: String) throws(HostError) -> ProcessEnd {
        if let seconds {
            let handle = try openProcess(pid)
            // 292 years are the most that nanoseconds can say.
            let wait = Int64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
            let sum = monotonicNanoseconds().addingReportingOverflow(wait.partialValue)
            let deadline = wait.overflow || sum.overflow ? Int64.max - 1_000_000 : sum.partialValue
            while true {
                let left = (deadline - monotonicNanoseconds() + 999_999) / 1_000_000
                if try waitUntilReadable([handle.raw], timeout: Int32(clamping: max(0, left)))[0] { break }
                guard left <= 0 else { continue }
                throw HookEnd.timedOut(name, seconds: seconds)
            }
        }
        guard let ended = try waitForChild(pid) else { return .exited(0) }
        return ended.end
    }
}

/// How a hook failed, told as the error of its exec.
private enum HookEnd {
    static func error(_ end: ProcessEnd, of kind: HookKind, hook: String, printed: String) -> HostError {
        let line = printed.split(whereSeparator: \.isNewline).joined(separator: "; ")
        let output = line.isEmpty ? "" : ", output \"\(line)\""
        switch end {
        // A warning, in crun's words; runc has none.
        case .exited(let status) where kind == .poststop:
            return HostError(call: "poststop hook failed with exit code \(status):", subject: hook + output, errno: 0)
        case .exited(let status): return HostError(call: hook, subject: "exit status \(status)\(output)", errno: 0)
        case .signaled(let signal):
            return HostError(call: hook, subject: "signal: \(signalText(signal))\(output)", errno: 0)
        }
    }

    static func timedOut(_ name: String, seconds: Int) -> HostError {
        HostError(call: name, subject: "did not end within \(seconds) s", errno: 0)
    }
}
