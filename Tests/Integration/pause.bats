# Pause and resume, and what the other commands do to a paused container.

load helpers

setup() {
    prepare
    [[ -d /sys/fs/cgroup/freezer || -e /sys/fs/cgroup/cgroup.controllers ]] || skip "no freezer of cgroups"
}

# A container whose output grows as long as it runs.
counting_bundle() {
    bundle sh -c 'trap "echo ended; exit 5" TERM; while :; do echo up; usleep 1000; done'
}

count() { stat --format %s "$TEST_DIR/$ID.out"; }

counts() {
    local before
    before=$(count)
    sleep 0.05
    [[ $(count) != "$before" ]]
}

@test "pause holds every process, resume lets them go on" {
    counting_bundle
    create
    ok start "$ID"
    eventually counts
    ok pause "$ID"
    equal "$output$stderr" '' output
    has_status paused
    local at
    at=$(count)
    sleep 0.2
    equal "$(count)" "$at" 'the length of its output while paused'
    ok resume "$ID"
    has_status running
    eventually counts
}

@test "pause and resume of a guest" {
    need_guests spt
    guest_bundle spt spin
    # Where the memory controller is not to be had, pausing is all the same.
    edit 'del(.linux.resources)'
    create
    ok start "$ID"
    eventually prints spinning
    ok pause "$ID"
    has_status paused
    local pid ticks
    pid=$(cat "/proc/$PID/task/$PID/children")
    ticks() { cut -d ' ' -f 14 "/proc/${pid%% *}/stat"; }
    local before
    before=$(ticks)
    sleep 0.2
    equal "$(ticks)" "$before" 'processor time of the paused guest'
    ok resume "$ID"
    has_status running
    runs_on() { (($(ticks) > before)); }
    eventually runs_on
}

@test "state and list show a paused container with its pid" {
    bundle sleep 1000
    create
    ok start "$ID"
    ok pause "$ID"
    ok state "$ID"
    equal "$(jq --raw-output '"\(.status) \(.pid)"' <<<"$output")" "paused $PID" 'status and pid'
    ok list
    matches "$output" "$ID +$PID +paused " row
}

@test "a created container can be paused; it starts after resume only" {
    bundle sh -c 'echo up'
    create
    ok pause "$ID"
    has_status paused
    refused 'cannot start a container in the paused state' start "$ID"
    ok resume "$ID"
    has_status created
    ok start "$ID"
    eventually prints up
}

@test "pause and resume where they cannot be" {
    refused 'container does not exist' pause "$PREFIX-none"
    refused 'container does not exist' resume "$PREFIX-none"
    bundle sleep 1000
    create
    refused 'container not paused' resume "$ID"
    ok start "$ID"
    refused 'container not paused' resume "$ID"
    ok pause "$ID"
    refused 'container not running' pause "$ID"
    ok resume "$ID"
    ok kill "$ID" KILL
    eventually has_status stopped
    refused 'container not running' pause "$ID"
    refused 'container not paused' resume "$ID"
}

@test "a signal waits until resume, SIGKILL does not" {
    counting_bundle
    create
    ok start "$ID"
    eventually prints up
    ok pause "$ID"
    ok kill "$ID" TERM
    has_status paused
    sleep 0.1
    [[ $(container_output) != *ended* ]] || fail "the signal reached a paused container"
    ok resume "$ID"
    eventually prints ended

    bundle sleep 1000
    create
    ok start "$ID"
    ok pause "$ID"
    ok kill "$ID" KILL
    eventually has_status stopped
    ok delete "$ID"
}

@test "kill --all of a paused container" {
    bundle sh -c 'sleep 1000 & sleep 1000 & echo up; wait'
    edit '.linux.namespaces |= map(select(.type != "pid"))'
    create
    ok start "$ID"
    eventually prints up
    ok pause "$ID"
    ok kill --all "$ID" 9
    eventually has_status stopped
    ok delete "$ID"
}

@test "SIGKILL ends a paused guest" {
    need_guests spt
    guest_bundle spt spin
    # Where the memory controller is not to be had, pausing is all the same.
    edit 'del(.linux.resources)'
    create
    ok start "$ID"
    eventually prints spinning
    ok pause "$ID"
    ok kill --all "$ID" 9
    eventually has_status stopped
}

@test "delete of a paused container is refused, --force ends it" {
    bundle sh -c 'echo up; sleep 1000'
    create
    ok start "$ID"
    eventually prints up
    ok pause "$ID"
    refused "cannot delete container $ID that is not stopped: paused" delete "$ID"
    has_status paused
    ok delete --force "$ID"
    refused 'container does not exist' state "$ID"
}

@test "delete --force ends a container whose own cgroups are paused" {
    need_swiftlet # runc waits for what is frozen, and gives up
    [[ -d /sys/fs/cgroup/freezer ]] || skip "needs the freezer of cgroup version 1, where what is frozen does not die"
    bundle sh -c 'sleep 1000 & echo up; wait'
    create
    ok start "$ID"
    eventually prints up
    local place
    place=/sys/fs/cgroup/freezer$(sed -n 's/.*:freezer://p' "/proc/$PID/cgroup")
    mkdir "$place/below"
    local child
    child=$(cat "/proc/$PID/task/$PID/children")
    echo "${child%% *}" >"$place/below/cgroup.procs"
    echo FROZEN >"$place/below/freezer.state"
    # What a process has done inside its own cgroups is not a pause of the container.
    has_status running
    ok delete --force "$ID"
}

@test "a container that forks all the time can be paused and ended" {
    need_swiftlet # runc 1.1 lets some get away
    # Eight chains in which each process makes another and ends: there is never one that stays.
    bundle sh -c 'echo "sh /link &" >/link; for n in 1 2 3 4 5 6 7 8; do sh /link; done; echo up; exec sleep 1000'
    edit '.linux.namespaces |= map(select(.type != "pid"))'
    create
    ok start "$ID"
    eventually prints up
    local turn
    for turn in {1..10}; do
        ok pause "$ID"
        has_status paused
        ok resume "$ID"
    done
    processes() { wc -l <"/sys/fs/cgroup/pids/$ID/cgroup.procs"; }
    [[ ! -d /sys/fs/cgroup/pids ]] || (($(processes) > 1)) || fail "nothing forks any more"
    ok kill --all "$ID" KILL
    eventually has_status stopped
    ok delete --force "$ID"
}
