# podman without privileges with the runtime in the place of runc: the steps of engines/steps.bash that need no limits,
# which pass with RUNTIME=/usr/sbin/runc, too. All tests share one lab; each removes its containers.

load helpers
load engines/lab

setup_file() {
    lab_needs podman conmon newuidmap || return 0
    lab_up
    lab_user
    lab_busybox_archive
    lab_trusts_images
    chown -R "$LAB_USER_ID:$LAB_USER_ID" "$LAB/home"
    cp "$BATS_TEST_DIRNAME/engines/steps.bash" "$LAB"
    cat >"$LAB/engine.bash" <<SCRIPT
LAB=/run/lab
cli() {
    podman --storage-driver vfs --cgroup-manager cgroupfs --events-backend file \
        --runtime "/run/lab/$(basename "$RUNTIME")" "\$@"
}
run_options=(--log-driver k8s-file)
pod_options=()
network=(--network none)
image=localhost/test/busybox:latest
SCRIPT
    local reason
    if ! reason=$(as_lab_user unshare --user --map-root-user --pid --fork --mount-proc true 2>&1); then
        export LAB_MISSING="an ordinary user may make no user namespace with its own procfs here: $reason"
        return 0
    fi
    as_lab_user bash -euc 'cd; source /run/lab/engine.bash; cli import --quiet /run/lab/busybox.tar "$image"'
}

teardown_file() { lab_down; }

setup() {
    need_lab
    prepare
}

teardown() {
    [[ ${TEST_DIR-} ]] || return 0
    as_lab_user bash -c 'cd; source /run/lab/engine.bash
        cli pod rm --all --force --time 0; cli rm --all --force --time 0' >/dev/null 2>&1 || true
    clean_up
}

# Runs a step; what it says is the reason when it fails.
step() { # NAME [SCRIPT_BEFORE]
    call setpriv --reuid "$LAB_USER_ID" --regid "$LAB_USER_ID" --init-groups env HOME=/run/lab/home USER=lab \
        XDG_RUNTIME_DIR="/run/user/$LAB_USER_ID" \
        bash -euo pipefail -c "cd; source /run/lab/steps.bash; source /run/lab/engine.bash; ${2:-:}; step_$1"
    expect_success
}

@test "podman without privileges: run, output and standard input" { step run; }
@test "podman without privileges: exit status" { step status; }
@test "podman without privileges: environment, user, capabilities, limits of the process" { step process; }
@test "podman without privileges: volumes" { step volumes; }
@test "podman without privileges: terminal" { step terminal; }
@test "podman without privileges: attach" { step attach; }
@test "podman without privileges: logs" { step logs; }
@test "podman without privileges: inspect" { step inspect; }
@test "podman without privileges: exec" { step exec; }
@test "podman without privileges: top" { step top; }
@test "podman without privileges: kill" { step kill; }
@test "podman without privileges: stop" { step stop; }
@test "podman without privileges: restart" { step restart; }
@test "podman without privileges: health check" { step health; }
@test "podman without privileges: cp and commit" { step copy; }
@test "podman without privileges: pod" { step pod; }

@test "podman without privileges: a user namespace inside podman's" {
    step run 'run_options+=(--userns keep-id)'
    step exec 'run_options+=(--userns auto:size=4096)'
}

@test "podman without privileges: a pod with a user namespace" {
    step pod 'pod_options+=(--userns auto:size=4096)'
}

@test "podman without privileges: a published port through slirp4netns" {
    need_command slirp4netns
    need_command curl
    [[ -e /dev/net/tun ]] || skip "no /dev/net/tun"
    step publish 'run_options+=(--network slirp4netns)'
}

@test "podman without privileges: fuse-overlayfs" {
    need_command fuse-overlayfs
    [[ -e /dev/fuse ]] || skip "no /dev/fuse"
    step run 'cli() { podman --root /run/lab/home/overlay --storage-driver overlay \
        --storage-opt overlay.mount_program=/usr/bin/fuse-overlayfs --cgroup-manager cgroupfs --events-backend file \
        --runtime "/run/lab/'"$(basename "$RUNTIME")"'" "$@"; }
        cli import --quiet /run/lab/busybox.tar "$image"'
}
