import HostSystem

/// What `runc spec` writes, with fewer mounts, masked paths and capabilities.
let runcSpec = #"""
    {
      "ociVersion": "1.0.2-dev",
      "process": {
        "terminal": true,
        "user": {"uid": 0, "gid": 0},
        "args": ["sh"],
        "env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"],
        "cwd": "/",
        "capabilities": {
          "bounding": ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"],
          "effective": ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"],
          "permitted": ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"]
        },
        "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 1024, "soft": 1024}],
        "noNewPrivileges": true
      },
      "root": {"path": "rootfs", "readonly": true},
      "hostname": "runc",
      "mounts": [
        {"destination": "/proc", "type": "proc", "source": "proc"},
        {
          "destination": "/dev", "type": "tmpfs", "source": "tmpfs",
          "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]
        }
      ],
      "linux": {
        "resources": {"devices": [{"allow": false, "access": "rwm"}]},
        "namespaces": [
          {"type": "pid"}, {"type": "network"}, {"type": "ipc"}, {"type": "uts"}, {"type": "mount"}
        ],
        "maskedPaths": ["/proc/acpi", "/proc/kcore"],
        "readonlyPaths": ["/proc/bus", "/proc/sys"]
      }
    }
    """#

let fullProcess = #"""
    {
      "cwd": "/", "consoleSize": {"height": 25, "width": 80},
      "user": {"uid": 1, "gid": 2, "umask": 23, "additionalGids": [5, 4294967295]},
      "rlimits": [{"type": "RLIMIT_CORE", "soft": 0, "hard": 18446744073709551615}],
      "apparmorProfile": "profile", "oomScoreAdj": -500, "selinuxLabel": "label",
      "scheduler": {
        "policy": "SCHED_DEADLINE", "nice": -20, "runtime": 1, "deadline": 2, "period": 3,
        "flags": ["SCHED_FLAG_RECLAIM", "SCHED_FLAG_RESET_ON_FORK"]
      },
      "ioPriority": {"class": "IOPRIO_CLASS_IDLE", "priority": 7},
      "execCPUAffinity": {"initial": "0-1", "final": "2"}
    }
    """#

let fullResources = #"""
    {
      "devices": [{"allow": true, "type": "c", "major": 1, "minor": -1, "access": "rw"}],
      "memory": {
        "limit": -1, "reservation": 2, "swap": 3, "kernel": 4, "kernelTCP": 5, "swappiness": 60,
        "disableOOMKiller": true, "useHierarchy": false, "checkBeforeUpdate": true
      },
      "cpu": {
        "shares": 18446744073709551615, "quota": -1, "burst": 2, "period": 3, "realtimeRuntime": 5,
        "realtimePeriod": 4, "cpus": "0-3", "mems": "0", "idle": 1
      },
      "pids": {"limit": 100},
      "blockIO": {
        "weight": 500, "leafWeight": 10,
        "weightDevice": [{"major": 8, "minor": 0, "weight": 300}],
        "throttleReadBpsDevice": [{"major": 8, "minor": 1, "rate": 11}],
        "throttleWriteBpsDevice": [{"major": 8, "minor": 2, "rate": 12}],
        "throttleReadIOPSDevice": [{"major": 8, "minor": 3, "rate": 13}],
        "throttleWriteIOPSDevice": [{"major": 8, "minor": 4, "rate": 14}]
      },
      "hugepageLimits": [{"pageSize": "2MB", "limit": 9223372036854772000}],
      "network": {"classID": 1048577, "priorities": [{"name": "eth0", "priority": 500}]},
      "rdma": {"mlx5_1": {"hcaHandles": 3}},
      "unified": {"hugetlb.1GB.max": "1073741824"}
    }
    """#

let fullLinux = #"""
    {
      "uidMappings": [{"containerID": 0, "hostID": 100000, "size": 65536}],
      "gidMappings": [{"containerID": 0, "hostID": 200000, "size": 1}],
      "sysctl": {"net.ipv4.ip_forward": "1", "kernel.msgmax": ""},
      "namespaces": [{"type": "time"}, {"type": "user", "path": "/proc/1/ns/user"}],
      "devices": [
        {"path": "/dev/fuse", "type": "c", "major": 10, "minor": 229, "fileMode": 438, "uid": 7, "gid": 8},
        {"path": "/run/pipe", "type": "p"}
      ],
      "netDevices": {"eth0": {"name": "net0"}, "eth1": {}},
      "intelRdt": {
        "closID": "guaranteed", "schemata": ["L3:0=7f0", "MB:0=20"], "l3CacheSchema": "L3:0=f",
        "memBwSchema": "MB:0=20", "enableMonitoring": true
      },
      "memoryPolicy": {"mode": "MPOL_WEIGHTED_INTERLEAVE", "nodes": "0-3", "flags": ["MPOL_F_STATIC_NODES"]},
      "personality": {"domain": "LINUX32"},
      "timeOffsets": {"monotonic": {"secs": 172800}, "boottime": {"secs": -1, "nanosecs": 5}},
      "mountLabel": "label",
      "seccomp": {
        "defaultAction": "SCMP_ACT_NOTIFY",
        "flags": ["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"],
        "listenerPath": "/run/agent.sock", "listenerMetadata": "data",
        "syscalls": [{"names": ["ptrace"], "action": "SCMP_ACT_TRACE", "errnoRet": 4}]
      }
    }
    """#

let vmDocument = #"""
    {
      "ociVersion": "1.3.0",
      "vm": {
        "hypervisor": {"path": "/usr/bin/vmm", "parameters": ["opts1=foo"]},
        "kernel": {"path": "/boot/vmlinuz", "parameters": ["hello world"], "initrd": "/boot/initrd"},
        "image": {"path": "/rootfs.img", "format": "qcow2"},
        "HARDWARE": {
          "deviceTree": "/d.dtb", "vcpus": 2, "memory": 4194304, "dtdevs": ["node"],
          "iomems": [{"firstMFN": 12288, "nrMFNs": 1}], "irqs": [11]
        }
      }
    }
    """#

/// A document of the size and shape that podman writes: a long seccomp list, many mounts and annotations.
var podmanLike: JSONValue {
    var rules: [JSONValue] = (0..<40).map { rule in
        [
            "names": .array((0..<20).map { "call_\(rule)_\($0)" }), "action": "SCMP_ACT_ALLOW", "args": [],
            "errnoRet": .null,
        ]
    }
    rules.append([
        "names": ["personality"], "action": "SCMP_ACT_ALLOW",
        "args": [["index": 1, "value": .unsigned(.max), "valueTwo": 8, "op": "SCMP_CMP_MASKED_EQ"]],
    ])
    let mounts: [JSONValue] = (0..<60).map {
        [
            "destination": "/data/\($0)", "type": "bind", "source": "/srv/\($0)",
            "options": ["rbind", "rprivate", "nosuid"],
        ]
    }
    let annotations = (0..<60).map { (key: "io.example.key.\($0)", value: JSONValue.string("value \($0)")) }
    return [
        "ociVersion": "1.2.1",
        "process": ["user": ["uid": 0, "gid": 0], "args": ["sleep", "1"], "cwd": "/"],
        "root": ["path": "/var/lib/containers/storage/overlay/0/merged"],
        "mounts": .array(mounts),
        "hooks": ["poststop": [["path": "/usr/bin/podman", "args": ["podman", "cleanup"], "timeout": 10]]],
        "annotations": .object(JSONObject(annotations)),
        "linux": [
            "cgroupsPath": "machine.slice:libpod:0123", "rootfsPropagation": "rslave",
            "namespaces": [["type": "pid"], ["type": "network", "path": "/run/netns/x"]],
            "seccomp": [
                "defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38,
                "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"], "syscalls": .array(rules),
            ],
        ],
    ]
}

/// What containerd's CRI plug-in writes for a container of a pod, with fewer of the repeated entries.
let criSpec = #"""
    {
      "ociVersion": "1.1.0",
      "process": {
        "user": {"uid": 1000, "gid": 1000, "additionalGids": [1000, 2000]},
        "args": ["/agnhost", "pause"], "env": ["PATH=/usr/bin:/bin", "HOSTNAME=pod"], "cwd": "/",
        "capabilities": {
          "bounding": ["CAP_CHOWN", "CAP_KILL"], "effective": ["CAP_CHOWN"], "permitted": ["CAP_CHOWN"],
          "inheritable": ["CAP_KILL"], "ambient": ["CAP_KILL"]
        },
        "apparmorProfile": "cri-containerd.apparmor.d", "oomScoreAdj": 979
      },
      "root": {"path": "/run/containerd/io.containerd.runtime.v2.task/k8s.io/0123/rootfs"},
      "mounts": [
        {"destination": "/proc", "type": "proc", "source": "proc", "options": ["nosuid", "noexec", "nodev"]},
        {
          "destination": "/etc/hosts", "type": "bind", "source": "/var/lib/kubelet/pods/0/etc-hosts",
          "options": ["rbind", "rprivate", "rw"]
        },
        {
          "destination": "/var/run/secrets/kubernetes.io/serviceaccount", "type": "bind", "source": "/var/lib/kubelet/s",
          "options": ["rbind", "rprivate", "ro"]
        }
      ],
      "annotations": {
        "io.kubernetes.cri.container-name": "c", "io.kubernetes.cri.container-type": "container",
        "io.kubernetes.cri.sandbox-id": "4567"
      },
      "linux": {
        "resources": {
          "devices": [
            {"allow": false, "access": "rwm"}, {"allow": true, "type": "c", "major": 1, "minor": 3, "access": "rwm"}
          ],
          "memory": {"limit": 134217728, "swap": 134217728},
          "cpu": {"shares": 102, "quota": 10000, "period": 100000},
          "unified": {"memory.oom.group": "1", "memory.swap.max": "0"}
        },
        "cgroupsPath": "kubepods-burstable-pod0.slice:cri-containerd:0123",
        "namespaces": [
          {"type": "pid"}, {"type": "ipc", "path": "/proc/4242/ns/ipc"}, {"type": "uts", "path": "/proc/4242/ns/uts"},
          {"type": "mount"}, {"type": "network", "path": "/proc/4242/ns/net"}, {"type": "cgroup"}
        ],
        "maskedPaths": ["/proc/acpi", "/sys/firmware"], "readonlyPaths": ["/proc/bus", "/proc/sysrq-trigger"]
      }
    }
    """#

/// What `fullProcess`, `fullResources`, `fullLinux` and `vmDocument` leave out.
let everyOtherProperty = #"""
    {
      "ociVersion": "1.3.0", "hostname": "host", "domainname": "domain",
      "root": {"path": "rootfs", "readonly": true},
      "process": {
        "terminal": true, "args": ["sh", "-c"], "env": ["A=b", "C="], "noNewPrivileges": true,
        "capabilities": {
          "bounding": ["CAP_CHOWN"], "effective": ["CAP_CHOWN"], "permitted": ["CAP_CHOWN"],
          "inheritable": ["CAP_KILL"], "ambient": ["CAP_KILL"]
        }
      },
      "mounts": [
        {
          "destination": "/mnt", "type": "bind", "source": "/srv", "options": ["rbind", "ridmap", "rro"],
          "uidMappings": [{"containerID": 0, "hostID": 1000, "size": 10}],
          "gidMappings": [{"containerID": 0, "hostID": 1000, "size": 10}]
        }
      ],
      "hooks": {
        "prestart": [{"path": "/bin/a", "args": ["a", "b"], "env": ["A=b"], "timeout": 5}],
        "createRuntime": [{"path": "/bin/a"}], "createContainer": [{"path": "/bin/a"}],
        "startContainer": [{"path": "/bin/a", "timeout": 1}], "poststart": [{"path": "/bin/a"}],
        "poststop": [{"path": "/bin/a", "args": []}]
      },
      "annotations": {"org.example/key~name": "value", "empty": ""},
      "linux": {
        "cgroupsPath": "/a/b", "rootfsPropagation": "rslave",
        "maskedPaths": ["/proc/kcore"], "readonlyPaths": ["/proc/sys"],
        "seccomp": {
          "defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38, "architectures": ["SCMP_ARCH_X86_64"],
          "flags": ["SECCOMP_FILTER_FLAG_LOG"], "listenerPath": "/run/agent.sock", "listenerMetadata": "data",
          "syscalls": [
            {
              "names": ["personality", "ptrace"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1,
              "args": [{"index": 1, "value": 8, "valueTwo": 8, "op": "SCMP_CMP_MASKED_EQ"}]
            },
            {"names": ["bpf"], "action": "SCMP_ACT_NOTIFY"}
          ]
        }
      }
    }
    """#
