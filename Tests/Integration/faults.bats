# Whatever call fails, whoever is killed, whatever else happens at the same time: a container works or its creation says
# why not, and `delete --force` leaves nothing.
#
# POINTS   how many calls are broken in each of the sweeps, one container each; 40 unless set
# SEED     which ones; 1 unless set
# ERRORS   what they fail with, EIO unless set: EIO,ENOMEM,EPERM

load helpers
load network

setup() {
    prepare
    POINTS=${POINTS:-40}
}

# Breaks calls of a command, in the runtime and in the processes it makes.
sweep() { # COMMAND OPTIONS...
    need_command python3
    local report code=0 binary=$TEST_DIR/runtime
    # A copy of its own, by which processes are told from those of others. The containers are named after this one.
    cp "$RUNTIME" "$binary"
    report=$("$BATS_TEST_DIRNAME/fault_injection.py" --points "$POINTS" --seed "${SEED:-1}" --errors "${ERRORS:-EIO}" "${@:2}" "$binary" \
        "$ROOT" "$BUNDLE" "$ID" "$1" 2>&1 </dev/null 3>&-) || code=$?
    ((code != 3)) || skip "$report"
    ((code == 0)) || fail "$report"
    echo "# $report" >&3
}

@test "calls that fail while a guest is created and started" {
    need_guests spt
    guest_bundle spt sleep
    sweep create
}

@test "calls that fail while a guest with disks is created and started" {
    need_guests spt
    guest_bundle spt disks wait
    truncate --size 8192 "$BUNDLE/rootfs/disk"
    mkdir -p "$BUNDLE/rootfs/disk1/directory"
    echo text >"$BUNDLE/rootfs/disk1/directory/file"
    sweep create
}

@test "calls that fail while a guest under a program with a vsock device is created, started and deleted" {
    need_command qemu-system-x86_64
    [[ -e $GUESTS/sleep.virt ]] || skip "no guest: Hack/build-guests makes it"
    local command
    guest_bundle virt sleep
    edit '.annotations."org.swiftlet.unikernel.vsock" = "true" | .linux.resources.memory.limit = 134217728'
    for command in create start delete; do sweep "$command" --apart qemu-system-x86_64; done
}

@test "calls that fail while an ordinary container is created and started" {
    need_swiftlet # a Go runtime starts threads, whose calls have no order
    bundle sleep 1000
    sweep create
}

@test "calls that fail while a container with hooks in a user namespace is created" {
    need_swiftlet
    bundle sleep 1000
    chown -R 100000:100000 "$BUNDLE/rootfs"
    chmod 755 "$TEST_DIR"
    edit '.linux.namespaces += [{type: "user"}] | .mounts |= map(select(.type != "cgroup"))
        | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] | .linux.gidMappings = .linux.uidMappings
        | .hooks = {prestart: [{path: "/bin/true", timeout: 5}], createContainer: [{path: "/bin/true"}]}'
    sweep create
}

@test "calls that fail while a container is deleted" {
    need_guests spt
    guest_bundle spt sleep
    sweep delete
    bundle sleep 1000
    sweep delete
}

@test "calls that fail while a guest is connected to a network that others use, and taken from it" {
    need_guests spt
    need_links
    local host pod before
    namespace host
    namespace pod
    at "$pod" ip link set lo up
    link "$host" host0 "$pod" eth0 10.0.0.2/24
    before=$(network_of "$pod")
    guest_bundle spt netdev echo
    edit '(.linux.namespaces[] | select(.type == "network")).path = "/proc/'"$pod"'/ns/net"'
    sweep create
    equal "$(network_of "$pod")" "$before" "the namespace after create"
    sweep start
    equal "$(network_of "$pod")" "$before" "the namespace after start"
    sweep delete
    equal "$(network_of "$pod")" "$before" "the namespace after delete"
    local mode
    for mode in bridge macvtap; do
        edit '.annotations["org.swiftlet.unikernel.network-mode"] = $mode' --arg mode "$mode"
        [[ $mode != macvtap ]] || has_macvtap || continue
        POINTS=$((POINTS / 2)) sweep start
        equal "$(network_of "$pod")" "$before" "the namespace after start: $mode"
        POINTS=$((POINTS / 2)) sweep delete
        equal "$(network_of "$pod")" "$before" "the namespace after delete: $mode"
    done
}

