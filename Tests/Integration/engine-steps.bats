# A list of what users do with containers, gone through with each engine (engines/table.py): a container of the runtime's
# and a guest. What comes of it is in engines/steps: for containers that is what comes of it with runc, which is tried again
# where a table is wanted.
#
# Containers of docker and podman are left out unless a table is wanted: docker.bats and podman.bats have their steps.
#
# TABLE   a directory for the results, one file for each engine and kind: with it everything is tried (Hack/engine-table)

load helpers
load engines/lab
load engines/cri

setup_file() {
    export BATS_TEST_TIMEOUT=900 LAB_LIMIT=600
    lab_needs docker dockerd containerd ctr podman conmon runc protoc catatonit || return 0
    PATH=$LAB_PATH python3 -c 'import grpc, google.protobuf' 2>/dev/null || LAB_MISSING='python3-grpcio is not installed'
    [[ -x /usr/lib/cni/bridge ]] || LAB_MISSING='containernetworking-plugins is not installed'
    has_http_guest || LAB_MISSING="no swiftlet, or no test guests in $GUESTS: build them with Hack/build-guests"
    [[ ! $LAB_MISSING ]] || return 0
    lab_up /var/lib/docker /var/lib/containerd /var/lib/containers /var/lib/cni /etc/cni/net.d /opt/cni/bin
    mkdir "$LAB/modules"
    lab_trusts_images
    export CRI_MODULES=$LAB/modules PODMAN_ROOT=$LAB/graph
    PATH=$LAB_PATH protoc --proto_path "$BATS_TEST_DIRNAME/engines" --python_out "$LAB/modules" cri.proto
    lab_busybox_image busybox --arg sh
    lab_image pause --entrypoint /pause --arg -P "$(PATH=$LAB_PATH command -v catatonit)=pause"
    lab_image http-linux --entrypoint /http "$GUESTS/http.linux=http"
    local guest
    for guest in hello exit sleep disks; do lab_guest_image "$guest"; done
    lab_http_image
    lab_guest_image http2 --type mirage
    engine_daemons
}

expected=$BATS_TEST_DIRNAME/engines/steps
images=(busybox pause http-linux hello exit sleep disks http http2)

engine_daemons() {
    local image
    containerd_configuration
    lab_plugins
    pod_network_configuration | in_lab tee /etc/cni/net.d/10-lab.conflist >/dev/null
    lab_daemon containerd containerd --config "$LAB/containerd.toml" --log-level warn
    "$RUNTIME" install-engine docker --config "$LAB/daemon.json" --runtime-path "$RUNTIME" >/dev/null
    lab_daemon dockerd dockerd --config-file "$LAB/daemon.json" --storage-driver overlay2 \
        --exec-opt native.cgroupdriver=cgroupfs --cgroup-parent "/$LAB_NAME"
    podman_cli=(podman --root "$LAB/graph" --runroot /run/podman --tmpdir /run/podman-tmp --storage-driver vfs
        --cgroup-manager cgroupfs --events-backend file --runtime "$RUNTIME")
    lab_waits_for containerd ctr version
    lab_waits_for dockerd docker version
    local pids=()
    loads docker load --quiet --input &
    pids+=($!)
    loads "${podman_cli[@]}" load --quiet --input &
    pids+=($!)
    loads ctr images import
    loads ctr --namespace k8s.io images import
    wait "${pids[@]}"
}

# Gives an engine all images.
loads() { # COMMAND... ARCHIVE is added
    local image
    for image in "${images[@]}"; do in_lab "$@" "$LAB/$image.tar" >/dev/null 3>&-; done
}

teardown_file() { lab_down; }

setup() {
    need_lab
    prepare
}

columns_of() { # ENGINE
    if [[ ${TABLE-} ]]; then
        echo container guest runc
    elif [[ $1 == docker || $1 == podman ]]; then
        echo guest
    else
        echo container guest
    fi
}

# The columns of one engine, in $RESULTS.
columns() { # ENGINE
    local column runtime kind
    for column in $(columns_of "$1"); do
        runtime=$RUNTIME kind=$column
        [[ $column != runc ]] || runtime=/usr/sbin/runc kind=container
        in_lab timeout --kill-after 5 300 "$BATS_TEST_DIRNAME/engines/table.py" "$1" "$runtime" "$kind" \
            --cgroup "/$LAB_NAME" --directory "$LAB" >"$RESULTS/$1.$column" 2>"$RESULTS/$1.$column.times" </dev/null 3>&- ||
            echo "fails: $(tail -n 1 "$RESULTS/$1.$column.times")" >>"$RESULTS/$1.$column"
    done
}

# What is expected has no words of who refuses.
without_words() { # FILE
    sed -E 's/\t(refused|fails):.*/\t\1/' "$1"
}

@test "steps of users with each engine: containers as runc's, guests as the list says" {
    local engine column pids=() failed=''
    RESULTS=${TABLE:-$TEST_DIR/results}
    mkdir -p "$RESULTS"
    for engine in docker podman containerd cri; do
        columns "$engine" &
        pids+=($!)
    done
    wait "${pids[@]}"
    for engine in docker podman containerd cri; do
        for column in $(columns_of "$engine"); do
            # What a container does is what runc's does.
            diff "$expected/$engine.${column/runc/container}" <(without_words "$RESULTS/$engine.$column") && continue
            echo "$engine, $column: not as expected (<) but otherwise (>), see above; in full:"
            grep -E '(refused|fails):' "$RESULTS/$engine.$column" || true
            failed=yes
        done
    done
    [[ ! $failed ]]
}
