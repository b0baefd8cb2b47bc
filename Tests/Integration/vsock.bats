#!/usr/bin/env bats
# Guests with a virtio socket device: Unix sockets in a directory of the container's.

load helpers
load network

setup() {
    prepare
    need_swiftlet
    need_command qemu-system-x86_64
    need_command python3
    LIMIT=60
    hosts=()
}

teardown() {
    # Before what is left is looked for.
    local pid
    for pid in "${hosts[@]}"; do kill -KILL "$pid" 2>/dev/null || true; done
    end_namespaces
    clean_up
}

# A container around a guest that has the device.
vsock_bundle() { # GUEST ARGS...
    guest_bundle virt "$@"
    edit '.linux.resources.memory.limit = 134217728 | .annotations["org.swiftlet.unikernel.vsock"] = "true"'
}

# The directory of the container's sockets.
sockets() { jq -r .vsockDirectory "$ROOT/$ID/state.json"; }

@test "the directory of a guest's sockets is its monitor's alone, and gone with the container" {
    vsock_bundle sleep 30
    edit '.process.user = {uid: 1000, gid: 1000}'
    create
    local directory
    directory=$(sockets)
    equal "$(stat --format '%a %u %g' "$directory")" '700 1000 1000'
    ok start "$ID"
    equal "$(ls "$directory")" vsock.sock
    ((${#directory} + 22 < 108)) || fail "$directory leaves no room for a port"
    ok delete --force "$ID"
    [[ ! -e $directory ]] || fail "$directory is left"
}

# A container around Debian's kernel, which has a driver of its own.
linux_bundle() { # ARGS...
    "$repository/Hack/linux-guest" >"$TEST_DIR/linux.log" 2>&1 || {
        [[ $? == 77 ]] || fail "Hack/linux-guest: $(cat "$TEST_DIR/linux.log")"
        skip "$(tail -n 1 "$TEST_DIR/linux.log")"
    }
    vsock_bundle hello "$@"
    rm "$BUNDLE/rootfs/unikernel"
    cp "$GUESTS"/linux/{vmlinuz,initrd} "$BUNDLE/rootfs"
    edit '.linux.resources.memory.limit = 402653184 | .process.args[0] = "/vmlinuz"
        | .annotations += {"org.swiftlet.unikernel.binary": "/vmlinuz", "org.swiftlet.unikernel.type": "linux",
            "org.swiftlet.unikernel.initrd": "/initrd"}'
}

# Starts the host's end at a port of the guest's host; it ends with the test.
host() { # KIND PORT [SIZE]
    python3 "$BATS_TEST_DIRNAME/vsock_host.py" "$1" "$(sockets)/vsock.sock_$2" "${@:3}" 3>&- &
    hosts+=($!)
    eventually test -S "$(sockets)/vsock.sock_$2"
}

call() { # WORDS...
    run timeout 60 python3 "$BATS_TEST_DIRNAME/vsock_host.py" "$1" "$(sockets)/vsock.sock" "${@:2}"
    ((status == 0)) || fail "$*: $output"
}

# VSOCK_BYTES=4294967296 has the guest compare 4 GiB that come back; BATS_TEST_TIMEOUT has to allow for it.
@test "streams between a Linux guest on a PC and its host, begun by either, ended by halves" {
    local bytes=${VSOCK_BYTES:-300000}
    linux_bundle vsock connect 5000 "$bytes" vsock many 5000 200 vsock refused 5001 0 vsock refused 5001 0 vsock serve 7 3 exit 3
    create
    host echo 5000
    ok start "$ID"
    PATIENCE=$((60 + bytes / 5000000)) eventually prints 'listening' || fail "$(container_output)"
    prints "exchanged $bytes bytes" || fail "$(container_output)"
    prints 'had 200 connections' || fail "$(container_output)"
    local passed
    passed=$(container_output | sed -n 's/^refused: .*reset.* after \([0-9]*\) ms.*/\1/p' | sort -n | head -n 1)
    ((passed < 1000)) || fail "$(container_output)"
    call call 7 300000
    call many 7 2
    PATIENCE=20 eventually prints served
    PATIENCE=20 eventually has_status stopped
    ok delete "$ID"
}

@test "streams between a microvm and its host: many bytes, a thousand connections, a port without listener" {
    vsock_bundle vsock connect 5000 300000 many 5000 1000 refused 5001 0 serve 7 3
    create
    host echo 5000
    ok start "$ID"
    PATIENCE=60 eventually prints listening || fail "$(container_output)"
    [[ $(container_output) == *'exchanged 300000 bytes'*'had 1000 connections'*refused* ]] || fail "$(container_output)"
    call call 7 300000
    call many 7 2
    eventually prints served
    eventually has_status stopped
    ok delete "$ID"
}

not_running() { [[ $(process_state "$1") == [Z]* || ! -e /proc/$1 ]]; }

@test "a container that fails to be made leaves no directory of sockets" {
    vsock_bundle hello
    edit '.hooks = {createRuntime: [{path: "/bin/false"}]}'
    local before
    before=$(ls /run/swiftlet-vsock 2>/dev/null || true)
    create_container
    ((status != 0)) || fail "created"
    equal "$(ls /run/swiftlet-vsock 2>/dev/null || true)" "$before"
}

@test "a device is refused where the guest or the monitor has none, and for a value that is none" {
    guest_bundle spt hello
    edit '.annotations["org.swiftlet.unikernel.vsock"] = "true"'
    run_container
    expect_refusal 'the guest has no driver for a virtio socket device'
    vsock_bundle hello
    edit '.annotations["org.swiftlet.unikernel.vsock"] = "yes"'
    run_container
    expect_refusal 'org.swiftlet.unikernel.vsock: expected true or false, not "yes"'
    edit '.annotations["org.swiftlet.unikernel.vsock"] = "false"'
    run_container
    expect_success
    equal "$(runtime plan --bundle "$BUNDLE" >/dev/null; jq .guest.vsock <<<"$output")" null
}

@test "a Linux guest asks its vAccel agent by vsock what an image shows, and gets the right answer" {
    local directory agent
    need_agent
    need_digits
    HOST_CONFIG=$TEST_DIR/config.toml
    agent_configuration onnx "$ONNXRUNTIME" "models = \"$DIGITS\"" >"$HOST_CONFIG"
    linux_bundle classify vda classify vdb wait
    edit 'del(.annotations["org.swiftlet.unikernel.vsock"]) | .annotations["com.urunc.unikernel.vAccel"] = "vsock"
        | .annotations["org.swiftlet.unikernel.block.vda"] = "/five" | .annotations["org.swiftlet.unikernel.block.vdb"] = "/nine"
        | .linux.resources.memory.limit = 536870912'
    # Disks have whole sectors.
    cp "$DIGITS/images/five.png" "$BUNDLE/rootfs/five"
    cp "$DIGITS/images/nine.jpg" "$BUNDLE/rootfs/nine"
    truncate --size %512 "$BUNDLE"/rootfs/{five,nine}
    create
    directory=$(sockets)
    ok start "$ID"
    PATIENCE=60 eventually prints waiting
    prints '% five' || fail "$(container_output)"
    prints '% nine' || fail "$(container_output)"
    prints 'environment VACCEL_RPC_ADDRESS=vsock://2:2048' || fail "$(container_output)"
    agent=$(pgrep --full --ns "$PID" --nslist pid "$(basename "$AGENT")" | head -n 1)
    [[ $agent ]] || fail 'no agent runs in the container'
    ok kill "$ID" KILL
    PATIENCE=2 eventually not_running "$agent"
    eventually has_status stopped
    ok delete "$ID"
    [[ ! -e $directory ]] || fail "$directory is left"
}

# A container around the HTTP server, on a microvm, or on a PC when it is taken for a Linux kernel; started, and linked to
# $HOST.
serving_guest() { # TYPE ARGS...
    vsock_bundle http "${@:2}"
    edit 'del(.annotations["org.swiftlet.unikernel.vsock"]) | .annotations["org.swiftlet.unikernel.vaccel"] = "vsock"
        | .annotations["org.swiftlet.unikernel.type"] = $type | .linux.resources.memory.limit = 402653184' --arg type "$1"
    create
    link "$HOST" host0 "$PID" eth0 10.0.0.2/24
    at "$HOST" ip addr add 10.0.0.1/24 dev host0
    at "$PID" ip route add default via 10.0.0.1
    ok start "$ID"
    eventually prints 'listening on 8080' || fail "$(container_output)"
}

@test "a unikernel on a microvm and on a PC asks its vAccel agent by vsock for digits, and gets the right ones" {
    local type bus
    need_agent
    need_digits
    need_links
    need_command curl
    HOST_CONFIG=$TEST_DIR/config.toml
    agent_configuration onnx "$ONNXRUNTIME" "models = \"$DIGITS\"" >"$HOST_CONFIG"
    for type in pvh linux; do
        namespace HOST
        serving_guest "$type" --ipv4=10.0.0.2/24 --vaccel=vsock://2:2048
        bus=$([[ $type == pvh ]] && echo device || echo pci)
        runtime plan --bundle "$BUNDLE" && expect_contains "vhost-user-vsock-$bus,"
        names_digits
        ok delete --force "$ID"
        end_namespaces
    done
}

attack() { # CHECK [ARGUMENT...]
    timeout 120 python3 "$BATS_TEST_DIRNAME/vaccel_checks.py" "$1" "$hostile" "${@:2}"
}

attacks() {
    local what
    for what in resources refusals slow 'random_frames 7 5000' exhaust; do
        # shellcheck disable=SC2086
        attack $what || { echo "$what" && return 1; }
    done
}

@test "a hostile guest reaches nothing of another's agent, whose guest gets right answers all the time" {
    local hostile victim pid status=0 rounds=0
    need_agent
    need_digits
    need_links
    need_command curl
    namespace HOST
    HOST_CONFIG=$TEST_DIR/config.toml
    agent_configuration onnx "$ONNXRUNTIME" "models = \"$DIGITS\"" >"$HOST_CONFIG"
    serving_guest pvh --ipv4=10.0.0.2/24 --vaccel=vsock://2:2048
    victim=$(sockets)
    agent_configuration noop '' 'options = ["--frame-timeout", "2000", "--max-memory", "64", "--max-sessions", "100"]' \
        >"$HOST_CONFIG"
    # Its program passes on what a client of the host's says. Before, it tries other ports of its host's, and other guests.
    linux_bundle vsock refused 2049 0 vsock refused 2048 4 vsock refused 7 4 vsock relay 7 2048
    edit 'del(.annotations["org.swiftlet.unikernel.vsock"]) | .annotations["org.swiftlet.unikernel.vaccel"] = "vsock"'
    create
    ok start "$ID"
    PATIENCE=60 eventually prints listening || fail "$(container_output)"
    equal "$(container_output | grep -c '^refused: ')" 3
    hostile=guest://$(sockets)/vsock.sock:7
    attack foreign "unix://$victim/vsock.sock_2048"
    attacks >"$TEST_DIR/attacks" 2>&1 3>&- &
    pid=$!
    while not_finished "$pid"; do
        names_digits
        rounds=$((rounds + 1))
    done
    wait "$pid" || status=$?
    equal "$status" 0 "$(<"$TEST_DIR/attacks")"
    ((rounds > 3)) || fail "only $rounds rounds while the other attacks"
    ok delete --force "$ID"
    names_digits
    [[ $(ls "$victim") == vsock.sock$'\n'vsock.sock_2048 ]] || fail "$(ls "$victim")"
}

not_finished() { [[ $(process_state "$1") == [RSD]* ]]; }

parent_of() { awk '/^PPid:/ { print $2 }' "/proc/$1/status"; } # PID
agent_of() { pgrep --full --ns "$PID" --nslist pid "$(basename "$AGENT")" | head -n 1; }

# One of the processes of a container whose guest has asked its agent.
process_of() { # WHICH
    case $1 in
    supervisor) echo "$PID" ;;
    monitor) pgrep --parent "$PID" qemu ;;
    agent) agent_of ;;
    worker) pgrep --parent "$(agent_of)" ;;
    launcher) parent_of "$(agent_of)" ;;
    device) pgrep --parent "$PID" | grep -vx -e "$(process_of monitor)" -e "$(process_of launcher)" ;;
    esac
}

