#!/usr/bin/env bats
# Another process in a container: exec.

load helpers

# A container that runs for as long as the test wants.
running() {
    bundle sleep 1000
    # For containers whose root is another user of the host.
    chmod 711 "$TEST_DIR"
    chown -R 100000:100000 "$BUNDLE/rootfs/tmp"
    [[ ! ${1-} ]] || edit "$@"
    create
    ok start "$ID"
}

# Runs a process in the container.
run_exec() { # OPTIONS... -- WORDS...
    local options=()
    while [[ $1 != -- ]]; do
        options+=("$1")
        shift
    done
    shift
    runtime exec "${options[@]}" "$ID" "$@"
}

# The same, when it has to work.
good() {
    run_exec "$@"
    expect_success
}

# What /proc/self/status says of a process in the container.
status_line() { # NAME
    sed -n "s/^$1:[[:space:]]*//p" <<<"$output"
}

@test "exec returns the status of the process" {
    running
    good -- true
    run_exec -- false
    expect_status 1
    run_exec -- sh -c 'exit 42'
    expect_status 42
    run_exec -- sh -c 'kill -9 $$'
    expect_status 137
    run_exec -- sh -c 'kill -TERM $$'
    expect_status 143
}

@test "exec passes on all words after the container's name" {
    running
    good -- echo -c --user --help -- 'two words' ''
    expect_output "-c --user --help -- two words "
    good -- sh -c 'printf "%s " "$@"' sh -e --tty
    expect_output "-e --tty "
}

@test "exec gives the process the standard streams of the caller" {
    running
    status=0
    output=$(echo over there | "$RUNTIME" --root "$ROOT" exec "$ID" sh -c 'cat; echo error >&2' \
        2>"$TEST_DIR/err" 3>&-) || status=$?
    expect_success
    equal "$output" "over there" "standard output"
    equal "$(<"$TEST_DIR/err")" error "standard error"
}

@test "exec joins every namespace of process 1" {
    running '.linux.namespaces += [{type: "cgroup"}]'
    good -- sh -c 'for n in cgroup ipc mnt net pid time user uts; do echo $n $(readlink /proc/self/ns/$n); done'
    local kind namespace
    while read -r kind namespace; do
        equal "$namespace" "$(readlink "/proc/$PID/ns/$kind")" "$kind namespace"
    done <<<"$output"
    good -- sh -c 'hostname; echo $$'
    matches "$output" $'^testhost\n[0-9]+$' "host name and pid"
}

@test "exec joins a user namespace" {
    running '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}]
        | .linux.gidMappings = .linux.uidMappings'
    good -- sh -c 'readlink /proc/self/ns/user; id -u; id -g; cat /proc/self/uid_map'
    [[ $output == "$(readlink "/proc/$PID/ns/user")"$'\n0\n0\n'*100000*65536 ]] || fail "namespace, ids and mapping"
    good --user 7:8 -- sh -c 'id -u; id -g'
    expect_output $'7\n8'
}

@test "exec joins a user namespace while the network is the host's" {
    running '.linux.namespaces |= map(select(.type != "network")) + [{type: "user"}]
        | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] | .linux.gidMappings = .linux.uidMappings
        | .mounts |= map(select(.type != "sysfs" and .type != "cgroup"))'
    good -- readlink /proc/self/ns/net
    expect_output "$(readlink /proc/self/ns/net)"
}

@test "exec joins a container that was made with a joined mount namespace" {
    need_swiftlet # runc refuses such a container a root
    bundle sleep 1000
    echo inside >"$BUNDLE/rootfs/marker"
    mkdir -p "$BUNDLE/rootfs/proc"
    unshare --mount --propagation private sleep 1000 3>&- &
    local holder=$!
    remember_pid "$holder"
    eventually test "$(readlink /proc/self/ns/mnt)" != "$(readlink "/proc/$holder/ns/mnt")"
    edit '.linux.namespaces |= map(if .type == "mount" then .path = $path else . end) | .mounts = []
        | .linux.maskedPaths = [] | .linux.readonlyPaths = []' --arg path "/proc/$holder/ns/mnt"
    create
    ok start "$ID"
    good -- cat /marker
    expect_output inside
    ok delete --force "$ID"
    kill "$holder"
}

