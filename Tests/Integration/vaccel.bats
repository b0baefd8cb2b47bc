# The vAccel agent: its protocol, its limits, what it leaves. The client is vaccel_client.py, which shares nothing with it.
#
# AGENT   the executable under test, out/swiftlet-vaccel unless set

bats_require_minimum_version 1.5.0

repository=$BATS_TEST_DIRNAME/../..
AGENT=${AGENT:-$repository/out/swiftlet-vaccel}

setup() {
    [[ -x $AGENT ]] || skip "no agent at $AGENT: build it with Hack/build"
    directory=$(mktemp -d /tmp/swiftlet-vaccel.XXXXXX)
    socket=$directory/agent.sock
    agents=()
}

teardown() {
    local pid left=''
    for pid in "${agents[@]}"; do stop_agent "$pid" || left+="agent $pid did not end with 0;"; done
    if [[ -e ${socket-} ]]; then left+="$socket is left;"; fi
    rm -rf --one-file-system "${directory-}"
    [[ ! $left ]] || {
        echo "$left"
        return 1
    }
}

# Starts an agent at $socket with more options, and waits until it listens.
start_agent() { # OPTION...
    "$AGENT" --address "unix://$socket" "$@" 3>&- 2>"$directory/log" &
    agents+=($!)
    local deadline=$((SECONDS + 10))
    until [[ -S $socket ]] || ! kill -0 "${agents[-1]}" || ((SECONDS > deadline)); do sleep 0.02; done
    [[ -S $socket ]] || {
        cat "$directory/log"
        return 1
    }
}

# Ends an agent, and fails unless it ends with status 0 and its workers with it.
stop_agent() { # PID
    local status=0 workers
    workers=$(cat "/proc/$1/task/$1/children" 2>/dev/null) || true
    kill -TERM "$1" 2>/dev/null || true
    wait "$1" || status=$?
    for pid in $workers; do
        [[ ! -e /proc/$pid ]] || {
            echo "worker $pid is left"
            status=1
        }
    done
    ((status == 0))
}

check() { # CHECK [ARGUMENT...]
    run -0 timeout 120 python3 "$repository/Tests/Integration/vaccel_checks.py" "$1" "unix://$socket" "${@:2}"
}

@test "vaccel: the exchanges with upstream's agent, byte by byte" {
    start_agent --backend noop
    check exact
}

@test "vaccel: sessions" {
    start_agent --backend noop
    check sessions
}

@test "vaccel: resources are blobs in memory, paths and URLs are refused" {
    start_agent --backend noop
    check resources
    check large
    [[ $(ls "$directory") == $'agent.sock\nlog' ]]
}

@test "vaccel: image operations answer in the order and size of the guest's arguments" {
    start_agent --backend noop
    check images
}

@test "vaccel: arguments that do not fit, EXEC and OPENCV" {
    start_agent --backend noop
    check refusals
}

@test "vaccel: arithmetic of the noop back-end" {
    start_agent --backend noop
    check arithmetic_noop
}

@test "vaccel: models of three frameworks" {
    start_agent --backend noop
    check models
}

@test "vaccel: profiler, unknown methods, malformed messages" {
    start_agent --backend noop
    check profiler
    check unknown
}

@test "vaccel: many requests at once, in pieces" {
    start_agent --backend noop --max-calls 1
    check many
}

@test "vaccel: generic operations as a stream" {
    start_agent --backend noop
    check streaming
}

@test "vaccel: the generation of release 0.4.1" {
    start_agent --backend noop
    check agent_service
}

@test "vaccel: the generation of 2021 to 0.3.7, both forms of arguments" {
    start_agent --backend noop
    check vaccel_agent
}

@test "vaccel: quotas on connections, sessions, resources, memory and frames" {
    start_agent --backend noop --max-connections 4 --max-sessions 3 --max-resources 2 --max-memory 4 --max-frame 2
    check quotas
}