@test "calls that fail while a guest is connected to a network of its own" {
    need_guests spt
    need_links
    local host hook=$TEST_DIR/connect
    namespace host
    cat >"$hook" <<EOF
#!/bin/sh
pid=\$(jq .pid)
exec nsenter --net --target $host ip link add "h\$pid" type veth peer name eth0 address 02:00:00:00:53:01 netns "\$pid"
EOF
    cat >"$hook-up" <<'EOF'
#!/bin/sh
ip addr add 10.0.0.2/24 dev eth0 && exec ip link set eth0 up
EOF
    chmod 755 "$hook" "$hook-up"
    guest_bundle spt netdev echo
    edit '.hooks = {createRuntime: [{path: $hook, env: [$path]}, {path: "/usr/bin/nsenter", env: [$path],
        args: ["sh", "-c", "exec nsenter --net --target $(jq .pid) \($hook)-up"]}]}
        | .hooks.createRuntime[1].path = "/bin/sh"' --arg hook "$hook" --arg path "PATH=$PATH"
    sweep start --apart ip
    sweep delete
}

@test "calls that fail while something is done to a container that runs" {
    need_swiftlet
    local command
    bundle sleep 1000
    for command in exec pause resume update; do sweep "$command"; done
}

# Breaks calls of a command that works on a directory of its own, $TEST_DIR/files.
sweep_files() { # OPTION... ARGUMENT...
    local report code=0 options=()
    need_command python3
    while [[ $1 == --* ]]; do
        options+=("$1")
        shift
    done
    report=$("$BATS_TEST_DIRNAME/fault_command.py" --points "$POINTS" --seed "${SEED:-1}" --errors "${ERRORS:-EIO}" \
        "${options[@]}" "$TEST_DIR/files" "$RUNTIME" --root "$ROOT" "$@" 2>&1 </dev/null 3>&-) || code=$?
    ((code != 3)) || skip "$report"
    ((code == 0)) || fail "$* $report"
    echo "# $1 ${2-}: $report" >&3
}

@test "calls that fail while an image is packed: all of it is there or nothing" {
    need_swiftlet
    need_guests spt
    mkdir "$TEST_DIR/files"
    sweep_files image pack "$GUESTS/hello.spt" --type mirage --tag a/b --output "$TEST_DIR/files/image.tar"
}

@test "calls that fail while an engine is told of the runtime: its configuration is as before or as wanted" {
    need_swiftlet
    local engine files=$TEST_DIR/files
    for engine in containerd docker podman; do
        rm -rf "$files" "$files.original"
        mkdir "$files"
        case $engine in
        containerd) printf 'version = 2\n# mine\n' >"$files/file" ;;
        docker) printf '{"debug": true}\n' >"$files/file" ;;
        esac
        sweep_files install-engine "$engine" --config "$files/file" --runtime-path "$RUNTIME"
        ok install-engine "$engine" --config "$files/file" --runtime-path "$RUNTIME"
        rm -rf "$files.original"
        POINTS=$((POINTS / 2)) sweep_files install-engine "$engine" --undo --config "$files/file"
    done
}

@test "calls that fail while figures and a trace are printed: they are whole or there is an error" {
    need_swiftlet
    bundle sleep 1000
    create
    ok start "$ID"
    mkdir "$TEST_DIR/files"
    sweep_files --same-output trace "$ID"
    rm -rf "$TEST_DIR/files.original"
    sweep_files --same-output trace --format svg "$ID"
    rm -rf "$TEST_DIR/files.original"
    sweep_files --figures metrics --output "$TEST_DIR/files/figures"
}

@test "a cgroup with processes of others is refused, and they live on" {
    need_swiftlet # runc 1.1 warns
    local directory=/sys/fs/cgroup other
    [[ ! -d $directory/pids ]] || directory+=/pids
    bundle true
    mkdir "$directory/$ID"
    sleep 1000 3>&- &
    other=$!
    remember_pid "$other"
    echo "$other" >"$directory/$ID/cgroup.procs"
    refused 'cgroup is not empty' create --bundle "$BUNDLE" "$ID"
    # The same when the cgroup is one below, as in /ID of a container in /ID/inner.
    mkdir "$directory/$ID/inner"
    echo "$other" >"$directory/$ID/inner/cgroup.procs"
    refused 'cgroup is not empty' create --bundle "$BUNDLE" "$ID"
    ok delete --force "$ID"
    [[ $(process_state "$other") == S ]] || fail "the other process was killed"
    kill -KILL "$other"
    wait "$other" || true
    rmdir "$directory/$ID/inner"
    # Empty it is as good as none.
    run_container
    expect_success
    [[ ! -e $directory/$ID ]] || fail "the cgroup is still there"
}

