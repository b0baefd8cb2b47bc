# Nothing is left on the machine when the runtime is killed while it creates, starts or deletes a container, whatever the
# moment. What happens when its system calls fail, faults.bats tells.
#
# LIFECYCLES   how many containers are broken, 300 unless set
# SEED         for the moments; printed, so that a run can be repeated

load helpers

setup_file() {
    # These take longer than the others.
    export BATS_TEST_TIMEOUT=900
}

setup() {
    prepare
    LIFECYCLES=${LIFECYCLES:-300}
    RANDOM=${SEED:-1}
}

# Removes what is there of the container and fails when something stays.
nothing_stays() { # WHAT
    local found
    if [[ -s $TEST_DIR/$ID.pid ]]; then
        PID=$(<"$TEST_DIR/$ID.pid")
        remember_pid "$PID"
    fi
    runtime delete --force "$ID"
    ((status == 0)) || fail "delete --force after: $1"
    found=$(leftovers)
    [[ ! $found ]] || fail "left behind after $1: $found"
    rm -rf "$BUNDLE"
    : >"$TEST_DIR/pids"
    : >"$TEST_DIR/ids"
}

# Starts a command of the runtime and kills it after some time; sets `ended`, whether it was done before.
interrupted() { # MICROSECONDS ARGS...
    local microseconds=$1 victim
    shift
    "$RUNTIME" --root "$ROOT" "$@" >"$TEST_DIR/$ID.out" 2>&1 </dev/null 3>&- &
    victim=$!
    pause "$microseconds"
    kill -KILL "$victim" 2>/dev/null || true
    ended=yes
    wait "$victim" 2>/dev/null || ended=''
}

# Waits without starting a process, which would take as long as the runtime does.
pause() { # MICROSECONDS
    local end=$((${EPOCHREALTIME/./} + $1))
    while ((${EPOCHREALTIME/./} < end)); do :; done
}

# How long the calls of the runtime take on this machine, in microseconds: the moments are spread over that.
measure() { # ARGS...
    local began=${EPOCHREALTIME/./}
    "$RUNTIME" --root "$ROOT" "$@" >"$TEST_DIR/$ID.out" 2>&1 </dev/null 3>&-
    took=$((${EPOCHREALTIME/./} - began))
}

# Kills create, start, run or delete of COUNT containers that MAKE makes.
kill_at_random() { # COUNT MAKE...
    local count=$1 number moment took killed=0 create start delete
    shift
    "$@"
    measure create --bundle "$BUNDLE" "$ID"
    create=$took
    measure start "$ID"
    start=$took
    measure delete --force "$ID"
    delete=$took
    for ((number = 0; number < count; number++)); do
        "$@"
        moment=$((RANDOM * 32768 + RANDOM))
        case $((number % 4)) in
        0 | 1)
            moment=$((moment % create))
            interrupted "$moment" create --bundle "$BUNDLE" --pid-file "$TEST_DIR/$ID.pid" "$ID"
            ;;
        2)
            create
            moment=$((moment % start))
            interrupted "$moment" start "$ID"
            ;;
        3)
            create
            moment=$((moment % delete))
            interrupted "$moment" delete --force "$ID"
            ;;
        esac
        [[ $ended ]] || killed=$((killed + 1))
        nothing_stays "container $number, killed after $moment microseconds"
        bundles=0
    done 2>"$TEST_DIR/killed"
    echo "# $count containers, seed ${SEED:-1}: $killed killed before they were done" >&3
    # A run that never hits anything shows nothing.
    ((killed > count / 4)) || fail "only $killed of $count were killed in time"
}

@test "guests killed at random moments leave nothing" {
    need_guests spt
    kill_at_random "$((LIFECYCLES / 3))" guest_bundle spt sleep
    kill_at_random "$((LIFECYCLES / 3))" guest_bundle spt hello
}

@test "ordinary containers killed at random moments leave nothing" {
    need_swiftlet # runc 1.1 leaves cgroups behind
    kill_at_random "$((LIFECYCLES / 3))" bundle sleep 1000
}

@test "containers whose process is killed at random moments leave nothing" {
    need_guests spt
    local number milliseconds
    for ((number = 0; number < LIFECYCLES / 10; number++)); do
        guest_bundle spt output
        create
        ok start "$ID"
        milliseconds=$((RANDOM % 20))
        sleep "0.$(printf %03d $milliseconds)"
        kill -KILL "$PID" 2>/dev/null || true
        eventually has_status stopped
        nothing_stays "a guest killed after $milliseconds ms"
        bundles=0
    done
}
