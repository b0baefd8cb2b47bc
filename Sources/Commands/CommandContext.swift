import HostSystem
import Lifecycle

/// What a command works with.
struct CommandContext {
    /// The name the program was called by.
    let called: String
    let globals: Arguments
    let log: Log
    /// Writes to standard output.
    let output: (String) throws -> Void

    /// The runtime, made only by the commands that need one.
    func runtime() throws -> Runtime {
        let (root, isTemporary) = try root()
        var settings = RuntimeSettings(
            root: root, isRootTemporary: isTemporary, systemdCgroup: usesSystemd, rootless: rootless,
            hostConfiguration: try hostConfiguration(), log: log)
        settings.runsMachines = called == Release.machinesName
        return Runtime(settings)
    }

    /// The absolute path of another file than the usual one with the operator's configuration.
    func hostConfiguration() throws -> String? {
        guard let path = globals.text(GlobalOptions.hostConfig) else { return nil }
        guard effectiveUser() == 0 else { throw UsageError("--host-config is only for root") }
        return try absolutePath(path)
    }

    private var usesSystemd: Bool {
        guard let manager = globals.text(GlobalOptions.cgroupManager) else {
            return globals.isOn(GlobalOptions.systemdCgroup)
        }
        if manager == "disabled" {
            log.warning("--cgroup-manager=disabled has no effect: cgroups are made if they can be")
        }
        return manager == "systemd"
    }

    private var rootless: Bool? {
        switch globals.text(GlobalOptions.rootless) {
        case "true": true
        case "false": false
        default: nil
        }
    }

    /// The absolute path of the state directory, and whether old files are cleaned up there.
    private func root() throws -> (path: String, isTemporary: Bool) {
        guard let root = globals.text(GlobalOptions.root) else { return Self.defaultRoot() }
        guard !root.isEmpty else { throw UsageError("invalid root: an empty path names no directory") }
        return (try absolutePath(root), false)
    }

    /// Where state is kept when nobody says where.
    ///
    /// As runc decides it: an engine that runs rootless inside a user namespace looks like root, but cannot write to
    /// /run; only `USER` tells it from a container in which everything is root's.
    private static func defaultRoot() -> (path: String, isTemporary: Bool) {
        let system = ("/run/\(Release.program)", false)
        guard let directory = Program.environment("XDG_RUNTIME_DIR"), !directory.isEmpty else { return system }
        let isOrdinaryUser = effectiveUser() != 0
        guard isOrdinaryUser || (Program.isInUserNamespace && Program.environment("USER") != "root") else {
            return system
        }
        return ("\(directory)/\(Release.program)", true)
    }

    /// The first positional argument as the name of a container.
    func containerID(_ arguments: Arguments) throws -> String {
        try checkedContainerID(arguments.positionals.first ?? "")
    }
}
