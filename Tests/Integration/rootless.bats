# Containers of an ordinary user: made for the test, with ids granted in private copies of the machine's lists.

load helpers

USER_ID=54321
GRANTED=700000

setup() {
    prepare
    # A copy, because the user may have no way to the repository.
    cp "$RUNTIME" "$TEST_DIR/$(basename "$RUNTIME")"
    mkdir "$TEST_DIR/home" "$TEST_DIR/run"
    cp /etc/passwd /etc/group "$TEST_DIR"
    echo "tester:x:$USER_ID:$USER_ID::$TEST_DIR/home:/bin/sh" >>"$TEST_DIR/passwd"
    echo "tester:x:$USER_ID:" >>"$TEST_DIR/group"
    echo "tester:$GRANTED:65536" | tee "$TEST_DIR/subuid" >"$TEST_DIR/subgid"
    cat >"$TEST_DIR/as-user" <<SCRIPT
#!/bin/bash
# Runs a command as the user, with the user's lists in the place of the machine's, as far as there are such.
exec unshare --mount --propagation private bash -c '
    for file in passwd group subuid subgid; do
        [[ ! -e /etc/\$file ]] || mount --bind "$TEST_DIR/\$file" "/etc/\$file"
    done
    [[ ! -e "$TEST_DIR/tun" ]] || mount --bind "$TEST_DIR/tun" /dev/net/tun
    exec setpriv --reuid $USER_ID --regid $USER_ID --init-groups \
        env HOME="$TEST_DIR/home" USER=tester XDG_RUNTIME_DIR="$TEST_DIR/run" "\$@"' bash "\$@"
SCRIPT
    # In the place of the runtime for all helpers.
    printf '#!/bin/bash\nexec "%s/as-user" "%s/%s" "$@"\n' "$TEST_DIR" "$TEST_DIR" "$(basename "$RUNTIME")" \
        >"$TEST_DIR/runtime"
    chmod +x "$TEST_DIR/as-user" "$TEST_DIR/runtime"
    RUNTIME=$TEST_DIR/runtime
    chown -R "$USER_ID:$USER_ID" "$TEST_DIR"
    as_user unshare --user --map-root-user --pid --fork --mount-proc true 2>"$TEST_DIR/probe" ||
        skip "an ordinary user may make no user namespace with its own procfs here: $(<"$TEST_DIR/probe")"
}

as_user() { "$TEST_DIR/as-user" "$@" 3>&-; }

# A bundle as `spec --rootless` writes it, the user's own.
rootless_bundle() { # COMMAND
    new_bundle
    busybox_rootfs "$BUNDLE/rootfs"
    chown -R "$USER_ID:$USER_ID" "$BUNDLE"
    ok spec --rootless --bundle "$BUNDLE"
    edit '.process.terminal = false | .process.args = ["sh", "-c", $command]' --arg command "$1"
}

# Gives the bundle to the user, who is root in its user namespace, with no other id and no limits.
map_own() {
    chown -R "$USER_ID:$USER_ID" "$BUNDLE"
    edit 'del(.linux.resources) | .linux.namespaces += [{type: "user"}]
        | .linux.uidMappings = [{containerID: 0, hostID: $id, size: 1}] | .linux.gidMappings = .linux.uidMappings' \
        --argjson id "$USER_ID"
}

# Maps the user's own id to root and 65535 granted ones to the others.
map_granted() {
    [[ -e /etc/subuid && -e /etc/subgid ]] || skip "no /etc/subuid to be replaced: the package uidmap is not installed"
    need_command newuidmap
    edit '.linux |= (.uidMappings = [{containerID: 0, hostID: $own, size: 1},
        {containerID: 1, hostID: $granted, size: 65535}] | .gidMappings = .uidMappings)' \
        --argjson own "$USER_ID" --argjson granted "$GRANTED"
}