@test "exec joins a container in the mount namespace of the host" {
    bundle sleep 1000
    echo inside >"$BUNDLE/rootfs/marker"
    edit '.linux.namespaces |= map(select(.type != "mount")) | .mounts = [] | .linux.maskedPaths = []
        | .linux.readonlyPaths = []'
    create
    ok start "$ID"
    good -- cat /marker
    expect_output inside
}

@test "exec puts the process into the container's cgroups" {
    running
    good -- cat /proc/self/cgroup
    equal "$(grep -v '^0::/$' <<<"$output")" "$(grep -v '^0::/$' "/proc/$PID/cgroup")" cgroups
    matches "$output" "$ID" cgroups
}

@test "exec --cgroup" {
    [[ -d /sys/fs/cgroup/pids ]] || skip "needs cgroup version 1"
    running
    mkdir "/sys/fs/cgroup/pids/$ID/below" "/sys/fs/cgroup/memory/$ID/other"
    good --cgroup pids:below --cgroup memory:other -- cat /proc/self/cgroup
    matches "$output" ":pids:/$ID/below"$'\n' pids
    matches "$output" ":memory:/$ID/other"$'\n' memory
    good --cgroup / -- true
    local words
    for words in '..' 'pids:below/../..'; do
        run_exec --cgroup "$words" -- true
        expect_status 255
        expect_error 'bad sub cgroup path'
    done
    run_exec --cgroup missing -- true
    expect_status 255
    expect_error 'adding pid [0-9]+ to cgroups: .*no such file or directory'
    run_exec --cgroup whaaat:/ -- true
    expect_error 'unknown controller whaaat'
    run_exec --cgroup pids:a --cgroup pids:b -- true
    expect_error 'controller pids specified multiple times'
    run_exec --cgroup a --cgroup b -- true
    expect_error 'missing <controller>: prefix'
    run_exec --cgroup ,:a -- true
    expect_error 'empty <controller> prefix'
}

@test "exec takes over what the container's own process has" {
    running '.process.env += ["OWN=value"] | .process.cwd = "/tmp" | .process.user.additionalGids = [5, 6]
        | .process.user.umask = 63 | .process.rlimits = [{type: "RLIMIT_NOFILE", hard: 100, soft: 99}]'
    good -- sh -c 'echo $OWN; pwd; id -G; umask; ulimit -n; ulimit -Hn'
    expect_output $'value\n/tmp\n0 5 6\n0077\n99\n100'
    good -- cat /proc/self/status
    equal "$(status_line NoNewPrivs)" 1 NoNewPrivs
    # kill, net_bind_service, audit_write
    equal "$(status_line CapEff)" 0000000020000420 CapEff
    equal "$(status_line CapBnd)" 0000000020000420 CapBnd
}

@test "exec does not care about later changes of the bundle" {
    need_swiftlet # runc reads the bundle again
    running '.process.env += ["OWN=value"]'
    rm "$BUNDLE/config.json"
    good -- sh -c 'echo $OWN'
    expect_output value
}

@test "exec --cwd" {
    running
    good --cwd /usr/bin -- pwd
    expect_output /usr/bin
    run_exec --cwd /missing -- pwd
    expect_status 255
    expect_error 'no such file or directory'
    run_exec --cwd tmp -- pwd
    expect_status 255
    expect_error 'Cwd must be an absolute path'
}

@test "exec --env adds to the environment, and the last value counts" {
    running '.process.env += ["A=config"]'
    good --env A=first -e A=second -e 'B=two words' -- sh -c 'echo $A; echo $B; env | grep -c ^A='
    expect_output $'second\ntwo words\n1'
    run_exec -e nothing -- true
    expect_status 255
    expect_error 'invalid environment variable'
}

