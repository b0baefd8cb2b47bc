# What an ordinary container's process sees and may do. All of it also holds for runc, save where a test says so.

load helpers

# The value of a line in a process's status file.
status_line() { # NAME [TEXT]
    sed -n "s/^$1:[[:space:]]*//p" <<<"${2-$output}"
}

@test "namespaces of its own" {
    inside 'for n in pid net ipc uts mnt; do echo $n $(readlink /proc/self/ns/$n); done'
    local name inode
    while read -r name inode; do
        [[ $inode != "$(readlink "/proc/self/ns/$name")" ]] || fail "the $name namespace is the host's"
    done <<<"$output"
    inside 'echo $$; ls /proc | grep -c "^[0-9]"; ls /sys/class/net'
    equal "$(head -n 1 <<<"$output")" 1 'process id inside'
    equal "$(tail -n 1 <<<"$output")" lo 'network interfaces'
}

@test "namespaces that are not listed are the host's" {
    inside 'readlink /proc/self/ns/net; readlink /proc/self/ns/ipc; readlink /proc/self/ns/pid' \
        '.linux.namespaces = [{type: "mount"}, {type: "uts"}] | .mounts |= map(select(.type != "mqueue"))
         | (.mounts[] | select(.type == "sysfs")) |= {destination: "/sys", type: "none", source: "/sys", options: ["rbind", "ro"]}'
    expect_output "$(readlink /proc/self/ns/net)"$'\n'"$(readlink /proc/self/ns/ipc)"$'\n'"$(readlink /proc/self/ns/pid)"
}

@test "namespaces joined by path" {
    bundle sleep 1000
    create
    local owner=$PID
    inside 'readlink /proc/self/ns/net; readlink /proc/self/ns/ipc; readlink /proc/self/ns/uts; hostname' \
        "del(.hostname) | .linux.namespaces = [{type: \"mount\"}, {type: \"pid\"}
         , {type: \"network\", path: \"/proc/$owner/ns/net\"}, {type: \"ipc\", path: \"/proc/$owner/ns/ipc\"}
         , {type: \"uts\", path: \"/proc/$owner/ns/uts\"}]"
    equal "$output" "$(for name in net ipc uts; do readlink "/proc/$owner/ns/$name"; done)"$'\ntesthost' namespaces
    bundle sh -c 'readlink /proc/self/ns/pid'
    edit "(.linux.namespaces[] | select(.type == \"pid\")).path = \"/proc/$owner/ns/pid\""
    run_container
    expect_success
    expect_output "$(readlink "/proc/$owner/ns/pid")"
}

@test "a namespace path of another type is refused" {
    bundle true
    edit '(.linux.namespaces[] | select(.type == "network")).path = "/proc/self/ns/ipc"'
    run_container
    ((status != 0)) || fail accepted
    bundle true
    edit '(.linux.namespaces[] | select(.type == "network")).path = "/nosuch/ns"'
    run_container
    ((status != 0)) || fail accepted
    expect_error nosuch
}

@test "a cgroup namespace" {
    inside 'cat /proc/self/cgroup' '.linux.namespaces += [{type: "cgroup"}]'
    [[ $output != *"$ID"* ]] || fail "the cgroup's path is visible"
}

@test "host name" {
    inside hostname
    expect_output testhost
    inside hostname '.hostname = "other.example"'
    expect_output other.example
}

@test "domain name" {
    need_swiftlet # runc 1.1 does not know it
    inside 'cat /proc/sys/kernel/domainname' '.domainname = "example.org"'
    expect_output example.org
}

@test "capabilities" {
    inside 'cat /proc/self/status'
    equal "$(status_line CapEff)" 0000000020000420 effective
    equal "$(status_line CapPrm)" 0000000020000420 permitted
    equal "$(status_line CapBnd)" 0000000020000420 bounding
    equal "$(status_line CapInh)" 0000000000000000 inheritable
    equal "$(status_line CapAmb)" 0000000000000000 ambient
    inside 'cat /proc/self/status' '.process.capabilities = {}'
    equal "$(status_line CapEff)" 0000000000000000 effective
    equal "$(status_line CapBnd)" 0000000000000000 bounding
    # Another user keeps what is ambient only.
    inside 'cat /proc/self/status' '.process.user = {uid: 1000, gid: 1000}
        | .process.capabilities |= (.inheritable = ["CAP_KILL"] | .ambient = ["CAP_KILL"])'
    equal "$(status_line CapEff)" 0000000000000020 effective
    equal "$(status_line CapAmb)" 0000000000000020 ambient
    inside 'cat /proc/self/status' '.process.user = {uid: 1000, gid: 1000}'
    equal "$(status_line CapEff)" 0000000000000000 effective
}

@test "an unknown capability is left out with a warning" {
    inside 'cat /proc/self/status' '.process.capabilities.bounding += ["CAP_NO_SUCH", "cap_chown"]'
    equal "$(status_line CapBnd)" 0000000020000420 bounding
    matches "$(<"$TEST_DIR/log")" '"warning".*ignoring unknown or unavailable capabilities: .CAP_NO_SUCH cap_chown' 'log'
}

@test "no new privileges" {
    inside 'cat /proc/self/status'
    equal "$(status_line NoNewPrivs)" 1 NoNewPrivs
    inside 'cat /proc/self/status' '.process.noNewPrivileges = false'
    equal "$(status_line NoNewPrivs)" 0 NoNewPrivs
}

@test "seccomp" {
    local filter='.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", architectures: ["SCMP_ARCH_X86_64"], syscalls: [
        {names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 28},
        {names: ["rmdir"], action: "SCMP_ACT_ERRNO"},
        {names: ["chmod", "fchmodat"], action: "SCMP_ACT_ERRNO",
         args: [{index: 1, value: 511, op: "SCMP_CMP_EQ"}]}]}'
    inside 'mkdir /tmp/new 2>&1; rmdir /mnt 2>&1; chmod 777 /tmp 2>&1; chmod 755 /tmp && echo other mode' "$filter"
    expect_contains 'No space left on device'
    expect_contains "rmdir: '/mnt': Operation not permitted"
    expect_contains 'chmod: /tmp: Operation not permitted'
    expect_contains 'other mode'
    inside 'cat /proc/self/status' "$filter"
    equal "$(status_line Seccomp)" 2 Seccomp
    # Without new privileges the filter is put in place at the very end; with them before the user changes.
    inside 'mkdir /tmp/new 2>&1; id -u' "$filter | .process.noNewPrivileges = false | .process.user = {uid: 1000, gid: 1000}"
    expect_contains 'No space left on device'
}

