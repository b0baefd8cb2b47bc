#!/usr/bin/env bats
# Files of tests that need another machine, run in the virtual one of Tests/Conformance/v2-lab.

load helpers

# One file of tests in the guest; its own report is this test's output.
in_lab() { # OPTIONS... FILE
    [[ ! ${NO_ENGINES-} ]] || skip "$NO_ENGINES"
    local file=${*: -1} log=$TEST_DIR/lab.log status=0
    # What bats sets is about this run, not the one in the guest; on its PATH is a part of it called like the whole.
    local name unset=()
    for name in "${!BATS_@}"; do unset+=(-u "$name"); done
    # A guest of QEMU without KVM is an order of magnitude slower than this machine.
    env "${unset[@]}" PATH="${PATH//"$BATS_LIBEXEC:"/}" LIMIT=120 PATIENCE=60 BATS_TEST_TIMEOUT=600 RUNTIME="$RUNTIME" \
        timeout 1800 "$repository/Tests/Conformance/v2-lab" "${@:1:$#-1}" --limit 1700 bats "$BATS_TEST_DIRNAME/$file" \
        >"$log" 2>&1 3>&- </dev/null || status=$?
    ((status != 77)) || skip "$(tail -n 1 "$log")"
    cat "$log"
    ((status == 0)) || fail "the tests failed in the guest: status $status"
    grep -q '^ok' "$log" || fail "no test ran in the guest"
}

# bats-exec-test ends a test that takes longer.
setup_file() { export BATS_TEST_TIMEOUT=1900; }

@test "on a machine with cgroup version 2 alone: cgroup2.bats" {
    in_lab cgroup2.bats
}

@test "on a machine with cgroup version 2 alone: limits.bats" {
    in_lab limits.bats
}

@test "on a machine on which criu works: checkpoint.bats" {
    in_lab checkpoint.bats
    grep -q '^ok [0-9]* a container goes on where it was$' "$TEST_DIR/lab.log" || fail "criu does not work in the guest"
}

@test "on a machine whose process 1 is systemd: systemd.bats" {
    in_lab --systemd systemd.bats
}
