# The commands on a container from its creation to its end: what they change, print and refuse.

load helpers

@test "create, start, state, kill, delete" {
    bundle sh -c 'echo up; exec sleep 1000'
    create
    equal "$(status_of "$ID")" created status
    equal "$(container_output)" '' 'output before start'
    ok start "$ID"
    has_status running
    eventually prints up
    ok kill "$ID" KILL
    eventually has_status stopped
    ok delete "$ID"
    runtime state "$ID"
    ((status != 0)) || fail "the container is still there"
}

@test "create, start, state, kill, delete of a guest" {
    need_guests spt
    guest_bundle spt sleep
    create
    equal "$(status_of "$ID")" created status
    equal "$(container_output)" '' 'output before start'
    ok start "$ID"
    has_status running
    eventually prints sleeping
    ok kill "$ID"
    eventually has_status stopped
    ok delete "$ID"
    runtime state "$ID"
    ((status != 0)) || fail "the container is still there"
}

@test "a created guest waits for start whatever happens meanwhile" {
    need_guests spt
    guest_bundle spt hello
    create
    # The image is taken at create: what becomes of the file afterwards changes nothing.
    rm "$BUNDLE/rootfs/unikernel"
    kill -CONT "$PID"
    sleep 0.1
    equal "$(container_output)" '' 'output before start'
    ok start "$ID"
    eventually prints 'Hello from swiftlet guest'
}

@test "the state document" {
    bundle sleep 1000
    edit '.annotations = {"org.example.key": "value"}'
    create
    ok state "$ID"
    equal "$(jq --raw-output .id <<<"$output")" "$ID" id
    equal "$(jq --raw-output .bundle <<<"$output")" "$BUNDLE" bundle
    equal "$(jq --raw-output .pid <<<"$output")" "$PID" pid
    equal "$(jq --raw-output .status <<<"$output")" created status
    equal "$(jq --raw-output '.annotations["org.example.key"]' <<<"$output")" value annotation
    matches "$(jq --raw-output .ociVersion <<<"$output")" '^1\.[0-9]+\.[0-9]+' ociVersion
    ok start "$ID"
    ok state "$ID"
    equal "$(jq --raw-output .status <<<"$output")" running status
    equal "$(jq --raw-output .pid <<<"$output")" "$PID" pid
    ok kill "$ID" 9
    eventually has_status stopped
    ok state "$ID"
    equal "$(jq --raw-output '.pid // 0' <<<"$output")" 0 'pid of a stopped container'
}

@test "the pid is the same from create to the end, and is a process in the guest's namespaces" {
    need_guests spt
    guest_bundle spt sleep
    create
    local network
    network=$(readlink "/proc/$PID/ns/net")
    [[ $network != "$(readlink /proc/self/ns/net)" ]] || fail "no network namespace of its own at create"
    ok start "$ID"
    eventually prints sleeping
    ok state "$ID"
    equal "$(jq --raw-output .pid <<<"$output")" "$PID" pid
    equal "$(readlink "/proc/$PID/ns/net")" "$network" 'network namespace'
}

@test "the pid file" {
    bundle sleep 1000
    create
    matches "$(<"$TEST_DIR/$ID.pid")" '^[0-9]+$' 'pid file'
    [[ -d /proc/$PID ]] || fail "no process $PID"
}

@test "options may follow the name" {
    bundle sleep 1000
    runtime create "$ID" --bundle "$BUNDLE" --pid-file "$TEST_DIR/pid"
    expect_success
    remember_pid "$(<"$TEST_DIR/pid")"
    runtime kill "$ID" KILL --all
    expect_success
}

@test "an id is given once" {
    bundle sleep 1000
    create
    local first=$PID
    refused 'exist|already|in use' create --bundle "$BUNDLE" "$ID"
    # The refusal leaves the first one alone.
    equal "$(status_of "$ID")" created status
    ok state "$ID"
    equal "$(jq --raw-output .pid <<<"$output")" "$first" pid
}

@test "ids that are no names are refused" {
    bundle true
    local id
    for id in '' . .. a/b ../../x 'a b' $'a\nb' 'ä' "$(printf 'x%.0s' {1..2000})"; do
        runtime create --bundle "$BUNDLE" "$id"
        ((status != 0)) || fail "the id '$id' was accepted"
    done
    [[ ! $(ls -A "$ROOT") ]] || fail "state was left: $(ls -A "$ROOT")"
}

