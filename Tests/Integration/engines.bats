# containerd and podman with the runtime in the place of runc. Each test has an engine of its own, in namespaces and
# directories that end with the test: nothing of an engine that may run on the machine is touched.

load helpers

setup() {
    prepare
    [[ ! ${NO_ENGINES-} ]] || skip "$NO_ENGINES"
    NAMESPACE=$PREFIX
}

teardown() {
    # Engines name a cgroup for their namespace, which they leave empty.
    [[ ! ${NAMESPACE-} ]] || find /sys/fs/cgroup -depth -type d -path "*/$NAMESPACE*" -empty -delete 2>/dev/null || true
    [[ ! ${NAMESPACE-} ]] || find /sys/fs/cgroup -depth -type d -path "*/$NAMESPACE*" -exec rmdir {} + 2>/dev/null || true
    clean_up
}

# Packs a guest or busybox as an image.
image() { # NAME FILE=PATH [OPTIONS...]
    local name=$1 file=$2
    shift 2
    "$repository/Hack/image" --name "test/$name" --output "$TEST_DIR/$name.tar" --entrypoint "/${file##*=}" "$@" "$file" \
        >/dev/null
}

guest_image() { # GUEST [OPTIONS...]
    local guest=$1
    shift
    image "$guest" "$GUESTS/$guest.spt=unikernel" "$@"
}

# Runs a script where an engine may do what it likes: namespaces of its own, private directories in the place of the
# machine's. Whatever it starts ends with it. Sets status and output.
lab() { # SCRIPT_ON_STANDARD_INPUT
    cat >"$TEST_DIR/script"
    mkdir -p "$TEST_DIR/home"
    status=0
    export RUNTIME TEST_DIR NAMESPACE
    HOME=$TEST_DIR/home timeout --kill-after 5 120 unshare --mount --pid --net --uts --ipc --fork --kill-child --mount-proc \
        --propagation private bash -c '
            set -euo pipefail
            mount -t tmpfs -o mode=755 tmpfs /run
            mkdir -p /run/lock /run/user/0
            for directory in containerd containers cni; do
                mkdir -p "/var/lib/$directory"
                mount -t tmpfs tmpfs "/var/lib/$directory"
            done
            ip link set lo up
            mount --make-rshared /
            # Not by exec: somebody has to reap the orphans.
            bash -euo pipefail "$TEST_DIR/script"' >"$TEST_DIR/out" 2>"$TEST_DIR/err" </dev/null 3>&- || status=$?
    output=$(<"$TEST_DIR/out") stderr=$(<"$TEST_DIR/err") called=lab
}

# What the scripts have in common.
lab_functions='    expect() { # EXPECTED GOT WHAT
        [[ $1 == "$2" ]] || { echo "$3: expected <$1>, got <$2>"; exit 1; }
    }
    appears() { # TEXT FILE
        for ((attempt = 0; attempt < 200; attempt++)); do
            ! grep -q "$1" "$2" || return 0
            sleep 0.05
        done
        echo "$1 does not appear in $2"
        return 1
    }
'

# The start of a script that has a containerd.
containerd_start=$lab_functions'
    cat >"$TEST_DIR/containerd.toml" <<TOML
version = 2
root = "$TEST_DIR/containerd"
state = "/run/containerd"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs",
    "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.aufs"]
[grpc]
address = "/run/containerd/containerd.sock"
TOML
    containerd --config "$TEST_DIR/containerd.toml" --log-level error >"$TEST_DIR/containerd.log" 2>&1 &
    for ((attempt = 0; attempt < 200; attempt++)); do
        ! ctr version >/dev/null 2>&1 || break
        sleep 0.05
    done
    export CONTAINERD_NAMESPACE=$NAMESPACE
    run=(ctr run --snapshotter native --runc-binary "$RUNTIME" --runc-root /run/runtime)
'

need_containerd() {
    need_command containerd
    need_command ctr
    need_command containerd-shim-runc-v2
}

