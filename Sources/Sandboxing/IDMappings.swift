internal import HostSystem
internal import OCISpec

extension LinuxSpec {
    /// Gives a new user namespace without mappings the one that everybody may have: root inside is the caller outside.
    ///
    /// As with crun. Nobody else is known in it, so it allows no more than a container without.
    mutating func mapCaller() {
        if uidMappings.isEmpty { uidMappings = [IDMapping(containerID: 0, hostID: effectiveUser(), size: 1)] }
        if gidMappings.isEmpty { gidMappings = [IDMapping(containerID: 0, hostID: effectiveGroup(), size: 1)] }
    }
}

/// Writes the user and group id maps of a new user namespace. See user_namespaces(7).
///
/// The kernel lets an ordinary user map one id, the user's own. Any other map is written by the set-user-id helpers
/// newuidmap(1) and newgidmap(1), which look in /etc/subuid and /etc/subgid what the user was granted.
struct IDMappings {
    /// The properties of config.json that the maps come from, and what writes each.
    enum Kind: String {
        case user = "uid"
        case group = "gid"

        /// The file in /proc/PID.
        var file: String { "\(rawValue)_map" }
        /// The helper for ordinary users.
        var helper: String { "new\(rawValue)map" }
        /// Where the ids that a user was granted are listed.
        var grants: String { "/etc/sub\(rawValue)" }
        /// The property's JSON pointer.
        var pointer: String { "/linux/\(rawValue)Mappings" }
    }

    /// Writes the maps of process `pid`, whose user namespace is new.
    static func write(_ linux: LinuxSpec, for pid: Int32) throws {
        // In this order: setgroups(2) is settled for good when the groups are mapped.
        try write(linux.gidMappings, .group, own: effectiveGroup(), for: pid)
        try write(linux.uidMappings, .user, own: effectiveUser(), for: pid)
    }

    /// Whether the process has to do without setgroups(2): the price of mapping one's own group without a helper.
    static func denyGroups(_ linux: LinuxSpec, user: UInt32, group: UInt32) -> Bool {
        user != 0 && isOwn(linux.gidMappings, group)
    }

    /// Whether the map names one id only, the caller's own.
    private static func isOwn(_ mappings: [IDMapping], _ id: UInt32) -> Bool {
        mappings.count == 1 && mappings[0].size == 1 && mappings[0].hostID == id
    }

    private static func write(_ mappings: [IDMapping], _ kind: Kind, own: UInt32, for pid: Int32) throws {
        let user = effectiveUser()
        guard user == 0 || isOwn(mappings, own) else { return try runHelper(mappings, kind, for: pid) }
        do throws(HostError) {
            if user != 0 && kind == .group { try writeControlFile("/proc/\(pid)/setgroups", "deny") }
            let lines = mappings.map { "\($0.containerID) \($0.hostID) \($0.size)\n" }
            try writeControlFile("/proc/\(pid)/\(kind.file)", lines.joined())
        } catch {
            throw Failure("cannot map ids of the user namespace (\(kind.pointer))", cause: error)
        }
    }

    private static func runHelper(_ mappings: [IDMapping], _ kind: Kind, for pid: Int32) throws {
        let numbers = mappings.flatMap { [$0.containerID, $0.hostID, $0.size] }
        guard let path = findOnHost(kind.helper) else {
            throw SpecError(
                pointer: kind.pointer,
                reason: "an ordinary user needs \(kind.helper) to map more than the own id, and it is not in PATH",
                section: "config-linux.md#user-namespace-mappings")
        }
        let printed = try anonymousFile(named: kind.helper)
        let input = try open("/dev/null", flags: .readOnly)
        let child = try spawn(
            path, arguments: [kind.helper, "\(pid)"] + numbers.map { "\($0)" }, environment: currentEnvironment(),
            input: input.raw, output: printed.raw, errors: printed.raw)
        guard let end = try waitForChild(child)?.end, end != .exited(0) else { return }
        try rewind(printed.raw, named: kind.helper)
        let text = String(decoding: try readAll(printed.raw, named: kind.helper), as: UTF8.self)
        let reason = text.split(whereSeparator: \.isNewline).joined(separator: "; ")
        throw SpecError(
            pointer: kind.pointer,
            reason: "\(reason.isEmpty ? "\(kind.helper) fails" : reason); what a user may map is in \(kind.grants)",
            section: "config-linux.md#user-namespace-mappings")
    }

    /// A program of the host, by the caller's PATH.
    private static func findOnHost(_ name: String) -> String? {
        let path = Program.environment("PATH") ?? "/usr/local/bin:/usr/bin:/bin"
        return path.split(separator: ":").map { "\($0)/\(name)" }.first { $0.hasPrefix("/") && canExecute($0) }
    }
}
