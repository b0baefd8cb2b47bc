#!/usr/bin/env bats
# Guests that boot as on hardware, under QEMU as Debian packages it: what a user of the runtime sees of them.

load helpers
load machines
load network

setup() {
    prepare
    need_guests spt
    [[ -e $GUESTS/hello.virt ]] || skip "no test guests in $GUESTS: build them with Hack/build-guests"
    need_command qemu-system-x86_64
}

# A container around a guest for virtual machines, with enough memory for QEMU.
machine_bundle() { # GUEST ARGS...
    guest_bundle virt "$@"
    edit '.linux.resources.memory.limit = 134217728'
}

# The process of QEMU itself: the supervisor's only child.
monitor_pid() { pgrep --parent "$PID"; }

@test "a guest under QEMU prints, is told its words, and ends with success" {
    run_machine 0 hello Hello World
    expect_output $'Hello from swiftlet guest\ncommand line: Hello World'
    run_machine 0 arguments 'a b  c' '"q"' "it's"
    expect_output "[a b  c \"q\" it's]"$'\nlength 15'
}

@test "the status of a guest under QEMU is the container's" {
    local number
    for number in 0 1 42 127; do run_machine "$number" exit "$number"; done
    run_machine 127 abort
}

@test "a guest under QEMU has the memory that the plan says" {
    machine_bundle memory
    ok plan --bundle "$BUNDLE"
    local planned
    planned=$(jq .guest.memoryMiB <<<"$output")
    run_container
    expect_success
    expect_contains "memory size $((planned << 20)),"
    ((planned >= 64)) || fail "of 128 MiB only $planned are the guest's"
}

@test "the plan of a guest under QEMU says how it is run" {
    machine_bundle hello one
    ok plan --bundle "$BUNDLE"
    equal "$(jq --raw-output '.guest.monitor | .name, .arguments[0]' <<<"$output")" \
        "qemu"$'\n'"$(command -v qemu-system-x86_64)"
    matches "$(jq --raw-output .guest.monitor.accelerator <<<"$output")" '^(tcg|kvm)$'
}

@test "signals end a guest under QEMU with their status" {
    local signal number
    for signal in TERM INT KILL; do
        start_machine sleeping sleep
        number=$(kill -l "$signal")
        ok kill "$ID" "$signal"
        eventually has_status stopped
        ok delete "$ID"
        machine_bundle sleep
        run_signalled "$signal"
        expect_status $((128 + number))
    done
}

@test "a guest under QEMU is paused and goes on" {
    start_machine spinning spin
    ok pause "$ID"
    has_status paused
    ok resume "$ID"
    has_status running
    ok ps "$ID"
    expect_contains qemu-system-x86_64
    ok events --stats "$ID"
    expect_contains '"memory"'
    runtime exec "$ID" true
    expect_status 255
    expect_error 'it runs a unikernel, which has no processes'
    ok delete --force "$ID"
}

@test "a guest under QEMU reads the container's standard input" {
    machine_bundle terminal
    # What comes before the guest has set its console up may be lost, as on a serial line.
    mkfifo "$TEST_DIR/in"
    { eventually grep -q ready "$TEST_DIR/out" && printf 'one two\nexit 7\n'; } >"$TEST_DIR/in" &
    status=0
    timeout "$LIMIT" "$RUNTIME" --root "$ROOT" run --bundle "$BUNDLE" "$ID" <"$TEST_DIR/in" >"$TEST_DIR/out" 2>&1 3>&- ||
        status=$?
    wait $!
    output=$(tr -d '\0\r' <"$TEST_DIR/out")
    expect_status 7
    expect_contains '[one two]'
}

