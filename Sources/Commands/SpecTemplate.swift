import HostSystem

/// The configuration that `spec` writes: what runc's holds, or what a unikernel needs.
struct SpecTemplate {
    let isRootless: Bool
    let isUnikernel: Bool
    /// The user and group that a rootless container's root is outside.
    let user: UInt32
    let group: UInt32

    /// The whole document. See config.md and config-linux.md of the runtime specification.
    var document: JSONValue {
        [
            "ociVersion": .string(Release.specification),
            "process": isUnikernel ? Self.unikernelProcess : Self.shellProcess,
            "root": ["path": "rootfs", "readonly": true],
            "hostname": .string(Release.program),
            "mounts": isUnikernel ? [] : .array(mounts),
            "linux": .object(linux),
        ]
    }

    /// The unikernel needs no terminal, no environment and no capability; its monitor is given what it needs.
    private static let unikernelProcess: JSONValue = [
        "terminal": false,
        "user": ["uid": 0, "gid": 0],
        "args": ["/unikernel"],
        "cwd": "/",
        "capabilities": ["bounding": [], "effective": [], "permitted": [], "ambient": []],
        "noNewPrivileges": true,
    ]

    private static let shellProcess: JSONValue = [
        "terminal": true,
        "user": ["uid": 0, "gid": 0],
        "args": ["sh"],
        "env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"],
        "cwd": "/",
        "capabilities": [
            "bounding": capabilities, "effective": capabilities, "permitted": capabilities,
        ],
        "rlimits": [["type": "RLIMIT_NOFILE", "hard": 1024, "soft": 1024]],
        "noNewPrivileges": true,
    ]

    private static let capabilities: JSONValue = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"]

    private var mounts: [JSONValue] {
        let quiet = ["nosuid", "noexec", "nodev"]
        let terminals = ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]
        return [
            ["destination": "/proc", "type": "proc", "source": "proc"],
            Self.mount("/dev", "tmpfs", "tmpfs", ["nosuid", "strictatime", "mode=755", "size=65536k"]),
            // A group other than the user's own cannot be given to a file without privileges.
            Self.mount("/dev/pts", "devpts", "devpts", isRootless ? terminals : terminals + ["gid=5"]),
            Self.mount("/dev/shm", "tmpfs", "shm", quiet + ["mode=1777", "size=65536k"]),
            Self.mount("/dev/mqueue", "mqueue", "mqueue", quiet),
            // sysfs belongs to the network namespace, which a rootless container shares with the host.
            isRootless
                ? Self.mount("/sys", "none", "/sys", ["rbind"] + quiet + ["ro"])
                : Self.mount("/sys", "sysfs", "sysfs", quiet + ["ro"]),
            Self.mount("/sys/fs/cgroup", "cgroup", "cgroup", quiet + ["relatime", "ro"]),
        ]
    }

    private static func mount(_ destination: String, _ type: String, _ source: String, _ options: [String]) -> JSONValue
    {
        [
            "destination": .string(destination), "type": .string(type), "source": .string(source),
            "options": JSONValue(options),
        ]
    }

    private var linux: JSONObject {
        var linux: JSONObject = [:]
        if isRootless {
            linux["uidMappings"] = [["containerID": 0, "hostID": JSONValue(user), "size": 1]]
            linux["gidMappings"] = [["containerID": 0, "hostID": JSONValue(group), "size": 1]]
        } else {
            linux["resources"] = ["devices": [["allow": false, "access": "rwm"]]]
        }
        let namespaces = ["pid", isRootless ? nil : "network", "ipc", "uts", "mount", isRootless ? "user" : nil]
        linux["namespaces"] = .array(namespaces.compactMap { $0 }.map { ["type": .string($0)] })
        if !isUnikernel {
            linux["maskedPaths"] = [
                "/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list",
                "/proc/timer_stats", "/proc/sched_debug", "/sys/firmware", "/proc/scsi",
            ]
            linux["readonlyPaths"] = [
                "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
            ]
        }
        return linux
    }
}