@test "start twice, start of a stopped one, start of none" {
    bundle sleep 1000
    create
    ok start "$ID"
    refused . start "$ID"
    ok kill "$ID" 9
    eventually has_status stopped
    refused . start "$ID"
    refused 'not exist|no container|unknown' start "$PREFIX-none"
}

@test "delete of a running container is refused" {
    bundle sleep 1000
    create
    ok start "$ID"
    refused 'running|not stopped' delete "$ID"
    equal "$(status_of "$ID")" running status
    ok delete --force "$ID"
    [[ $(process_state "$PID") =~ ^Z?$ ]] || fail "process $PID lives"
}

@test "delete of a running guest is refused, --force ends it" {
    need_guests spt
    guest_bundle spt spin
    create
    ok start "$ID"
    eventually prints spinning
    refused 'running|not stopped' delete "$ID"
    equal "$(status_of "$ID")" running status
    ok delete --force "$ID"
    [[ $(process_state "$PID") =~ ^Z?$ ]] || fail "process $PID lives"
}

@test "delete of a created container" {
    bundle sleep 1000
    create
    # All runtimes in use delete it without --force, although the specification has an error there.
    ok delete "$ID"
    [[ $(process_state "$PID") =~ ^Z?$ ]] || fail "process $PID lives"
}

@test "delete of a created guest" {
    need_guests spt
    guest_bundle spt hello
    create
    ok delete "$ID"
    [[ $(process_state "$PID") =~ ^Z?$ ]] || fail "process $PID lives"
    equal "$(container_output)" '' output
}

@test "delete of what is not there" {
    refused 'not exist|no container|unknown' delete "$PREFIX-none"
    ok delete --force "$PREFIX-none"
    bundle true
    create
    ok start "$ID"
    eventually has_status stopped
    ok delete "$ID"
    # containerd's shim does that after each delete.
    ok delete --force "$ID"
}

@test "delete --regex" {
    need_swiftlet # crun has it, runc has not
    local first second third
    bundle sleep 1000
    create
    first=$ID
    bundle sleep 1000
    create
    second=$ID
    bundle sleep 1000
    create
    ok start "$ID"
    third=$ID
    refused 'invalid regular expression "\(": ' delete --regex '('
    ok delete --regex "^$PREFIX-no"
    # The names are tried one after the other, and what can be deleted is.
    runtime delete --regex "^($first|$second|$third)\$"
    expect_refusal "cannot delete $third\$"
    grep -q "cannot delete container $third that is not stopped: running" "$TEST_DIR/log" || fail "no reason in the log"
    refused 'not exist' state "$first"
    refused 'not exist' state "$second"
    equal "$(status_of "$third")" running status
    ok delete --force --regex "^$PREFIX-[0-9]+\$"
    refused 'not exist' state "$third"
}

@test "kill of a stopped container fails" {
    bundle true
    create
    ok start "$ID"
    eventually has_status stopped
    refused 'not running|stopped' kill "$ID" TERM
    refused 'not exist|no container|unknown' kill "$PREFIX-none" TERM
}

@test "kill understands numbers and names" {
    local signal
    for signal in 10 USR1 SIGUSR1 sigusr1; do
        bundle sh -c 'trap "echo got it; exit 3" USR1; echo up; while :; do sleep 0.05; done'
        create
        ok start "$ID"
        eventually prints up
        ok kill "$ID" "$signal"
        eventually prints 'got it'
        eventually has_status stopped
    done
    bundle sleep 1000
    create
    refused 'signal' kill "$ID" NOSUCH
    refused 'signal' kill "$ID" 4711
    equal "$(status_of "$ID")" created status
}

@test "kill of a created container" {
    bundle sleep 1000
    create
    ok kill "$ID" KILL
    eventually has_status stopped
}

@test "kill of a created guest" {
    need_guests spt
    local signal
    for signal in TERM KILL; do
        guest_bundle spt hello
        create
        ok kill "$ID" "$signal"
        eventually has_status stopped
        equal "$(container_output)" '' output
    done
}

@test "kill --all ends every process" {
    bundle sh -c 'sleep 1000 & sleep 1000 & echo up; wait'
    edit '.linux.namespaces |= map(select(.type != "pid"))'
    create
    ok start "$ID"
    eventually prints up
    ok kill --all "$ID" KILL
    eventually has_status stopped
    # leftovers looks for processes in the container's cgroup.
}

