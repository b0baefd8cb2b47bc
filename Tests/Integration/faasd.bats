# What faasd does with functions, with the runtime in the place of runc: the container is created, CNI connects its
# namespace, then it is started; it is paused and resumed, CNI takes the network away, `kill --all` ends it. Once as
# containerd's shim calls the runtime, once by containerd itself, which finds the runtime as `runc`; a guest and the same
# server as an ordinary container. The latter pass with RUNTIME=/usr/sbin/runc, too.
#
# FUNCTIONS   how many functions come and go one after the other in each test, 10 unless set
# REPLICAS    how many replicas come and go at once, 20 unless set

load helpers
load engines/lab

setup_file() {
    export BATS_TEST_TIMEOUT=900 LAB_LIMIT=800
    lab_needs containerd ctr containerd-shim-runc-v2 protoc iptables-save || return 0
    PATH=$LAB_PATH python3 -c 'import grpc, google.protobuf' 2>/dev/null || LAB_MISSING='python3-grpcio is not installed'
    [[ -x /usr/lib/cni/firewall ]] || LAB_MISSING='containernetworking-plugins is not installed'
    [[ -e $GUESTS/http.linux ]] || LAB_MISSING="no test guests in $GUESTS: build them with Hack/build-guests"
    [[ ! $LAB_MISSING ]] || return 0
    lab_up /var/lib/containerd
    mkdir "$LAB/modules" "$LAB/bin"
    export CONTAINERD_MODULES=$LAB/modules
    PATH=$LAB_PATH protoc --proto_path "$BATS_TEST_DIRNAME/engines" --python_out "$LAB/modules" containerd.proto
    ln -s "$RUNTIME" "$LAB/bin/runc"
    lab_daemon containerd env PATH="$LAB/bin:$LAB_PATH" containerd --log-level warn
    lab_image http-linux --entrypoint /http "$GUESTS/http.linux=http"
    lab_waits_for containerd ctr version
    in_lab ctr --namespace openfaas-fn image import "$LAB/http-linux.tar" >/dev/null
    if has_http_guest; then
        lab_http_image
        in_lab ctr --namespace openfaas-fn image import "$LAB/http.tar" >/dev/null
    fi
}

teardown_file() { lab_down; }

setup() {
    need_lab
    prepare
    FUNCTIONS=${FUNCTIONS:-10}
    REPLICAS=${REPLICAS:-20}
}

# Functions of an image by both ways. The driver looks for what they leave.
functions() { # IMAGE cycles|scale COUNT
    local way
    for way in "$RUNTIME" containerd; do
        works "$BATS_TEST_DIRNAME/engines/faasd.py" "$2" "$way" "$LAB/$1.tar" --count "$3" --cgroup "/$LAB_NAME" \
            --directory "$TEST_DIR"
        echo "# $1, $(basename "$way"): ${output//$'\n'/; }" >&3
    done
}

@test "faasd: guests are deployed, answer, are paused, answer again and go" {
    need_http_guest
    functions http cycles "$FUNCTIONS"
}

@test "faasd: ordinary containers are deployed, answer, are paused, answer again and go" {
    functions http-linux cycles "$FUNCTIONS"
}

@test "faasd: from none to many guests at once and back" {
    need_http_guest
    functions http scale "$REPLICAS"
}

@test "faasd: from none to many ordinary containers at once and back" {
    functions http-linux scale "$REPLICAS"
}
