# What `events` prints about a container, when it ends, and that a lack of memory is told.

load helpers

setup() {
    prepare
    [[ -d /sys/fs/cgroup/memory ]] || skip "needs cgroup version 1"
}

# Watches the container in the background; what it prints goes to $TEST_DIR/events. Sets WATCHER.
watch() { # OPTIONS...
    "$RUNTIME" --root "$ROOT" events "$@" "$ID" >"$TEST_DIR/events" 2>"$TEST_DIR/events.err" </dev/null 3>&- &
    WATCHER=$!
    remember_pid "$WATCHER"
}

# The watch ends by itself.
watch_ends() {
    local deadline=$((SECONDS + 10))
    while is_alive "$WATCHER" "$(start_time "$WATCHER")"; do
        ((SECONDS < deadline)) || {
            kill -KILL "$WATCHER"
            fail "events does not end with the container"
            return
        }
        sleep 0.05
    done
    wait "$WATCHER" || fail "events ended with $?: $(<"$TEST_DIR/events.err")"
}

told() { # TYPE
    jq --exit-status --slurp --arg type "$1" 'any(.[]; .type == $type)' "$TEST_DIR/events" >/dev/null 2>&1
}

@test "events --stats prints figures once" {
    bundle sh -c 'dd if=/dev/zero of=/dev/null bs=1M count=100 2>/dev/null; echo up; exec sleep 1000'
    edit '.linux.resources.memory.limit = 67108864 | .linux.resources.pids.limit = 20'
    create
    ok start "$ID"
    eventually prints up
    ok events --stats "$ID"
    equal "$(wc -l <<<"$output")" 1 lines
    [[ $output == "{\"type\":\"stats\",\"id\":\"$ID\",\"data\":{\"cpu\":"* ]] || fail "the beginning of the line"
    local place=.data
    equal "$(jq "$place.memory.usage.limit" <<<"$output")" 67108864 'memory limit'
    equal "$(jq "$place.memory.raw.hierarchical_memory_limit" <<<"$output")" 67108864 'raw memory limit'
    equal "$(jq "$place.pids.limit" <<<"$output")" 20 'limit of processes'
    equal "$(jq "$place.pids.current" <<<"$output")" 1 'number of processes'
    local figure
    for figure in cpu.usage.total memory.usage.usage memory.usage.max; do
        equal "$(jq "$place.$figure > 0" <<<"$output")" true "$figure is above 0"
    done
    equal "$(jq "$place.cpu.usage.percpu | add == $(jq "$place.cpu.usage.total" <<<"$output")" <<<"$output")" true \
        'the sum of all processors'
    equal "$(jq -c "$place.cpuset.cpus" <<<"$output")" "$(jq --null-input -c "[range($(nproc --all))]")" processors
}

@test "the members of events --stats are runc's" {
    need_swiftlet
    need_command runc
    bundle sleep 1000
    edit '.linux.resources.memory.limit = 67108864 | .linux.resources.pids.limit = 20'
    local members='[.data | paths | map(if type == "number" then 0 else . end) | join(".")] | unique | .[]'
    local runtime=$RUNTIME
    for RUNTIME in runc "$runtime"; do
        ok run --detach --bundle "$BUNDLE" "$ID"
        ok events --stats "$ID"
        jq --raw-output "$members" <<<"$output" >"$TEST_DIR/members-$(basename "$RUNTIME")"
        ok delete --force "$ID"
    done
    RUNTIME=$runtime
    # runc leaves out what is 0, which differs from one run to the next.
    diff <(grep -v 'blkio\.\|throttling\.\|cache$\|kernelTCP\.\(usage\|max\)' "$TEST_DIR/members-runc") \
        <(grep -v 'blkio\.\|throttling\.\|cache$\|kernelTCP\.\(usage\|max\)' "$TEST_DIR/members-$(basename "$runtime")") ||
        fail "members differ"
}

