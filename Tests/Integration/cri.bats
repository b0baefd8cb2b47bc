# Kubernetes' container runtime interface: containerd's CRI plug-in with the runtime as a handler's BinaryName. All tests
# share one containerd, which runs in a lab of its own; each removes its pods. They pass with RUNTIME=/usr/sbin/runc.

load helpers
load engines/lab
load engines/cri

setup_file() {
    export CRI_ENGINE=${CRI_ENGINE:-containerd}
    lab_needs "$CRI_ENGINE" skopeo protoc catatonit curl || return 0
    PATH=$LAB_PATH python3 -c 'import grpc, google.protobuf' 2>/dev/null || {
        export LAB_MISSING='python3-grpcio is not installed'
        return 0
    }
    [[ -x /usr/lib/cni/bridge ]] || {
        export LAB_MISSING='containernetworking-plugins is not installed'
        return 0
    }
    lab_up /var/lib/containerd /var/lib/containers /var/lib/cni
    mkdir "$LAB/cni" "$LAB/modules" "$LAB/logs"
    export CRI_MODULES=$LAB/modules
    PATH=$LAB_PATH protoc --proto_path "$BATS_TEST_DIRNAME/engines" --python_out "$LAB/modules" cri.proto
    pod_network_configuration >"$LAB/cni/10-lab.conflist"
    "${CRI_ENGINE}_begins"
    lab_busybox_image busybox --arg sh
    lab_image pause --entrypoint /pause --arg -P "$(PATH=$LAB_PATH command -v catatonit)=pause"
    local image images=(busybox pause)
    if is_swiftlet && [[ -e $GUESTS/hello.spt ]]; then
        for image in hello exit sleep; do lab_guest_image "$image"; done
        images+=(hello exit sleep)
    fi
    if has_http_guest; then
        lab_http_image
        images+=(http)
    fi
    lab_machine_images "$LAB/import"
    for image in "${images[@]}"; do in_lab "$LAB/import" "$LAB/$image.tar" >/dev/null; done
    # It takes notice of images and of the network in its own time.
    lab_waits_for "$CRI_ENGINE" bash -c '
        images=$("$1" ListImages {}) && status=$("$1" Status {}) || exit
        for image in $2; do [[ $images == *"localhost/test/$image:latest"* ]] || exit 1; done
        [[ $(jq "[.status.conditions[] | select(.type | endswith(\"Ready\")).status] | all" <<<"$status") == true ]]
    ' wait "$BATS_TEST_DIRNAME/engines/cri.py" "${images[*]}$MACHINE_IMAGES"
}

teardown_file() { lab_down; }

setup() {
    need_lab
    prepare
}

# Each test removes its pods here, which takes their containers along; nothing of the runtime may be left.
teardown() {
    [[ ${TEST_DIR-} ]] || return 0
    cri clean
    lab_left_nothing "$(cri_state)" -mindepth 1
    clean_up
}

cri_py=$BATS_TEST_DIRNAME/engines/cri.py
cri() { in_lab "$cri_py" "$@" </dev/null 3>&-; }

# Runs a pod's sandbox. Sets POD, its id, and SANDBOX, its configuration.
pod() { # NAME [JQ_EDIT]
    local handler=${HANDLER-swiftlet}
    mkdir -p "$LAB/logs/$PREFIX-$1"
    SANDBOX=$(jq --null-input --arg name "$1" --arg uid "$PREFIX-$1" --arg logs "$LAB/logs/$PREFIX-$1" \
        --arg parent "/$LAB_NAME" '{
            metadata: {name: $name, uid: $uid, namespace: "tests"}, hostname: $name, log_directory: $logs,
            linux: {cgroup_parent: $parent, security_context: {namespace_options: {pid: "CONTAINER"}}}
        }' | jq "${2:-.}")
    works "$cri_py" RunPodSandbox "$(jq --null-input '{$config, $runtime_handler}' --argjson config "$SANDBOX" \
        --arg runtime_handler "$handler")"
    POD=$(jq --raw-output .pod_sandbox_id <<<"$output")
}

# Removes the pod.
no_pod() {
    works "$cri_py" StopPodSandbox "{\"pod_sandbox_id\": \"$POD\"}" RemovePodSandbox "{\"pod_sandbox_id\": \"$POD\"}"
    rm -rf "$LAB/logs/$PREFIX-$POD_NAME"
}