@test "exec --user, and the user's home" {
    running '.process.env = ["PATH=/bin"]'
    echo 'someone:x:1000:1000::/home/someone:/bin/sh' >>"$BUNDLE/rootfs/etc/passwd"
    good --user 1000:1001 -- sh -c 'id -u; id -g; echo $HOME'
    expect_output $'1000\n1001\n/home/someone'
    good -u 2000 -- sh -c 'id -u; id -g; echo $HOME'
    expect_output $'2000\n0\n/'
    local words
    for words in abc 1:abc -1 1:; do
        run_exec --user "$words" -- true
        expect_status 255
        expect_error 'bad [ug]id'
    done
}

@test "exec --additional-gids" {
    running
    good --user 1000:1000 --additional-gids 100 -g 65534 -- id -G
    expect_output "1000 100 65534"
    run_exec -g -5 -- true
    expect_status 255
    expect_error 'additional-gids must be a positive number'
}

@test "exec --cap" {
    running
    good --cap CAP_SYSLOG -- cat /proc/self/status
    equal "$(status_line CapEff)" 0000000420000420 CapEff
    equal "$(status_line CapPrm)" 0000000420000420 CapPrm
    equal "$(status_line CapBnd)" 0000000420000420 CapBnd
}

@test "exec --no-new-privs" {
    running '.process.noNewPrivileges = false'
    good -- cat /proc/self/status
    equal "$(status_line NoNewPrivs)" 0 NoNewPrivs
    good --no-new-privs -- cat /proc/self/status
    equal "$(status_line NoNewPrivs)" 1 NoNewPrivs
}

@test "exec --process" {
    running '.process.env += ["OWN=value"] | .process.rlimits = [{type: "RLIMIT_NOFILE", hard: 100, soft: 99}]'
    jq --null-input '{args: ["sh", "-c", "echo $A$OWN; pwd; id -u; ulimit -n"], env: ["PATH=/bin", "A=file"],
        cwd: "/tmp", user: {uid: 5, gid: 6}}' >"$TEST_DIR/process.json"
    good --process "$TEST_DIR/process.json" --
    expect_output $'file\n/tmp\n5\n99'
    echo '{"args": ["true"]}' >"$TEST_DIR/process.json"
    run_exec --process "$TEST_DIR/process.json" --
    expect_status 255
    expect_error '[Cc]wd'
    run_exec --process "$TEST_DIR/missing.json" --
    expect_status 255
    expect_error 'no such file or directory'
    echo '{' >"$TEST_DIR/process.json"
    run_exec --process "$TEST_DIR/process.json" --
    expect_status 255
}

@test "exec --preserve-fds" {
    running
    echo kept >"$TEST_DIR/kept"
    status=0
    output=$("$RUNTIME" --root "$ROOT" exec --preserve-fds 2 "$ID" cat /proc/self/fd/4 \
        3</dev/null 4<"$TEST_DIR/kept" 2>&1) || status=$?
    expect_success
    expect_output kept
    status=0
    # What is not open is left out, and no descriptor of the runtime's own comes in its place.
    need_swiftlet # runc refuses it, crun is silent
    output=$("$RUNTIME" --root "$ROOT" --log "$TEST_DIR/log" exec --preserve-fds 3 "$ID" sh -c 'ls /proc/$$/fd; true' \
        3>&- 5>&- 4<"$TEST_DIR/kept") || status=$?
    expect_success
    expect_output $'0\n1\n2\n4'
    grep -q 'descriptor 3, which the container is to keep, is not open' "$TEST_DIR/log" || fail "no warning"
}

@test "exec leaves no descriptor open that the process is not to have" {
    running
    status=0
    output=$("$RUNTIME" --root "$ROOT" exec "$ID" sh -c 'ls /proc/$$/fd; true' 3>&- 7<"$TEST_DIR/ids" 2>&1) || status=$?
    expect_success
    expect_output $'0\n1\n2'
}

