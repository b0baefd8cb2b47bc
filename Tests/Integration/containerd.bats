# containerd's own client, ctr, with the runtime in the place of runc. All tests share one containerd, which runs in a lab
# of its own; each removes its containers. They pass with RUNTIME=/usr/sbin/runc. Unikernels: engines.bats.

load helpers
load engines/lab

setup_file() {
    lab_needs containerd ctr containerd-shim-runc-v2 || return 0
    lab_up /var/lib/containerd /var/lib/cni /etc/cni/net.d /opt/cni/bin
    lab_plugins
    lab_daemon containerd containerd --log-level warn
    lab_busybox_image busybox --arg sh
    lab_waits_for containerd ctr version
    in_lab ctr image import "$LAB/busybox.tar" >/dev/null
    if has_http_guest; then
        lab_http_image
        in_lab ctr image import "$LAB/http.tar" >/dev/null
    fi
    lab_machine_images ctr image import
}

teardown_file() { lab_down; }

setup() {
    need_lab
    prepare
}

# Each test removes its containers here; nothing of the runtime may be left.
teardown() {
    [[ ${TEST_DIR-} ]] || return 0
    local id
    for id in $(in_lab ctr task list --quiet); do in_lab ctr task delete --force "$id" >/dev/null; done
    for id in $(in_lab ctr container list --quiet); do in_lab ctr container delete "$id" >/dev/null; done
    lab_left_nothing /run/runtime/default -mindepth 1
    clean_up
}

image=localhost/test/busybox:latest
at_terminal=$BATS_TEST_DIRNAME/engines/at_terminal.py
runtime_options=(--runc-binary "$RUNTIME" --runc-root /run/runtime)

# Runs a container to its end, or in the background.
run_in() { # ID OPTIONS... -- ARGS...
    local id=$1 options=()
    shift
    while [[ $1 != -- ]]; do
        options+=("$1")
        shift
    done
    call ctr run "${runtime_options[@]}" --cgroup "/$LAB_NAME/$id" "${options[@]}" "$image" "$id" "${@:2}"
}

# Starts a container whose output goes to $TEST_DIR/ID.out.
started() { # ID ARGS...
    run_in "$1" --detach --log-uri "file://$TEST_DIR/$1.out" -- "${@:2}"
    expect_success
}

has_output() { grep -q "$2" "$TEST_DIR/$1.out"; } # ID TEXT

task_status() { # ID
    in_lab ctr task list | awk -v id="$1" '$1 == id { print $3 }'
}

has_task_status() { [[ $(task_status "$1") == "$2" ]]; }

cgroup() { # ID CONTROLLER FILE
    cat "/sys/fs/cgroup/$2/$LAB_NAME/$1/$3"
}

@test "ctr run: output, exit status, --rm" {
    run_in one --rm -- sh -c 'echo to output; echo to errors >&2; exit 7'
    expect_status 7
    expect_output 'to output'
    equal "$stderr" 'to errors'
    prints_just '' ctr container list --quiet
    run_in one --rm -- nosuch
    expect_status 1
    expect_error 'exec: "nosuch": executable file not found in \$PATH'
    run_in two --rm --env ONE=1 --cwd /tmp -- sh -c 'echo $ONE $(pwd)'
    expect_output '1 /tmp'
    run_in three --rm --read-only --mount "type=bind,src=$TEST_DIR,dst=/mnt,options=rbind:ro" -- \
        sh -c 'touch /file || echo no; touch /mnt/file || echo no'
    expect_output $'no\nno'
}

@test "ctr run --tty" {
    call "$at_terminal" size:33x77 'wait:# ' 'send:sleep 0.5; stty size\r' 'wait:33 77' size:44x88 \
        'send:sleep 0.5; stty size\r' 'wait:44 88' 'send:exit 5\r' -- \
        ctr run "${runtime_options[@]}" --cgroup "/$LAB_NAME/one" --rm --tty "$image" one sh
    expect_status 5
}

@test "ctr task kill, delete" {
    started one sh -c 'trap "echo got it" USR1; echo ready; while :; do sleep 0.1; done'
    eventually has_output one ready
    works ctr task kill --signal USR1 one
    eventually has_output one 'got it'
    call ctr task delete one
    expect_status 1
    works ctr task kill --signal KILL one
    eventually has_task_status one STOPPED
    works ctr task delete one
    matches "$stderr" 'exit code 137'
    works ctr container delete one
    # With all its processes.
    started two sh -c 'sleep 100 & echo ready; sleep 200; true'
    eventually has_output two ready
    works ctr task kill --all --signal KILL two
    eventually has_task_status two STOPPED
    works ctr container list
}

