#!/usr/bin/env bats
# Guests that boot as on hardware, under Firecracker, which FIRECRACKER names or PATH has: what a user of the runtime sees.
# Debian has no package of it, so that these tests skip themselves where nobody has installed it. What needs neither KVM nor
# Firecracker is in FirecrackerTests and HTTPAnswerTests, and by a stand-in in api-monitors.bats.

load helpers
load machines
load network
load stand-ins

setup() {
    prepare
    need_guests spt
    [[ -e $GUESTS/hello.virt ]] || skip "no test guests in $GUESTS: build them with Hack/build-guests"
    find_real firecracker || skip "firecracker is not installed"
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

@test "a guest under Firecracker has the disks that the container speaks of" { has_disks; }

@test "a directory is a disk of a guest under Firecracker" { has_directory; }

@test "a guest under Firecracker has a network and answers; nothing of it stays in a pod's namespace" { serves_in_pod; }

# The directory of the container's sockets.
sockets() { jq -r .vsockDirectory "$ROOT/$ID/state.json"; }

@test "streams between a guest under Firecracker and its host" {
    need_command python3
    machine_bundle vsock many 5000 20 refused 5001 0 serve 7 1
    edit '.annotations."org.swiftlet.unikernel.vsock" = "true"'
    create
    python3 "$BATS_TEST_DIRNAME/vsock_host.py" echo "$(sockets)/vsock.sock_5000" 3>&- &
    remember_pid $!
    eventually test -S "$(sockets)/vsock.sock_5000"
    ok start "$ID"
    PATIENCE=30 eventually prints refused
    prints 'had 20 connections' || fail "$(container_output)"
    eventually prints listening
    run timeout 30 python3 "$BATS_TEST_DIRNAME/vsock_host.py" whole "$(sockets)/vsock.sock" 7 10000
    equal "$status" 0 "a program of the host's: $output"
    kill -KILL "$(sed -n '$s/ .*//p' "$TEST_DIR/pids")"
    ok delete --force "$ID"
}

@test "a unikernel under Firecracker asks its vAccel agent by vsock for digits, and gets the right ones" {
    need_agent
    need_digits
    need_links
    local HOST_CONFIG=$TEST_DIR/config.toml
    agent_configuration onnx "$ONNXRUNTIME" "models = \"$DIGITS\"" >"$HOST_CONFIG"
    machine_bundle http --ipv4=10.0.0.2/24 --vaccel=vsock://2:2048
    edit '.annotations."org.swiftlet.unikernel.vaccel" = "vsock" | .linux.resources.memory.limit = 402653184'
    namespace HOST
    create
    link "$HOST" host0 "$PID" eth0 10.0.0.2/24
    at "$HOST" ip addr add 10.0.0.1/24 dev host0
    ok start "$ID"
    eventually prints 'listening on 8080' || fail "$(container_output)"
    names_digits
    ok delete --force "$ID"
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
