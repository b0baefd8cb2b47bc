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

@test "without a name there is an error, and nothing else" {
    bundle sleep 1000
    create
    local command
    for command in state start kill delete; do
        runtime "$command"
        ((status != 0)) || fail "$command went on"
        # runc has the usage of the command on the standard output.
        ! is_swiftlet || expect_output ''
    done
    # The bundle is the current directory; without a name there is no container in it.
    runtime create --bundle "$BUNDLE"
    ((status != 0)) || fail "create went on"
    equal "$(status_of "$ID")" created 'status of another container'
    equal "$(ls "$ROOT" | wc -l)" 1 containers
    refused 'not exist' state "$PREFIX-none"
}

@test "what is refused in its state has no effect" {
    bundle sh -c 'trap "echo got it" USR1; echo up; while :; do sleep 0.05; done'
    create
    ok start "$ID"
    eventually prints up
    refused . start "$ID"
    refused . delete "$ID"
    equal "$(status_of "$ID")" running status
    [[ $(process_state "$PID") == [SR] ]] || fail "the process is in state $(process_state "$PID")"
    ok kill "$ID" KILL
    eventually has_status stopped
    refused . start "$ID"
    refused . kill "$ID" USR1
    equal "$(status_of "$ID")" stopped status
    equal "$(container_output)" up output
}

