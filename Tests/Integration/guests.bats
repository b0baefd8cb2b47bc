# What a guest gets from its container - command line, memory, clock, console - and how a guest is recognised.

load helpers

setup() {
    prepare
    need_guests spt
}

# Runs a guest and expects success.
run_guest() { # hvt|spt GUEST ARGS...
    guest_bundle "$@"
    run_container
    expect_success
}

# Runs the guest `arguments` with the words and expects the line they become.
expect_command_line() { # hvt|spt LINE WORDS...
    local kind=$1 line=$2
    shift 2
    run_guest "$kind" arguments "$@"
    expect_output "[$line]"$'\n'"length $(printf %s "$line" | wc -c)"
}

hello() { # hvt|spt
    run_guest "$1" hello Hello World
    expect_output $'Hello from swiftlet guest\ncommand line: Hello World'
}

command_lines() { # hvt|spt
    expect_command_line "$1" ''
    expect_command_line "$1" 'one two' one two
    expect_command_line "$1" 'a b  c  "q" it'\''s \n $HOME *' a 'b  c' '' '"q"' "it's" '\n' '$HOME' '*'
    expect_command_line "$1" $'tab\there ü 日本' $'tab\there' ü 日本
    expect_command_line "$1" '--mem=4 -- --help' --mem=4 -- --help
    expect_command_line "$1" '{"cmdline":"a \"b\"","net":{"if":"ukvmif0"}}' '{"cmdline":"a \"b\"","net":{"if":"ukvmif0"}}'
}

long_command_lines() { # hvt|spt
    local longest
    longest=$(printf 'x%.0s' {1..8191})
    run_guest "$1" arguments "$longest"
    expect_output "[$longest]"$'\nlength 8191'
    guest_bundle "$1" arguments "${longest}x"
    run_container
    expect_refusal '8192 bytes.*at most 8191'
    # The spaces between words count.
    guest_bundle "$1" arguments "${longest:1}" x
    run_container
    expect_refusal '8192 bytes.*at most 8191'
}

clock() { # hvt|spt
    run_guest "$1" clock
    expect_contains 'clocks are good'
    # The guest's wall clock is the host's, in nanoseconds since 1970.
    local wall now
    wall=$(sed -n 's/^wall //p' <<<"$output") now=$(date +%s%N)
    ((now - wall >= 0 && now - wall < 60000000000)) || fail "the wall clock is off: $wall, not $now"
}

# The memory that the guest `memory` saw and wrote to.
memory_size() { sed -n 's/^memory size \([0-9]*\),.*/\1/p' <<<"$output"; }

memory() { # hvt|spt
    local limit size
    for limit in 16777216 33554432 134217728; do
        guest_bundle "$1" memory
        edit ".linux.resources.memory.limit = $limit"
        run_container
        expect_success
        size=$(memory_size)
        # The rest of the limit is the monitor's own.
        ((size <= limit && size >= limit - 8388608)) || fail "limit $limit gave a guest of $size bytes"
    done
    guest_bundle "$1" hello
    edit 'del(.linux.resources)'
    run_container
    expect_success
}

output_is_whole() { # hvt|spt
    guest_bundle "$1" output
    "$RUNTIME" --root "$ROOT" run --bundle "$BUNDLE" "$ID" 2>"$TEST_DIR/err" </dev/null 3>&- | cat >"$TEST_DIR/out"
    equal "$(tail -n 1 "$TEST_DIR/out" | cut -d ' ' -f 1-3)" 'bytes 1048576 checksum' 'last line'
    local checksum
    checksum=$(python3 - "$TEST_DIR/out" <<'PYTHON'
import sys

checksum = 2166136261
for byte in open(sys.argv[1], 'rb').read()[:1048576]:
    checksum = (checksum ^ byte) * 16777619 & 0xffffffff
print(hex(checksum))
PYTHON
    )
    equal "$(tail -n 1 "$TEST_DIR/out")" "bytes 1048576 checksum $checksum" 'last line'
}

