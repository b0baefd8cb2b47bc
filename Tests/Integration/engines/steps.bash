# What an engine with docker's command line has to do with the runtime, one function a step. They run inside the lab
# (lab.bash), as root or as an ordinary user, under `set -euo pipefail`; a step that returns has passed.
#
# Whoever calls a step defines
#   cli            the engine's command line, with the runtime under test
#   run_options    options that every container gets
#   network        options for a container without a network
#   image          an image of busybox with a shell, whose entry point is not set
#   LAB            a directory for files

expect() { # EXPECTED GOT WHAT
    [[ $1 == "$2" ]] || fail "$3: expected <$1>, got <$2>"
}

expect_match() { # PATTERN GOT WHAT
    # shellcheck disable=SC2053
    [[ $2 == $1 ]] || fail "$3: expected something like <$1>, got <$2>"
}

fail() {
    echo "$*"
    exit 1
}

# Repeats a command until it succeeds, for ten seconds.
eventually() { # COMMAND...
    local deadline=$((SECONDS + 10))
    until "$@"; do
        ((SECONDS < deadline)) || fail "did not happen in 10 seconds: $*"
        sleep 0.1
    done
}

# Runs a command that has to end with a status; its output goes to $output.
ends_with() { # STATUS COMMAND...
    local wanted=$1 status=0
    shift
    output=$("$@" 2>&1) || status=$?
    expect "$wanted" "$status" "status of $* ($output)"
}

run() { cli run "${run_options[@]}" "${network[@]}" "$@"; }

# Starts a container in the background that runs a shell script; sets NAME, which cleans up after itself.
start() { # NAME SCRIPT [OPTIONS...]
    NAME=$1
    local script=$2
    shift 2
    run --detach --name "$NAME" "$@" "$image" sh -c "$script" >/dev/null
}

# A script that waits for SIGTERM and ends with a status of its own.
obedient='trap "exit 5" TERM; echo ready; while :; do sleep 0.1; done'

field() { # FORMAT [NAME]
    cli inspect --format "{{$1}}" "${2:-$NAME}"
}

has_status() { [[ $(field .State.Status) == "$1" ]]; }

logged() { [[ $(cli logs "$NAME" 2>&1) == *"$1"* ]]; }

remove() { cli rm --force --time 0 "${1:-$NAME}" >/dev/null; }

# --- the steps

step_run() {
    expect 'some words' "$(run --rm "$image" echo some words)" output
    expect 'from stdin' "$(echo 'from stdin' | run --rm --interactive "$image" cat)" 'standard input'
    expect $'out' "$(run --rm "$image" sh -c 'echo out; echo err >&2' 2>/dev/null)" 'standard output alone'
    expect '' "$(cli ps --all --quiet)" 'containers left'
}

step_status() {
    ends_with 0 run --rm "$image" true
    ends_with 9 run --rm "$image" sh -c 'exit 9'
    ends_with 127 run --rm "$image" nosuch
    expect_match '*nosuch*' "$output" 'the message'
    ends_with 127 run --rm "$image" /no/such
    ends_with 126 run --rm "$image" /etc
    # Nothing is left of what did not start.
    expect '' "$(cli ps --all --quiet)" 'containers left'
}

step_process() {
    expect $'one two\n/tmp\nnamed' "$(run --rm --env 'WORDS=one two' --workdir /tmp --hostname named "$image" \
        sh -c 'echo "$WORDS"; pwd; hostname')" 'environment, directory, host name'
    expect '1000:1001:1001' "$(run --rm --user 1000:1001 "$image" sh -c 'echo $(id -u):$(id -g):$(id -G)')" user
    expect '5 10' "$(run --rm --user 1000:5 --group-add 10 "$image" id -G)" groups
    expect 'read-only' "$(run --rm --read-only "$image" sh -c 'touch /file 2>/dev/null || echo read-only')" root
    expect 0000000000000000 "$(run --rm --cap-drop all "$image" sed -n 's/^CapEff:\t//p' /proc/self/status)" capabilities
    # Both, because podman adds one of its own for the other, which not every machine allows it.
    expect 100 "$(run --rm --ulimit nofile=100:100 --ulimit nproc=1000:1000 "$image" sh -c 'ulimit -n')" limit
    expect_match '*tmpfs*' "$(run --rm --tmpfs /scratch "$image" sh -c 'grep " /scratch " /proc/mounts')" tmpfs
    expect 1 "$(run --rm --security-opt no-new-privileges "$image" sed -n "s/^NoNewPrivs:.//p" /proc/self/status)" "no new privileges"
}

