# podman as root with the runtime in the place of runc: the steps of engines/steps.bash, which pass with
# RUNTIME=/usr/sbin/runc, too. All tests share one lab; each removes its containers.

load helpers
load vm
load engines/lab

setup_file() {
    lab_needs podman conmon curl || return 0
    lab_up /var/lib/containers /var/lib/cni /etc/cni/net.d
    lab_busybox_archive
    lab_trusts_images
    cp "$BATS_TEST_DIRNAME/engines/steps.bash" "$LAB"
    cat >"$LAB/engine.bash" <<SCRIPT
cli() {
    podman --root "$LAB/graph" --runroot /run/podman --tmpdir /run/podman-tmp --storage-driver vfs \
        --cgroup-manager cgroupfs --events-backend file --runtime "$RUNTIME" "\$@"
}
run_options=(--log-driver k8s-file --cgroup-parent "/$LAB_NAME")
pod_options=(--cgroup-parent "/$LAB_NAME")
network=(--network none)
image=localhost/test/busybox:latest
SCRIPT
    in_lab bash -euc 'source "$LAB/engine.bash"; cli import --quiet "$LAB/busybox.tar" "$image"'
    if has_http_guest; then
        lab_http_image
        in_lab bash -euc 'source "$LAB/engine.bash"; cli load --quiet --input "$LAB/http.tar"'
    fi
    lab_machine_images bash -euc 'source "$LAB/engine.bash"; cli load --quiet --input "$0"'
}

teardown_file() { lab_down; }

setup() {
    need_lab
    prepare
}

teardown() {
    [[ ${TEST_DIR-} ]] || return 0
    in_lab bash -c 'source "$LAB/engine.bash"; cli pod rm --all --force --time 0; cli rm --all --force --time 0' \
        >/dev/null 2>&1 || true
    clean_up
}

# Runs a step; what it says is the reason when it fails.
step() { # NAME [SCRIPT_BEFORE]
    call bash -euo pipefail -c "cd; source '$LAB/steps.bash'; source '$LAB/engine.bash'; ${2:-:}; step_$1"
    expect_success
}

@test "podman: run, output and standard input" { step run; }
@test "podman: exit status" { step status; }
@test "podman: environment, user, capabilities, limits of the process" { step process; }
@test "podman: volumes" { step volumes; }
@test "podman: terminal" { step terminal; }
@test "podman: attach" { step attach; }
@test "podman: logs" { step logs; }
@test "podman: inspect" { step inspect; }
@test "podman: exec" { step exec; }
@test "podman: top" { step top; }
@test "podman: kill" { step kill; }
@test "podman: stop" { step stop; }
@test "podman: restart" { step restart; }
@test "podman: health check" { step health; }
@test "podman: cp and commit" { step copy; }
@test "podman: pod" { step pod; }

need_memory_cgroup() { [[ -d /sys/fs/cgroup/memory ]] || skip "no cgroup version 1 with the memory controller"; }

@test "podman: pause" {
    [[ -d /sys/fs/cgroup/freezer || -e /sys/fs/cgroup/cgroup.controllers ]] || skip "no freezer"
    step pause
}
@test "podman: stats" { need_memory_cgroup && step stats; }
@test "podman: limits" { need_memory_cgroup && step limits; }
@test "podman: update" { need_memory_cgroup && step update; }

@test "podman: a published port through a bridge" {
    [[ -x /usr/lib/cni/bridge ]] || skip "containernetworking-plugins is not installed"
    need_command iptables
    step publish
}

podman_cli() { call bash -c 'source "$LAB/engine.bash"; cli "$@"' podman "$@"; }

@test "podman: a guest at a bridge" {
    [[ -x /usr/lib/cni/bridge ]] || skip "containernetworking-plugins is not installed"
    need_command iptables
    need_http_guest
    local before address
    # podman leaves its bridge there after the first one.
    works bash -c 'source "$LAB/engine.bash"; cli run "${run_options[@]}" --rm "$image" true'
    before=$(lab_network)
    works bash -c 'source "$LAB/engine.bash"; cli run "${run_options[@]}" --detach --name web --memory 64m \
        --publish 127.0.0.1:18081:8080 localhost/test/http one'
    podman_cli inspect --format '{{.NetworkSettings.IPAddress}}' web
    address=$output
    serves_http "$address"
    works curl --silent "http://$address:8080/args"
    matches "$output" "^--ipv4=$address/16
--ipv4-gateway=[0-9.]+
one$"
    prints_just 'hello from the http guest' curl --silent --fail http://127.0.0.1:18081/
    podman_cli stop web
    podman_cli inspect --format '{{.State.ExitCode}} {{.State.Status}}' web
    expect_output '143 exited'
    podman_cli restart web
    podman_cli inspect --format '{{.NetworkSettings.IPAddress}}' web
    eventually http_answers "$output"
    podman_cli rm --force --time 0 web
    equal "$(lab_network)" "$before" 'the network afterwards'
}

