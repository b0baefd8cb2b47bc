# The published escapes of runc and crun since 2019, each tried on this runtime.
#
# Each test does what the attack did and then looks for its effect: on the host's files, or on what the container got.
# Those that need a race against the runtime try it a number of times against a process that never stops swapping.

load helpers

# What the host has and a container must not touch: $HOST with a file of a name that is nowhere else.
setup() {
    prepare
    HOST=$TEST_DIR/host
    mkdir -p "$HOST/inner"
    echo "$PREFIX is the host's" >"$HOST/$PREFIX.secret"
    before=$(fingerprint "$HOST")
    swapper=''
}

teardown() {
    stop_swapping
    clean_up
}

fingerprint() { # DIRECTORY
    find "$1" -printf '%p %y %m %U %l\n' | sort
    find "$1" -type f -exec sha256sum {} + | sort
}

# Fails when anything below $HOST was made, changed or mounted over.
host_is_untouched() {
    equal "$(fingerprint "$HOST")" "$before" "the host's directory"
    ! grep -F " $HOST" /proc/self/mountinfo || fail "something is mounted on the host"
}

start_swapping() { # FIRST SECOND
    rm -f "$TEST_DIR/swapping"
    "$BATS_TEST_DIRNAME/swap.py" "$1" "$2" "$TEST_DIR/swapping" 3>&- &
    swapper=$!
    eventually test -e "$TEST_DIR/swapping"
}

stop_swapping() {
    [[ ${swapper-} ]] || return 0
    kill "$swapper" 2>/dev/null || true
    wait "$swapper" 2>/dev/null || true
    swapper=''
}

# A swapper that has ended by itself swaps nothing, and the test would show nothing.
still_swapping() { kill -0 "$swapper" || fail "the swapping process has ended"; }

# Runs the bundle to its end, with a pause after each step of which a race could make use: on a busy machine the
# swapping process would not come in between otherwise.
run_slowly() {
    local steps=mount,move_mount,open_tree,mkdirat,mknodat,openat2
    cat >"$TEST_DIR/slowly" <<SCRIPT
#!/bin/sh
exec strace -f -qq -o /dev/null -e inject=$steps:delay_exit=300 "$RUNTIME" "\$@"
SCRIPT
    chmod +x "$TEST_DIR/slowly"
    RUNTIME=$TEST_DIR/slowly run_container
}

need_exec() {
    "$RUNTIME" exec --help >/dev/null 2>&1 3>&- || skip "$(basename "$RUNTIME") has no exec"
}

mount_of() { # DESTINATION: prints the ids of the container's mounts there, the last one last
    awk -v at="$1" '$5 == at { print $1 }' "/proc/$PID/mountinfo"
}

# --- the runtime's own program

# A copy of the runtime, so that a test that fails spoils nothing.
own_runtime() {
    cp "$RUNTIME" "$TEST_DIR/runtime"
    RUNTIME=$TEST_DIR/runtime
    program=$(sha256sum <"$RUNTIME")
}

program_is_unchanged() { equal "$(sha256sum <"$RUNTIME")" "$program" "the runtime's program"; }

@test "CVE-2019-5736: the runtime's program cannot be overwritten by an image whose entry point is /proc/self/exe" {
    own_runtime
    bundle /evil
    printf '#!/proc/self/exe --version\n' >"$BUNDLE/rootfs/evil"
    chmod +x "$BUNDLE/rootfs/evil"
    create
    # A handle of the program while it runs, written through once it has ended.
    exec 8<"/proc/$PID/exe"
    runtime start "$ID"
    eventually has_status stopped
    run bash -c 'echo broken >/proc/self/fd/8'
    exec 8<&-
    ((status != 0)) || fail "the program could be written to"
    program_is_unchanged
}