step_volumes() {
    local shared
    shared=$(mktemp -d "$LAB/shared.XXXX")
    chmod 777 "$shared"
    echo 'from the host' >"$shared/file"
    expect 'from the host' "$(run --rm --volume "$shared:/shared" "$image" sh -c \
        'cat /shared/file; echo "from the container" >/shared/answer')" 'bound directory'
    expect 'from the container' "$(<"$shared/answer")" answer
    expect 'refused' "$(run --rm --volume "$shared:/shared:ro" "$image" sh -c \
        'touch /shared/no 2>/dev/null || echo refused')" 'read-only volume'
    cli volume create kept >/dev/null
    run --rm --volume kept:/kept "$image" sh -c 'echo kept >/kept/file'
    expect kept "$(run --rm --volume kept:/kept "$image" cat /kept/file)" 'named volume'
    cli volume rm kept >/dev/null
}

step_terminal() {
    run --rm --tty "$image" test -t 0
    expect $'24 80\r' "$(run --rm --tty --env COLUMNS=80 "$image" sh -c \
        'stty rows 24 cols 80; stty size')" 'size of the terminal'
    expect $'/dev/pts/0 1000\r' "$(run --rm --tty --user 1000:1000 "$image" sh -c \
        'echo $(tty) $(stat -c %u $(tty))')" 'the terminal of another user'
}

step_attach() {
    start attached 'read line; echo "got $line"; exit 4' --interactive
    output=$(echo 'a line' | cli attach attached 2>&1) || true
    expect 'got a line' "$output" 'what attach prints'
    expect 4 "$(cli wait attached)" 'exit status'
    remove attached
}

step_logs() {
    start logging 'echo first; echo second >&2; sleep 0.2; echo third'
    expect 0 "$(cli wait logging)" 'status of wait'
    expect $'first\nsecond\nthird' "$(cli logs logging 2>&1)" 'all lines'
    expect third "$(cli logs --tail 1 logging 2>&1)" 'the last line'
    expect $'first\nthird' "$(cli logs logging 2>/dev/null)" 'standard output'
    remove
    start following "$obedient"
    cli logs --follow following >"$LAB/followed" 2>&1 &
    eventually grep -q ready "$LAB/followed"
    remove
}

step_inspect() {
    start inspected "$obedient"
    eventually logged ready
    expect running "$(field .State.Status)" status
    local pid
    pid=$(field .State.Pid)
    [[ -d /proc/$pid ]] || fail "no process $pid"
    expect_match "sh -c *" "$(tr '\0' ' ' <"/proc/$pid/cmdline")" 'its program'
    remove
    [[ ! -d /proc/$pid ]] || fail "process $pid is still there"
    start ended 'exit 6'
    expect 6 "$(cli wait ended)" 'status of wait'
    expect 'exited 6' "$(field .State.Status) $(field .State.ExitCode)" 'state after the end'
    remove
}

step_exec() {
    start target "$obedient" --env GIVEN=at-run
    eventually logged ready
    expect 'said' "$(cli exec target echo said)" output
    expect 'asked' "$(echo asked | cli exec --interactive target cat)" 'standard input'
    ends_with 8 cli exec target sh -c 'exit 8'
    ends_with 127 cli exec target nosuch
    ends_with 126 cli exec target /etc
    expect 'at-run at-exec /tmp' "$(cli exec --env MORE=at-exec --workdir /tmp target \
        sh -c 'echo $GIVEN $MORE $PWD')" 'environment and directory'
    expect '1000:1000' "$(cli exec --user 1000:1000 target sh -c 'echo $(id -u):$(id -g)')" user
    cli exec --tty target test -t 0
    # In the namespaces of the container: its process 1 is seen.
    expect_match 'sh -c *' "$(cli exec target sh -c 'tr "\0" " " </proc/1/cmdline')" 'process 1'
    cli exec --detach target sh -c 'echo detached >/tmp/detached'
    eventually cli exec target test -s /tmp/detached
    remove
}