@test "ctr task pause and resume" {
    need_verb pause
    started one sh -c 'while :; do echo x; sleep 0.02; done'
    eventually has_output one x
    works ctr task pause one
    equal "$(task_status one)" PAUSED
    local size
    size=$(stat -c %s "$TEST_DIR/one.out")
    sleep 0.3
    equal "$(stat -c %s "$TEST_DIR/one.out")" "$size" 'what a paused container printed'
    works ctr task resume one
    equal "$(task_status one)" RUNNING
}

@test "ctr run --memory-limit, ctr task metrics" {
    run_in one --detach --memory-limit 67108864 -- sleep 100
    expect_success
    equal "$(cgroup one memory memory.limit_in_bytes)" 67108864
    works ctr task metrics --format json one
    (($(jq '.memory.usage.usage // .memory.usage' "$TEST_DIR/out") > 0)) || fail 'no memory'
    equal "$(jq '.memory.usage.limit // .memory.usage_limit' "$TEST_DIR/out")" 67108864 'limit'
    (($(jq '.cpu.usage.total // .cpu.usage_usec' "$TEST_DIR/out") > 0)) || fail 'no CPU time'
}

@test "ctr task exec" {
    need_verb exec
    run_in one --detach --env OF=container -- sleep 100
    expect_success
    prints_just container ctr task exec --exec-id e1 one sh -c 'echo $OF'
    ends_with 9 ctr task exec --exec-id e2 one sh -c 'exit 9'
    ends_with 1 ctr task exec --exec-id e3 one nosuch
    expect_error 'exec: "nosuch": executable file not found in \$PATH'
    prints_just '7 /tmp' ctr task exec --exec-id e4 --user 7 --cwd /tmp one sh -c 'echo $(id -u) $(pwd)'
    call "$at_terminal" size:31x71 'wait:# ' 'send:sleep 0.5; stty size\r' 'wait:31 71' 'send:exit 8\r' -- \
        ctr task exec --exec-id e5 --tty one sh
    expect_status 8
    works ctr task exec --exec-id e6 --detach one sleep 77
    works ctr task kill --signal KILL --exec-id e6 one
    equal "$(task_status one)" RUNNING
}

@test "ctr task ps" {
    need_verb ps
    started one sh -c 'sleep 111 & echo ready; sleep 222; true'
    eventually has_output one ready
    eventually shows 4 sh -c 'ctr task ps one | wc -l'
}

@test "ctr task checkpoint is refused where criu does not work, and the container lives on" {
    ! { command -v criu && criu check; } >/dev/null 2>&1 || skip 'criu works'
    run_in one --detach -- sleep 100
    expect_success
    call ctr task checkpoint one
    ((status != 0)) || fail 'expected a refusal'
    equal "$(task_status one)" RUNNING
}

@test "containerd cleans up after a shim that was killed" {
    run_in one --detach -- sleep 54321
    expect_success
    local pid shim
    pid=$(in_lab ctr task list | awk '$1 == "one" { print $2 }')
    shim=$(in_lab awk '/^PPid:/ { print $2 }' "/proc/$pid/status")
    in_lab kill -KILL "$shim"
    eventually in_lab test ! -e "/proc/$pid"
    eventually in_lab test ! -e /run/runtime/default/one
}

# --- guests under QEMU