@test "containerd runs guests: output and exit status" {
    need_containerd
    need_guests
    guest_image hello --arg from --arg image
    guest_image exit --arg 7
    lab <<SCRIPT
$containerd_start
ctr image import "$TEST_DIR/hello.tar" >/dev/null
ctr image import "$TEST_DIR/exit.tar" >/dev/null
expect \$'Hello from swiftlet guest\ncommand line: from image' "\$("\${run[@]}" --rm localhost/test/hello:latest hello1)" output
status=0
"\${run[@]}" --rm localhost/test/exit:latest exit1 || status=\$?
expect 7 \$status status
expect \$'Hello from swiftlet guest\ncommand line: given' "\$("\${run[@]}" --rm localhost/test/hello:latest hello2 /unikernel given)" output
expect '' "\$(ctr task list -q)" tasks
expect '' "\$(ls -A /run/runtime/$NAMESPACE 2>/dev/null)" state
SCRIPT
    expect_success
}

@test "containerd ends a sleeping guest" {
    need_containerd
    need_guests
    guest_image sleep
    lab <<SCRIPT
$containerd_start
ctr image import "$TEST_DIR/sleep.tar" >/dev/null
"\${run[@]}" --rm localhost/test/sleep:latest sleep1 >"$TEST_DIR/sleep.out" &
running=\$!
appears sleeping "$TEST_DIR/sleep.out"
expect RUNNING "\$(ctr task list | awk '\$1 == "sleep1" { print \$3 }')" status
ctr task metrics sleep1 >/dev/null
ctr task kill --signal SIGTERM sleep1
status=0
wait \$running || status=\$?
expect 143 \$status 'exit status'
expect '' "\$(ctr task list -q)" tasks
SCRIPT
    expect_success
}

@test "containerd reports why a guest cannot run" {
    need_containerd
    need_guests
    guest_image blockdev
    lab <<SCRIPT
$containerd_start
ctr image import "$TEST_DIR/blockdev.tar" >/dev/null
status=0
message=\$("\${run[@]}" --rm localhost/test/blockdev:latest blockdev1 2>&1) || status=\$?
[[ \$status != 0 ]]
[[ \$message == *"'disk'"* ]] || { echo "no word of the device: \$message"; exit 1; }
expect '' "\$(ls -A /run/runtime/$NAMESPACE 2>/dev/null)" state
SCRIPT
    expect_success
}

@test "containerd runs ordinary containers" {
    need_containerd
    image busybox "$(command -v busybox)=bin/busybox"
    lab <<SCRIPT
$containerd_start
ctr image import "$TEST_DIR/busybox.tar" >/dev/null
expect 'some words' "\$("\${run[@]}" --rm localhost/test/busybox:latest echo1 /bin/busybox echo some words)" output
status=0
"\${run[@]}" --rm localhost/test/busybox:latest exit1 /bin/busybox sh -c 'exit 9' || status=\$?
expect 9 \$status status
"\${run[@]}" --rm localhost/test/busybox:latest sleep1 /bin/busybox sh -c 'echo sleeping; sleep 1000' >"$TEST_DIR/sleep.out" &
running=\$!
appears sleeping "$TEST_DIR/sleep.out"
ctr task kill --signal SIGKILL sleep1
status=0
wait \$running || status=\$?
expect 137 \$status 'exit status'
expect '' "\$(ls -A /run/runtime/$NAMESPACE 2>/dev/null)" state
SCRIPT
    expect_success
}

@test "containerd finds the runtime as runc on its PATH" {
    need_containerd
    need_guests
    guest_image hello
    mkdir "$TEST_DIR/bin"
    ln -s "$RUNTIME" "$TEST_DIR/bin/runc"
    lab <<SCRIPT
export PATH=$TEST_DIR/bin:\$PATH
$containerd_start
ctr image import "$TEST_DIR/hello.tar" >/dev/null
expect \$'Hello from swiftlet guest\ncommand line: ' "\$(ctr run --snapshotter native --rm localhost/test/hello:latest hello1)" output
SCRIPT
    expect_success
}

# --- podman

podman_start=$lab_functions'
    mkdir -p "$HOME/.config/containers"
    echo "{\"default\": [{\"type\": \"insecureAcceptAnything\"}]}" >"$HOME/.config/containers/policy.json"
    podman() {
        command podman --root "$TEST_DIR/graph" --runroot /run/podman --tmpdir /run/podman-tmp --storage-driver vfs \
            --cgroup-manager cgroupfs --events-backend file --runtime "$RUNTIME" "$@"
    }
    options=(--network none --log-driver k8s-file --cgroup-parent "/$NAMESPACE")
