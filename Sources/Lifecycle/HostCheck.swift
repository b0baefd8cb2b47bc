internal import HostConfiguration
internal import HostSystem
internal import LaunchPlanning
internal import Sandboxing

/// Something that was looked at on this host.
public struct HostFinding: Sendable {
    /// What it belongs to: `host`, `guests`, `monitors`.
    public let group: String
    /// What it is.
    public let name: String
    /// Whether it is there and can be used.
    public let isThere: Bool
    /// What was found, or why it cannot be used.
    public let detail: String
    /// Whether no container can run without it.
    public let isRequired: Bool

    /// Runs `probe`, which returns what it found or throws why it cannot.
    init(_ group: String, _ name: String, isRequired: Bool = false, _ probe: () throws -> String) {
        self.group = group
        self.name = name
        self.isRequired = isRequired
        do {
            detail = try probe()
            isThere = true
        } catch {
            detail = "\(error)"
            isThere = false
        }
    }
}

extension Runtime {
    /// Looks at what this host can run. Changes nothing that outlives the call.
    public func check() -> [HostFinding] { kernelFindings() + guestFindings() + monitorFindings() }

    /// Such a user's containers need a user namespace, and may do without cgroups.
    private var isOrdinaryUser: Bool { effectiveUser() != 0 }

    private func kernelFindings() -> [HostFinding] {
        let always: (String, () throws -> String) -> HostFinding = { HostFinding("host", $0, isRequired: true, $1) }
        return [
            always("kernel") { try KernelProbes.release() },
            always("openat2") { try KernelProbes.resolution() },
            always("pidfd") { try KernelProbes.processDescriptors() },
            always("namespaces") { try KernelProbes.namespaces() },
            always("mount API") { try KernelProbes.mounts() },
            HostFinding("host", "user namespaces", isRequired: isOrdinaryUser) { try KernelProbes.userNamespaces() },
            HostFinding("host", "time namespaces") { try KernelProbes.timeNamespaces() },
            HostFinding("host", "idmapped mounts") { try KernelProbes.mappedMounts() },
            HostFinding("host", "seccomp", isRequired: true) { try KernelProbes.seccomp() },
            HostFinding("host", "cgroups", isRequired: !isOrdinaryUser) {
                let cgroups = try CgroupSurvey()
                return "\(cgroups.layout): \(cgroups.controllers.joined(separator: " "))"
            },
            HostFinding("host", "eBPF for devices") { try KernelProbes.devicePrograms() },
        ]
    }

    private func guestFindings() -> [HostFinding] {
        let host = HostFacts()
        return [
            HostFinding("guests", "configuration") {
                let configuration = try hostConfiguration.read(monitors: MonitorSurvey.names)
                return exists(configuration.file) ? configuration.file : "\(configuration.file) is not there"
            },
            HostFinding("guests", "KVM") {
                if let problem = host.problemOfKVM { throw Failure(problem) }
                return HostFacts.kvmPath
            },
            HostFinding("guests", "processor") {
                guard host.hasVirtualisation else {
                    throw Failure("has neither VT-x nor AMD-V; where there is KVM, it is software")
                }
                return "has VT-x or AMD-V"
            },
            HostFinding("guests", "virtual machines") {
                let parts = try MachineParts(try hostConfiguration.read(monitors: MonitorSurvey.names))
                guard exists(parts.kernel) else { throw Failure("\(parts.kernel) is not there") }
                return "\(parts.kernel), files by \(parts.fileServer)"
            },
            HostFinding("guests", "virtio sockets") {
                try VsockPlan.describe(try hostConfiguration.read(monitors: MonitorSurvey.names), on: host)
            },
            HostFinding("guests", "tun") {
                _ = try HostSystem.open("/dev/net/tun", flags: .readWrite)
                return "/dev/net/tun"
            },
        ]
    }

    private func monitorFindings() -> [HostFinding] {
        let configuration = (try? hostConfiguration.read(monitors: MonitorSurvey.names)) ?? OperatorConfiguration()
        return MonitorSurvey.all(configuration).map { monitor in
            HostFinding("monitors", monitor.name) {
                if let problem = monitor.problem { throw Failure(problem) }
                guard let path = monitor.path else { return "part of swiftlet" }
                return "\(path): \(try ProgramVersion.ask(path))"
            }
        }
    }
}

/// What a program says of its version.
enum ProgramVersion {
    /// The first line that the program at `path` prints when it is asked; `no version` where it does not know the option.
    ///
    /// - Parameter patience: How long it may take, in milliseconds.
    /// - Throws: ``HostSystem/HostError``, or ``HostSystem/Failure`` when it does not end in time.
    static func ask(_ path: String, patience: Int64 = 5000) throws -> String {
        let input = try open("/dev/null", flags: .readOnly)
        let output = try anonymousFile(named: path)
        let pid = try spawn(
            path, arguments: [path, "--version"], environment: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"],
            input: input.raw, output: output.raw, errors: output.raw)
        defer { endChild(pid) }
        let handle = try openProcess(pid)
        let deadline = monotonicNanoseconds() + patience * 1_000_000
        while try !waitUntilReadable([handle.raw], timeout: 100)[0] {
            guard monotonicNanoseconds() < deadline else {
                throw Failure("\(path) --version did not end within \(patience) ms")
            }
        }
        guard let end = try waitForChild(pid)?.end, end == .exited(0) else { return "no version" }
        try rewind(output.raw, named: path)
        let printed = String(decoding: try readAll(output.raw, named: path, limit: 1 << 16), as: UTF8.self)
        return printed.split(whereSeparator: \.isNewline).first.map { String($0.prefix(100)) } ?? "no version"
    }
}