@test "QEMU has no privilege, a filter, and a root of its own" {
    machine_bundle sleep
    edit '.process.user = {uid: 1000, gid: 1001}'
    create
    ok start "$ID"
    eventually prints sleeping
    local monitor line
    monitor=$(monitor_pid)
    for line in CapInh CapPrm CapEff CapBnd CapAmb; do
        equal "$(sed -n "s/^$line:\t0*//p" "/proc/$monitor/status")" '' "$line"
    done
    equal "$(awk '/^NoNewPrivs|^Seccomp:/ { print $2 }' "/proc/$monitor/status" | tr '\n' ' ')" '1 2 '
    equal "$(awk '/^Uid|^Gid/ { print $2, $5 }' "/proc/$monitor/status" | tr '\n' ' ')" '1000 1000 1001 1001 '
    # Nothing of the host's but what it needs, none of it to be written to, no program, no device but KVM's.
    equal "$(ls "/proc/$monitor/root" | grep -vxE 'lib|lib32|lib64|libx32|usr|etc|dev|kernel')" ''
    equal "$(ls "/proc/$monitor/root/usr" | grep -vxE 'lib|lib64|local|share|bin')" ''
    equal "$(ls "/proc/$monitor/root/usr/bin" "/proc/$monitor/root/usr/share" "/proc/$monitor/root/etc" | sed '/:$/d; /^$/d' | sort | tr '\n' ' ')" \
        'ld.so.cache qemu seabios '
    [[ ! -d /proc/$monitor/root/dev || $(ls "/proc/$monitor/root/dev") == kvm ]] || fail "devices: $(ls "/proc/$monitor/root/dev")"
    equal "$(awk '$6 !~ /^ro/' "/proc/$monitor/mountinfo")" '' 'mounts that can be written to'
    # Standard descriptors, the control socket, and what it has made itself: no file of the host's.
    equal "$(find "/proc/$monitor/fd" -type l -printf '%l\n' | grep '^/' | grep -v '^/dev/null$\|^/kernel' | grep -v "^$TEST_DIR")" ''
}

@test "what QEMU does not take is an error at start, in its own words" {
    machine_bundle hello
    edit '.vm = {hypervisor: {path: $QEMU, parameters: ["-nosuch"]}, kernel: {path: "/unikernel"}}' \
        --arg QEMU "$(command -v qemu-system-x86_64)"
    run_container
    expect_refusal '/vm/hypervisor/p.* is not allowed on this host'
    printf '[annotations]\nallow = ["/vm/hypervisor/path", "/vm/hypervisor/parameters"]\n' >"$TEST_DIR/config.toml"
    ok --host-config "$TEST_DIR/config.toml" create --bundle "$BUNDLE" "$ID"
    refused 'monitor qemu ended with status 1 before the guest began: .*-nosuch: invalid option' start "$ID"
    ok delete --force "$ID"
}

@test "without QEMU such a guest is refused, with what is missing" {
    machine_bundle hello
    status=0
    stderr=$(PATH=/nosuch "$RUNTIME" --root "$ROOT" create --bundle "$BUNDLE" "$ID" 2>&1 3>&-) || status=$?
    expect_refusal 'monitor qemu is not installed: no qemu-system-x86_64 in \$PATH'
}

@test "too little memory for QEMU is refused" {
    machine_bundle hello
    edit '.linux.resources.memory.limit = 33554432'
    run_container
    expect_refusal 'leaves too little for the guest: monitor qemu needs [0-9]+ MiB itself'
}

@test "a guest under QEMU has the disks that the container speaks of" {
    machine_bundle disks size disk size disk1 write disk 0 7 read disk 0 read disk1 0 write disk1 0 1
    mkdir "$BUNDLE/rootfs/data"
    echo hello >"$BUNDLE/rootfs/data/file"
    truncate --size 8K "$BUNDLE/rootfs/image"
    edit '.root.readonly = false | .annotations = {
        "org.swiftlet.unikernel.block.a": "/image", "org.swiftlet.unikernel.block.b": "/data"}'
    run_container
    expect_success
    equal "$(sed -n 1p <<<"$output")" "8192 in sectors of 512"
    # The directory comes as an archive, whose first bytes are a name, and can only be read.
    equal "$(sed -n '3,$p' <<<"$output" | tail -n 2)" \
        "$(printf '%s' file | od -An -tx1 | tr -d ' \n')000000000000000000000000"$'\n'refused
    equal "$(od -An -tx1 -N 2 "$BUNDLE/rootfs/image" | tr -d ' ')" 0707
    edit '.root.readonly = true'
    run_container
    expect_contains refused
}