# The same through a pipe whose reader is slower than the guest.
slow_reader() { # hvt|spt
    guest_bundle "$1" output
    "$RUNTIME" --root "$ROOT" run --bundle "$BUNDLE" "$ID" 2>/dev/null </dev/null 3>&- | {
        sleep 0.5
        wc -c
    } >"$TEST_DIR/count"
    ((10#$(<"$TEST_DIR/count") > 1048576)) || fail "only $(<"$TEST_DIR/count") bytes came"
}

missing_devices() { # hvt|spt
    guest_bundle "$1" blockdev
    run_container
    expect_refusal "block device 'disk': it is declared but not attached"
}

@test "hello: spt" { hello spt; }
@test "hello: hvt" {
    need_kvm
    hello hvt
}

@test "the command line reaches the guest byte for byte: spt" { command_lines spt; }
@test "the command line reaches the guest byte for byte: hvt" {
    need_kvm
    command_lines hvt
}

@test "a command line of 8191 bytes is the longest: spt" { long_command_lines spt; }
@test "a command line of 8191 bytes is the longest: hvt" {
    need_kvm
    long_command_lines hvt
}

@test "clocks: spt" { clock spt; }
@test "clocks: hvt" {
    need_kvm
    clock hvt
}

@test "the guest's memory follows the container's limit: spt" { memory spt; }
@test "the guest's memory follows the container's limit: hvt" {
    need_kvm
    memory hvt
}

@test "a limit that is too small for the guest is refused" {
    guest_bundle spt hello
    edit '.linux.resources.memory.limit = 1048576'
    run_container
    expect_refusal '[Mm]emory|MiB'
}

@test "1 MiB of output arrives whole through a pipe: spt" { output_is_whole spt; }
# Takes half a minute where KVM itself is emulated.
@test "1 MiB of output arrives whole through a pipe: hvt" {
    need_kvm
    output_is_whole hvt
}

@test "output to a slow reader arrives whole: spt" { slow_reader spt; }
@test "a declared device that is not attached is named: spt" { missing_devices spt; }
@test "a declared device that is not attached is named: hvt" { missing_devices hvt; }

@test "pointers out of guest memory: spt" {
    local kind
    for kind in '' straddle huge; do
        guest_bundle spt badpointer $kind
        run_container
        equal "$status" 14 "status of badpointer $kind"
    done
}

@test "pointers out of guest memory: hvt" {
    need_kvm
    local kind
    for kind in '' straddle huge argument halt; do
        guest_bundle hvt badpointer $kind
        run_container
        equal "$status" 255 "status of badpointer $kind"
        [[ $output != *survived* ]] || fail "the guest survived $kind"
        [[ $stderr ]] || fail "no message about $kind"
    done
}

@test "what is no hypercall ends the guest: hvt" {
    need_kvm
    local kind
    for kind in reserved unknown device port byte input; do
        guest_bundle hvt badhypercall $kind
        run_container
        equal "$status" 255 "status of badhypercall $kind"
        [[ $output != *survived* ]] || fail "the guest survived $kind"
        [[ $stderr ]] || fail "no message about $kind"
    done
}

@test "standard input may be closed or /dev/null" {
    guest_bundle spt hello
    status=0
    "$RUNTIME" --root "$ROOT" run --bundle "$BUNDLE" "$ID" >"$TEST_DIR/out" 2>&1 <&- 3>&- || status=$?
    output=$(<"$TEST_DIR/out")
    expect_success
    expect_contains 'Hello from swiftlet guest'
}

@test "standard output may be closed" {
    guest_bundle spt exit 5
    status=0
    "$RUNTIME" --root "$ROOT" run --bundle "$BUNDLE" "$ID" >&- 2>"$TEST_DIR/err" </dev/null 3>&- || status=$?
    expect_status 5
}

# --- recognition

# A bundle whose arguments say nothing of the guest in /images/guest.
marked_bundle() { # ARGS...
    guest_bundle spt hello
    mkdir "$BUNDLE/rootfs/images"
    mv "$BUNDLE/rootfs/unikernel" "$BUNDLE/rootfs/images/guest"
    edit '.process.args = $words' --argjson words "$(jq --null-input '$ARGS.positional' --args -- "$@")"
}

expect_hello() { # COMMAND_LINE
    run_container
    expect_success
    expect_output $'Hello from swiftlet guest\ncommand line: '"$1"
}

encoded() { printf %s "$1" | base64 -w 0; }

@test "a guest is recognised by its own notes" {
    guest_bundle spt hello one
    expect_hello one
    # By name through PATH, and relative to the working directory.
    guest_bundle spt hello one
    edit '.process.args = ["unikernel", "one"] | .process.env = ["PATH=/bin:/"]'
    expect_hello one
    guest_bundle spt hello one
    mkdir "$BUNDLE/rootfs/images"
    edit '.process.args = ["../unikernel", "one"] | .process.cwd = "/images"'
    expect_hello one
}

@test "a guest is recognised by annotations, plain" {
    marked_bundle /images/guest one two
    edit '.annotations = {"com.urunc.unikernel.binary": "/images/guest",
        "com.urunc.unikernel.unikernelType": "mirage", "com.urunc.unikernel.hypervisor": "spt"}'
    expect_hello 'one two'
    marked_bundle ignored
    edit '.annotations = {"com.urunc.unikernel.binary": "/images/guest", "com.urunc.unikernel.cmdline": "from annotation",
        "com.urunc.unikernel.unikernelType": "rumprun", "com.urunc.unikernel.hypervisor": "spt"}'
    expect_hello '{"cmdline":"from annotation"}'
}

