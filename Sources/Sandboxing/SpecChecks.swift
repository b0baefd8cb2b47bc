internal import HostSystem
internal import LaunchPlanning
internal import OCISpec

/// What config.json asks for that cannot be done, or would reach beyond the container: checked before anything is made.
enum SpecChecks {
    /// Runs every check.
    ///
    /// - Throws: ``OCISpec/SpecError`` that names the property.
    static func check(_ spec: RuntimeSpec, _ namespaces: NamespacePlan) throws(SpecError) {
        let linux = spec.linux ?? LinuxSpec()
        try checkMappings(linux, namespaces)
        try checkNames(spec, namespaces)
        try checkCovered(linux, namespaces)
        for (name, _) in linux.sysctl { try checkSysctl(name, namespaces) }
        try checkMappedMounts(spec.mounts, namespaces)
        try checkTime(linux, namespaces)
        try checkCalls(spec)
        try NetworkDevices.check(linux.netDevices, namespaces)
        if linux.intelRdt != nil {
            throw SpecError(
                pointer: "/linux/intelRdt", reason: "intelRdt is specified in config, but Intel RDT is not enabled",
                section: "config-linux.md#intelrdt")
        }
    }

    /// Refuses names of system calls that nobody knows where the annotation `run.oci.seccomp_fail_unknown_syscall` asks for
    /// that, as with crun; they are passed over otherwise.
    private static func checkCalls(_ spec: RuntimeSpec) throws(SpecError) {
        guard let seccomp = spec.linux?.seccomp,
            let wish = spec.annotations["run.oci.seccomp_fail_unknown_syscall"], wish != "0"
        else { return }
        for (index, rule) in seccomp.syscalls.enumerated() {
            for (place, name) in rule.names.enumerated() where !knowsSystemCall(name) {
                throw SpecError(
                    pointer: "/linux/seccomp/syscalls/\(index)/names/\(place)", reason: "invalid syscall \"\(name)\"",
                    section: "config-linux.md#seccomp")
            }
        }
    }

    /// Checks what a guest's container cannot have.
    ///
    /// - Throws: ``OCISpec/SpecError`` that names the property.
    static func checkGuest(
        _ spec: RuntimeSpec, _ namespaces: NamespacePlan, networkDevices: [String]
    ) throws(SpecError) {
        if let device = networkDevices.first, !namespaces.isSeparate(.network) {
            throw SpecError(
                pointer: "/linux/namespaces",
                reason:
                    "the guest has \(device == GuestPlan.everyInterface ? "network devices" : "a network device, '\(device)',") "
                    + "and would take the host's interfaces over: it needs a network namespace",
                section: "config-linux.md#namespaces")
        }
        if spec.linux?.personality != nil {
            throw SpecError(
                pointer: "/linux/personality", reason: "a guest is no program of this kernel",
                section: "config-linux.md#personality")
        }
        guard !spec.hooks.startContainer.isEmpty else { return }
        throw SpecError(
            pointer: "/hooks/startContainer",
            reason: "such a hook is a program inside the container, and a guest's container has none",
            section: "config.md#posix-platform-hooks")
    }

    /// The words are runc's.
    private static func checkMappedMounts(_ mounts: [Mount], _ namespaces: NamespacePlan) throws(SpecError) {
        for (index, mount) in mounts.enumerated() {
            let options = MountOptions(mount)
            guard options.isMapped || !mount.uidMappings.isEmpty else { continue }
            func refuse(_ property: String, _ reason: String) -> SpecError {
                SpecError(pointer: "/mounts/\(index)/\(property)", reason: reason, section: "config.md#mounts")
            }
            guard options.isBind else { throw refuse("type", "id-mapped mounts are only supported for bind-mounts") }
            guard !mount.uidMappings.isEmpty || namespaces.isSeparate(.user) else {
                throw refuse("options", "idmap needs mappings: the mount has none, and the container no user namespace")
            }
        }
    }