@test "a hierarchy's root is no container's cgroup" {
    need_swiftlet
    bundle true
    edit '.linux.cgroupsPath = "/"'
    refused 'cgroup is not empty' create --bundle "$BUNDLE" "$ID"
}

@test "a frozen container is deleted" {
    local directory=/sys/fs/cgroup/freezer
    [[ -d $directory ]] || skip "no freezer controller of cgroup v1"
    bundle sleep 1000
    create
    ok start "$ID"
    echo FROZEN >"$directory/$ID/freezer.state"
    ok delete --force "$ID"
}

@test "delete does not wait for a start that hangs" {
    need_swiftlet # runc runs poststart hooks before start is over
    local runner hook
    for hook in startContainer poststart; do
        bundle sleep 1000
        edit '.hooks[$hook] = [{path: "/bin/sleep", args: ["sleep", "3"]}]' --arg hook "$hook"
        create
        "$RUNTIME" --root "$ROOT" start "$ID" >"$TEST_DIR/start" 2>&1 </dev/null 3>&- &
        runner=$!
        eventually has_status running
        ok delete --force "$ID"
        kill -0 "$runner" || [[ $hook == startContainer ]] || fail "the hook was over before delete began"
        wait "$runner" || true
    done
}

@test "only one of several starts gets through" {
    bundle sh -c 'echo up; sleep 1000'
    create
    local number pids=() good=0
    for number in {1..8}; do
        "$RUNTIME" --root "$ROOT" start "$ID" >"$TEST_DIR/start$number" 2>&1 </dev/null 3>&- &
        pids+=($!)
    done
    for number in "${pids[@]}"; do ! wait "$number" || good=$((good + 1)); done
    equal "$good" 1 "starts that succeeded"
    eventually prints up
    has_status running
}

@test "create and delete of the same id at the same time" {
    need_swiftlet # runc may leave a container behind that it does not know
    local round number pids
    bundle sleep 1000
    for round in {1..25}; do
        pids=()
        for number in 1 2; do
            "$RUNTIME" --root "$ROOT" create --bundle "$BUNDLE" "$ID" >"$TEST_DIR/$ID.$number" 2>&1 </dev/null 3>&- &
            pids+=($!)
            timeout "$LIMIT" "$RUNTIME" --root "$ROOT" delete --force "$ID" >"$TEST_DIR/delete.$number" 2>&1 \
                </dev/null 3>&- &
            pids+=($!)
        done
        for number in "${!pids[@]}"; do
            status=0
            wait "${pids[number]}" || status=$?
            ((number % 2 == 0 || status == 0)) || fail "round $round: $(cat "$TEST_DIR"/delete.*)"
        done
    done
    ok delete --force "$ID"
    equal "$(leftovers)" '' leftovers
}

@test "damaged state is deleted" {
    need_swiftlet
    local content
    for content in '' '{' 'null' '{"id": 1}' $'\xff\xfe' '[[[['; do
        bundle true
        mkdir "$ROOT/$ID"
        [[ ! $content ]] || printf %s "$content" >"$ROOT/$ID/state.json"
        refused 'not exist|creating' start "$ID"
        ok list
        ok delete --force "$ID"
        ok delete --force "$ID"
    done
}

@test "a guest ends with its supervisor when they share the host's PID namespace" {
    need_guests spt
    guest_bundle spt spin
    edit '.linux.namespaces |= map(select(.type != "pid"))'
    create
    ok start "$ID"
    eventually prints spinning
    local monitor
    monitor=$(cat "/proc/$PID/task/$PID/children")
    remember_pid "${monitor% }"
    kill -KILL "$PID"
    eventually has_status stopped
    eventually is_gone "${monitor% }"
    ok delete "$ID"
}

is_gone() { [[ ! -e /proc/$1 || $(process_state "$1") == Z ]]; }

@test "a terminal in a joined mount namespace is refused" {
    need_swiftlet
    unshare --mount sleep 1000 3>&- &
    local other=$!
    remember_pid "$other"
    bundle true
    edit '.process.terminal = true | .linux.namespaces |= map(select(.type != "mount")
        | .) + [{type: "mount", path: "/proc/\($pid)/ns/mnt"}]' --arg pid "$other"
    refused 'terminal' run --bundle "$BUNDLE" "$ID"
    kill -KILL "$other"
    wait "$other" || true
}
