#!/usr/bin/env bats
# A container's limits when it runs a guest: the guest's memory, the end of one that wants more than its container may
# have, processors, processes. On both versions of cgroups; lab.bats runs this file where there is version 2.

load helpers

MiB=$((1024 * 1024))

setup() {
    prepare
    need_guests spt
    if [[ -e /sys/fs/cgroup/cgroup.controllers ]]; then
        version=2
    else
        version=1
        [[ -d /sys/fs/cgroup/memory ]] || skip "no memory controller"
    fi
}

limited_bundle() { # hvt|spt GUEST MIB ARGS...
    guest_bundle "$1" "$2" "${@:4}"
    edit ".linux.resources.memory.limit = $(($3 * MiB)) | .linux.cgroupsPath = \"/swiftlet-tests/$ID\""
}

# Gives the container less than its guest was told, as nobody does through the runtime.
squeeze="echo $((24 * MiB)) >"
limit_file() {
    if ((version == 2)); then
        echo "/sys/fs/cgroup/swiftlet-tests/$ID/memory.max"
    else
        echo "/sys/fs/cgroup/memory/swiftlet-tests/$ID/memory.limit_in_bytes"
    fi
}

# What a file of the container's cgroup holds: of a controller of version 1, and as it is called in version 2.
value() { # CONTROLLER FILE FILE_OF_VERSION_2
    if ((version == 2)); then
        cat "/sys/fs/cgroup/swiftlet-tests/$ID/$3"
    else
        cat "/sys/fs/cgroup/$1/swiftlet-tests/$ID/$2"
    fi
}

# How often the kernel ended a process of the container for want of memory.
kills() { value memory memory.oom_control memory.events | sed -n 's/^oom_kill //p'; }

planned() { # in MiB
    ok plan --bundle "$BUNDLE"
    jq .guest.memoryMiB <<<"$output"
}

# The guest `memory` writes to all that it is told it has.
uses_all() { # hvt|spt MIB...
    local limit
    for limit in "${@:2}"; do
        limited_bundle "$1" memory "$limit"
        create
        ok start "$ID"
        eventually has_status stopped
        prints "memory size $(($(planned) * MiB))," || fail "planned $(planned) MiB: $(container_output)"
        prints touched || fail "limit of $limit MiB: $(container_output)"
        equal "$(kills)" 0 "processes ended for want of memory with a limit of $limit MiB"
        ok delete "$ID"
    done
}

@test "a guest may use all of its memory: spt" { uses_all spt 6 16 33 64 257; }
@test "a guest may use all of its memory: hvt" {
    need_kvm
    uses_all hvt 16 33 64 257
}

# Page tables count as the container's, too.
@test "a large guest may use all of its memory" {
    (($(awk '/^MemAvailable:/ { print $2 }' /proc/meminfo) > 4194304)) || skip "less than 4 GiB of memory are free"
    limited_bundle spt memory 2304
    (($(planned) > 2290 && $(planned) < 2300)) || fail "planned $(planned) MiB"
    LIMIT=120 run_container
    expect_success
    expect_contains touched
    if (: <>/dev/kvm) 2>/dev/null; then
        limited_bundle hvt memory 1280
        LIMIT=120 run_container
        expect_success
        expect_contains touched
    fi
}

# With the status that whoever waits for the container sees.
ends_for_want_of_memory() { # hvt|spt
    limited_bundle "$1" memory 64
    local result
    result=$("$BATS_TEST_DIRNAME/parent.py" --between "$squeeze $(limit_file)" "$RUNTIME" "$ROOT" "$BUNDLE" "$ID" 2>"$TEST_DIR/err" 3>&-) ||
        fail "$(<"$TEST_DIR/err")"
    equal "$(jq .status <<<"$result")" 137 "status ($result)"
    (($(kills) > 0)) || fail 'no process was ended for want of memory'
    equal "$(status_of "$ID")" stopped
}

@test "a guest that takes more than its container may have: spt" { ends_for_want_of_memory spt; }
@test "a guest that takes more than its container may have: hvt" {
    need_kvm
    ends_for_want_of_memory hvt
}

@test "events tells of a guest that lacked memory; its neighbour lives on" {
    limited_bundle spt sleep 16
    create
    ok start "$ID"
    eventually prints sleeping
    local neighbour=$ID
    limited_bundle spt memory 64
    create
    eval "$squeeze $(limit_file)"
    "$RUNTIME" --root "$ROOT" events "$ID" >"$TEST_DIR/events" 2>"$TEST_DIR/events.err" </dev/null 3>&- &
    remember_pid $!
    sleep 0.5
    ok start "$ID"
    eventually grep -qx "{\"type\":\"oom\",\"id\":\"$ID\"}" "$TEST_DIR/events"
    eventually has_status stopped
    equal "$(status_of "$neighbour")" running 'the neighbour'
}

@test "update changes the limits of a guest that runs, not the guest" {
    limited_bundle spt sleep 64
    create
    ok start "$ID"
    eventually prints sleeping
    ok update --memory 128M --pids-limit 7 "$ID"
    equal "$(value memory memory.limit_in_bytes memory.max)" $((128 * MiB))
    equal "$(value pids pids.max pids.max)" 7
    # What the guest has cannot be taken from it.
    refused 'its guest was started with 60 MiB' update --memory 59M "$ID"
    equal "$(value memory memory.limit_in_bytes memory.max)" $((128 * MiB))
    ok update --memory 64M "$ID"
    has_status running
}

# Every process of the container's cgroup.
processes() {
    if ((version == 2)); then
        cat "/sys/fs/cgroup/swiftlet-tests/$ID/cgroup.procs"
    else
        cat "/sys/fs/cgroup/pids/swiftlet-tests/$ID/cgroup.procs"
    fi
}

@test "processors and processes of a guest" {
    limited_bundle spt spin 16
    edit '.linux.resources.cpu = {quota: 10000, period: 50000, cpus: "0"} | .linux.resources.pids.limit = 3'
    create
    ok start "$ID"
    eventually prints spinning
    local pid count=0
    for pid in $(processes); do
        equal "$(sed -n 's/^Cpus_allowed_list:\t//p' "/proc/$pid/status")" 0 "processors of $pid"
        count=$((count + 1))
    done
    ((count >= 1 && count <= 3)) || fail "$count processes"
    throttled() { (($(value cpu cpu.stat cpu.stat | sed -n 's/^nr_throttled //p') > 0)); }
    eventually throttled
}
