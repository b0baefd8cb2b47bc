# What was done when: the time line of create and start, a line of the log for each step, figures for Prometheus.

load helpers

setup() {
    prepare
    need_swiftlet
}

# The names of a command's steps, one a line, from an object of trace's.
steps() { # COMMAND
    jq --raw-output --arg name "$1" '.commands[] | select(.name == $name) | .steps[].name' <<<"$output"
}

# Every command's steps follow one another without a gap, and commands begin after their predecessors' end.
expect_whole() {
    jq --exit-status '
        [.commands[] | . as $command
            | (.steps | length > 0)
            and ([.steps[].duration_ns] | add) == .duration_ns
            and .steps[0].began_ns == .began_ns
            and all(range(1; .steps | length); $command.steps[.].began_ns
                == $command.steps[. - 1].began_ns + $command.steps[. - 1].duration_ns)] | all' <<<"$output" >/dev/null ||
        fail "steps with gaps: $output"
    jq --exit-status '.commands[0].began_ns == 0
        and ([.commands[].began_ns] == ([.commands[].began_ns] | sort))' <<<"$output" >/dev/null ||
        fail "commands out of order: $output"
}

# Each step says what it is.
expect_explained() {
    ok trace "$ID"
    local bare
    bare=$(awk 'NR > 2 && NF < 4 && $3 != "create" && $3 != "start"' <<<"$output")
    [[ ! $bare ]] || fail "steps that say nothing: $bare"
}

# No longer than the test itself took.
expect_no_longer_than() { # SECONDS
    jq --exit-status --argjson most "$1" '[.commands[] | .began_ns + .duration_ns] | max <= $most * 1e9' \
        <<<"$output" >/dev/null || fail "a time line longer than its life: $output"
}

@test "trace: a guest's create and start, step by step" {
    need_guests spt
    local began=$SECONDS step
    guest_bundle spt sleep
    create
    ok trace --format json "$ID"
    equal "$(jq --raw-output '[.id, .guest, .status] | join(" ")' <<<"$output")" "$ID solo5/spt created" heading
    equal "$(jq --compact-output '[.commands[].name]' <<<"$output")" '["create"]' "commands before start"
    for step in configuration plan files sandbox state cgroups clone namespaces root process record; do
        steps create | grep -qx "$step" || fail "no step $step: $output"
    done
    sleep 0.2
    ok start "$ID"
    ok trace --format json "$ID"
    equal "$(jq --compact-output '[.commands[].name]' <<<"$output")" '["create","start"]' commands
    equal "$(steps start | tr '\n' ' ')" "container process-1 guest begun " "steps of start"
    expect_whole
    expect_no_longer_than $((SECONDS - began + 1))
    jq --exit-status '.commands[1].began_ns - .commands[0].duration_ns >= 2e8' <<<"$output" >/dev/null ||
        fail "the wait between the commands is missing: $output"
}

@test "trace: an ordinary container's, with its hooks" {
    bundle sleep 1000
    # shellcheck disable=SC2016
    edit '.hooks.createRuntime = [{path: "/bin/sh", args: ["sh", "-c", $script]}]' \
        --arg script "sleep 0.2; env >$TEST_DIR/hook"
    edit '.hooks.createContainer = [{path: "/bin/true"}]'
    create
    ok start "$ID"
    ok trace --format json "$ID"
    equal "$(steps create | tr '\n' ' ')" \
        "read-only-copy configuration plan files sandbox state cgroups clone namespaces mounts hooks container-hooks root process record " \
        "steps of create"
    equal "$(steps start | tr '\n' ' ')" "container begun " "steps of start"
    expect_whole
    jq --exit-status '.commands[0].steps[] | select(.name == "hooks") | .duration_ns >= 2e8' <<<"$output" >/dev/null ||
        fail "the hook took longer: $output"
    # How the copy knows when it began is nobody else's.
    grep -q '^PATH=' "$TEST_DIR/hook" || fail "the hook told nothing"
    ! grep SWIFTLET "$TEST_DIR/hook" || fail "the hook sees it"
    ! tr '\0' '\n' <"/proc/$PID/environ" | grep SWIFTLET || fail "the program sees it"
    expect_explained
}

@test "trace: a guest with a device under QEMU tells of network, monitor and guest" {
    need_guests
    need_command qemu-system-x86_64
    guest_bundle virt http
    edit '.linux.resources.memory.limit = 134217728'
    create
    nsenter --net="/proc/$PID/ns/net" sh -c 'ip link add eth0 type veth peer name peer0 && ip link set eth0 up && ip link set peer0 up'
    ok start "$ID"
    ok trace --format json "$ID"
    equal "$(steps start | tr '\n' ' ')" "container network process-1 monitor guest begun " "steps of start"
    expect_whole
    expect_explained
}

