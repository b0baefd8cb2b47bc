#!/usr/bin/env bats
# A guest's network devices: taps that take over the interfaces of the container's network namespace.

load helpers
load network

setup() {
    prepare
    need_guests spt
    need_links
}

# What the guest netdev says of its device, in decimal numbers as it prints them.
expect_device() { # MTU MAC
    local bytes number
    IFS=: read -ra bytes <<<"$2"
    expect_line="service0 handle 1 mtu $1 mac"
    for number in "${bytes[@]}"; do expect_line+=" $((16#$number))"; done
    prints "$expect_line" || fail "expected from the guest: $expect_line; it said: $(container_output)"
}

# Answers frames at an interface of a namespace; its output is in $TEST_DIR/NAME.frames.
answer_frames() { # PID NAME [COUNT]
    nsenter --net --target "$1" -- python3 -B "$BATS_TEST_DIRNAME/frames.py" "$2" "${3-1}" \
        >"$TEST_DIR/$2.frames" 2>&1 3>&- &
    remember_pid $!
    eventually grep -q ready "$TEST_DIR/$2.frames"
}

# In a namespace made for it, a guest that says where it is and exchanges a frame.
joined_guest() { # hvt|spt GUEST PID ARGS...
    guest_bundle "$1" "$2" "${@:4}"
    edit '(.linux.namespaces[] | select(.type == "network")).path = "/proc/'"$3"'/ns/net"'
}

exchange_between_create_and_start() { # hvt|spt
    local host
    namespace host
    guest_bundle "$1" netdev echo
    create
    link "$host" host0 "$PID" eth0 10.0.0.2/24
    at "$PID" ip link set eth0 mtu 1400
    local address
    address=$(hardware_address "$PID" eth0)
    answer_frames "$host" host0
    ok start "$ID"
    eventually prints "echoed 60 bytes"
    expect_device 1400 "$address"
    grep -q "from $address size 60" "$TEST_DIR/host0.frames"
    ok delete --force "$ID"
}

@test "a link that comes between create and start: spt" { exchange_between_create_and_start spt; }
@test "a link that comes between create and start: hvt" {
    need_kvm
    exchange_between_create_and_start hvt
}

@test "a namespace that is there before is as before after delete" {
    local host pod before
    namespace host
    namespace pod
    link "$host" host0 "$pod" eth0 10.0.0.2/24 fd00::2/64
    at "$pod" ip link set eth0 mtu 9000
    at "$pod" ip route add default via 10.0.0.1
    before=$(network_of "$pod")
    joined_guest spt netdev "$pod" echo
    answer_frames "$host" host0
    create
    equal "$(network_without_queues "$pod")" "$before" "the namespace after create"
    ok start "$ID"
    eventually prints "echoed 60 bytes"
    expect_device 9000 "$(hardware_address "$pod" eth0)"
    eventually has_status stopped
    ok delete "$ID"
    equal "$(network_of "$pod")" "$before" "the namespace after delete"
}

@test "the same namespace serves one guest after another" {
    local host pod before
    namespace host
    namespace pod
    link "$host" host0 "$pod" eth0 10.0.0.2/24
    before=$(network_of "$pod")
    # Of each guest its own frame and what it sends back.
    answer_frames "$host" host0 4
    joined_guest spt netdev "$pod" echo
    run_container
    expect_contains "echoed 60 bytes"
    # A container whose delete never came, and one in its place.
    joined_guest spt netdev "$pod" echo
    local first=$ID
    run_container
    expect_contains "echoed 60 bytes"
    equal "$(network_of "$pod")" "$before" "the namespace at the end, after $first"
}

@test "a guest without an interface starts all the same" {
    guest_bundle spt netdev send
    run_container
    expect_success
    expect_contains "mtu 1500"
    expect_contains "sent 60 bytes"
}

