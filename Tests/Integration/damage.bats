# A config.json with one value damaged, whichever and however: the container runs, or is refused with a reason, and
# nothing is left of it.
#
# POINTS   how many damages are tried of each document; 60 unless set
# SEED     which ones; 1 unless set

load helpers

setup() {
    prepare
    need_swiftlet # what a Go runtime says of such a document is its own affair
    need_command python3
}

# Damages the bundle's config.json, again and again.
damage() { # [JQ_FILTER]
    local report code=0
    edit "${1:-.} | .linux.cgroupsPath = \"/swiftlet-tests/$ID\""
    # In a mount namespace of its own: of some documents the container's is taken away.
    report=$(unshare --mount --propagation private "$BATS_TEST_DIRNAME/damage_config.py" --points "${POINTS:-60}" --seed "${SEED:-1}" "$RUNTIME" "$ROOT" \
        "$BUNDLE" "$ID" ${DAMAGE_OPTIONS-} 2>&1 </dev/null 3>&-) || code=$?
    ((code == 0)) || fail "$report"
    echo "# $report" >&3
    # Nothing of the test's own was changed by a container whose mounts or namespaces were damaged.
    [[ $(hostname) == "$host" && $(<"$TEST_DIR/kept") == kept ]] || fail "the host was changed"
}

prepare_damage() {
    host=$(hostname)
    echo kept >"$TEST_DIR/kept"
}

@test "what runc spec writes, damaged" {
    prepare_damage
    bundle true
    damage
}

@test "what docker writes, damaged" {
    local profile=/usr/share/containers/seccomp.json
    [[ -e $profile ]] || skip "no $profile: it belongs to Debian's golang-github-containers-common"
    prepare_damage
    bundle true
    python3 "$repository/Tests/Benchmarks/engine_config.py" "$BUNDLE" "$profile"
    # Two of the rules, so that the rest of the document has its share of the damages.
    damage '.linux.seccomp.syscalls |= (map(select(.args)) | .[:2])
        | .linux.seccomp.defaultAction = "SCMP_ACT_ALLOW" | del(.linux.seccomp.defaultErrnoRet)'
}

@test "what containerd writes for a pod, damaged" {
    prepare_damage
    bundle true
    damage '.process.user = {uid: 1000, gid: 1000, additionalGids: [1000, 2000]} | .process.oomScoreAdj = 979
        | .linux.resources.memory = {limit: 67108864} | .linux.resources.cpu = {shares: 102, quota: 10000, period: 100000}
        | .annotations = {"io.kubernetes.cri.container-type": "container"}
        | .mounts += [{destination: "/etc/hosts", type: "bind", source: "/etc/hosts", options: ["rbind", "rprivate", "ro"]}]
        | .hooks = {createRuntime: [{path: "/bin/true", args: ["true"], env: ["A=b"], timeout: 5}],
            poststop: [{path: "/bin/true"}]}'
}

@test "a container with all that this machine has, damaged" {
    prepare_damage
    bundle true
    chown -R 100000:100000 "$BUNDLE/rootfs"
    chmod 755 "$TEST_DIR"
    damage '.domainname = "domain" | .linux.namespaces += [{type: "user"}, {type: "cgroup"}, {type: "time"}]
        | .mounts |= map(select(.type != "cgroup")) | .root.readonly = true | .process.user.umask = 18
        | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] | .linux.gidMappings = .linux.uidMappings
        | .linux.timeOffsets = {monotonic: {secs: 1000, nanosecs: 5}, boottime: {secs: 7}}
        | .linux.sysctl = {"net.ipv4.ip_forward": "1", "kernel/msgmax": "8192"} | .linux.personality = {domain: "LINUX"}
        | .linux.devices = [{path: "/dev/fuse", type: "c", major: 10, minor: 229, fileMode: 438, uid: 0, gid: 0}]
        | .linux.resources.pids = {limit: 100}
        | .process.scheduler = {policy: "SCHED_OTHER", nice: 5} | .linux.rootfsPropagation = "rprivate"
        | .process.ioPriority = {class: "IOPRIO_CLASS_BE", priority: 4} | .process.execCPUAffinity = {initial: "0", final: "0"}
        | .linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", architectures: ["SCMP_ARCH_X86_64"], flags: [],
            syscalls: [{names: ["mkdir"], action: "SCMP_ACT_ERRNO", errnoRet: 1,
                args: [{index: 1, value: 8, valueTwo: 8, op: "SCMP_CMP_MASKED_EQ"}]}]}'
}
