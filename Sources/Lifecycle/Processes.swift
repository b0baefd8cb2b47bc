internal import ContainerState
internal import HostSystem
internal import Sandboxing

extension Runtime {
    /// The pids of a container's processes, as this PID namespace numbers them; none when it has ended.
    ///
    /// - Throws: ``HostSystem/Failure`` when there is no such container, or it has no cgroups to tell them by.
    public func processes(id: String) throws -> [Int32] {
        guard let record = try open(id, lock: false).record else { throw Failure("container does not exist: \(id)") }
        guard !record.processCgroups.isEmpty else {
            throw Failure("cannot list the processes of container \(id): it has no cgroups")
        }
        return Cgroup.processes(in: record.processCgroups)
    }

    /// What ps(1) of the host prints about a container's processes: its heading and their lines.
    ///
    /// - Parameter options: What ps is called with; `-ef` when there is nothing. The heading must have a column `PID`.
    public func processTable(id: String, options: [String]) throws -> String {
        let pids = try processes(id: id)
        let lines = try Self.callPs(options.isEmpty ? ["-ef"] : options).split(separator: "\n")
        guard let heading = lines.first, let column = heading.split(separator: " ").firstIndex(of: "PID") else {
            throw Failure("couldn't find PID field in ps output")
        }
        let own = lines.dropFirst().filter { line in
            let fields = line.split(separator: " ")
            guard fields.indices.contains(column), let pid = Int32(fields[column]) else { return false }
            return pids.contains(pid)
        }
        return ([heading] + own).map { "\($0)\n" }.joined()
    }

    private static func callPs(_ options: [String]) throws -> String {
        let directories = (Program.environment("PATH") ?? "/usr/bin:/bin").split(separator: ":")
        guard let path = directories.map({ "\($0)/ps" }).first(where: { canExecute($0) }) else {
            throw Failure("exec: \"ps\": executable file not found in $PATH")
        }
        let output = try anonymousFile(named: "ps")
        let input = try HostSystem.open("/dev/null", flags: .readOnly)
        let pid = try spawn(
            path, arguments: ["ps"] + options, environment: currentEnvironment(), input: input.raw,
            output: output.raw, errors: output.raw)
        let end = try waitForChild(pid)?.end
        try rewind(output.raw, named: "ps")
        let text = String(decoding: try readAll(output.raw, named: "ps"), as: UTF8.self)
        guard end == .exited(0) else {
            let reason = text.split(whereSeparator: \.isNewline).joined(separator: "; ")
            throw Failure("ps ended with status \(end?.shellStatus ?? 1): \(reason)")
        }
        return text
    }
}