'

need_podman() {
    need_command podman
    need_command conmon
}

@test "podman runs guests: output and exit status" {
    need_podman
    need_guests
    guest_image hello --arg from --arg image
    guest_image exit --arg 7
    lab <<SCRIPT
$podman_start
podman load --quiet --input "$TEST_DIR/hello.tar" >/dev/null
podman load --quiet --input "$TEST_DIR/exit.tar" >/dev/null
expect \$'Hello from swiftlet guest\ncommand line: from image' "\$(podman run --rm "\${options[@]}" localhost/test/hello)" output
status=0
podman run --rm "\${options[@]}" localhost/test/exit || status=\$?
expect 7 \$status status
expect '' "\$(podman ps --all --quiet)" containers
SCRIPT
    expect_success
}

@test "podman stops a sleeping guest at once" {
    need_podman
    need_guests
    guest_image sleep
    lab <<SCRIPT
$podman_start
podman load --quiet --input "$TEST_DIR/sleep.tar" >/dev/null
podman run --detach --name sleep1 "\${options[@]}" localhost/test/sleep >/dev/null
for ((attempt = 0; attempt < 200; attempt++)); do
    [[ \$(podman logs sleep1) != sleeping ]] || break
    sleep 0.05
done
expect running "\$(podman inspect --format '{{.State.Status}}' sleep1)" status
began=\${EPOCHREALTIME/./}
podman stop --time 10 sleep1 >/dev/null
took=\$((\${EPOCHREALTIME/./} - began))
expect 143 "\$(podman inspect --format '{{.State.ExitCode}}' sleep1)" 'exit status'
((took < 2000000)) || { echo "podman stop took \$took microseconds"; exit 1; }
expect sleeping "\$(podman logs sleep1)" logs
podman rm sleep1 >/dev/null
SCRIPT
    expect_success
}

@test "podman runs a guest that annotations mark" {
    need_podman
    need_guests
    image marked "$GUESTS/hello.spt=images/guest" --annotation com.urunc.unikernel.binary=/images/guest \
        --annotation com.urunc.unikernel.unikernelType=mirage --annotation com.urunc.unikernel.hypervisor=spt \
        --annotation 'com.urunc.unikernel.cmdline=from annotation'
    lab <<SCRIPT
$podman_start
podman load --quiet --input "$TEST_DIR/marked.tar" >/dev/null
expect \$'Hello from swiftlet guest\ncommand line: from annotation' "\$(podman run --rm "\${options[@]}" localhost/test/marked)" output
SCRIPT
    expect_success
}

@test "podman runs ordinary containers" {
    need_podman
    image busybox "$(command -v busybox)=bin/busybox"
    lab <<SCRIPT
$podman_start
podman load --quiet --input "$TEST_DIR/busybox.tar" >/dev/null
expect 'some words' "\$(podman run --rm "\${options[@]}" localhost/test/busybox echo some words)" output
status=0
podman run --rm "\${options[@]}" localhost/test/busybox sh -c 'exit 9' || status=\$?
expect 9 \$status status
expect 'from stdin' "\$(echo 'from stdin' | podman run --rm --interactive "\${options[@]}" localhost/test/busybox cat)" 'standard input'
status=0
podman run --rm "\${options[@]}" localhost/test/busybox nosuch 2>/dev/null || status=\$?
expect 127 \$status 'status of busybox without the applet'
status=0
podman run --rm --entrypoint /nosuch "\${options[@]}" localhost/test/busybox 2>/dev/null || status=\$?
expect 127 \$status 'status of a program that is not there'
status=0
podman run --rm --entrypoint /etc "\${options[@]}" localhost/test/busybox 2>/dev/null || status=\$?
expect 126 \$status 'status of a directory'
podman run --rm --memory 32m --pids-limit 20 "\${options[@]}" localhost/test/busybox true
podman run --rm --user 1000:1000 --read-only --cap-drop all "\${options[@]}" localhost/test/busybox true
podman run --rm --tty "\${options[@]}" localhost/test/busybox test -t 0
SCRIPT
    expect_success
}
