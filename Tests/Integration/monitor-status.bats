#!/usr/bin/env bats
# Every monitor in one table: how a guest ends, and what the container's status is then. A monitor that this machine does not
# have is left out, and said so; for those with an HTTP API a program stands in. SOLO5_TENDERS, FIRECRACKER and
# CLOUD_HYPERVISOR name what is not on PATH.

load helpers
load stand-ins

setup() {
    prepare
    need_guests spt
    PATH=${SOLO5_TENDERS:+$SOLO5_TENDERS:}$PATH
    monitors=(spt)
    if has_kvm; then monitors+=(hvt); fi
    ! command -v solo5-spt >/dev/null || monitors+=(solo5-spt)
    ! { command -v solo5-hvt >/dev/null && has_kvm; } || monitors+=(solo5-hvt)
    ! { command -v qemu-system-x86_64 >/dev/null && [[ -e $GUESTS/hello.virt ]]; } || monitors+=(qemu)
    stand_ins=' '
    local monitor
    for monitor in firecracker cloud-hypervisor; do
        has_kvm && [[ -e $GUESTS/hello.virt ]] || continue
        find_real "$monitor" || { use_stand_in "$monitor" && stand_ins+="$monitor "; }
        monitors+=("$monitor")
    done
    echo "# monitors: ${monitors[*]}; stand-ins:$stand_ins" >&3
}

has_kvm() { [[ -e /sys/class/misc/kvm ]] && (: <>/dev/kvm) 2>/dev/null; }

# The container of a guest under a monitor.
monitor_bundle() { # MONITOR GUEST ARGS...
    local monitor=$1 kind=virt
    if [[ $stand_ins == *" $1 "* ]]; then
        stand_in_bundle "$@"
        edit '.linux.resources.memory.limit = 134217728'
        return
    fi
    case $monitor in spt | solo5-spt) kind=spt ;; hvt | solo5-hvt) kind=hvt ;; esac
    guest_bundle "$kind" "${@:2}"
    edit '.linux.resources.memory.limit = 134217728 | .annotations."org.swiftlet.unikernel.monitor" = $MONITOR' \
        --arg MONITOR "$monitor"
}

# Runs a guest under each monitor and compares the statuses. Firecracker has no word for a guest's, see decision 25.
expect_statuses() { # "MONITOR=STATUS ... *=STATUS" GUEST ARGS...
    local monitor word expected
    for monitor in "${monitors[@]}"; do
        for word in $1; do
            [[ ${word%=*} != "$monitor" && ${word%=*} != other ]] || { expected=${word#*=} && break; }
        done
        monitor_bundle "$monitor" "${@:2}"
        run_container
        equal "$status" "$expected" "status of $2 $3 under $monitor"
    done
}

@test "success" { expect_statuses other=0 exit 0; }

@test "a guest's own status" {
    expect_statuses "firecracker=0 other=1" exit 1
    expect_statuses "firecracker=0 other=42" exit 42
}

@test "a guest that aborts" { expect_statuses "qemu=127 cloud-hypervisor=127 firecracker=0 other=255" abort; }

@test "a guest that breaks a rule of the processor" {
    expect_statuses "solo5-spt=139 solo5-hvt=1 qemu=127 cloud-hypervisor=127 firecracker=0 other=255" fault read-null
}

@test "signals" {
    local monitor signal
    for monitor in "${monitors[@]}"; do
        for signal in TERM INT KILL; do
            monitor_bundle "$monitor" spin
            run_signalled "$signal"
            equal "$status" $((128 + $(kill -l "$signal"))) "status after SIG$signal under $monitor"
        done
    done
}

@test "a monitor that is killed" {
    local monitor pid
    for monitor in "${monitors[@]}"; do
        monitor_bundle "$monitor" spin
        (
            eventually has_status running
            sleep 0.3
            pid=$("$RUNTIME" --root "$ROOT" state "$ID" 3>&- | jq .pid)
            kill -KILL "$(pgrep --parent "$pid")"
        ) &
        run_container
        wait $!
        # As when the kernel ends it for want of memory.
        equal "$status" 137 "status when a monitor $monitor is killed"
    done
}

@test "a monitor that the kernel ends for want of memory" {
    [[ -d /sys/fs/cgroup/memory ]] || skip "no memory controller of cgroup version 1"
    local monitor result
    for monitor in "${monitors[@]}"; do
        monitor_bundle "$monitor" memory
        edit ".linux.cgroupsPath = \"/swiftlet-tests/$ID\""
        # Less than its guest was told, as nobody gives it through the runtime.
        result=$("$BATS_TEST_DIRNAME/parent.py" --between \
            "echo $((24 << 20)) >/sys/fs/cgroup/memory/swiftlet-tests/$ID/memory.limit_in_bytes" \
            "$RUNTIME" "$ROOT" "$BUNDLE" "$ID" 2>"$TEST_DIR/err" 3>&-) || fail "$(<"$TEST_DIR/err")"
        equal "$(jq .status <<<"$result")" 137 "status without memory under $monitor ($result)"
    done
}

@test "every running monitor is without privileges, behind a filter, in a root of its own that it cannot change" {
    local monitor pid line
    for monitor in "${monitors[@]}"; do
        monitor_bundle "$monitor" spin
        edit '.process.user = {uid: 1000, gid: 1001}'
        create
        ok start "$ID"
        eventually prints spinning
        pid=$(pgrep --parent "$PID")
        for line in CapInh CapPrm CapEff CapBnd CapAmb; do
            equal "$(sed -n "s/^$line:\t0*//p" "/proc/$pid/status")" '' "$line of $monitor"
        done
        equal "$(awk '/^NoNewPrivs|^Seccomp:/ { print $2 }' "/proc/$pid/status" | tr '\n' ' ')" '1 2 ' "confinement of $monitor"
        equal "$(awk '/^Uid|^Gid/ { print $2, $5 }' "/proc/$pid/status" | tr '\n' ' ')" '1000 1000 1001 1001 ' "ids of $monitor"
        # Firecracker makes its socket in a directory of its own.
        equal "$(awk '$6 !~ /^ro/ && $5 != "/run"' "/proc/$pid/mountinfo")" '' "mounts that $monitor can write to"
        equal "$(find "/proc/$pid/fd" -type l -printf '%l\n' | grep '^/' | grep -v "^$TEST_DIR" |
            grep -vxE '/dev/(null|kvm|net/tun)|/kernel|/unikernel|/dev/urandom|/run/(log|events|exit|api.lock)|/memfd:.*')" '' "files of the host that $monitor has open"
        ok delete --force "$ID"
    done
}
