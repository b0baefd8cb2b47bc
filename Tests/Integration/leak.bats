# Nothing is left on the machine when the runtime is killed while it creates, starts or deletes a container, whatever the
# moment. What happens when its system calls fail, faults.bats tells.
#
# LIFECYCLES   how many containers are broken, 300 unless set
# MIXED        how many lifecycles of all kinds are gone through, 100 unless set
# SEED         for the moments; printed, so that a run can be repeated

load helpers

setup_file() {
    # These take longer than the others.
    export BATS_TEST_TIMEOUT=900
}

setup() {
    prepare
    LIFECYCLES=${LIFECYCLES:-300}
    MIXED=${MIXED:-100}
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

# A container on a root filesystem that all of them share, so that making one costs next to nothing.
mixed_bundle() { # ARGS...
    new_bundle
    jq '.process.args = $ARGS.positional' "$TEST_DIR/template.json" --args -- "$@" >"$BUNDLE/config.json"
}

# Goes through one lifecycle; KIND says which. What is to fail has to fail, all else has to work.
lifecycle() { # KIND
    case $1 in
    runs)
        mixed_bundle sh -c 'exit 3'
        run_container
        expect_status 3
        ;;
    ends-by-itself)
        mixed_bundle true
        create
        ok start "$ID"
        eventually has_status stopped
        ok delete "$ID"
        ;;
    never-started)
        mixed_bundle sleep 1000
        create
        ok delete "$ID"
        refused 'does not exist' delete "$ID"
        ok delete --force "$ID"
        ;;
    detached)
        mixed_bundle sleep 1000
        ok run --detach --bundle "$BUNDLE" --pid-file "$TEST_DIR/$ID.pid" "$ID"
        refused 'not stopped' delete "$ID"
        ok kill "$ID" KILL
        eventually has_status stopped
        ok delete "$ID"
        ;;
    no-program)
        mixed_bundle /bin/none
        refused 'no such file' create --bundle "$BUNDLE" "$ID"
        ;;
    bad-hook)
        mixed_bundle sleep 1000
        edit '.hooks.createRuntime = [{path: "/bin/false"}]'
        refused . create --bundle "$BUNDLE" "$ID"
        ;;
    bad-limit)
        mixed_bundle sleep 1000
        edit '.linux.resources.cpu.cpus = "4000"'
        refused . create --bundle "$BUNDLE" "$ID"
        ;;
    bad-mount)
        mixed_bundle sleep 1000
        edit '.mounts += [{destination: "/mnt", type: "bind", source: "/none/at/all", options: ["bind"]}]'
        refused . run --bundle "$BUNDLE" "$ID"
        ;;
    exec)
        mixed_bundle sleep 1000
        create
        ok start "$ID"
        ok exec "$ID" true
        refused . exec "$ID" /bin/none
        ok exec --detach "$ID" sleep 1000
        ok delete --force "$ID"
        ;;
    paused)
        mixed_bundle sleep 1000
        create
        ok start "$ID"
        ok pause "$ID"
        refused 'not stopped' delete "$ID"
        ;;
    paused-killed)
        mixed_bundle sleep 1000
        create
        ok start "$ID"
        ok pause "$ID"
        ok kill --all "$ID" 9
        eventually has_status stopped
        ok delete "$ID"
        ;;
    updated)
        mixed_bundle sleep 1000
        create
        ok start "$ID"
        ok update --memory 64M --pids-limit 20 "$ID"
        refused . update --cpuset-cpus 4000 "$ID"
        ok events --stats "$ID"
        ;;
    leaves-others-behind)
        mixed_bundle sh -c 'sleep 1000 & sleep 1000 & wait'
        edit '.linux.namespaces |= map(select(.type != "pid"))'
        create
        ok start "$ID"
        kill -KILL "$PID"
        eventually has_status stopped
        ok delete "$ID"
        ;;
    guest)
        guest_bundle spt sleep
        create
        ok start "$ID"
        ok pause "$ID"
        ok resume "$ID"
        ok kill --all "$ID" 15
        eventually has_status stopped
        ok delete "$ID"
        ;;
    guest-paused)
        guest_bundle spt spin
        create
        ok start "$ID"
        ok pause "$ID"
        ;;
    killed-create)
        mixed_bundle sleep 1000
        interrupted $((RANDOM % 20000)) create --bundle "$BUNDLE" --pid-file "$TEST_DIR/$ID.pid" "$ID"
        ;;
    killed-start)
        mixed_bundle sleep 1000
        create
        interrupted $((RANDOM % 6000)) start "$ID"
        ;;
    killed-exec)
        mixed_bundle sleep 1000
        create
        ok start "$ID"
        interrupted $((RANDOM % 10000)) exec "$ID" sleep 1000
        ;;
    killed-pause)
        mixed_bundle sleep 1000
        create
        ok start "$ID"
        interrupted $((RANDOM % 3000)) pause "$ID"
        ;;
    killed-run)
        mixed_bundle sleep 1000
        interrupted $((RANDOM % 30000)) run --bundle "$BUNDLE" --pid-file "$TEST_DIR/$ID.pid" "$ID"
        ;;
    killed-delete)
        mixed_bundle sleep 1000
        create
        ok start "$ID"
        interrupted $((RANDOM % 6000)) delete --force "$ID"
        ;;
    *) fail "no such lifecycle: $1" ;;
    esac
}

@test "mixed lifecycles, with what fails and what is killed, leave nothing" {
    need_guests spt
    bundle true
    jq --arg root "$BATS_RUN_TMPDIR/rootfs" '.root = {path: $root, readonly: true}' "$BUNDLE/config.json" \
        >"$TEST_DIR/template.json"
    local kinds number kind
    kinds=$(declare -f lifecycle | sed -n 's/^ *\([a-z-]*\))$/\1/p')
    # shellcheck disable=SC2206
    kinds=($kinds)
    for ((number = 0; number < MIXED; number++)); do
        kind=${kinds[number % ${#kinds[@]}]}
        lifecycle "$kind" || fail "lifecycle $number, $kind"
        nothing_stays "lifecycle $number, $kind"
        bundles=0
    done 2>"$TEST_DIR/killed"
    echo "# $MIXED lifecycles of ${#kinds[@]} kinds, seed ${SEED:-1}" >&3
    ((${#kinds[@]} == 21)) || fail "${#kinds[@]} kinds: ${kinds[*]}"
}