# Creates a container in the pod and goes on with it as told. Sets CONTAINER, its id, and STATUS, the last answer. The
# image is busybox unless the filter says otherwise.
create_and() { # NAME JQ_EDIT REQUEST... -- ARGS...
    local name=$1 edit=${2:-.} more=()
    shift 2
    while [[ $1 != -- ]]; do
        more+=("$1")
        shift
    done
    shift
    local request
    request=$(
        jq --null-input --arg name "$name" '{
            metadata: {name: $name}, image: {image: "localhost/test/busybox:latest"}, log_path: ($name + ".log"),
            command: $ARGS.positional, linux: {security_context: {namespace_options: {pid: "CONTAINER"}}}
        }' --args -- "$@" | jq "$edit" |
            jq '.image.user_specified_image = .image.image | {pod_sandbox_id: $pod, config: ., $sandbox_config}' --arg pod "$POD" --argjson sandbox_config "$SANDBOX"
    )
    call "$cri_py" CreateContainer "$request" "${more[@]}"
    CONTAINER=$(head -n 1 <<<"$output" | jq --raw-output .container_id)
    STATUS=$(tail -n 1 <<<"$output")
}

start_it='{"container_id": "$container_id"}'
wait_for_it='{"container_id": "$container_id", "state": "CONTAINER_EXITED"}'

created() { # NAME JQ_EDIT ARGS...
    create_and "$1" "$2" -- "${@:3}"
    expect_success
}

started() { # NAME JQ_EDIT ARGS...
    create_and "$1" "$2" StartContainer "$start_it" -- "${@:3}"
    expect_success
}

# Starts a container, which may be refused.
start() { call "$cri_py" StartContainer "{\"container_id\": \"$CONTAINER\"}"; }

# Runs a container to its end: ended has its state, output and stderr what it printed.
ran() { # NAME JQ_EDIT ARGS...
    create_and "$1" "$2" StartContainer "$start_it" Wait "$wait_for_it" -- "${@:3}"
    expect_success
    ended=$(jq --raw-output '.status | "\(.exit_code) \(.reason)"' <<<"$STATUS")
    output=$(printed "$1" stdout) stderr=$(printed "$1" stderr)
}

# The same, successfully.
once() { # NAME JQ_EDIT ARGS...
    ran "$@"
    equal "$ended" '0 Completed' "how the container ended ($stderr)"
}

# How the container stands.
stands() {
    cri ContainerStatus "{\"container_id\": \"$CONTAINER\"}" |
        jq --raw-output '.status | "\(.state) \(.exit_code) \(.reason)"'
}

is() { # STATE_EXIT_CODE_REASON
    equal "$(stands)" "$1" 'the container'
}

ends_as() { # EXIT_CODE_REASON
    works "$cri_py" Wait "${wait_for_it/\$container_id/$CONTAINER}"
    equal "$(jq --raw-output '.status | "\(.exit_code) \(.reason)"' <<<"$output")" "$1" 'how the container ended'
}

# What a container's log on disk says came out of a stream.
printed() { # NAME stdout|stderr
    awk -v stream="$2" '$2 == stream { sub(/^[^ ]+ [^ ]+ [FP] /, ""); print }' "$LAB/logs/$PREFIX-$POD_NAME/$1.log" \
        2>/dev/null || true
}
POD_NAME=one

has_printed() { # NAME TEXT
    [[ $(printed "$1" stdout) == *"$2"* ]]
}

exec_sync() { # COMMAND...
    call "$cri_py" ExecSync "$(jq --null-input '{container_id: $id, cmd: $ARGS.positional, timeout: 20}' \
        --arg id "$CONTAINER" --args -- "$@")"
    exit_code=$(jq .exit_code <<<"$output")
    error_output=$(jq --raw-output .stderr <<<"$output" | base64 --decode)
    output=$(jq --raw-output .stdout <<<"$output" | base64 --decode)
}

stop() { # TIMEOUT
    works "$cri_py" StopContainer "{\"container_id\": \"$CONTAINER\", \"timeout\": $1}"
}

remove() { works "$cri_py" RemoveContainer "{\"container_id\": \"$CONTAINER\"}"; }

# --- pods and containers

