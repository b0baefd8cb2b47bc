internal import HostSystem
internal import OCISpec

/// Writes the user and group id maps of a new user namespace. See user_namespaces(7).
struct IDMappings {
    /// Writes the maps of process `pid`, whose user namespace is new.
    static func write(_ linux: LinuxSpec, for pid: Int32) throws(Failure) {
        do throws(HostError) {
            if effectiveUser() != 0 { try writeControlFile("/proc/\(pid)/setgroups", "deny") }
            try writeControlFile("/proc/\(pid)/gid_map", text(linux.gidMappings))
            try writeControlFile("/proc/\(pid)/uid_map", text(linux.uidMappings))
        } catch {
            throw Failure("cannot map ids of the user namespace", cause: error)
        }
    }

    private static func text(_ mappings: [IDMapping]) -> String {
        mappings.map { "\($0.containerID) \($0.hostID) \($0.size)\n" }.joined()
    }
}