    /// The words are runc's.
    private static func checkTime(_ linux: LinuxSpec, _ namespaces: NamespacePlan) throws(SpecError) {
        guard !linux.timeOffsets.isEmpty, !namespaces.new.contains(.time) else { return }
        let reason =
            namespaces.isSeparate(.time)
            ? "time namespace enabled, but both namespace path and time offsets specified -- you may only provide one"
            : "time namespace offsets specified, but time namespace isn't enabled in the config"
        throw SpecError(
            pointer: "/linux/timeOffsets", reason: reason, section: "config-linux.md#offset-for-time-namespace")
    }

    /// What is covered for the container would be covered for whoever shares its mounts. The words are runc's.
    private static func checkCovered(_ linux: LinuxSpec, _ namespaces: NamespacePlan) throws(SpecError) {
        guard !namespaces.isSeparate(.mount) else { return }
        for (name, paths) in [("maskedPaths", linux.maskedPaths), ("readonlyPaths", linux.readonlyPaths)]
        where !paths.isEmpty {
            throw SpecError(
                pointer: "/linux/\(name)", reason: "unable to restrict sys entries without a private MNT namespace",
                section: "config-linux.md#masked-paths")
        }
    }

    private static func checkMappings(_ linux: LinuxSpec, _ namespaces: NamespacePlan) throws(SpecError) {
        guard !namespaces.isSeparate(.user) else { return }
        for (name, mappings) in [("uidMappings", linux.uidMappings), ("gidMappings", linux.gidMappings)]
        where !mappings.isEmpty {
            throw SpecError(
                pointer: "/linux/\(name)", reason: "mappings need a user namespace, which the container has not",
                section: "config-linux.md#user-namespace-mappings")
        }
    }

    private static func checkNames(_ spec: RuntimeSpec, _ namespaces: NamespacePlan) throws(SpecError) {
        for (name, value) in [("hostname", spec.hostname), ("domainname", spec.domainname)]
        where value != nil && !namespaces.isSeparate(.uts) {
            throw SpecError(
                pointer: "/\(name)", reason: "unable to set \(name) without a private UTS namespace",
                section: "config.md#\(name)")
        }
    }

    /// Only what the kernel keeps apart for each namespace may be set, and only in a namespace of the container's own.
    private static func checkSysctl(_ name: String, _ namespaces: NamespacePlan) throws(SpecError) {
        func refuse(_ reason: String) -> SpecError {
            SpecError(
                pointer: "/linux/sysctl/\(Failure.pointerPart(name))", reason: reason, section: "config-linux.md#sysctl"
            )
        }
        let parts = sysctlParts(name)
        guard !parts.isEmpty, !parts.contains("..") else { throw refuse("'\(name)' is not the name of a sysctl") }
        let dotted = parts.joined(separator: ".")
        let owner: NamespaceType
        switch dotted {
        case _ where dotted.hasPrefix("net."): owner = .network
        case _ where dotted.hasPrefix("fs.mqueue."), _ where isIPC(dotted): owner = .ipc
        case "kernel.domainname": owner = .uts
        case "kernel.hostname":
            throw refuse("sysctl \"\(name)\" is not allowed as it conflicts with the OCI \"hostname\" field")
        case _ where dotted.hasPrefix("user."):
            guard namespaces.isSeparate(.user) else {
                throw refuse("setting ucounts without a user namespace not allowed: \(name)")
            }
            return
        default: throw refuse("sysctl \"\(name)\" is not in a separate kernel namespace")
        }
        guard namespaces.isSeparate(owner) else {
            // runc's words.
            let place =
                owner == .network
                ? "not allowed in host network namespace" : "is not allowed in the hosts \(owner.rawValue) namespace"
            throw refuse("sysctl \"\(name)\" \(place)")
        }
    }

    /// The parts of a sysctl's name, written with dots, or with slashes where a part (an interface's name) has dots.
    static func sysctlParts(_ name: String) -> [Substring] {
        name.split(separator: name.contains("/") ? "/" : ".")
    }

    private static func isIPC(_ name: String) -> Bool {
        [
            "kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem", "kernel.shmall", "kernel.shmmax",
            "kernel.shmmni", "kernel.shm_rmid_forced",
        ].contains(name)
    }
}
