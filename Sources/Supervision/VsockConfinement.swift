internal import HostSystem

/// How the process of a guest's virtio socket device is confined, whichever program it is.
enum VsockConfinement {
    /// Compiles what it may do: these calls, and sockets of the file system. Others are as if this kernel did not have them.
    static func filter(
        _ calls: [(reason: String, names: [String])], _ cache: FilterCache?
    ) throws(HostError) -> SeccompProgram {
        let unix = [FilterCondition(index: 0, comparison: .equal, value: 1)]
        let sockets = [FilterRule(name: "socket", action: .allow, conditions: unix)]
        let rules = calls.flatMap(\.names).map { FilterRule(name: $0, action: .allow) }
        return try SeccompProgram(defaultAction: .error(38), rules: rules + sockets, cache: cache)
    }

    /// Gives up every right of this process but those that `filter` leaves.
    static func enter(_ filter: SeccompProgram) throws(HostError) {
        try setCapabilities(effective: CapabilitySet(), permitted: CapabilitySet(), inheritable: CapabilitySet())
        try setNoNewPrivileges()
        try filter.load()
    }
}
