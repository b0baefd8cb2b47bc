#!/usr/bin/env bats
# checkpoint and restore. What needs a criu that works on this machine's kernel is skipped elsewhere; lab.bats runs this
# file in a virtual machine.

load helpers

setup() {
    prepare
    IMAGES=$TEST_DIR/images
    WORK=$TEST_DIR/work
}

teardown() {
    [[ ! ${NETWORK-} ]] || ip netns delete "$NETWORK" 2>/dev/null || true
    clean_up
}

need_criu() {
    need_command criu
    mkdir -p "$TEST_DIR/check"
    criu check --work-dir "$TEST_DIR/check" --log-file check.log >"$TEST_DIR/check/said" 2>&1 3>&- ||
        skip "criu check: $(grep -h Error "$TEST_DIR/check/said" "$TEST_DIR/check/check.log" 2>/dev/null | tail -n 1)"
}

# A call that has to work and leaves its container no file of this machine; what it says is in the log.
quietly() { # ARGS...
    runtime_into /dev/null /dev/null "$@"
    [[ ! -e $TEST_DIR/log ]] || stderr=$(tail -n 3 "$TEST_DIR/log")
    expect_success
    take_pid
}

# Runs the bundle in the background.
run_detached() { # OPTIONS...
    quietly run --detach --bundle "$BUNDLE" --pid-file "$TEST_DIR/pid" "$@" "$ID"
}

take_pid() {
    PID=$(<"$TEST_DIR/pid")
    remember_pid "$PID"
}

counted() { cat "$BUNDLE/rootfs/mnt/count" 2>/dev/null || echo 0; }
has_counted_to() { (($(counted) >= $1)); }

# A container that counts in /mnt/count, and would begin anew if it was started again.
counter() {
    bundle sh -c 'n=0; while true; do n=$((n + 1)); echo $n >/mnt/new; mv /mnt/new /mnt/count; sleep 0.05; done'
}

run_counter() {
    run_detached
    eventually has_counted_to 5
}

checkpoint() { # OPTIONS...
    ok checkpoint --image-path "$IMAGES" --work-path "$WORK" "$@" "$ID"
}

restore() { # OPTIONS...
    quietly restore --detach --bundle "$BUNDLE" --image-path "$IMAGES" --work-path "$WORK" \
        --pid-file "$TEST_DIR/pid" "$@" "$ID"
}

# It goes on where it was, not at its beginning.
goes_on() { # COUNT
    (($(counted) >= $1)) || fail "it has counted to $(counted), $1 before"
    eventually has_counted_to $(($(counted) + 3))
}

@test "a container goes on where it was" {
    need_criu
    counter
    run_counter
    local before=$PID count
    checkpoint
    count=$(counted)
    [[ ! $(process_state "$before") =~ [RSD] ]] || fail "process 1 is still there"
    refused 'does not exist' state "$ID"
    ! find /sys/fs/cgroup -type d -name "$ID" | grep . || fail "the cgroup is still there"
    ls "$IMAGES"/inventory.img "$IMAGES"/descriptors.json "$WORK"/dump.log

    restore
    equal "$(status_of "$ID")" running status
    equal "$("$RUNTIME" --root "$ROOT" state "$ID" | jq .pid)" "$PID" pid
    goes_on "$count"
    ok exec "$ID" cat /proc/1/comm
    expect_output sh
    grep -q "$ID" "/proc/$PID/cgroup" || fail "it is not in its cgroup: $(<"/proc/$PID/cgroup")"
    if is_swiftlet; then
        local root=/proc/$PID/root
        equal "$(stat -c %d:%i "$root/proc/kcore")" "$(stat -c %d:%i "$root/dev/null")" 'what masks a file'
    fi
    # Once more: a restored container is one like any other.
    checkpoint
    count=$(counted)
    restore
    goes_on "$count"
    ok delete --force "$ID"
}

@test "checkpoint --leave-running" {
    need_criu
    counter
    run_counter
    checkpoint --leave-running
    equal "$(status_of "$ID")" running status
    equal "$("$RUNTIME" --root "$ROOT" state "$ID" | jq .pid)" "$PID" pid
    goes_on "$(counted)"
    ok delete --force "$ID"
    restore
    goes_on "$(counted)"
}

@test "checkpoint --pre-dump, and --parent-path" {
    need_criu
    counter
    run_counter
    ok checkpoint --pre-dump --image-path "$TEST_DIR/parent" --work-path "$WORK" "$ID"
    equal "$(status_of "$ID")" running status
    goes_on "$(counted)"
    checkpoint --parent-path ../parent
    [[ -L $IMAGES/parent ]] || fail "the images have no parent"
    local count
    count=$(counted)
    restore
    goes_on "$count"
}

