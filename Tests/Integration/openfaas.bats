# OpenFaaS itself: faasd's provider, unmodified, on Debian's containerd, which finds the runtime in the place of runc. A
# function is deployed, invoked, scaled to zero and back, updated and deleted by the provider's HTTP interface, once as a
# unikernel and once as an ordinary container, and so it is by OpenFaaS' gateway. Skips itself where there is no faasd on PATH;
# what needs the gateway, where there is no gateway.

load helpers
load engines/lab

setup_file() {
    export LAB_LIMIT=100
    local faasd
    lab_needs containerd ctr containerd-shim-runc-v2 curl || return 0
    faasd=$(command -v faasd) || LAB_MISSING='faasd is not on PATH'
    [[ -x /usr/lib/cni/firewall ]] || LAB_MISSING='containernetworking-plugins is not installed'
    [[ ! $LAB_MISSING ]] || return 0
    export FUNCTION_CGROUPS
    FUNCTION_CGROUPS=$(find /sys/fs/cgroup -type d -name openfaas-fn)
    lab_up /var/lib/containerd /var/lib/faasd /var/lib/faasd-provider /etc/cni /opt/cni/bin /usr/local/bin
    lab_plugins
    # faasd has its logs collected by itself, under this name.
    in_lab cp "$faasd" /usr/local/bin/faasd
    mkdir "$LAB/bin"
    ln -s "$RUNTIME" "$LAB/bin/runc"
    lab_daemon containerd env PATH="$LAB/bin:$LAB_PATH" containerd --log-level warn
    lab_image http-linux --entrypoint /http "$GUESTS/http.linux=http"
    lab_waits_for containerd ctr version
    in_lab ctr namespaces create openfaas-fn openfaas=true
    in_lab ctr --namespace openfaas-fn image import "$LAB/http-linux.tar" >/dev/null
    if has_http_guest; then
        lab_http_image
        in_lab ctr --namespace openfaas-fn image import "$LAB/http.tar" >/dev/null
    fi
    # What its other half, which runs the gateway, puts there.
    in_lab sh -c 'echo "127.0.0.1 localhost" >/var/lib/faasd/hosts && echo "nameserver 192.0.2.1" >/var/lib/faasd/resolv.conf'
    in_lab sh -c 'mkdir /run/secrets && printf admin >/run/secrets/basic-auth-user && printf word >/run/secrets/basic-auth-password'
    lab_daemon faasd sh -c 'cd /var/lib/faasd-provider && port=8081 exec /usr/local/bin/faasd provider --pull-policy IfNotPresent'
    lab_waits_for faasd curl --silent --fail http://127.0.0.1:8081/healthz
}

# faasd's own cgroup, which is not one of the lab's.
teardown_file() {
    local file
    [[ ! ${FUNCTION_CGROUPS+set} ]] ||
        find /sys/fs/cgroup -path '*/openfaas-fn/*/freezer.state' 2>/dev/null | while read -r file; do echo THAWED >"$file"; done
    lab_down
    [[ ${FUNCTION_CGROUPS-set} ]] || find /sys/fs/cgroup -depth -type d -path '*/openfaas-fn*' -exec rmdir {} + 2>/dev/null || true
}

setup() {
    need_lab
    prepare
}

# A request to the provider, or to what listens at $OPENFAAS_PORT; prints the answer.
provider() { # METHOD PATH [DOCUMENT]
    works curl --user admin:word --silent --show-error --fail-with-body --max-time 60 --request "$1" --header 'Content-Type: application/json' \
        ${3:+--data "$3"} "http://127.0.0.1:${OPENFAAS_PORT-8081}$2"
}

invoked() { # NAME
    in_lab curl --silent --fail --max-time 5 "http://127.0.0.1:${OPENFAAS_PORT-8081}/function/$1" | grep -q 'hello from the http'
}

replicas() { # NAME
    in_lab curl --user admin:word --silent --fail "http://127.0.0.1:${OPENFAAS_PORT-8081}/system/function/$1" | jq ".replicas // 0"
}

# Tells the provider, for the gateway's community edition takes nobody to zero.
scale() { # NAME NUMBER
    OPENFAAS_PORT=8081 provider POST "/system/scale-function/$1" "{\"serviceName\": \"$1\", \"replicas\": $2}"
}