@test "CRI: a pod's life" {
    pod one
    local status
    status=$(cri PodSandboxStatus "{\"pod_sandbox_id\": \"$POD\"}")
    equal "$(jq --raw-output '.status.state, .status.runtime_handler' <<<"$status")" $'SANDBOX_READY\nswiftlet'
    matches "$(jq --raw-output .status.network.ip <<<"$status")" '^10\.77\.0\.'
    created main '' sh -c 'echo to output; echo to errors >&2; echo end; exit 7'
    is 'CONTAINER_CREATED 0 '
    start
    expect_success
    ends_as '7 Error'
    equal "$(printed main stdout)" $'to output\nend'
    equal "$(printed main stderr)" 'to errors'
    remove
    once other '' true
    works "$cri_py" StopPodSandbox "{\"pod_sandbox_id\": \"$POD\"}"
    equal "$(cri PodSandboxStatus "{\"pod_sandbox_id\": \"$POD\"}" | jq --raw-output .status.state)" SANDBOX_NOTREADY
    # Once more is no error.
    no_pod
    equal "$(cri ListPodSandbox {} | jq '.items | length')" 0
}

@test "CRI: stopping" {
    pod one
    started polite '' sh -c 'trap "echo leaving; exit 3" TERM; echo ready; while :; do sleep 0.1; done'
    eventually has_printed polite ready
    stop 20
    is 'CONTAINER_EXITED 3 Error'
    equal "$(printed polite stdout)" $'ready\nleaving'
    started deaf '' sh -c 'trap "" TERM; echo ready; while :; do sleep 0.1; done'
    eventually has_printed deaf ready
    stop 1
    is 'CONTAINER_EXITED 137 Error'
    # Of one that runs: it is ended.
    started running '' sleep 100
    remove
    # A pod takes its containers along.
    started last '' sleep 100
    works "$cri_py" StopPodSandbox "{\"pod_sandbox_id\": \"$POD\"}"
    is 'CONTAINER_EXITED 137 Error'
}

