#!/usr/bin/env bats
# Ordinary images in a virtual machine, with Debian's cloud kernel under QEMU: what a program finds there, and what a user
# of the runtime sees of it. Starting a kernel takes seconds, so each test looks at much.

load helpers
load network
load vm

setup() {
    prepare
    need_swiftlet
    LIMIT=120
    PATIENCE=90
}

# Sets `config`, an operator's configuration with a kernel.
need_machines() {
    config=$TEST_DIR/config.toml
    need_vm_configuration "$config"
}

# A container on busybox that is to be in a machine.
machine_bundle() { # ARGS...
    bundle "$@"
    edit '.annotations["org.swiftlet.vm"] = "true"'
}

run_machine() { # ARGS...
    runtime --host-config "$config" run --bundle "$BUNDLE" "$@" "$ID"
}

create_machine() { # OPTIONS...
    PID=''
    runtime_into "$TEST_DIR/$ID.out" "$TEST_DIR/$ID.err" --host-config "$config" create --bundle "$BUNDLE" \
        --pid-file "$TEST_DIR/$ID.pid" "$@" "$ID"
    expect_success
    PID=$(<"$TEST_DIR/$ID.pid")
    remember_pid "$PID"
}

@test "a program in a virtual machine finds what it would find in a container" {
    need_machines
    machine_bundle sh -c '
        for word; do echo "[$word]"; done
        echo "$SAID"; pwd; hostname; id -u; id -g; id -G; umask; uname -r
        cat /etc/resolv.conf; cat /data/one; echo two >/data/two && chmod 640 /data/two
        (echo no >/fixed/file) 2>/dev/null || echo "fixed is read-only"
        echo home >/home/file; grep -c . /proc/kcore; echo $$; ulimit -n
        grep -E "^(CapEff|CapBnd|NoNewPrivs)" /proc/self/status
        stat -c "%a %u" /run; (echo no >/run/secrets/x) 2>/dev/null || cat /run/secrets/token
        ls /dev | tr "\n" " "; echo; readlink /proc/self/fd/1 | cut -c 1-5
        echo "to standard error" >&2
        exit 42' program 'a b  c' '"q"' "it's" '' '$HOME \ *' $'line\nfeed'
    mkdir -p "$BUNDLE"/{data,fixed,secrets} "$BUNDLE/rootfs"/{home,work}
    chmod 777 "$BUNDLE/data" "$BUNDLE/rootfs/home"
    echo one >"$BUNDLE/data/one"
    echo token >"$BUNDLE/secrets/token"
    echo 'nameserver 10.9.8.7' >"$BUNDLE/resolv.conf"
    edit '.process.env += ["SAID=it is said"] | .process.cwd = "/work" | .process.user = {uid: 1000, gid: 1001,
            additionalGids: [5, 2000], umask: 63}
        | .process.rlimits = [{type: "RLIMIT_NOFILE", hard: 512, soft: 256}]
        | .mounts += [
            {destination: "/etc/resolv.conf", type: "bind", source: "resolv.conf", options: ["rbind", "ro"]},
            {destination: "/data", type: "bind", source: "data", options: ["rbind", "rw"]},
            {destination: "/fixed", type: "bind", source: "fixed", options: ["rbind", "ro"]},
            {destination: "/run", type: "tmpfs", source: "tmpfs", options: ["nosuid", "mode=755"]},
            {destination: "/run/secrets", type: "bind", source: "secrets", options: ["rbind", "ro"]}]'
    run_machine
    expect_status 42
    local expected
    expected=$(printf '%s\n' '[a b  c]' '["q"]' "[it's]" '[]' '[$HOME \ *]' $'[line\nfeed]' 'it is said' /work testhost \
        1000 1001 '1001 5 2000' 0077)
    equal "${output:0:${#expected}}" "$expected" 'the first lines'
    mapfile -t lines < <(tail -n "+$(($(wc -l <<<"$expected") + 1))" <<<"$output")
    matches "${lines[0]}" -cloud-amd64
    equal "$(printf '%s\n' "${lines[@]:1}")" "$(printf '%s\n' 'nameserver 10.9.8.7' one 'fixed is read-only' 0 1 256 \
        "CapEff:	0000000000000000" "CapBnd:	0000000020000420" "NoNewPrivs:	1" '755 0' token \
        'fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero ' pipe:)"
    equal "$stderr" 'to standard error'
    equal "$(cat "$BUNDLE/data/two")" two
    equal "$(stat -c '%a %u %g' "$BUNDLE/data/two")" '640 1000 1001'
    equal "$(cat "$BUNDLE/rootfs/home/file")" home
}

