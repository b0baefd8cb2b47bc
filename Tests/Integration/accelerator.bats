#!/usr/bin/env bats
# A guest without vsock reaches the vAccel agent of its container by TCP, and nobody else does. Most tests have a
# stand-in for the agent that speaks HTTP.

load helpers
load network

ADDRESS=169.254.83.3:65500

setup() {
    prepare
    need_guests spt
    [[ -e $GUESTS/http.spt ]] || skip "no guest http in $GUESTS: build it with Hack/build-guests"
    need_links
    need_command curl
    [[ -x /usr/bin/python3 ]] || skip 'no /usr/bin/python3: the stand-in for an agent needs it'
    namespace HOST
    mkdir "$TEST_DIR/agent"
    cp "$BATS_TEST_DIRNAME/stand_in_agent.py" "$TEST_DIR/agent"
    HOST_CONFIG=$TEST_DIR/config.toml
    cat >"$HOST_CONFIG" <<CONFIG
[vaccel]
agent = "/usr/bin/python3"
directories = ["$TEST_DIR/agent"]
options = ["$TEST_DIR/agent/stand_in_agent.py", "an option"]
memory-mib = 96
CONFIG
}

accelerated_bundle() { # FILTER ARGS...
    guest_bundle spt http "${@:2}"
    edit '.annotations["org.swiftlet.unikernel.type"] = "mirage"
        | .annotations["org.swiftlet.unikernel.vaccel"] = "tcp"
        | .linux.resources.memory.limit = 134217728'
    edit "${1-.}"
}

serve() {
    ok start "$ID"
    eventually prints 'listening on 8080'
}

# A guest in a namespace of the container's own, wired between create and start.
accelerated_guest() { # [FILTER]
    accelerated_bundle "$@"
    create
    link "$HOST" host0 "$PID" eth0 10.0.0.2/24
    at "$HOST" ip addr add 10.0.0.1/24 dev host0
    at "$PID" ip route add default via 10.0.0.1
    serve
}

# What the guest gets when it asks its agent.
fetched() { # [GUEST_ADDRESS [AGENT]]
    at "$HOST" curl --silent --show-error --fail --max-time 5 "http://${1-10.0.0.2}:8080/fetch?${2-$ADDRESS}/"
}

# The processes of the container, all but process 1 and the guest.
agents() {
    cat /sys/fs/cgroup/*/*"$ID"*/cgroup.procs /sys/fs/cgroup/*"$ID"*/cgroup.procs 2>/dev/null | sort --unique |
        while read -r pid; do
            [[ $(readlink "/proc/$pid/exe") != *python3* ]] || echo "$pid"
        done
}

@test "an agent is started by the first connection, sees little, and goes with the container" {
    local answer agent
    accelerated_guest
    equal "$(agents)" '' 'agents before anybody called'
    answer=$(fetched)
    [[ $answer == *'agent for 127.83.1.1'* ]] || fail "$answer"
    [[ $answer == *'arguments an option --listen-fd 3'* ]] || fail "$answer"
    [[ $answer == *$'opened \n'* ]] || fail "it could open: $answer"
    agent=$(agents)
    [[ $agent =~ ^[0-9]+$ ]] || fail "expected one agent: $agent"
    grep -q $'^CapEff:\t0000000000000000$' "/proc/$agent/status"
    grep -q $'^NoNewPrivs:\t1$' "/proc/$agent/status"
    # The same one goes on.
    [[ $(fetched) == *'agent for'* ]]
    equal "$(agents)" "$agent"
    remember_pid "$agent"
    ok delete --force "$ID"
    eventually is_gone "$agent"
}

is_gone() { [[ ! -e /proc/$1 ]]; }

@test "an agent that dies is started again" {
    local agent
    accelerated_guest
    [[ $(fetched) == *'agent for'* ]]
    agent=$(agents)
    kill -KILL "$agent"
    eventually answers
    [[ $(agents) != "$agent" ]]
}

answers() { [[ $(fetched) == *'agent for'* ]]; }

@test "an agent goes with process 1" {
    local agent
    accelerated_guest '.linux.namespaces |= map(select(.type != "pid"))'
    [[ $(fetched) == *'agent for'* ]]
    agent=$(agents)
    remember_pid "$agent"
    kill -KILL "$PID"
    eventually is_gone "$agent"
}

@test "the agent has process.user" {
    accelerated_guest '.process.user = {uid: 4321, gid: 4321}'
    [[ $(fetched) == *'user 4321'* ]] || fail "$(fetched)"
}

@test "nobody but the guest reaches the agent" {
    accelerated_guest
    [[ $(fetched) == *'agent for'* ]]
    # Not a process in the namespace, whatever address it uses itself, and not the other end of the link.
    local source
    for source in 127.0.0.1 127.83.0.1 127.83.1.1 10.0.0.2; do
        ! at "$PID" curl --silent --max-time 1 --interface "$source" http://127.83.0.1:65500/ ||
            fail "reached from $source"
    done
    at "$HOST" ip route add 169.254.83.3 via 10.0.0.2
    ! at "$HOST" curl --silent --max-time 1 http://169.254.83.3:65500/ || fail 'reached from the link'
    [[ $(fetched) == *'agent for'* ]]
}

