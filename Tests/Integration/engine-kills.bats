# containerd, its shims and podman's monitors are killed at random moments while guests and ordinary containers with a
# network come and go. What the engine cleans up afterwards, and an operator where the engine has forgotten, takes along all
# of the runtime's. runc leaves cgroups behind.
#
# KILLS   how many lifecycles each test disturbs, of podman's half as many; 12 unless set
# SEED    for the moments; printed, so that a run can be repeated

load helpers
load engines/lab

setup_file() {
    export BATS_TEST_TIMEOUT=1800 LAB_LIMIT=1700
    lab_needs containerd ctr containerd-shim-runc-v2 podman conmon protoc || return 0
    PATH=$LAB_PATH python3 -c 'import grpc, google.protobuf' 2>/dev/null || LAB_MISSING='python3-grpcio is not installed'
    [[ -x /usr/lib/cni/firewall ]] || LAB_MISSING='containernetworking-plugins is not installed'
    has_http_guest || LAB_MISSING="no swiftlet, or no test guests in $GUESTS: build them with Hack/build-guests"
    [[ ! $LAB_MISSING ]] || return 0
    lab_up /var/lib/containerd /var/lib/containers /var/lib/cni /etc/cni/net.d
    mkdir "$LAB/modules"
    lab_trusts_images
    export CONTAINERD_MODULES=$LAB/modules
    PATH=$LAB_PATH protoc --proto_path "$BATS_TEST_DIRNAME/engines" --python_out "$LAB/modules" containerd.proto
    lab_http_image
    lab_image http-linux --entrypoint /http "$GUESTS/http.linux=http"
}

teardown_file() { lab_down; }

setup() {
    need_lab
    prepare
}

killed() { # containerd|shim|conmon COUNT
    works "$BATS_TEST_DIRNAME/engines/kills.py" "$1" "$RUNTIME" "$LAB/http.tar" "$LAB/http-linux.tar" \
        --count "$2" --seed "${SEED:-1}" --cgroup "/$LAB_NAME" --directory "$TEST_DIR"
    echo "# $output" >&3
}

@test "shims of containerd that are killed at random moments" { killed shim "${KILLS:-12}"; }
@test "a containerd that is killed at random moments" { killed containerd "${KILLS:-12}"; }
@test "monitors of podman that are killed at random moments" { killed conmon "$((${KILLS:-12} / 2))"; }