# Runs a guest to its end, or in the background.
machine() { # GUEST ID OPTIONS... -- ARGS...
    local options=()
    local guest=$1 id=$2
    shift 2
    while [[ $1 != -- ]]; do
        options+=("$1")
        shift
    done
    shift
    # Words stand for the image's own, the program included.
    (($# == 0)) || set -- /unikernel "$@"
    call ctr run "${runtime_options[@]}" --cgroup "/$LAB_NAME/$id" --memory-limit 134217728 "${options[@]}" \
        "localhost/test/$guest-virt:latest" "$id" "$@"
}

ends_task() { # ID SIGNAL STATUS
    works ctr task kill --signal "$2" "$1"
    eventually has_task_status "$1" STOPPED
    works ctr task delete "$1"
    matches "$stderr" "exit code $3"
    works ctr container delete "$1"
}

@test "ctr runs guests under QEMU: output, status, signals, pause, figures" {
    need_machines
    machine hello one --rm -- one two
    expect_success
    expect_output $'Hello from swiftlet guest\ncommand line: one two'
    machine exit one --rm -- 7
    expect_status 7
    local signal
    for signal in TERM:143 KILL:137; do
        machine sleep one --detach --log-uri "file://$TEST_DIR/one.out" --
        expect_success
        eventually has_output one sleeping
        ends_task one "${signal%:*}" "${signal#*:}"
        rm "$TEST_DIR/one.out"
    done
    machine sleep one --detach --
    expect_success
    works ctr task pause one
    equal "$(task_status one)" PAUSED
    works ctr task resume one
    equal "$(task_status one)" RUNNING
    works ctr task metrics --format json one
    (($(jq '.memory.usage.usage // .memory.usage' "$TEST_DIR/out") > 1 << 20)) || fail "$output"
    call ctr task exec --exec-id e1 one true
    ((status != 0)) || fail 'expected a refusal'
    expect_error 'unikernel'
    ends_task one TERM 143
    prints_just '' ctr container list --quiet
}

@test "ctr run --cni connects a guest under QEMU" {
    need_machines
    lab_cni 79
    local before
    # The bridge stays once it was made.
    machine hello one --rm --cni -- one
    expect_success
    before=$(lab_network)
    # The network's next address.
    machine http web --cni --detach -- --ipv4=10.79.0.3/24
    expect_success
    serves_http 10.79.0.3 1000000 500 50
    ends_task web TERM 143
    equal "$(lab_network)" "$before" 'the network afterwards'
}

@test "ctr runs a Linux guest under QEMU: words, disk, status, network, pause, signals" {
    need_linux_image ctr image import
    lab_cni 81
    linux() { # OPTIONS... -- ARGS...
        local options=()
        while [[ $1 != -- ]]; do options+=("$1") && shift; done
        call ctr run "${runtime_options[@]}" --cgroup "/$LAB_NAME/linux" --memory-limit 402653184 "${options[@]}" \
            localhost/test/linux:latest linux /unikernel "${@:2}"
    }
    linux --rm -- read vda exit 7
    expect_status 7
    expect_contains $'argument [read]\nargument [vda]\nargument [exit]\nargument [7]'
    expect_contains 'the first line of the disk'
    linux --cni --detach --log-uri "file://$TEST_DIR/linux.out" -- serve
    expect_success
    local address
    PATIENCE=40 eventually has_output linux serving
    address=$(sed -n 's/^network eth0 .* \([0-9.]*\)\/.*/\1/p' "$TEST_DIR/linux.out")
    eventually linux_answers "$address" serve
    works ctr task pause linux
    ! linux_answers "$address" serve || fail 'it answers while it is paused'
    works ctr task resume linux
    eventually linux_answers "$address" serve
    PATIENCE=20 ends_task linux TERM 143
    grep -q 'asked to end' "$TEST_DIR/linux.out" || fail 'it was not asked to end'
    linux --detach --log-uri "file://$TEST_DIR/other.out" -- wait
    expect_success
    PATIENCE=40 eventually has_output other waiting
    ends_task linux KILL 137
}

@test "ctr runs a Linux kernel with the image's own files as its root, and a volume" {
    need_linux_image ctr image import
    [[ -x /usr/lib/qemu/virtiofsd || -x /usr/libexec/virtiofsd ]] || skip "virtiofsd is not installed"
    local name value
    for name in binary=/boot/vmlinuz initrd=/boot/initrd unikernelType=linux hypervisor=qemu mountRootfs=true; do
        value=$(printf %s "${name#*=}" | base64 --wrap 0)
        printf '%s\n' "com.urunc.unikernel.${name%%=*} $value"
    done | jq --raw-input --slurp 'split("\n") | map(select(. != "") | split(" ") | {(.[0]): .[1]}) | add' >"$LAB/urunc.json"
    lab_busybox_image rooted "$LAB/urunc.json=urunc.json" "$GUESTS/linux/vmlinuz=boot/vmlinuz" \
        "$GUESTS/linux/initrd=boot/initrd" "$GUESTS/exit.linux=bin/exit"
    in_lab ctr image import "$LAB/rooted.tar" >/dev/null
    mkdir "$LAB/volume"
    echo 'of the host' >"$LAB/volume/file"
    call ctr run "${runtime_options[@]}" --rm --cgroup "/$LAB_NAME/rooted" --memory-limit 402653184 \
        --mount "type=bind,src=$LAB/volume,dst=/volume,options=rbind:rw" localhost/test/rooted:latest rooted \
        /bin/sh -c 'cat /volume/file; echo of the guest >/volume/new; echo $0 >/kept; cat /kept; sync; /bin/exit 5' 'two words'
    expect_status 5
    expect_contains $'of the host\ntwo words'
    equal "$(<"$LAB/volume/new")" 'of the guest'
}

# A network for `ctr run --cni`.
lab_cni() { # NUMBER
    [[ -x /usr/lib/cni/bridge ]] || skip "containernetworking-plugins is not installed"
    in_lab tee /etc/cni/net.d/10-lab.conflist >/dev/null <<JSON
{"cniVersion": "0.4.0", "name": "lab$1", "plugins": [
    {"type": "bridge", "bridge": "lab$1", "isGateway": true, "ipMasq": false, "mtu": 1500,
     "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.$1.0.0/24"}], [{"subnet": "fd$1::/64"}]],
              "routes": [{"dst": "0.0.0.0/0"}, {"dst": "::/0"}]}}
]}
JSON
}

