#!/usr/bin/env bats
# Guests under Solo5's own tenders, the programs solo5-spt and solo5-hvt, where the container or the operator asks for
# them. SOLO5_TENDERS names their directory; PATH is searched otherwise.

load helpers
load machines
load network

tenders=(spt hvt)

setup() {
    prepare
    need_guests spt
    PATH=${SOLO5_TENDERS:+$SOLO5_TENDERS:}$PATH
    command -v solo5-spt >/dev/null || skip "no solo5-spt: name its directory in SOLO5_TENDERS"
    command -v solo5-hvt >/dev/null || tenders=(spt)
    (: <>/dev/kvm) 2>/dev/null || tenders=(spt)
}

# A container whose guest runs under the tender that is a program.
tender_bundle() { # hvt|spt GUEST ARGS...
    guest_bundle "$@"
    edit '.annotations."org.swiftlet.unikernel.monitor" = $MONITOR' --arg MONITOR "solo5-$1"
}

run_tender() { # STATUS hvt|spt GUEST ARGS...
    tender_bundle "${@:2}"
    run_container
    expect_status "$1"
}

start_tender() { # WORD hvt|spt GUEST ARGS...
    tender_bundle "${@:2}"
    create
    ok start "$ID"
    eventually prints "$1"
}

@test "a guest under an external tender is told its words byte for byte" {
    local kind
    for kind in "${tenders[@]}"; do
        run_tender 0 "$kind" arguments 'a b  c' '"q"' "it's"
        expect_contains "[a b  c \"q\" it's]"$'\nlength 15'
        run_tender 0 "$kind" arguments
        expect_contains $'[]\nlength 0'
    done
}

@test "the status of a guest under an external tender is the container's" {
    local kind number
    for kind in "${tenders[@]}"; do
        for number in 0 1 42 255; do run_tender "$number" "$kind" exit "$number"; done
        run_tender 255 "$kind" abort
    done
    # The processor's fault ends a tender whose guest is a process as it would end any process.
    run_tender 139 spt fault read-null
}

@test "signals end a guest under an external tender with their status" {
    local kind signal
    for kind in "${tenders[@]}"; do
        for signal in TERM INT KILL; do
            tender_bundle "$kind" sleep
            run_signalled "$signal"
            expect_status $((128 + $(kill -l "$signal")))
        done
    done
}

@test "images for spt are run by the program where the embedded tender is switched off" {
    guest_bundle spt hello
    printf '[monitors.spt]\nenabled = false\n' >"$TEST_DIR/config.toml"
    ok --host-config "$TEST_DIR/config.toml" plan --bundle "$BUNDLE"
    equal "$(jq --raw-output '.guest.monitor | .name, .program' <<<"$output")" \
        solo5-spt$'\n'"$(command -v solo5-spt)"
    edit '.annotations."com.urunc.unikernel.hypervisor" = "spt"'
    ok --host-config "$TEST_DIR/config.toml" plan --bundle "$BUNDLE"
    equal "$(jq --raw-output .guest.monitor.name <<<"$output")" solo5-spt
    # Otherwise it is what it was.
    ok plan --bundle "$BUNDLE"
    equal "$(jq --raw-output .guest.monitor.name <<<"$output")" spt
}

@test "what an external tender cannot do is refused with the reason" {
    tender_bundle spt hello
    status=0
    stderr=$(PATH=/nosuch "$RUNTIME" --root "$ROOT" create --bundle "$BUNDLE" "$ID" 2>&1 3>&-) || status=$?
    expect_refusal 'monitor solo5-spt is not installed: no solo5-spt in \$PATH'
    tender_bundle spt netdev
    edit '.annotations."org.swiftlet.unikernel.network-mode" = "macvtap"'
    run_container
    expect_refusal 'monitor solo5-spt opens taps by their names, which none of network mode "macvtap" has'
    tender_bundle spt disks
    truncate --size 8K "$BUNDLE/rootfs/disk" "$BUNDLE/rootfs/disk1"
    run_container
    expect_refusal "monitor solo5-spt writes to block devices, and 'disk' can only be read"
    edit '.root.readonly = false | .process.user = {uid: 1000, gid: 1000}'
    run_container
    expect_refusal "monitor solo5-spt, as process.user, cannot open /disk for block device 'disk': permission denied"
}

@test "a guest under an external tender has its disks" {
    local kind
    for kind in "${tenders[@]}"; do
        tender_bundle "$kind" disks size disk size disk1 write disk 0 7 read disk 0
        truncate --size 8K "$BUNDLE/rootfs/disk" "$BUNDLE/rootfs/disk1"
        edit '.root.readonly = false'
        run_container
        expect_success
        equal "$(od -An -tx1 -N 2 "$BUNDLE/rootfs/disk" | tr -d ' ')" 0707
    done
}

@test "a guest under an external tender has a network and answers; nothing of it stays" {
    local kind
    machine_bundle() { tender_bundle "$kind" "$@"; }
    for kind in "${tenders[@]}"; do serves_in_pod; done
}

@test "an external tender has no privilege, a filter, and a root of its own" {
    local kind monitor line
    for kind in "${tenders[@]}"; do
        start_tender sleeping "$kind" sleep
        monitor=$(pgrep --parent "$PID")
        for line in CapInh CapPrm CapEff CapBnd CapAmb; do
            equal "$(sed -n "s/^$line:\t0*//p" "/proc/$monitor/status")" '' "$line"
        done
        equal "$(awk '/^NoNewPrivs|^Seccomp:/ { print $2 }' "/proc/$monitor/status" | tr '\n' ' ')" '1 2 '
        equal "$(ls "/proc/$monitor/root" | grep -vxE 'lib|lib32|lib64|libx32|usr|etc|dev|kernel|work|tmp')" ''
        equal "$(awk '$6 !~ /^ro/' "/proc/$monitor/mountinfo")" '' 'mounts that can be written to'
        [[ $kind == hvt ]] || [[ ! -e /proc/$monitor/root/dev ]] || fail "devices: $(ls "/proc/$monitor/root/dev")"
        equal "$(find "/proc/$monitor/fd" -type l -printf '%l\n' | grep '^/' |
            grep -v '^/dev/null$\|^/dev/kvm$\|^/kernel\|^/memfd:' | grep -v "^$TEST_DIR")" '' 'open files'
        ok delete --force "$ID"
    done
}