@test "mounts from outside are mounted again, at what a link leads to as well" {
    need_criu
    counter
    mkdir -p "$TEST_DIR/outside" "$BUNDLE/rootfs/real/place"
    ln -s /real/place "$BUNDLE/rootfs/link"
    echo one >"$TEST_DIR/outside/file"
    edit ".mounts += [{destination: \"/link\", type: \"bind\", source: \"$TEST_DIR/outside\", options: [\"bind\"]},
        {destination: \"/link/new/file\", type: \"bind\", source: \"$TEST_DIR/outside/file\", options: [\"bind\", \"ro\"]}]"
    run_counter
    checkpoint
    local count
    count=$(counted)
    # Mount points that were made for it need not be there any more.
    rm -rf "$TEST_DIR/outside/new"
    echo two >"$TEST_DIR/outside/file"
    restore
    goes_on "$count"
    ok exec "$ID" cat /real/place/file /link/new/file
    expect_output $'two\ntwo'
    refused 'exec failed|exit status|' exec "$ID" sh -c 'echo no >/link/new/file || exit 9'
    awk -v directory="$TEST_DIR" 'index($5, directory)' /proc/self/mountinfo | { ! grep .; } || fail "mounts on the host"
}

@test "pipes become the restored container's" {
    need_criu
    bundle sh -c 'while read word; do echo "got $word"; done'
    local pipe in_read in_write out_read out_write answer
    exec {pipe}<> <(:)
    exec {in_read}<"/proc/self/fd/$pipe" {in_write}>"/proc/self/fd/$pipe" {pipe}>&-
    exec {pipe}<> <(:)
    exec {out_read}<"/proc/self/fd/$pipe" {out_write}>"/proc/self/fd/$pipe" {pipe}>&-
    timeout "$LIMIT" "$RUNTIME" --root "$ROOT" run --detach --bundle "$BUNDLE" --pid-file "$TEST_DIR/pid" "$ID" \
        <&"$in_read" >&"$out_write" 2>&1 3>&-
    take_pid
    echo one >&"$in_write"
    read -r -t "$LIMIT" answer <&"$out_read"
    equal "$answer" 'got one' 'before the checkpoint'
    checkpoint
    exec {in_read}>&- {in_write}>&- {out_read}>&- {out_write}>&-
    # Other pipes than those from before.
    exec {pipe}<> <(:)
    exec {in_read}<"/proc/self/fd/$pipe" {in_write}>"/proc/self/fd/$pipe" {pipe}>&-
    exec {pipe}<> <(:)
    exec {out_read}<"/proc/self/fd/$pipe" {out_write}>"/proc/self/fd/$pipe" {pipe}>&-
    timeout "$LIMIT" "$RUNTIME" --root "$ROOT" restore --detach --bundle "$BUNDLE" --image-path "$IMAGES" \
        --pid-file "$TEST_DIR/pid" "$ID" <&"$in_read" >&"$out_write" 2>&1 3>&-
    take_pid
    echo two >&"$in_write"
    read -r -t "$LIMIT" answer <&"$out_read"
    equal "$answer" 'got two' 'after the restore'
}

@test "it goes on printing to a file outside" {
    need_criu
    is_swiftlet || skip 'runc leaves such a file to criu, which refuses it'
    bundle sh -c 'n=0; while true; do n=$((n + 1)); echo "line $n"; sleep 0.05; done'
    timeout "$LIMIT" "$RUNTIME" --root "$ROOT" run --detach --bundle "$BUNDLE" --pid-file "$TEST_DIR/pid" "$ID" \
        </dev/null >"$TEST_DIR/printed" 2>&1 3>&-
    take_pid
    eventually grep -q 'line 5' "$TEST_DIR/printed"
    checkpoint
    local count
    count=$(wc -l <"$TEST_DIR/printed")
    timeout "$LIMIT" "$RUNTIME" --root "$ROOT" restore --detach --bundle "$BUNDLE" --image-path "$IMAGES" \
        --pid-file "$TEST_DIR/pid" "$ID" </dev/null >>"$TEST_DIR/printed" 2>&1 3>&-
    take_pid
    eventually grep -q "line $((count + 3))" "$TEST_DIR/printed"
    equal "$(head -n $((count + 3)) "$TEST_DIR/printed")" "$(seq -f 'line %g' $((count + 3)))" 'what it printed'
}

@test "a terminal is passed on again" {
    need_criu
    bundle sh -c 'n=0; while true; do n=$((n + 1)); echo "line $n"; echo $n >/mnt/count; sleep 0.05; done'
    edit '.process.terminal = true'
    "$BATS_TEST_DIRNAME/terminal.py" "$TEST_DIR/console.sock" "$TEST_DIR/first" 2>/dev/null 3>&- &
    remember_pid $!
    eventually test -S "$TEST_DIR/console.sock"
    run_detached --console-socket "$TEST_DIR/console.sock"
    eventually grep -q 'line 5' "$TEST_DIR/first"
    checkpoint
    rm -f "$TEST_DIR/console.sock"
    "$BATS_TEST_DIRNAME/terminal.py" "$TEST_DIR/console.sock" "$TEST_DIR/second" 2>/dev/null 3>&- &
    remember_pid $!
    eventually test -S "$TEST_DIR/console.sock"
    restore --console-socket "$TEST_DIR/console.sock"
    eventually grep -q line "$TEST_DIR/second"
    ! grep -qw 'line 1' "$TEST_DIR/second" || fail "it has begun anew"
    ok delete --force "$ID"
}

@test "restore in the foreground returns the exit status, and deletes the container" {
    need_criu
    counter
    edit '.process.args[2] |= sub("while true"; "while [ ! -e /mnt/end ]") | .process.args[2] += "; exit 7"'
    run_counter
    checkpoint
    touch "$BUNDLE/rootfs/mnt/end"
    runtime_into /dev/null /dev/null restore --bundle "$BUNDLE" --image-path "$IMAGES" --work-path "$WORK" "$ID"
    expect_status 7
    refused 'does not exist' state "$ID"
}

@test "a network namespace that config.json names is joined again" {
    need_criu
    need_command ip
    NETWORK=$PREFIX
    ip netns add "$NETWORK"
    counter
    edit "(.linux.namespaces[] | select(.type == \"network\")).path = \"/run/netns/$NETWORK\""
    run_counter
    checkpoint
    local count
    count=$(counted)
    restore
    goes_on "$count"
    equal "$(stat -L -c %i "/proc/$PID/ns/net")" "$(stat -L -c %i "/run/netns/$NETWORK")" namespace
}

@test "limits hold, and hooks run, for a restored container" {
    need_criu
    counter
    edit ".linux.resources.pids = {limit: 77} | .hooks = {
        createRuntime: [{path: \"/bin/sh\", args: [\"sh\", \"-c\", \"echo created >>$TEST_DIR/hooks\"]}],
        poststop: [{path: \"/bin/sh\", args: [\"sh\", \"-c\", \"echo stopped >>$TEST_DIR/hooks\"]}]}"
    run_counter
    checkpoint
    restore
    equal "$(cat "$TEST_DIR/hooks")" $'created\nstopped\ncreated' hooks
    local group
    group=$(sed -n 's/^0:://p' "/proc/$PID/cgroup")
    equal "$(cat "/sys/fs/cgroup$group/pids.max")" 77 limit
    ok delete --force "$ID"
    equal "$(tail -n 1 "$TEST_DIR/hooks")" stopped hooks
}

@test "a paused container is saved" {
    need_criu
    counter
    run_counter
    ok pause "$ID"
    checkpoint
    local count
    count=$(counted)
    restore
    goes_on "$count"
}

@test "what criu cannot save goes on, and the error says why and where criu's log is" {
    need_criu
    counter
    run_counter
    # A mount that nobody knows of.
    mkdir -p "$TEST_DIR/outside"
    mount --bind "$TEST_DIR/outside" "$TEST_DIR/outside"
    python3 - "$PID" "$TEST_DIR/outside" <<'PYTHON'
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
tree = libc.syscall(428, -100, sys.argv[2].encode(), 1)  # open_tree, OPEN_TREE_CLONE
namespace = os.open(f'/proc/{sys.argv[1]}/ns/mnt', os.O_RDONLY)
assert tree >= 0 and libc.setns(namespace, 0x20000) == 0
assert libc.syscall(429, tree, b'', -100, b'/mnt', 4) == 0, ctypes.get_errno()  # move_mount
PYTHON
    umount "$TEST_DIR/outside"
    runtime checkpoint --image-path "$IMAGES" --work-path "$WORK" "$ID"
    ((status != 0)) || fail "expected a refusal"
    # runc 1.1 names the last message it had.
    expect_error 'criu failed: type (DUMP|NOTIFY)'
    expect_error "log file: .*$WORK/dump.log"
    [[ $(wc -l <<<"$stderr") == 1 ]] || ! is_swiftlet || fail "expected an error of one line"
    equal "$(status_of "$ID")" running status
    [[ $(process_state "$PID") =~ [RS] ]] || fail "it does not run"
}

@test "images that are broken restore nothing, and nothing is left" {
    need_criu
    counter
    run_counter
    checkpoint
    : >"$IMAGES/pstree.img"
    runtime restore --detach --bundle "$BUNDLE" --image-path "$IMAGES" --work-path "$WORK" "$ID"
    ((status != 0)) || fail "expected a refusal"
    expect_error 'criu failed: type RESTORE'
    expect_error "log file: .*$WORK/restore.log"
    refused 'does not exist' state "$ID"
    [[ ! -e $ROOT/$ID ]] || fail "its state is still there"
    ! find /sys/fs/cgroup -type d -name "$ID" | grep . || fail "its cgroup is still there"
}

@test "restore refuses a name that is taken" {
    need_criu
    counter
    run_counter
    checkpoint --leave-running
    refused 'exist' restore --detach --bundle "$BUNDLE" --image-path "$IMAGES" "$ID"
    goes_on "$(counted)"
}

# --- without a criu that works

@test "checkpoint refuses what does not run" {
    bundle sleep 1000
    refused 'does not exist' checkpoint --image-path "$IMAGES" "$ID"
    create
    refused 'cannot be checkpointed in created state' checkpoint --image-path "$IMAGES" "$ID"
    ok kill "$ID" KILL
    eventually has_status stopped
    refused 'cannot be checkpointed in stopped state' checkpoint --image-path "$IMAGES" "$ID"
}

@test "checkpoint refuses a --parent-path that is absolute or not there" {
    bundle sleep 1000
    create
    ok start "$ID"
    refused '[-]-parent-path' checkpoint --image-path "$IMAGES" --parent-path "$TEST_DIR" "$ID"
    refused '[-]-parent-path' checkpoint --image-path "$IMAGES" --parent-path ../parent "$ID"
    refused 'namespace .*pid.* is not supported' checkpoint --image-path "$IMAGES" --empty-ns pid "$ID"
    refused '[-]-page-server' checkpoint --image-path "$IMAGES" --page-server 1234 "$ID"
    equal "$(status_of "$ID")" running status
}

@test "without criu the error says so, in runc's words" {
    bundle sleep 1000
    create
    ok start "$ID"
    local PATH=$PATH
    mkdir "$TEST_DIR/bin" "$IMAGES"
    ln -s "$(command -v timeout)" "$(command -v tr)" "$(command -v basename)" "$(command -v wc)" "$TEST_DIR/bin"
    PATH=$TEST_DIR/bin
    refused 'exec: "criu": executable file not found in \$PATH' checkpoint --image-path "$IMAGES" "$ID"
    refused 'exec: "criu": executable file not found in \$PATH' restore --bundle "$BUNDLE" --image-path "$IMAGES" two
    PATH=/usr/sbin:/usr/bin:/sbin:/bin
    equal "$(status_of "$ID")" running status
}

@test "a criu that ends early is quoted" {
    need_swiftlet
    bundle sleep 1000
    create
    ok start "$ID"
    mkdir "$TEST_DIR/bin"
    printf '%s\n' '#!/bin/sh' 'echo "this kernel is too old for me" >&2' 'exit 3' >"$TEST_DIR/bin/criu"
    chmod 755 "$TEST_DIR/bin/criu"
    local PATH=$TEST_DIR/bin:$PATH
    refused 'criu ended early: exit status 3: this kernel is too old for me' checkpoint --image-path "$IMAGES" "$ID"
    equal "$(status_of "$ID")" running status
    refused 'criu ended early: exit status 3: this kernel is too old for me' \
        restore --bundle "$BUNDLE" --image-path "$IMAGES" "$ID-2"
    [[ ! -e $ROOT/$ID-2 ]] || fail "its state is still there"
}

@test "a unikernel is neither saved nor restored" {
    need_guests spt
    guest_bundle spt hello
    create
    refused 'it runs a unikernel' checkpoint --image-path "$IMAGES" "$ID"
    mkdir -p "$IMAGES"
    refused "bundle is a unikernel's" restore --bundle "$BUNDLE" --image-path "$IMAGES" "$ID-2"
    [[ ! -e $ROOT/$ID-2 ]] || fail "its state is still there"
    equal "$(status_of "$ID")" created status
}
