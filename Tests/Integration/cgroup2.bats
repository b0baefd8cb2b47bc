#!/usr/bin/env bats
# Cgroup version 2, where the host has nothing else. Elsewhere lab.bats runs this file in a virtual machine.

load helpers

setup() {
    prepare
    [[ -e /sys/fs/cgroup/cgroup.controllers ]] || skip "the host has cgroup version 1 (lab.bats runs this in a guest)"
}

teardown() {
    # Groups that a test made around its container.
    [[ ! -d /sys/fs/cgroup/swiftlet-tests ]] || find /sys/fs/cgroup/swiftlet-tests -depth -type d -exec rmdir {} \; || true
    clean_up
}

# The content of a file of the container's cgroup.
value() { # FILE
    cat "/sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$PID/cgroup")/$1"
}

need_controllers() { # CONTROLLER...
    local controller
    for controller; do
        grep -qw "$controller" /sys/fs/cgroup/cgroup.controllers || skip "no controller $controller in version 2"
    done
}

@test "version 2: placement and limits" {
    need_controllers memory cpu cpuset pids
    bundle sleep 1000
    edit ".linux.resources += {memory: {limit: 33554432, reservation: 16777216, swap: 50331648}, pids: {limit: 50},
        cpu: {quota: 20000, period: 50000, cpus: \"0\", mems: \"0\"}} | .linux.cgroupsPath = \"/swiftlet-tests/$ID\""
    create
    equal "$(value memory.max)" 33554432 'memory limit'
    equal "$(value memory.low)" 16777216 'memory reservation'
    [[ ! -e /sys/fs/cgroup/swiftlet-tests/memory.swap.max ]] || equal "$(value memory.swap.max)" 16777216 'swap alone'
    equal "$(value pids.max)" 50 'pids limit'
    equal "$(value cpu.max)" '20000 50000' 'cpu quota'
    equal "$(value cpuset.cpus)" 0 cpus
    equal "$(value cpuset.mems)" 0 mems
    equal "$(<"/proc/$PID/cgroup")" "0::/swiftlet-tests/$ID" cgroup
    # All that the host has is handed down, for who reads the figures.
    equal "$(value cgroup.controllers)" "$(cat /sys/fs/cgroup/cgroup.controllers)" controllers
    ok delete --force "$ID"
    [[ ! -e /sys/fs/cgroup/swiftlet-tests/$ID ]] || fail "the cgroup is still there"
}

@test "version 2: shares become a weight" {
    need_controllers cpu
    bundle sleep 1000
    edit '.linux.resources.cpu = {shares: 512}'
    create
    # runc before 1.3.2 and crun before 1.23 scale linearly.
    if is_swiftlet; then equal "$(value cpu.weight)" 59; else matches "$(value cpu.weight)" '^(59|20)$'; fi
}

@test "version 2: a quota alone, a period alone, and no limit" {
    need_controllers cpu
    local row
    for row in '{quota: 30000}=30000 100000' '{period: 20000}=max 20000' '{quota: -1}=max 100000' \
        '{quota: 0, period: 0}=max 100000'; do
        bundle sleep 1000
        edit ".linux.resources.cpu = ${row%%=*}"
        create
        equal "$(value cpu.max)" "${row#*=}" "${row%%=*}"
        ok delete --force "$ID"
    done
}

@test "version 2: burst and idle" {
    need_controllers cpu
    is_swiftlet || skip "runc 1.1 and crun 1.8 know no burst"
    bundle sleep 1000
    edit '.linux.resources.cpu = {quota: 30000, period: 100000, burst: 20000}'
    create
    equal "$(value cpu.max) $(value cpu.max.burst)" '30000 100000 20000'
    ok delete --force "$ID"
    bundle sleep 1000
    edit '.linux.resources.cpu = {shares: 1024, idle: 1}'
    create
    equal "$(value cpu.idle)" 1
}

@test "version 2: memory without limit is swap without limit" {
    need_controllers memory
    bundle sleep 1000
    edit '.linux.resources.memory = {limit: -1, swap: -1, reservation: -1}'
    create
    equal "$(value memory.max) $(value memory.low)" 'max max'
    [[ ! -e /sys/fs/cgroup/$ID/memory.swap.max ]] || equal "$(value memory.swap.max)" max
    ok delete --force "$ID"
    # A kernel that does not count swap has none to forbid.
    bundle sleep 1000
    edit '.linux.resources.memory = {limit: 33554432, swap: 33554432}'
    create
    [[ ! -e /sys/fs/cgroup/$ID/memory.swap.max ]] || equal "$(value memory.swap.max)" 0
}

@test "version 2: huge pages" {
    need_controllers hugetlb
    bundle sleep 1000
    edit '.linux.resources.hugepageLimits = [{pageSize: "2MB", limit: 4194304}]'
    create
    equal "$(value hugetlb.2MB.max)" 4194304
    # runc from 1.2 on sets it as well.
    is_swiftlet || return 0
    [[ ! -e /sys/fs/cgroup/$ID/hugetlb.2MB.rsvd.max ]] || equal "$(value hugetlb.2MB.rsvd.max)" 4194304
}

@test "version 2: block I/O" {
    need_controllers io
    local disk=/sys/block/nullb0 numbers
    [[ -e $disk ]] || disk=$(find /sys/block -mindepth 1 ! -name 'loop*' ! -name 'ram*' | head -n 1)
    [[ $disk ]] || skip "no block device"
    numbers=$(<"$disk/dev")
    bundle sleep 1000
    edit '($numbers | split(":") | {major: (.[0] | tonumber), minor: (.[1] | tonumber)}) as $device
        | .linux.resources.blockIO = {
            throttleReadBpsDevice: [$device + {rate: 1048576}], throttleWriteBpsDevice: [$device + {rate: 2097152}],
            throttleReadIOPSDevice: [$device + {rate: 100}], throttleWriteIOPSDevice: [$device + {rate: 200}]}' \
        --arg numbers "$numbers"
    create
    equal "$(value io.max)" "$numbers rbps=1048576 wbps=2097152 riops=100 wiops=200"
}

@test "version 2: the weight of block I/O" {
    need_controllers io
    bundle sleep 1000
    edit '.linux.resources.blockIO = {weight: 505}'
    create
    if [[ -e /sys/fs/cgroup/$ID/io.bfq.weight ]]; then
        matches "$(value io.bfq.weight)" '(default )?505'
    else
        equal "$(value io.weight)" 'default 5000'
    fi
}

@test "version 2: any file by its name" {
    need_controllers memory pids
    bundle sleep 1000
    edit '.linux.resources.unified = {"memory.high": "20971520", "pids.max": "77", "cgroup.max.depth": "5"}'
    create
    equal "$(value memory.high) $(value pids.max) $(value cgroup.max.depth)" '20971520 77 5'
}

@test "version 2: a file that is not there, or cannot be" {
    local row
    for row in 'nosuch.max' 'memory.nosuch' '../memory.max' 'memory'; do
        bundle true
        edit '.linux.resources.unified = {($file): "1"}' --arg file "$row"
        refused "${row//./\\.}" run --bundle "$BUNDLE" "$ID"
        [[ ! -e /sys/fs/cgroup/$ID ]] || fail "the cgroup is still there"
    done
}

@test "version 2: what only version 1 has is refused by name" {
    need_swiftlet
    local row
    for row in 'network = {classID: 1}' 'memory = {swappiness: 10}' 'memory = {disableOOMKiller: true}' \
        'memory = {swap: 1048576}' 'cpu = {realtimeRuntime: 1000}'; do
        bundle true
        edit ".linux.resources.$row"
        refused "/linux/resources/${row%% *}" run --bundle "$BUNDLE" "$ID"
    done
}

@test "version 2: the memory limit ends a container that wants more" {
    need_controllers memory
    bundle sh -c 'head -c 100000000 /dev/zero | tail -c 90000000 | wc -c'
    edit '.linux.resources.memory = {limit: 16777216, swap: 16777216}'
    run_container
    [[ $output != 90000000 ]] || fail "it got the memory"
}

@test "version 2: the pids limit" {
    need_controllers pids
    bundle sh -c 'for i in 1 2 3 4 5 6 7 8 9; do sleep 1 & done; wait'
    edit '.linux.resources.pids.limit = 5'
    run_container
    matches "$stderr" "can't fork"
}

# --- devices

# Opens what config.json's device list says of: kmsg (1:11), and a loop device that is not there (7:0).
opens() { # ACCESS [LIST]
    bundle sh -c "(: $1 /dev/log1) && echo opened; (: </dev/zero) && echo zero; mknod /dev/new b 7 0 && echo made"
    edit '.linux.devices = [{path: "/dev/log1", type: "c", major: 1, minor: 11, fileMode: 438, uid: 0, gid: 0}]
        | .process.capabilities |= map_values(. + ["CAP_SYSLOG", "CAP_MKNOD"])'
    edit ".linux.resources.devices = ${2-null} | if .linux.resources.devices == null then del(.linux.resources.devices) else . end"
    run_container
}

readonly deny='{allow: false, access: "rwm"}'
readonly all='{allow: true, type: "c", major: 1, minor: 11, access: "rwm"}'

@test "version 2: devices that the list does not allow cannot be opened" {
    opens '<' "[$deny]"
    expect_output $'zero\nmade'
    matches "$stderr" 'Operation not permitted'
}

@test "version 2: without a list there are the default devices alone" {
    # crun takes no list for no rule.
    [[ $RUNTIME != *crun ]] || skip "crun sets no rules then"
    opens '<'
    expect_output $'zero\nmade'
}

@test "version 2: devices that the list allows can be opened" {
    opens '<' "[$deny, $all]"
    expect_output $'opened\nzero\nmade'
    opens '<' '[{allow: true, access: "rwm"}]'
    expect_output $'opened\nzero\nmade'
}

@test "version 2: device rules count access by access" {
    opens '<' "[$deny, {allow: true, type: \"c\", major: 1, minor: 11, access: \"r\"}]"
    expect_output $'opened\nzero\nmade'
    opens '>' "[$deny, {allow: true, type: \"c\", major: 1, minor: 11, access: \"r\"}]"
    expect_output $'zero\nmade'
}

@test "version 2: the last device rule decides" {
    opens '<' "[$deny, $all, {allow: false, type: \"c\", major: 1, minor: 11, access: \"r\"}]"
    expect_output $'zero\nmade'
    opens '<' "[$all, $deny]"
    expect_output $'zero\nmade'
    # Both accesses in one call: that one is denied.
    is_swiftlet || return 0
    opens '<>' "[$deny, $all, {allow: false, type: \"c\", major: 1, minor: 11, access: \"w\"}]"
    expect_output $'zero\nmade'
}

@test "version 2: a hole in a wildcard" {
    [[ $RUNTIME != *runc ]] || skip "runc refuses such a rule in either version"
    opens '<' "[$deny, {allow: true, type: \"c\", major: 1, access: \"rwm\"}, {allow: false, type: \"c\", major: 1, minor: 11, access: \"rw\"}]"
    expect_output $'zero\nmade'
}

@test "version 2: rules that cannot be put into force are an error" {
    need_swiftlet
    bundle true
    runtime_without_bpf run --bundle "$BUNDLE" "$ID"
    expect_refusal '/linux/resources/devices: cannot apply the device rules: bpf .*operation not permitted'
    [[ ! -e /sys/fs/cgroup/$ID ]] || fail "the cgroup is still there"
    # Nothing is lost where nothing is denied.
    bundle true
    edit '.linux.resources.devices = [{allow: true, access: "rwm"}]'
    runtime_without_bpf run --bundle "$BUNDLE" "$ID"
    expect_success
}

# The runtime under a tracer that makes bpf(2) fail.
runtime_without_bpf() { # ARGS...
    status=0
    called="runtime without bpf: $*"
    timeout --kill-after 5 60 strace -f -qq -e trace=bpf -e inject=bpf:error=EPERM -o /dev/null \
        "$RUNTIME" --root "$ROOT" "$@" >"$TEST_DIR/out" 2>"$TEST_DIR/err" </dev/null 3>&- || status=$?
    output=$(<"$TEST_DIR/out")
    stderr=$(<"$TEST_DIR/err")
}

# --- the tree

@test "version 2: a group with processes hands no controllers down" {
    need_controllers memory
    mkdir -p /sys/fs/cgroup/swiftlet-tests/busy
    sleep 1000 3>&- &
    local other=$!
    remember_pid "$other"
    echo "$other" >/sys/fs/cgroup/swiftlet-tests/busy/cgroup.procs
    bundle true
    edit ".linux.cgroupsPath = \"/swiftlet-tests/busy/$ID\" | .linux.resources.memory = {limit: 33554432}"
    run_container
    expect_refusal 'swiftlet-tests/busy'
    [[ ! -e /sys/fs/cgroup/swiftlet-tests/busy/$ID ]] || fail "the cgroup is still there"
    # Without a limit there is nothing to hand down.
    bundle echo fine
    edit ".linux.cgroupsPath = \"/swiftlet-tests/busy/$ID\""
    run_container
    expect_output fine
    kill -KILL "$other"
    wait "$other" || true
}

@test "version 2: a relative path counts from the group above the runtime's" {
    mkdir -p /sys/fs/cgroup/swiftlet-tests/session
    bundle sleep 1000
    edit ".linux.cgroupsPath = \"$ID/a\" | .linux.resources.pids.limit = 9"
    # A shell of its own, so that this test stays where it is.
    (
        echo "$BASHPID" >/sys/fs/cgroup/swiftlet-tests/session/cgroup.procs
        create
    )
    PID=$(<"$TEST_DIR/$ID.pid")
    # crun counts from the root.
    [[ $RUNTIME == *crun ]] || equal "$(<"/proc/$PID/cgroup")" "0::/swiftlet-tests/$ID/a"
    equal "$(value pids.max)" 9
    ok delete --force "$ID"
    rmdir "/sys/fs/cgroup/swiftlet-tests/$ID" 2>/dev/null || true
}

@test "version 2: everything in the container's groups ends with it" {
    bundle sh -c 'mkdir -p /sys/fs/cgroup/a/b; sleep 1000 & echo $! >/sys/fs/cgroup/a/b/cgroup.procs; echo ready; wait'
    edit '.linux.namespaces += [{type: "cgroup"}] | .linux.namespaces |= map(select(.type != "pid"))
        | (.mounts[] | select(.type == "cgroup") | .options) |= map(select(. != "ro"))'
    create
    ok start "$ID"
    eventually prints ready
    ok delete --force "$ID"
    [[ ! -e /sys/fs/cgroup/$ID ]] || fail "the cgroup is still there"
}

# --- the mount

@test "version 2: a cgroup namespace shows the container's own group as the root" {
    bundle sh -c 'cat /proc/self/cgroup; cat /sys/fs/cgroup/cgroup.procs | head -n 1; mkdir /sys/fs/cgroup/new 2>&1; true'
    edit '.linux.namespaces += [{type: "cgroup"}]'
    run_container
    equal "${output%%$'\n'*}" '0::/'
    matches "$output" $'\n1\n'
    expect_contains 'Read-only file system'
}

@test "version 2: without a cgroup namespace the whole tree is mounted" {
    bundle sh -c 'cat /proc/self/cgroup; ls -d /sys/fs/cgroup/$(sed s/0::.// /proc/self/cgroup)/cgroup.procs'
    run_container
    expect_contains "/sys/fs/cgroup/$ID/cgroup.procs"
}
