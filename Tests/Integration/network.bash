# Network namespaces of a test's own, and links between them. To be loaded after helpers.bash; they go with the
# processes that hold them, which the teardown here ends.

teardown() {
    end_namespaces
    clean_up
}

need_links() {
    need_command ip
    [[ -c /dev/net/tun ]] || skip "there is no /dev/net/tun: guests get their network through taps"
    unshare --net true 2>/dev/null || skip "network namespaces cannot be made here"
}

has_macvtap() {
    unshare --net sh -c 'ip link add one type veth peer name two && ip link add link one name three type macvtap mode passthru' \
        2>/dev/null
}

need_macvtap() {
    has_macvtap || skip "this kernel has no macvtap"
}

# Makes a network namespace and sets the variable NAME to the pid of the process that holds it.
namespace() { # NAME
    unshare --net sleep 600 3>&- &
    local pid=$!
    remember_pid "$pid"
    echo "$pid" >>"$TEST_DIR/holders"
    # bash's own child until it has become another program.
    eventually grep -q '^unshare\|^sleep' "/proc/$pid/comm"
    eventually differs_from_ours "$pid"
    printf -v "$1" %s "$pid"
}

end_namespaces() {
    local pid
    [[ -e ${TEST_DIR-}/holders ]] || return 0
    while read -r pid; do kill -KILL "$pid" && wait "$pid"; done <"$TEST_DIR/holders" 2>/dev/null || true
}

differs_from_ours() { [[ $(readlink "/proc/$1/ns/net") != "$(readlink /proc/self/ns/net)" ]]; }

# Runs a program in the network namespace of a process.
at() { # PID COMMAND...
    nsenter --net --target "$1" -- "${@:2}"
}

# Makes a link between two namespaces; both ends are up, and the first has an address where one is given.
link() { # PID NAME PID NAME [ADDRESS...]
    at "$1" ip link add "$2" type veth peer name "$4" netns "/proc/$3/ns/net"
    at "$1" ip link set "$2" up
    at "$3" ip link set "$4" up
    local address
    for address in "${@:5}"; do
        if [[ $address == *:* ]]; then
            at "$3" ip addr add "$address" dev "$4" nodad
        else
            at "$3" ip addr add "$address" dev "$4"
        fi
    done
}

hardware_address() { # PID NAME
    at "$1" ip -json link show "$2" | jq --raw-output '.[0].address'
}

# Everything of a namespace that a runtime may have changed, for comparison.
network_of() { # PID
    at "$1" sh -c 'ip -o -d link; ip -o addr; ! command -v nft >/dev/null || nft list ruleset; ip route; ip -6 route; for i in $(ip -o link | sed "s/^[0-9]*: //; s/[@:].*//"); do
        tc qdisc show dev $i; tc filter show dev $i ingress; tc filter show dev $i egress; done; cat /proc/sys/net/ipv4/conf/lo/*_local*' 2>&1 |
        sed 's/valid_lft.*//; s/ tentative//'
}

# The same without the queues for filters that guests will share an interface by, and the notes of whose they are, which are
# filters for packets of protocol 34997 (0x88b5).
network_without_queues() { # PID
    network_of "$1" | awk '/^qdisc clsact/ { next } /^filter/ { note = /\[34997\]/ } !/^filter|^[ \t]/ { note = 0 } !note'
}

# What the guest http says of an image, by its agent.
classified() { # FILE
    at "$HOST" curl --silent --show-error --max-time 20 --data-binary "@$1" http://10.0.0.2:8080/classify
}

# Digits are called by their names, and what is no image costs that call alone.
names_digits() {
    local name format
    for name in zero one seven nine; do
        for format in png jpg; do
            matches "$(classified "$DIGITS/images/$name.$format")" "^[0-9.]+% $name\$"
        done
    done
    # What is no image costs that call alone.
    echo text >"$TEST_DIR/image"
    matches "$(classified "$TEST_DIR/image")" '^the agent says: '
    matches "$(classified "$DIGITS/images/two.png")" ' two$'
}
