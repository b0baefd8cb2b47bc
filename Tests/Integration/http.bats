#!/usr/bin/env bats
# A guest that is an HTTP server, on the network of its container: seen from the other end of the link.

load helpers
load network

setup() {
    prepare
    need_guests spt
    [[ -e $GUESTS/http.spt ]] || skip "no guest http in $GUESTS: build it with Hack/build-guests"
    need_links
    need_command curl
    need_command python3
    namespace HOST
}

# A bundle of the server, told its network in MirageOS' words, connected as MODE says where that is set. What it touches
# beyond 64 MiB nobody gives it.
http_bundle() { # hvt|spt GUEST ARGS...
    guest_bundle "$@"
    [[ -z ${MODE-} ]] || edit '.annotations["org.swiftlet.unikernel.network-mode"] = $mode' --arg mode "$MODE"
    edit '.annotations["org.swiftlet.unikernel.type"] = "mirage" | .linux.resources.memory.limit = 67108864'
}

join() { # PID
    edit '(.linux.namespaces[] | select(.type == "network")).path = "/proc/'"$1"'/ns/net"'
}

# A namespace with one interface, which leads to $HOST: 10.0.0.2 and fd00::2, there .1 and ::1. Sets the variable NAME.
pod() { # NAME [MTU]
    namespace "$1"
    link "$HOST" host0 "${!1}" eth0 10.0.0.2/24 fd00::2/64
    at "$HOST" ip link set host0 mtu "${2-1500}"
    at "${!1}" ip link set eth0 mtu "${2-1500}"
    at "$HOST" ip addr add 10.0.0.1/24 dev host0
    at "$HOST" ip addr add fd00::1/64 dev host0 nodad
    at "${!1}" ip route add default via 10.0.0.1
    at "${!1}" ip -6 route add default via fd00::1
}

serve() {
    ok start "$ID"
    eventually prints 'listening on 8080'
}

# A server in a pod of its own, as PID.
served_pod() { # hvt|spt [MTU]
    pod POD "${2-1500}"
    http_bundle "$1" http
    join "$POD"
    create
    serve
}

# What the server answers.
got() { # PATH [ADDRESS]
    at "$HOST" curl --globoff --silent --show-error --fail --max-time 5 "http://${2-10.0.0.2}:8080$1"
}

client() { # ARGS...
    at "$HOST" python3 -B "$BATS_TEST_DIRNAME/http_client.py" "$@" 2>&1 3>&-
}

answers_over_both() { # hvt|spt BYTES
    served_pod "$1"
    equal "$(got /)" 'hello from the http guest'
    equal "$(got / '[fd00::2]')" 'hello from the http guest' 'over IPv6'
    equal "$(got /mac)" "service $(hardware_address "$POD" eth0)"
    equal "$(got /addresses)" 'service 10.0.0.2/24 via 10.0.0.1
service fd00:0:0:0:0:0:0:2/64 via fd00:0:0:0:0:0:0:1'
    client bytes 10.0.0.2 "$2"
    client bytes fd00::2 "$2"
    client echo 10.0.0.2 $(($2 / 10))
    client echo fd00::2 $(($2 / 10))
    client ping 10.0.0.2 84
    client ping fd00::2 104
    client ping 10.0.0.2 1500
    client ping fd00::2 1500
}

@test "an spt guest serves IPv4 and IPv6" { answers_over_both spt 10000000; }
@test "an hvt guest serves IPv4 and IPv6" {
    need_kvm
    # Few, because some machines have a KVM that takes a guest instruction by instruction.
    answers_over_both hvt 50000
}

@test "a namespace of the container's own that is wired between create and start" {
    http_bundle spt http one 'two words'
    create
    link "$HOST" host0 "$PID" eth0 10.0.0.2/24
    at "$HOST" ip addr add 10.0.0.1/24 dev host0
    serve
    equal "$(got /args)" $'--ipv4=10.0.0.2/24\none\ntwo words'
}

# Packets as long as the link takes them, there and back, and none longer.
full_packets() { # MTU
    served_pod spt "$1"
    equal "$(got /mtu)" "service $1"
    equal "$(client bytes 10.0.0.2 5000000 host0)" "5000000 bytes longest $1"
    equal "$(client bytes fd00::2 5000000 host0)" "5000000 bytes longest $1"
    client echo 10.0.0.2 1000000
    client ping 10.0.0.2 "$1"
    client ping fd00::2 "$1"
    status=0
    client ping 10.0.0.2 $(($1 + 1)) 1 || status=$?
    ((status != 0)) || fail 'a packet that is too long was answered'
}

