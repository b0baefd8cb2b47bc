#!/usr/bin/env bats
# A guest in a network namespace with ordinary processes and other guests, as in a pod.

load helpers
load network

setup() {
    prepare
    need_guests spt
    need_links
    need_command curl
    [[ -e $GUESTS/http.spt ]] || skip "no guest http in $GUESTS: build it with Hack/build-guests"
    namespace host
    namespace pod
    at "$pod" ip link set lo up
    link "$host" host0 "$pod" eth0 10.0.0.2/24 fd00::2/64
    at "$host" ip addr add 10.0.0.1/24 dev host0
    at "$host" ip -6 addr add fd00::1/64 dev host0 nodad
    at "$pod" ip route add default via 10.0.0.1
    at "$pod" ip -6 route add default via fd00::1
}

# A guest that serves HTTP in the pod; more of config.json by a filter.
web_guest() { # [JQ_FILTER [ARGS...]]
    guest_bundle spt http "${@:2}"
    edit '(.linux.namespaces[] | select(.type == "network")).path = "/proc/'"$pod"'/ns/net" |
        .annotations = {"org.swiftlet.unikernel.type": "mirage"} | .linux.resources.memory.limit = 67108864'
    edit "${1-.}"
    create
    ok start "$ID"
    eventually prints "listening on"
}

# An ordinary server; at its address it answers with a word.
web_server() { # PID ADDRESS PORT WORD
    nsenter --net --target "$1" -- python3 -B "$BATS_TEST_DIRNAME/answer.py" "${@:2}" >"$TEST_DIR/$4.web" 2>&1 3>&- &
    remember_pid $!
    echo $! >>"$TEST_DIR/holders"
    eventually grep -q ready "$TEST_DIR/$4.web"
}

# What somebody gets from an address.
get() { # PID URL
    at "$1" curl --silent --globoff --max-time 8 "$2"
}

expect_page() { # PID URL TEXT
    local page
    page=$(get "$1" "$2") || fail "no answer of $2: status $?"
    [[ $page == *"$3"* ]] || fail "expected from $2: $3; got: $page"
}

guest_text='hello from the http guest'

@test "a guest and a sidecar have one address: each has its ports, to both sides" {
    local before
    before=$(network_of "$pod")
    web_server "$pod" 0.0.0.0 9000 sidecar
    web_server "$host" 10.0.0.1 7000 outside
    web_guest
    expect_page "$host" http://10.0.0.2:8080/ "$guest_text"
    expect_page "$host" 'http://[fd00::2]:8080/' "$guest_text"
    expect_page "$host" http://10.0.0.2:9000/ sidecar
    # Connections that begin inside find their way back.
    expect_page "$pod" http://10.0.0.1:7000/ outside
    expect_page "$host" 'http://10.0.0.2:8080/fetch?10.0.0.1:7000/' outside
    ok delete --force "$ID"
    equal "$(network_of "$pod")" "$before" "the namespace after delete"
    # The sidecar has everything again.
    expect_page "$host" http://10.0.0.2:9000/ sidecar
}

@test "sidecars reach a guest at 127.0.0.1 and at the pod's address" {
    web_server "$pod" 127.0.0.1 9000 sidecar
    web_guest
    expect_page "$pod" http://127.0.0.1:8080/ "$guest_text"
    expect_page "$pod" http://10.0.0.2:8080/ "$guest_text"
    expect_page "$pod" http://127.0.0.1:9000/ sidecar
    expect_page "$pod" 'http://[::1]:8080/' "$guest_text"
    expect_page "$pod" 'http://[fd00::2]:8080/' "$guest_text"
    web_server "$pod" ::1 9001 sidecar6
    expect_page "$pod" 'http://[::1]:9001/' sidecar6
    # In pieces larger than a packet.
    equal "$(get "$pod" http://127.0.0.1:8080/bytes/3000000 | wc -c)" 3000000 "bytes through the loopback interface"
    equal "$(get "$pod" 'http://[::1]:8080/bytes/3000000' | wc -c)" 3000000 "bytes through the loopback interface, IPv6"
    # Where neither listens, the connection is refused at once.
    local status=0
    get "$pod" http://127.0.0.1:8081/ || status=$?
    equal "$status" 7 "curl's status for a refused connection"
    status=0
    get "$pod" 'http://[::1]:8081/' || status=$?
    equal "$status" 7 "curl's status for a refused connection, IPv6"
}

@test "a guest reaches what listens at the pod's 127.0.0.1" {
    web_server "$pod" 127.0.0.1 9000 sidecar
    web_guest
    expect_page "$host" 'http://10.0.0.2:8080/fetch?169.254.83.1:9000/' sidecar
    web_server "$pod" ::1 9001 sidecar6
    expect_page "$host" 'http://10.0.0.2:8080/fetch?[fd73:776c:6574:53::1]:9001/' sidecar6
}