step_top() {
    start topped 'sleep 1000 & echo ready; wait'
    eventually logged ready
    output=$(cli top topped)
    expect_match '*sleep 1000*' "$output" 'processes'
    remove
}

step_kill() {
    start signalled 'trap "echo got USR1" USR1; trap "exit 5" TERM; echo ready; while :; do sleep 0.1; done'
    eventually logged ready
    cli kill --signal USR1 signalled >/dev/null
    eventually logged 'got USR1'
    cli kill --signal TERM signalled >/dev/null
    eventually has_status exited
    expect 5 "$(field .State.ExitCode)" 'exit status'
    remove
    start killed 'echo ready; sleep 1000'
    eventually logged ready
    cli kill killed >/dev/null
    eventually has_status exited
    expect 137 "$(field .State.ExitCode)" 'exit status'
    remove
}

step_stop() {
    start obeying "$obedient"
    eventually logged ready
    cli stop --time 10 obeying >/dev/null
    expect 'exited 5' "$(field .State.Status) $(field .State.ExitCode)" 'after a stop'
    # Started again it is the same container.
    cli start obeying >/dev/null
    eventually has_status running
    remove
    start deaf 'trap "" TERM; echo ready; while :; do sleep 0.1; done'
    eventually logged ready
    cli stop --time 1 deaf >/dev/null 2>&1
    expect 'exited 137' "$(field .State.Status) $(field .State.ExitCode)" 'after the grace period'
    remove
}

step_restart() {
    start again 'echo started; trap "exit 5" TERM; while :; do sleep 0.1; done'
    eventually logged started
    local before
    before=$(field .State.Pid)
    cli restart --time 5 again >/dev/null
    expect running "$(field .State.Status)" status
    [[ $(field .State.Pid) != "$before" ]] || fail "the process is still $before"
    twice() { [[ $(cli logs again 2>&1) == $'started\nstarted' ]]; }
    eventually twice
    remove
    run --name failing --restart on-failure:2 --detach "$image" sh -c 'echo try; exit 1' >/dev/null
    NAME=failing
    thrice() { [[ $(cli logs failing 2>&1) == $'try\ntry\ntry' ]]; }
    eventually thrice
    remove
}

step_pause() {
    start paused 'i=0; while :; do i=$((i + 1)); echo $i >/tmp/count; sleep 0.05; done'
    cli pause paused >/dev/null
    expect paused "$(field .State.Status)" status
    local pid before
    pid=$(field .State.Pid)
    before=$(sed 's/.*) //' "/proc/$pid/stat" | cut -d ' ' -f 12-13)
    sleep 0.5
    expect "$before" "$(sed 's/.*) //' "/proc/$pid/stat" | cut -d ' ' -f 12-13)" 'processor time while paused'
    cli unpause paused >/dev/null
    expect running "$(field .State.Status)" status
    remove
}

step_stats() {
    start counted 'sleep 1000 & echo ready; wait' --memory 64m
    eventually logged ready
    expect_match '*B / 67.11MB 2' "$(cli stats --no-stream --format '{{.MemUsage}} {{.PIDs}}' counted)" stats
    remove
}

step_update() {
    start limited 'echo ready; sleep 1000' --memory 64m --pids-limit 50
    eventually logged ready
    cli update --memory 128m limited >/dev/null
    local pid place
    pid=$(field .State.Pid)
    place=$(sed -n 's/^[0-9]*:memory://p' "/proc/$pid/cgroup")
    expect $((128 << 20)) "$(<"/sys/fs/cgroup/memory$place/memory.limit_in_bytes")" 'limit'
    remove
}

step_limits() {
    run --rm --memory 32m --pids-limit 20 --cpu-shares 100 "$image" true
    local pid place
    start bounded 'echo ready; sleep 1000' --memory 32m --pids-limit 20
    eventually logged ready
    pid=$(field .State.Pid)
    place=$(sed -n 's/^[0-9]*:pids://p' "/proc/$pid/cgroup")
    expect 20 "$(<"/sys/fs/cgroup/pids$place/pids.max")" 'pids'
    place=$(sed -n 's/^[0-9]*:memory://p' "/proc/$pid/cgroup")
    expect $((32 << 20)) "$(<"/sys/fs/cgroup/memory$place/memory.limit_in_bytes")" 'memory'
    remove
    # What wants more is ended by the kernel.
    ends_with 137 run --rm --memory 16m "$image" sh -c 'head -c 64m /dev/zero | tail'
}