@test "packets of 1400 bytes" { full_packets 1400; }
@test "packets of 9000 bytes" { full_packets 9000; }

two_interfaces() {
    local before
    pod POD
    link "$HOST" host1 "$POD" eth1 10.0.1.2/24
    at "$HOST" ip addr add 10.0.1.1/24 dev host1
    before=$(network_of "$POD")
    http_bundle spt http2
    join "$POD"
    create
    serve
    equal "$(got /)" 'hello from the http guest'
    equal "$(got / 10.0.1.2)" 'hello from the http guest' 'over the second interface'
    equal "$(got /mac)" "service $(hardware_address "$POD" eth0)
service1 $(hardware_address "$POD" eth1)"
    client bytes 10.0.1.2 1000000
    ok delete --force "$ID"
    equal "$(network_of "$POD")" "$before" "the namespace after delete"
}

@test "two interfaces" { two_interfaces; }

@test "a gateway that is not on the interface's network" {
    namespace POD
    link "$HOST" host0 "$POD" eth0 10.0.0.2/32 fd00::2/128
    at "$POD" ip route add 169.254.1.1 dev eth0
    at "$POD" ip route add default via 169.254.1.1 dev eth0
    at "$POD" ip -6 route add fd01::1 dev eth0
    at "$POD" ip -6 route add default via fd01::1 dev eth0
    at "$HOST" ip addr add 169.254.1.1/32 dev host0
    at "$HOST" ip addr add fd01::1/128 dev host0 nodad
    # From further away than the gateway.
    at "$HOST" ip link set lo up
    at "$HOST" ip addr add 192.0.2.1/32 dev lo
    at "$HOST" ip addr add 2001:db8::1/128 dev lo
    at "$HOST" ip route add 10.0.0.2 dev host0 src 192.0.2.1
    at "$HOST" ip -6 route add fd00::2 dev host0 src 2001:db8::1
    http_bundle spt http
    join "$POD"
    create
    serve
    equal "$(got /addresses | head -n 1)" 'service 10.0.0.2/32 via 169.254.1.1'
    equal "$(got /)" 'hello from the http guest'
    equal "$(got / '[fd00::2]')" 'hello from the http guest' 'over IPv6'
    client ping 10.0.0.2 84
}

@test "many requests without an error" {
    local before
    pod POD
    before=$(network_of "$POD")
    http_bundle spt http
    join "$POD"
    create
    serve
    client keep-alive 10.0.0.2 10000
    client fresh 10.0.0.2 1000
    client keep-alive fd00::2 1000
    # And the status of a guest that TERM ends.
    ok kill "$ID" TERM
    eventually has_status stopped
    ok delete "$ID"
    equal "$(network_of "$POD")" "$before" "the namespace after delete"
}

@test "the status of a server that is told to end, and of one that ends itself" {
    pod POD
    http_bundle spt http
    join "$POD"
    "$RUNTIME" --root "$ROOT" run --bundle "$BUNDLE" "$ID" >"$TEST_DIR/$ID.out" 2>&1 </dev/null 3>&- &
    local running=$!
    eventually prints 'listening on 8080'
    ok kill "$ID" TERM
    status=0
    wait "$running" || status=$?
    equal "$status" 143 'status after TERM'
    http_bundle spt http
    join "$POD"
    "$RUNTIME" --root "$ROOT" run --bundle "$BUNDLE" "$ID" >"$TEST_DIR/$ID.out" 2>&1 </dev/null 3>&- &
    running=$!
    eventually prints 'listening on 8080'
    got /exit/42 || true
    status=0
    wait "$running" || status=$?
    equal "$status" 42 'status of its own'
}

@test "pause keeps connections, which go on after resume" {
    served_pod spt
    mkfifo "$TEST_DIR/paths"
    client talk 10.0.0.2 <"$TEST_DIR/paths" >"$TEST_DIR/answers" &
    local talking=$! paths
    exec {paths}>"$TEST_DIR/paths"
    echo /bytes/1000 >&"$paths"
    eventually grep -q '^/bytes/1000 200 1000' "$TEST_DIR/answers"
    ok pause "$ID"
    echo /bytes/2000 >&"$paths"
    sleep 0.3
    ! grep -q 2000 "$TEST_DIR/answers" || fail 'a paused guest answers'
    ok resume "$ID"
    eventually grep -q '^/bytes/2000 200 2000' "$TEST_DIR/answers"
    exec {paths}>&-
    wait "$talking"
}