@test "a guest with a network device does not get the host's network" {
    guest_bundle spt netdev
    edit '.linux.namespaces |= map(select(.type != "network"))'
    run_container
    expect_refusal '/linux/namespaces: .*service0.*host'
    # Nor by its path.
    joined_guest spt netdev $$
    run_container
    expect_refusal '/linux/namespaces: .*service0.*host'
}

@test "each of two guests in a namespace has an interface of its own" {
    local host pod before first
    namespace host
    namespace pod
    link "$host" host0 "$pod" eth0 10.0.0.2/24
    link "$host" host1 "$pod" eth1 10.0.1.2/24
    before=$(network_of "$pod")
    # Nobody answers, so that they wait.
    joined_guest spt netdev "$pod" echo
    create
    first=$ID
    ok start "$ID"
    eventually prints "sent 60 bytes"
    expect_device 1500 "$(hardware_address "$pod" eth0)"
    joined_guest spt netdev "$pod" echo
    create
    ok start "$ID"
    eventually prints "sent 60 bytes"
    expect_device 1500 "$(hardware_address "$pod" eth1)"
    # A third one finds none.
    joined_guest spt netdev "$pod" echo
    create
    refused "no interface .* device 'service0'.* serves another guest" start "$ID"
    ok delete --force "$ID"
    ok delete --force "${ID%-*}-2"
    ok delete --force "$first"
    equal "$(network_of "$pod")" "$before" "the namespace after delete"
}

@test "filters and queues of others stay" {
    local host pod before
    namespace host
    namespace pod
    link "$host" host0 "$pod" eth0 10.0.0.2/24
    at "$pod" tc qdisc add dev eth0 clsact
    at "$pod" tc filter add dev eth0 ingress protocol ip prio 7 u32 match ip dport 9 0xffff flowid 1:1
    before=$(network_of "$pod")
    answer_frames "$host" host0
    joined_guest spt netdev "$pod" echo
    run_container
    expect_contains "echoed 60 bytes"
    ok delete --force "$ID"
    equal "$(network_of "$pod")" "$before" "the namespace after delete"
}

@test "a namespace is as before when a guest never started, was refused, or another came and went meanwhile" {
    local host pod before first second
    namespace host
    namespace pod
    link "$host" host0 "$pod" eth0 10.0.0.2/24
    before=$(network_of "$pod")
    joined_guest spt netdev "$pod" echo
    create
    ok delete "$ID"
    equal "$(network_of "$pod")" "$before" "the namespace after a guest that never started"
    refused "pid" create --bundle "$BUNDLE" --pid-file "$TEST_DIR/none/pid" "$ID"
    equal "$(network_of "$pod")" "$before" "the namespace after a create that was refused"
    # Two that share what was prepared, whichever of them began it and whichever goes last.
    local started last goes
    for started in first second; do
        for last in first second; do
            joined_guest spt netdev "$pod" echo
            create
            first=$ID
            joined_guest spt netdev "$pod" echo
            create
            second=$ID
            ok start "${!started}"
            for goes in first second; do [[ $goes == "$last" ]] || ok delete --force "${!goes}"; done
            ok delete --force "${!last}"
            equal "$(network_of "$pod")" "$before" "the namespace after both, $started started, the $last gone last"
        done
    done
}

# Has a process keep the network namespace of the container when that has gone. Sets inside.
keep_namespace() {
    nsenter --net --target "$PID" -- sleep 600 3>&- &
    inside=$!
    remember_pid "$inside"
    echo "$inside" >>"$TEST_DIR/holders"
    eventually grep -q '^sleep' "/proc/$inside/comm"
}

@test "a guest takes the interface of one that has gone while somebody keeps the namespace" {
    local host inside
    namespace host
    guest_bundle spt netdev echo
    create
    link "$host" host0 "$PID" eth0 10.0.0.2/24
    keep_namespace
    ok start "$ID"
    eventually prints "sent 60 bytes"
    joined_guest spt netdev "$inside" echo
    create
    refused "no interface .* device 'service0': eth0 serves another guest" start "$ID"
    ok delete --force "$ID"
    ok delete --force "${ID%-*}-1"
    eventually has_no_tap "$inside"
    # In each way to have it.
    local mode
    for mode in redirect bridge macvtap; do
        [[ $mode != macvtap ]] || has_macvtap || continue
        answer_frames "$host" host0
        joined_guest spt netdev "$inside" echo
        set_mode "$mode"
        run_container
        expect_contains "echoed 60 bytes"
        ok delete --force "$ID"
    done
}