step_health() {
    start healthy "$obedient" --health-cmd 'test -e /tmp/healthy' --health-interval "${health_interval:-1s}" --health-retries 1
    eventually logged ready
    ends_with 1 cli healthcheck run healthy
    cli exec healthy touch /tmp/healthy
    ends_with 0 cli healthcheck run healthy
    expect_match 'healthy' "$(field .State.Health.Status)" health
    remove
}

step_copy() {
    start copied "$obedient"
    eventually logged ready
    echo 'to the container' >"$LAB/copied"
    cli cp "$LAB/copied" copied:/tmp/there
    cli cp copied:/tmp/there "$LAB/back"
    expect 'to the container' "$(<"$LAB/back")" 'the copy'
    cli commit --quiet copied localhost/test/committed >/dev/null
    remove
    expect 'to the container' "$(run --rm localhost/test/committed cat /tmp/there)" 'what the new image has'
    cli rmi localhost/test/committed >/dev/null
}

# Guests under QEMU, of the images NAME-virt.
step_machines() {
    expect $'Hello from swiftlet guest\ncommand line: one two' "$(run --rm localhost/test/hello-virt one two)" output
    ends_with 7 run --rm localhost/test/exit-virt 7
    run --detach --name machine --memory 128m localhost/test/sleep-virt >/dev/null
    NAME=machine
    eventually logged sleeping
    expect_match '*MB / 134.2MB [1-9]*' "$(cli stats --no-stream --format '{{.MemUsage}} {{.PIDs}}' machine)" stats
    cli pause machine >/dev/null
    expect paused "$(field .State.Status)" status
    cli unpause machine >/dev/null
    expect running "$(field .State.Status)" status
    cli stop --time 30 machine >/dev/null
    expect 'exited 143' "$(field .State.Status) $(field .State.ExitCode)" 'after a stop'
    cli start machine >/dev/null
    again() { [[ $(cli logs machine 2>&1) == $'sleeping\nsleeping' ]]; }
    eventually again
    cli kill machine >/dev/null
    eventually has_status exited
    expect 137 "$(field .State.ExitCode)" 'after a kill'
    cli rm machine >/dev/null
    expect '' "$(cli ps --all --quiet)" 'containers left'
}

# The port of a container's server, from the host: httpd of busybox. Options name the network.
# A port of a container's server, from the host.
step_publish() {
    NAME=served
    cli run "${run_options[@]}" --detach --name served --publish 127.0.0.1:18080:80 "$image" \
        sh -c 'mkdir /www; echo answer >/www/index.html; exec httpd -f -p 80 -h /www' >/dev/null
    answered() { [[ $(curl --silent --max-time 2 http://127.0.0.1:18080/) == answer ]]; }
    eventually answered
    remove
}

# Two containers of one pod share what pods share and nothing else.
step_pod() {
    cli pod create --name pair --hostname pair "${network[@]}" "${pod_options[@]}" --infra-image "$image" \
        --infra-command /bin/sleep\ 1000 >/dev/null
    local left right kind
    cli run "${run_options[@]}" --detach --pod pair --name left "$image" sleep 1000 >/dev/null
    cli run "${run_options[@]}" --detach --pod pair --name right "$image" sleep 1000 >/dev/null
    left=$(field .State.Pid left) right=$(field .State.Pid right)
    for kind in net ipc uts user; do
        expect "$(namespace "$kind" "$left")" "$(namespace "$kind" "$right")" "$kind namespace"
    done
    for kind in pid mnt; do
        [[ $(namespace "$kind" "$left") != $(namespace "$kind" "$right") ]] || fail "one $kind namespace"
    done
    expect pair "$(cli exec left hostname)" 'host name'
    expect Running "$(cli pod inspect --format '{{.State}}' pair)" 'state of the pod'
    cli pod rm --force --time 0 pair >/dev/null
    expect '' "$(cli ps --all --quiet)" 'containers left'
}

# As root of the namespace in which an engine without privileges works: the user itself may not look.
namespace() { # KIND PID
    if ((EUID == 0)); then readlink "/proc/$2/ns/$1"; else cli unshare readlink "/proc/$2/ns/$1"; fi
}