@test "arguments arrive byte for byte" {
    local seed words
    pod POD
    for seed in {1..10}; do
        words=$(python3 -B "$BATS_TEST_DIRNAME/random_words.py" "$seed" 200)
        http_bundle spt http
        edit '.process.args += $words' --argjson words "$words"
        join "$POD"
        create
        serve
        # One a line, behind the four words of the network.
        jq --join-output '.[] | . + "\n"' <<<"$words" >"$TEST_DIR/expected"
        got /args | tail -n +5 >"$TEST_DIR/got"
        cmp "$TEST_DIR/got" "$TEST_DIR/expected" || fail "the words of seed $seed"
        ok delete --force "$ID"
    done
}

# --- the same by other ways than redirects

@test "a bridge: IPv4, IPv6, echo: spt" { MODE=bridge answers_over_both spt 10000000; }
@test "a bridge: IPv4, IPv6, echo: hvt" {
    need_kvm
    MODE=bridge answers_over_both hvt 50000
}
@test "a bridge: packets of 1400 bytes" { MODE=bridge full_packets 1400; }
@test "a bridge: packets of 9000 bytes" { MODE=bridge full_packets 9000; }
@test "a bridge: two interfaces" { MODE=bridge two_interfaces; }

@test "a macvtap: IPv4, IPv6, echo: spt" {
    need_macvtap
    MODE=macvtap answers_over_both spt 10000000
}
@test "a macvtap: IPv4, IPv6, echo: hvt" {
    need_kvm
    need_macvtap
    MODE=macvtap answers_over_both hvt 50000
}
@test "a macvtap: packets of 1400 bytes" {
    need_macvtap
    MODE=macvtap full_packets 1400
}
@test "a macvtap: packets of 9000 bytes" {
    need_macvtap
    MODE=macvtap full_packets 9000
}
@test "a macvtap: two interfaces" {
    need_macvtap
    MODE=macvtap two_interfaces
}

# --- without an interface that leads elsewhere

# Asks from within the container's own namespace.
inside_got() { # PATH ADDRESS
    HOST=$PID got "$@"
}

@test "a link of its own in a namespace without any interface: spt" {
    MODE=minimal http_bundle spt http
    create
    serve
    equal "$(inside_got / 169.254.84.2)" 'hello from the http guest'
    equal "$(inside_got / '[fd73:776c:6574::2]')" 'hello from the http guest' 'over IPv6'
    equal "$(inside_got /addresses 169.254.84.2)" 'service 169.254.84.2/30
service fd73:776c:6574:0:0:0:0:2/126'
    HOST=$PID client bytes 169.254.84.2 1000000
    HOST=$PID client ping 169.254.84.2 84
    HOST=$PID client ping fd73:776c:6574::2 104
    # No way leads out of the namespace.
    equal "$(at "$PID" ip -o link show | wc -l)" 2 'links: the loopback interface and that one'
    equal "$(at "$PID" ip route)" '169.254.84.0/30 dev swiftlet-min0 proto kernel scope link src 169.254.84.1 '
}

@test "links of their own for two guests in a pod, and two devices" {
    local before first
    pod POD
    before=$(network_of "$POD")
    MODE=minimal http_bundle spt http2
    join "$POD"
    create
    first=$ID
    serve
    MODE=minimal http_bundle spt http
    join "$POD"
    create
    serve
    equal "$(HOST=$POD got /addresses 169.254.84.2 | grep -F .84.)" 'service 169.254.84.2/30
service1 169.254.84.6/30'
    equal "$(HOST=$POD got / 169.254.84.6)" 'hello from the http guest' 'over the second device'
    equal "$(HOST=$POD got / 169.254.84.10)" 'hello from the http guest' 'of the second guest'
    # The interface is nobody's but the pod's.
    status=0
    got / || status=$?
    ((status != 0)) || fail 'the interface leads to a guest'
    ok delete --force "$ID"
    ok delete --force "$first"
    eventually same_network "$POD" "$before"
}

same_network() { # PID TEXT
    [[ $(network_of "$1") == "$2" ]]
}
