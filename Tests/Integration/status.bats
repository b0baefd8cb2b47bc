# What a container's exit status is, as the shell sees it after `run` and as an engine's shim sees it.

load helpers

# Runs a guest to its end and compares the status.
guest_ends_with() { # STATUS hvt|spt GUEST ARGS...
    local expected=$1
    shift
    guest_bundle "$@"
    run_container
    equal "$status" "$expected" "status of $*"
}

# Creates and starts the bundle's container from a parent that waits for it; sets `result`, a JSON document.
as_shim() { # OPTIONS...
    result=$("$BATS_TEST_DIRNAME/parent.py" "$@" "$RUNTIME" "$ROOT" "$BUNDLE" "$ID" 2>"$TEST_DIR/parent.err" 3>&-) ||
        fail "$(<"$TEST_DIR/parent.err")$(cat "$BUNDLE/error" 2>/dev/null)"
}

field() { jq --raw-output ".$1" <<<"$result"; }

# A guest that waits for ever and one that never lets go of the processor are ended by each of the signals.
signals_end_guest() { # hvt|spt NAMESPACE_FILTER
    local guest text signal number
    for guest in sleep:sleeping spin:spinning; do
        text=${guest#*:} guest=${guest%:*}
        for signal in TERM:15 INT:2 HUP:1 KILL:9; do
            number=${signal#*:} signal=${signal%:*}
            guest_bundle "$1" "$guest"
            edit "$2"
            as_shim --after "$text" --kill "$signal"
            equal "$(field status)" $((128 + number)) "status of $guest after $signal"
            equal "$(jq '.seconds < 1' <<<"$result")" true "$guest ended $(field seconds) seconds after $signal: in time"
            ok delete "$ID"
        done
    done
}

statuses() { # hvt|spt
    guest_ends_with 0 "$1" hello
    guest_ends_with 0 "$1" exit 0
    guest_ends_with 1 "$1" exit 1
    guest_ends_with 7 "$1" exit 7
    guest_ends_with 63 "$1" exit 63
    guest_ends_with 255 "$1" exit 255
    guest_ends_with 0 "$1" exit 256
    guest_ends_with 44 "$1" exit 300
}

abort() { # hvt|spt
    guest_ends_with 255 "$1" abort
    expect_contains "abort: the abort guest gives up"
}

faults() { # hvt|spt
    local kind
    for kind in read-null write-null jump-null beyond write-text write-constants undefined divide stack; do
        guest_ends_with 255 "$1" fault "$kind"
        expect_contains "fault $kind"
        [[ $output != *survived* ]] || fail "the guest survived $kind"
        # The registers, as the instruction pointer shows: enough to find the place in the guest.
        expect_error 'rip[ =:]+(0x)?[0-9a-f]+'
    done
}

@test "exit status of a guest: spt" {
    need_guests spt
    statuses spt
}

@test "exit status of a guest: hvt" {
    need_guests hvt
    statuses hvt
}

@test "a guest that aborts ends with 255: spt" {
    need_guests spt
    abort spt
}

@test "a guest that aborts ends with 255: hvt" {
    need_guests hvt
    abort hvt
}

@test "a guest's fault is reported with its registers and ends with 255: spt" {
    need_guests spt
    faults spt
}

@test "a guest's fault is reported with its registers and ends with 255: hvt" {
    need_guests hvt
    faults hvt
}

@test "a system call that is not allowed ends a guest with 159: spt" {
    need_guests spt
    local kind
    for kind in getpid stdin mprotect x32 int80; do
        guest_bundle spt badsyscall "$kind"
        run_container
        equal "$status" 159 "status of badsyscall $kind"
        [[ $output != *survived* ]] || fail "the guest survived $kind"
    done
}

@test "signals end a guest at once: spt" {
    need_guests spt
    signals_end_guest spt .
}

@test "signals end a guest at once: hvt" {
    need_guests hvt
    signals_end_guest hvt .
}

@test "signals end a guest at once without a PID namespace of its own: spt" {
    need_guests spt
    signals_end_guest spt '.linux.namespaces |= map(select(.type != "pid"))'
}

@test "signals end a guest at once without a PID namespace of its own: hvt" {
    need_guests hvt
    signals_end_guest hvt '.linux.namespaces |= map(select(.type != "pid"))'
}

@test "kill --all ends a guest at once" {
    need_guests spt
    guest_bundle spt sleep
    as_shim --after sleeping --all --kill TERM
    equal "$(field status)" 143 status
}

@test "a shim sees a guest's status: spt and hvt" {
    need_guests spt
    local kind filter
    for kind in spt hvt; do
        if [[ $kind == hvt ]] && ! (: <>/dev/kvm) 2>/dev/null; then continue; fi
        for filter in . '.linux.namespaces |= map(select(.type != "pid"))'; do
            guest_bundle "$kind" exit 7
            edit "$filter"
            as_shim
            equal "$(field status)" 7 "status of exit 7 ($kind)"
            ok delete "$ID"
        done
    done
}

@test "a shim that kills the process itself sees the status" {
    need_guests spt
    guest_bundle spt spin
    as_shim --after spinning --direct --kill 15
    equal "$(field status)" 143 status
    ok delete "$ID"
    guest_bundle spt sleep
    as_shim --after sleeping --direct --kill 9
    equal "$(field status)" 137 status
    # Nothing of the guest outlives the process that stands for it.
    ok delete "$ID"
}

@test "exit status of an ordinary container" {
    local number
    for number in 0 1 7 255; do
        bundle sh -c "exit $number"
        run_container
        expect_status "$number"
    done
    bundle sh -c 'exit 7'
    as_shim
    equal "$(field status)" 7 status
}

@test "an ordinary container that a signal ends" {
    bundle sh -c 'kill -9 $$'
    edit '.linux.namespaces |= map(select(.type != "pid"))'
    run_container
    expect_status 137
    bundle sh -c 'echo up; exec sleep 1000'
    as_shim --after up --kill KILL
    equal "$(field status)" 137 status
    bundle sh -c 'trap "exit 5" TERM; echo up; while :; do sleep 0.05; done'
    as_shim --after up --kill TERM
    equal "$(field status)" 5 status
}