# A client that connects without a pause, to an address where nobody listens until a guest starts. Not one of its first
# packets may go unanswered: what is sent again, the kernel counts.
asks_early() { # OWN|JOINED
    local host pod turn asking
    namespace host
    for turn in {1..12}; do
        if [[ $1 == joined ]]; then
            namespace pod
            joined_guest spt http "$pod"
        else
            guest_bundle spt http
        fi
        edit '.annotations = {"org.swiftlet.unikernel.type": "mirage"} | .linux.resources.memory.limit = 67108864'
        [[ $1 == joined ]] || create
        [[ $1 == joined ]] || pod=$PID
        link "$host" host0 "$pod" eth0 10.0.0.2/24
        [[ $turn != 1 ]] || at "$host" ip link set lo up
        at "$host" ip addr add 10.0.0.1/24 dev host0
        [[ $1 != joined ]] || create
        at "$host" python3 -B "$BATS_TEST_DIRNAME/early_client.py" 10.0.0.2 8080 >"$TEST_DIR/asking$turn" 3>&- &
        asking=$!
        remember_pid "$asking"
        eventually grep -q asking "$TEST_DIR/asking$turn"
        ok start "$ID"
        wait "$asking" || fail "the client: $(<"$TEST_DIR/asking$turn")"
        ok delete --force "$ID"
        at "$host" ip link delete host0 2>/dev/null || true
    done
    # The columns of a line of names and one of numbers.
    equal "$(at "$host" awk '/^TcpExt/ && !n { n = split($0, names); next }
        /^TcpExt/ { for (i = 2; i <= n; i++) if (names[i] == "TCPSynRetrans") print $i }' /proc/net/netstat)" 0 \
        "first packets sent again in 12 starts"
}

@test "no connection waits that begins while a guest starts" { asks_early own; }
@test "no connection waits that begins while a guest starts in a namespace that it joined" { asks_early joined; }

# A program that has the runtime find a kernel without nf_tables.
without_tables() {
    printf '#!/bin/sh\nexec python3 -B "%s" "%s" "$@"\n' "$BATS_TEST_DIRNAME/without_tables.py" "$RUNTIME" >"$TEST_DIR/runtime"
    chmod 755 "$TEST_DIR/runtime"
    RUNTIME=$TEST_DIR/runtime
    LIMIT=60
}

@test "guests are connected without nf_tables as well" {
    local host pod before
    namespace host
    namespace pod
    link "$host" host0 "$pod" eth0 10.0.0.2/24
    before=$(network_of "$pod")
    without_tables
    exchange_between_create_and_start spt
    joined_guest spt netdev "$pod" echo
    answer_frames "$host" host0
    create
    equal "$(network_without_queues "$pod")" "$before" "the namespace after create"
    ok start "$ID"
    eventually prints "echoed 60 bytes"
    eventually has_status stopped
    ok delete "$ID"
    equal "$(network_of "$pod")" "$before" "the namespace after delete"
}

# SOLO5_TESTS is Solo5's tests directory, built. The guest answers 10,000 echo requests and looks at each byte of them.
@test "the guest of Solo5 for its ring: hvt" {
    need_kvm
    need_command ping
    local guest=${SOLO5_TESTS-}/test_net_ring/test_net_ring.hvt host pod
    [[ -e $guest ]] || skip "no test guests of Solo5's: name their directory in SOLO5_TESTS"
    namespace host
    namespace pod
    link "$host" host0 "$pod" eth0 10.0.0.2/24
    at "$host" ip addr add 10.0.0.1/24 dev host0
    joined_guest hvt hello "$pod"
    cp "$guest" "$BUNDLE/rootfs/unikernel"
    create
    ok start "$ID"
    eventually prints Serving
    at "$host" ping -f -q -c 10000 -p deadbeef -w 60 10.0.0.2
    eventually prints 'Verified 10000 packets, 0 corrupted'
}

