# Kubernetes itself: a cluster of one node schedules pods of the class `swiftlet`, guests and ordinary containers, and pods of
# the class `runc` beside them, whose results those have to equal. Skips itself where the programs of Kubernetes and etcd are
# not on LAB_PATH.

load helpers
load engines/lab
load engines/cri
load engines/kubernetes

setup_file() {
    lab_needs "${KUBERNETES_PROGRAMS[@]}" containerd ctr containerd-shim-runc-v2 catatonit curl openssl runc || return 0
    [[ -x /usr/lib/cni/bridge ]] || {
        export LAB_MISSING='containernetworking-plugins is not installed'
        return 0
    }
    lab_up /var/lib/containerd /var/lib/cni /var/lib/etcd /var/lib/kubelet /var/log /etc/containerd /usr/local/bin
    lab_service_manager
    cluster_begins
    cluster_classes
    cluster_images
    node_installs
    cluster_kubelet
}

teardown_file() { lab_down; }

setup() {
    need_lab
    prepare
}

# Whatever a test made goes, and nothing of it stays on the node.
teardown() {
    [[ ${TEST_DIR-} ]] || return 0
    local held
    held=$(in_lab kubectl get pods --output json | jq --raw-output '.items[] | select(.metadata.finalizers).metadata.name')
    [[ ! $held ]] || let_go $held
    in_lab kubectl delete deployments,jobs,pods,services,configmaps,secrets --all --now --timeout 60s >/dev/null
    in_lab kubectl --namespace kube-system delete daemonsets,pods --all --now --timeout 60s >/dev/null
    PATIENCE=30 eventually node_is_clean >/dev/null || node_is_clean
    clean_up
}

# --- pods

# Makes a pod of one container, `main`, which has the image busybox unless the filter says otherwise.
pod() { # NAME CLASS JQ_EDIT ARGS...
    pod_manifest "$@" >"$TEST_DIR/$1.json"
    works kubectl create --filename "$TEST_DIR/$1.json"
}

pod_manifest() { # NAME CLASS JQ_EDIT ARGS...
    jq --null-input --arg name "$1" --arg class "$2" '{
        apiVersion: "v1", kind: "Pod", metadata: {name: $name},
        spec: {runtimeClassName: $class, restartPolicy: "Never", terminationGracePeriodSeconds: 20, containers: [
            {name: "main", image: "localhost/test/busybox:1", command: $ARGS.positional}
        ]}
    }' --args -- "${@:4}" | jq "${3:-.}"
}

# What makes a pod's container a guest.
guest() { # IMAGE [JQ_EDIT]
    echo ".spec.containers[0] |= (.image = \"localhost/test/$1:1\" | .args = .command | del(.command) |
        .resources.limits.memory = \"64Mi\") | ${2:-.}"
}

# Waits until a pod's phase is one, and says what became of it when it does not get there.
reaches() { # POD PHASE
    in_lab kubectl wait --for "jsonpath={.status.phase}=$2" --timeout "${PATIENCE:-60}s" "pod/$1" >/dev/null 2>&1 || {
        in_lab kubectl describe "pod/$1"
        fail "$1 is not $2"
    }
}

is_ready() { # POD...
    in_lab kubectl wait --for condition=Ready --timeout "${PATIENCE:-60}s" "${@/#/pod\/}" >/dev/null 2>&1 || {
        in_lab kubectl describe "${@/#/pod\/}"
        fail "not ready: $*"
    }
}

of_pod() { # POD JQ_FILTER
    in_lab kubectl get pod "$1" --output json | jq --raw-output "$2"
}

address_of() { of_pod "$1" .status.podIP; }

# How a pod's container ended.
end_of() { # POD
    of_pod "$1" '.status.containerStatuses[0].state.terminated | "\(.exitCode) \(.reason)"'
}

ends_as() { # POD EXIT_CODE_REASON
    local phase=Failed
    [[ $2 != '0 '* ]] || phase=Succeeded
    reaches "$1" "$phase"
    equal "$(end_of "$1")" "$2" "how $1 ended"
}

log_of() { in_lab kubectl logs "$@"; }

# --- guests and containers

@test "Kubernetes: a guest, a container, and one of runc's" {
    need_http_guest
    pod guest swiftlet "$(guest http)"
    pod ours swiftlet "" /http
    pod theirs runc "" /http
    is_ready guest ours theirs
    local name
    for name in guest ours theirs; do
        prints_just 'hello from the http guest' curl --silent --fail --max-time 5 "http://$(address_of "$name"):8080/"
    done
}

@test "Kubernetes: the API server takes every example as it stands" {
    need_http_guest
    local file
    for file in kubernetes daemonset; do
        works kubectl apply --dry-run=server --validate=strict --filename "$repository/Specs/examples/$file.yaml"
    done
}