@test "two guests on one interface, each with an address of its own" {
    local before first
    at "$pod" ip addr add 10.0.0.3/24 dev eth0
    before=$(network_of "$pod")
    web_guest '.annotations["org.swiftlet.unikernel.addresses"] = "10.0.0.2"' one
    first=$ID
    web_guest '.annotations["org.swiftlet.unikernel.addresses"] = "10.0.0.3"' two
    expect_page "$host" http://10.0.0.2:8080/args one
    expect_page "$host" http://10.0.0.3:8080/args two
    ok delete --force "$first"
    expect_page "$host" http://10.0.0.3:8080/args two
    ok delete --force "$ID"
    equal "$(network_of "$pod")" "$before" "the namespace after delete"
}

@test "two guests share an address by ports" {
    local before first
    before=$(network_of "$pod")
    web_guest '.annotations["org.swiftlet.unikernel.ports"] = "8080"' one
    first=$ID
    web_guest '.annotations["org.swiftlet.unikernel.ports"] = "8090-8099,9"' two --port=8091
    expect_page "$host" http://10.0.0.2:8080/args one
    expect_page "$host" http://10.0.0.2:8091/args two
    expect_page "$pod" http://127.0.0.1:8080/args one
    expect_page "$pod" http://127.0.0.1:8091/args two
    expect_page "$pod" 'http://[::1]:8080/args' one
    expect_page "$pod" 'http://[::1]:8091/args' two
    ok delete --force "$ID"
    expect_page "$host" http://10.0.0.2:8080/args one
    ok delete --force "$first"
    equal "$(network_of "$pod")" "$before" "the namespace after delete"
}

@test "guests with ports begin connections of their own, to both sides" {
    local before first
    before=$(network_of "$pod")
    web_server "$pod" 127.0.0.1 9000 sidecar
    web_server "$host" 10.0.0.1 7000 outside
    web_guest '.annotations["org.swiftlet.unikernel.ports"] = "8080"' one
    first=$ID
    web_guest '.annotations["org.swiftlet.unikernel.ports"] = "8091"' two --port=8091
    for _ in {1..5}; do
        expect_page "$host" 'http://10.0.0.2:8080/fetch?10.0.0.1:7000/' outside
        expect_page "$host" 'http://10.0.0.2:8091/fetch?10.0.0.1:7000/' outside
        expect_page "$host" 'http://10.0.0.2:8091/fetch?169.254.83.1:9000/' sidecar
    done
    # What they did not ask for is not theirs: a port of nobody's is refused at once.
    local status=0
    get "$host" http://10.0.0.2:8081/ || status=$?
    equal "$status" 7 "curl's status for a refused connection"
    # Nor is anything of the sidecar's and of a process of the pod.
    expect_page "$pod" http://10.0.0.1:7000/ outside
    ok delete --force "$ID"
    expect_page "$host" 'http://10.0.0.2:8080/fetch?10.0.0.1:7000/' outside
    ok delete --force "$first"
    equal "$(network_of "$pod")" "$before" "the namespace after delete"
}

@test "what a namespace lets its loopback interface take is as before, whichever guest goes last" {
    local before setting=/proc/sys/net/ipv4/conf/lo/route_localnet
    at "$pod" sh -c "echo 1 >$setting"
    before=$(network_of "$pod")
    web_guest '.annotations["org.swiftlet.unikernel.ports"] = "8080"'
    local first=$ID
    web_guest '.annotations["org.swiftlet.unikernel.ports"] = "8091"' --port=8091
    ok delete --force "$first"
    equal "$(at "$pod" cat "${setting/route_localnet/accept_local}")" 1 "accept_local beside another guest"
    expect_page "$pod" http://127.0.0.1:8091/ "$guest_text"
    ok delete --force "$ID"
    equal "$(network_of "$pod")" "$before" "the namespace after delete"
}

@test "an address that the namespace has not is an error at start" {
    guest_bundle spt http
    edit '(.linux.namespaces[] | select(.type == "network")).path = "/proc/'"$pod"'/ns/net" |
        .annotations = {"org.swiftlet.unikernel.addresses": "10.0.0.9"}'
    local before
    before=$(network_of "$pod")
    create
    refused 'no interface of the network namespace has the address 10.0.0.9' start "$ID"
    equal "$(network_of "$pod")" "$before" "the namespace after the failure"
}

@test "addresses and ports that are none are errors at create" {
    guest_bundle spt http
    edit '.annotations = {"org.swiftlet.unikernel.addresses": "10.0.0.2,10.0.0"}'
    run_container
    expect_refusal 'org.swiftlet.unikernel.addresses: "10.0.0" is no IP address'
    edit '.annotations = {"org.swiftlet.unikernel.ports": "80-79"}'
    run_container
    expect_refusal 'org.swiftlet.unikernel.ports: "80-79" is no port'
}