@test "a virtual machine has the network of the container, and its program gets signals" {
    need_machines
    need_links
    local host
    namespace host
    machine_bundle sh -c '
        trap "echo asked; exit 7" TERM
        trap "echo again" USR1
        echo "ready $(cat /sys/class/net/eth0/mtu) $(ip route | tr "\n" " ")"
        busybox httpd -p 8080 -h /www
        while true; do sleep 0.1; done'
    mkdir "$BUNDLE/rootfs/www"
    echo 'from the machine' >"$BUNDLE/rootfs/www/index.html"
    edit '.root.readonly = true'
    create_machine
    link "$host" host0 "$PID" eth0 10.0.0.2/24
    at "$host" ip addr add 10.0.0.1/24 dev host0
    at "$PID" ip link set eth0 mtu 1400
    at "$PID" ip route add default via 10.0.0.1
    ok start "$ID"
    eventually prints 'ready 1400 default via 10.0.0.1 dev eth0'
    equal "$(at "$host" curl --silent --max-time 20 --retry 5 --retry-connrefused http://10.0.0.2:8080/)" 'from the machine'
    has_status running
    ok kill "$ID" USR1
    eventually prints again
    runtime exec "$ID" true
    expect_status 255
    expect_error 'it runs in a virtual machine, which cannot be entered'
    expect_confined
    ok pause "$ID"
    ok resume "$ID"
    ok kill "$ID" TERM
    eventually has_status stopped
    prints asked || fail "it was not asked: $(container_output)"
    ok delete "$ID"
}

# The processes of a machine's container have no more than they need.
expect_confined() {
    local monitor server line
    monitor=$(pgrep --parent "$PID" --full '^/[^ ]*qemu-system')
    server=$(pgrep --parent "$PID" --full '^/[^ ]*virtiofsd')
    for line in CapInh CapPrm CapEff CapBnd CapAmb; do
        equal "$(sed -n "s/^$line:\t0*//p" "/proc/$monitor/status")" '' "the monitor's $line"
    done
    # CHOWN, DAC_OVERRIDE, FOWNER, FSETID, SETGID, SETUID, SETFCAP
    equal "$(sed -n 's/^CapEff:\t0*//p' "/proc/$server/status")" 800000db "the server's capabilities"
    equal "$(awk '/^NoNewPrivs|^Seccomp:/ { print $2 }' "/proc/$monitor/status" "/proc/$server/status" | tr '\n' ' ')" '1 2 1 2 '
    # The server sees the shared files and nothing else; the monitor not even these.
    equal "$(ls "/proc/$server/root" | tr '\n' ' ')" 'config.json mounts root '
    [[ ! -e /proc/$monitor/root/share ]] || fail 'the monitor sees the shared files'
    equal "$(awk '$5 == "/root" { print $6 }' "/proc/$server/mountinfo" | grep -o '^ro')" ro 'the root'
}

@test "a program in a virtual machine has a terminal" {
    need_machines
    machine_bundle sh -c 'stty size; tty; read -r line; echo "got $line"; exit 3'
    edit '.process.terminal = true | .process.consoleSize = {height: 30, width: 91}'
    status=0
    printf 'one two\n' >"$TEST_DIR/in"
    timeout "$LIMIT" "$RUNTIME" --root "$ROOT" --host-config "$config" run --bundle "$BUNDLE" "$ID" \
        <"$TEST_DIR/in" >"$TEST_DIR/out" 2>"$TEST_DIR/err" 3>&- || status=$?
    output=$(<"$TEST_DIR/out") stderr=$(<"$TEST_DIR/err")
    expect_status 3
    expect_contains $'30 91\n/dev/pts/0\n'
    expect_contains 'got one two'
}

@test "a program in a virtual machine reads standard input to its end, and may be ended by a signal" {
    need_machines
    machine_bundle sh -c 'cat | wc -c; echo $(($(cat /sys/fs/cgroup/pids.max) + 1)); mkdir /tmp/x'
    edit '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW",
            syscalls: [{names: ["mkdir", "mkdirat"], action: "SCMP_ACT_KILL_PROCESS"}]}
        | .process.args[2] |= sub("mkdir"; "exec mkdir") | .linux.resources.pids = {limit: 41}'
    status=0
    head -c 300000 /dev/zero | timeout "$LIMIT" "$RUNTIME" --root "$ROOT" --host-config "$config" run \
        --bundle "$BUNDLE" "$ID" >"$TEST_DIR/out" 2>"$TEST_DIR/err" 3>&- || status=$?
    output=$(<"$TEST_DIR/out") stderr=$(<"$TEST_DIR/err")
    # SIGSYS
    expect_status 159
    expect_output $'300000\n42'
}