@test "CVE-2019-5736: the runtime's program cannot be overwritten by a process that watches exec" {
    need_exec
    own_runtime
    # Takes a handle of every program that is not busybox and tries to write to it 300 times.
    bundle sh -c 'echo ready >/tmp/ready; while :; do for p in /proc/[0-9]*; do
        case $(readlink "$p/exe" 2>/dev/null) in "" | */busybox) continue ;; esac
        # In a shell of its own, which ends when there is nothing to open any more.
        (exec 9<"$p/exe"; i=0; while [ $i -lt 300 ]; do
            (echo broken >/proc/self/fd/9) && echo written >>/tmp/written; i=$((i + 1)); done) &
    done; done 2>/dev/null'
    edit '.process.noNewPrivileges = false'
    printf '#!/proc/self/exe --version\n' >"$BUNDLE/rootfs/evil"
    chmod +x "$BUNDLE/rootfs/evil"
    create
    ok start "$ID"
    eventually test -s "$BUNDLE/rootfs/tmp/ready"
    for _ in {1..20}; do runtime exec "$ID" /evil; done
    sleep 0.5
    ok kill "$ID" KILL
    eventually has_status stopped
    [[ ! -e $BUNDLE/rootfs/tmp/written ]] || fail "the program could be written to"
    program_is_unchanged
}

# --- procfs that is none

@test "CVE-2019-16884: nothing is mounted over the procfs that labels are written to" {
    mkdir "$TEST_DIR/fake"
    bundle true
    edit '.mounts += [{destination: "/proc", type: "bind", source: $fake, options: ["bind"]}]' --arg fake "$TEST_DIR/fake"
    create_container
    expect_refusal 'not of type proc'
    for place in self/attr sys/kernel keys; do
        bundle true
        edit '.mounts += [{destination: $place, type: "bind", source: $fake, options: ["bind"]}]' \
            --arg place "/proc/$place" --arg fake "$TEST_DIR/fake"
        [[ $place != keys ]] || edit '.mounts[-1].source = "/dev/null"'
        create_container
        expect_refusal 'inside /proc'
    done
    # What lxcfs does is no attack.
    echo 'model name : none' >"$TEST_DIR/cpuinfo"
    bundle cat /proc/cpuinfo
    edit '.mounts += [{destination: "/proc/cpuinfo", type: "bind", source: $file, options: ["bind"]}]' \
        --arg file "$TEST_DIR/cpuinfo"
    run_container
    expect_success
    expect_output 'model name : none'
}

@test "CVE-2019-19921, CVE-2023-27561, CVE-2023-28642: /proc and /sys of an image that are symbolic links are refused" {
    local place target
    for place in proc sys; do
        for target in /evil ../evil "$HOST"; do
            bundle true
            rmdir "$BUNDLE/rootfs/$place"
            mkdir -p "$BUNDLE/rootfs/evil/self/attr"
            ln -s "$target" "$BUNDLE/rootfs/$place"
            create_container
            expect_refusal 'must be mounted on ordinary directory'
        done
    done
    host_is_untouched
}

@test "CVE-2019-19921, CVE-2023-27561: /proc that is swapped meanwhile never loses its masks" {
    need_command strace
    local turn ran=0 proc mask
    for turn in {1..10}; do
        bundle cat /proc/self/mountinfo
        # Where /proc is not procfs any more, there is nothing to read.
        edit '.process.args = ["sh", "-c", "cat /proc/self/mountinfo /link/self/mountinfo; true"]'
        mkdir -p "$BUNDLE/rootfs/evil"
        touch "$BUNDLE/rootfs/evil/keys"
        ln -s evil "$BUNDLE/rootfs/link"
        start_swapping "$BUNDLE/rootfs/proc" "$BUNDLE/rootfs/link"
        run_slowly
        still_swapping
        stop_swapping
        if ((status == 0)) && [[ $output ]]; then
            ran=$((ran + 1))
            # The mask of keys lies on the procfs itself, wherever that is by now.
            proc=$(awk '$4 == "/" && / - proc / { print $1; exit }' <<<"$output")
            mask=$(awk -v parent="$proc" '$2 == parent && $5 ~ /\/keys$/' <<<"$output")
            [[ $mask ]] || fail "keys of the procfs is not masked"
        fi
        runtime delete --force "$ID"
    done
    echo "# $ran of 10 containers ran with procfs" >&3
}