@test "seccomp that kills" {
    bundle sh -c 'mkdir /tmp/new; echo survived $?'
    edit '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [
        {names: ["mkdir", "mkdirat"], action: "SCMP_ACT_KILL_PROCESS"}]}'
    run_container
    expect_contains 'survived 159'
}

@test "resource limits" {
    inside 'ulimit -n; ulimit -H -n; ulimit -c; ulimit -s' '.process.rlimits = [
        {type: "RLIMIT_NOFILE", soft: 100, hard: 200}, {type: "RLIMIT_CORE", soft: 0, hard: 0},
        {type: "RLIMIT_STACK", soft: 1048576, hard: 8388608}]'
    expect_output $'100\n200\n0\n1024'
    bundle true
    edit '.process.rlimits = [{type: "RLIMIT_NOSUCH", soft: 1, hard: 1}]'
    run_container
    ((status != 0)) || fail "an unknown limit was accepted"
    expect_error RLIMIT_NOSUCH
}

@test "user and groups" {
    inside 'id -u; id -g; id -G' '.process.user = {uid: 1234, gid: 567, additionalGids: [10, 20]}'
    expect_output $'1234\n567\n567 10 20'
    inside 'id -G'
    expect_output 0
}

@test "umask" {
    inside umask '.process.user.umask = 63'
    expect_output 0077
}

@test "working directory" {
    inside pwd '.process.cwd = "/usr/bin"'
    expect_output /usr/bin
    inside pwd '.process.cwd = "/made/for/it"'
    expect_output /made/for/it
    bundle true
    edit '.process.cwd = "relative"'
    run_container
    ((status != 0)) || fail "a relative directory was accepted"
}

@test "oom_score_adj" {
    inside 'cat /proc/self/oom_score_adj' '.process.oomScoreAdj = 500'
    expect_output 500
}

@test "without oomScoreAdj the caller's stays" {
    bundle cat /proc/self/oom_score_adj
    (
        echo 321 >"/proc/$BASHPID/oom_score_adj"
        run_container
        expect_success
        expect_output 321
    )
}

@test "masked paths" {
    bundle sh -c 'wc -c </etc/secret; ls -A /root/private /sys/firmware | grep -v : | wc -w; cat /proc/keys | wc -c'
    echo secret >"$BUNDLE/rootfs/etc/secret"
    mkdir "$BUNDLE/rootfs/root/private"
    touch "$BUNDLE/rootfs/root/private/key"
    edit '.linux.maskedPaths += ["/etc/secret", "/root/private", "/no/such/path"]'
    run_container
    expect_success
    expect_output $'0\n0\n0'
}

# Whoever may change a file's mode could make /dev/null useless for everybody else.
@test "masked files are not the host's /dev/null" {
    need_command stat
    bundle stat -L -c '%d:%i %t:%T' /proc/keys /dev/null
    run_container
    expect_success
    [[ $output != *"$(stat -L -c '%d:%i' /dev/null)"* ]] || fail "the host's /dev/null"
    equal "$(sort -u <<<"$output" | wc -l)" 1 'different files'
    # Where the container has none, the host's cannot be changed.
    bundle sh -c 'chmod 666 /etc/secret || cat /etc/secret'
    echo secret >"$BUNDLE/rootfs/etc/secret"
    printf 'not a device' >"$BUNDLE/rootfs/null"
    edit '.linux.maskedPaths = ["/etc/secret"] | .mounts += [
        {destination: "/dev/null", type: "bind", source: ($bundle + "/rootfs/null"), options: ["bind"]}]' \
        --arg bundle "$BUNDLE"
    run_container
    # runc covers with whatever is there.
    is_swiftlet || return 0
    expect_output ''
    expect_error 'Read-only file system'
}

@test "read-only paths" {
    bundle sh -c 'echo 1 >/proc/sys/vm/swappiness; echo x >/etc/passwd; mkdir /root/new; touch /tmp/file && echo written'
    edit '.linux.readonlyPaths += ["/etc", "/root", "/no/such/path"]'
    run_container
    expect_output written
    equal "$(grep -c 'Read-only file system' <<<"$stderr")" 3 'refusals'
}