@test "KILL ends every process of a container without a PID namespace of its own" {
    need_swiftlet # runc 1.1 does so with --all only, later ones always
    bundle sh -c 'sleep 1000 & sleep 1000 & echo up; wait'
    edit '.linux.namespaces |= map(select(.type != "pid"))'
    create
    ok start "$ID"
    eventually prints up
    ok kill "$ID" KILL
    eventually has_status stopped
    cgroup_is_empty() { [[ ! $(cat "/sys/fs/cgroup/pids/$ID/cgroup.procs" 2>/dev/null) ]]; }
    eventually cgroup_is_empty
}

# A container whose process 1 has ended and left others behind.
leave_processes_behind() {
    bundle sh -c 'sleep 1000 & sleep 1000 & echo up; wait'
    edit '.linux.namespaces |= map(select(.type != "pid"))'
    create
    ok start "$ID"
    eventually prints up
    kill -KILL "$PID"
    eventually has_status stopped
    [[ $(wc -l <"/sys/fs/cgroup/pids/$ID/cgroup.procs") == 2 ]] || fail "no processes are left"
}

@test "processes that a container left behind are ended by kill and by delete" {
    [[ -d /sys/fs/cgroup/pids ]] || skip "needs cgroup version 1"
    local command
    for command in 'kill --all ID 9' 'delete ID' 'delete --force ID'; do
        leave_processes_behind
        # shellcheck disable=SC2086
        ok ${command/ID/$ID}
        cgroup_is_empty() { [[ ! $(cat "/sys/fs/cgroup/pids/$ID/cgroup.procs" 2>/dev/null) ]]; }
        eventually cgroup_is_empty
    done
}

@test "kill --all of a container that has ended is no error" {
    bundle true
    create
    ok start "$ID"
    eventually has_status stopped
    ok kill --all "$ID" 9
    refused 'container not running' kill "$ID" 9
}

@test "list" {
    ok list
    matches "$output" '^ID +PID +STATUS +BUNDLE +CREATED +OWNER' header
    bundle sleep 1000
    create
    local first=$ID
    bundle sleep 1000
    create
    ok start "$ID"
    ok list
    matches "$output" "$first +[0-9]+ +created +$TEST_DIR/bundle1" row
    matches "$output" "$ID +[0-9]+ +running +$TEST_DIR/bundle2" row
    ok list -q
    equal "$(sort <<<"$output" | tr '\n' ' ')" "$first $ID " ids
    ok list --format json
    equal "$(jq --raw-output --arg id "$ID" '.[] | select(.id == $id) | .status' <<<"$output")" running status
    equal "$(jq length <<<"$output")" 2 'number of containers'
    equal "$(jq --raw-output --arg id "$ID" '.[] | select(.id == $id) | .rootfs' <<<"$output")" "$BUNDLE/rootfs" rootfs
    runtime list --format yaml
    ((status != 0)) || fail "an unknown format was accepted"
    expect_error "yaml|format"
}

@test "list without containers" {
    ok list -q
    expect_output ''
    ok list --format json
    matches "$output" '^(null|\[\])$' document
}

@test "list of a --root that is not there" {
    need_swiftlet # runc 1.1 takes it for empty, later ones refuse it
    ROOT=$TEST_DIR/nowhere refused 'no such file or directory' list
}

@test "run deletes the container when it ends" {
    bundle sh -c 'echo out; echo err >&2; exit 3'
    run_container
    expect_status 3
    expect_output out
    equal "$stderr" err 'standard error'
    runtime state "$ID"
    ((status != 0)) || fail "the container is still there"
}

@test "run --keep" {
    need_swiftlet
    bundle true
    run_container --keep
    expect_success
    has_status stopped
    ok delete "$ID"
}

@test "run --detach" {
    bundle sh -c 'echo up; exec sleep 1000'
    runtime_into "$TEST_DIR/$ID.out" "$TEST_DIR/$ID.err" run --detach --bundle "$BUNDLE" --pid-file "$TEST_DIR/pid" "$ID"
    expect_success
    remember_pid "$(<"$TEST_DIR/pid")"
    equal "$(status_of "$ID")" running status
    eventually prints up
}

@test "run --detach of a guest" {
    need_guests spt
    guest_bundle spt sleep
    runtime_into "$TEST_DIR/$ID.out" "$TEST_DIR/$ID.err" run -d -b "$BUNDLE" --pid-file "$TEST_DIR/pid" "$ID"
    expect_success
    remember_pid "$(<"$TEST_DIR/pid")"
    equal "$(status_of "$ID")" running status
    eventually prints sleeping
}