@test "exec --detach leaves the process to whoever adopts orphans" {
    running
    ok exec --detach --pid-file "$TEST_DIR/exec.pid" "$ID" sleep 1000
    local pid
    pid=$(<"$TEST_DIR/exec.pid")
    remember_pid "$pid"
    equal "$(tr '\0' ' ' <"/proc/$pid/cmdline")" "sleep 1000 " "command of the pid in the file"
    equal "$(readlink "/proc/$pid/ns/pid")" "$(readlink "/proc/$PID/ns/pid")" "PID namespace"
    [[ $(sed -n 's/^PPid:\t//p' "/proc/$pid/status") != "$PID" ]] || fail "it is a child of process 1"
    ok kill "$ID" KILL
    eventually has_status stopped
}

@test "exec with a pid file that cannot be written ends the process" {
    running
    run_exec --detach --pid-file /missing/directory/pid -- sleep 2000
    expect_status 255
    [[ $(wc -l </sys/fs/cgroup/pids/"$ID"/cgroup.procs) == 1 ]] || fail "the process is still there"
}

@test "exec tells why a program does not begin, in the words that engines look for" {
    running
    printf '#!/missing/interpreter\n' >"$BUNDLE/rootfs/script"
    chmod 755 "$BUNDLE/rootfs/script"
    echo nothing >"$BUNDLE/rootfs/plain"
    while IFS='|' read -r words regex; do
        run_exec -- "$words"
        expect_status 255
        expect_error "$regex"
        [[ $(wc -l <<<"$stderr") == 1 ]] || fail "expected an error of one line"
    done <<'ROWS'
missing|exec failed: unable to start container process: exec: "missing": executable file not found in \$PATH
/missing|exec: "/missing": stat /missing: no such file or directory
/plain|exec: "/plain": permission denied
/tmp|exec: "/tmp": 
/script|exec /script: no such file or directory
ROWS
    run_exec --
    expect_status 255
    expect_error 'exec args cannot be empty'
    runtime exec
    expect_status 1
    expect_error 'requires a minimum of 1 argument'
    runtime exec missing true
    expect_status 255
    expect_error 'does not exist'
}

@test "exec in a container that is created, and not in one that has ended" {
    bundle sh -c 'read line </fifo'
    mkfifo "$BUNDLE/rootfs/fifo"
    create
    good -- sh -c 'hostname; ls /fifo'
    expect_output $'testhost\n/fifo'
    ok start "$ID"
    good -- sh -c 'echo >/fifo'
    eventually has_status stopped
    run_exec -- true
    expect_status 255
    expect_error 'cannot exec in a stopped container'
}

@test "exec in a paused container needs --ignore-paused" {
    local freezer=/sys/fs/cgroup/freezer
    [[ -d $freezer ]] || skip "needs the freezer of cgroup version 1"
    running
    echo FROZEN >"$freezer/$ID/freezer.state"
    eventually grep -q FROZEN "$freezer/$ID/freezer.state"
    if has_status paused; then
        run_exec -- true
        expect_status 255
        expect_error 'cannot exec in a paused container \(use --ignore-paused to override\)'
    fi
    "$RUNTIME" --root "$ROOT" exec --ignore-paused "$ID" echo later >"$TEST_DIR/late" 3>&- &
    local waiter=$!
    sleep 0.5
    [[ ! -s $TEST_DIR/late ]] || fail "it ran in a frozen cgroup"
    echo THAWED >"$freezer/$ID/freezer.state"
    wait "$waiter"
    equal "$(<"$TEST_DIR/late")" later output
}

@test "exec passes signals on" {
    running
    "$RUNTIME" --root "$ROOT" exec "$ID" sh -c 'trap "echo got it; exit 7" USR1; echo up; while :; do sleep 0.05; done' \
        >"$TEST_DIR/signals" 3>&- &
    local caller=$! ended=0
    remember_pid "$caller"
    eventually grep -q up "$TEST_DIR/signals"
    kill -USR1 "$caller"
    wait "$caller" || ended=$?
    equal "$ended" 7 status
    equal "$(tail -1 "$TEST_DIR/signals")" "got it" output
}