@test "guests of one pod have agents of their own, beside a sidecar" {
    local first before
    namespace POD
    at "$POD" ip link set lo up
    link "$HOST" host0 "$POD" eth0 10.0.0.2/24
    at "$HOST" ip addr add 10.0.0.1/24 dev host0
    at "$POD" ip addr add 10.0.0.3/24 dev eth0
    at "$POD" ip route add default via 10.0.0.1
    before=$(network_of "$POD")
    accelerated_bundle '.annotations["org.swiftlet.unikernel.addresses"] = "10.0.0.2"'
    edit '(.linux.namespaces[] | select(.type == "network")).path = "/proc/'"$POD"'/ns/net"'
    create
    serve
    first=$ID
    ID=$PREFIX-second
    edit '.annotations["org.swiftlet.unikernel.addresses"] = "10.0.0.3"'
    create
    serve
    [[ $(fetched 10.0.0.2) == *'agent for 127.83.1.1'* ]] || fail "$(fetched 10.0.0.2)"
    [[ $(fetched 10.0.0.3) == *'agent for 127.83.1.2'* ]] || fail "$(fetched 10.0.0.3)"
    local source
    for source in 127.0.0.1 127.83.1.1 127.83.1.2 10.0.0.2; do
        ! at "$POD" curl --silent --max-time 1 --interface "$source" http://127.83.0.1:65500/ ||
            fail "a sidecar reached the agent from $source"
    done
    ok delete --force "$first"
    [[ $(fetched 10.0.0.3) == *'agent for 127.83.1.2'* ]] || fail "$(fetched 10.0.0.3)"
    ok delete --force "$ID"
    equal "$(network_of "$POD")" "$before" 'the namespace after delete'
}

@test "a guest with a minimal link" {
    accelerated_bundle '.annotations["org.swiftlet.unikernel.network-mode"] = "minimal"'
    create
    serve
    local answer
    answer=$(at "$PID" curl --silent --fail --max-time 5 'http://169.254.84.2:8080/fetch?169.254.84.1:65500/')
    [[ $answer == *'agent for 169.254.84.2'* ]] || fail "$answer"
    ! at "$PID" curl --silent --max-time 1 http://169.254.84.1:65500/ || fail 'a process of the namespace reached it'
}

@test "what cannot be" {
    accelerated_bundle '.annotations["org.swiftlet.unikernel.vaccel"] = "vsock"'
    refused 'asks for vAccel by vsock, and the guest has no driver' create --bundle "$BUNDLE" "$ID"
    edit '.annotations["org.swiftlet.unikernel.vaccel"] = "tcp"
        | .annotations["com.urunc.unikernel.RPCAddress"] = "tcp://10.0.0.1:65500"'
    refused 'names the vAccel agent tcp://10.0.0.1:65500, which .* does not allow' create --bundle "$BUNDLE" "$ID"
    # Without an address that a guest could connect from.
    edit 'del(.annotations["com.urunc.unikernel.RPCAddress"])'
    create
    refused 'cannot reach a vAccel agent: its interface has no IPv4 address' start "$ID"
    ok delete --force "$ID"
    printf '[vaccel]\nenabled = false\n' >"$HOST_CONFIG"
    refused "asks for a vAccel agent, which $HOST_CONFIG does not allow" create --bundle "$BUNDLE" "$ID"
    printf '[vaccel]\nagent = "/usr/lib/no-such-agent"\n' >"$HOST_CONFIG"
    refused 'no-such-agent: no such file' create --bundle "$BUNDLE" "$ID"
}

@test "an agent elsewhere that the operator allows is told to the guest" {
    printf '[vaccel]\nexternal = ["tcp://10.0.0.1:65500"]\n' >"$HOST_CONFIG"
    accelerated_bundle '.annotations["com.urunc.unikernel.RPCAddress"] = "tcp://10.0.0.1:65500"
        | del(.annotations["org.swiftlet.unikernel.vaccel"])'
    ok plan --bundle "$BUNDLE"
    equal "$(jq --raw-output '.guest.vaccel | "\(.address) \(.agent)"' <<<"$output")" 'tcp://10.0.0.1:65500 null'
}

# The agent that was built beside the runtime; of a debug build also the libraries of Swift.
real_agent() { # BACKEND [DIRECTORY [MORE_CONFIGURATION]]
    need_agent
    agent_configuration "$@" >"$HOST_CONFIG"
}

@test "a guest asks its agent what an image shows" {
    real_agent noop
    accelerated_guest
    head -c 20000 /dev/urandom >"$TEST_DIR/image"
    equal "$(classified "$TEST_DIR/image")" 'This is a dummy classification tag!'
    equal "$(classified "$TEST_DIR/image")" 'This is a dummy classification tag!' 'again'
}

@test "a guest asks its agent for digits, and gets the right ones" {
    need_digits
    real_agent onnx "$ONNXRUNTIME" "models = \"$DIGITS\""
    accelerated_guest '.linux.resources.memory.limit = 268435456'
    names_digits
    # Nor do libraries complain of what they do not find.
    equal "$(<"$TEST_DIR/$ID.err")" ''
}
