#!/usr/bin/env bats
# That Hack/conformance says what happened, on suites of a few lines that stand in for the public ones.
load helpers

setup() {
    prepare
    unset RT_DIR RUNC_DIR CRUN_DIR YOUKI_DIR
    PATH=$TEST_DIR/bin:$PATH
    mkdir -p "$TEST_DIR"/{bin,suite/tests}
    # A runtime that the stand-ins call the owner, and one that answers otherwise.
    printf '#!/bin/sh\necho good\n' >"$TEST_DIR/bin/owner"
    printf '#!/bin/sh\necho bad\n' >"$TEST_DIR/bin/tested"
    chmod +x "$TEST_DIR"/bin/*
}

conformance() { # OPTIONS...
    status=0
    called="Hack/conformance $*"
    RUNTIME=$TEST_DIR/bin/tested "$repository/Hack/conformance" --owner owner --results "$TEST_DIR/results" \
        --layout machine "$@" >"$TEST_DIR/out" 2>"$TEST_DIR/err" </dev/null 3>&- || status=$?
    output=$(<"$TEST_DIR/out")
    stderr=$(<"$TEST_DIR/err")
}

# A suite in the shape of crun's whose one test is BODY, which ends with the name of a verdict.
stand_in() { # NAME BODY
    touch "$TEST_DIR/suite/tests/init" "$TEST_DIR/suite/tests/tests_utils.py"
    cat >"$TEST_DIR/suite/tests/test_$1.py" <<PYTHON
import os, subprocess, sys
all_tests = {"$1": None}
if __name__ == "__main__":
    answer = subprocess.check_output([os.environ["OCI_RUNTIME"]], text=True).strip()
    $2
PYTHON
    export CRUN_DIR=$TEST_DIR/suite
}

@test "suites that are not there are skipped with the reason" {
    conformance
    expect_success
    expect_contains "skipped: runtime-tools: RT_DIR names no directory of the suite"
    expect_contains "skipped: runc: RUNC_DIR names no directory of the suite"
    expect_contains "skipped: crun: CRUN_DIR names no directory of the suite"
    expect_contains "skipped: youki: YOUKI_DIR names no directory of the suite"
    equal "$(tail -n 1 <<<"$output")" "0 passed, 0 failed, 4 skipped" "the last line"
}

@test "a suite that is not built is skipped with the reason" {
    RUNC_DIR=$TEST_DIR/suite conformance --suite runc
    expect_contains "skipped: runc: tests/integration/helpers.bash is not in $TEST_DIR/suite"
}

@test "a test that the owner alone passes is reported and fails the run" {
    stand_in answer 'print("1..1\n" + ("ok" if answer == "good" else "not ok") + " 1 - answer")'
    conformance --suite crun
    expect_status 1
    expect_contains "pass  owner  answer"
    expect_contains "fail  tested  answer"
    expect_contains "of 1 tests that owner passes, tested passes 0: 0.0 %"
    expect_contains "no reason is known: answer"
    equal "$(tail -n 1 <<<"$output")" "0 passed, 1 failed, 0 skipped" "the last line"
}

@test "a test that both pass, and one that the owner fails as well" {
    stand_in both 'print("1..1\nok 1 - both")'
    stand_in neither 'print("1..1\nnot ok 1 - neither")'
    stand_in left_out 'print("1..1\nok 1 - left_out # SKIP no reason")'
    conformance --suite crun
    expect_success
    expect_contains "of 1 tests that owner passes, tested passes 1: 100.0 %"
    expect_contains "tested: 1 passed, 1 failed, 1 skipped of 3"
}

@test "a test that says nothing has failed" {
    stand_in silent 'sys.exit(0)'
    conformance --suite crun
    expect_contains "fail  owner  silent"
}

@test "a test that hangs is ended with all that it started" {
    stand_in hanging "subprocess.run(['sleep', '4242${BASHPID}'])"
    conformance --suite crun --limit 1
    expect_contains "fail  owner  hanging"
    grep -q 'did not end in 1 seconds' "$TEST_DIR"/results/*/owner/hanging.hanging.log
    ! pgrep -f "sleep 4242$BASHPID" || fail "the test's process lives on"
}

@test "the owner's verdicts are kept with the results" {
    stand_in answer 'print("1..1\nok 1 - " + answer)'
    conformance --suite crun
    conformance --suite crun
    [[ $output != *"pass  owner"* ]] || fail "the owner was asked again"
    expect_contains "pass  tested  answer"
}

@test "tests that are run as a group count one by one, and those that it does not come to have failed" {
    touch "$TEST_DIR"/suite/{runtimetest,bundle.tar.gz}
    cat >"$TEST_DIR/suite/contest" <<'SHELL'
#!/bin/sh
[ "$1" = run ] || exec echo mounts
echo '1 / 3 : first : ok'
[ "$("$3")" = good ] || exit 101
printf '2 / 3 : second : ok\n3 / 3 : third : skipped\n'
SHELL
    chmod +x "$TEST_DIR/suite/contest"
    YOUKI_DIR=$TEST_DIR/suite conformance --suite youki
    expect_status 1
    expect_contains "owner: 2 passed, 0 failed, 1 skipped of 3"
    expect_contains "of 2 tests that owner passes, tested passes 1: 50.0 %"
    expect_contains "no reason is known: mounts: second"
}