# As faasd does it: a task is created, its namespace is connected, and then it is started.
@test "ctr run --cni connects a guest between create and start" {
    need_http_guest
    lab_cni 78
    works ctr run "${runtime_options[@]}" --cgroup "/$LAB_NAME/web" --memory-limit 67108864 --cni --detach \
        localhost/test/http:latest web
    serves_http 10.78.0.2
    serves_http '[fd78::2]'
    works ctr task kill web
    eventually has_task_status web STOPPED
    works ctr task delete web
    matches "$stderr" 'exit code 143'
    works ctr container delete web
}

@test "ctr run without CNI: a guest with a link to its namespace alone" {
    need_http_guest
    local pid
    works ctr run "${runtime_options[@]}" --cgroup "/$LAB_NAME/web" --memory-limit 67108864 --detach \
        --annotation org.swiftlet.unikernel.network-mode=minimal localhost/test/http:latest web
    pid=$(in_lab ctr task list | awk '$1 == "web" { print $2 }')
    works nsenter --net --target "$pid" curl --silent --show-error --max-time 5 http://169.254.84.2:8080/
    matches "$output" 'hello from the http guest'
    works ctr task kill web
    eventually has_task_status web STOPPED
    works ctr task delete web
    works ctr container delete web
}

# Runs the server, which asks its agent what an image shows, from the image IMAGE and a network of its own.
accelerated() { # IMAGE NUMBER vsock|tcp MEMORY ARGS...
    need_http_guest
    need_agent
    need_digits
    lab_cni "$2"
    agent_configuration onnx "$ONNXRUNTIME" "models = \"$DIGITS\"" >"$TEST_DIR/config.toml"
    printf '#!/bin/sh\nexec %s --host-config %s "$@"\n' "$RUNTIME" "$TEST_DIR/config.toml" >"$TEST_DIR/runtime"
    chmod 755 "$TEST_DIR/runtime"
    works ctr run --runc-binary "$TEST_DIR/runtime" --runc-root /run/runtime --cgroup "/$LAB_NAME/web" \
        --memory-limit "$4" --annotation "org.swiftlet.unikernel.vaccel=$3" --cni --detach \
        "localhost/test/$1:latest" web "${@:5}"
    eventually http_answers "10.$2.0.2"
    local name
    for name in three eight; do
        works curl --silent --show-error --max-time 20 --data-binary "@$DIGITS/images/$name.png" \
            "http://10.$2.0.2:8080/classify"
        matches "$output" "% $name\$"
    done
    ends_task web TERM 143
}

@test "ctr: an image goes to a unikernel over HTTP, and what its accelerator sees in it comes back" {
    accelerated http 77 tcp 268435456
}

@test "ctr: the same under QEMU, whose guest asks by a virtio socket" {
    need_machines
    accelerated http-virt 76 vsock 402653184 /unikernel --ipv4=10.76.0.2/24 --vaccel=vsock://2:2048
}

# As faasd does, which asks for no runtime and passes no annotation.
@test "in the place of runc it runs the containers and the guests of whoever names no runtime" {
    need_swiftlet
    need_guests spt
    [[ -x /usr/sbin/runc ]] || skip "no runc that it could stand in for"
    ok image pack "$GUESTS/hello.spt" --tag test/hello --output "$LAB/hello.tar"
    in_lab ctr image import "$LAB/hello.tar" >/dev/null
    in_lab mount --bind "$(readlink -f "$RUNTIME")" /usr/sbin/runc
    call ctr run --rm --cgroup "/$LAB_NAME/plain" "$image" plain sh -c 'echo a container; exit 3'
    expect_status 3
    expect_output 'a container'
    call ctr run --rm --cgroup "/$LAB_NAME/guest" --memory-limit 33554432 localhost/test/hello:latest guest
    in_lab umount /usr/sbin/runc
    expect_success
    expect_contains 'command line: '
}