@test "an ordinary user runs a container" {
    rootless_bundle 'id -u; cat /proc/self/uid_map /proc/self/setgroups; hostname'
    run_container
    expect_success
    equal "$(tr -s ' \n' ' ' <<<"$output")" "0 0 $USER_ID 1 deny $(jq --raw-output .hostname "$BUNDLE/config.json") "
    edit '.process.args = ["sh", "-c", "exit 7"]'
    run_container
    expect_status 7
}

@test "the state of an ordinary user's containers is in XDG_RUNTIME_DIR" {
    rootless_bundle true
    local name
    name=$(basename "$(sed -n 's/^exec "[^"]*" "\([^"]*\)".*/\1/p' "$RUNTIME")")
    as_user "$TEST_DIR/$name" create --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
    [[ -d $TEST_DIR/run/$name/$ID ]] || fail "no state in $TEST_DIR/run/$name: $(ls -R "$TEST_DIR/run")"
    # The sticky bit, which keeps it from being cleaned up, and nothing for others.
    equal "$(stat --format '%a %u' "$TEST_DIR/run/$name")" "1700 $USER_ID" 'mode and owner'
    as_user "$TEST_DIR/$name" delete "$ID"
    [[ ! -e $TEST_DIR/run/$name/$ID ]] || fail "the state is still there"
}

@test "the lifecycle without privileges" {
    rootless_bundle 'trap "exit 3" TERM; echo ready; while :; do sleep 0.1; done'
    map_granted
    create
    has_status created
    ok start "$ID"
    eventually prints ready
    has_status running
    ok list
    expect_contains tester
    ok kill "$ID" TERM
    eventually has_status stopped
    ok delete "$ID"
    rootless_bundle 'sleep 1000'
    map_granted
    edit '.process.user = {uid: 1000, gid: 1000}'
    create
    ok start "$ID"
    equal "$(stat --format %u "/proc/$PID")" $((GRANTED + 999)) 'owner of the process'
    ok delete --force "$ID"
}

@test "ids that were granted" {
    rootless_bundle 'cat /proc/self/uid_map /proc/self/gid_map /proc/self/setgroups; id -u; id -g; touch /mnt/file'
    map_granted
    edit '.process.user = {uid: 1000, gid: 1001} | .root.readonly = false'
    chmod 777 "$BUNDLE/rootfs/mnt"
    run_container
    expect_success
    equal "$(tr -s ' \n' ' ' <<<"$output")" \
        " 0 $USER_ID 1 1 $GRANTED 65535 0 $USER_ID 1 1 $GRANTED 65535 allow 1000 1001 "
    equal "$(stat --format '%u %g' "$BUNDLE/rootfs/mnt/file")" "$((GRANTED + 999)) $((GRANTED + 1000))" 'owner of a file'
}

@test "additional groups where they are mapped" {
    [[ $("$RUNTIME" --version) != runc* ]] || skip "runc refuses any of an ordinary user's"
    rootless_bundle 'id -G'
    map_granted
    edit '.process.user.additionalGids = [5, 10]'
    run_container
    expect_success
    expect_output '0 5 10'
}

@test "ids that were not granted are refused" {
    need_command newuidmap
    rootless_bundle true
    edit '.linux.uidMappings += [{containerID: 1, hostID: 100, size: 3}]'
    run_container
    ((status != 0)) || fail "expected a refusal"
    expect_error 'newuidmap: uid range \[1-4\) -> \[100-103\) not allowed'
    ! is_swiftlet || expect_error '/linux/uidMappings: .*/etc/subuid'
    rootless_bundle true
    edit '.linux.gidMappings += [{containerID: 1, hostID: 100, size: 3}]'
    run_container
    ((status != 0)) || fail "expected a refusal"
    expect_error 'newgidmap: gid range \[1-4\) -> \[100-103\) not allowed'
}

@test "a helper that is not there" {
    need_swiftlet
    rootless_bundle true
    edit '.linux.uidMappings += [{containerID: 1, hostID: 700000, size: 3}]'
    sed -i "s|XDG_RUNTIME_DIR=|PATH=/nowhere &|; s|env HOME|$(command -v env) HOME|" "$TEST_DIR/as-user"
    refused '/linux/uidMappings: an ordinary user needs newuidmap' run --bundle "$BUNDLE" "$ID"
}

