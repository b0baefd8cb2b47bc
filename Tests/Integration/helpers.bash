# What every file of integration tests loads: bundles, calls of the runtime, expectations, and a teardown that
# ends what a test left behind and fails when something is still there after `delete --force`.
#
# RUNTIME     the executable under test, out/swiftlet unless set; tests of ordinary containers also pass with runc
# GUESTS      where Hack/build-guests put the test guests, .build-guests unless set
# UNSTRIPPED  the executable with its symbols, .build/release/swiftlet unless set

bats_require_minimum_version 1.5.0

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
RUNTIME=$(command -v "${RUNTIME:-$repository/out/swiftlet}" || echo "${RUNTIME:-$repository/out/swiftlet}")
GUESTS=${GUESTS:-$repository/.build-guests}
UNSTRIPPED=${UNSTRIPPED:-$repository/.build/release/swiftlet}
# How long one call of the runtime may take before it counts as hanging, in seconds.
LIMIT=${LIMIT:-20}

setup() { prepare; }
teardown() { clean_up; }

# --- before and after each test

prepare() {
    [[ -x $RUNTIME ]] || skip "no runtime at $RUNTIME: build it with Hack/build"
    ((EUID == 0)) || skip "needs root"
    TEST_DIR=$(mktemp -d /tmp/swiftlet-test.XXXXXX)
    # Part of every id, so that nothing of another test can be taken for this one's.
    PREFIX=t${TEST_DIR##*.}
    ROOT=$TEST_DIR/state
    mkdir "$ROOT"
    # In files, because a test may add to them from a subshell.
    : >"$TEST_DIR/ids"
    : >"$TEST_DIR/pids"
    bundles=0
}

clean_up() {
    [[ ${TEST_DIR-} ]] || return 0
    local id
    while read -r id; do
        timeout "$LIMIT" "$RUNTIME" --root "$ROOT" delete --force "$id" </dev/null >"$TEST_DIR/delete.log" 2>&1 3>&- ||
            { cat "$TEST_DIR/delete.log" && echo "delete --force $id failed" && leftover=yes; }
    done <"$TEST_DIR/ids"
    local found
    found=$(leftovers)
    if [[ $found ]]; then
        echo "left behind after delete --force:"
        echo "$found"
        remove_leftovers
    fi
    # The parent that tests of cgroupsPath use; a runtime removes the container's own only.
    rmdir /sys/fs/cgroup/{,*/}swiftlet-tests 2>/dev/null || true
    rm -rf --one-file-system "$TEST_DIR"
    [[ ! $found && ! ${leftover-} ]]
}

# Lists what is still there of this test's containers: processes, mounts, cgroups, state.
leftovers() {
    local deadline=$((SECONDS + 5)) pid start
    # A process that was killed may need a moment until it is gone.
    while
        found_processes=$(
            while read -r pid start; do
                if is_alive "$pid" "$start"; then
                    echo "process $pid: $(cat "/proc/$pid/cmdline" 2>/dev/null | tr '\0' ' ')"
                fi
            done <"$TEST_DIR/pids"
            grep -l "$PREFIX" /proc/[0-9]*/cgroup 2>/dev/null |
                while IFS=/ read -r _ _ pid _; do
                    [[ $(process_state "$pid") == Z ]] || echo "process $pid in a cgroup of the test"
                done
        )
        [[ $found_processes ]] && ((SECONDS < deadline))
    do
        sleep 0.05
    done
    [[ ! $found_processes ]] || echo "$found_processes"
    awk -v directory="$TEST_DIR" 'index($5, directory) { print "mount " $5 }' /proc/self/mountinfo
    find /sys/fs/cgroup -type d -name "*$PREFIX*" -printf 'cgroup %p\n'
    [[ ! -d $ROOT ]] || find "$ROOT" -mindepth 1 -name "*$PREFIX*" -printf 'state %p\n'
}

# Ends what leftovers lists, so that one failed test does not make others fail.
remove_leftovers() {
    local pid start directory mount
    while read -r pid start; do
        ! is_alive "$pid" "$start" || kill -KILL "$pid" || true
    done <"$TEST_DIR/pids"
    find /sys/fs/cgroup -type d -name "*$PREFIX*" -depth | while read -r directory; do
        [[ ! -e $directory/freezer.state ]] || echo THAWED >"$directory/freezer.state"
        while read -r pid; do kill -KILL "$pid" || true; done <"$directory/cgroup.procs"
        sleep 0.05
        rmdir "$directory" || true
    done 2>/dev/null
    awk -v directory="$TEST_DIR" 'index($5, directory) { print $5 }' /proc/self/mountinfo | sort -r |
        while read -r mount; do umount -l "$mount" || true; done
}

# --- processes

# Prints the letter of a process's state; nothing when there is no such process.
process_state() { # PID
    sed -n 's/^State:\t\(.\).*/\1/p' "/proc/$1/status" 2>/dev/null || true
}

# Prints when a process began, in clock ticks since the machine did: with its pid that names it for good.
start_time() { # PID
    sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20
}

is_alive() { # PID [START_TIME]
    # A process that was gone before anybody looked has no time.
    [[ ${2-} && $(start_time "$1") == "$2" && $(process_state "$1") != Z ]]
}

remember_pid() { # PID
    echo "$1 $(start_time "$1")" >>"$TEST_DIR/pids"
}

# Repeats a command until it succeeds, for ten seconds or $PATIENCE.
eventually() { # COMMAND...
    local deadline=$((SECONDS + ${PATIENCE:-10}))
    until "$@"; do
        ((SECONDS < deadline)) || {
            echo "did not happen in ${PATIENCE:-10} seconds: $*"
            return 1
        }
        sleep 0.02
    done
}

# --- what a test may need

need_kvm() {
    # Opening tells, not the file: a container may have the device without the right to use it.
    # In a virtual machine that shows its host's files the file is there and the kernel knows none.
    [[ ! -d /sys/class/misc || -e /sys/class/misc/kvm ]] || skip "the kernel has no KVM: hvt guests need it"
    (: <>/dev/kvm) 2>/dev/null || skip "/dev/kvm cannot be opened: hvt guests need it"
}

is_swiftlet() { [[ $("$RUNTIME" --version 2>/dev/null) == swiftlet\ * ]]; }

# The vAccel agent that was built beside the runtime, as AGENT.
need_agent() {
    AGENT=$(dirname "$RUNTIME")/swiftlet-vaccel
    [[ -x $AGENT ]] || skip "no swiftlet-vaccel beside $RUNTIME"
}

# The classifier of digits and its images, as DIGITS, and a library to run it, in the directory ONNXRUNTIME.
need_digits() {
    DIGITS=$(readlink -f "$BATS_TEST_DIRNAME/../Models/digits")
    ONNXRUNTIME=$(readlink -f "$BATS_TEST_DIRNAME/../..")/.build-python/onnxruntime
    [[ -d $ONNXRUNTIME ]] || skip "no ONNX Runtime: Hack/python fetches it"
}

# The operator's configuration for that agent; of a debug build it reads the libraries of Swift too.
agent_configuration() { # BACKEND [DIRECTORY [MORE_CONFIGURATION]]
    local directories
    directories=$(ldd "$AGENT" | sed -n 's|.* => \(/.*\)/libswiftCore.so .*|"\1", |p')
    [[ ! ${2-} ]] || directories+="\"$2\""
    printf '[vaccel]\nagent = "%s"\nbackends = ["%s"]\ndirectories = [%s]\n%s\n' "$AGENT" "$1" "$directories" "${3-}"
    [[ $1 != onnx ]] || printf 'options = ["--library", "onnx=%s"]\n' "$2"/libonnxruntime.so.*
}

need_swiftlet() {
    is_swiftlet || skip "$(basename "$RUNTIME") runs no unikernels and has no commands of swiftlet's own"
}

need_guests() { # hvt | spt
    need_swiftlet
    [[ -e $GUESTS/hello.spt ]] || skip "no test guests in $GUESTS: build them with Hack/build-guests"
    [[ ${1-} != hvt ]] || need_kvm
}

need_command() { # COMMAND
    command -v "$1" >/dev/null || skip "$1 is not installed"
}

# --- bundles

# Each of the two makes a bundle of its own and sets ID and BUNDLE; `edit` changes its config.json.

new_bundle() {
    bundles=$((bundles + 1))
    ID=$PREFIX-$bundles
    BUNDLE=$TEST_DIR/bundle$bundles
    mkdir -p "$BUNDLE/rootfs"
    echo "$ID" >>"$TEST_DIR/ids"
}

# A busybox with the directories that mounts need.
busybox_rootfs() { # DIRECTORY
    local master=$BATS_RUN_TMPDIR/rootfs
    if [[ ! -d $master ]]; then
        mkdir -p "$master".new/{bin,dev,etc,mnt,proc,root,sys,tmp,usr/bin}
        cp "$(command -v busybox)" "$master.new/bin/busybox"
        # One process for four hundred links.
        "$master.new/bin/busybox" --list |
            perl -e 'while (<STDIN>) { chomp; symlink "busybox", "$ARGV[0]/$_" }' "$master.new/bin"
        echo 'root:x:0:0:root:/root:/bin/sh' >"$master.new/etc/passwd"
        echo 'root:x:0:' >"$master.new/etc/group"
        mv "$master.new" "$master"
    fi
    cp -a "$master/." "$1"
}

# An ordinary container that runs ARGS on a busybox.
bundle() { # ARGS...
    new_bundle
    busybox_rootfs "$BUNDLE/rootfs"
    jq --null-input '{
        ociVersion: "1.0.2",
        process: {
            terminal: false, user: {uid: 0, gid: 0}, args: $ARGS.positional,
            env: ["PATH=/usr/bin:/bin", "HOME=/root"], cwd: "/", noNewPrivileges: true,
            capabilities: (["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"]
                | {bounding: ., effective: ., permitted: .}),
            rlimits: [{type: "RLIMIT_NOFILE", hard: 1024, soft: 1024}]
        },
        root: {path: "rootfs", readonly: false},
        hostname: "testhost",
        mounts: [
            {destination: "/proc", type: "proc", source: "proc"},
            {destination: "/dev", type: "tmpfs", source: "tmpfs",
             options: ["nosuid", "strictatime", "mode=755", "size=65536k"]},
            {destination: "/dev/pts", type: "devpts", source: "devpts",
             options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]},
            {destination: "/dev/shm", type: "tmpfs", source: "shm",
             options: ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]},
            {destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: ["nosuid", "noexec", "nodev"]},
            {destination: "/sys", type: "sysfs", source: "sysfs", options: ["nosuid", "noexec", "nodev", "ro"]},
            {destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup",
             options: ["nosuid", "noexec", "nodev", "relatime", "ro"]}
        ],
        linux: {
            resources: {devices: [{allow: false, access: "rwm"}]},
            namespaces: [{type: "pid"}, {type: "network"}, {type: "ipc"}, {type: "uts"}, {type: "mount"}],
            maskedPaths: ["/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"],
            readonlyPaths: ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]
        }
    }' --args -- "$@" >"$BUNDLE/config.json"
}

