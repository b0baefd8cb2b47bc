import HostConfiguration
import HostSystem

/// What this build supports, whatever the host has: the one place to change when that changes.
///
/// See features.md and features-linux.md of the runtime specification.
enum RuntimeFeatures {
    static let hooks = [
        "prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop",
    ]

    static let mountOptions = [
        "acl", "async", "atime", "bind", "copy-symlink", "defaults", "dest-nofollow", "dev", "diratime", "dirsync",
        "exec", "idmap", "iversion", "lazytime", "loud", "mand", "noacl", "noatime", "nodev", "nodiratime", "noexec",
        "noiversion", "nolazytime", "nomand", "norelatime", "nostrictatime", "nosuid", "nosymfollow", "private",
        "ratime", "rbind", "rdev", "rdiratime", "relatime", "remount", "rexec", "ridmap", "rnoatime", "rnodev",
        "rnodiratime", "rnoexec", "rnorelatime", "rnostrictatime", "rnosuid", "rnosymfollow", "ro", "rprivate",
        "rrelatime", "rro", "rrw", "rshared", "rslave", "rstrictatime", "rsuid", "rsymfollow", "runbindable", "rw",
        "shared", "silent", "slave", "src-nofollow", "strictatime", "suid", "symfollow", "sync", "tmpcopyup",
        "unbindable",
    ]

    static let namespaces = ["cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts"]

    static let seccompActions = [
        "SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO", "SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD",
        "SCMP_ACT_LOG", "SCMP_ACT_NOTIFY", "SCMP_ACT_TRACE", "SCMP_ACT_TRAP",
    ]

    static let seccompOperators = [
        "SCMP_CMP_EQ", "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_LE", "SCMP_CMP_LT", "SCMP_CMP_MASKED_EQ", "SCMP_CMP_NE",
    ]

    static let seccompArchitectures = [
        "SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM", "SCMP_ARCH_MIPS", "SCMP_ARCH_MIPS64", "SCMP_ARCH_MIPS64N32",
        "SCMP_ARCH_MIPSEL", "SCMP_ARCH_MIPSEL64", "SCMP_ARCH_MIPSEL64N32", "SCMP_ARCH_PPC", "SCMP_ARCH_PPC64",
        "SCMP_ARCH_PPC64LE", "SCMP_ARCH_RISCV64", "SCMP_ARCH_S390", "SCMP_ARCH_S390X", "SCMP_ARCH_X32",
        "SCMP_ARCH_X86", "SCMP_ARCH_X86_64",
    ]

    static let seccompFlags = [
        "SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_SPEC_ALLOW", "SECCOMP_FILTER_FLAG_LOG",
        "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV",
    ]

    static let memoryModes = [
        "MPOL_BIND", "MPOL_DEFAULT", "MPOL_INTERLEAVE", "MPOL_LOCAL", "MPOL_PREFERRED", "MPOL_PREFERRED_MANY",
        "MPOL_WEIGHTED_INTERLEAVE",
    ]

    static let memoryFlags = ["MPOL_F_NUMA_BALANCING", "MPOL_F_RELATIVE_NODES", "MPOL_F_STATIC_NODES"]

    /// Annotations, or what they begin with, that choose what runs on the host: an engine must not let a stranger set
    /// them. Those that name files of the host are refused unless the operator allows them.
    static let unsafeAnnotations =
        ([
            "com.urunc.unikernel.", "org.criu.config", "org.swiftlet.unikernel.", "org.swiftlet.vm",
            "org.unikraft.kernel.", "run.oci.hooks.",
        ]
        + OperatorConfiguration.grantable.filter { !$0.hasPrefix("/") }).sorted()

    /// In the order of their numbers; see capabilities(7).
    static let capabilities = [
        "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL",
        "CAP_SETGID", "CAP_SETUID", "CAP_SETPCAP", "CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE",
        "CAP_NET_BROADCAST", "CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_IPC_LOCK", "CAP_IPC_OWNER", "CAP_SYS_MODULE",
        "CAP_SYS_RAWIO", "CAP_SYS_CHROOT", "CAP_SYS_PTRACE", "CAP_SYS_PACCT", "CAP_SYS_ADMIN", "CAP_SYS_BOOT",
        "CAP_SYS_NICE", "CAP_SYS_RESOURCE", "CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG", "CAP_MKNOD", "CAP_LEASE",
        "CAP_AUDIT_WRITE", "CAP_AUDIT_CONTROL", "CAP_SETFCAP", "CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN",
        "CAP_SYSLOG", "CAP_WAKE_ALARM", "CAP_BLOCK_SUSPEND", "CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF",
        "CAP_CHECKPOINT_RESTORE",
    ]

    /// The features document.
    ///
    /// - Parameter seccomp: The version of libseccomp.
    static func document(seccomp: String?) -> JSONValue {
        var annotations: JSONObject = [
            "org.swiftlet.version": .string(Release.version), "org.swiftlet.checkpoint.enabled": "true",
        ]
        if let seccomp { annotations["io.github.seccomp.libseccomp.version"] = .string(seccomp) }
        return [
            "ociVersionMin": .string(Release.oldestSpecification),
            "ociVersionMax": .string(Release.specification),
            "hooks": JSONValue(hooks),
            "mountOptions": JSONValue(mountOptions),
            "linux": linux,
            "annotations": .object(annotations),
            "potentiallyUnsafeConfigAnnotations": JSONValue(unsafeAnnotations),
        ]
    }

    private static var linux: JSONValue {
        [
            "namespaces": JSONValue(namespaces),
            "capabilities": JSONValue(capabilities),
            "cgroup": ["v1": true, "v2": true, "systemd": true, "systemdUser": false, "rdma": true],
            "seccomp": [
                "enabled": true,
                "actions": JSONValue(seccompActions),
                "operators": JSONValue(seccompOperators),
                "archs": JSONValue(seccompArchitectures),
                "knownFlags": JSONValue(seccompFlags),
                "supportedFlags": JSONValue(seccompFlags),
            ],
            "apparmor": ["enabled": true],
            "selinux": ["enabled": true],
            "memoryPolicy": ["modes": JSONValue(memoryModes), "flags": JSONValue(memoryFlags)],
            "intelRdt": ["enabled": false],
            "mountExtensions": ["idmap": ["enabled": true]],
            "netDevices": ["enabled": true],
        ]
    }
}