@test "CVE-2025-52881: what is written to procfs does not go to something mounted there" {
    need_swiftlet # the joined mount namespace is made for its order of steps
    # A mount namespace of somebody else, whose /proc is a directory of files.
    mkdir -p "$TEST_DIR/fake/self" "$TEST_DIR/fake/sys/net/ipv4"
    echo untouched >"$TEST_DIR/fake/sys/net/ipv4/ip_forward"
    echo untouched >"$TEST_DIR/fake/self/oom_score_adj"
    unshare --mount --propagation private sh -c '
        mount --bind "$1" /proc && echo ready >"$1/ready" && sleep 60' sh "$TEST_DIR/fake" 3>&- &
    local holder=$!
    remember_pid "$holder"
    eventually test -e "$TEST_DIR/fake/ready"
    bundle true
    edit '(.linux.namespaces[] | select(.type == "mount")).path = $path | .mounts = [] | .linux.maskedPaths = []
        | .linux.readonlyPaths = [] | .linux.sysctl = {"net.ipv4.ip_forward": "1"}' --arg path "/proc/$holder/ns/mnt"
    create_container
    expect_refusal '/linux/sysctl/net.ipv4.ip_forward.*no procfs|no procfs'
    edit 'del(.linux.sysctl) | .process.oomScoreAdj = 500'
    create_container
    expect_refusal '/process/oomScoreAdj.*no procfs'
    equal "$(cat "$TEST_DIR/fake/sys/net/ipv4/ip_forward" "$TEST_DIR/fake/self/oom_score_adj")" $'untouched\nuntouched'
    kill "$holder"
    # A real procfs, with something else over a part of it.
    unshare --mount --propagation private sh -c '
        mount --bind "$1/fake/sys" /proc/sys && echo ready >"$1/ready" && sleep 60' \
        sh "$TEST_DIR" 3>&- &
    holder=$!
    remember_pid "$holder"
    eventually test -e "$TEST_DIR/ready"
    edit 'del(.process.oomScoreAdj) | (.linux.namespaces[] | select(.type == "mount")).path = $path
        | .linux.sysctl = {"net.ipv4.ip_forward": "1"}' --arg path "/proc/$holder/ns/mnt"
    create_container
    expect_refusal '/linux/sysctl/net.ipv4.ip_forward.*cross-device'
    equal "$(cat "$TEST_DIR/fake/sys/net/ipv4/ip_forward")" untouched
    kill "$holder"
}

# --- mounts that lead out of the container

@test "CVE-2019-18837: a mount's destination that is a symbolic link to the host stays inside" {
    local target
    for target in "$HOST" "../../../../../../../../$HOST" "/proc/self/cwd$HOST" "/proc/1/root$HOST"; do
        bundle sh -c "find / -xdev -name '$PREFIX.*'; cat /place/$PREFIX.secret"
        rm -rf "$BUNDLE/rootfs/place"
        ln -s "$target" "$BUNDLE/rootfs/place"
        edit '.mounts += [{destination: "/place/inner", type: "tmpfs", source: "tmpfs"},
            {destination: "/place/new", type: "tmpfs", source: "tmpfs"}]'
        run_container
        [[ $output != *"$PREFIX"* ]] || fail "the container sees the host's files"
        host_is_untouched
    done
}

@test "CVE-2019-18837: a root filesystem that is swapped for a link meanwhile never becomes the host" {
    need_command strace
    local turn started=0
    busybox_rootfs "$HOST"
    before=$(fingerprint "$HOST")
    for turn in {1..15}; do
        bundle sh -c "ls /; cat /$PREFIX.secret; true"
        ln -s "$HOST" "$BUNDLE/link"
        start_swapping "$BUNDLE/rootfs" "$BUNDLE/link"
        if ((turn % 2)); then run_container; else run_slowly; fi
        still_swapping
        stop_swapping
        [[ $output != *"$PREFIX"* ]] || fail "the container runs on the host's directory"
        ((status != 0)) || started=$((started + 1))
        runtime delete --force "$ID"
        rm -rf --one-file-system "$BUNDLE"
    done
    host_is_untouched
    echo "# $started of 15 containers ran" >&3
}