# A container around one of the test guests, with nothing else in its root filesystem.
guest_bundle() { # hvt|spt GUEST ARGS...
    local kind=$1 guest=$2
    shift 2
    new_bundle
    cp "$GUESTS/$guest.$kind" "$BUNDLE/rootfs/unikernel"
    jq --null-input '{
        ociVersion: "1.0.2",
        process: {user: {uid: 0, gid: 0}, args: (["/unikernel"] + $ARGS.positional), cwd: "/", noNewPrivileges: true},
        root: {path: "rootfs", readonly: true},
        linux: {namespaces: [{type: "pid"}, {type: "network"}, {type: "ipc"}, {type: "uts"}, {type: "mount"}]}
    }' --args -- "$@" >"$BUNDLE/config.json"
    # Enough for each of the guests; the default is for real ones.
    edit '.linux.resources.memory.limit = 33554432'
}

edit() { # JQ_FILTER [JQ_OPTIONS...]
    local filter=$1
    shift
    jq "$@" "$filter" "$BUNDLE/config.json" >"$BUNDLE/config.json.new"
    mv "$BUNDLE/config.json.new" "$BUNDLE/config.json"
}

# --- calls of the runtime: each sets status, output and stderr

# Calls the runtime with the test's own --root and, where there is one, its $HOST_CONFIG. Errors come as plain text, and as JSON lines in $TEST_DIR/log.
runtime() { # ARGS...
    runtime_into "$TEST_DIR/out" "$TEST_DIR/err" "$@"
}