@test "podman: an ordinary image in a virtual machine" {
    need_swiftlet
    need_vm_configuration "$TEST_DIR/config.toml"
    local shared=$TEST_DIR/shared
    mkdir -m 777 "$shared"
    # The cap on time is for an engine's call; a kernel takes its own.
    LAB_LIMIT=200
    VM_CONFIG=$TEST_DIR/config.toml call bash -c 'source "$LAB/engine.bash"
        cli --runtime-flag "host-config=$VM_CONFIG" run --annotation org.swiftlet.vm=true \
            "${run_options[@]}" "${network[@]}" --rm --volume "$0:/shared" --user 1000 --hostname inside \
            --read-only --env "WORDS=a b" --init=false "$image" sh -c \
            "uname -r | grep -o cloud; hostname; id -u; echo \"\$WORDS\"; grep -c name /etc/hosts
            echo answer >/shared/answer; (echo no >/etc/no) 2>/dev/null || echo read-only; exit 200"' "$shared"
    expect_status 200
    expect_output $'cloud\ninside\n1000\na b\n0\nread-only'
    equal "$(cat "$shared/answer")" answer
}

@test "podman: guests under QEMU" {
    need_machines
    step machines
}

@test "podman: a guest under QEMU at a network of one's own" {
    [[ -x /usr/lib/cni/bridge ]] || skip "containernetworking-plugins is not installed"
    need_command iptables
    need_machines
    local before
    before=$(lab_network)
    podman_cli network create --subnet 10.82.0.0/24 one
    expect_success
    works bash -c 'source "$LAB/engine.bash"; cli run "${run_options[@]}" --detach --name web --memory 128m \
        --network one --ip 10.82.0.7 --publish 127.0.0.1:18082:8080 localhost/test/http-virt \
        --ipv4=10.82.0.7/24 --ipv4-gateway=10.82.0.1'
    serves_http 10.82.0.7 1000000 500 50
    prints_just 'hello from the http guest' curl --silent --fail http://127.0.0.1:18082/
    podman_cli stop web
    podman_cli inspect --format '{{.State.ExitCode}} {{.State.Status}}' web
    expect_output '143 exited'
    podman_cli rm web
    podman_cli network rm one
    expect_success
    equal "$(lab_network)" "$before" 'the network afterwards'
}

@test "podman: a Linux guest under QEMU" {
    [[ -x /usr/lib/cni/bridge ]] || skip "containernetworking-plugins is not installed"
    need_command iptables
    need_linux_image bash -euc 'source "$LAB/engine.bash"; cli load --quiet --input "$0"'
    linux() { # OPTIONS... -- ARGS...
        local options=()
        while [[ $1 != -- ]]; do options+=("$1") && shift; done
        call bash -c 'source "$LAB/engine.bash"; cli run "${run_options[@]}" --name linux --memory 384m "$@"' podman \
            "${options[@]}" localhost/test/linux "${@:2}"
    }
    linux --network none --rm -- read vda exit 7
    expect_status 7
    expect_contains 'the first line of the disk'
    podman_cli network create --subnet 10.83.0.0/24 linux
    expect_success
    linux --network linux --ip 10.83.0.7 --detach -- serve
    expect_success
    PATIENCE=40 eventually linux_answers 10.83.0.7 serve
    podman_cli pause linux
    expect_success
    ! linux_answers 10.83.0.7 serve || fail 'it answers while it is paused'
    podman_cli unpause linux
    eventually linux_answers 10.83.0.7 serve
    podman_cli stop --time 30 linux
    podman_cli inspect --format '{{.State.ExitCode}} {{.State.Status}}' linux
    expect_output '143 exited'
    podman_cli logs linux
    expect_contains 'asked to end'
    podman_cli start linux
    PATIENCE=40 eventually linux_answers 10.83.0.7 serve
    podman_cli kill linux
    stopped() { podman_cli inspect --format '{{.State.ExitCode}} {{.State.Status}}' linux && [[ $output == '137 exited' ]]; }
    eventually stopped
    podman_cli rm linux
    podman_cli network rm linux
    expect_success
}

@test "podman: a user namespace" {
    step run 'run_options+=(--uidmap 0:100000:5000)'
    step exec 'run_options+=(--uidmap 0:100000:5000)'
    step process 'run_options+=(--uidmap 0:100000:5000)'
    step pod 'pod_options+=(--uidmap 0:100000:5000)'
}