@test "a guest is recognised by annotations, base64" {
    marked_bundle ignored
    edit '.annotations = {"com.urunc.unikernel.binary": $binary, "com.urunc.unikernel.cmdline": $line,
        "com.urunc.unikernel.unikernelType": $type, "com.urunc.unikernel.hypervisor": $monitor}' \
        --arg binary "$(encoded /images/guest)" --arg line "$(encoded 'from base64')" \
        --arg type "$(encoded mirage)" --arg monitor "$(encoded spt)"
    expect_hello 'from base64'
}

@test "a guest is recognised by swiftlet's own annotations" {
    marked_bundle ignored
    edit '.annotations = {"org.swiftlet.unikernel.binary": "/images/guest", "org.swiftlet.unikernel.cmdline": "own"}'
    expect_hello own
}

@test "a guest is recognised by /urunc.json" {
    marked_bundle ignored
    jq --null-input '{"com.urunc.unikernel.binary": $binary, "com.urunc.unikernel.cmdline": $line,
        "com.urunc.unikernel.unikernelType": $type, "com.urunc.unikernel.hypervisor": $monitor}' \
        --arg binary "$(encoded /images/guest)" --arg line "$(encoded 'from the file')" \
        --arg type "$(encoded mirage)" --arg monitor "$(encoded spt)" >"$BUNDLE/rootfs/urunc.json"
    expect_hello 'from the file'
}

@test "a guest is recognised by the environment" {
    marked_bundle ignored one two
    edit '.process.env = ["SWIFTLET_UNIKERNEL=/images/guest"]'
    run_container
    expect_success
    expect_contains 'Hello from swiftlet guest'
}

@test "a guest is recognised by kraft's layout" {
    marked_bundle -c /nginx.conf
    mkdir -p "$BUNDLE/rootfs/unikraft/bin"
    mv "$BUNDLE/rootfs/images/guest" "$BUNDLE/rootfs/unikraft/bin/kernel"
    expect_hello '-c /nginx.conf'
    # An initial RAM disk is more than the tender can give.
    marked_bundle -c /nginx.conf
    mkdir -p "$BUNDLE/rootfs/unikraft/bin"
    mv "$BUNDLE/rootfs/images/guest" "$BUNDLE/rootfs/unikraft/bin/kernel"
    echo 070701 >"$BUNDLE/rootfs/unikraft/bin/initrd"
    run_container
    expect_refusal 'initial RAM disk'
}

@test "a guest is recognised by the vm object" {
    marked_bundle ignored
    edit '.vm = {kernel: {path: "/images/guest", parameters: ["quiet", "a=b"]}}'
    expect_hello 'quiet a=b'
    marked_bundle ignored
    edit '.vm = {kernel: {path: "/nosuch"}}'
    run_container
    expect_refusal 'nosuch'
    marked_bundle ignored
    edit '.vm = {kernel: {path: "/images/guest"}} | .annotations = {"com.urunc.unikernel.binary": "/images/other"}'
    run_container
    expect_refusal '/vm/kernel/path.*com.urunc.unikernel.binary'
}

