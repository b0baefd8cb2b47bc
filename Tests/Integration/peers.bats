# What the newest runc and crun do and earlier ones did not: their suites ask for it.

load helpers

teardown() {
    # A test that fails half-way leaves the mounts it made on the host.
    [[ ! ${host_mounts-} ]] || umount -R "$host_mounts" || true
    clean_up
}

# The options of a mount in the container's table of mounts.
mount_options() { # DESTINATION
    awk -v place="$1" '$5 == place { print $6 }' <<<"$output"
}

# A file system on the host with options of its own, as DATA.
host_mount() { # OPTIONS
    DATA=$TEST_DIR/data
    mkdir -p "$DATA"
    mount -t tmpfs tmpfs "$DATA"
    host_mounts=$DATA
    mount --bind -o "remount,$1" "$DATA"
}

bound() { # OPTION...
    jq --null-input --compact-output '{destination: "/mnt", type: "bind", source: $source, options: $ARGS.positional}' \
        --arg source "$DATA" --args "$@"
}

USER_NAMESPACE='.linux.namespaces += [{type: "user"}]
    | .linux.uidMappings = [{containerID: 0, hostID: 0, size: 65536}]
    | .linux.gidMappings = [{containerID: 0, hostID: 0, size: 65536}]'

@test "a caller that is kept to one processor does not keep the container to it" {
    need_swiftlet
    (($(nproc --all) > 1)) || skip "the machine has one processor"
    local every first
    every=$(sed -n 's/^Cpus_allowed_list:\t//p' /proc/self/status)
    first=${every%%[,-]*}
    [[ $every != "$first" ]] || skip "these tests are kept to one processor"
    bundle sh -c 'grep Cpus_allowed_list: /proc/self/status; sleep 60'
    local real=$RUNTIME
    printf '#!/bin/sh\nexec taskset -c %s %s "$@"\n' "$first" "$real" >"$TEST_DIR/kept"
    chmod +x "$TEST_DIR/kept"
    RUNTIME=$TEST_DIR/kept
    create_container
    expect_success
    runtime start "$ID"
    expect_success
    eventually grep -q Cpus "$TEST_DIR/$ID.out"
    equal "$(<"$TEST_DIR/$ID.out")" "$(printf 'Cpus_allowed_list:\t%s' "$every")" 'processors of process 1'
    runtime exec "$ID" grep Cpus_allowed_list: /proc/self/status
    expect_output "$(printf 'Cpus_allowed_list:\t%s' "$every")"
    # What config.json says of exec holds.
    printf '{"args": ["grep", "Cpus_allowed_list:", "/proc/self/status"], "cwd": "/", "user": {"uid": 0, "gid": 0},
        "env": ["PATH=/bin"], "execCPUAffinity": {"final": "%s"}}' "$first" >"$TEST_DIR/process.json"
    runtime exec --process "$TEST_DIR/process.json" "$ID"
    expect_output "$(printf 'Cpus_allowed_list:\t%s' "$first")"
    RUNTIME=$real
}

@test "the flags of a bind mount are those that it names" {
    need_swiftlet
    host_mount nosuid,nodev,noexec,noatime
    inside 'cat /proc/self/mountinfo' ".mounts += [$(bound bind)]"
    equal "$(mount_options /mnt)" rw,nosuid,nodev,noexec,noatime 'without flags'
    inside 'cat /proc/self/mountinfo' ".mounts += [$(bound bind rprivate)]"
    equal "$(mount_options /mnt)" rw,nosuid,nodev,noexec,noatime 'with a propagation alone'
    inside 'cat /proc/self/mountinfo' ".mounts += [$(bound bind ro)]"
    equal "$(mount_options /mnt)" ro,noatime 'read-only'
    inside 'cat /proc/self/mountinfo' ".mounts += [$(bound bind exec)]"
    equal "$(mount_options /mnt)" rw,noatime 'with one taken away'
    inside 'cat /proc/self/mountinfo' ".mounts += [$(bound bind nosuid relatime)]"
    equal "$(mount_options /mnt)" rw,nosuid,relatime 'with times'
}

@test "in a user namespace a bind mount keeps the flags that its root may not take away" {
    need_swiftlet
    host_mount nosuid,nodev,noatime
    inside 'cat /proc/self/mountinfo' "$USER_NAMESPACE | .mounts += [$(bound bind ro)]"
    equal "$(mount_options /mnt)" ro,nosuid,nodev,noatime 'read-only'
    refuses '/mounts/7: .*operation not permitted' "$USER_NAMESPACE | .mounts += [$(bound bind suid)]"
    refuses '/mounts/7: .*operation not permitted' "$USER_NAMESPACE | .mounts += [$(bound bind strictatime)]"
}