@test "vaccel: connections that cannot be taken wait" {
    # Inherited by the agent; bats has descriptors of its own below.
    local before
    before=$(ulimit -S -n)
    ulimit -S -n 24
    start_agent --backend noop
    ulimit -S -n "$before"
    check without_descriptors
    # It says so a few times a second, not all the time.
    run -0 grep -c 'a connection cannot be taken: .*too many open files' "$directory/log"
    ((output > 0 && output < 1000))
}

@test "vaccel: quota on calls" {
    start_agent --backend noop --max-calls 2
    check calls
}

@test "vaccel: small frames of many fields" {
    start_agent --backend noop
    check fields_of_one_kind
    # What they ask for is not kept: below 64 MiB after a frame of 10 MB of empty fields.
    (($(awk '/VmHWM/ { print $2 }' "/proc/${agents[-1]}/status") < 65536))
}

@test "vaccel: slow and deaf clients hold up nobody and are closed" {
    start_agent --backend noop --frame-timeout 500
    check slow
}

@test "vaccel: random and damaged frames do not disturb another connection" {
    start_agent --backend noop
    check random_frames
}

@test "vaccel: abstract, TCP and inherited sockets" {
    local name=swiftlet-vaccel-$BASHPID port
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    start_agent --backend noop -a "unix://@$name" --server-address "tcp://127.0.0.1:$port"
    run -0 timeout 60 python3 "$repository/Tests/Integration/vaccel_checks.py" sessions "unix://@$name"
    run -0 timeout 60 python3 "$repository/Tests/Integration/vaccel_checks.py" sessions "tcp://127.0.0.1:$port"
    run -0 timeout 60 python3 - "$AGENT" "$repository/Tests/Integration/vaccel_checks.py" "$directory/inherited" <<'PYTHON'
import os, socket, subprocess, sys
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[3])
listener.listen()
number = listener.fileno()
agent = subprocess.Popen([sys.argv[1], '--backend', 'noop', '--listen-fd', str(number)], pass_fds=[number])
listener.close()
try:
    subprocess.run([sys.executable, sys.argv[2], 'exact', 'unix://' + sys.argv[3]], check=True)
finally:
    agent.terminate()
    assert agent.wait() == 0
# What the agent did not make it does not remove.
assert os.path.exists(sys.argv[3])
PYTHON
}

@test "vaccel: a socket that an agent left is replaced, one in use and other files are not" {
    start_agent --backend noop
    run -1 "$AGENT" --address "unix://$socket"
    [[ $output == *"cannot listen at unix://$socket"*"address already in use"* ]]
    check sessions
    kill -KILL "${agents[0]}"
    wait "${agents[0]}" || true
    agents=()
    [[ -S $socket ]]
    start_agent --backend noop
    check sessions
    echo precious >"$directory/file"
    run -1 "$AGENT" --address "unix://$directory/file"
    [[ $(<"$directory/file") == precious ]]
}

@test "vaccel: command lines that cannot be understood" {
    run -1 "$AGENT"
    [[ $output == *"nowhere to listen"* ]]
    while read -r words; do
        # shellcheck disable=SC2086
        run -1 "$AGENT" $words
        [[ $output == "swiftlet-vaccel: "* ]] || {
            echo "$words: $output"
            false
        }
    done <<'LINES'
--address unix://relative
--address unix://
--address vsock://2
--address tcp://127.0.0.1
--address tcp://example.org:1
--address ftp://x
--address
--listen-fd 1
--listen-fd 99
--backend nothing --address unix:///tmp/never
--library noop=relative
--max-frame 0
--max-frame x
--log-level loud
--nothing
word
--help=1
LINES
    run -0 "$AGENT" --help
    [[ $output == *--server-address* && $output == *--max-memory* ]]
    run -0 "$AGENT" --version
    [[ $output == "swiftlet-vaccel version "* ]]
}

@test "vaccel: arithmetic of the cpu back-end" {
    start_agent --backend cpu
    check arithmetic
}

@test "vaccel: matrix products, by OpenBLAS where it is installed" {
    start_agent --backend cpu
    check products
}

