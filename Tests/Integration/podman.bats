# podman as root with the runtime in the place of runc: the steps of engines/steps.bash, which pass with
# RUNTIME=/usr/sbin/runc, too. All tests share one lab; each removes its containers.

load helpers
load engines/lab

setup_file() {
    lab_needs podman conmon curl || return 0
    lab_up /var/lib/containers /var/lib/cni /etc/cni/net.d
    lab_busybox_archive
    mkdir -p "$LAB/home/.config/containers"
    echo '{"default": [{"type": "insecureAcceptAnything"}]}' >"$LAB/home/.config/containers/policy.json"
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

@test "podman: a user namespace" {
    step run 'run_options+=(--uidmap 0:100000:5000)'
    step exec 'run_options+=(--uidmap 0:100000:5000)'
    step process 'run_options+=(--uidmap 0:100000:5000)'
    step pod 'pod_options+=(--uidmap 0:100000:5000)'
}