@test "CVE-2021-30465: a volume whose directories are swapped meanwhile never exposes the host" {
    need_command strace
    local turn ran=0
    for turn in {1..12}; do
        bundle sh -c "find / -name '$PREFIX.*' 2>/dev/null; true"
        mkdir -p "$TEST_DIR/volume$turn/inner" "$TEST_DIR/content$turn"
        ln -s "../../../../../../../../../$TEST_DIR" "$TEST_DIR/volume$turn/link"
        # The volume first, then something that is mounted below what the attacker swaps.
        edit '.mounts += [{destination: "/volume", type: "bind", source: $volume, options: ["rbind"]},
            {destination: "/volume/inner/host", type: "bind", source: $content, options: ["rbind", "ro"]},
            {destination: "/volume/inner/host/inner", type: "tmpfs", source: "tmpfs"}]' \
            --arg volume "$TEST_DIR/volume$turn" --arg content "$TEST_DIR/content$turn"
        mkdir "$TEST_DIR/content$turn/inner"
        start_swapping "$TEST_DIR/volume$turn/inner" "$TEST_DIR/volume$turn/link"
        if ((turn % 2)); then run_container; else run_slowly; fi
        still_swapping
        stop_swapping
        [[ $output != *"$PREFIX"* ]] || fail "the container sees the host's files: $output"
        ((status != 0)) || ran=$((ran + 1))
        host_is_untouched
        runtime delete --force "$ID"
    done
    echo "# $ran of 12 containers ran" >&3
}

@test "CVE-2021-30465: a read-only mount in a swapped directory is never writable" {
    need_command strace
    local turn ran=0 lines
    for turn in {1..10}; do
        bundle cat /proc/self/mountinfo
        mkdir -p "$TEST_DIR/volume$turn/inner/at" "$TEST_DIR/volume$turn/other/at" "$TEST_DIR/content$turn"
        edit '.mounts += [{destination: "/volume", type: "bind", source: $volume, options: ["rbind"]},
            {destination: "/volume/inner/at", type: "bind", source: $content, options: ["rbind", "ro", "nosuid"]}]' \
            --arg volume "$TEST_DIR/volume$turn" --arg content "$TEST_DIR/content$turn"
        start_swapping "$TEST_DIR/volume$turn/inner" "$TEST_DIR/volume$turn/other"
        if ((turn % 2)); then run_container; else run_slowly; fi
        still_swapping
        stop_swapping
        if ((status == 0)); then
            ran=$((ran + 1))
            lines=$(awk -v root="/content$turn" 'index($4, root) { print $6 }' <<<"$output")
            matches "$lines" '^ro,nosuid' 'options of the mount'
        fi
        runtime delete --force "$ID"
    done
    ((ran > 0)) || fail "no container could be made"
    echo "# $ran of 10 containers ran" >&3
}

@test "CVE-2024-45310: no directory or file is made outside of the root through a link that is swapped meanwhile" {
    need_command strace
    local turn
    for turn in {1..12}; do
        bundle true
        mkdir -p "$TEST_DIR/volume$turn/dir"
        ln -s "../../../../../../../../../$HOST" "$TEST_DIR/volume$turn/link"
        edit '.mounts += [{destination: "/volume", type: "bind", source: $volume, options: ["rbind"]},
            {destination: "/volume/dir/a/b/c", type: "tmpfs", source: "tmpfs"},
            {destination: "/volume/dir/d/e/file", type: "bind", source: "/etc/passwd", options: ["bind", "ro"]}]
            | .process.cwd = "/volume/dir/f/g"' --arg volume "$TEST_DIR/volume$turn"
        start_swapping "$TEST_DIR/volume$turn/dir" "$TEST_DIR/volume$turn/link"
        if ((turn % 2)); then run_container; else run_slowly; fi
        still_swapping
        stop_swapping
        host_is_untouched
        runtime delete --force "$ID"
    done
}

@test "CVE-2025-24965: files that the runtime or a handler makes in an image do not follow its links to the host" {
    local name
    bundle true
    # What crun's handler wrote, what this runtime reads, and what engines have mounted in every container.
    for name in .krun_config.json urunc.json etc/hosts etc/hostname etc/resolv.conf run/.containerenv new; do
        mkdir -p "$BUNDLE/rootfs/$(dirname "$name")"
        ln -sf "../../../../../../../../../$HOST/$(basename "$name")" "$BUNDLE/rootfs/$name"
    done
    edit '.annotations = {"run.oci.handler": "krun"} | .mounts += (["/etc/hosts", "/etc/hostname", "/etc/resolv.conf",
        "/run/.containerenv", "/new"]
        | map({destination: ., type: "bind", source: "/etc/passwd", options: ["bind", "ro"]}))'
    run_container
    host_is_untouched
}

# --- devices and masks