@test "agent, worker, device and sockets go with the container within a second, whichever of them is killed before" {
    local victim directory process
    need_agent
    need_links
    need_command curl
    namespace HOST
    HOST_CONFIG=$TEST_DIR/config.toml
    agent_configuration cpu '' >"$HOST_CONFIG"
    for victim in nobody worker agent launcher device monitor supervisor; do
        serving_guest pvh --ipv4=10.0.0.2/24 --vaccel=vsock://2:2048
        directory=$(sockets)
        # The cpu back-end knows no images; a product starts its worker.
        python3 "$BATS_TEST_DIRNAME/vaccel_checks.py" arithmetic "unix://$directory/vsock.sock_2048"
        matches "$(classified "$BASH_SOURCE")" '^the agent says: FFI error: 95'
        local all=()
        for process in supervisor monitor agent worker launcher device; do
            all+=("$(process_of "$process")")
            [[ ${all[-1]} =~ ^[0-9]+$ ]] || fail "no $process, or several: ${all[-1]}"
        done
        [[ $victim == nobody ]] || kill -KILL "$(process_of "$victim")"
        case $victim in
        nobody) ok kill "$ID" KILL ;;
        worker | agent)
            # The next call is answered, by another one.
            PATIENCE=3 eventually is_classified
            python3 "$BATS_TEST_DIRNAME/vaccel_checks.py" arithmetic "unix://$directory/vsock.sock_2048"
            all+=("$(process_of agent)" "$(process_of worker)")
            ok kill "$ID" KILL
            ;;
        launcher)
            # The guest goes on without an agent.
            PATIENCE=1 eventually not_running "${all[2]}" || fail "the agent is left without its launcher"
            ok kill "$ID" KILL
            ;;
        esac
        PATIENCE=1 eventually has_status stopped || fail "it runs on without its $victim"
        [[ $victim != device ]] || grep -q "the guest's vsock device has ended with status 137" "$TEST_DIR/$ID.err" ||
            fail "nothing is said: $(<"$TEST_DIR/$ID.err")"
        for process in "${all[@]}"; do
            PATIENCE=1 eventually not_running "$process" || fail "process $process is left without the $victim"
        done
        ok delete "$ID"
        [[ ! -e $directory ]] || fail "$directory is left without the $victim"
    done
}