@test "read-only root" {
    bundle sh -c 'touch /file; touch /dev/shm/file && echo written'
    edit '.root.readonly = true'
    run_container
    expect_output written
    expect_error 'Read-only file system'
    [[ ! -e $BUNDLE/rootfs/file ]] || fail "written to the root filesystem"
    inside 'touch /file && echo written'
    expect_output written
    [[ -e $BUNDLE/rootfs/file ]] || fail "not written to the root filesystem"
}

@test "the host's root filesystem is out of reach" {
    inside 'ls /; cat /proc/self/mountinfo'
    [[ $output != *swiftlet-test* ]] || matches "$(grep -c swiftlet-test <<<"$output")" '^1$' 'mounts that name the bundle'
    inside 'cd ../../../..; ls -d bin; ls -d opt 2>&1; true'
    expect_contains 'opt: No such file'
}

@test "bind mounts" {
    mkdir -p "$TEST_DIR/data/sub"
    echo content >"$TEST_DIR/data/file"
    inside 'cat /new/dir/file; touch /new/dir/made; cat /etc/one; touch /ro/made 2>&1; grep " /ro " /proc/self/mountinfo' \
        ".mounts += [
        {destination: \"/new/dir\", type: \"bind\", source: \"$TEST_DIR/data\", options: [\"bind\"]},
        {destination: \"/etc/one\", source: \"$TEST_DIR/data/file\", options: [\"bind\", \"ro\"]},
        {destination: \"/ro\", type: \"none\", source: \"$TEST_DIR/data\", options: [\"rbind\", \"ro\", \"nosuid\", \"nodev\", \"noexec\"]}]"
    equal "$(sed -n 1,2p <<<"$output")" $'content\ncontent' 'the file'
    [[ -e $TEST_DIR/data/made ]] || fail "the bind mount cannot be written"
    expect_contains 'Read-only file system'
    matches "$output" ' /ro ro,nosuid,nodev,noexec' 'mount options'
}

@test "a recursive bind mount brings what is mounted below" {
    mkdir -p "$TEST_DIR/data/sub"
    mount -t tmpfs none "$TEST_DIR/data/sub"
    touch "$TEST_DIR/data/sub/inner"
    local result=0
    inside 'ls /rec/sub; ls /flat/sub' ".mounts += [
        {destination: \"/rec\", source: \"$TEST_DIR/data\", options: [\"rbind\"]},
        {destination: \"/flat\", source: \"$TEST_DIR/data\", options: [\"bind\"]}]" || result=$?
    umount "$TEST_DIR/data/sub"
    ((result == 0))
    expect_output inner
}

@test "a mount's source may be relative to the bundle" {
    bundle cat /mnt/file
    mkdir "$BUNDLE/data"
    echo content >"$BUNDLE/data/file"
    edit '.mounts += [{destination: "/mnt", type: "bind", source: "data", options: ["rbind"]}]'
    run_container
    expect_success
    expect_output content
}

@test "tmpfs mounts" {
    inside 'grep " /scratch " /proc/self/mountinfo; stat -c %a /scratch; df -k /scratch | tail -n 1' '.mounts += [
        {destination: "/scratch", type: "tmpfs", source: "tmpfs", options: ["nosuid", "nodev", "mode=1770", "size=2048k"]}]'
    matches "$output" ' rw,nosuid,nodev.* - tmpfs tmpfs' 'mount options'
    matches "$output" $'\n1770\n' mode
    matches "$output" ' 2048 ' size
}

@test "file systems of the kernel" {
    inside 'for d in /proc /dev/pts /dev/shm /dev/mqueue /sys; do awk -v d=$d "\$2 == d { print \$2, \$3 }" /proc/mounts; done
        ls -d /sys/fs/cgroup/memory /sys/fs/cgroup/cgroup.procs 2>/dev/null; touch /sys/x 2>&1; true'
    expect_contains '/proc proc'
    expect_contains '/dev/pts devpts'
    expect_contains '/dev/shm tmpfs'
    expect_contains '/dev/mqueue mqueue'
    expect_contains '/sys sysfs'
    expect_contains '/sys/fs/cgroup/'
    expect_contains 'Read-only file system'
}

@test "a read-only tmpfs has what belongs in it" {
    bundle sh -c 'test -c /dev/null && test -e /dev/pts/ptmx && ls /dev/shm && ! touch /dev/file'
    edit '(.mounts[] | select(.destination == "/dev") | .options) += ["ro"]'
    run_container
    expect_success
    expect_error 'Read-only file system'
}

@test "the cgroup mount shows the container's own cgroup" {
    inside 'd=/sys/fs/cgroup; [ -d $d/memory ] && d=$d/memory; cat $d/cgroup.procs; mkdir $d/new 2>&1; true'
    matches "$output" '(^|'$'\n'')1('$'\n''|$)' 'own process'
    expect_contains 'Read-only file system'
}

@test "a mount cannot leave the root filesystem through a symbolic link" {
    mkdir "$TEST_DIR/outside" "$TEST_DIR/data"
    touch "$TEST_DIR/data/marker"
    bundle sh -c 'ls /escape/; ls -A /up/'
    ln -s "$TEST_DIR/outside" "$BUNDLE/rootfs/escape"
    ln -s ../../../../../../../../.."$TEST_DIR/outside" "$BUNDLE/rootfs/up"
    edit ".mounts += [
        {destination: \"/escape/a\", type: \"bind\", source: \"$TEST_DIR/data\", options: [\"bind\"]},
        {destination: \"/up/b\", type: \"tmpfs\", source: \"tmpfs\"}]"
    run_container
    [[ ! $(ls -A "$TEST_DIR/outside") ]] || fail "made outside: $(ls -A "$TEST_DIR/outside")"
}

@test "devices" {
    inside 'for d in null zero full random urandom tty ptmx; do stat -L -c "%n %F %t:%T %a" /dev/$d; done
        for l in fd stdin stdout stderr; do readlink /dev/$l; done; echo x >/dev/null && head -c 4 /dev/zero | wc -c'
    expect_contains '/dev/null character special file 1:3 666'
    expect_contains '/dev/zero character special file 1:5 666'
    expect_contains '/dev/full character special file 1:7 666'
    expect_contains '/dev/random character special file 1:8 666'
    expect_contains '/dev/urandom character special file 1:9 666'
    expect_contains '/dev/tty character special file 5:0 666'
    expect_contains '/dev/ptmx character special file 5:2'
    expect_contains $'/proc/self/fd\n/proc/self/fd/0\n/proc/self/fd/1\n/proc/self/fd/2\n4'
}

@test "more devices" {
    inside 'stat -c "%F %t:%T %a %u %g" /dev/mine /dev/sub/disk; stat -c "%F %a" /dev/queue' '.linux.devices = [
        {path: "/dev/mine", type: "c", major: 1, minor: 3, fileMode: 416, uid: 5, gid: 6},
        {path: "/dev/sub/disk", type: "b", major: 7, minor: 0, fileMode: 384, uid: 0, gid: 0},
        {path: "/dev/queue", type: "p", fileMode: 438, uid: 0, gid: 0}]'
    expect_output $'character special file 1:3 640 5 6\nblock special file 7:0 600 0 0\nfifo 666'
}

@test "limits of version 2 for a controller of version 1 are refused" {
    [[ -d /sys/fs/cgroup/memory ]] || skip "no memory controller of cgroup v1"
    refuses 'invalid configuration' '.linux.resources.unified = {"memory.min": "131072"}'
    ! is_swiftlet || expect_refusal '/linux/resources/unified'
}

@test "devices that the cgroup does not allow cannot be opened" {
    [[ -d /sys/fs/cgroup/devices ]] || skip "no devices controller of cgroup v1"
    local filter='.linux.devices = [{path: "/dev/log1", type: "c", major: 1, minor: 11, fileMode: 438, uid: 0, gid: 0}]
        | .process.capabilities |= map_values(. + ["CAP_SYSLOG"])'
    inside '(: </dev/log1) 2>&1; (: </dev/zero) && echo zero' "$filter"
    expect_contains 'Operation not permitted'
    expect_contains zero
    inside '(: </dev/log1) && echo opened' "$filter | .linux.resources.devices += [{allow: true, type: \"c\", major: 1, minor: 11, access: \"r\"}]"
    expect_output opened
}

@test "sysctl" {
    inside 'cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/kernel/msgmax' \
        '.linux.sysctl = {"net.ipv4.ip_unprivileged_port_start": "7", "kernel.msgmax": "9000"}'
    expect_output $'7\n9000'
}

@test "environment" {
    export SWIFTLET_TEST_LEAK=leaked
    inside 'env | sort' '.process.env = ["PATH=/bin", "HOME=/root", "EMPTY=", "WORDS=a  b \"c\" \u00fc", "TWICE=1", "TWICE=2"]'
    [[ $output != *leaked* ]] || fail "the caller's environment is visible"
    expect_contains $'\nWORDS=a  b "c" ü'
    expect_contains 'EMPTY='
    expect_contains 'TWICE=2'
}

@test "HOME comes from the passwd file" {
    inside 'echo $HOME' '.process.env = ["PATH=/bin"]'
    expect_output /root
    bundle sh -c 'echo $HOME'
    echo 'somebody:x:1000:1000::/home/somebody:/bin/sh' >>"$BUNDLE/rootfs/etc/passwd"
    edit '.process.env = ["PATH=/bin"] | .process.user = {uid: 1000, gid: 1000}'
    run_container
    expect_success
    expect_output /home/somebody
}

@test "standard streams are the caller's" {
    bundle sh -c 'cat; echo error >&2'
    status=0
    echo 'from the caller' | "$RUNTIME" --root "$ROOT" run --bundle "$BUNDLE" "$ID" >"$TEST_DIR/out" 2>"$TEST_DIR/err" 3>&- ||
        status=$?
    expect_success
    equal "$(<"$TEST_DIR/out")" 'from the caller' 'standard output'
    equal "$(<"$TEST_DIR/err")" error 'standard error'
}

@test "no other descriptor is passed on" {
    bundle sh -c 'ls /proc/self/fd'
    exec 9<"$BUNDLE/config.json"
    run_container
    exec 9<&-
    expect_success
    # ls has the directory itself open.
    expect_output $'0\n1\n2\n3'
}

@test "--preserve-fds" {
    bundle sh -c 'cat <&3; cat <&4; ls /proc/self/fd'
    echo three >"$TEST_DIR/three"
    echo four >"$TEST_DIR/four"
    status=0
    "$RUNTIME" --root "$ROOT" run --preserve-fds 2 --bundle "$BUNDLE" "$ID" 3<"$TEST_DIR/three" 4<"$TEST_DIR/four" \
        5<"$TEST_DIR/four" >"$TEST_DIR/out" 2>"$TEST_DIR/err" </dev/null || status=$?
    output=$(<"$TEST_DIR/out") stderr=$(<"$TEST_DIR/err")
    expect_success
    equal "$(head -n 2 "$TEST_DIR/out")" $'three\nfour' 'what the descriptors lead to'
    [[ ! -s $TEST_DIR/err ]] || fail "errors"
    grep -qx 5 "$TEST_DIR/out" && ! grep -qx 6 "$TEST_DIR/out" || fail "other descriptors are open"
}

@test "socket activation passes LISTEN_FDS on" {
    bundle sh -c 'echo $LISTEN_FDS $LISTEN_PID; cat <&3'
    echo three >"$TEST_DIR/three"
    status=0
    # The descriptors are for the process that LISTEN_PID names.
    LISTEN_FDS=1 sh -c 'LISTEN_PID=$$ exec "$@"' sh "$RUNTIME" --root "$ROOT" run --bundle "$BUNDLE" "$ID" \
        3<"$TEST_DIR/three" >"$TEST_DIR/out" 2>"$TEST_DIR/err" </dev/null || status=$?
    output=$(<"$TEST_DIR/out") stderr=$(<"$TEST_DIR/err")
    called='run with LISTEN_FDS'
    expect_success
    expect_output $'1 1\nthree'
    # Those of another process are none of the container's.
    output=$(LISTEN_FDS=1 LISTEN_PID=1 "$RUNTIME" --root "$ROOT" run --bundle "$BUNDLE" "$ID" 3<"$TEST_DIR/three" \
        2>/dev/null </dev/null) || true
    expect_output ''
    # Who is no service manager need not know the runtime's number.
    need_swiftlet # as crun; runc hands nothing on
    output=$(env --unset LISTEN_PID LISTEN_FDS=1 "$RUNTIME" --root "$ROOT" run --bundle "$BUNDLE" "$ID" \
        3<"$TEST_DIR/three" </dev/null 2>&1) || true
    expect_output $'1 1\nthree'
}

@test "--preserve-fds keeps what is open and nothing of the runtime's own" {
    need_swiftlet # runc refuses it, crun is silent
    bundle sh -c 'ls /proc/$$/fd; true'
    status=0
    "$RUNTIME" --root "$ROOT" --log "$TEST_DIR/log" run --preserve-fds 4 --bundle "$BUNDLE" "$ID" 3>&- 4>&- 6>&- \
        5</dev/null >"$TEST_DIR/out" 2>&1 </dev/null || status=$?
    output=$(<"$TEST_DIR/out")
    expect_success
    expect_output $'0\n1\n2\n5'
    grep -q 'descriptor 3, which the container is to keep, is not open' "$TEST_DIR/log" || fail "no warning"
}

@test "a program that is not there" {
    local program
    bundle nosuchprogram
    run_container
    expect_refusal 'exec: "nosuchprogram": executable file not found in \$PATH'
    bundle /no/such/program
    run_container
    expect_refusal 'exec: "/no/such/program": stat /no/such/program: no such file or directory'
    bundle /etc/passwd
    run_container
    expect_refusal 'exec: "/etc/passwd": permission denied'
    bundle /etc
    run_container
    # Newer versions of runc say that it is a directory, which docker 20.10 takes for a failure of its own.
    expect_refusal 'exec: "/etc": (permission denied|is a directory)'
    ! is_swiftlet || expect_error 'permission denied'
}

# --- cgroups

# A file of a process's cgroup.
cgroup_value() { # PID CONTROLLER FILE
    cat "/sys/fs/cgroup/$2$(awk -F : -v name="$2" '("," $2 ",") ~ ("," name ",") { print $3 }' "/proc/$1/cgroup")/$3"
}

need_cgroup_v1() {
    [[ -d /sys/fs/cgroup/memory && -d /sys/fs/cgroup/pids ]] || skip "needs the memory and pids controllers of cgroup v1"
}

@test "cgroup placement and limits" {
    need_cgroup_v1
    bundle sleep 1000
    edit ".linux.resources += {memory: {limit: 33554432, reservation: 16777216}, pids: {limit: 50},
        cpu: {shares: 512, quota: 20000, period: 50000, cpus: \"0\"}} | .linux.cgroupsPath = \"/swiftlet-tests/$ID\""
    create
    equal "$(cgroup_value "$PID" memory memory.limit_in_bytes)" 33554432 'memory limit'
    equal "$(cgroup_value "$PID" memory memory.soft_limit_in_bytes)" 16777216 'memory reservation'
    equal "$(cgroup_value "$PID" pids pids.max)" 50 'pids limit'
    equal "$(cgroup_value "$PID" cpu cpu.shares)" 512 'cpu shares'
    equal "$(cgroup_value "$PID" cpu cpu.cfs_quota_us)" 20000 'cpu quota'
    equal "$(cgroup_value "$PID" cpu cpu.cfs_period_us)" 50000 'cpu period'
    equal "$(cgroup_value "$PID" cpuset cpuset.cpus)" 0 cpus
    matches "$(<"/proc/$PID/cgroup")" ":memory:/swiftlet-tests/$ID" 'cgroup'
    ok delete --force "$ID"
    [[ ! -e /sys/fs/cgroup/memory/swiftlet-tests/$ID ]] || fail "the cgroup is still there"
}

@test "a relative cgroup path counts from the runtime's own cgroup, every time" {
    need_cgroup_v1
    need_swiftlet # runc counts from the root of the hierarchy
    local own expected round
    own=$(sed -n 's/^[0-9]*:memory://p' /proc/self/cgroup)
    expected=${own%/}/swiftlet-tests/$PREFIX
    for round in 1 2; do
        bundle sleep 1000
        edit ".linux.cgroupsPath = \"swiftlet-tests/$PREFIX\""
        create
        matches "$(<"/proc/$PID/cgroup")" ":memory:$expected"$'\n' "cgroup of container $round"
        ok delete --force "$ID"
        [[ ! -e /sys/fs/cgroup/memory$expected ]] || fail "the cgroup is still there"
    done
}

@test "a cgroup without a path is named for the container" {
    need_cgroup_v1
    bundle sleep 1000
    create
    local name
    for name in memory pids cpu devices freezer; do
        matches "$(grep ":$name:" "/proc/$PID/cgroup")" "/$ID\$" "cgroup of $name"
    done
}

@test "the memory limit ends a container that wants more" {
    need_cgroup_v1
    bundle sh -c 'head -c 100000000 /dev/zero | tail -c 90000000 | wc -c'
    edit '.linux.resources.memory = {limit: 16777216, swap: 16777216}'
    run_container
    [[ $output != 90000000 ]] || fail "it got the memory"
}

@test "the pids limit" {
    need_cgroup_v1
    bundle sh -c 'for i in 1 2 3 4 5 6 7 8 9 10; do sleep 5 & done; echo started'
    edit '.linux.resources.pids = {limit: 5}'
    run_container
    expect_error "can't fork"
}

# --- user namespace

@test "a user namespace with mappings" {
    chmod 711 "$TEST_DIR"
    bundle sh -c 'cat /proc/self/uid_map /proc/self/gid_map; id -u; stat -c %u /bin/busybox; touch /tmp/made'
    chown -hR 100000:200000 "$BUNDLE/rootfs"
    edit '.linux.namespaces += [{type: "user"}]
        | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}]
        | .linux.gidMappings = [{containerID: 0, hostID: 200000, size: 65536}]'
    run_container
    expect_success
    equal "$(tr -s ' ' <<<"$output")" $' 0 100000 65536\n 0 200000 65536\n0\n0' 'mappings and ids'
    equal "$(stat -c %u:%g "$BUNDLE/rootfs/tmp/made")" 100000:200000 'owner outside'
}

# --- hooks

# A hook that notes its name, where it runs and what it is told. It runs on the host, or in the container's busybox.
write_hook() { # PATH LOG
    cat >"$1" <<HOOK
#!/bin/sh
{
    echo "hook \$1 status \$(cat | sed 's/.*"status": *"\([a-z]*\)".*/\1/') network \$(readlink /proc/self/ns/net) variable \$VARIABLE"
} >>$2
HOOK
    chmod 755 "$1"
}

@test "hooks run in order, in their namespaces, with the state on standard input" {
    bundle sh -c 'cat /hooks.log; sleep 1000'
    local log=$TEST_DIR/hooks.log
    write_hook "$TEST_DIR/hook" "$log"
    write_hook "$BUNDLE/rootfs/bin/hook" /hooks.log
    edit ".hooks = ([\"prestart\", \"createRuntime\", \"createContainer\", \"poststart\", \"poststop\"]
        | map({(.): [{path: \"$TEST_DIR/hook\", args: [\"hook\", .], env: [\"VARIABLE=value\"]}]}) | add)
        | .hooks.startContainer = [{path: \"/bin/hook\", args: [\"hook\", \"startContainer\"],
            env: [\"PATH=/bin\", \"VARIABLE=value\"]}]"
    create
    local host container
    host=$(readlink /proc/self/ns/net) container=$(readlink "/proc/$PID/ns/net")
    # runc 1.1 runs poststart, too, during create.
    is_swiftlet || sed -i '/^hook poststart /d' "$log"
    equal "$(cut -d ' ' -f 2 "$log" | tr '\n' ' ')" 'prestart createRuntime createContainer ' 'hooks at create'
    is_swiftlet || echo 'hook poststart status running network '"$host"' variable value' >>"$log"
    ok start "$ID"
    eventually prints startContainer
    eventually grep -q poststart "$log"
    ok kill "$ID" KILL
    eventually has_status stopped
    [[ $(<"$log") != *poststop* ]] || fail "poststop ran before delete"
    ok delete "$ID"
    equal "$(cut -d ' ' -f 2 "$log" | tr '\n' ' ')" 'prestart createRuntime createContainer poststart poststop ' hooks
    local name
    for name in prestart createRuntime poststart poststop; do
        matches "$(grep "hook $name " "$log")" "network ${host//[\[\]]/.} variable value" "$name"
    done
    matches "$(grep 'hook createContainer ' "$log")" "network ${container//[\[\]]/.} variable value" createContainer
    matches "$(container_output)" "hook startContainer .*network ${container//[\[\]]/.} variable value" startContainer
    if is_swiftlet; then # as the specification says; runc 1.1 has other words
        matches "$(grep 'hook createRuntime ' "$log")" 'status creat(ing|ed)' createRuntime
        matches "$(grep 'hook poststart ' "$log")" 'status running' poststart
        matches "$(grep 'hook poststop ' "$log")" 'status stopped' poststop
    fi
}

@test "createContainer hooks run in the container's root directory" {
    bundle cat /from-hook
    edit '.hooks.createContainer = [{path: "/bin/sh", args: ["sh", "-c", "echo written >from-hook"]}]'
    run_container
    expect_success
    expect_output written
}

@test "a hook is told the container's process" {
    bundle sleep 1000
    printf '#!/bin/sh\ncat >%s\n' "$TEST_DIR/hook.json" >"$TEST_DIR/hook"
    chmod 755 "$TEST_DIR/hook"
    edit ".hooks.createRuntime = [{path: \"$TEST_DIR/hook\"}] | .annotations = {\"org.example.key\": \"value\"}"
    create
    equal "$(jq .pid "$TEST_DIR/hook.json")" "$PID" pid
    equal "$(jq --raw-output .id "$TEST_DIR/hook.json")" "$ID" id
    equal "$(jq --raw-output .bundle "$TEST_DIR/hook.json")" "$BUNDLE" bundle
    equal "$(jq --raw-output '.annotations["org.example.key"]' "$TEST_DIR/hook.json")" value annotation
}

@test "hooks run for a guest, too" {
    need_guests spt
    guest_bundle spt sleep
    write_hook "$TEST_DIR/hook" "$TEST_DIR/hooks.log"
    edit ".hooks = ([\"prestart\", \"createRuntime\", \"createContainer\", \"poststart\", \"poststop\"]
        | map({(.): [{path: \"$TEST_DIR/hook\", args: [\"hook\", .]}]}) | add)"
    create
    equal "$(cut -d ' ' -f 2 "$TEST_DIR/hooks.log" | tr '\n' ' ')" 'prestart createRuntime createContainer ' 'hooks at create'
    ok start "$ID"
    eventually prints sleeping
    ok delete --force "$ID"
    equal "$(cut -d ' ' -f 2 "$TEST_DIR/hooks.log" | tail -n 2 | tr '\n' ' ')" 'poststart poststop ' 'hooks after create'
}

@test "a hook that fails makes create fail and leave nothing" {
    local name
    printf '#!/bin/sh\necho sorry >&2; exit 3\n' >"$TEST_DIR/hook"
    chmod 755 "$TEST_DIR/hook"
    for name in prestart createRuntime createContainer; do
        bundle sleep 1000
        edit ".hooks.$name = [{path: \"$TEST_DIR/hook\"}]"
        create_container
        ((status != 0)) || fail "create went on after $name failed"
        runtime state "$ID"
        ((status != 0)) || fail "the container is there after $name failed"
        equal "$(leftovers)" '' "left behind after $name failed"
    done
    bundle sleep 1000
    edit '.hooks.createRuntime = [{path: "/no/such/hook"}]'
    create_container
    ((status != 0)) || fail "create went on without its hook"
    expect_error /no/such/hook
    equal "$(leftovers)" '' 'left behind'
}

@test "poststop hooks run when create fails in its hooks" {
    need_swiftlet # runc 1.1 forgets them
    bundle sleep 1000
    printf '#!/bin/sh\nexit 3\n' >"$TEST_DIR/bad"
    chmod 755 "$TEST_DIR/bad"
    write_hook "$TEST_DIR/hook" "$TEST_DIR/hooks.log"
    edit ".hooks = {createRuntime: [{path: \"$TEST_DIR/bad\"}],
        poststop: [{path: \"$TEST_DIR/hook\", args: [\"hook\", \"poststop\"]}]}"
    create_container
    ((status != 0)) || fail "create went on"
    matches "$(<"$TEST_DIR/hooks.log")" 'hook poststop status stopped' 'the hook'
    # What fails before there are hooks to undo runs none.
    rm "$TEST_DIR/hooks.log"
    bundle true
    edit ".mounts += [{destination: \"/mnt\", type: \"nosuchfs\", source: \"none\"}]
        | .hooks.poststop = [{path: \"$TEST_DIR/hook\", args: [\"hook\", \"poststop\"]}]"
    create_container
    ((status != 0)) || fail "create went on"
    [[ ! -e $TEST_DIR/hooks.log ]] || fail "the hook ran"
}

@test "a hook that takes too long makes create fail" {
    bundle sleep 1000
    printf '#!/bin/sh\nexec sleep 20\n' >"$TEST_DIR/hook"
    chmod 755 "$TEST_DIR/hook"
    edit ".hooks.createRuntime = [{path: \"$TEST_DIR/hook\", timeout: 1}]"
    local began=$SECONDS
    create_container
    ((status != 0)) || fail "create went on"
    ((SECONDS - began < 15)) || fail "create waited for the hook's end"
    equal "$(leftovers)" '' 'left behind'
}

@test "a failing poststop hook does not keep the others from running, nor delete from its work" {
    need_swiftlet # runc 1.1 stops at the first one
    bundle true
    printf '#!/bin/sh\nexit 3\n' >"$TEST_DIR/bad"
    write_hook "$TEST_DIR/good" "$TEST_DIR/hooks.log"
    chmod 755 "$TEST_DIR/bad"
    edit ".hooks.poststop = [{path: \"$TEST_DIR/bad\"}, {path: \"$TEST_DIR/good\", args: [\"hook\", \"second\"]},
        {path: \"$TEST_DIR/bad\"}]"
    run_container
    expect_success
    matches "$(<"$TEST_DIR/hooks.log")" 'hook second' 'the second hook'
    # Each warning names its own hook.
    local number
    for number in 0 2; do
        matches "$(<"$TEST_DIR/log")" "warning.*error running poststop hook #$number: poststop hook failed with exit code 3" log
    done
}

# --- the sandbox of a guest

# The processes of the container: the supervisor and what it started.
guest_processes() {
    local pid
    echo "$PID"
    for pid in $(cat "/proc/$PID/task/"*/children); do echo "$pid"; done
}

# Starts a guest that sleeps.
start_guest() { # hvt|spt [JQ_FILTER]
    guest_bundle "$1" sleep
    edit "${2:-.}"
    create
    ok start "$ID"
    eventually prints sleeping
}

guest_sandbox() { # hvt|spt
    start_guest "$1"
    local pid text name
    for pid in $(guest_processes); do
        text=$(<"/proc/$pid/status")
        for name in CapEff CapPrm CapInh CapAmb CapBnd; do
            equal "$(status_line "$name" "$text")" 0000000000000000 "$name of process $pid"
        done
        equal "$(status_line NoNewPrivs "$text")" 1 "NoNewPrivs of process $pid"
        for name in net ipc uts mnt pid; do
            [[ $(readlink "/proc/$pid/ns/$name") != "$(readlink "/proc/self/ns/$name")" ]] ||
                fail "process $pid is in the host's $name namespace"
        done
        equal "$(ls -A "/proc/$pid/root/")" '' "root directory of process $pid"
        ! mkdir "/proc/$pid/root/new" 2>/dev/null || fail "the root directory of process $pid can be written"
        matches "$(<"/proc/$pid/cgroup")" "$ID" "cgroup of process $pid"
        # Standard streams, and descriptors without a path that leads anywhere.
        find "/proc/$pid/fd" -type l -printf '%f %l\n' >"$TEST_DIR/fds"
        while read -r name text; do
            case $name:$text in
            [012]:*) ;;
            *:socket:* | *:pipe:* | *:anon_inode:* | *:/dev/null | */memfd:*) ;;
            *) fail "process $pid has $text open" ;;
            esac
        done <"$TEST_DIR/fds"
    done
    # Whoever runs the guest's instructions is confined by a filter.
    equal "$(status_line Seccomp "$(<"/proc/$pid/status")")" 2 "Seccomp of process $pid"
}

@test "the sandbox of a guest: spt" {
    need_guests spt
    guest_sandbox spt
    # A virtual machine's descriptors have no path.
    local pid
    for pid in $(guest_processes); do
        [[ $(find "/proc/$pid/fd" -type l -printf '%l\n') != *kvm* ]] || fail "process $pid has to do with KVM"
    done
}

@test "the sandbox of a guest: hvt" {
    need_guests hvt
    guest_sandbox hvt
}

@test "a guest runs as the container's user" {
    need_guests spt
    start_guest spt '.process.user = {uid: 1234, gid: 567}'
    local pid
    for pid in $(guest_processes); do :; done
    equal "$(status_line Uid "$(<"/proc/$pid/status")" | tr '\t' ' ')" '1234 1234 1234 1234' 'user ids'
    equal "$(status_line Gid "$(<"/proc/$pid/status")" | tr '\t' ' ')" '567 567 567 567' 'group ids'
}

@test "a guest's cgroup has the container's limits" {
    need_guests spt
    need_cgroup_v1
    start_guest spt '.linux.resources = {memory: {limit: 33554432}, pids: {limit: 20}, cpu: {shares: 512}}'
    local pid
    for pid in $(guest_processes); do
        equal "$(cgroup_value "$pid" memory memory.limit_in_bytes)" 33554432 "memory limit of process $pid"
        equal "$(cgroup_value "$pid" pids pids.max)" 20 "pids limit of process $pid"
        equal "$(cgroup_value "$pid" cpu cpu.shares)" 512 "cpu shares of process $pid"
    done
}

@test "a guest in a user namespace" {
    need_guests spt
    chmod 711 "$TEST_DIR"
    guest_bundle spt hello
    chown -R 100000:100000 "$BUNDLE/rootfs"
    edit '.linux.namespaces += [{type: "user"}]
        | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}]
        | .linux.gidMappings = [{containerID: 0, hostID: 100000, size: 65536}]'
    run_container
    expect_success
    expect_contains 'Hello from swiftlet guest'
}

@test "a guest in the namespaces of a pod" {
    need_guests spt
    bundle sleep 1000
    create
    local owner=$PID
    guest_bundle spt sleep
    edit "(.linux.namespaces[] | select(.type == \"network\")).path = \"/proc/$owner/ns/net\"
        | (.linux.namespaces[] | select(.type == \"ipc\")).path = \"/proc/$owner/ns/ipc\"
        | (.linux.namespaces[] | select(.type == \"uts\")).path = \"/proc/$owner/ns/uts\""
    create
    ok start "$ID"
    eventually prints sleeping
    equal "$(readlink "/proc/$PID/ns/net")" "$(readlink "/proc/$owner/ns/net")" 'network namespace'
}