@test "CRI: a program that is not there" {
    local program handler outcomes=()
    for handler in runc swiftlet; do
        HANDLER=$handler pod one
        outcomes[${#outcomes[@]}]=$(
            for program in nosuch /nosuch /etc; do
                created "main${program//\//_}" '' "$program"
                start
                # What stands before it is containerd's and the runtime's way to say who speaks.
                echo "$status $(sed -E 's/.*(exec: )/\1/' <<<"$stderr"), $(stands)"
            done
        )
        no_pod
    done
    matches "${outcomes[0]}" '1 exec: "nosuch": executable file not found in \$PATH.*CONTAINER_EXITED 128 StartError'
    equal "${outcomes[1]}" "${outcomes[0]}"
}

@test "CRI: environment, working directory, host name" {
    pod one '.hostname = "somebody"'
    once main '.working_dir = "/tmp" | .envs = [{key: "ONE", value: "1"}, {key: "TWO", value: "two words"}]' \
        sh -c 'pwd; hostname; echo "$ONE $TWO"; cat /etc/hostname; ls /sys/class/net'
    expect_output $'/tmp\nsomebody\n1 two words\nsomebody\neth0\nlo'
}

@test "CRI: containers of a pod share what they are told to share" {
    local namespaces='for kind in ipc net uts mnt pid; do readlink /proc/self/ns/$kind; done'
    pod one
    started first '' sh -c "$namespaces; sleep 100"
    eventually has_printed first pid
    local first target=$CONTAINER
    first=$(printed first stdout)
    once second '' sh -c "$namespaces"
    equal "$(head -n 3 <<<"$output")" "$(head -n 3 <<<"$first")" 'network, IPC, host name'
    equal "$(tail -n 2 <<<"$output" | grep -c -x -F "$(tail -n 2 <<<"$first")" || true)" 0 'mounts, processes'
    # One joins the processes of another container.
    once debugger ".linux.security_context.namespace_options = {pid: \"TARGET\", target_id: \"$target\"}" \
        readlink /proc/self/ns/pid
    expect_output "$(tail -n 1 <<<"$first")"
}

@test "CRI: pods that share processes, and those of the host" {
    pod one '.linux.security_context.namespace_options.pid = "POD"'
    started first '.linux.security_context.namespace_options.pid = "POD"' sh -c 'sleep 12345 & echo ready; wait'
    eventually has_printed first ready
    local first=$CONTAINER
    once second '.linux.security_context.namespace_options.pid = "POD"' \
        sh -c 'cat /proc/1/comm; grep -l sleep /proc/[0-9]*/comm | wc -l'
    expect_output $'pause\n1'
    # Its end takes all of its processes along, the pod's others stay.
    CONTAINER=$first
    stop 0
    once third '.linux.security_context.namespace_options.pid = "POD"' \
        sh -c 'cat /proc/1/comm; for n in $(seq 100); do grep -q 1234[5] /proc/[0-9]*/cmdline || exit 0; usleep 50000; done; exit 1'
    expect_output pause
    POD_NAME=two
    pod two '.hostname = "" | .linux.security_context.namespace_options = {network: "NODE", pid: "NODE", ipc: "NODE"}'
    once main '.linux.security_context.namespace_options = {network: "NODE", pid: "NODE", ipc: "NODE"}' \
        sh -c 'for kind in ipc net pid; do readlink /proc/self/ns/$kind; done; hostname'
    expect_output "$(in_lab sh -c 'for kind in ipc net pid; do readlink /proc/self/ns/$kind; done; hostname')"
}

@test "CRI: security context" {
    local script='id -u; id -g; id -G; grep -E "^(Cap(Prm|Eff|Bnd|Inh|Amb)|NoNewPrivs|Seccomp):" /proc/self/status
        touch /file; cat /etc/passwd; touch /tmp/file'
    local context edits outcomes=() handler
    edits=('{}' '{run_as_user: {value: 1234}, run_as_group: {value: 5678}, supplemental_groups: [9, 99]}'
        '{run_as_username: "root", readonly_rootfs: true, no_new_privs: true}'
        '{capabilities: {drop_capabilities: ["ALL"], add_capabilities: ["NET_ADMIN"]}}'
        '{masked_paths: ["/etc/passwd"], readonly_paths: ["/tmp"], seccomp: {profile_type: "Unconfined"}}')
    for handler in runc swiftlet; do
        HANDLER=$handler pod one
        outcomes[${#outcomes[@]}]=$(
            n=0
            for context in "${edits[@]}"; do
                ran "main$((++n))" ".linux.security_context += $context" sh -c "$script"
                echo "== $context: $ended"$'\n'"$output"$'\n'"$stderr"
            done
        )
        no_pod
    done
    matches "${outcomes[0]}" $'\n1234\n5678\n5678 9 99\n'
    matches "${outcomes[0]}" 'Read-only file system'
    matches "${outcomes[0]}" $'CapEff:\t0000000000001000'
    equal "${outcomes[1]}" "${outcomes[0]}"
}

@test "CRI: seccomp profiles" {
    echo '{"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"], "syscalls": [
        {"names": ["fchmodat", "chmod"], "action": "SCMP_ACT_ERRNO"}]}' >"$TEST_DIR/profile.json"
    pod one '.linux.security_context.seccomp.profile_type = "RuntimeDefault"'
    once confined '.linux.security_context.seccomp.profile_type = "RuntimeDefault"' sh -c \
        'grep Seccomp: /proc/self/status; unshare -U true 2>/dev/null || echo no'
    expect_output $'Seccomp:\t2\nno'
    once own ".linux.security_context.seccomp = {profile_type: \"Localhost\", localhost_ref: \"$TEST_DIR/profile.json\"}" \
        sh -c 'touch /file; chmod 600 /file || echo no'
    expect_output no
}

