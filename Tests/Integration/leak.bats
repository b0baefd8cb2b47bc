# Nothing is left on the machine however a container's creation ends: killed at any moment, or refused a system call.
#
# LIFECYCLES   how many containers are broken, 300 unless set
# FAULTS       how many occurrences of each system call fail, one container each; 6 unless set
# SEED         for the moments; printed, so that a run can be repeated

load helpers

setup_file() {
    # These take longer than the others.
    export BATS_TEST_TIMEOUT=900
}

setup() {
    prepare
    LIFECYCLES=${LIFECYCLES:-300}
    FAULTS=${FAULTS:-6}
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

# Starts a command of the runtime and kills it after some milliseconds; sets `ended`, whether it was done before.
interrupted() { # MILLISECONDS ARGS...
    local milliseconds=$1 victim
    shift
    "$RUNTIME" --root "$ROOT" "$@" >"$TEST_DIR/$ID.out" 2>&1 </dev/null 3>&- &
    victim=$!
    sleep "$((milliseconds / 1000)).$(printf %03d $((milliseconds % 1000)))"
    kill -KILL "$victim" 2>/dev/null || true
    ended=yes
    wait "$victim" 2>/dev/null || ended=''
}

# The time that a whole create takes on this machine, in milliseconds: the moments are spread over it.
time_of_create() {
    local began
    began=$(date +%s%N)
    create
    echo $((($(date +%s%N) - began) / 1000000 + 1))
}

# Kills create, start, run or delete of COUNT containers that MAKE makes.
kill_at_random() { # COUNT MAKE...
    local count=$1 number moment took killed=0
    shift
    "$@"
    took=$(time_of_create)
    nothing_stays "a first container"
    for ((number = 0; number < count; number++)); do
        "$@"
        moment=$((RANDOM % (took + 2)))
        case $((number % 4)) in
        0 | 1) interrupted "$moment" create --bundle "$BUNDLE" --pid-file "$TEST_DIR/$ID.pid" "$ID" ;;
        2)
            create
            interrupted "$((moment / 2))" start "$ID"
            ;;
        3)
            create
            interrupted "$((moment / 2))" delete --force "$ID"
            ;;
        esac
        [[ $ended ]] || killed=$((killed + 1))
        nothing_stays "container $number, killed after $moment ms of $took"
        bundles=0
    done
    echo "# $count containers, seed ${SEED:-1}: $killed killed before they were done" >&3
    # A run that never hits anything shows nothing.
    ((killed > 0)) || fail "nothing was killed in time"
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

# Makes the K-th occurrence of each of the calls fail in turn, in the runtime and in what it starts.
inject_faults() { # MAKE...
    need_command strace
    local call number problems='' tried=0 failures=0
    for call in mkdirat,mkdir openat openat2 mount move_mount,fsmount open_tree mount_setattr pivot_root umount2 \
        clone3,clone,fork,vfork unshare setns socketpair,socket,pipe2 bind listen connect accept4,accept write sendmsg \
        recvmsg rename,renameat,renameat2 fchown,fchownat,chown prctl capset mmap memfd_create epoll_create1 \
        timerfd_create seccomp dup3,dup2 fcntl flock unlinkat,unlink,rmdir sethostname; do
        # A call that this architecture does not have is none of ours.
        strace -qq -e trace="$call" true 2>/dev/null || continue
        for ((number = 1; number <= FAULTS; number++)); do
            "$@"
            status=0
            timeout --kill-after 5 "$LIMIT" strace -f -qq -o "$TEST_DIR/trace" -e trace="$call" \
                -e "inject=$call:error=EIO:when=$number" "$RUNTIME" --root "$ROOT" create --bundle "$BUNDLE" \
                --pid-file "$TEST_DIR/$ID.pid" "$ID" >"$TEST_DIR/out" 2>"$TEST_DIR/err" </dev/null 3>&- &
            local tracer=$!
            await_create "$tracer"
            if ! grep -q INJECTED "$TEST_DIR/trace"; then
                # The call does not occur that often: done with it.
                nothing_stays "$call without a fault"
                end_tracer "$tracer"
                break
            fi
            tried=$((tried + 1))
            judge "$call" "$number"
            nothing_stays "fault $number of $call"
            end_tracer "$tracer"
            bundles=0
        done
    done
    echo "# $tried faults, $failures of them made create fail" >&3
    [[ ! $problems ]] || {
        echo "$problems"
        return 1
    }
    ((tried > 0)) || fail "no fault was ever injected"
}

# Waits until create is over: strace itself stays as long as the container it follows.
await_create() { # TRACER
    local runner
    runner=$(eventually_child "$1")
    local deadline=$((SECONDS + LIMIT))
    while [[ $runner && $(process_state "$runner") == [A-Y] ]] && ((SECONDS < deadline)); do sleep 0.005; done
}

# The process that strace runs.
eventually_child() { # TRACER
    local child='' strace deadline=$((SECONDS + 5))
    while [[ ! $child && -d /proc/$1 ]] && ((SECONDS < deadline)); do
        # timeout runs strace, strace runs the runtime.
        strace=$(cat "/proc/$1/task/$1/children" 2>/dev/null || true)
        strace=${strace%% *}
        [[ ! $strace ]] || child=$(cat "/proc/$strace/task/$strace/children" 2>/dev/null || true)
        child=${child%% *}
    done
    echo "$child"
}

end_tracer() { # PID
    wait "$1" 2>/dev/null || true
}

# Create said no with a reason, or what it made works.
judge() { # CALL NUMBER
    if [[ -s $TEST_DIR/err ]]; then
        failures=$((failures + 1))
        return
    fi
    if [[ $(status_of "$ID") == created ]]; then
        runtime start "$ID"
        ((status == 0)) || problems+="fault $2 of $1: created, but start failed: $stderr"$'\n'
    else
        problems+="fault $2 of $1: neither an error nor a container"$'\n'
    fi
}

@test "a guest's create that is refused a system call leaves nothing" {
    need_guests spt
    inject_faults guest_bundle spt sleep
}

@test "an ordinary container's create that is refused a system call leaves nothing" {
    need_swiftlet # a Go runtime starts threads, whose calls have no order
    inject_faults bundle sleep 1000
}
