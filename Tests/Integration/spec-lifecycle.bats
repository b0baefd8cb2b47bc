# What runtime.md and the hooks of config.md say, beside lifecycle.bats and the hooks of sandbox.bats.

load helpers

teardown() {
    [[ ! ${host_mounts-} ]] || umount -R "$host_mounts" || true
    clean_up
}

# A hook that fails, and one that leaves a line.
write_hooks() {
    printf '#!/bin/sh\nexit 3\n' >"$TEST_DIR/bad"
    printf '#!/bin/sh\necho "$1" >>%s\n' "$TEST_DIR/hooks.log" >"$TEST_DIR/good"
    chmod 755 "$TEST_DIR/bad" "$TEST_DIR/good"
}

@test "a failing poststart hook makes start fail, and the container is gone" {
    need_swiftlet # runc 1.1 runs them in create
    local command
    for command in start run; do
        write_hooks
        bundle sleep 1000
        edit ".ociVersion = \"1.3.0\"
            | .hooks.poststart = [{path: \"$TEST_DIR/bad\"}, {path: \"$TEST_DIR/good\", args: [\"good\", \"second\"]}]
            | .hooks.poststop = [{path: \"$TEST_DIR/good\", args: [\"good\", \"stopped\"]}]"
        if [[ $command == start ]]; then
            create
            [[ ! -e $TEST_DIR/hooks.log ]] || fail "ran before start"
            refused '/hooks/poststart/0: error running poststart hook #0: .*exit status 3' start "$ID"
            [[ $(process_state "$PID") =~ ^Z?$ ]] || fail "process $PID lives"
        else
            run_container
            expect_refusal '/hooks/poststart/0: error running poststart hook #0: .*exit status 3'
        fi
        # Those after it do not run, and the lifecycle goes on with the end.
        equal "$(<"$TEST_DIR/hooks.log")" stopped 'hooks after it'
        rm "$TEST_DIR/hooks.log"
        refused 'not exist' state "$ID"
    done
}

@test "before 1.3 a failing poststart hook is a warning, and the others run" {
    need_swiftlet # runc 1.1 runs them in create, and fails
    write_hooks
    bundle sleep 1000
    edit ".ociVersion = \"1.2.1\"
        | .hooks.poststart = [{path: \"$TEST_DIR/bad\"}, {path: \"$TEST_DIR/good\", args: [\"good\", \"second\"]}]"
    create
    ok start "$ID"
    equal "$(<"$TEST_DIR/hooks.log")" second 'the second hook'
    matches "$(<"$TEST_DIR/log")" 'warning.*poststart hook #0' log
    has_status running
}

@test "a poststart hook finds the program begun" {
    need_swiftlet # runc 1.1 runs them in create
    bundle sh -c 'echo begun >/begun; sleep 1000'
    printf '#!/bin/sh\ncat %s\n[ -s %s ]\n' "$BUNDLE/rootfs/begun" "$BUNDLE/rootfs/begun" >"$TEST_DIR/hook"
    chmod 755 "$TEST_DIR/hook"
    edit ".hooks.poststart = [{path: \"$TEST_DIR/hook\"}]"
    create
    ok start "$ID"
    [[ ! -s $TEST_DIR/log ]] || [[ $(<"$TEST_DIR/log") != *poststart* ]] || fail "the hook came too early: $(<"$TEST_DIR/log")"
}

@test "a hook may take as long as its timeout says, however long" {
    need_swiftlet # a Go runtime's own arithmetic overflows
    bundle true
    edit '.hooks.createRuntime = [{path: "/bin/true", timeout: 4611686018427387904}, {path: "/bin/true", timeout: 1000000000}]'
    run_container
    expect_success
}

@test "while create is at work the status is creating" {
    need_swiftlet # runc 1.1 knows nothing of the container yet
    bundle true
    printf '#!/bin/sh\ncat >%s/hook.json\n%s --root %s state %s >%s/state.json\n' \
        "$TEST_DIR" "$RUNTIME" "$ROOT" "$ID" "$TEST_DIR" >"$TEST_DIR/hook"
    chmod 755 "$TEST_DIR/hook"
    edit ".hooks.createRuntime = [{path: \"$TEST_DIR/hook\"}]"
    create
    equal "$(jq --raw-output .status "$TEST_DIR/state.json")" creating 'status that state tells a hook'
    equal "$(status_of "$ID")" created 'status after create'
    # What a hook reads itself is about the environment, which is there: runtime-tools wants it so.
    equal "$(jq --raw-output '"\(.id) \(.status) \(.pid)"' "$TEST_DIR/hook.json")" "$ID created $PID" 'state that a hook reads'
}

@test "a failing startContainer hook makes start fail and stops the container" {
    bundle sh -c 'touch /ran'
    printf '#!/bin/sh\nexit 3\n' >"$BUNDLE/rootfs/bin/bad"
    chmod 755 "$BUNDLE/rootfs/bin/bad"
    edit '.hooks.startContainer = [{path: "/bin/bad"}]'
    create
    runtime start "$ID"
    # runc 1.1 does not hear of it.
    if is_swiftlet; then expect_refusal 'startContainer hook #0.*exit status 3'; fi
    eventually has_status stopped
    [[ ! -e $BUNDLE/rootfs/ran ]] || fail "the program ran"
    ok delete "$ID"
}

@test "a startContainer hook without an environment has the program's" {
    export SWIFTLET_TEST_LEAK=leaked
    bundle true
    printf '#!/bin/sh\n/bin/env >/env\n' >"$BUNDLE/rootfs/bin/hook"
    chmod 755 "$BUNDLE/rootfs/bin/hook"
    edit '.hooks.startContainer = [{path: "/bin/hook"}] | .process.env += ["MINE=yes"]'
    run_container
    expect_success
    matches "$(<"$BUNDLE/rootfs/env")" MINE=yes 'the environment'
    [[ $(<"$BUNDLE/rootfs/env") != *leaked* ]] || fail "the caller's environment is visible"
    edit '.hooks.startContainer[0].env = ["OTHER=1"]'
    run_container
    expect_success
    matches "$(<"$BUNDLE/rootfs/env")" OTHER=1 'the environment'
    [[ $(<"$BUNDLE/rootfs/env") != *MINE* ]] || fail "the program's environment beside the hook's"
}

@test "a changed config.json changes nothing for a container that is created" {
    bundle sh -c 'echo first; hostname'
    create
    edit '.process.args = ["echo", "second"] | .hostname = "changed" | .annotations = {"org.example.late": "yes"}'
    ok start "$ID"
    eventually prints testhost
    equal "$(container_output)" $'first\ntesthost' 'what ran'
    ok state "$ID"
    equal "$(jq '.annotations["org.example.late"]' <<<"$output")" null 'a later annotation'
}

@test "an id may be used again once its container is deleted" {
    bundle true
    create
    ok start "$ID"
    eventually has_status stopped
    ok delete "$ID"
    create
    equal "$(status_of "$ID")" created status
    ok delete --force "$ID"
}

@test "delete leaves a cgroup alone that was there before" {
    [[ -d /sys/fs/cgroup/pids ]] || skip "needs the pids controller of cgroup v1"
    mkdir -p "/sys/fs/cgroup/pids/swiftlet-tests/foreign"
    bundle true
    edit ".linux.cgroupsPath = \"/swiftlet-tests/$ID\""
    run_container
    [[ -d /sys/fs/cgroup/pids/swiftlet-tests/foreign ]] || fail "it is gone"
    rmdir /sys/fs/cgroup/pids/swiftlet-tests/foreign
    expect_success
}

@test "the features document tells of all that config.json may ask for" {
    need_swiftlet # runc 1.1 knows less
    ok features
    local row
    while read -r row; do
        [[ $(jq "$row" <<<"$output") == true ]] || fail "not so: $row"
    done <<'ROWS'
.ociVersionMin == "1.0.0"
.hooks | index("startContainer") != null
.mountOptions | index("idmap") != null and index("rro") != null and index("tmpcopyup") != null
.linux.namespaces | index("time") != null and length == 8
.linux.capabilities | length > 40
.linux.cgroup | .v1 and .v2
.linux.seccomp.enabled
.linux.seccomp.actions | index("SCMP_ACT_NOTIFY") != null
.linux.seccomp.knownFlags | index("SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV") != null
.linux.seccomp.knownFlags == .linux.seccomp.supportedFlags
.linux.apparmor.enabled and .linux.selinux.enabled
.linux.memoryPolicy.modes | length == 7
.linux.memoryPolicy.flags | length == 3
.linux.intelRdt.enabled == false
.linux.mountExtensions.idmap.enabled
.linux.netDevices.enabled
.potentiallyUnsafeConfigAnnotations | length > 0
ROWS
    # Every action and flag that is announced is one that a filter may have.
    local features=$output name
    for name in $(jq --raw-output '.linux.seccomp.supportedFlags[]' <<<"$features"); do
        bundle true
        edit ".linux.seccomp = {defaultAction: \"SCMP_ACT_ALLOW\", flags: [\"$name\"]}"
        run_container
        expect_success
    done
    for name in $(jq --raw-output '.mountOptions[]' <<<"$features"); do
        case $name in remount | *bind | *idmap | *shared | *slave | *private | mand) continue ;; esac
        bundle true
        edit ".mounts += [{destination: \"/mnt\", type: \"tmpfs\", source: \"tmpfs\", options: [\"$name\"]}]"
        run_container
        ((status == 0)) || fail "option $name"
    done
}