has_no_tap() { # PID
    ! at "$1" ip -o link | grep -q swiftlet
}

@test "the tap goes with the guest, also where somebody keeps the namespace, however the guest ends" {
    local host end inside
    namespace host
    for end in itself TERM KILL delete; do
        guest_bundle spt netdev echo
        [[ $end != itself ]] || edit '.process.args = ["/unikernel"]'
        create
        link "$host" "host$end" "$PID" eth0 10.0.0.2/24
        keep_namespace
        ok start "$ID"
        case $end in
        itself) ;;
        delete) eventually prints "sent 60 bytes" ;;
        *)
            eventually prints "sent 60 bytes"
            ok kill "$ID" "$end"
            ;;
        esac
        [[ $end == delete ]] || eventually has_status stopped
        ok delete --force "$ID"
        eventually has_no_tap "$inside"
    done
}

set_mode() { # MODE
    edit '.annotations["org.swiftlet.unikernel.network-mode"] = $mode' --arg mode "$1"
}

# A namespace that many guests use one after another, however each of them ends.
leaves_as_it_was() { # MODE
    local host pod before
    namespace host
    namespace pod
    link "$host" host0 "$pod" eth0 10.0.0.2/24 fd00::2/64
    at "$pod" ip link set eth0 mtu 1400 address 02:00:00:00:53:01
    at "$pod" ip route add default via 10.0.0.1
    at "$pod" ip -6 route add default via fd00::1
    before=$(network_of "$pod")
    answer_frames "$host" host0 4
    joined_guest spt netdev "$pod" echo
    set_mode "$1"
    create
    equal "$(network_of "$pod")" "$before" "the namespace after create"
    ok start "$ID"
    eventually prints "echoed 60 bytes"
    expect_device 1400 02:00:00:00:53:01
    eventually has_status stopped
    ok delete "$ID"
    equal "$(network_of "$pod")" "$before" "the namespace after delete"
    # One that waits for a frame when it is ended, while another one finds the interface taken, in whatever mode.
    joined_guest spt netdev "$pod" echo
    set_mode "$1"
    create
    local first=$ID mode
    ok start "$ID"
    for mode in redirect bridge; do
        joined_guest spt netdev "$pod" echo
        set_mode "$mode"
        create
        refused "no interface .* device 'service0': eth0 serves another guest" start "$ID"
        ok delete --force "$ID"
    done
    ok delete --force "$first"
    equal "$(network_of "$pod")" "$before" "the namespace after delete --force"
    # A start that fails when the links are made.
    joined_guest spt netdev "$pod" echo
    set_mode "$1"
    create
    at "$pod" ip link add "swlet$PID-0" type veth peer name other
    refused "cannot connect the guest to the container's network" start "$ID"
    at "$pod" ip link delete other 2>/dev/null || true
    ok delete --force "$ID"
    equal "$(network_of "$pod")" "$before" "the namespace after a start that failed"
}

@test "a namespace is as before when a guest at a bridge has gone" { leaves_as_it_was bridge; }
@test "a namespace is as before when a guest at a macvtap has gone" {
    need_macvtap
    leaves_as_it_was macvtap
}

@test "a way to connect a guest that is none is an error at create" {
    guest_bundle spt netdev
    set_mode tunnel
    run_container
    expect_refusal 'network-mode: "tunnel" is not known \(known are: redirect, bridge, macvtap, minimal\)'
    set_mode bridge
    edit '.annotations["org.swiftlet.unikernel.ports"] = "80"'
    run_container
    expect_refusal 'in mode "bridge" a guest has no part of an interface: org.swiftlet.unikernel.ports excludes it'
}
