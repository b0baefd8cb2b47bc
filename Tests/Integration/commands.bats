# The commands that README and the guides show, carried out as they stand there, with the engines that they speak of: one
# lab has all of them, and whatever was started in it ends with it.

load helpers
load engines/lab

setup_file() {
    lab_needs containerd ctr dockerd docker podman conmon buildah umoci skopeo || return 0
    lab_up /var/lib/docker /var/lib/containerd /var/lib/containers /var/lib/cni /etc/docker /etc/containerd /usr/local/bin \
        /usr/local/lib/swiftlet /etc/systemd/system
    lab_changes /etc/containers /usr/sbin /var/lib/dpkg
    # Where a reader would have it.
    in_lab cp "$RUNTIME" /usr/local/bin/swiftlet
    mkdir "$LAB/reader"
    ln -s "$(dirname "$RUNTIME")" "$LAB/reader/out"
    ln -s "$GUESTS" "$LAB/reader/.build-guests"
    lab_service_manager
    lab_engines
}

# The daemons, with their own configuration files, which are empty, and podman's for this machine: no privilege to raise
# limits, no systemd.
lab_engines() {
    lab_containerd
    lab_daemon dockerd dockerd --containerd /run/containerd/containerd.sock --storage-driver overlay2 \
        --exec-opt native.cgroupdriver=cgroupfs --cgroup-parent "/$LAB_NAME"
    lab_waits_for dockerd docker version
    lab_trusts_images
    in_lab tee /etc/containers/containers.conf >/dev/null <<CONFIGURATION
[containers]
cgroupns = "host"
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
netns = "none"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
CONFIGURATION
    printf '[storage]\ndriver = "vfs"\nrunroot = "/run/podman"\ngraphroot = "/var/lib/containers"\n' |
        in_lab tee /etc/containers/storage.conf >/dev/null
}

teardown_file() { lab_down; }

setup() {
    need_lab
    prepare
    need_guests spt
    need_command python3
}

blocks() { python3 -B "$BATS_TEST_DIRNAME/blocks.py" "$@"; }

# Carries out the NUMBERth block of commands of a document in the lab, as a reader does who stands in the repository.
carry_out() { # DOCUMENT NUMBER [VARIABLE=VALUE...]
    blocks sh "$repository/$1" "$2" >"$LAB/block"
    works env PATH="/usr/local/bin:$LAB_PATH" CONTAINERD_NAMESPACE="$LAB_NAME" "${@:3}" \
        bash -euxo pipefail -c 'cd "$0/reader"; source "$0/block"' "$LAB"
}

# The image that the guides speak of.
need_image() { [[ -e $LAB/reader/hello.tar ]] || carry_out Specs/guides/README.md 0; }

says_hello() { expect_contains 'Hello from swiftlet guest'; }

@test "every block of commands in the documents is carried out by a test" {
    cd "$repository"
    local files
    files=$(git ls-files --cached --others --exclude-standard '*.md' 2>/dev/null) || skip "not a working tree of git"
    # shellcheck disable=SC2086
    equal "$(blocks list $files | cut -d ' ' -f 1-3 | sort)" "$(sort <<'BLOCKS'
README.md console 0
README.md console 1
README.md sh 2
README.md sh 3
Specs/extending.md sh 0
Specs/extending.md sh 1
Specs/guides/README.md sh 0
Specs/guides/containerd.md sh 0
Specs/guides/containerd.md sh 1
Specs/guides/containerd.md sh 2
Specs/guides/docker.md sh 0
Specs/guides/faasd.md sh 0
Specs/guides/faasd.md sh 1
Specs/guides/faasd.md sh 2
Specs/guides/images.md sh 0
Specs/guides/images.md sh 1
Specs/guides/kubernetes.md sh 0
Specs/guides/podman.md sh 0
Specs/guides/podman.md sh 1
BLOCKS
    )" "blocks of commands"
}

