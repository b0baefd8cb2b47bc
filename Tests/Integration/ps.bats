#!/usr/bin/env bats
# The processes of a container: ps.

load helpers

running() {
    bundle sh -c 'sleep 1000 & sleep 1000 & echo up; wait'
    create
    ok start "$ID"
    eventually prints up
}

@test "ps lists the container's processes and no others" {
    need_command ps
    running
    ok ps "$ID"
    matches "${output%%$'\n'*}" '^UID +PID +PPID +C +STIME +TTY +TIME +CMD' heading
    equal "$(wc -l <<<"$output")" 4 lines
    equal "$(grep -c 'sleep 1000' <<<"$output")" 3 "lines with the command"
    ok ps "$ID" -e -o pid,comm
    matches "${output%%$'\n'*}" '^ *PID COMMAND' heading
    equal "$(sed 1d <<<"$output" | tr -s ' ' | sed 's/^ //' | cut -d ' ' -f 2 | sort | tr '\n' ' ')" "sh sleep sleep " commands
}

@test "ps --format json prints an array of pids" {
    running
    local word pid
    for word in "--format json" "-f json" "--format=json"; do
        # shellcheck disable=SC2086
        ok ps $word "$ID"
        equal "$(jq 'length' <<<"$output")" 3 "number of pids"
        equal "$(jq --argjson pid "$PID" 'index($pid) != null' <<<"$output")" true "process 1 among them"
    done
    ok exec --detach --pid-file "$TEST_DIR/exec.pid" "$ID" sleep 1000
    pid=$(<"$TEST_DIR/exec.pid")
    ok ps --format json "$ID"
    equal "$(jq --argjson pid "$pid" 'index($pid) != null' <<<"$output")" true "a process of exec among them"
}

@test "ps of a created container, of one that has ended, and of none" {
    bundle sleep 1000
    create
    ok ps --format json "$ID"
    equal "$(jq --compact-output . <<<"$output")" "[$PID]" pids
    ok kill "$ID" KILL
    eventually has_status stopped
    ok ps "$ID"
    equal "$(wc -l <<<"$output")" 1 lines
    refused 'does not exist' ps missing
    need_swiftlet
    runtime ps --format xml "$ID"
    ((status != 0)) || fail accepted
    expect_error 'format'
}

@test "ps tells what ps itself refuses" {
    need_command ps
    running
    runtime ps "$ID" --no-such-option
    ((status != 0)) || fail accepted
    runtime ps "$ID" -e -o comm
    ((status != 0)) || fail accepted
    expect_error "couldn't find PID field"
}

@test "ps of a guest" {
    need_guests
    guest_bundle spt sleep
    create
    ok start "$ID"
    ok ps --format json "$ID"
    equal "$(jq --argjson pid "$PID" 'index($pid) != null' <<<"$output")" true "process 1 among them"
}