@test "a guest under QEMU on KVM, where the operator wants it" {
    need_kvm
    machine_bundle arguments one
    edit '.process.user = {uid: 1000, gid: 1000}'
    printf '[monitors.qemu]\naccelerator = "kvm"\n' >"$TEST_DIR/config.toml"
    ok --host-config "$TEST_DIR/config.toml" plan --bundle "$BUNDLE"
    equal "$(jq --raw-output .guest.monitor.accelerator <<<"$output")" kvm
    runtime --host-config "$TEST_DIR/config.toml" run --bundle "$BUNDLE" "$ID"
    expect_success
    expect_output $'[one]\nlength 3'
}

@test "a guest under QEMU has a network and answers" {
    need_links
    local host address
    namespace host
    machine_bundle http --ipv4=10.0.0.2/24
    create
    link "$host" host0 "$PID" eth0 10.0.0.2/24
    at "$host" ip addr add 10.0.0.1/24 dev host0
    at "$PID" ip link set eth0 mtu 1400
    address=$(hardware_address "$PID" eth0)
    ok start "$ID"
    eventually prints "listening on 8080"
    at "$host" ping -q -c 3 -i 0.1 -W 5 10.0.0.2
    equal "$(at "$host" curl --silent --max-time 10 http://10.0.0.2:8080/mac)" "service $address"
    equal "$(at "$host" curl --silent --max-time 10 http://10.0.0.2:8080/mtu)" "service 1400"
    equal "$(at "$host" curl --silent --max-time 20 http://10.0.0.2:8080/bytes/100000 | wc -c)" 100000
    ok delete --force "$ID"
}

@test "a guest under QEMU without an interface starts all the same" {
    run_machine 0 hello
}

@test "a guest under QEMU does not get the host's network" {
    machine_bundle hello
    edit 'del(.linux.namespaces[] | select(.type == "network"))'
    run_container
    expect_refusal '/linux/namespaces: the guest has network devices and would take'
}

@test "a Linux guest is told its words, and its status is the container's" {
    LIMIT=60
    linux_bundle one exit 7
    run_container
    expect_status 7
    expect_contains $'argument [one]\nargument [exit]\nargument [7]'
    expect_contains 'environment WORDS=a b'
}

@test "a Linux guest shuts down when it is asked to, within the operator's time" {
    LIMIT=60
    linux_bundle wait
    create
    ok start "$ID"
    PATIENCE=40 eventually prints 'argument [wait]'
    sleep 1
    ok kill "$ID" TERM
    PATIENCE=20 eventually has_status stopped
    prints 'asked to end' || fail "it was not asked: $(container_output | tail -n 5)"
    ok delete "$ID"
    # An operator who gives it no time.
    linux_bundle wait
    printf '[monitors.qemu]\nstop-seconds = 0\n' >"$TEST_DIR/config.toml"
    (
        PATIENCE=40 eventually grep -q 'argument \[wait\]' "$TEST_DIR/out"
        "$RUNTIME" --root "$ROOT" kill "$ID" TERM 3>&-
    ) &
    runtime --host-config "$TEST_DIR/config.toml" run --bundle "$BUNDLE" "$ID"
    wait $!
    expect_status 143
    [[ $output != *'asked to end'* ]] || fail "it was asked"
}

@test "a Linux guest has the container's address" {
    need_links
    LIMIT=60
    local host
    namespace host
    linux_bundle serve
    create
    link "$host" host0 "$PID" eth0 10.0.0.2/24
    at "$host" ip addr add 10.0.0.1/24 dev host0
    ok start "$ID"
    PATIENCE=40 eventually at "$host" curl --silent --fail --max-time 2 --output "$TEST_DIR/page" http://10.0.0.2:8080/
    grep -q 'WORDS=a b' "$TEST_DIR/page" || fail "the page: $(cat "$TEST_DIR/page")"
    ok delete --force "$ID"
}