@test "vaccel: matrix products without a library" {
    start_agent --backend cpu --library "cpu=$directory/none"
    check products
}

@test "vaccel: large arrays, by OpenBLAS where it is installed" {
    start_agent --backend cpu
    check large_arrays
    check large_at_once
}

@test "vaccel: large arrays without a library" {
    start_agent --backend cpu --library "cpu=$directory/none"
    check large_arrays
}

@test "vaccel: memory that agent and worker share is written to by one of them, reused and given back" {
    start_agent --backend cpu --call-timeout 2000
    check regions "${agents[-1]}"
}

@test "vaccel: a worker that ends or hangs costs one call" {
    start_agent --backend cpu,noop --call-timeout 400
    check worker_ends "${agents[-1]}"
}

@test "vaccel: an answer for which there is no room" {
    start_agent --backend cpu --max-memory 5
    check answers_too_large
}

@test "vaccel: a worker is confined" {
    ((EUID == 0)) || skip "needs root"
    start_agent --backend cpu
    check worker_confined "${agents[-1]}"
}

# POINTS, SEED and ERRORS as in faults.bats.
@test "vaccel: a call that fails in agent or worker costs one client at most, and nothing is left" {
    local report code=0
    cp "$AGENT" "$directory/agent"
    report=$("$BATS_TEST_DIRNAME/fault_agent.py" --points "${POINTS:-40}" --seed "${SEED:-1}" --errors "${ERRORS:-EIO,ENOMEM}" \
        "$directory/agent" "$socket" 2>&1 </dev/null 3>&-) || code=$?
    ((code != 3)) || skip "$report"
    echo "# $report" >&3
    ((code == 0))
}

@test "vaccel: the agent's end is the workers' end, also by SIGKILL" {
    local workers
    start_agent --backend cpu
    check arithmetic
    workers=$(<"/proc/${agents[0]}/task/${agents[0]}/children")
    [[ $workers ]]
    kill -KILL "${agents[0]}"
    wait "${agents[0]}" || true
    agents=()
    rm "$socket"
    local deadline=$((SECONDS + 5))
    # Orphans are collected by whoever adopts them.
    while grep -qs '^State:.*[^Z] (' /proc/${workers// /}/status && ((SECONDS < deadline)); do sleep 0.02; done
    ! grep -qs '^State:[[:space:]]*[RSDT]' "/proc/${workers// /}/status"
}

@test "vaccel: 10,000 random frames a second at one guest's agent, while another guest's calls are answered" {
    start_agent --backend noop
    local first=$socket pid
    socket=$directory/other.sock
    start_agent --backend noop
    timeout 100 python3 "$repository/Tests/Integration/vaccel_checks.py" flood "unix://$first" 5 10000 \
        >"$directory/flood" 2>&1 3>&- &
    pid=$!
    check steady "$pid"
    # How many there really were: this machine may have other work.
    echo "# $output" >&3
    wait "$pid" || {
        cat "$directory/flood"
        false
    }
    echo "# $(<"$directory/flood")" >&3
    # The agent that they were sent to has lost nothing either, and keeps nothing of them.
    run -0 timeout 60 python3 "$repository/Tests/Integration/vaccel_checks.py" sessions "unix://$first"
    stop_agent "${agents[0]}"
    agents=("${agents[1]}")
    [[ ! -e $first ]]
}

@test "vaccel: a guest reaches nothing of another's agent, and does not disturb it" {
    start_agent --backend noop
    local first=$socket pid
    socket=$directory/other.sock
    start_agent --backend noop
    check foreign "unix://$first"
    # All the noise at the one, while the other's guest gets every answer.
    timeout 100 python3 "$repository/Tests/Integration/vaccel_checks.py" random_frames "unix://$first" 7 20000 3>&- &
    pid=$!
    check steady "$pid"
    wait "$pid"
    stop_agent "${agents[0]}"
    agents=("${agents[1]}")
    [[ ! -e $first ]]
}
