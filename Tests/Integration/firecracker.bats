#!/usr/bin/env bats
# Guests that boot as on hardware, under Firecracker, which FIRECRACKER names or PATH has: what a user of the runtime sees.
# Debian has no package of it, so that these tests skip themselves where nobody has installed it. What needs neither KVM nor
# Firecracker is in FirecrackerTests and HTTPAnswerTests.

load helpers
load machines
load network

setup() {
    prepare
    need_guests spt
    [[ -e $GUESTS/hello.virt ]] || skip "no test guests in $GUESTS: build them with Hack/build-guests"
    [[ ! ${FIRECRACKER-} ]] || PATH=$(dirname "$FIRECRACKER"):$PATH
    need_command firecracker
    need_kvm
}

machine_bundle() { # GUEST ARGS...
    guest_bundle virt "$@"
    edit '.linux.resources.memory.limit = 67108864 | .annotations."org.swiftlet.unikernel.monitor" = "firecracker"'
}

@test "a guest under Firecracker is told its words, and what the monitor has to say is not among its output" {
    run_machine 0 hello Hello World
    expect_output $'Hello from swiftlet guest\ncommand line: Hello World'
    equal "$stderr" ''
    run_machine 0 arguments 'a b  c' '"q"' "it's" '\'
    expect_output "[a b  c \"q\" it's \\]"$'\nlength 17'
}

@test "a guest under Firecracker ends with 0 whatever it says, for that monitor has no word for a status" {
    run_machine 0 exit 42
    run_machine 0 abort
    run_machine 0 fault read-null
    expect_contains 'exception: page fault'
}

@test "a guest under Firecracker has the memory that the plan says" {
    machine_bundle memory
    ok plan --bundle "$BUNDLE"
    local planned
    planned=$(jq .guest.memoryMiB <<<"$output")
    run_container
    expect_success
    expect_contains "memory size $((planned << 20)),"
    ((planned >= 48)) || fail "of 64 MiB only $planned are the guest's"
}

@test "signals end a guest under Firecracker with their status" {
    local signal number
    for signal in TERM INT KILL; do
        machine_bundle sleep
        run_signalled "$signal"
        expect_status $((128 + $(kill -l "$signal")))
    done
}

@test "a guest under Firecracker is paused and goes on" {
    start_machine spinning spin
    ok pause "$ID"
    has_status paused
    ok resume "$ID"
    has_status running
    ok ps "$ID"
    expect_contains firecracker
    ok delete --force "$ID"
}

@test "a guest under Firecracker has the disks that the container speaks of" {
    machine_bundle disks size disk size disk1 write disk 0 7 read disk 0 write disk1 0 1
    truncate --size 8K "$BUNDLE/rootfs/image" "$BUNDLE/rootfs/other"
    edit '.root.readonly = false | .annotations += {
        "org.swiftlet.unikernel.block.a": "/image", "org.swiftlet.unikernel.block.b": "/other",
        "org.swiftlet.unikernel.block-read-only.b": "true"}'
    run_container
    expect_success
    equal "$(sed -n 1p <<<"$output")" "8192 in sectors of 512"
    equal "$(tail -n 1 <<<"$output")" refused
    equal "$(od -An -tx1 -N 2 "$BUNDLE/rootfs/image" | tr -d ' ')" 0707
}

@test "a guest under Firecracker has a network and answers; nothing of it stays in a pod's namespace" {
    need_links
    local host pod
    namespace host
    namespace pod
    link "$host" host0 "$pod" eth0 10.0.0.2/24
    at "$host" ip addr add 10.0.0.1/24 dev host0
    at "$pod" ip link show >"$TEST_DIR/before"
    machine_bundle http --ipv4=10.0.0.2/24
    edit '(.linux.namespaces[] | select(.type == "network")).path = $PATH | .process.user = {uid: 1000, gid: 1000}' \
        --arg PATH "/proc/$pod/ns/net"
    create
    ok start "$ID"
    eventually prints "listening on 8080"
    at "$host" ping -q -c 3 -i 0.1 -W 5 10.0.0.2
    equal "$(at "$host" curl --silent --max-time 20 http://10.0.0.2:8080/bytes/100000 | wc -c)" 100000
    ok delete --force "$ID"
    equal "$(at "$pod" ip link show)" "$(<"$TEST_DIR/before")" "links of the pod"
}

@test "Firecracker has no privilege, its own filter beside ours, and a root of its own" {
    machine_bundle sleep
    edit '.process.user = {uid: 1000, gid: 1001}'
    create
    ok start "$ID"
    eventually prints sleeping
    local monitor thread line
    monitor=$(pgrep --parent "$PID")
    for thread in "/proc/$monitor/task"/*; do
        for line in CapInh CapPrm CapEff CapBnd CapAmb; do
            equal "$(sed -n "s/^$line:\t0*//p" "$thread/status")" '' "$line"
        done
        equal "$(awk '/^NoNewPrivs|^Seccomp:/ { print $2 }' "$thread/status" | tr '\n' ' ')" '1 2 '
        # The main thread had ours first; each has one of Firecracker's.
        equal "$(sed -n 's/^Seccomp_filters:\t//p' "$thread/status")" 2 "filters of $(cat "$thread/comm")"
    done
    equal "$(awk '/^Uid|^Gid/ { print $2, $5 }' "/proc/$monitor/status" | tr '\n' ' ')" '1000 1000 1001 1001 '
    equal "$(ls "/proc/$monitor/root/dev" "/proc/$monitor/root/run" | sed '/:$/d; /^$/d' | sort | tr '\n' ' ')" 'api kvm log net '
    equal "$(awk '$6 !~ /^ro/ { print $5 }' "/proc/$monitor/mountinfo")" /run 'mounts that can be written to'
    equal "$(find "/proc/$monitor/fd" -type l -printf '%l\n' | grep '^/' |
        grep -v '^/dev/null$\|^/dev/kvm$\|^/dev/net/tun$\|^/kernel\|^/run/log\|^/memfd:' | grep -v "^$TEST_DIR")" '' 'open files'
}

@test "what Firecracker does not take is an error at start, in its own words" {
    machine_bundle hello
    edit '.vm = {hypervisor: {path: $PATH, parameters: ["--nosuch"]}, kernel: {path: "/unikernel"}} | del(.annotations)' \
        --arg PATH "$(command -v firecracker)"
    printf '[annotations]\nallow = ["/vm/hypervisor/path", "/vm/hypervisor/parameters"]\n' >"$TEST_DIR/config.toml"
    ok --host-config "$TEST_DIR/config.toml" create --bundle "$BUNDLE" "$ID"
    refused 'monitor firecracker ended with status 153 before the guest began: .*nosuch' start "$ID"
    ok delete --force "$ID"
}

@test "a disk that process.user may not open is an error at start" {
    machine_bundle hello
    truncate --size 8K "$BUNDLE/rootfs/image"
    chmod 600 "$BUNDLE/rootfs/image"
    edit '.annotations."org.swiftlet.unikernel.block" = "/image" | .process.user = {uid: 1000, gid: 1000}'
    run_container
    expect_refusal "monitor firecracker, as process.user, cannot open /image for block device 'disk': permission denied"
}