is_classified() { [[ $(classified "$BASH_SOURCE") == 'the agent says: FFI error: 95'* ]]; }

@test "the operator has vhost-device-vsock serve guests, confined like the device in whose place it is" {
    local directory device line
    need_command vhost-device-vsock
    HOST_CONFIG=$TEST_DIR/config.toml
    printf '[vsock]\ndevice = "vhost-device-vsock"\n' >"$HOST_CONFIG"
    linux_bundle vsock many 5000 200 vsock serve 7 2
    edit '.process.user = {uid: 1000, gid: 1000}'
    create
    directory=$(sockets)
    host echo 5000
    ok start "$ID"
    PATIENCE=60 eventually prints listening || fail "$(container_output)"
    prints 'had 200 connections' || fail "$(container_output)"
    device=$(pgrep --parent "$PID" vhost-device)
    for line in CapInh CapPrm CapEff CapBnd CapAmb; do
        equal "$(sed -n "s/^$line:\t0*//p" "/proc/$device/status")" '' "its $line"
    done
    equal "$(awk '/^NoNewPrivs|^Seccomp:|^Uid:/ { print $2 }' "/proc/$device/status" | tr '\n' ' ')" '1000 1 2 '
    # Nobody but the monitor talks to it about the guest's memory.
    equal "$(ls "$directory" | tr '\n' ' ')" 'vsock.sock vsock.sock_5000 '
    call whole 7 300000
    kill -KILL "$device"
    PATIENCE=2 eventually has_status stopped
    grep -q "the guest's vsock device has ended with status 137" "$TEST_DIR/$ID.err" || fail "$(<"$TEST_DIR/$ID.err")"
    ok delete "$ID"
    [[ ! -e $directory ]] || fail "$directory is left"
}

@test "a daemon that does not run, and a kernel without the device, are refused with what to do" {
    HOST_CONFIG=$TEST_DIR/config.toml
    vsock_bundle hello
    printf '[vsock]\ndevice = "vhost-device-vsock"\nprogram = "/bin/false"\n' >"$HOST_CONFIG"
    run_container
    expect_refusal "cannot start the guest's vsock device /bin/false: it ended with status 1 before it listened"
    printf '[vsock]\ndevice = "vhost-device-vsock"\nprogram = "/nosuch"\n' >"$HOST_CONFIG"
    run_container
    expect_refusal '/nosuch.*no such file or directory'
    [[ ! -e /dev/vhost-vsock ]] || skip 'this kernel has virtio socket devices'
    printf '[vsock]\ndevice = "kernel"\n' >"$HOST_CONFIG"
    run_container
    expect_refusal "the kernel's virtio socket devices, chosen by \[vsock\] of $HOST_CONFIG, cannot be used: .*/dev/vhost-vsock.*no such file or directory \(the module vhost_vsock makes /dev/vhost-vsock\)"
}