@test "a mount may show what mounts before it brought" {
    need_swiftlet
    bundle cat /final/sub/file /mapped/file
    mkdir -p "$TEST_DIR/a/sub" "$TEST_DIR/b"
    echo from-b >"$TEST_DIR/b/file"
    # A destination may be named as the host sees it.
    edit '.mounts += [
        {destination: "/mnt", type: "bind", source: $a, options: ["bind"]},
        {destination: "/mnt/sub", type: "bind", source: $b, options: ["bind"]},
        {destination: "\($root)/final", type: "bind", source: "\($root)/mnt", options: ["rbind"]},
        {destination: "/mapped", type: "bind", source: "\($root)/mnt/sub", options: ["rbind"],
            uidMappings: [{containerID: 0, hostID: 7, size: 1}], gidMappings: [{containerID: 0, hostID: 7, size: 1}]}]' \
        --arg a "$TEST_DIR/a" --arg b "$TEST_DIR/b" --arg root "$BUNDLE/rootfs"
    run_container
    expect_success
    expect_output $'from-b\nfrom-b'
}

@test "a file system at / takes the root's place" {
    need_swiftlet
    inside 'touch /new && ls /etc/passwd && stat -f -c %T /' \
        '.mounts = [{destination: "/", type: "tmpfs", source: "tmpfs", options: ["tmpcopyup"]}] + .mounts'
    expect_output $'/etc/passwd\ntmpfs'
    [[ ! -e $BUNDLE/rootfs/new ]]
}

@test "links are shown, covered and copied where crun's options say so" {
    need_swiftlet
    echo content >"$TEST_DIR/file"
    ln -s "$TEST_DIR/file" "$TEST_DIR/link"
    ln -s nowhere "$TEST_DIR/broken"
    bundle sh -c 'readlink /one; cat /two; readlink /a/three; ls /a'
    ln -s elsewhere "$BUNDLE/rootfs/one"
    ln -s elsewhere "$BUNDLE/rootfs/two"
    edit '.mounts += [
        {destination: "/one", type: "bind", source: "\($dir)/link", options: ["bind", "src-nofollow", "dest-nofollow"]},
        {destination: "/two", type: "bind", source: "\($dir)/link", options: ["bind", "dest-nofollow"]},
        {destination: "/a/three", type: "bind", source: "\($dir)/broken", options: ["rbind", "copy-symlink"]}]' \
        --arg dir "$TEST_DIR"
    run_container
    expect_success
    expect_output "$TEST_DIR/file"$'\ncontent\nnowhere\nthree'
    [[ ! -e $BUNDLE/rootfs/elsewhere ]]
}

@test "a file system that is mounted in its place already is mounted once more" {
    need_swiftlet
    inside 'grep -c " /mnt " /proc/self/mountinfo' '.mounts += [
        {destination: "/mnt", type: "mqueue", source: "mqueue"}, {destination: "/mnt", type: "mqueue", source: "mqueue"}]'
    expect_output 2
}

@test "masked directories are one file system, and each is masked once" {
    need_swiftlet
    bundle sh -c 'stat -c %d /one /two | uniq | wc -l; touch /two/file; grep -c " /one " /proc/self/mountinfo
        grep -c " /file " /proc/self/mountinfo'
    mkdir "$BUNDLE/rootfs/one" "$BUNDLE/rootfs/two"
    touch "$BUNDLE/rootfs/one/inside" "$BUNDLE/rootfs/file"
    edit '.linux.maskedPaths = ["/one", "/two", "/file", "/one", "/file", "/not-there"]'
    run_container
    expect_success
    expect_output $'1\n1\n1'
    matches "$stderr" 'Read-only file system' 'standard error'
}

@test "a user namespace without mappings knows the caller alone" {
    need_swiftlet
    inside 'id -u; tr -s " " </proc/self/uid_map; tr -s " " </proc/self/gid_map' \
        '.linux.namespaces += [{type: "user"}] | del(.mounts[] | select(.type == "devpts"))'
    expect_output $'0\n 0 0 1\n 0 0 1'
    refuses 'cannot set uid to unmapped user 1000' '.linux.namespaces += [{type: "user"}] | .process.user.uid = 1000'
}

@test "devices that are bound in a user namespace run nothing" {
    need_swiftlet
    inside 'cat /proc/self/mountinfo' "$USER_NAMESPACE"
    matches "$(mount_options /dev/null)" 'nosuid.*noexec' 'options of /dev/null'
}