@test "hooks of a kind run in the listed order, and those of create before the root is the container's" {
    local log=$TEST_DIR/hooks.log kind
    bundle sleep 1000
    # What a hook finds: whether the process it is told of still has the host's root directory, namespaces and mounts.
    cat >"$TEST_DIR/hook" <<HOOK
#!/bin/sh
pid=\$(sed 's/.*"pid": *\([0-9]*\).*/\1/')
[ -d /proc/\$pid/root$TEST_DIR ] && root=host || root=container
[ "\$(readlink /proc/\$pid/ns/net)" != "\$HOST" ] && network=own || network=host
grep -q ' $BUNDLE/rootfs/proc ' /proc/\$pid/mountinfo && mounts=there || mounts=none
echo "\$1 \$root \$network \$mounts" >>$log
HOOK
    chmod 755 "$TEST_DIR/hook"
    edit ".hooks = ([\"prestart\", \"createRuntime\", \"createContainer\"] | map(. as \$kind | {(.): [\"1\", \"2\", \"3\"]
        | map({path: \"$TEST_DIR/hook\", args: [\"hook\", \$kind + .], env: [\"PATH=/usr/bin:/bin\", \"HOST=$(readlink /proc/self/ns/net)\"]})}) | add)"
    create
    equal "$(cut -d ' ' -f 1 "$log" | tr '\n' ' ')" "$(echo {prestart,createRuntime,createContainer}{1,2,3}) " order
    for kind in prestart createRuntime createContainer; do
        [[ $kind != createContainer ]] || is_swiftlet || continue # runc 1.1 tells these another process
        equal "$(grep -c "^$kind[123] host own there" "$log")" 3 "what $kind hooks found in $(tr '\n' ';' <"$log")"
    done
}

@test "startContainer, poststart and poststop hooks run in the listed order" {
    need_swiftlet # runc 1.1 runs poststart hooks in create
    local log=$TEST_DIR/hooks.log
    bundle sh -c 'cat /hooks.log; sleep 1000'
    printf '#!/bin/sh\necho "$1" >>%s\n' "$log" >"$TEST_DIR/hook"
    printf '#!/bin/sh\necho "$1" >>/hooks.log\n' >"$BUNDLE/rootfs/bin/hook"
    chmod 755 "$TEST_DIR/hook" "$BUNDLE/rootfs/bin/hook"
    edit ".hooks = ([\"poststart\", \"poststop\"]
        | map(. as \$kind | {(.): [\"1\", \"2\", \"3\"] | map({path: \"$TEST_DIR/hook\", args: [\"hook\", \$kind + .]})}) | add)
        | .hooks.startContainer = ([\"1\", \"2\", \"3\"] | map({path: \"/bin/hook\", args: [\"hook\", .]}))"
    create
    [[ ! -e $BUNDLE/rootfs/hooks.log && ! -e $log ]] || fail "one ran in create"
    ok start "$ID"
    # Those after the start have run when start returns, and those after the end when delete does.
    equal "$(tr '\n' ' ' <"$log")" 'poststart1 poststart2 poststart3 ' 'hooks of start'
    eventually prints 3
    equal "$(container_output)" $'1\n2\n3' 'hooks before the program'
    ok delete --force "$ID"
    equal "$(tail -n 3 "$log" | tr '\n' ' ')" 'poststop1 poststop2 poststop3 ' 'hooks of delete'
}

@test "poststop hooks find nothing of the container" {
    bundle sleep 1000
    printf '#!/bin/sh\nreadlink /proc/%s/exe >>%s\nfind /sys/fs/cgroup -type d -name %s >>%s\necho end >>%s\n' \
        '$(cat '"$TEST_DIR/pid"')' "$TEST_DIR/found" '$(cat '"$TEST_DIR/id"')' "$TEST_DIR/found" "$TEST_DIR/found" >"$TEST_DIR/hook"
    chmod 755 "$TEST_DIR/hook"
    edit ".hooks.poststop = [{path: \"$TEST_DIR/hook\", env: [\"PATH=/usr/bin:/bin\"]}]"
    create
    echo "$PID" >"$TEST_DIR/pid"
    echo "$ID" >"$TEST_DIR/id"
    [[ $(find /sys/fs/cgroup -type d -name "$ID") ]] || skip "no cgroup is named for the container here"
    ok start "$ID"
    ok delete --force "$ID"
    equal "$(<"$TEST_DIR/found")" end 'what was left'
}

@test "a startContainer hook that is not in the container is none" {
    bundle sh -c 'touch /ran'
    printf '#!/bin/sh\n' >"$TEST_DIR/hook"
    chmod 755 "$TEST_DIR/hook"
    edit ".hooks.startContainer = [{path: \"$TEST_DIR/hook\"}]"
    create
    runtime start "$ID"
    if is_swiftlet; then expect_refusal 'startContainer hook #0'; fi # runc 1.1 does not hear of it
    eventually has_status stopped
    [[ ! -e $BUNDLE/rootfs/ran ]] || fail "the program ran"
}

# A version, hook, namespace, capability or word of a filter or memory policy that is announced must be accepted.
@test "what the features document announces is accepted" {
    need_swiftlet # runc 1.1 announces less
    ok features
    local features=$output name
    words() { jq --raw-output "$1" <<<"$features"; }
    jq --exit-status '(.ociVersionMin | split(".") | map(tonumber)) <= (.ociVersionMax | split(".") | map(tonumber))' \
        <<<"$features" >/dev/null || fail "the versions: $features"
    for name in $(words '.ociVersionMin, .ociVersionMax'); do
        inside true ".ociVersion = \"$name\""
    done
    for name in $(words '.hooks[]'); do
        inside true ".hooks[\"$name\"] = [{path: \"/bin/sh\", args: [\"sh\", \"-c\", \":\"]}]"
    done
    for name in $(words '.linux.namespaces[]'); do
        [[ -e /proc/self/ns/${name/#network/net} || $name == mount ]] || continue
        bundle true
        edit ".linux.namespaces |= (map(select(.type != \"$name\")) + [{type: \"$name\"}])
            | if \"$name\" == \"user\" then .linux.uidMappings = [{containerID: 0, hostID: 0, size: 4294967295}]
                | .linux.gidMappings = .linux.uidMappings else . end"
        run_container
        ((status == 0)) || fail "namespace $name"
    done
    inside true ".process.capabilities.bounding = $(words '.linux.capabilities | tojson')"
    for name in $(words '.linux.seccomp.actions[]'); do
        [[ $name != SCMP_ACT_NOTIFY ]] || continue # has tests of its own, with an agent
        inside true ".linux.seccomp = {defaultAction: \"SCMP_ACT_ALLOW\", syscalls: [{names: [\"swapon\"], action: \"$name\"}]}"
    done
    for name in $(words '.linux.seccomp.operators[]'); do
        inside true ".linux.seccomp = {defaultAction: \"SCMP_ACT_ALLOW\", syscalls: [{names: [\"swapon\"],
            action: \"SCMP_ACT_ERRNO\", args: [{index: 0, value: 1, valueTwo: 1, op: \"$name\"}]}]}"
    done
    for name in $(words '.linux.seccomp.archs[]'); do
        bundle true
        edit ".linux.seccomp = {defaultAction: \"SCMP_ACT_ALLOW\", architectures: [\"$name\"],
            syscalls: [{names: [\"swapon\"], action: \"SCMP_ACT_ERRNO\"}]}"
        run_container
        # It is known, but libseccomp puts no machines of different byte order into one filter.
        ((status == 0)) || expect_refusal 'cannot compile the seccomp profile: seccomp_arch_add [a-z0-9]+: '
    done
    for name in $(words '.linux.memoryPolicy.modes[]'); do
        bundle true
        edit ".linux.memoryPolicy = {mode: \"$name\", nodes: \"0\"}
            | if \"$name\" | IN(\"MPOL_DEFAULT\", \"MPOL_LOCAL\") then del(.linux.memoryPolicy.nodes) else . end"
        run_container
        # An older kernel may not know a mode or a flag.
        ((status == 0)) || expect_refusal '/linux/memoryPolicy: .*set_mempolicy: '
    done
    for name in $(words '.linux.memoryPolicy.flags[]'); do
        bundle true
        edit ".linux.memoryPolicy = {mode: \"MPOL_BIND\", nodes: \"0\", flags: [\"$name\"]}"
        run_container
        ((status == 0)) || expect_refusal '/linux/memoryPolicy: .*set_mempolicy: '
    done
}

@test "the features document has no other members than the specification's" {
    need_swiftlet # runc 1.1 knows an older specification
    ok features
    local features=$output
    equal "$(jq --compact-output 'keys - ["ociVersionMin", "ociVersionMax", "hooks", "mountOptions", "linux", "annotations",
        "potentiallyUnsafeConfigAnnotations"]' <<<"$features")" '[]' members
    equal "$(jq --compact-output '.linux | keys - ["namespaces", "capabilities", "cgroup", "seccomp", "apparmor", "selinux",
        "intelRdt", "memoryPolicy", "mountExtensions", "netDevices"]' <<<"$features")" '[]' 'members of linux'
    equal "$(jq --compact-output '.linux.cgroup | keys - ["v1", "v2", "systemd", "systemdUser", "rdma"]' <<<"$features")" \
        '[]' 'members of linux.cgroup'
    equal "$(jq --compact-output '.linux.seccomp | keys - ["enabled", "actions", "operators", "archs", "knownFlags",
        "supportedFlags"]' <<<"$features")" '[]' 'members of linux.seccomp'
    equal "$(jq '.annotations | to_entries | map((.key | length > 0) and (.value | type == "string")) | all' <<<"$features")" \
        true annotations
    # Options of file systems are none of the runtime's.
    equal "$(jq --compact-output '.mountOptions | map(select(contains("=")))' <<<"$features")" '[]' 'mount options'
    # It tells of the program, not of the machine or of who asks.
    equal "$(cd / && env -i "$(command -v "$RUNTIME")" features)" "$features" 'the document elsewhere'
    equal "$(unshare --user --mount --net "$RUNTIME" features)" "$features" 'the document in other namespaces'
}