@test "the operator allows what names files of the host" {
    bundle true
    edit '.annotations = {"org.swiftlet.unikernel.host-kernel": $kernel}' --arg kernel "$GUESTS/hello.spt"
    run_container
    expect_refusal 'org.swiftlet.unikernel.host-kernel is not allowed'
    local configuration=$TEST_DIR/config.toml
    printf '[annotations]\nallow = ["org.swiftlet.unikernel.host-kernel"]\n' >"$configuration"
    ok --host-config "$configuration" run --bundle "$BUNDLE" "$ID"
    expect_contains 'Hello from swiftlet guest'
    # Only root's own word counts.
    chmod 0666 "$configuration"
    refused 'others than root may write to it' --host-config "$configuration" run --bundle "$BUNDLE" "$ID"
    chmod 0644 "$configuration"
    echo 'nosuch = 1' >>"$configuration"
    refused "$configuration:3: unknown key" --host-config "$configuration" run --bundle "$BUNDLE" "$ID"
    printf '[monitors.spt]\nenabled = false\n' >"$configuration"
    guest_bundle spt hello
    refused "monitor spt is switched off in $configuration" --host-config "$configuration" run --bundle "$BUNDLE" "$ID"
    # An ordinary container does without.
    bundle true
    ok --host-config /nosuch run --bundle "$BUNDLE" "$ID"
}

@test "sidecars of a pod stay ordinary containers" {
    local annotations
    for annotations in '{"com.urunc.unikernel.binary": "/guest", "com.urunc.unikernel.hypervisor": "spt"}' \
        '{"org.unikraft.kernel.version": "0.17.0"}' '{"com.urunc.unikernel.bootKernel": "/boot/vmlinuz"}' \
        '{"org.swiftlet.unikernel.initrd": "/initrd"}'; do
        bundle echo sidecar
        edit '.annotations = $annotations + {"io.kubernetes.cri.container-type": "container",
            "io.kubernetes.cri.sandbox-id": "1"}' --argjson annotations "$annotations"
        run_container
        expect_success
        expect_output sidecar
    done
}

@test "what is said to be a guest and is none is refused" {
    bundle true
    edit '.annotations = {"com.urunc.unikernel.binary": "/bin/busybox", "com.urunc.unikernel.unikernelType": "mirage",
        "com.urunc.unikernel.hypervisor": "spt"}'
    run_container
    expect_refusal busybox
    bundle true
    edit '.annotations = {"com.urunc.unikernel.binary": "/nosuch"}'
    run_container
    expect_refusal nosuch
    marked_bundle ignored
    edit '.annotations = {"com.urunc.unikernel.binary": "/images/guest", "com.urunc.unikernel.hypervisor": "qemu"}'
    run_container
    expect_refusal qemu
    marked_bundle ignored
    edit '.annotations = {"com.urunc.unikernel.binary": "/images/guest", "com.urunc.unikernel.unikernelType": "nosuchkind"}'
    run_container
    expect_refusal nosuchkind
    # A guest for one monitor is not given to another one.
    marked_bundle ignored
    edit '.annotations = {"com.urunc.unikernel.binary": "/images/guest", "com.urunc.unikernel.hypervisor": "hvt"}'
    run_container
    expect_refusal 'hvt'
}

@test "the sandbox of a pod stays an ordinary container" {
    bundle echo pause
    edit '.annotations = {"io.kubernetes.cri.container-type": "sandbox", "com.urunc.unikernel.binary": "/images/guest",
        "com.urunc.unikernel.unikernelType": "mirage", "com.urunc.unikernel.hypervisor": "spt"}'
    run_container
    expect_success
    expect_output pause
}

@test "an image on a symbolic link stays inside the root filesystem" {
    marked_bundle ignored
    ln -s "$GUESTS/hello.spt" "$BUNDLE/rootfs/link"
    edit '.annotations = {"com.urunc.unikernel.binary": "/link"}'
    run_container
    expect_refusal link
    marked_bundle ignored
    ln -s /images/guest "$BUNDLE/rootfs/link"
    edit '.annotations = {"com.urunc.unikernel.binary": "/link", "com.urunc.unikernel.cmdline": "linked"}'
    expect_hello linked
}

@test "several guests at once" {
    local number pids=()
    for number in 1 2 3 4 5 6 7 8; do
        guest_bundle spt sleep 300
        "$RUNTIME" --root "$ROOT" run --bundle "$BUNDLE" "$ID" >"$TEST_DIR/$ID.out" 2>&1 </dev/null 3>&- &
        pids+=($!)
    done
    for number in "${pids[@]}"; do
        status=0
        wait "$number" || status=$?
        equal "$status" 0 status
    done
    equal "$(cat "$TEST_DIR"/*.out | grep -c awake)" 8 'guests that came to their end'
}

@test "a hook that would run inside a guest's container is refused" {
    need_guests spt
    guest_bundle spt hello
    edit '.hooks.startContainer = [{path: "/bin/true"}]'
    refused '/hooks/startContainer' create --bundle "$BUNDLE" "$ID"
}