@test "events --stats of a guest" {
    need_guests spt
    guest_bundle spt sleep
    create
    ok start "$ID"
    eventually prints sleeping
    ok events --stats "$ID"
    equal "$(jq '.data.memory.usage.usage > 0 and .data.pids.current > 1' <<<"$output")" true figures
}

@test "events prints figures at intervals and ends with the container" {
    need_swiftlet # runc 1.1 does not end on new kernels with cgroup version 1
    bundle sleep 1000
    create
    ok start "$ID"
    watch --interval 100ms
    three_lines() { (($(wc -l <"$TEST_DIR/events") >= 3)); }
    eventually three_lines
    equal "$(jq --slurp --raw-output 'map(.type) | unique | join(" ")' "$TEST_DIR/events")" stats types
    ok kill "$ID" KILL
    watch_ends
    equal "$(<"$TEST_DIR/events.err")" '' errors
}

@test "events ends when the container is deleted" {
    need_swiftlet # as above
    bundle sleep 1000
    create
    ok start "$ID"
    watch --interval 1h
    ok delete --force "$ID"
    watch_ends
    equal "$(<"$TEST_DIR/events")" '' events
}

@test "a container that lacks memory ends with 137 and is told of" {
    need_swiftlet # as above
    bundle sh -c 'read line </go; exec dd if=/dev/zero of=/dev/null bs=100M count=1000'
    mkfifo "$BUNDLE/rootfs/go"
    edit '.linux.resources.memory = {limit: 33554432, swap: 33554432}'
    run_in_background() {
        status=0
        "$RUNTIME" --root "$ROOT" run --bundle "$BUNDLE" "$ID" </dev/null >"$TEST_DIR/run.out" 2>&1 3>&- || status=$?
        echo $status >"$TEST_DIR/status"
    }
    run_in_background &
    eventually has_status running
    watch --interval 1h
    # Until it watches.
    watching() { ls -l "/proc/$WATCHER/fd" 2>/dev/null | grep -q eventfd; }
    eventually watching
    echo >"$BUNDLE/rootfs/go"
    eventually told oom
    grep -qx "{\"type\":\"oom\",\"id\":\"$ID\"}" "$TEST_DIR/events" || fail "$(<"$TEST_DIR/events")"
    watch_ends
    eventually test -s "$TEST_DIR/status"
    equal "$(<"$TEST_DIR/status")" 137 'status of the container'
}

@test "a process that lacks memory is told of while the container lives" {
    need_swiftlet # as above
    bundle sh -c 'read line </go; dd if=/dev/zero of=/dev/null bs=100M count=1000; echo survived; exec sleep 1000'
    mkfifo "$BUNDLE/rootfs/go"
    edit '.linux.resources.memory = {limit: 33554432, swap: 33554432}'
    create
    ok start "$ID"
    watch --interval 100ms
    eventually told stats
    echo >"$BUNDLE/rootfs/go"
    eventually told oom
    eventually prints survived
    has_status running
    # Figures go on.
    local before
    before=$(wc -l <"$TEST_DIR/events")
    more_lines() { (($(wc -l <"$TEST_DIR/events") > before + 1)); }
    eventually more_lines
    ok delete --force "$ID"
    watch_ends
}

@test "what events refuses" {
    refused 'container does not exist' events --stats "$PREFIX-none"
    bundle true
    create
    refused 'duration interval must be greater than 0' events --interval 0s "$ID"
    refused 'duration interval must be greater than 0' events --interval=-1s "$ID"
    runtime events --interval often "$ID"
    ((status != 0)) || fail "an interval that is none was accepted"
    [[ "$output$stderr" == *'invalid value "often" for flag -interval: parse error'* ]] || fail "another message"
    runtime events --interval 5 "$ID"
    ((status != 0)) || fail "an interval without unit was accepted"
    ok start "$ID"
    eventually has_status stopped
    refused "container with id $ID is not running" events --stats "$ID"
    refused "container with id $ID is not running" events "$ID"
}