@test "CVE-2026-41579, CVE-2026-47766: an image whose /dev is a link to the host gets its devices inside" {
    local target
    for target in "$HOST" "../../../../../../../../$HOST"; do
        bundle true
        rmdir "$BUNDLE/rootfs/dev"
        ln -s "$target" "$BUNDLE/rootfs/dev"
        touch "$HOST/ptmx"
        before=$(fingerprint "$HOST")
        edit '.mounts |= map(select(.destination | startswith("/dev") | not))'
        run_container
        host_is_untouched
        bundle true
        rmdir "$BUNDLE/rootfs/dev"
        ln -s "$target" "$BUNDLE/rootfs/dev"
        run_container
        host_is_untouched
    done
}

@test "CVE-2025-31133: masks do not come from what an image calls /dev/null" {
    local kind
    for kind in link file fifo; do
        bundle sh -c 'stat -c "%F %t:%T" /proc/timer_list; head -c 20 /proc/timer_list; echo "|$?"'
        edit '.mounts |= map(select(.destination | startswith("/dev") | not)) | .linux.maskedPaths = ["/proc/timer_list"]'
        rm -rf "$BUNDLE/rootfs/dev/null"
        case $kind in
        link) ln -s /proc/sys/kernel/core_pattern "$BUNDLE/rootfs/dev/null" ;;
        file) echo secret >"$BUNDLE/rootfs/dev/null" ;;
        fifo) mkfifo "$BUNDLE/rootfs/dev/null" ;;
        esac
        run_container
        if ((status == 0)); then
            expect_output $'character special file 1:3\n|0'
        else
            expect_error dev/null
        fi
    done
}

@test "CVE-2025-52565: a terminal is not put over another file through a link at /dev/console" {
    local target receiver
    for target in /proc/sysrq-trigger /proc/sys/kernel/core_pattern "$HOST/$PREFIX.secret"; do
        bundle true
        edit '.process.terminal = true | .mounts |= map(select(.destination != "/dev"))'
        mkdir -p "$BUNDLE/rootfs/dev/pts"
        ln -s "$target" "$BUNDLE/rootfs/dev/console"
        rm -f "$TEST_DIR/console.sock"
        "$BATS_TEST_DIRNAME/terminal.py" "$TEST_DIR/console.sock" "$TEST_DIR/terminal" 2>/dev/null 3>&- &
        receiver=$!
        remember_pid "$receiver"
        eventually test -S "$TEST_DIR/console.sock"
        create_container --console-socket "$TEST_DIR/console.sock"
        if ((status == 0)); then
            ! grep -E ' /proc/(sysrq-trigger|sys/kernel/core_pattern) .* devpts ' "/proc/$PID/mountinfo" ||
                fail "the terminal lies over $target"
        else
            expect_error 'console'
        fi
        kill "$receiver" 2>/dev/null || true
        wait "$receiver" 2>/dev/null || true
        host_is_untouched
    done
}

@test "CVE-2025-52565: what an image calls ptmx is not opened" {
    local kind receiver
    for kind in fifo device; do
        bundle true
        edit '.process.terminal = true | .mounts |= map(select(.destination | startswith("/dev") | not))'
        mkdir -p "$BUNDLE/rootfs/dev/pts"
        case $kind in
        fifo) mkfifo "$BUNDLE/rootfs/dev/pts/ptmx" ;;
        device) mknod "$BUNDLE/rootfs/dev/pts/ptmx" c 5 2 ;;
        esac
        rm -f "$TEST_DIR/console.sock"
        "$BATS_TEST_DIRNAME/terminal.py" "$TEST_DIR/console.sock" "$TEST_DIR/terminal" 2>/dev/null 3>&- &
        receiver=$!
        remember_pid "$receiver"
        eventually test -S "$TEST_DIR/console.sock"
        create_container --console-socket "$TEST_DIR/console.sock"
        expect_refusal 'devpts|/dev/pts'
        kill "$receiver" 2>/dev/null || true
        wait "$receiver" 2>/dev/null || true
    done
}

# --- descriptors, privileges, cgroups, lengths