@test "no processes are one process" {
    need_swiftlet
    [[ -e /sys/fs/cgroup/pids ]] || skip "no pids controller of cgroup version 1"
    bundle sleep 60
    edit '.linux.resources.pids.limit = 0'
    create_container
    expect_success
    equal "$(cat /sys/fs/cgroup/pids/*"$ID"*/pids.max)" 1 pids.max
}

@test "an ambient capability that cannot be is warned about" {
    need_swiftlet
    inside 'grep CapAmb /proc/self/status' \
        '.process.capabilities |= (.inheritable = ["CAP_KILL"] | .ambient = ["CAP_KILL", "CAP_CHOWN"])'
    expect_output $'CapAmb:\t0000000000000020'
    matches "$(<"$TEST_DIR/log")" "can't raise ambient capability CAP_CHOWN: " log
    ! grep -q 'ambient capability CAP_KILL' "$TEST_DIR/log"
}

@test "a small limit of open files is the program's, not that of its mounts" {
    need_swiftlet
    mkdir "$TEST_DIR/data"
    bundle sh -c 'ulimit -n'
    edit '.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 16, hard: 16}]
        | .mounts += [range(20) | {destination: "/mnt/\(.)", type: "bind", source: $data, options: ["bind"],
            uidMappings: [{containerID: 0, hostID: 9, size: 1}], gidMappings: [{containerID: 0, hostID: 9, size: 1}]}]' \
        --arg data "$TEST_DIR/data"
    run_container
    expect_success
    expect_output 16
}

@test "startContainer hooks may do no more than the program" {
    need_swiftlet
    bundle true
    edit '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", architectures: ["SCMP_ARCH_X86_64"],
            syscalls: [{names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO"}]}
        | .hooks.startContainer = [{path: "/bin/sh", args: ["sh", "-c", "mkdir /made"]}]'
    run_container
    expect_refusal 'error running startContainer hook #0.*Operation not permitted'
    [[ ! -e $BUNDLE/rootfs/made ]]
}

@test "annotations name files for what hooks print" {
    need_swiftlet
    bundle true
    edit '.hooks.createRuntime = [{path: "/bin/sh", args: ["sh", "-c", "echo said; echo complained >&2"]}]
        | .annotations = {"run.oci.hooks.stdout": "\($dir)/said", "run.oci.hooks.stderr": "\($dir)/complained"}' \
        --arg dir "$TEST_DIR"
    run_container
    expect_success
    equal "$(<"$TEST_DIR/said")" said 'standard output'
    equal "$(<"$TEST_DIR/complained")" complained 'standard error'
    # They name files of the host, which an engine should know.
    ok features
    equal "$(jq '.potentiallyUnsafeConfigAnnotations | index("run.oci.hooks.") != null' <<<"$output")" true 'known to be unsafe'
}

@test "an annotation has unknown system calls refused" {
    need_swiftlet
    local filter='.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW",
        syscalls: [{names: ["getcwd", "no_such_call"], action: "SCMP_ACT_ERRNO"}]}'
    inside true "$filter"
    refuses '/linux/seccomp/syscalls/0/names/1: invalid syscall "no_such_call"' \
        "$filter | .annotations = {\"run.oci.seccomp_fail_unknown_syscall\": \"1\"}"
}

@test "exec refuses a capability that there is not" {
    need_swiftlet
    bundle sleep 60
    create_container
    runtime start "$ID"
    expect_success
    runtime exec --cap CAP_NO_SUCH "$ID" true
    equal "$status" 255 status
    matches "$stderr" 'unknown capability: CAP_NO_SUCH' 'standard error'
}

@test "what is wrong with a deadline is said" {
    need_swiftlet
    local text values
    while IFS='|' read -r text values; do
        refuses "/process/scheduler: .*sched_setattr: .SCHED_DEADLINE. $text" \
            ".process.scheduler = ({policy: \"SCHED_DEADLINE\"} + $values)"
    done <<'ROWS'
requires .runtime.|{deadline: 20000000, period: 20000000}
requires .deadline.|{runtime: 20000000, period: 20000000}
runtime must be greater than 0|{runtime: 0, deadline: 20000000}
runtime \(3000000\) must be <= deadline \(2000000\)|{runtime: 3000000, deadline: 2000000}
deadline \(3000000\) must be <= period \(2000000\)|{runtime: 1000000, deadline: 3000000, period: 2000000}
runtime \(1023\) must be between 1024 and|{runtime: 1023, deadline: 2000000}
ROWS
}
