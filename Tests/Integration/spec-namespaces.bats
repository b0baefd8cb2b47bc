# Namespaces: inherited, new, joined, and what goes with each.

load helpers

@test "a mount namespace that is not listed is the caller's, and left as it was" {
    need_swiftlet # runc leaves the mounts behind
    local filter='.linux.namespaces |= map(select(.type != "mount")) | .linux.maskedPaths = [] | .linux.readonlyPaths = []'
    bundle sh -c 'readlink /proc/self/ns/mnt; ls -d /bin; ls -d /opt 2>/dev/null; sleep 1000'
    edit "$filter"
    # The mounts of this machine stay as they are even if something goes wrong.
    create
    ok start "$ID"
    eventually prints mnt
    eventually prints /bin
    equal "$(container_output)" "$(readlink /proc/self/ns/mnt)"$'\n/bin' 'namespace and root'
    matches "$(cut -d ' ' -f 5 /proc/self/mountinfo)" "$BUNDLE/rootfs/proc" 'mounts of the host'
    ok delete --force "$ID"
    ! grep "$BUNDLE" /proc/self/mountinfo || fail "mounts are left"
    # Nor does a create that fails leave any.
    bundle true
    edit "$filter | .mounts += [{destination: \"/mnt\", type: \"nosuchfs\", source: \"none\"}]"
    run_container
    expect_refusal nosuchfs
    ! grep "$BUNDLE" /proc/self/mountinfo || fail "mounts are left"
    bundle true
    edit '.linux.namespaces |= map(select(.type != "mount"))'
    run_container
    expect_refusal 'unable to restrict sys entries without a private MNT namespace'
}

user_mappings='.linux.namespaces += [{type: "user"}]
    | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}]
    | .linux.gidMappings = [{containerID: 0, hostID: 200000, size: 65536}]'

# A running container with a user namespace of its own; sets OWNER to its process.
namespace_owner() {
    chmod 711 "$TEST_DIR"
    bundle sleep 1000
    chown -hR 100000:200000 "$BUNDLE/rootfs"
    edit "$user_mappings"
    create
    ok start "$ID"
    OWNER=$PID
}

@test "a joined user namespace, with new namespaces and file systems of the kernel" {
    need_swiftlet # runc 1.1 wants mappings all the same
    namespace_owner
    bundle sh -c 'readlink /proc/self/ns/user; echo $$; id -u; awk "\$2 == \"/proc\" { print \$3 }" /proc/mounts; ls /sys/class/net'
    chown -hR 100000:200000 "$BUNDLE/rootfs"
    edit ".linux.namespaces += [{type: \"user\", path: \"/proc/$OWNER/ns/user\"}]"
    run_container
    expect_success
    expect_output "$(readlink "/proc/$OWNER/ns/user")"$'\n1\n0\nproc\nlo'
}

