internal import HostSystem

/// What the planner has to know of the host. Each fact is looked up when it is asked for.
public struct HostFacts: Sendable {
    /// The device of KVM.
    public static let kvmPath = "/dev/kvm"

    /// Why `/dev/kvm` cannot be used; nil when it can.
    var kvmProblem: @Sendable () -> String?
    /// Whether the processor itself virtualises (VT-x, AMD-V). A hypervisor in software runs supervisor code step by step.
    var isProcessorVirtualised: @Sendable () -> Bool
    /// Why `/dev/vhost-vsock` cannot be used; nil when it can.
    var vhostVsockProblem: @Sendable () -> String?
    /// The path of the first program of these names that there is.
    var findProgram: @Sendable ([String]) -> String?

    /// This host's.
    public init() {
        kvmProblem = { Self.problem(Self.kvmPath) }
        vhostVsockProblem = { Self.problem(GuestContextID.device) }
        isProcessorVirtualised = Self.readProcessorFlags
        findProgram = Self.search
    }

    private static func problem(_ device: String) -> String? {
        do throws(HostError) {
            _ = try open(device, flags: .readWrite)
            return nil
        } catch {
            return "\(error)"
        }
    }

    private static func readProcessorFlags() -> Bool {
        // The first processor's flags are within the first pages.
        guard let file = try? open("/proc/cpuinfo", flags: .readOnly),
            let bytes = try? readSome(file.raw, named: "/proc/cpuinfo")
        else { return false }
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
        let flags = lines.first { $0.hasPrefix("flags") }?.split(separator: " ") ?? []
        return flags.contains("vmx") || flags.contains("svm")
    }

    /// Where a caller without $PATH has its programs.
    private static let usualPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    private static func search(_ names: [String]) -> String? {
        let path = Program.environment("PATH") ?? usualPath
        for name in names {
            for directory in path.split(separator: ":") where directory.hasPrefix("/") {
                let candidate = "\(directory)/\(name)"
                if let status = try? followedStatus(of: candidate), status.kind == .regular, canExecute(candidate) {
                    return candidate
                }
            }
        }
        return nil
    }
}
