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