@test "what a user namespace does not allow is refused by name" {
    need_swiftlet
    local filter regex
    while IFS=@ read -r filter regex; do
        rootless_bundle true
        edit "$filter"
        refused "$regex" run --bundle "$BUNDLE" "$ID"
    done <<'ROWS'
.linux.namespaces -= [{type: "user"}] | del(.linux.uidMappings, .linux.gidMappings)@/linux/namespaces: rootless container requires user namespaces
.process.user.uid = 1@/process/user/uid: cannot set uid to unmapped user 1 in user namespace
.process.user.gid = 1@/process/user/gid: cannot set gid to unmapped group 1 in user namespace
.process.user.additionalGids = [0]@/process/user/additionalGids: cannot set any additional groups in a rootless container
.mounts += [{destination: "/mnt", type: "tmpfs", source: "t", options: ["mode=700", "uid=5"]}]@/mounts/7/options/1: cannot specify uid=5 mount option
.mounts[2].options += ["gid=5"]@/mounts/2/options/5: cannot specify gid=5 mount option
.process.oomScoreAdj = -100@oom_score_adj.*permission denied
ROWS
}

@test "the host's devices are bound" {
    rootless_bundle 'for name in null zero full random urandom tty; do stat -c "%n %t %T" /dev/$name; done
        echo gone >/dev/null && head -c 3 /dev/zero | wc -c'
    run_container
    expect_success
    expect_output $'/dev/null 1 3\n/dev/zero 1 5\n/dev/full 1 7\n/dev/random 1 8\n/dev/urandom 1 9\n/dev/tty 5 0\n3'
}

@test "a network, limits and settings of the container's own" {
    rootless_bundle 'cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/kernel/msgmax; ulimit -n
        cat /proc/self/oom_score_adj; ls /sys/class/net'
    edit '.linux.namespaces += [{type: "network"}]
        | .linux.sysctl = {"net.ipv4.ip_unprivileged_port_start": "7", "kernel.msgmax": "9000"}
        | .process.oomScoreAdj = 500'
    # The host's /sys shows the host's network; the kernel lets its owner mount another.
    edit '(.mounts[] | select(.destination == "/sys")) |= {destination, type: "sysfs", source: "sysfs",
        options: ["nosuid", "noexec", "nodev", "ro"]}'
    run_container
    expect_success
    expect_output $'7\n9000\n1024\n500\nlo'
}

@test "without the right to make cgroups there are no limits" {
    rootless_bundle 'ls /sys/fs/cgroup >/dev/null && echo there'
    run_container
    expect_success
    expect_output there
    # Where there is none to join, an empty set of limits and rules about devices change nothing.
    edit '.linux.resources = {devices: [{allow: false, access: "rwm"}]}'
    run_container
    expect_success
    edit '.linux.resources = {pids: {limit: 20}}'
    run_container
    expect_status 1
    # runc has words for it on version 1 only.
    expect_error 'cannot set pids limit: container could not join or create cgroup|pids\.max: no such file or directory'
    edit 'del(.linux.resources) | .linux.cgroupsPath = $path' --arg path "/swiftlet-tests/$ID"
    run_container
    expect_status 1
    expect_error 'unable to apply cgroup configuration: .*(permission denied|[Rr]ead-only file system)'
}

# Gives the user a cgroup in every hierarchy and runs the user's commands there.
delegate_cgroups() {
    local hierarchy
    [[ -d /sys/fs/cgroup/pids ]] || skip "no cgroup version 1 whose pids controller can be delegated"
    for hierarchy in /sys/fs/cgroup/*/; do
        [[ -e $hierarchy/tasks ]] || continue
        mkdir "$hierarchy/delegated-$PREFIX"
        [[ ! -e $hierarchy/cpuset.cpus ]] || {
            cat "$hierarchy/cpuset.cpus" >"$hierarchy/delegated-$PREFIX/cpuset.cpus"
            cat "$hierarchy/cpuset.mems" >"$hierarchy/delegated-$PREFIX/cpuset.mems"
        }
        chown -R "$USER_ID" "$hierarchy/delegated-$PREFIX"
    done
    sed -i "2i for tasks in /sys/fs/cgroup/*/delegated-$PREFIX/tasks; do echo \$\$ >\$tasks; done" "$TEST_DIR/as-user"
}

