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
            # -D: the tracer goes aside, so that the status is the runtime's and comes when create is over.
            timeout --kill-after 5 "$LIMIT" strace -D -f -qq -o "$TEST_DIR/trace" -e trace="$call" \
                -e "inject=$call:error=EIO:when=$number" "$RUNTIME" --root "$ROOT" create --bundle "$BUNDLE" \
                --pid-file "$TEST_DIR/$ID.pid" "$ID" >"$TEST_DIR/out" 2>"$TEST_DIR/err" </dev/null 3>&- || status=$?
            output=$(<"$TEST_DIR/out") stderr=$(<"$TEST_DIR/err") called="create with fault $number of $call"
            if ! grep -q INJECTED "$TEST_DIR/trace"; then
                # The call does not occur that often: done with it.
                nothing_stays "$call without a fault"
                break
            fi
            tried=$((tried + 1))
            judge "$call" "$number"
            nothing_stays "fault $number of $call"
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

# Create said no with a reason, or there is a container. That one starts, or says why not: a call may have failed in the
# container's own process after create was done.
judge() { # CALL NUMBER
    if ((status >= 124)); then
        problems+="fault $2 of $1: create ended with status $status"$'\n'
    elif ((status > 0)); then
        failures=$((failures + 1))
        # The reason itself may be what could not be written.
        [[ $stderr ]] || grep -q 'write(2, .*INJECTED' "$TEST_DIR/trace" ||
            problems+="fault $2 of $1: create failed without a reason"$'\n'
    elif [[ ! $(status_of "$ID") ]]; then
        problems+="fault $2 of $1: create succeeded, but there is no container"$'\n'
    else
        runtime start "$ID"
        [[ $status == 0 || $stderr ]] || problems+="fault $2 of $1: start failed without a reason"$'\n'
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