@test "a new user namespace beside joined others" {
    need_swiftlet # runc 1.1 wants the network to belong to the user namespace for its sysfs
    bundle sleep 1000
    create
    local owner=$PID
    chmod 711 "$TEST_DIR"
    bundle sh -c 'readlink /proc/self/ns/net; readlink /proc/self/ns/ipc; cat /proc/self/uid_map; awk "\$2 == \"/sys\" { print \$3 }" /proc/mounts'
    chown -hR 100000:200000 "$BUNDLE/rootfs"
    edit "$user_mappings | (.linux.namespaces[] | select(.type == \"network\")).path = \"/proc/$owner/ns/net\"
        | (.linux.namespaces[] | select(.type == \"ipc\")).path = \"/proc/$owner/ns/ipc\"
        | .mounts |= map(select(.type != \"mqueue\"))"
    run_container
    expect_success
    equal "$(head -n 2 <<<"$output")" "$(readlink "/proc/$owner/ns/net")"$'\n'"$(readlink "/proc/$owner/ns/ipc")" namespaces
    matches "$output" ' 0 +100000 +65536' mapping
    matches "$(tail -n 1 <<<"$output")" sysfs 'the file system at /sys'
}

@test "the runtime's own namespace by path is not the container's" {
    need_swiftlet # runc 1.1 finds out for the network only
    bundle true
    edit '(.linux.namespaces[] | select(.type == "uts")).path = "/proc/self/ns/uts"'
    run_container
    expect_refusal 'unable to set hostname without a private UTS namespace'
    bundle true
    edit '(.linux.namespaces[] | select(.type == "network")).path = "/proc/self/ns/net"
        | .linux.sysctl = {"net.ipv4.ip_unprivileged_port_start": $value}' \
        --arg value "$(</proc/sys/net/ipv4/ip_unprivileged_port_start)"
    run_container
    expect_refusal 'not allowed in host network namespace'
}

@test "a time namespace with offsets" {
    need_swiftlet # runc 1.1 knows none
    [[ -e /proc/self/ns/time ]] || skip "the kernel has no time namespaces"
    inside 'readlink /proc/self/ns/time; cut -d . -f 1 /proc/uptime; cat /proc/self/timens_offsets | tr -s " "' \
        '.linux.namespaces += [{type: "time"}] | .linux.timeOffsets = {boottime: {secs: 1000000, nanosecs: 5}, monotonic: {secs: 2000000}}'
    [[ $(head -n 1 <<<"$output") != "$(readlink /proc/self/ns/time)" ]] || fail "the host's time namespace"
    (($(sed -n 2p <<<"$output") > 1000000)) || fail "no offset: $output"
    matches "$output" 'monotonic 2000000 0' offsets
    bundle true
    edit '.linux.timeOffsets = {boottime: {secs: 1}}'
    run_container
    expect_refusal "/linux/timeOffsets: time namespace offsets specified, but time namespace isn't enabled in the config"
}

@test "a time namespace with offsets in a user namespace" {
    need_swiftlet # runc 1.1 knows none
    [[ -e /proc/self/ns/time ]] || skip "the kernel has no time namespaces"
    bundle sh -c 'tr -s " " </proc/self/timens_offsets'
    chown -R 100000:100000 "$BUNDLE/rootfs"
    chmod 755 "$TEST_DIR"
    edit '.linux.namespaces += [{type: "user"}, {type: "time"}] | .mounts |= map(select(.type != "cgroup"))
        | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] | .linux.gidMappings = .linux.uidMappings
        | .linux.timeOffsets = {monotonic: {secs: 7881, nanosecs: 5}, boottime: {secs: -1}}'
    run_container
    expect_success
    matches "$output" 'monotonic 7881 5' offsets
    matches "$output" 'boottime -1 0' offsets
}

@test "sysctls that are not the container's" {
    need_swiftlet # runc 1.1 has one message for all of them
    local name regex filter
    while IFS='|' read -r name regex filter; do
        bundle true
        edit "$filter | .linux.sysctl = {(\"$name\"): \"1\"}"
        run_container
        expect_refusal "$regex"
    done <<'ROWS'
kernel.hostname|sysctl .?"kernel.hostname.*(not allowed as it conflicts with the OCI)|.
user.max_net_namespaces|setting ucounts without a user namespace not allowed|.
vm.overcommit_memory|is not in a separate kernel namespace|.
ROWS
}

# The kernel takes a moment to take down a network.
no_link() { ! ip link show "$1" 2>/dev/null; }

@test "network devices move into the container, with their addresses" {
    need_swiftlet # runc knows them from 1.4 on
    need_command ip
    local a=sw${PREFIX:1:6}a b=sw${PREFIX:1:6}b
    ip link add "$a" type veth peer name "$b" || skip "no interfaces can be made here"
    ip addr add 192.0.2.7/24 dev "$a"
    ip addr add 2001:db8::7/64 dev "$a" nodad || skip "no IPv6 here"
    inside 'ip addr show dev net7; ls /sys/class/net | tr "\n" " "' ".linux.netDevices = {\"$a\": {name: \"net7\"}}"
    matches "$output" 'inet 192.0.2.7/24 .*scope global' 'the IPv4 address'
    matches "$output" 'inet6 2001:db8::7/64 scope global' 'the IPv6 address'
    matches "$output" '<[A-Z,-]*UP' 'the state'
    # The container's end is gone with its network, and so is the other.
    eventually no_link "$b"
}

@test "network devices keep their name, or get a free one" {
    need_swiftlet
    need_command ip
    local a=sw${PREFIX:1:6}c b=sw${PREFIX:1:6}d
    ip link add "$a" type veth peer name "$b" || skip "no interfaces can be made here"
    inside 'ls /sys/class/net | tr "\n" " "' ".linux.netDevices = {\"$a\": {}, \"$b\": {name: \"eth%d\"}}"
    expect_output "eth0 lo $a "
    eventually no_link "$a"
}

@test "network devices that cannot be moved are refused" {
    need_swiftlet
    need_command ip
    bundle true
    edit '.linux.netDevices = {"nosuchdevice": {}}'
    run_container
    expect_refusal 'cannot move network devices into the container: if_nametoindex nosuchdevice: no such device'
    bundle true
    edit '.linux.netDevices = {"eth0": {}} | .linux.namespaces |= map(select(.type != "network"))
        | .mounts |= map(select(.type != "sysfs"))'
    run_container
    expect_refusal '/linux/netDevices/eth0: unable to move network devices without a NET namespace'
    bundle true
    edit '.linux.netDevices = {"eth0": {name: "a/b"}}'
    run_container
    expect_refusal '/linux/netDevices/eth0: invalid network device name "a/b"'
    local a=sw${PREFIX:1:6}e b=sw${PREFIX:1:6}f
    ip link add "$a" type veth peer name "$b" || skip "no interfaces can be made here"
    bundle true
    edit ".linux.netDevices = {\"$a\": {name: \"lo\"}}"
    run_container
    ip link del "$a"
    expect_refusal 'move link lo: file exists'
}

@test "a new network namespace has its loopback interface, a joined one is left alone" {
    local place=$TEST_DIR/network up=0x9 down=0x8
    inside 'cat /sys/class/net/lo/flags; ip addr show lo | grep -o "inet 127.0.0.1/8"'
    expect_output "$up"$'\ninet 127.0.0.1/8'
    chmod 711 "$TEST_DIR"
    bundle cat /sys/class/net/lo/flags
    chown -hR 100000:200000 "$BUNDLE/rootfs"
    edit "$user_mappings"
    run_container
    expect_success
    expect_output "$up"
    touch "$place"
    unshare --net="$place" true
    bundle cat /sys/class/net/lo/flags
    edit "(.linux.namespaces[] | select(.type == \"network\")).path = \"$place\""
    run_container
    umount "$place"
    expect_success
    expect_output "$down"
}

@test "the owners of files stay as they are in a user namespace" {
    chmod 711 "$TEST_DIR"
    bundle stat -c %u:%g /bin/busybox
    edit "$user_mappings"
    run_container
    expect_success
    expect_output 65534:65534
    equal "$(stat -c %u:%g "$BUNDLE/rootfs/bin/busybox")" 0:0 'owner outside'
}

@test "network devices keep their attributes" {
    need_swiftlet # runc knows them from 1.4 on
    need_command ip
    local a=sw${PREFIX:1:6}g b=sw${PREFIX:1:6}h
    ip link add "$a" type veth peer name "$b" || skip "no interfaces can be made here"
    ip link set dev "$a" mtu 1300 address 02:00:00:00:00:77
    inside 'cat /sys/class/net/net8/mtu /sys/class/net/net8/address' ".linux.netDevices = {\"$a\": {name: \"net8\"}}"
    expect_output $'1300\n02:00:00:00:00:77'
    eventually no_link "$b"
}

@test "the owner of a cgroup of version 1 stays" {
    [[ -d /sys/fs/cgroup/pids ]] || skip "needs the pids controller of cgroup v1"
    chmod 711 "$TEST_DIR"
    bundle sleep 1000
    chown -hR 100000:200000 "$BUNDLE/rootfs"
    edit "$user_mappings | .linux.namespaces += [{type: \"cgroup\"}] | .linux.cgroupsPath = \"/swiftlet-tests/$ID\"
        | (.mounts[] | select(.type == \"cgroup\") | .options) -= [\"ro\"]"
    create
    equal "$(stat -c %u:%g "/sys/fs/cgroup/pids/swiftlet-tests/$ID" "/sys/fs/cgroup/pids/swiftlet-tests/$ID/cgroup.procs")" \
        $'0:0\n0:0' owners
}