@test "Kubernetes: the example's Deployment is scaled up, to zero, and back, and is updated" {
    need_http_guest
    works kubectl apply --filename "$repository/Specs/examples/kubernetes.yaml"
    works kubectl rollout status deployment/hello --timeout 60s
    all_answer 2
    works kubectl scale deployment/hello --replicas 5
    works kubectl rollout status deployment/hello --timeout 60s
    all_answer 5
    works kubectl scale deployment/hello --replicas 0
    works kubectl wait --for delete --selector app=hello --timeout 60s pod
    works kubectl scale deployment/hello --replicas 3
    works kubectl rollout status deployment/hello --timeout 60s
    all_answer 3
    # Its class adds what the monitor needs to what the scheduler counts.
    equal "$(of_example .spec.overhead.memory)" $'2Mi\n2Mi\n2Mi' overhead
    # Another image, pod by pod; a version that never answers does not take the old one's place.
    works kubectl set image deployment/hello hello=registry.example/hello:1.1
    works kubectl rollout status deployment/hello --timeout 60s
    all_answer 3
    equal "$(of_example '.spec.containers[0].image' | uniq)" registry.example/hello:1.1 images
    works kubectl set image deployment/hello hello=registry.example/hello:broken
    ends_with 1 kubectl rollout status deployment/hello --timeout 5s
    works kubectl rollout undo deployment/hello
    works kubectl rollout status deployment/hello --timeout 60s
    all_answer 3
}

of_example() { # JQ_FILTER, of each of the example's pods that is not about to go
    in_lab kubectl get pods --selector app=hello --output json |
        jq --raw-output ".items[] | select(.metadata.deletionTimestamp | not) | $1"
}

# Expects that just so many pods of the example are there, and that each answers at its own address.
all_answer() { # NUMBER
    local address addresses
    addresses=$(of_example 'select(.status.phase == "Running").status.podIP')
    equal "$(sort --unique <<<"$addresses" | wc -l)" "$1" "addresses ($addresses)"
    for address in $addresses; do
        prints_just 'hello from the http guest' curl --silent --fail --max-time 5 "http://$address:8080/"
    done
}

@test "Kubernetes: exit statuses, and containers that are started again" {
    need_guests
    local class again=()
    for class in runc swiftlet; do
        pod "ends-$class" "$class" '' sh -c 'exit 7'
        pod "again-$class" "$class" '.spec.restartPolicy = "Always"' sh -c 'exit 7'
        pod "missing-$class" "$class" '' /nosuch
        again+=("again-$class")
    done
    pod guest swiftlet "$(guest exit)" 7
    pod guest-fine swiftlet "$(guest hello)" one 'two words'
    pod guest-again swiftlet "$(guest exit '.spec.restartPolicy = "Always"')" 7
    for class in runc swiftlet; do
        ends_as "ends-$class" '7 Error'
        ends_as "missing-$class" '128 StartError'
    done
    equal "$(message_of missing-swiftlet)" "$(message_of missing-runc)" 'why a program is not started'
    ends_as guest '7 Error'
    ends_as guest-fine '0 Completed'
    equal "$(log_of guest-fine)" $'Hello from swiftlet guest\ncommand line: one two words' log
    for name in "${again[@]}" guest-again; do
        PATIENCE=40 eventually crashes "$name" 7
    done
}

message_of() { # POD
    # What stands before it is containerd's and the runtime's way to say who speaks.
    of_pod "$1" '.status.containerStatuses[0].state.terminated.message' | sed -E 's/.*(exec: )/\1/'
}