@test "CRI: privileged" {
    # Where root has not all capabilities, containerd asks for more than there are: then it fails with runc as well.
    local handler outcomes=()
    for handler in runc swiftlet; do
        HANDLER=$handler pod one '.linux.security_context.privileged = true'
        created main '.linux.security_context.privileged = true' \
            sh -c 'grep CapEff /proc/self/status; test -e /dev/kmsg && echo devices; ls /proc/keys'
        start
        outcomes[${#outcomes[@]}]="$status $( ((status != 0)) || { ends_as '0 Completed' && printed main stdout; })"
        no_pod
    done
    equal "${outcomes[1]}" "${outcomes[0]}"
}

@test "CRI: mounts and devices" {
    mkdir -p "$TEST_DIR/shared/inner" "$TEST_DIR/fixed" "$TEST_DIR/slave/inner" "$TEST_DIR/both"
    echo 'from the host' >"$TEST_DIR/shared/file"
    pod one
    once main ".mounts = [{container_path: \"/shared\", host_path: \"$TEST_DIR/shared\"},
        {container_path: \"/fixed\", host_path: \"$TEST_DIR/fixed\", readonly: true}] |
        .devices = [{container_path: \"/dev/mine\", host_path: \"/dev/zero\", permissions: \"rw\"}]" sh -c '
            cat /shared/file; echo changed >/shared/file; touch /fixed/file || echo read-only; head -c 1 /dev/mine | wc -c'
    expect_output $'from the host\nread-only\n1'
    equal "$(<"$TEST_DIR/shared/file")" changed
    started slave ".mounts = [{container_path: \"/slave\", host_path: \"$TEST_DIR/slave\", propagation: \"PROPAGATION_HOST_TO_CONTAINER\"},
        {container_path: \"/both\", host_path: \"$TEST_DIR/both\", propagation: \"PROPAGATION_BIDIRECTIONAL\"}]" \
        sh -c 'echo ready; until [ -e /slave/inner/later ]; do sleep 0.1; done; echo seen; grep " /both " /proc/self/mountinfo | grep -c shared:; sleep 100'
    eventually has_printed slave ready
    in_lab mount -t tmpfs tmpfs "$TEST_DIR/slave/inner"
    in_lab touch "$TEST_DIR/slave/inner/later"
    eventually has_printed slave $'seen\n1'
    stop 0
    in_lab umount "$TEST_DIR/slave/inner"
}

@test "CRI: sysctl and ports of the host" {
    pod one '.linux.sysctls = {"net.ipv4.ip_default_ttl": "33", "kernel.shmmax": "65536"} |
        .port_mappings = [{container_port: 80, host_port: 8077, host_ip: "10.77.0.1"}]'
    once main '' cat /proc/sys/net/ipv4/ip_default_ttl /proc/sys/kernel/shmmax
    expect_output $'33\n65536'
    started web '' sh -c 'echo hello >/tmp/index.html; httpd -f -h /tmp'
    local ip
    ip=$(cri PodSandboxStatus "{\"pod_sandbox_id\": \"$POD\"}" | jq --raw-output .status.network.ip)
    eventually in_lab curl --silent --fail --max-time 5 "http://$ip/"
    prints_just hello curl --silent --fail --max-time 5 http://10.77.0.1:8077/
    # A second container of the pod reaches it as its own.
    once other '' wget -q -O - http://127.0.0.1/
    expect_output hello
}

cgroup() { # CONTROLLER FILE
    # CRI-O has its name before the id.
    cat "/sys/fs/cgroup/$1/$LAB_NAME"/{,crio-}"$CONTAINER/$2" 2>/dev/null
}

@test "CRI: limits and figures" {
    pod one
    started main '.linux.resources = {memory_limit_in_bytes: 67108864, cpu_quota: 50000, cpu_period: 100000, cpu_shares: 512,
        oom_score_adj: 500, cpuset_cpus: "0"}' \
        sh -c 'head -c 10485760 /dev/zero >/dev/shm/file; cat /proc/self/oom_score_adj; while :; do :; done'
    eventually has_printed main 500
    equal "$(cgroup memory memory.limit_in_bytes)" 67108864
    equal "$(cgroup cpu cpu.cfs_quota_us)" 50000
    equal "$(cgroup cpu cpu.shares)" 512
    equal "$(cgroup cpuset cpuset.cpus)" 0
    local stats
    stats=$(cri ContainerStats "{\"container_id\": \"$CONTAINER\"}")
    (($(jq --raw-output '.stats.cpu.usage_core_nano_seconds.value' <<<"$stats") > 0)) || fail 'no CPU time'
    (($(jq --raw-output '.stats.memory.working_set_bytes.value' <<<"$stats") >= 10485760)) || fail 'no memory'
}

@test "CRI: update" {
    need_verb update
    pod one
    started main '.linux.resources.memory_limit_in_bytes = 67108864' sleep 100
    works "$cri_py" UpdateContainerResources "{\"container_id\": \"$CONTAINER\", \"linux\": {\"memory_limit_in_bytes\":
        50331648, \"cpu_quota\": 25000, \"cpu_period\": 100000, \"cpu_shares\": 256, \"cpuset_cpus\": \"0\"}}"
    equal "$(cgroup memory memory.limit_in_bytes)" 50331648
    equal "$(cgroup cpu cpu.cfs_quota_us)" 25000
    equal "$(cgroup cpu cpu.shares)" 256
    equal "$(cgroup cpuset cpuset.cpus)" 0
    is 'CONTAINER_RUNNING 0 '
}

@test "CRI: out of memory" {
    pod one
    started main '.linux.resources.memory_limit_in_bytes = 16777216' sh -c 'exec tail /dev/zero'
    ends_as '137 OOMKilled'
}

# --- exec and attach

@test "CRI: execSync" {
    need_verb exec
    pod one
    started main '.envs = [{key: "OF", value: "container"}] | .working_dir = "/tmp" |
        .linux.security_context += {run_as_user: {value: 7}}' sleep 100
    exec_sync sh -c 'echo to output; echo to errors >&2; exit 9'
    equal "$exit_code $output $error_output" '9 to output to errors'
    exec_sync sh -c 'echo $OF $(id -u) $(pwd)'
    equal "$exit_code $output" '0 container 7 /tmp'
    exec_sync nosuch
    expect_status 1
    expect_error 'exec: "nosuch": executable file not found in \$PATH'
    call "$cri_py" ExecSync "{\"container_id\": \"$CONTAINER\", \"cmd\": [\"sleep\", \"50\"], \"timeout\": 1}"
    expect_status 1
    expect_error 'timeout 1s exceeded'
    # And it is gone.
    exec_sync sh -c 'ps -o args | grep -c "sleep 5[0]"'
    equal "$output" 0
}

@test "CRI: streamed exec and attach" {
    need_verb exec
    pod one
    started main '.stdin = true' sh -c 'while read -r line; do echo "got $line"; [ "$line" != end ] || exit 4; done'
    local url
    url=$(cri Exec "{\"container_id\": \"$CONTAINER\", \"cmd\": [\"sh\", \"-c\", \"cat /proc/1/comm; echo error >&2; exit 6\"],
        \"stdout\": true, \"stderr\": true}" | jq --raw-output .url)
    ends_with 6 "$cri_py" stream "$url"
    equal "$output $stderr" 'sh error'
    url=$(cri Exec "{\"container_id\": \"$CONTAINER\", \"cmd\": [\"sh\"], \"tty\": true, \"stdin\": true, \"stdout\": true}" |
        jq --raw-output .url)
    ends_with 8 "$cri_py" stream "$url" 'wait:# ' size:31x71 'send:sleep 0.3; stty size; test -t 0 && tty\r' 'wait:31 71' \
        'wait:/dev/pts/' size:41x81 'send:sleep 0.3; stty size\r' 'wait:41 81' 'send:exit 8\r'
    url=$(cri Attach "{\"container_id\": \"$CONTAINER\", \"stdin\": true, \"stdout\": true, \"stderr\": true}" |
        jq --raw-output .url)
    works "$cri_py" stream "$url" 'send:one\n' 'wait:got one' 'send:end\n' 'wait:got end'
    ends_as '4 Error'
}

@test "CRI: a container with a terminal" {
    pod one
    started main '.tty = true | .stdin = true' sh -c 'test -t 0 && tty; read -r line; sleep 0.3; stty size; echo "got $line"; exit 5'
    local url
    url=$(cri Attach "{\"container_id\": \"$CONTAINER\", \"tty\": true, \"stdin\": true, \"stdout\": true}" | jq --raw-output .url)
    works "$cri_py" stream "$url" size:33x77 'send:something\r' 'wait:33 77' 'wait:got something'
    ends_as '5 Error'
    matches "$(printed main stdout)" '^/dev/(pts/0|console)'
}

# --- unikernels

guest='.image.image = "localhost/test/GUEST:latest" | .command = [] | .linux.resources.memory_limit_in_bytes = 67108864'

@test "CRI: a pod with a guest beside an ordinary container" {
    need_guests
    pod one '.annotations = {"org.swiftlet.unikernel.binary": "/unikernel"}'
    # Process 1 of the sandbox is no guest although the pod is marked, nor is the sidecar.
    [[ $CRI_ENGINE == crio ]] || equal "$(in_lab cat "/proc/$(pod_process)/comm")" pause
    started sleeper "${guest/GUEST/sleep}"
    local sleeper=$CONTAINER
    eventually has_printed sleeper sleeping
    once sidecar '' sh -c 'echo ordinary; cat /proc/1/comm; true'
    expect_output $'ordinary\nsh'
    once hello "${guest/GUEST/hello} | .args = [\"one\", \"two\"]"
    expect_output $'Hello from swiftlet guest\ncommand line: one two'
    ran exit "${guest/GUEST/exit} | .args = [\"7\"]"
    equal "$ended" '7 Error'
    CONTAINER=$sleeper
    is 'CONTAINER_RUNNING 0 '
    local stats
    stats=$(cri ContainerStats "{\"container_id\": \"$CONTAINER\"}")
    (($(jq --raw-output '.stats.memory.usage_bytes.value' <<<"$stats") > 0)) || fail 'no memory'
    stop 30
    is 'CONTAINER_EXITED 143 Error'
    started killed "${guest/GUEST/sleep}"
    eventually has_printed killed sleeping
    stop 0
    is 'CONTAINER_EXITED 137 Error'
}

@test "CRI: a guest's limits change, exec into it is refused" {
    need_guests
    need_verb exec
    need_verb update
    pod one
    started sleeper "${guest/GUEST/sleep}"
    eventually has_printed sleeper sleeping
    works "$cri_py" UpdateContainerResources \
        "{\"container_id\": \"$CONTAINER\", \"linux\": {\"cpu_quota\": 25000, \"cpu_period\": 100000}}"
    equal "$(cgroup cpu cpu.cfs_quota_us)" 25000
    exec_sync true
    expect_status 1
    expect_error 'guest|unikernel'
    is 'CONTAINER_RUNNING 0 '
}

@test "CRI: a guest has the pod's address" {
    need_http_guest
    local before pod_network address leader
    # The bridge stays once it was made.
    pod one
    no_pod
    before=$(lab_network)
    pod one
    address=$(cri PodSandboxStatus "{\"pod_sandbox_id\": \"$POD\"}" | jq --raw-output .status.network.ip)
    leader=$(pod_process)
    pod_network=$(lab_network "$leader")
    started web "${guest/GUEST/http} | .args = [\"one\", \"two words\"]"
    serves_http "$address"
    prints_just "--ipv4=$address/24
--ipv4-gateway=10.77.0.1
one
two words" curl --silent "http://$address:8080/args"
    stop 30
    is 'CONTAINER_EXITED 143 Error'
    remove
    equal "$(lab_network "$leader")" "$pod_network" "the pod's network after its guest"
    # The next one of the same pod.
    started again "${guest/GUEST/http}"
    eventually http_answers "$address"
    no_pod
    equal "$(lab_network)" "$before" 'the network afterwards'
}

machine=${guest/GUEST/GUEST-virt}
machine=${machine/67108864/134217728}

@test "CRI: a pod with guests under QEMU" {
    need_machines
    local before pod_network address leader
    # The bridge stays once it was made.
    pod one
    no_pod
    before=$(lab_network)
    pod one
    address=$(cri PodSandboxStatus "{\"pod_sandbox_id\": \"$POD\"}" | jq --raw-output .status.network.ip)
    leader=$(pod_process)
    pod_network=$(lab_network "$leader")
    once hello "${machine/GUEST/hello} | .args = [\"one\", \"two\"]"
    expect_output $'Hello from swiftlet guest\ncommand line: one two'
    ran exit "${machine/GUEST/exit} | .args = [\"7\"]"
    equal "$ended" '7 Error'
    started killed "${machine/GUEST/sleep}"
    eventually has_printed killed sleeping
    local stats
    stats=$(cri ContainerStats "{\"container_id\": \"$CONTAINER\"}")
    (($(jq --raw-output '.stats.memory.usage_bytes.value' <<<"$stats") > 1 << 20)) || fail "$stats"
    stop 0
    is 'CONTAINER_EXITED 137 Error'
    started web "${machine/GUEST/http} | .args = [\"--ipv4=$address/24\"]"
    serves_http "$address" 1000000 500 50
    stop 30
    is 'CONTAINER_EXITED 143 Error'
    remove
    equal "$(lab_network "$leader")" "$pod_network" "the pod's network after its guest"
    no_pod
    equal "$(lab_network)" "$before" 'the network afterwards'
}
