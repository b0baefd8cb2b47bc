# Seccomp filters that leave decisions to an agent (SCMP_ACT_NOTIFY), and the rest of what a filter may say.

load helpers

teardown() {
    [[ ! ${agent-} ]] || kill "$agent" || true
    clean_up
}

# Starts the agent; its socket is $AGENT, and what it was told goes to $TEST_DIR/agent.log.
start_agent() {
    need_command python3
    AGENT=$TEST_DIR/agent.sock
    python3 "$BATS_TEST_DIRNAME/seccomp_agent.py" "$AGENT" "$TEST_DIR/agent.log" >"$TEST_DIR/agent.out" 2>&1 3>&- &
    agent=$!
    eventually grep -q ready "$TEST_DIR/agent.out"
}

# The filter that asks the agent about some calls.
notify() { # NAMES
    edit ".linux.seccomp = {defaultAction: \"SCMP_ACT_ALLOW\", listenerPath: \"$AGENT\", listenerMetadata: \"made for it\",
        architectures: [\"SCMP_ARCH_X86_64\", \"SCMP_ARCH_X86\", \"SCMP_ARCH_X32\"],
        syscalls: [{names: $1, action: \"SCMP_ACT_NOTIFY\"}]}"
}

@test "an agent decides about system calls" {
    need_swiftlet # runc tells another status
    start_agent
    local privileges
    for privileges in true false; do
        rm -f "$TEST_DIR/agent.log"
        bundle sh -c 'mkdir /tmp/new 2>&1; rmdir /tmp/new 2>&1; echo end'
        notify '["mkdir", "mkdirat"]'
        edit ".process.noNewPrivileges = $privileges | .annotations = {\"org.example.key\": \"value\"}"
        create
        [[ ! -e $TEST_DIR/agent.log ]] || fail "the agent has the listener before there is a program"
        ok start "$ID"
        eventually prints end
        matches "$(container_output)" 'mkdir: .*Structure needs cleaning' 'the decision'
        local told
        told=$(<"$TEST_DIR/agent.log")
        equal "$(jq .received <<<"$told")" 1 descriptors
        equal "$(jq .ended <<<"$told")" true 'end of the connection'
        equal "$(jq --compact-output .fds <<<"$told")" '["seccompFd"]' fds
        equal "$(jq .pid <<<"$told")" "$PID" pid
        equal "$(jq --raw-output .metadata <<<"$told")" 'made for it' metadata
        equal "$(jq --raw-output .ociVersion <<<"$told")" 1.0.2 ociVersion
        equal "$(jq --raw-output .state.id <<<"$told")" "$ID" id
        equal "$(jq --raw-output .state.bundle <<<"$told")" "$BUNDLE" bundle
        equal "$(jq --raw-output '.state.annotations["org.example.key"]' <<<"$told")" value annotation
    done
}

@test "an agent may decide about the calls with which a program begins" {
    need_swiftlet # runc 1.1 makes more calls of its own
    start_agent
    local privileges
    for privileges in true false; do
        bundle sh -c 'echo runs'
        notify '["execve", "openat", "open", "read", "close", "fcntl", "recvfrom", "recvmsg", "prctl", "capset", "mmap", "brk"]'
        edit ".process.noNewPrivileges = $privileges
            | .linux.seccomp.flags = [\"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV\", \"SECCOMP_FILTER_FLAG_TSYNC\"]"
        run_container
        expect_success
        expect_output runs
    done
}

@test "a listenerPath without SCMP_ACT_NOTIFY is ignored" {
    bundle sh -c 'echo runs'
    edit '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", listenerPath: "/no/such/agent.sock"}'
    run_container
    expect_success
    expect_output runs
}

@test "an agent that is not there keeps the program from beginning" {
    bundle true
    AGENT=/no/such/agent.sock
    notify '["mkdir"]'
    run_container
    ((status != 0)) || fail accepted
    is_swiftlet || return 0
    expect_refusal 'failed to connect with seccomp agent: connect /no/such/agent.sock: no such file or directory'
}

@test "filters that could never be answered are refused" {
    local filter regex
    AGENT=/run/agent.sock
    while IFS=@ read -r regex filter; do
        bundle true
        notify '["mkdir"]'
        edit "$filter"
        run_container
        expect_refusal "$regex"
    done <<'ROWS'
cannot be used as default action@.linux.seccomp.defaultAction = "SCMP_ACT_NOTIFY"
(listenerPath|listenerMetadata)@del(.linux.seccomp.listenerPath)
listenerPath@del(.linux.seccomp.listenerPath, .linux.seccomp.listenerMetadata)
cannot be used for the write syscall@.linux.seccomp.syscalls[0].names += ["write"]
ROWS
}

@test "flags and error numbers of a filter" {
    need_swiftlet # runc 1.1 knows no flags
    bundle sh -c 'mkdir /tmp/new 2>&1; grep Seccomp: /proc/self/status'
    edit '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", architectures: ["SCMP_ARCH_X86_64"],
        flags: ["SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
            "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"],
        syscalls: [{names: ["mkdir", "mkdirat", "no_such_call"], action: "SCMP_ACT_ERRNO", errnoRet: 117}]}'
    run_container
    expect_success
    expect_contains 'Structure needs cleaning'
    matches "$output" 'Seccomp:.2' mode
    # What is not listed fails with the number for it.
    bundle mkdir /tmp/new
    edit '.linux.seccomp = {defaultAction: "SCMP_ACT_ERRNO", defaultErrnoRet: 117, architectures: ["SCMP_ARCH_X86_64"],
        syscalls: [{names: ["execve", "brk", "arch_prctl", "set_tid_address", "set_robust_list", "rseq", "prlimit64",
            "readlink", "readlinkat", "getrandom", "mprotect", "mmap", "munmap", "getuid", "geteuid", "getgid", "getegid",
            "setuid", "setgid", "setreuid", "umask", "write", "writev", "exit", "exit_group", "open", "openat", "close",
            "read", "fstat", "newfstatat", "stat", "prctl", "futex"], action: "SCMP_ACT_ALLOW"}]}'
    run_container
    expect_error 'Structure needs cleaning'
    bundle true
    edit '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", flags: ["SECCOMP_FILTER_FLAG_FAST"]}'
    run_container
    expect_refusal '/linux/seccomp/flags/0: unknown seccomp flag'
    bundle true
    edit '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", defaultErrnoRet: 3}'
    run_container
    expect_refusal '/linux/seccomp/defaultErrnoRet: SCMP_ACT_ALLOW does not take an error number'
}

@test "an agent decides about what exec runs, too" {
    start_agent
    local privileges
    for privileges in true false; do
        bundle sleep 1000
        notify '["mkdir", "mkdirat"]'
        edit ".process.noNewPrivileges = $privileges"
        create
        ok start "$ID"
        runtime exec "$ID" mkdir /tmp/new
        ((status != 0)) || fail "the directory was made"
        expect_error 'Structure needs cleaning'
        equal "$(tail -n 1 "$TEST_DIR/agent.log" | jq --raw-output .state.id)" "$ID" id
        [[ $(tail -n 1 "$TEST_DIR/agent.log" | jq .pid) != "$PID" ]] || fail "the process is the container's first"
        ok exec "$ID" rmdir /tmp
    done
}