@test "exec --tty in the foreground" {
    running
    need_command script
    cat >"$TEST_DIR/call" <<CALL
stty rows 33 cols 77
"$RUNTIME" --root "$ROOT" exec --tty "$ID" sh -c 'tty; stty size; ls -l /proc/self/fd/0; exit 5'
CALL
    # Input without an end: at one, script(1) types a character, which the terminal may show.
    mkfifo "$TEST_DIR/input"
    status=0
    script --quiet --return --command "bash $TEST_DIR/call" /dev/null <>"$TEST_DIR/input" >"$TEST_DIR/typescript" 3>&- || status=$?
    expect_status 5
    matches "$(tr -d '\r\0' <"$TEST_DIR/typescript")" '/dev/pts/[0-9]+'$'\n''33 77' "terminal and size"
}

@test "the terminal of exec is ready before the program begins" {
    need_swiftlet # runc makes it as large as the caller's afterwards
    running
    need_command script
    need_command strace
    # The caller comes late: it hears only then that the program has begun.
    cat >"$TEST_DIR/call" <<CALL
stty rows 33 cols 77
strace -o /dev/null -e trace=recvmsg -e inject=recvmsg:delay_exit=500000 \
    "$RUNTIME" --root "$ROOT" exec --tty "$ID" sh -c 'stty size; stty -a | grep -o .onlcr'
CALL
    status=0
    script --quiet --return --command "bash $TEST_DIR/call" /dev/null </dev/null >"$TEST_DIR/typescript" 3>&- || status=$?
    expect_status 0
    matches "$(tr -d '\r\0' <"$TEST_DIR/typescript")" '33 77'$'\n''-onlcr' "size and newlines"
}

@test "exec --tty with a console socket" {
    need_command python3
    running
    "$BATS_TEST_DIRNAME/terminal.py" "$TEST_DIR/console.sock" "$TEST_DIR/terminal" 3>&- &
    local taker=$!
    eventually test -S "$TEST_DIR/console.sock"
    ok exec --detach --tty --console-socket "$TEST_DIR/console.sock" --user 7 "$ID" \
        sh -c 'tty; stat -c %u $(tty); echo done'
    wait "$taker"
    matches "$(tr -d '\r' <"$TEST_DIR/terminal")" '/dev/pts/[0-9]+'$'\n''7'$'\n'done terminal
    run_exec --detach --tty -- true
    expect_status 255
    expect_error 'console socket'
}

@test "exec runs the process under the container's seccomp profile" {
    local privileged
    for privileged in true false; do
        running '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", architectures: ["SCMP_ARCH_X86_64"],
            syscalls: [{names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 38}]}
            | .process.noNewPrivileges = '$privileged
        run_exec -- mkdir /tmp/new
        expect_status 1
        expect_error 'Function not implemented'
    done
}


@test "exec refuses a unikernel at once, with the reason" {
    need_guests
    guest_bundle spt sleep
    create
    ok start "$ID"
    run_exec -- true
    expect_status 255
    expect_error 'runs a unikernel'
}

# Waits for a process descriptor in the background; sets TAKER.
take_pidfd() {
    rm -f "$TEST_DIR/pidfd.sock"
    "$BATS_TEST_DIRNAME/pidfd.py" "$TEST_DIR/pidfd.sock" >"$TEST_DIR/pidfd" 3>&- &
    TAKER=$!
    eventually test -S "$TEST_DIR/pidfd.sock"
}

@test "--pidfd-socket receives a descriptor of the process: create and exec" {
    need_swiftlet # runc has it since 1.2
    need_command python3
    bundle sleep 1000
    take_pidfd
    create --pidfd-socket "$TEST_DIR/pidfd.sock"
    wait "$TAKER"
    equal "$(<"$TEST_DIR/pidfd")" "standard $PID" "name and pid"
    eventually has_status stopped
    running
    take_pidfd
    ok exec --detach --pidfd-socket "$TEST_DIR/pidfd.sock" --pid-file "$TEST_DIR/exec.pid" "$ID" sleep 1000
    wait "$TAKER"
    equal "$(<"$TEST_DIR/pidfd")" "setns $(<"$TEST_DIR/exec.pid")" "name and pid"
    run_exec --pidfd-socket "$TEST_DIR/missing.sock" -- true
    expect_status 255
    expect_error 'pidfd socket.*no such file or directory'
}