runtime_into() { # OUTPUT_FILE ERROR_FILE ARGS...
    local out=$1 err=$2
    shift 2
    status=0
    # Not bats' own descriptor 3: a container that kept it would keep bats waiting.
    timeout --kill-after 5 "$LIMIT" "$RUNTIME" --root "$ROOT" ${HOST_CONFIG:+--host-config "$HOST_CONFIG"} \
        --log "$TEST_DIR/log" --log-format json "$@" \
        >"$out" 2>"$err" </dev/null 3>&- || status=$?
    output=$(tr -d '\0' <"$out")
    stderr=$(tr -d '\0' <"$err")
    called="$(basename "$RUNTIME") $*"
}

# Runs the bundle to its end.
run_container() { # OPTIONS...
    runtime run --bundle "$BUNDLE" "$@" "$ID"
}

# Runs the bundle, and sends its container a signal when it runs.
run_signalled() { # SIGNAL
    (
        eventually has_status running
        sleep 0.3
        "$RUNTIME" --root "$ROOT" kill "$ID" "$1" 3>&-
    ) &
    run_container
    wait $!
}

# Runs a shell script in the container and expects success.
inside() { # SCRIPT [JQ_FILTER]
    bundle sh -c "$1"
    edit "${2:-.}"
    run_container
    expect_success
}

