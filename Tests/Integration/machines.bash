# Guests under a monitor that is a program. To be loaded after helpers.bash by a file that has a `machine_bundle GUEST ARGS...`
# of its own, which makes the bundle around a guest.

# Runs a guest and expects a status.
run_machine() { # STATUS GUEST ARGS...
    machine_bundle "${@:2}"
    run_container
    expect_status "$1"
}

# Creates and starts a guest, which says that it is there.
start_machine() { # WORD GUEST ARGS...
    machine_bundle "${@:2}"
    create
    ok start "$ID"
    eventually prints "$1"
}

# A guest has the disks that the container speaks of, and does not write to one that is to be read.
has_disks() {
    machine_bundle disks size disk size disk1 write disk 0 7 read disk 0 write disk1 0 1
    truncate --size 8K "$BUNDLE/rootfs/image" "$BUNDLE/rootfs/other"
    edit '.root.readonly = false | .annotations += {
        "org.swiftlet.unikernel.block.a": "/image", "org.swiftlet.unikernel.block.b": "/other",
        "org.swiftlet.unikernel.block-read-only.b": "true"}'
    run_container
    expect_success
    equal "$(sed -n 1p <<<"$output")" "8192 in sectors of 512"
    equal "$(tail -n 1 <<<"$output")" refused
    equal "$(od -An -tx1 -N 2 "$BUNDLE/rootfs/image" | tr -d ' ')" 0707
}

# A directory is a disk of a guest's, an archive that it can read.
has_directory() {
    machine_bundle disks size disk read disk 0 write disk 0 1
    mkdir "$BUNDLE/rootfs/files"
    echo content >"$BUNDLE/rootfs/files/name"
    edit '.process.user = {uid: 1000, gid: 1000} | .annotations."org.swiftlet.unikernel.block.a" = "/files"'
    run_container
    expect_success
    expect_output $'2048 in sectors of 512\n'"$(printf name | od -An -tx1 | tr -d ' \n')000000000000000000000000"$'\nrefused'
}

# A guest answers in a network namespace that is not its own, and leaves nothing there. To be loaded after network.bash.
serves_in_pod() {
    need_links
    local host pod
    namespace host
    namespace pod
    link "$host" host0 "$pod" eth0 10.0.0.2/24
    at "$host" ip addr add 10.0.0.1/24 dev host0
    at "$pod" ip link show >"$TEST_DIR/before"
    machine_bundle http --ipv4=10.0.0.2/24
    edit '(.linux.namespaces[] | select(.type == "network")).path = $PATH | .process.user = {uid: 1000, gid: 1000}' \
        --arg PATH "/proc/$pod/ns/net"
    create
    ok start "$ID"
    eventually prints "listening on 8080"
    at "$host" ping -q -c 3 -i 0.1 -W 5 10.0.0.2
    equal "$(at "$host" curl --silent --max-time 20 http://10.0.0.2:8080/bytes/100000 | wc -c)" 100000
    ok delete --force "$ID"
    equal "$(at "$pod" ip link show)" "$(<"$TEST_DIR/before")" "links of the pod"
    equal "$(at "$pod" tc filter show dev eth0 ingress)" '' "filters of the pod"
}

# A container around Debian's kernel, with enough memory for it.
linux_bundle() { # ARGS...
    "$repository/Hack/linux-guest" >"$TEST_DIR/linux.log" 2>&1 || {
        [[ $? == 77 ]] || fail "Hack/linux-guest: $(cat "$TEST_DIR/linux.log")"
        skip "$(tail -n 1 "$TEST_DIR/linux.log")"
    }
    guest_bundle virt hello "$@"
    rm "$BUNDLE/rootfs/unikernel"
    cp "$GUESTS"/linux/{vmlinuz,initrd} "$BUNDLE/rootfs"
    edit '.linux.resources.memory.limit = 402653184 | .process.args[0] = "/vmlinuz" | .process.env = ["WORDS=a b"]
        | .annotations = {"org.swiftlet.unikernel.binary": "/vmlinuz", "org.swiftlet.unikernel.type": "linux",
            "org.swiftlet.unikernel.initrd": "/initrd"}'
}