# What of the machine root of the container's namespace could not get to is put where it can.
reachable_configuration() {
    local kernel modules
    kernel=$(sed -n 's/^kernel = "\(.*\)"/\1/p' "$config")
    modules=$(sed -n 's/^modules = "\(.*\)"/\1/p' "$config")
    cp "$kernel" "$TEST_DIR/vmlinuz"
    cp -r "$modules" "$TEST_DIR/modules"
    chmod -R a+rX "$TEST_DIR/vmlinuz" "$TEST_DIR/modules"
    sed -i "s|$kernel|$TEST_DIR/vmlinuz|; s|$modules|$TEST_DIR/modules|" "$config"
    chmod 755 "$TEST_DIR"
}

@test "a container with a user namespace is in a virtual machine with its ids mapped" {
    need_machines
    reachable_configuration
    machine_bundle sh -c 'id -u; touch /data/file; stat -c "%u:%g" /data/file /bin; exit 7'
    mkdir "$BUNDLE/data"
    chown -R 100000:100000 "$BUNDLE/data" "$BUNDLE/rootfs"
    chmod 755 "$BUNDLE" "$BUNDLE/rootfs"
    edit '.linux.namespaces += [{type: "user"}]
        | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] | .linux.gidMappings = .linux.uidMappings
        | .mounts += [{destination: "/data", type: "bind", source: "data", options: ["rbind", "rw"]}]'
    run_machine
    expect_status 7
    expect_output $'0\n0:0\n0:0'
    equal "$(stat -c '%u:%g' "$BUNDLE/data/file")" 100000:100000 "the file's owner outside"
}

@test "a program that is not there is an error of start, and a machine's end is its container's" {
    need_machines
    machine_bundle /nosuch
    create_machine
    refused 'exec.*/nosuch.*no such file or directory' start "$ID"
    has_status stopped
    ok delete "$ID"
    machine_bundle sleep 100
    create_machine
    ok start "$ID"
    # The monitor ends, as it would by a fault of its own or of its guest's kernel.
    kill -KILL "$(pgrep --parent "$PID" --full '^/[^ ]*qemu-system')"
    eventually has_status stopped
    ok delete "$ID"
}

@test "every image is in a virtual machine under the name swiftlet-vm, but for a pod's sandbox" {
    need_machines
    ln -s "$RUNTIME" "$TEST_DIR/swiftlet-vm"
    bundle true
    RUNTIME=$TEST_DIR/swiftlet-vm runtime --host-config "$config" plan --bundle "$BUNDLE"
    expect_success
    equal "$(jq --raw-output '.workload, .vm.foundBy' <<<"$output")" $'vm\nswiftlet-vm'
    edit '.annotations["io.kubernetes.cri.container-type"] = "sandbox"'
    RUNTIME=$TEST_DIR/swiftlet-vm runtime --host-config "$config" plan --bundle "$BUNDLE"
    expect_success
    equal "$(jq --raw-output .workload <<<"$output")" process
}

@test "in a pod the annotation names the containers that are in virtual machines" {
    need_machines
    local wish expected
    bundle true
    edit '.annotations = {"io.kubernetes.cri.container-type": "container", "io.kubernetes.cri.sandbox-id": "s",
        "io.kubernetes.cri.container-name": "app"}'
    for wish in app=vm other,app=vm other=process false=process; do
        edit '.annotations["org.swiftlet.vm"] = $WISH' --arg WISH "${wish%=*}"
        ok --host-config "$config" plan --bundle "$BUNDLE"
        equal "$(jq --raw-output .workload <<<"$output")" "${wish#*=}" "${wish%=*}"
    done
    edit '.annotations["org.swiftlet.vm"] = "true"'
    refused 'in a pod it has to name the containers that are meant, such as "app"' --host-config "$config" plan --bundle "$BUNDLE"
}

# Refuses a container of `true` in a machine with a reason.
refuses_machine() { # REGEX JQ_FILTER
    machine_bundle true
    edit "$2"
    run_machine
    expect_refusal "$1"
}

@test "what a virtual machine cannot have is refused by name" {
    need_machines
    refuses_machine '/linux/namespaces: a virtual machine shares processes with nobody' \
        'del(.linux.namespaces[] | select(.type == "pid"))'
    refuses_machine '/linux/namespaces: the guest has network devices' \
        'del(.linux.namespaces[] | select(.type == "network"))'
    refuses_machine '/linux/devices/0: a virtual machine cannot be given /dev/fuse: devices are the host' \
        '.linux.devices = [{path: "/dev/fuse", type: "c", major: 10, minor: 229}]'
    refuses_machine '/mounts/7: a virtual machine cannot be given /host: /proc is the host.s kernel.s' \
        '.mounts += [{destination: "/host", type: "bind", source: "/proc", options: ["rbind"]}]'
    refuses_machine '/mounts/7: a virtual machine cannot be given /null: /dev/null is neither a file nor a directory' \
        '.mounts += [{destination: "/null", type: "bind", source: "/dev/null", options: ["rbind"]}]'
    refuses_machine '/mounts/7: a virtual machine cannot be given /o: file systems of type overlay are the host' \
        '.mounts += [{destination: "/o", type: "overlay", source: "overlay"}]'
    refuses_machine '/annotations/org.swiftlet.vm: "maybe" is neither true nor false' \
        '.annotations["org.swiftlet.vm"] = "maybe"'
    refuses_machine 'memory limit of 83886080 bytes leaves|needs at least' '.linux.resources.memory.limit = 83886080'
}