@test "limits in a cgroup that was delegated" {
    delegate_cgroups
    rootless_bundle 'echo ready; sleep 1000'
    edit '.linux.resources = {pids: {limit: 20}}'
    create
    ok start "$ID"
    eventually prints ready
    local place
    place=$(sed -n 's/^[0-9]*:pids://p' "/proc/$PID/cgroup")
    matches "$place" "/delegated-$PREFIX/$ID\$"
    equal "$(<"/sys/fs/cgroup/pids/$place/pids.max")" 20 'limit'
    ok kill "$ID" KILL
    eventually has_status stopped
    ok delete "$ID"
    [[ ! -e /sys/fs/cgroup/pids/$place ]] || fail "the cgroup is still there"
    rmdir /sys/fs/cgroup/*/"delegated-$PREFIX"
}

@test "a container joins another one's namespaces" {
    rootless_bundle 'echo ready; sleep 1000'
    map_granted
    edit '.linux.namespaces += [{type: "network"}]'
    create
    ok start "$ID"
    local first=$ID owner=$PID type
    rootless_bundle 'cat /proc/self/uid_map; for type in user net ipc uts; do readlink /proc/self/ns/$type; done; id -u'
    map_granted
    edit '.linux.namespaces = [{type: "pid"}, {type: "mount"}] | del(.hostname) | .process.user = {uid: 1000, gid: 1000}'
    edit '.linux.namespaces += [{user: "user", network: "net", ipc: "ipc", uts: "uts"} | to_entries[]
        | {type: .key, path: "/proc/\($pid)/ns/\(.value)"}]' --arg pid "$owner"
    run_container
    expect_success
    for type in user net ipc uts; do expect_contains "$(readlink "/proc/$owner/ns/$type")"; done
    matches "$(tr -s ' \n' ' ' <<<"$output")" "^ 0 $USER_ID 1 1 $GRANTED 65535 .* 1000 \$"
    ok delete --force "$first"
}

@test "more processes in a container without privileges" {
    rootless_bundle 'echo ready; sleep 1000'
    create
    ok start "$ID"
    eventually prints ready
    ok exec "$ID" sh -c 'tr "\0" " " </proc/1/cmdline; cat /proc/self/uid_map; readlink /proc/self/ns/user; readlink /proc/self/ns/pid'
    expect_contains 'sleep 1000'
    expect_contains "$(readlink "/proc/$PID/ns/user")"
    expect_contains "$(readlink "/proc/$PID/ns/pid")"
    runtime exec "$ID" sh -c 'exit 6'
    expect_status 6
    ok delete --force "$ID"
    rootless_bundle 'echo ready; sleep 1000'
    map_granted
    edit '.linux.namespaces += [{type: "network"}]'
    create
    ok start "$ID"
    eventually prints ready
    ok exec --user 1000:1001 "$ID" sh -c 'echo $(id -u):$(id -g) $(ls /sys/class/net | wc -l); readlink /proc/self/ns/net'
    expect_contains 1000:1001
    expect_contains "$(readlink "/proc/$PID/ns/net")"
    ok delete --force "$ID"
}

@test "root of a user namespace around the runtime" {
    # As an engine without privileges calls it: root's numbers, no privilege outside the namespace.
    rootless_bundle 'id -u; stat -c "%t %T" /dev/null; ls /sys/fs/cgroup >/dev/null && echo there'
    sed -i 's|"\$@"'"'"' bash|unshare --user --map-root-user --mount "\$@"'"'"' bash|' "$TEST_DIR/as-user"
    edit '.linux.namespaces -= [{type: "user"}] | del(.linux.uidMappings, .linux.gidMappings)'
    run_container
    expect_success
    expect_output $'0\n1 3\nthere'
    edit '.linux.cgroupsPath = $path' --arg path "/swiftlet-tests/$ID"
    run_container
    expect_status 1
    edit 'del(.linux.cgroupsPath)'
    runtime --rootless=false run --bundle "$BUNDLE" "$ID"
    expect_status 1
    expect_error 'permission denied|[Rr]ead-only file system'
}

@test "a guest without privileges" {
    need_guests
    guest_bundle spt hello from user
    map_own
    run_container
    expect_success
    expect_output $'Hello from swiftlet guest\ncommand line: from user'
    guest_bundle spt sleep
    edit 'del(.linux.resources) | .linux.namespaces += [{type: "user"}] | .process.user = {uid: 1000, gid: 1000}'
    map_granted
    create
    ok start "$ID"
    eventually prints sleeping
    equal "$(stat --format %u "/proc/$PID/task")" $((GRANTED + 999)) 'owner of the monitor'
    ok kill "$ID" TERM
    eventually has_status stopped
    ok delete "$ID"
}

# The user may open it, as on many machines.
need_tun() {
    [[ -c /dev/net/tun ]] || skip "there is no /dev/net/tun: guests get their network through taps"
    mknod --mode 666 "$TEST_DIR/tun" c 10 200
    as_user sh -c ': <>/dev/net/tun' 2>/dev/null || skip "an ordinary user cannot open /dev/net/tun here"
}

@test "a guest with a network device without privileges" {
    need_guests
    need_tun
    guest_bundle spt netdev send
    map_own
    run_container
    expect_success
    expect_contains 'sent 60 bytes'
}

@test "an interface of a guest without privileges: by redirects and a bridge, not by a macvtap; and a link of its own" {
    need_guests
    need_tun
    need_command ip
    local mode
    for mode in redirect bridge minimal macvtap; do
        guest_bundle spt netdev send
        edit '.annotations["org.swiftlet.unikernel.network-mode"] = $mode' --arg mode "$mode"
        map_own
        create
        nsenter --net --target "$PID" -- ip link add eth0 type veth peer name other
        nsenter --net --target "$PID" -- ip addr add 10.0.0.2/24 dev eth0
        nsenter --net --target "$PID" -- ip link set eth0 mtu 1400 up
        case $mode in
        macvtap) refused 'a macvtap device can only be opened by root of the host' start "$ID" ;;
        minimal)
            ok start "$ID"
            eventually prints 'mtu 1500'
            ;;
        *)
            ok start "$ID"
            eventually prints 'mtu 1400'
            eventually prints 'sent 60 bytes'
            ;;
        esac
        ok delete --force "$ID"
    done
}

# A guest under QEMU with virtio sockets: the host's end, and the guest's, are the user's.
@test "an ordinary user's guest under QEMU has virtio sockets in a directory of the user's" {
    local directory host
    need_guests spt
    need_command qemu-system-x86_64
    need_command python3
    guest_bundle virt vsock connect 5000 300000 many 5000 100 refused 5001 0
    map_own
    edit '.annotations["org.swiftlet.unikernel.vsock"] = "true"'
    create
    directory=$(jq -r .vsockDirectory "$ROOT/$ID/state.json")
    matches "$directory" "^$TEST_DIR/run/swiftlet-vsock/"
    equal "$(stat --format '%a %u %g' "$directory")" "700 $USER_ID $USER_ID"
    # Becomes the program, so that the pid is its own.
    "$TEST_DIR/as-user" python3 "$BATS_TEST_DIRNAME/vsock_host.py" echo "$directory/vsock.sock_5000" 3>&- &
    host=$!
    remember_pid "$host"
    eventually test -S "$directory/vsock.sock_5000"
    ok start "$ID"
    PATIENCE=60 eventually has_status stopped || true
    kill -KILL "$host"
    equal "$(container_output)" $'exchanged 300000 bytes\nhad 100 connections\nrefused'
    ok delete "$ID"
    [[ ! -e $directory ]] || fail "$directory is left"
}