# Expects that a container of `true` is refused with a reason.
refuses() { # REGEX JQ_FILTER
    bundle true
    edit "$2"
    run_container
    expect_refusal "$1"
}

# Creates the bundle's container; what it prints goes to $TEST_DIR/ID.out and $TEST_DIR/ID.err. Sets PID.
create_container() { # OPTIONS...
    PID=''
    runtime_into "$TEST_DIR/$ID.out" "$TEST_DIR/$ID.err" create --bundle "$BUNDLE" --pid-file "$TEST_DIR/$ID.pid" \
        "$@" "$ID"
    if [[ -s $TEST_DIR/$ID.pid ]]; then
        PID=$(<"$TEST_DIR/$ID.pid")
        remember_pid "$PID"
    fi
}

# The same, when it has to work.
create() { # OPTIONS...
    create_container "$@"
    expect_success
    [[ $PID ]] || fail "no process id in the pid file"
}

# A call that has to work.
ok() { # ARGS...
    runtime "$@"
    expect_success
}

# A call that has to be refused, with a reason on one line that matches a regular expression.
refused() { # REGEX ARGS...
    local regex=$1
    shift
    runtime "$@"
    expect_refusal "$regex"
}

# What a created container printed so far.
container_output() { tr -d '\0' <"$TEST_DIR/$ID.out"; }

prints() { [[ $(container_output) == *"$1"* ]]; }

status_of() { # ID
    "$RUNTIME" --root "$ROOT" state "$1" 2>/dev/null 3>&- | jq --raw-output .status
}

has_status() { [[ $(status_of "$ID") == "$1" ]]; }

# --- expectations

fail() {
    echo "$*"
    if [[ ${called-} ]]; then
        echo "after: $called"
        echo "status $status"
        echo "standard output: ${output:0:2000}"
        echo "standard error: ${stderr:0:2000}"
    fi
    return 1
}

expect_success() { ((status == 0)) || fail "expected success"; }
expect_status() { ((status == $1)) || fail "expected status $1"; }
expect_output() { [[ $output == "$1" ]] || fail "expected the output: $1"; }
expect_contains() { [[ $output == *"$1"* ]] || fail "expected in the output: $1"; }
expect_error() { [[ $stderr =~ $1 ]] || fail "expected in standard error: $1"; }

expect_refusal() { # REGEX
    ((status != 0)) || fail "expected a refusal that matches: $1" || return
    ((status != 124 && status != 137)) || fail "did not end within $LIMIT seconds" || return
    ((status < 128)) || fail "was ended by signal $((status - 128))" || return
    [[ $stderr =~ $1 ]] || fail "expected an error that matches: $1" || return
    [[ $(wc -l <<<"$stderr") == 1 ]] || fail "expected an error of one line"
}

# Fails unless two words are equal; the third says of what.
equal() { # GOT EXPECTED WHAT
    [[ $1 == "$2" ]] || fail "${3:-value}: expected '$2', got '$1'"
}

# Fails unless the first matches the regular expression.
matches() { # GOT REGEX WHAT
    [[ $1 =~ $2 ]] || fail "${3:-value}: expected something that matches '$2', got '$1'"
}