@test "CVE-2024-21626: the working directory cannot be a directory of the host that the runtime has open" {
    local number
    exec 7<"$HOST"
    for number in {0..16}; do
        bundle sh -c "ls; cat ../../../../../../../../$HOST/$PREFIX.secret"
        edit '.process.cwd = $cwd' --arg cwd "/proc/self/fd/$number"
        run_container
        [[ $output != *"$PREFIX"* ]] || fail "the container works on the host through descriptor $number"
        runtime delete --force "$ID"
    done
    # The same through a link of the image, and a program that is found through such a descriptor.
    for number in {3..16}; do
        bundle sh -c "ls; cat $PREFIX.secret"
        ln -s "/proc/self/fd/$number" "$BUNDLE/rootfs/work"
        edit '.process.cwd = "/work"'
        run_container
        [[ $output != *"$PREFIX"* ]] || fail "the container works on the host through descriptor $number"
        runtime delete --force "$ID"
        bundle "/proc/self/fd/$number/../../../../../../../bin/ls" "$HOST"
        run_container
        [[ $output != *"$PREFIX"* ]] || fail "the container runs a program of the host through descriptor $number"
        runtime delete --force "$ID"
    done
    exec 7<&-
}

@test "CVE-2024-21626: exec cannot work in a directory of the host that the runtime has open" {
    need_exec
    local number
    bundle sleep 60
    create
    ok start "$ID"
    exec 7<"$HOST"
    for number in {0..16}; do
        runtime exec --cwd "/proc/self/fd/$number" "$ID" sh -c "ls; cat ../../../../../../../$HOST/$PREFIX.secret"
        [[ $output != *"$PREFIX"* ]] || fail "exec works on the host through descriptor $number"
    done
    exec 7<&-
}

@test "CVE-2022-24769, CVE-2022-29162, CVE-2022-27650: no process gets inheritable capabilities that nobody asked for" {
    bundle sh -c 'grep CapInh /proc/self/status; sleep 60'
    create
    ok start "$ID"
    eventually prints CapInh
    equal "$(container_output)" $'CapInh:\t0000000000000000' 'of process 1'
    need_exec
    runtime exec "$ID" grep CapInh /proc/self/status
    expect_output $'CapInh:\t0000000000000000'
    runtime exec --cap CAP_NET_RAW "$ID" grep CapInh /proc/self/status
    expect_output $'CapInh:\t0000000000000000'
}

@test "CVE-2026-30892: exec --user with a number alone is that user, not root" {
    need_exec
    bundle sleep 60
    create
    ok start "$ID"
    ok exec --user 1000 "$ID" id -u
    expect_output 1000
    ok exec --user 1000:2000 "$ID" sh -c 'id -u; id -g'
    expect_output $'1000\n2000'
    local user
    for user in 1x 1000: -1 4294967296 '1000:x' 'root' ''; do
        runtime exec --user "$user" "$ID" id -u
        ((status != 0)) || [[ $output == 0 && ($user == root || $user == '') ]] || [[ $output != 0 ]] ||
            fail "--user '$user' became root"
    done
}

@test "CVE-2023-25809: the cgroups of a user namespace are read-only where they are to be" {
    bundle sh -c 'mkdir /sys/fs/cgroup/*/made /sys/fs/cgroup/made; for f in /sys/fs/cgroup/cgroup.procs \
        /sys/fs/cgroup/*/cgroup.procs; do echo 1 >"$f" && echo "$f could be written to"; done; true'
    edit '.linux.namespaces += [{type: "user"}]
        | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] | .linux.gidMappings = .linux.uidMappings
        | del(.linux.resources)'
    chown -R 100000:100000 "$BUNDLE/rootfs"
    chmod 755 "$TEST_DIR"
    run_container
    expect_success
    [[ $output != *'could be written to'* ]] || fail "a cgroup of the host is writable"
    [[ -z $(find /sys/fs/cgroup -type d -name made) ]] || fail "a cgroup was made"
}

@test "CVE-2021-43784: long mappings and paths are refused or kept whole" {
    bundle true
    # More than 65535 bytes of text, which 16 bits do not count.
    edit '.linux.namespaces += [{type: "user"}]
        | .linux.uidMappings = [range(6000) | {containerID: ., hostID: (100000 + .), size: 1}]
        | .linux.gidMappings = [{containerID: 0, hostID: 100000, size: 65536}]'
    create_container
    expect_refusal 'uidMappings|[mM]ap|numerical argument|invalid argument'
    local length
    for length in 4096 65530 65540 131072; do
        bundle true
        edit '(.linux.namespaces[] | select(.type == "network")).path = "/" + ("n" * $length)' --argjson length "$length"
        create_container
        expect_refusal 'name too long|no such file|namespace'
    done
}