@test "trace: as a table and as a picture" {
    need_guests spt
    need_command python3
    guest_bundle spt sleep
    create
    ok start "$ID"
    ok trace "$ID"
    matches "${output%%$'\n'*}" "^$ID: solo5/spt, running, created 20[0-9-]+T[0-9:.]+Z$" heading
    matches "$(sed -n 2p <<<"$output")" '^AT +TOOK +STEP +WHAT$' columns
    matches "$output" $'\n0\.000 +[0-9]+\.[0-9]{3} +create' create
    matches "$output" '[0-9]\.[0-9]{3} +[0-9]+\.[0-9]{3} +caller +whoever' "the time in between"
    matches "$output" '[0-9]\.[0-9]{3} +[0-9]+\.[0-9]{3} +  plan +the image is looked at' "a step and what it is"
    local rows=$(($(wc -l <<<"$output") - 2))
    ok trace --format svg "$ID"
    printf '%s' "$output" >"$TEST_DIR/picture.svg"
    python3 -c '
import sys, xml.etree.ElementTree as tree
name = "{http://www.w3.org/2000/svg}"
picture = tree.parse(sys.argv[1]).getroot()
assert picture.tag == name + "svg", picture.tag
groups = picture.findall(name + "g")
assert len(groups) == int(sys.argv[2]), (len(groups), sys.argv[2])
width = float(picture.get("width"))
for group in groups:
    bar = group.find(name + "rect")
    assert float(bar.get("width")) >= 1 and float(bar.get("x")) + float(bar.get("width")) <= width
    assert group.find(name + "title").text.startswith(group.find(name + "text").text + ": ")
' "$TEST_DIR/picture.svg" "$rows" || fail "not the picture of $rows rows"
}

@test "trace: of nothing, of a container without one, and where none can be written" {
    refused 'does not exist' trace missing
    runtime trace --format xml missing
    ((status != 0)) || fail accepted
    expect_error 'format'
    bundle sleep 1000
    create
    rm "$ROOT/$ID/timeline"
    refused 'has no time line' trace "$ID"
    # A container is not worse for it.
    mkdir "$ROOT/$ID/timeline"
    ok start "$ID"
    has_status running
    runtime trace "$ID"
    ((status != 0)) || fail accepted
}

@test "trace: whatever is in the environment does no harm" {
    bundle sleep 1000
    local value
    for value in x -1 -9223372036854775808 0 9223372036854775807; do
        SWIFTLET_BEGAN=$value create
        ok trace --format json "$ID"
        expect_whole
        ok delete --force "$ID"
    done
}

@test "a line of the log for each step, with its duration" {
    bundle sleep 1000
    runtime --debug create --bundle "$BUNDLE" "$ID"
    expect_success
    runtime --debug start "$ID"
    runtime --debug kill "$ID" KILL
    eventually has_status stopped
    runtime --debug delete "$ID"
    expect_success
    local of
    of=$(jq --raw-output --arg id "$ID" 'select(.step and .container == $id and (.duration_ns | type) == "number"
        and .level == "debug") | "\(.command):\(.step)"' "$TEST_DIR/log")
    for step in create:read-only-copy create:plan create:cgroups create:root create:record create:all start:begun \
        start:all kill:all delete:all; do
        grep -qx "$step" <<<"$of" || fail "no line for $step: $of"
    done
    : >"$TEST_DIR/log"
    create
    equal "$(<"$TEST_DIR/log")" '' "the log without --debug"
}

@test "metrics: containers, what they use, and how long steps took" {
    need_guests spt
    ok metrics
    equal "$output" '' "figures of nothing"
    guest_bundle spt sleep
    create
    ok start "$ID"
    local guest=$ID
    bundle sleep 1000
    edit '.linux.resources.memory.limit = 67108864'
    create
    ok metrics
    matches "$output" "swiftlet_container_info\{container=\"$guest\",status=\"running\",guest=\"solo5/spt\"\} 1" guest
    matches "$output" "swiftlet_container_info\{container=\"$ID\",status=\"created\",guest=\"\"\} 1" container
    matches "$output" "swiftlet_container_processes\{container=\"$guest\"\} 2" processes
    matches "$output" "swiftlet_container_memory_limit_bytes\{container=\"$ID\"\} 67108864" limit
    matches "$output" "swiftlet_step_seconds\{container=\"$guest\",command=\"start\",step=\"guest\"\} 0\.[0-9]{9}" step
    # Every line is a figure of a family that was announced, and each family is in one piece.
    awk '/^# TYPE / { if (seen[$3]++) exit 1; family = $3; next } /^# HELP / { next }
        $1 !~ "^" family "\\{[a-z]+=\"" || $2 !~ /^[0-9]+(\.[0-9]+)?$/ || NF != 2 { exit 1 }' <<<"$output" ||
        fail "not Prometheus's format: $output"
    ok metrics --output "$TEST_DIR/swiftlet.prom"
    equal "$output" '' "standard output"
    equal "$(stat --format %a "$TEST_DIR/swiftlet.prom")" 644 mode
    grep -q "container=\"$guest\"" "$TEST_DIR/swiftlet.prom" || fail "an empty file"
    refused 'No such file or directory|no such file or directory' metrics --output "$TEST_DIR/missing/swiftlet.prom"
    # A container that has ended has no figures any more, but is there.
    ok kill "$guest" KILL
    eventually container_has_status "$guest" stopped
    ok metrics
    matches "$output" "swiftlet_container_info\{container=\"$guest\",status=\"stopped\"" "the one that has ended"
}

container_has_status() { # ID STATUS
    [[ $("$RUNTIME" --root "$ROOT" state "$1" | jq --raw-output .status) == "$2" ]]
}