@test "README: a first run, and a guest that breaks a rule" {
    mkdir "$LAB/fault" "$LAB/fault/fault" "$LAB/fault/fault/rootfs"
    ln -s "$GUESTS" "$LAB/fault/.build-guests"
    cp "$GUESTS/fault.spt" "$LAB/fault/fault/rootfs/unikernel"
    local number script='cd "$0/fault"; exec python3 -B "$@"'
    works bash -c 'cd "$0/fault/fault" && swiftlet=/usr/local/bin/swiftlet && $swiftlet spec --unikernel &&
        jq ".process.args += [\"read-null\"]" config.json >changed && mv changed config.json' "$LAB"
    for number in 0 1; do
        works env PATH="/usr/local/bin:$LAB_PATH" bash -c "$script" "$LAB" "$BATS_TEST_DIRNAME/blocks.py" console \
            "$repository/README.md" "$number"
    done
}

@test "README: the demo; the other command of the set-up is what runs this test" {
    equal "$(blocks sh "$repository/README.md" 2 | sed 's/ *#.*//')" $'Hack/demo\nHack/test' commands
    need_command swift
    [[ $RUNTIME == "$repository/out/swiftlet" ]] || skip "RUNTIME is not what Hack/demo would build"
    run "$repository/Hack/demo"
    equal "$status" 0 "status, with $output,"
    equal "${lines[-1]}" 'the demo is over, nothing is left' "the last line"
}

@test "README: an image made without an engine, and run by containerd" {
    carry_out README.md 3
    says_hello
    expect_contains 'command line: one two'
}

@test "guides: containerd" {
    local number
    need_image
    for number in 0 1; do
        carry_out Specs/guides/containerd.md "$number"
        says_hello
    done
}

@test "guides: a task that containerd has forgotten" {
    local state=/run/containerd/runc/$LAB_NAME bundle=/run/containerd/io.containerd.runtime.v2.task/$LAB_NAME/forgotten shim
    lab_guest_image sleep
    works ctr --namespace "$LAB_NAME" image import "$LAB/sleep.tar"
    works ctr --namespace "$LAB_NAME" run --detach --runc-binary /usr/local/bin/swiftlet localhost/test/sleep:latest \
        forgotten /unikernel
    works ls -A "$state"
    expect_output forgotten
    shim=$(in_lab ps -o ppid= -p "$(in_lab cat "$bundle/init.pid")")
    in_lab sh -c 'kill -KILL "$(cat /run/containerd.pid)"'
    carry_out Specs/guides/containerd.md 2 SHIM="${shim// /}" NAMESPACE="$LAB_NAME" NAME=forgotten
    works sh -c 'ls -A "$0"; grep "$1" /proc/mounts || true' "$state" "$bundle"
    expect_output ''
    works /usr/local/bin/systemctl restart containerd
}

@test "guides: faasd's containerd runs what its runc was asked for" {
    [[ -x /usr/sbin/runc ]] || skip "no runc that it could stand in for"
    need_image
    carry_out Specs/guides/containerd.md 0
    local number
    for number in 0 2; do
        carry_out Specs/guides/faasd.md "$number"
        works env CONTAINERD_NAMESPACE="$LAB_NAME" ctr run --rm localhost/example/hello:latest "unnamed-$number"
        says_hello
        ((number)) || {
            works runc --version
            expect_contains "swiftlet version"
            carry_out Specs/guides/faasd.md 1
            works runc --version
            expect_contains 'runc version'
        }
    done
}

@test "guides: images by buildah, umoci and skopeo" {
    local number
    for number in 0 1; do
        carry_out Specs/guides/images.md "$number"
        says_hello
    done
}

@test "guides: podman" {
    local number
    need_image
    for number in 0 1; do
        carry_out Specs/guides/podman.md "$number"
        says_hello
    done
}

@test "guides: docker" {
    need_image
    carry_out Specs/guides/docker.md 0
    says_hello
    # The Dockerfile of the guide for images.
    mkdir "$LAB/build"
    cp "$GUESTS/hello.spt" "$LAB/build"
    sed -n '/^```dockerfile$/,/^```$/{/^```/!p}' "$repository/Specs/guides/images.md" >"$LAB/build/Dockerfile"
    works docker build --quiet --tag hello:built "$LAB/build"
    works docker run --rm --runtime swiftlet hello:built
    says_hello
}

@test "guides: Kubernetes, on a node" {
    carry_out Specs/guides/kubernetes.md 0
    works containerd config dump
    expect_contains 'runtimes.swiftlet'
    works ctr plugins ls
    matches "$output" 'io\.containerd\.grpc\.v1 +cri +[^ ]+ +ok' "the CRI plug-in"
}