@test "a machine without its parts is refused with what is missing" {
    need_swiftlet
    machine_bundle true
    config=$TEST_DIR/config.toml
    : >"$config"
    run_machine
    expect_refusal 'there is no kernel for virtual machines: "kernel" in \[vm\] of .*config.toml names one'
    printf '[vm]\nkernel = "/nosuch"\ninit = "/nosuch"\nfile-server = "/nosuch"\n' >"$config"
    run_machine
    expect_refusal '/nosuch cannot become process 1 of a virtual machine: .*no such file or directory'
    ok --host-config "$config" check
    expect_contains 'virtual machines'
}

# A container in a machine whose program asks its agent what an image of a digit shows.
classifying_bundle() { # SHELL_WORDS...
    machine_bundle sh -c "$1"
    cp "$GUESTS/classify.linux" "$BUNDLE/rootfs/bin/classify"
    cp "$DIGITS/images/five.png" "$BUNDLE/rootfs/five"
    cp "$DIGITS/images/nine.jpg" "$BUNDLE/rootfs/nine"
    # What is left beside QEMU, the server of files and the agent.
    edit '.linux.resources.memory.limit = 536870912 | .process.env += ["VACCEL_RPC_ADDRESS=tcp://elsewhere:1"]'
}

ended() { [[ ! -e /proc/$1 || $(process_state "$1") == Z* ]]; }

@test "a program in a virtual machine asks its vAccel agent by vsock what an image shows, and gets the right answer" {
    local directory agent
    need_machines
    need_agent
    need_digits
    agent_configuration onnx "$ONNXRUNTIME" "models = \"$DIGITS\"" >>"$config"
    classifying_bundle 'classify /five; classify /nine; env | grep VACCEL; trap "exit 3" TERM; echo waiting
        while true; do sleep 0.1; done'
    edit '.annotations["org.swiftlet.unikernel.vaccel"] = "auto" | .process.user = {uid: 1000, gid: 1000}'
    create_machine
    directory=$(jq -r .vsockDirectory "$ROOT/$ID/state.json")
    equal "$(stat --format '%a %u %g' "$directory")" '700 1000 1000'
    ok start "$ID"
    eventually prints waiting
    prints '% five' || fail "$(container_output)"
    prints '% nine' || fail "$(container_output)"
    equal "$(container_output | grep VACCEL | sort | tr '\n' ' ')" \
        'VACCEL_RPC_ADDR=vsock://2:2048 VACCEL_RPC_ADDRESS=vsock://2:2048 VACCEL_VSOCK=vsock://2:2048 '
    agent=$(pgrep --full --ns "$PID" --nslist pid "$(basename "$AGENT")" | head -n 1)
    [[ $agent ]] || fail 'no agent runs in the container'
    ok kill "$ID" TERM
    eventually has_status stopped
    eventually ended "$agent"
    ok delete "$ID"
    [[ ! -e $directory ]] || fail "$directory is left"
}

@test "a program in a virtual machine asks for an agent by its environment, and is told why it has none" {
    need_machines
    need_agent
    need_digits
    agent_configuration noop >>"$config"
    classifying_bundle 'exec classify /five'
    ok --host-config "$config" plan --bundle "$BUNDLE"
    equal "$(jq '.vm.vaccel, .vm.vsock' <<<"$output")" $'null\nnull'
    edit '.process.env += ["SWIFTLET_VACCEL=true"]'
    ok --host-config "$config" plan --bundle "$BUNDLE"
    equal "$(jq --raw-output '.vm.vaccel.address, .vm.vsock.guestCID' <<<"$output")" $'vsock://2:2048\n3'
    edit '.annotations["org.swiftlet.unikernel.vaccel"] = "tcp"'
    run_machine
    expect_refusal 'asks for vAccel by TCP, and a program in a virtual machine reaches its agent by vsock'
    edit '.annotations["org.swiftlet.unikernel.vaccel"] = "vsock"'
    # The same kernel without that module.
    cp -r "$(sed -n 's/^modules = "\(.*\)"/\1/p' "$config")" "$TEST_DIR/modules"
    sed -i '/vmw_vsock_virtio_transport.ko:/d' "$TEST_DIR/modules/modules.dep"
    sed -i "s|^modules = .*|modules = \"$TEST_DIR/modules\"|" "$config"
    run_machine
    expect_refusal "no virtio socket device \(vsock\): the kernel with the modules in $TEST_DIR/modules has no vmw_vsock_virtio_transport"
}
