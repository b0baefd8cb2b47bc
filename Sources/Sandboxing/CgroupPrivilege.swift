internal import HostSystem

/// What a caller may do without where it has no right to make cgroups, as runc decides it.
///
/// Asked only where the kernel has refused something: for root of the host it costs nothing.
struct CgroupPrivilege {
    /// Whether config.json says where the cgroup is.
    var isPathGiven = true
    /// What the user says with `--rootless`; nil to see whether the caller is root of the whole host.
    var rootless: Bool?

    /// Whether rules about devices are done without: only root of the host may set them.
    var mayOmitDeviceRules: Bool { rootless ?? (effectiveUser() != 0 || Program.isInUserNamespace) }

    /// Whether every cgroup is done without that cannot be made. A limit that would be in it is refused all the same.
    var mayOmitCgroups: Bool { !isPathGiven && mayOmitDeviceRules }
}