has_replicas() { [[ $(replicas "$1") == "$2" ]]; } # NAME NUMBER

# The life of a function.
function_lives() { # IMAGE
    local name=life request
    request=$(jq --null-input --compact-output --arg image "localhost/test/$1:latest" --arg name "$name" \
        '{service: $name, image: $image, envVars: {word: "one"}, labels: {team: "a"}, annotations: {note: "b"},
            limits: {memory: "64Mi"}}')
    provider POST /system/functions "$request"
    eventually invoked "$name"
    provider GET /system/functions
    equal "$(jq --raw-output '.[] | "\(.name) \(.image)"' <<<"$output")" "$name localhost/test/$1:latest" "functions"
    equal "$(replicas "$name")" 1 replicas
    # To zero, which is a pause here, and back.
    scale "$name" 0
    eventually has_replicas "$name" 0
    scale "$name" 1
    eventually invoked "$name"
    # Anew, as an update has it.
    provider PUT /system/functions "$(jq --compact-output '.envVars.word = "two"' <<<"$request")"
    eventually invoked "$name"
    # One whose task has gone is started again.
    in_lab ctr --namespace openfaas-fn task kill --signal KILL "$name" >/dev/null
    eventually task_has_ended "$name"
    scale "$name" 1
    eventually invoked "$name"
    provider DELETE /system/functions '{"functionName": "'"$name"'"}'
    provider GET /system/functions
    equal "$output" '[]' "functions at the end"
    nothing_left
}

task_has_ended() { # NAME
    in_lab ctr --namespace openfaas-fn task ls | grep -qE "^$1 .*STOPPED"
}

nothing_left() {
    prints_just '' ctr --namespace openfaas-fn task ls --quiet
    prints_just '' ctr --namespace openfaas-fn container ls --quiet
    works sh -c 'ls -d /run/containerd/runc/openfaas-fn/* 2>/dev/null || true'
    expect_output ''
    works sh -c 'ip -o link | grep -E "veth|tap" || true'
    expect_output ''
    equal "$(find /sys/fs/cgroup -mindepth 3 -type d -path '*/openfaas-fn/*')" '' "cgroups left"
}

@test "faasd itself: a unikernel is deployed, invoked, scaled to zero and back, updated, deleted" {
    need_http_guest
    function_lives http
}

@test "faasd itself: an ordinary container likewise" { function_lives http-linux; }

@test "faasd itself: functions of both kinds at once" {
    need_http_guest
    local number image
    for number in {1..10}; do
        image=http
        ((number % 2)) || image=http-linux
        provider POST /system/functions "{\"service\": \"many-$number\", \"image\": \"localhost/test/$image:latest\"}"
    done
    for number in {1..10}; do eventually invoked "many-$number"; done
    for number in {1..10}; do provider DELETE /system/functions "{\"functionName\": \"many-$number\"}"; done
    nothing_left
}

@test "OpenFaaS' gateway before faasd: unikernels and ordinary containers live, and are woken from zero by a request" {
    need_http_guest
    local gateway image
    gateway=$(command -v gateway) || skip 'gateway is not on PATH'
    # It does not do without somebody who counts invocations: nobody has counted any.
    mkdir -p "$LAB/prometheus/api/v1"
    echo '{"data": {"result": []}}' >"$LAB/prometheus/api/v1/query"
    lab_daemon prometheus python3 -m http.server 9090 --bind 127.0.0.1 --directory "$LAB/prometheus"
    lab_daemon gateway env functions_provider_url=http://127.0.0.1:8081/ basic_auth=true secret_mount_path=/run/secrets \
        scale_from_zero=true faas_prometheus_host=127.0.0.1 "$gateway"
    lab_waits_for gateway curl --silent --fail http://127.0.0.1:8080/healthz
    OPENFAAS_PORT=8080
    for image in http http-linux; do
        function_lives "$image"
        provider POST /system/functions "{\"service\": \"woken\", \"image\": \"localhost/test/$image:latest\"}"
        eventually invoked woken
        scale woken 0
        eventually has_replicas woken 0
        PATIENCE=20 eventually invoked woken
        eventually has_replicas woken 1
        provider DELETE /system/functions '{"functionName": "woken"}'
        nothing_left
    done
}
