import HostSystem
import VAccelAgent

extension AgentOption {
    private static let presets = Limits()
    private static let mib = 1 << 20

    /// All options, in the order of the help.
    static let all: [AgentOption] = places + backends + quotas + program

    private static let places = [
        AgentOption(
            "--address", "--server-address", "-a", value: "URI",
            help: "listen at unix:///PATH, unix://@NAME, vsock://CID:PORT or tcp://IPV4:PORT; may be repeated"
        ) { (line, text) throws(UsageError) in
            do throws(Failure) {
                line.settings.addresses.append(try AgentAddress(text))
            } catch { throw UsageError("\(error)") }
        },
        AgentOption(
            "--listen-fd", value: "N", help: "take over the listening socket open as descriptor N; may be repeated"
        ) { (line, text) throws(UsageError) in
            guard let number = Int32(text), number > 2 else {
                throw UsageError("--listen-fd \(text) is not a descriptor above 2")
            }
            line.settings.listeners.append(number)
        },
    ]

    private static let backends = [
        AgentOption(
            "--backend", value: "NAME[,NAME]",
            help: "back-ends in the order in which they are asked: "
                + BackendRegistry.all.map(\.name).joined(separator: ", ") + " (default: all but noop)"
        ) { (line, text) throws(UsageError) in
            for name in text.split(separator: ",", omittingEmptySubsequences: false).map(String.init) {
                guard BackendRegistry.backend(named: name) != nil else { throw UsageError("no back-end \"\(name)\"") }
                line.settings.backends.append(name)
            }
        },
        AgentOption("--models", value: "DIR", help: "models with their labels") { (line, text) throws(UsageError) in
            line.settings.backend.models = text
        },
        AgentOption(
            "--library", value: "BACKEND=FILE", help: "use this library for a back-end, not the one that is found"
        ) { (line, text) throws(UsageError) in
            let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2, parts[1].hasPrefix("/"), BackendRegistry.backend(named: parts[0]) != nil else {
                throw UsageError("--library \(text) is not BACKEND=/FILE")
            }
            line.settings.backend.libraries[parts[0]] = parts[1]
        },
        .number("--threads", value: "N", in: 1...1024, help: "threads that a worker computes with (default: 1)") {
            $0.settings.backend.threads = $1
        },
        AgentOption("--gpu", help: "let back-ends use a graphics processor") { (line, _) throws(UsageError) in
            line.settings.backend.gpu = true
        },
    ]

    private static let quotas: [AgentOption] = [
        .number(
            "--max-connections", value: "N", in: 1...4096,
            help: "connections at a time (default: \(presets.connections))"
        ) { $0.settings.limits.connections = $1 },
        .number(
            "--max-sessions", value: "N", in: 1...1_000_000, help: "sessions at a time (default: \(presets.sessions))"
        ) { $0.settings.limits.sessions = $1 },
        .number(
            "--max-resources", value: "N", in: 1...1_000_000,
            help: "resources at a time (default: \(presets.resources))"
        ) { $0.settings.limits.resources = $1 },
        .number(
            "--max-memory", value: "MIB", in: 1...1_048_576,
            help: "memory for resources, requests and answers together (default: \(presets.bytes / mib))"
        ) { $0.settings.limits.bytes = $1 * mib },
        .number(
            "--max-frame", value: "MIB", in: 1...1024,
            help: "the largest request (default: \(presets.frameBytes / mib))"
        ) { $0.settings.limits.frameBytes = $1 * mib },
        .number(
            "--max-calls", value: "N", in: 1...65_536,
            help: "calls without answer at a time (default: \(presets.calls))"
        ) { $0.settings.limits.calls = $1 },
        .number(
            "--call-timeout", value: "MS", in: 1...86_400_000,
            help: "milliseconds until an operation counts as hanging (default: \(presets.callMilliseconds))"
        ) { $0.settings.limits.callMilliseconds = Int64($1) },
        .number(
            "--frame-timeout", value: "MS", in: 1...86_400_000,
            help: "milliseconds for a request that has begun to arrive, and for an answer to be read "
                + "(default: \(presets.frameMilliseconds))"
        ) { $0.settings.limits.frameMilliseconds = Int64($1) },
        .number(
            "--worker-memory", value: "MIB", in: 16...1_048_576,
            help: "address space of a worker beyond what it begins with (default: \(presets.workerBytes / mib))"
        ) { $0.settings.limits.workerBytes = $1 * mib },
    ]

    private static let program = [
        AgentOption(
            "--log-level", value: "error|warning|info|debug", help: "what goes to standard error (default: warning)"
        ) { (line, text) throws(UsageError) in
            let levels: [String: Log.Level] = ["error": .error, "warning": .warning, "info": .info, "debug": .debug]
            guard let level = levels[text] else {
                throw UsageError("--log-level \(text) is none of \(levels.keys.sorted())")
            }
            line.logLevel = level
        },
        AgentOption("--version", "-v", help: "print the version") { (line, _) throws(UsageError) in
            line.wants = .version
        },
        AgentOption("--help", "-h", help: "show this help") { (line, _) throws(UsageError) in line.wants = .help },
    ]
}