# Whether the pod's container is held back after it ended with this status, and was started again more than once.
crashes() { # POD STATUS
    [[ $(of_pod "$1" '.status.containerStatuses[0] |
        "\(.restartCount > 1) \(.state.waiting.reason) \(.lastState.terminated.exitCode) \(.lastState.terminated.reason)"') == \
        "true CrashLoopBackOff $2 Error" ]]
}

@test "Kubernetes: probes" {
    need_http_guest
    local port='"httpGet": {"path": "PATH", "port": 8080}, "periodSeconds": 1'
    pod ready swiftlet "$(guest http ".spec.containers[0] += {
        startupProbe: {${port/PATH/\/}}, readinessProbe: {${port/PATH/\/args}}, livenessProbe: {tcpSocket: {port: 8080}, periodSeconds: 1}}")"
    pod unready swiftlet "$(guest http ".spec.containers[0].readinessProbe = {${port/PATH/\/nosuch}}")"
    pod sick swiftlet "$(guest http ".spec.restartPolicy = \"Always\" | .spec.terminationGracePeriodSeconds = 3 |
        .spec.containers[0].livenessProbe = {${port/PATH/\/nosuch}, failureThreshold: 2}")"
    pod asked swiftlet "$(guest http '.spec.containers[0].readinessProbe = {exec: {command: ["true"]}, periodSeconds: 1}')"
    is_ready ready
    PATIENCE=30 eventually restarted sick
    equal "$(of_pod sick '.status.containerStatuses[0].lastState.terminated | "\(.exitCode) \(.reason)"')" '143 Error' 'the end'
    # By then the others have been asked.
    PATIENCE=30 eventually has_event unready 'Readiness probe failed: HTTP probe failed with statuscode: 404'
    PATIENCE=30 eventually has_event asked 'unikernel|guest'
    equal "$(of_pod unready '.status | "\(.phase) \(.containerStatuses[0].ready)"')" 'Running false' unready
    equal "$(of_pod ready '.status.containerStatuses[0] | "\(.ready) \(.restartCount)"')" 'true 0' ready
    # A guest that ends by itself is started again, with its own status told.
    in_lab curl --silent --max-time 5 "http://$(address_of sick):8080/exit/9" >/dev/null || true
}

restarted() { # POD
    (($(of_pod "$1" '.status.containerStatuses[0].restartCount') > 0))
}

has_event() { # POD REGEX
    in_lab kubectl get events --field-selector "involvedObject.name=$1" --output 'jsonpath={.items[*].message}' | grep -qE "$2"
}

@test "Kubernetes: an init container and sidecars beside a guest" {
    need_http_guest
    local class
    pod both swiftlet "$(guest http '
        .metadata.annotations = {"org.swiftlet.unikernel.binary": "/unikernel"} |
        .spec.volumes = [{name: "shared", emptyDir: {}}] |
        {image: "localhost/test/busybox:1", volumeMounts: [{name: "shared", mountPath: "/shared"}]} as $ordinary |
        .spec.initContainers = [
            $ordinary + {name: "first", command: ["sh", "-c", "echo prepared >/shared/file; cat /proc/1/comm; true"]},
            $ordinary + {name: "proxy", restartPolicy: "Always", command: ["sh", "-c", "echo side >/tmp/side; httpd -f -p 8081 -h /tmp"],
                startupProbe: {httpGet: {path: "/side", port: 8081}, periodSeconds: 1}}] |
        .spec.containers += [$ordinary + {name: "beside", command:
            ["sh", "-c", "cat /shared/file; until wget -q -O - http://127.0.0.1:8080/; do sleep 0.2; done; wget -q -O - http://127.0.0.1:8081/side; sleep 1000"]}]')"
    is_ready both
    equal "$(log_of both --container first)" sh 'process 1 of the init container'
    PATIENCE=20 eventually shows $'prepared\nhello from the http guest\nside' kubectl logs both --container beside
    prints_just 'hello from the http guest' curl --silent --fail --max-time 5 "http://$(address_of both):8080/"
    prints_just side curl --silent --fail --max-time 5 "http://$(address_of both):8081/side"
    equal "$(of_pod both '[.status.initContainerStatuses[], .status.containerStatuses[] | "\(.name) \(.restartCount)"] | sort | join(", ")')" \
        'beside 0, first 0, main 0, proxy 0' containers
}

@test "Kubernetes: exec, attach, cp, port-forward" {
    need_http_guest
    local class port
    pod guest swiftlet "$(guest http)"
    for class in runc swiftlet; do
        pod "main-$class" "$class" '.spec.containers[0].stdin = true | .spec.containers[0].env = [{name: "OF", value: "container"}]' sh -c \
            'httpd -p 8080 -h /etc; while read -r line; do echo "got $line"; [ "$line" != end ] || exit 4; done'
    done
    is_ready guest main-runc main-swiftlet
    for class in runc swiftlet; do
        ends_with 9 kubectl exec "main-$class" -- sh -c 'echo "$OF"; echo error >&2; exit 9'
        expect_output container
        expect_error '^error'
        works "$BATS_TEST_DIRNAME/engines/at_terminal.py" size:31x71 'wait:# ' 'send:stty size; tty\r' 'wait:31 71' 'wait:/dev/pts/' 'send:exit\r' -- \
            kubectl exec --stdin --tty "main-$class" -- sh
        ends_with 1 kubectl exec "main-$class" -- /nosuch
        expect_error 'exec: "/nosuch": stat /nosuch: no such file or directory'
        works kubectl cp "$LAB/kubelet.yaml" "main-$class:/tmp/copy"
        works kubectl cp "main-$class:/tmp/copy" "$TEST_DIR/copy"
        cmp "$LAB/kubelet.yaml" "$TEST_DIR/copy"
        forwards "main-$class" 8080 /passwd root:x:0:0:root:/root:/bin/sh
        printf 'one\nend\n' >"$TEST_DIR/input"
        input=$TEST_DIR/input works kubectl attach --stdin "main-$class"
        ends_as "main-$class" '4 Error'
        matches "$(log_of "main-$class")" $'got one\ngot end$' log
    done
    # A guest has no programs, and says so.
    ends_with 1 kubectl exec guest -- true
    expect_error 'guest|unikernel'
    forwards guest 8080 / 'hello from the http guest'
    equal "$(of_pod guest '.status.containerStatuses[0].restartCount')" 0 restarts
    # A container beside it, made later, reaches it as its own.
    works kubectl debug guest --image localhost/test/busybox:1 --container later --profile general -- wget -q -O - http://127.0.0.1:8080/
    PATIENCE=20 eventually shows 'hello from the http guest' kubectl logs guest --container later
}

# Expects that a port of the pod answers by way of the API server.
forwards() { # POD PORT PATH ANSWER
    in_lab sh -c 'echo $$ >"$0"; exec kubectl port-forward "$@"' "$TEST_DIR/forwarder" "pod/$1" "8099:$2" \
        >"$TEST_DIR/forward" 2>&1 </dev/null 3>&- &
    eventually grep -q Forwarding "$TEST_DIR/forward"
    prints_just "$4" curl --silent --fail --max-time 10 "http://127.0.0.1:8099$3"
    in_lab kill "$(<"$TEST_DIR/forwarder")"
    wait $! || true
}

@test "Kubernetes: termination" {
    need_http_guest
    local class
    for class in runc swiftlet; do
        pod "polite-$class" "$class" '.spec.containers[0].lifecycle.preStop.exec.command = ["sh", "-c", "echo before >>/proc/1/fd/1"]' \
            sh -c 'trap "echo leaving; exit 3" TERM; echo ready; while :; do sleep 0.1; done'
        pod "deaf-$class" "$class" '.spec.terminationGracePeriodSeconds = 2' sh -c 'trap "" TERM; echo ready; while :; do sleep 0.1; done'
    done
    pod guest swiftlet "$(guest http '.spec.containers[0].lifecycle.preStop.httpGet = {path: "/args", port: 8080}')"
    pod guest-slept swiftlet "$(guest sleep '.spec.containers[0].lifecycle.preStop.sleep.seconds = 1')"
    local all=(polite-runc polite-swiftlet deaf-runc deaf-swiftlet guest guest-slept)
    is_ready "${all[@]}"
    hold "${all[@]}"
    for class in runc swiftlet; do
        # The follower may look for the container once more when it has been removed: that is no word of its.
        in_lab kubectl logs --follow "polite-$class" >"$TEST_DIR/log-$class" 2>"$TEST_DIR/follower" </dev/null 3>&- &
        eventually grep -q ready "$TEST_DIR/log-$class"
    done
    local began=$SECONDS
    works kubectl delete pods "${all[@]}" --wait=false
    for name in "${all[@]}"; do PATIENCE=30 eventually has_ended "$name"; done
    for class in runc swiftlet; do
        equal "$(end_of "polite-$class")" '3 Error' polite
        equal "$(end_of "deaf-$class")" '137 Error' deaf
        eventually grep -q leaving "$TEST_DIR/log-$class"
        equal "$(grep -v '^rpc error: code = NotFound ' "$TEST_DIR/log-$class")" $'ready\nbefore\nleaving' log
    done
    equal "$(end_of guest)" '143 Error' guest
    equal "$(end_of guest-slept)" '143 Error' 'guest after a pause'
    ((SECONDS - began < 15)) || fail 'a guest did not hear of its end'
}

# What is left of a pod that ends can be seen as long as somebody holds on to it.
hold() { in_lab kubectl patch pods "$@" --type merge --patch '{"metadata": {"finalizers": ["example.org/held"]}}' >/dev/null; }

let_go() { in_lab kubectl patch pods "$@" --type merge --patch '{"metadata": {"finalizers": null}}' >/dev/null; }

has_ended() { # POD
    [[ $(of_pod "$1" '.status.containerStatuses[0].state.terminated.exitCode') =~ ^[0-9]+$ ]]
}

@test "Kubernetes: limits, figures, out of memory" {
    need_http_guest
    local class
    for class in runc swiftlet; do
        pod "greedy-$class" "$class" '.spec.containers[0].resources.limits.memory = "16Mi"' sh -c 'exec tail /dev/zero'
        pod "limited-$class" "$class" '.spec.containers[0].resources = {limits: {memory: "64Mi", cpu: "500m"}, requests: {cpu: "250m"}}' \
            sh -c 'head -c 10485760 /dev/zero >/dev/shm/file; while :; do :; done'
    done
    pod guest swiftlet "$(guest http '.spec.containers[0].resources.limits.cpu = "500m"')"
    is_ready limited-runc limited-swiftlet guest
    for class in runc swiftlet; do ends_as "greedy-$class" '137 OOMKilled'; done
    equal "$(settings limited-swiftlet)" "$(settings limited-runc)" settings
    matches "$(settings guest)" '^67108864 50000 512$' 'settings of the guest'
    # Its pod has what the class adds besides: 64 MiB, and 2.
    equal "$(pod_setting guest memory memory.limit_in_bytes)" 69206016 'limit of the pod'
    prints_just touched curl --silent --max-time 10 "http://$(address_of guest):8080/grow/20"
    PATIENCE=40 eventually has_figures guest 20000000
    PATIENCE=40 eventually has_figures limited-swiftlet 10000000
    PATIENCE=40 eventually has_figures limited-runc 10000000
}

# What the kernel was told of a pod's container.
settings() { # POD
    local id
    id=$(of_pod "$1" '.status.containerStatuses[0].containerID')
    echo "$(pod_setting "$1" memory "${id##*/}/memory.limit_in_bytes") $(pod_setting "$1" cpu "${id##*/}/cpu.cfs_quota_us") $(
        pod_setting "$1" cpu "${id##*/}/cpu.shares")"
}

pod_setting() { # POD CONTROLLER FILE
    cat "/sys/fs/cgroup/$2/$LAB_NAME"/kubepods/{,*/}"pod$(of_pod "$1" .metadata.uid)/$3" 2>/dev/null
}

# Whether the kubelet tells of the pod's memory, which is at least so much, of its container, and of processor time.
has_figures() { # POD BYTES
    in_lab kubectl get --raw "/api/v1/nodes/$NODE/proxy/stats/summary" | jq --exit-status --arg pod "$1" --argjson bytes "$2" '
        .pods[] | select(.podRef.name == $pod) | .memory.workingSetBytes >= $bytes and .containers[0].memory.workingSetBytes >= $bytes and
            .containers[0].cpu.usageCoreNanoSeconds > 0 and .network.rxBytes > 0' >/dev/null
}

@test "Kubernetes: the resources of a running pod change" {
    need_guests
    local name
    pod guest swiftlet "$(guest sleep '.spec.containers[0].resources.limits.cpu = "500m"')"
    for class in runc swiftlet; do
        pod "container-$class" "$class" '.spec.containers[0].resources.limits = {memory: "64Mi", cpu: "500m"}' sleep 1000
    done
    is_ready guest container-runc container-swiftlet
    for name in guest container-runc container-swiftlet; do
        works kubectl patch pod "$name" --subresource resize --patch \
            '{"spec": {"containers": [{"name": "main", "resources": {"limits": {"cpu": "250m"}, "requests": {"cpu": "250m"}}}]}}'
    done
    for name in guest container-runc container-swiftlet; do
        PATIENCE=30 eventually has_settings "$name" '67108864 25000 256'
        equal "$(of_pod "$name" '.status.containerStatuses[0].restartCount')" 0 restarts
    done
}

has_settings() { [[ $(settings "$1") == "$2" ]]; }

@test "Kubernetes: jobs" {
    need_guests
    job good '' 0
    job bad '.spec.backoffLimit = 1' 7
    # Which statuses are worth another try is the job's to say.
    job hopeless '.spec.backoffLimit = 5 | .spec.podFailurePolicy.rules = [{action: "FailJob", onExitCodes: {operator: "In", values: [42]}}]' 42
    job three '.spec.completions = 3 | .spec.parallelism = 2' 0
    works kubectl wait --for condition=Complete --timeout 60s job/good job/three
    works kubectl wait --for condition=Failed --timeout 60s job/bad job/hopeless
    equal "$(in_lab kubectl get jobs --output json | jq --raw-output \
        '.items[] | "\(.metadata.name) \(.status.succeeded // 0) \(.status.failed // 0) \(.status.conditions[-1].reason)"')" \
        $'bad 0 2 BackoffLimitExceeded\ngood 1 0 CompletionsReached\nhopeless 0 1 PodFailurePolicy\nthree 3 0 CompletionsReached' jobs
}

# Makes a job whose guest ends with a status.
job() { # NAME JQ_EDIT STATUS
    jq --null-input --arg name "$1" --arg status "$3" '{
        apiVersion: "batch/v1", kind: "Job", metadata: {name: $name},
        spec: {template: {spec: {runtimeClassName: "swiftlet", restartPolicy: "Never", containers: [
            {name: "main", image: "localhost/test/exit:1", args: [$status], resources: {limits: {memory: "64Mi"}}}
        ]}}}
    }' | jq "${2:-.}" >"$TEST_DIR/$1.json"
    works kubectl create --filename "$TEST_DIR/$1.json"
}

@test "Kubernetes: the example's DaemonSet installs the runtime on the node, and takes it back" {
    need_http_guest
    in_lab /usr/local/bin/swiftlet install-engine cri --undo >/dev/null
    in_lab rm /usr/local/bin/swiftlet
    in_lab /usr/local/bin/systemctl restart containerd
    works kubectl apply --filename "$repository/Specs/examples/daemonset.yaml"
    pod guest swiftlet "$(guest http)"
    is_ready guest
    prints_just 'hello from the http guest' curl --silent --fail --max-time 5 "http://$(address_of guest):8080/"
    in_lab cmp "$RUNTIME" /usr/local/bin/swiftlet
    works kubectl delete pod guest --now
    works kubectl --namespace kube-system delete daemonset swiftlet-install --timeout 60s
    works kubectl --namespace kube-system wait --for delete --selector name=swiftlet-install --timeout 60s pod
    in_lab cmp "$LAB/containerd.toml" /etc/containerd/config.toml
    # For those that come after.
    node_installs
}

@test "Kubernetes: a namespace goes, and nothing of it stays" {
    need_http_guest
    works kubectl create namespace gone
    works kubectl --namespace gone apply --filename "$repository/Specs/examples/kubernetes.yaml"
    works kubectl --namespace gone rollout status deployment/hello --timeout 60s
    works kubectl delete namespace gone --timeout 60s
    PATIENCE=30 eventually node_is_clean >/dev/null || node_is_clean
}

@test "Kubernetes: a Service leads to guests, from the node, from containers and from guests" {
    need_http_guest
    PATH=$LAB_PATH command -v kube-proxy >/dev/null || skip 'kube-proxy is not on LAB_PATH'
    local name address
    cluster_proxy
    for name in web-1 web-2; do pod "$name" swiftlet "$(guest http '.metadata.labels.app = "web"')"; done
    for name in runc swiftlet; do pod "client-$name" "$name" '' sleep 1000; done
    pod guest swiftlet "$(guest http)"
    works kubectl create service nodeport web --tcp 80:8080 --node-port 30080
    is_ready web-1 web-2 client-runc client-swiftlet guest
    address=$(in_lab kubectl get service web --output 'jsonpath={.spec.clusterIP}')
    # Either of the two, by chance.
    for name in web-1 web-2; do
        PATIENCE=20 eventually mentions "$(address_of "$name")" curl --silent --max-time 5 "http://$address/addresses"
    done
    prints_just 'hello from the http guest' curl --silent --fail --max-time 5 "http://$NODE_ADDRESS:30080/"
    for name in runc swiftlet; do
        prints_just 'hello from the http guest' kubectl exec "client-$name" -- wget -q -O - "http://$address/"
    done
    prints_just $'200 OK\nhello from the http guest' curl --silent --max-time 5 "http://$(address_of guest):8080/fetch?$address:80/"
}

@test "Kubernetes: volumes of a guest" {
    need_guests
    works kubectl create configmap words --from-literal 'word=a word'
    works kubectl create secret generic secrets --from-literal 'password=secret'
    local mounts='{name: "secrets", mountPath: "/data/disk1", readOnly: true}'
    # Directories are archives; a file of an emptyDir is a disk that it can write to.
    pod archives swiftlet "$(guest disks ".spec.volumes = [{name: \"words\", configMap: {name: \"words\"}}, {name: \"secrets\", secret:
        {secretName: \"secrets\"}}] | .spec.containers[0].volumeMounts = [{name: \"words\", mountPath: \"/disk\"}, $mounts]")" dump disk1 dump disk
    pod file swiftlet "$(guest disks ".spec.volumes = [{name: \"empty\", emptyDir: {}}, {name: \"secrets\", secret:
        {secretName: \"secrets\"}}] | .spec.initContainers = [{name: \"first\", image: \"localhost/test/busybox:1\",
            command: [\"truncate\", \"-s\", \"65536\", \"/empty/file\"], volumeMounts: [{name: \"empty\", mountPath: \"/empty\"}]}] |
        .spec.containers[0].volumeMounts = [{name: \"empty\", mountPath: \"/dev/disk\", subPath: \"file\"}, $mounts]")" \
        size disk write disk 1 170 read disk 1
    pod nowhere swiftlet "$(guest hello '.spec.volumes = [{name: "empty", emptyDir: {}}] |
        .spec.containers[0].volumeMounts = [{name: "empty", mountPath: "/data"}]')"
    ends_as archives '0 Completed'
    matches "$(log_of archives | perl -pe 's/(..)\n?/chr hex $1/ge' | tr '\0' ' ')" '^password .* secret .*word .* a word ' archives
    ends_as file '0 Completed'
    equal "$(log_of file)" $'65536 in sectors of 512\nwritten\n'"$(printf 'aa%.0s' {1..16})" 'the file'
    ends_as nowhere '128 StartError'
    matches "$(message_of nowhere)" 'the guest cannot be given /data' 'why it has no volume'
}

@test "Kubernetes: what guests may be told by a pod, and what not" {
    need_http_guest
    local name
    pod user swiftlet "$(guest http '.spec.securityContext = {runAsUser: 1234, runAsNonRoot: true, fsGroup: 77}')"
    pod strict swiftlet "$(guest http '.spec.containers[0].securityContext = {readOnlyRootFilesystem: true,
        allowPrivilegeEscalation: false, capabilities: {drop: ["ALL"]}, seccompProfile: {type: "RuntimeDefault"}}')"
    pod shared swiftlet "$(guest http '.spec.shareProcessNamespace = true')"
    pod host swiftlet "$(guest http '.spec += {hostPID: true, hostIPC: true}')"
    pod port swiftlet "$(guest http '.spec.containers[0].ports = [{containerPort: 8080, hostPort: 8077}]')"
    pod words swiftlet "$(guest http '.spec.containers[0].env = [{name: "PORT", value: "9090"}]')" '--port=$(PORT)'
    pod message swiftlet "$(guest exit '.spec.containers[0] += {terminationMessagePath: "/a/message",
        terminationMessagePolicy: "FallbackToLogsOnError"}')" 3
    pod network swiftlet "$(guest http '.spec.hostNetwork = true')"
    is_ready user strict shared host port words
    for name in user strict shared host; do
        prints_just 'hello from the http guest' curl --silent --fail --max-time 5 "http://$(address_of "$name"):8080/"
    done
    prints_just 'hello from the http guest' curl --silent --fail --max-time 5 "http://$NODE_ADDRESS:8077/"
    prints_just 'hello from the http guest' curl --silent --fail --max-time 5 "http://$(address_of words):9090/"
    ends_as message '3 Error'
    ends_as network '128 StartError'
    matches "$(message_of network)" "would take the host's interfaces over: it needs a network namespace" 'why it has no network'
}

@test "Kubernetes: guests under QEMU" {
    need_machines
    local image
    for image in http exit; do
        lab_machine_image "$image"
        cluster_image "$image-virt" 1
    done
    local memory='.spec.containers[0].resources.limits.memory = "160Mi"'
    pod ends swiftlet "$(guest exit-virt "$memory")" 7
    # Such a guest is told of its address by nobody but the pod.
    pod web swiftlet "$(guest http-virt "$memory | .spec.containers[0] += {env: [{name: \"ADDRESS\", valueFrom: {fieldRef: {fieldPath:
        \"status.podIP\"}}}], readinessProbe: {tcpSocket: {port: 8080}, periodSeconds: 1}}")" '--ipv4=$(ADDRESS)/24'
    ends_as ends '7 Error'
    is_ready web
    prints_just 'hello from the http guest' curl --silent --fail --max-time 5 "http://$(address_of web):8080/"
}

@test "Kubernetes: a kubelet and a containerd that begin anew leave pods alone" {
    need_http_guest
    local class name all=(guest ours theirs)
    pod guest swiftlet "$(guest http)"
    pod ours swiftlet '' /http
    pod theirs runc '' /http
    is_ready "${all[@]}"
    in_lab sh -c 'kill "$(pidof kubelet)"; while pidof kubelet; do sleep 0.1; done' >/dev/null
    in_lab /usr/local/bin/systemctl restart containerd
    for name in "${all[@]}"; do http_answers "$(address_of "$name")"; done
    # One ends while nobody looks.
    in_lab curl --silent --max-time 5 "http://$(address_of guest):8080/exit/9" >/dev/null || true
    lab_kubelet
    ends_as guest '9 Error'
    for name in ours theirs; do
        equal "$(of_pod "$name" '.status.containerStatuses[0] | "\(.ready) \(.restartCount)"')" 'true 0' "$name"
        prints_just 'hello from the http guest' kubectl exec "$name" -- wget -q -O - http://127.0.0.1:8080/
    done
}

# What a pod may ask for, a row each: a name, what is changed in it, and what its container runs. What comes out has to be the
# same with runc.
pod_rows() {
    cat <<'ROWS'
environment %% .spec.containers[0] += {env: [{name: "POD", valueFrom: {fieldRef: {fieldPath: "metadata.namespace"}}}, {name: "NODE", valueFrom: {fieldRef: {fieldPath: "spec.nodeName"}}}, {name: "LIMIT", valueFrom: {resourceFieldRef: {resource: "limits.memory"}}}, {name: "WORD", valueFrom: {configMapKeyRef: {name: "words", key: "word"}}}, {name: "BOTH", value: "$(WORD) and $(POD)"}], envFrom: [{secretRef: {name: "secrets"}, prefix: "S_"}], resources: {limits: {memory: "32Mi"}}} %% echo "$POD $NODE $LIMIT $WORD $BOTH $S_password"
volumes %% .spec.volumes = [{name: "words", configMap: {name: "words", defaultMode: 288}}, {name: "secrets", secret: {secretName: "secrets"}}, {name: "pod", downwardAPI: {items: [{path: "labels", fieldRef: {fieldPath: "metadata.labels"}}]}}, {name: "empty", emptyDir: {}}, {name: "memory", emptyDir: {medium: "Memory", sizeLimit: "1Mi"}}] | .spec.securityContext.fsGroup = 4321 | .metadata.labels.a = "b" | .spec.containers[0].volumeMounts = [{name: "words", mountPath: "/words"}, {name: "secrets", mountPath: "/secrets", readOnly: true}, {name: "pod", mountPath: "/pod"}, {name: "empty", mountPath: "/empty"}, {name: "memory", mountPath: "/memory"}, {name: "words", mountPath: "/bin/one", subPath: "word"}] %% cat /words/word /secrets/password /pod/labels /bin/one; stat -c '%a %g' /words/..data/word; touch /secrets/a; echo x >/empty/file; stat -c '%g %a' /empty /empty/file; df -m /memory | awk 'END { print $2 }'; cat /var/run/secrets/kubernetes.io/serviceaccount/namespace
directory %% .spec.containers[0].workingDir = "/tmp" | .spec += {hostname: "somebody", subdomain: "sub", hostAliases: [{ip: "192.0.2.1", hostnames: ["other"]}], dnsPolicy: "None", dnsConfig: {nameservers: ["192.0.2.53"], searches: ["example.org"], options: [{name: "ndots", value: "2"}]}} %% pwd; hostname; hostname -f; grep other /etc/hosts; cat /etc/resolv.conf
user %% .spec.securityContext = {runAsUser: 1234, runAsGroup: 2345, supplementalGroups: [11, 12], fsGroup: 4321} %% id; touch /file
privileges %% .spec.containers[0].securityContext = {readOnlyRootFilesystem: true, allowPrivilegeEscalation: false, capabilities: {drop: ["ALL"], add: ["NET_ADMIN", "CHOWN"]}, seccompProfile: {type: "RuntimeDefault"}} %% grep -E 'Cap|NoNewPrivs|Seccomp:' /proc/self/status; touch /file; unshare -m true
root %% .spec.containers[0].securityContext.runAsNonRoot = true %% id
privileged %% .spec.containers[0].securityContext.privileged = true %% grep -E 'Cap|Seccomp:' /proc/self/status; ls /dev | grep -cE '^(kmsg|fuse|mem|tty1)$'; mount -t tmpfs tmpfs /mnt && echo mounted; grep -c ' /proc/' /proc/mounts
sysctls %% .spec.securityContext.sysctls = [{name: "net.ipv4.ip_unprivileged_port_start", value: "80"}, {name: "net.ipv4.ping_group_range", value: "0 5"}] %% cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/net/ipv4/ping_group_range
network %% .spec.hostNetwork = true %% ls -d /sys/class/net/uplink; hostname
processes %% .spec.hostPID = true %% test -d /proc/$PPID && cat /proc/1/comm
together %% .spec.shareProcessNamespace = true %% cat /proc/1/comm; ps -o comm >/tmp/list; sort -u /tmp/list
shared %% .spec.hostIPC = true %% readlink /proc/self/ns/ipc
paths %% .spec.volumes = [{name: "host", hostPath: {path: "/etc/containerd", type: "Directory"}}, {name: "file", hostPath: {path: "/etc/containerd/config.toml", type: "File"}}] | .spec.containers[0].volumeMounts = [{name: "host", mountPath: "/host", readOnly: true, recursiveReadOnly: "IfPossible"}, {name: "file", mountPath: "/file", mountPropagation: "HostToContainer"}] %% ls /host; grep -c runtimes /file; touch /host/a; grep -E ' /(host|file) ' /proc/self/mountinfo | sed -E 's/.* - //; s/ .*//'
message %% .spec.containers[0].terminationMessagePath = "/message/here" %% echo words >/message/here; exit 3
fallback %% .spec.containers[0].terminationMessagePolicy = "FallbackToLogsOnError" %% echo last words; exit 4
limits %% .spec.containers[0].resources = {limits: {memory: "48Mi", cpu: "300m", "ephemeral-storage": "1Gi"}, requests: {memory: "16Mi", cpu: "100m"}} %% cat /proc/self/oom_score_adj; cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu/cpu.shares; ls /sys/fs/cgroup
effort %%  %% cat /proc/self/oom_score_adj; cat /sys/fs/cgroup/cpu/cpu.shares; sed -E 's/[0-9a-f-]{30,}//g; /^0:/d' /proc/self/cgroup | sort
limit %% .spec.activeDeadlineSeconds = 3 %% echo begun; sleep 1000
many %% .spec.containers[0].lifecycle.postStart.exec.command = ["sh", "-c", "echo after >/proc/1/fd/1; touch /tmp/after"] %% until [ -e /tmp/after ]; do sleep 0.1; done; ulimit -n; nproc; stat -c %t:%T /dev/null /dev/zero /dev/full /dev/tty; ls -l /dev/fd /dev/stdin | awk '{ print $NF }'; cat /proc/self/attr/current 2>/dev/null; mount | awk '{ print $3, $5 }' | sort
ROWS
}

@test "Kubernetes: what pods ask for is as with runc" {
    works kubectl create configmap words --from-literal 'word=a word'
    works kubectl create secret generic secrets --from-literal 'password=secret'
    local row name edit script class names=() different=''
    mkdir "$TEST_DIR/pods"
    while read -r row; do
        name=${row%% \%\%*} script=${row##*%% } edit=${row#*%% }
        edit=${edit% \%\%*}
        for class in runc swiftlet; do
            pod_manifest "$name-$class" "$class" "$edit" sh -c "exec 2>&1; $script" >"$TEST_DIR/pods/$name-$class.json"
        done
        names+=("$name")
    done < <(pod_rows)
    works kubectl create --filename "$TEST_DIR/pods"
    PATIENCE=60 eventually are_over || in_lab kubectl get pods
    for name in "${names[@]}"; do
        equal "$(outcome "$name-swiftlet")" "$(outcome "$name-runc")" "$name" || different+=" $name"
    done
    [[ ! $different ]] || fail "other than with runc:$different"
}

# Whether all pods have ended or will never start.
are_over() {
    in_lab kubectl get pods --output json | jq --exit-status '[.items[].status | (.phase | IN("Succeeded", "Failed")) or
        (.containerStatuses[0].state.waiting.reason // "" | endswith("ConfigError"))] | all' >/dev/null
}

# How a pod ended, what its container said, and what it printed.
outcome() { # POD
    of_pod "$1" '.status.phase, .status.reason, (.status.containerStatuses[0].state |
        .terminated.exitCode, .terminated.reason, .terminated.message, .waiting.reason, .waiting.message)' |
        sed 's/ (pod: .*//'
    in_lab kubectl logs "$1" 2>&1 | sed "s/$1/POD/g"
}
