#!/usr/bin/env bats
# Cgroups made by systemd, where that is process 1. Elsewhere lab.bats runs this file in a virtual machine.

load helpers

setup() {
    prepare
    [[ -d /run/systemd/system ]] || skip "systemd does not run (lab.bats runs this in a guest)"
    [[ -e /sys/fs/cgroup/cgroup.controllers ]] || skip "the host has cgroup version 1"
}

# The runtime's calls go through these in helpers.bash; here each has the option.
systemd_bundle() { # ARGS...
    bundle "$@"
    edit ".linux.cgroupsPath = \"swiftlet-tests.slice:test:$ID\""
}

create_with_systemd() {
    PID=''
    runtime_into "$TEST_DIR/$ID.out" "$TEST_DIR/$ID.err" --systemd-cgroup create --bundle "$BUNDLE" \
        --pid-file "$TEST_DIR/$ID.pid" "$ID"
    expect_success
    PID=$(<"$TEST_DIR/$ID.pid")
    remember_pid "$PID"
}

property() { # NAME
    systemctl show --property "$1" --value "test-$ID.scope"
}

value() { # FILE
    cat "/sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$PID/cgroup")/$1"
}

@test "systemd: the container is in a scope of its slice, with its limits in both views" {
    systemd_bundle sleep 1000
    edit '.linux.resources += {memory: {limit: 33554432, reservation: 16777216}, pids: {limit: 50},
        cpu: {shares: 1024, quota: 20000, period: 50000, cpus: "0"}, unified: {"memory.high": "30000000"}}'
    create_with_systemd
    local path=/swiftlet.slice/swiftlet-tests.slice/test-$ID.scope
    equal "$(<"/proc/$PID/cgroup")" "0::$path" cgroup
    equal "$(property ActiveState) $(property Slice) $(property Delegate)" 'active swiftlet-tests.slice yes'
    equal "$(property MemoryMax) $(property MemoryLow) $(property MemoryHigh)" '33554432 16777216 30000000'
    equal "$(property TasksMax) $(property AllowedCPUs)" '50 0'
    equal "$(property CPUQuotaPerSecUSec)" 400ms
    equal "$(value memory.max) $(value memory.low) $(value pids.max)" '33554432 16777216 50'
    equal "$(value cpu.max) $(value cpuset.cpus)" '20000 50000 0'
    ok start "$ID"
    # What systemd writes when it looks after its units again is the same.
    systemctl daemon-reload
    equal "$(value memory.max) $(value pids.max)" '33554432 50'
    ok delete --force "$ID"
    [[ ! -e /sys/fs/cgroup$path ]] || fail "the cgroup is still there"
    equal "$(property LoadState)" not-found
}

@test "systemd: devices are denied, also after systemd has reloaded" {
    systemd_bundle sh -c 'while [ ! -e /go ]; do sleep 0.1; done; (: </dev/log1) && echo opened; (: </dev/zero) && echo zero'
    edit '.linux.devices = [{path: "/dev/log1", type: "c", major: 1, minor: 11, fileMode: 438, uid: 0, gid: 0}]
        | .process.capabilities |= map_values(. + ["CAP_SYSLOG"])'
    create_with_systemd
    ok start "$ID"
    systemctl daemon-reload
    touch "$BUNDLE/rootfs/go"
    eventually prints zero
    [[ $(container_output) != *opened* ]] || fail "the device was opened"
}

@test "systemd: annotations set properties" {
    systemd_bundle sleep 1000
    edit '.annotations = {"org.systemd.property.TimeoutStopSec": "7", "org.systemd.property.Description": "'"'a test'"'"}'
    create_with_systemd
    equal "$(property TimeoutStopUSec) $(property Description)" '7s a test'
    systemd_bundle true
    edit '.annotations = {"org.systemd.property.NoSuch": "1"}'
    refused NoSuch --systemd-cgroup run --bundle "$BUNDLE" "$ID"
    [[ $(property LoadState) == not-found ]] || fail "the unit is still there"
}

@test "systemd: update tells systemd too" {
    systemd_bundle sleep 1000
    create_with_systemd
    ok --systemd-cgroup update --memory 50331648 --pids-limit 30 "$ID"
    equal "$(property MemoryMax) $(property TasksMax)" '50331648 30'
    equal "$(value memory.max) $(value pids.max)" '50331648 30'
}

@test "systemd: run to the end leaves no unit" {
    systemd_bundle sh -c 'cat /proc/self/cgroup'
    runtime --systemd-cgroup run --bundle "$BUNDLE" "$ID"
    expect_success
    expect_contains "test-$ID.scope"
    equal "$(property LoadState)" not-found
}

@test "systemd: a container without a path is in system.slice" {
    bundle sh -c 'cat /proc/self/cgroup'
    runtime --systemd-cgroup run --bundle "$BUNDLE" "$ID"
    expect_output "0::/system.slice/swiftlet-$ID.scope"
}

@test "systemd: a failure leaves no unit" {
    systemd_bundle nosuch
    refused nosuch --systemd-cgroup run --bundle "$BUNDLE" "$ID"
    equal "$(property LoadState)" not-found
    systemd_bundle true
    edit '.linux.resources.unified = {"nosuch.max": "1"}'
    refused nosuch --systemd-cgroup run --bundle "$BUNDLE" "$ID"
    equal "$(property LoadState)" not-found
}

@test "systemd: a path that is none is refused" {
    bundle true
    edit '.linux.cgroupsPath = "/a/b"'
    refused 'format .*slice:prefix:name.* for systemd cgroups, got' --systemd-cgroup run --bundle "$BUNDLE" "$ID"
}