@test "run passes signals on" {
    bundle sh -c 'trap "echo got it; exit 9" TERM; echo up; while :; do sleep 0.05; done'
    "$RUNTIME" --root "$ROOT" run --bundle "$BUNDLE" "$ID" >"$TEST_DIR/$ID.out" 2>&1 </dev/null 3>&- &
    local runner=$!
    remember_pid "$runner"
    eventually prints up
    kill -TERM "$runner"
    status=0
    wait "$runner" || status=$?
    equal "$status" 9 status
    prints 'got it'
}

@test "run passes signals on to a guest" {
    need_guests spt
    guest_bundle spt sleep
    "$RUNTIME" --root "$ROOT" run --bundle "$BUNDLE" "$ID" >"$TEST_DIR/$ID.out" 2>&1 </dev/null 3>&- &
    local runner=$!
    remember_pid "$runner"
    eventually prints sleeping
    kill -TERM "$runner"
    status=0
    wait "$runner" || status=$?
    equal "$status" 143 status
    runtime state "$ID"
    ((status != 0)) || fail "the container is still there"
}

@test "the bundle is the current directory unless named" {
    bundle echo here
    cd "$BUNDLE"
    runtime run "$ID"
    expect_success
    expect_output here
}

@test "spec writes a bundle that runs" {
    new_bundle
    busybox_rootfs "$BUNDLE/rootfs"
    ok spec --bundle "$BUNDLE"
    refused 'File config.json exists. Remove it first' spec --bundle "$BUNDLE"
    edit '.process.terminal = false | .process.args = ["hostname"]'
    run_container
    expect_success
    expect_output "$(jq --raw-output .hostname "$BUNDLE/config.json")"
}

@test "spec --rootless" {
    new_bundle
    ok spec --rootless --bundle "$BUNDLE"
    equal "$(jq '[.linux.namespaces[].type] | contains(["user"])' "$BUNDLE/config.json")" true 'user namespace'
    equal "$(jq '.linux.uidMappings | length' "$BUNDLE/config.json")" 1 'number of mappings'
}

@test "spec --unikernel writes a bundle that runs" {
    need_guests spt
    new_bundle
    cp "$GUESTS/hello.spt" "$BUNDLE/rootfs/unikernel"
    ok spec --unikernel --bundle "$BUNDLE"
    run_container
    expect_success
    expect_contains 'Hello from swiftlet guest'
}

@test "features" {
    ok features
    equal "$(jq --raw-output .ociVersionMin <<<"$output")" 1.0.0 ociVersionMin
    matches "$(jq --raw-output .ociVersionMax <<<"$output")" '^1\.' ociVersionMax
    equal "$(jq '.linux.namespaces | contains(["pid", "network", "mount", "user"])' <<<"$output")" true namespaces
    equal "$(jq '.linux.seccomp.enabled' <<<"$output")" true seccomp
    equal "$(jq '.hooks | length' <<<"$output")" 6 'number of hooks'
}

@test "--version" {
    ok --version
    matches "$output" "^$(basename "$RUNTIME") version [0-9]" 'first line'
    matches "$output" $'\nspec: 1\.[0-9]' 'line about the specification'
}

@test "plan prints what create would do and changes nothing" {
    need_guests spt
    guest_bundle spt hello one two
    ok plan --bundle "$BUNDLE"
    jq --exit-status 'type == "object"' <<<"$output" >/dev/null || fail "no JSON object"
    expect_contains 'one two'
    [[ ! $(ls -A "$ROOT") ]] || fail "state was left: $(ls -A "$ROOT")"
    guest_bundle spt blockdev
    refused "'disk'" plan --bundle "$BUNDLE"
}

@test "errors as JSON lines in the log" {
    refused . --log "$TEST_DIR/own.log" --log-format json state "$PREFIX-none"
    local line
    line=$(tail -n 1 "$TEST_DIR/own.log")
    equal "$(jq --raw-output .level <<<"$line")" error level
    matches "$(jq --raw-output .msg <<<"$line")" 'not exist|no container' message
    matches "$(jq --raw-output .time <<<"$line")" '^20[0-9-]+T[0-9:]+(Z|\+)' time
}

@test "errors as text" {
    # Without --log the line goes to standard error in logrus' form.
    status=0
    stderr=$("$RUNTIME" --root "$ROOT" state "$PREFIX-none" 2>&1 >/dev/null 3>&-) || status=$?
    matches "$stderr" 'level=error msg=' 'standard error'
    ((status != 0)) || fail "no failure"
}

@test "unknown commands and options" {
    runtime nosuchcommand
    ((status != 0)) || fail "accepted"
    bundle true
    runtime create --nosuchoption --bundle "$BUNDLE" "$ID"
    ((status != 0)) || fail "accepted"
    expect_error nosuchoption
    runtime --nosuchglobal list
    ((status != 0)) || fail "accepted"
    runtime start
    ((status != 0)) || fail "accepted without an id"
    runtime start one two
    ((status != 0)) || fail "accepted with two ids"
}

@test "--root keeps containers apart" {
    bundle sleep 1000
    create
    local other=$TEST_DIR/other
    status=0
    "$RUNTIME" --root "$other" state "$ID" >/dev/null 2>&1 3>&- || status=$?
    ((status != 0)) || fail "seen below another --root"
    # Relative to the current directory, and with an equals sign.
    cd "$TEST_DIR"
    output=$("$RUNTIME" --root=state list -q 3>&-)
    expect_output "$ID"
}

@test "a terminal through --console-socket" {
    bundle sh -c 'tty; stty size; test -t 0 && test -t 1 && test -t 2 && echo terminal; ls -l /dev/console; sleep 0.2'
    edit '.process.terminal = true | .process.consoleSize = {height: 33, width: 77}'
    "$BATS_TEST_DIRNAME/terminal.py" "$TEST_DIR/console.sock" "$TEST_DIR/terminal" 3>&- &
    local receiver=$!
    remember_pid "$receiver"
    eventually test -S "$TEST_DIR/console.sock"
    create --console-socket "$TEST_DIR/console.sock"
    ok start "$ID"
    wait "$receiver"
    eventually has_status stopped
    local text
    text=$(tr -d '\r' <"$TEST_DIR/terminal")
    matches "$text" '/dev/(console|pts/0)' tty
    matches "$text" '33 77' size
    matches "$text" 'terminal' 'standard streams'
}

@test "what run and exec print from a terminal has no carriage returns" {
    need_swiftlet # runc wants the caller to have a terminal
    bundle sh -c 'test -t 1 && echo one && echo two'
    edit '.process.terminal = true'
    status=0
    "$RUNTIME" --root "$ROOT" run --bundle "$BUNDLE" "$ID" >"$TEST_DIR/out" 2>&1 </dev/null || status=$?
    output=$(<"$TEST_DIR/out")
    expect_success
    expect_output $'one\ntwo'
    bundle sleep 1000
    create
    ok start "$ID"
    status=0
    "$RUNTIME" --root "$ROOT" exec --tty "$ID" sh -c 'sleep 0.1; test -t 1 && echo one && echo two' \
        >"$TEST_DIR/out" 2>&1 </dev/null || status=$?
    output=$(<"$TEST_DIR/out")
    expect_success
    expect_output $'one\ntwo'
}

@test "a terminal needs a socket, and a socket a terminal" {
    bundle true
    runtime create --console-socket "$TEST_DIR/console.sock" --bundle "$BUNDLE" "$ID"
    ((status != 0)) || fail "a socket without a terminal was accepted"
    bundle true
    edit '.process.terminal = true'
    runtime create --bundle "$BUNDLE" "$ID"
    ((status != 0)) || fail "a terminal without a socket was accepted"
}

@test "a container tells the service manager that it is ready" {
    bundle sh -c 'sleep 1000'
    local manager=$TEST_DIR/manager messages=$TEST_DIR/messages
    python3 - "$manager" >"$messages" 3>&- <<'PYTHON' &
import socket, sys
manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
manager.bind(sys.argv[1])
manager.settimeout(20)
for message in range(2):
    print(manager.recv(1000).decode().strip(), flush=True)
PYTHON
    local receiver=$!
    eventually test -S "$manager"
    NOTIFY_SOCKET=$manager create
    NOTIFY_SOCKET=$manager runtime_into "$TEST_DIR/start.out" "$TEST_DIR/start.err" start "$ID" &
    local start=$!
    eventually has_status running
    local socket
    socket=$(tr '\0' '\n' <"/proc/$PID/environ" | sed -n 's/^NOTIFY_SOCKET=//p')
    [[ $socket != "$manager" ]] || fail "the container has the manager's own socket"
    is_alive "$start" "$(start_time "$start")" || fail "start did not wait"
    python3 - "/proc/$PID/root$socket" 3>&- <<'PYTHON'
import socket, sys
socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b'STATUS=nearly\n', sys.argv[1])
socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b'READY=1\n', sys.argv[1])
PYTHON
    wait "$start" "$receiver"
    equal "$(<"$messages")" "READY=1"$'\n'"MAINPID=$PID" "what the manager heard"
}
