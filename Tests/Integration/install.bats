# How swiftlet gets onto a machine: into the configuration of engines (`install-engine`).

load helpers

setup() {
    prepare
    need_swiftlet
    FILE=$TEST_DIR/engine.conf
}

teardown() { clean_up; }

# Expects that a file has the same content as another.
same() { cmp "$1" "$2" || fail "$1 differs from $2"; }

@test "install-engine changes a file in place, keeps owner and mode, and takes it back" {
    printf '{\n  "debug": true\n}' >"$FILE"
    chmod 640 "$FILE"
    chown 1234:2345 "$FILE"
    cp "$FILE" "$TEST_DIR/original"
    ln -s engine.conf "$TEST_DIR/link"
    ok install-engine docker --config "$TEST_DIR/link" --runtime-path /bin/true
    expect_contains '+  "runtimes": {"swiftlet": {"path": "/bin/true"}}'
    expect_contains 'systemctl reload docker'
    equal "$(jq --compact-output . "$FILE")" '{"debug":true,"runtimes":{"swiftlet":{"path":"/bin/true"}}}' configuration
    equal "$(stat --format '%a %u %g' "$FILE" "$FILE.before-swiftlet" | uniq)" '640 1234 2345' 'mode and owner'
    same "$FILE.before-swiftlet" "$TEST_DIR/original"
    [[ -L $TEST_DIR/link ]] || fail 'the link is gone'
    # What it says is a patch.
    need_command patch
    (cd / && patch --output - "$TEST_DIR/original" <<<"$output" | cmp - "$FILE") || fail "no patch: $output"
    ok install-engine docker --config "$FILE" --runtime-path /bin/true
    expect_output "$FILE: nothing to change"
    ok install-engine docker --config "$FILE" --undo
    same "$FILE" "$TEST_DIR/original"
    equal "$(stat --format '%a %u %g' "$FILE")" '640 1234 2345' 'mode and owner'
    equal "$(ls "$TEST_DIR"/engine.conf*)" "$FILE" files
    ok install-engine docker --config "$FILE" --undo
    expect_output "$FILE: nothing to change"
}

@test "install-engine makes a file where there is none, and removes it again" {
    local engine
    for engine in containerd cri podman docker; do
        ok install-engine "$engine" --config "$TEST_DIR/deep/er/file" --default --dry-run
        expect_contains "--- /dev/null"
        [[ ! -e $TEST_DIR/deep ]] || fail '--dry-run made something'
        ok install-engine "$engine" --config "$TEST_DIR/deep/er/file" --default
        [[ $(stat --format %a "$TEST_DIR/deep/er/file") == 644 ]] || fail 'mode'
        ok install-engine "$engine" --config "$TEST_DIR/deep/er/file" --undo --dry-run
        [[ -e $TEST_DIR/deep/er/file ]] || fail '--dry-run removed the file'
        ok install-engine "$engine" --config "$TEST_DIR/deep/er/file" --undo
        rmdir "$TEST_DIR/deep/er" "$TEST_DIR/deep"
    done
}

@test "install-engine leaves changes of others when it is taken back" {
    printf 'version = 2\n' >"$FILE"
    ok install-engine cri --config "$FILE"
    sed -i '1i # by somebody' "$FILE"
    ok install-engine cri --config "$FILE" --undo
    equal "$(<"$FILE")" $'# by somebody\nversion = 2' configuration
    same "$FILE.before-swiftlet" <(echo 'version = 2')
}

@test "install-engine leaves alone what it does not understand" {
    printf 'version = 2\n[plugins\n' >"$FILE"
    cp "$FILE" "$TEST_DIR/original"
    refused "$FILE:2: expected \"\\]\"" install-engine cri --config "$FILE"
    same "$FILE" "$TEST_DIR/original"
    [[ ! -e $FILE.before-swiftlet ]] || fail 'a back-up without a change'
    refused "cannot execute the runtime '/nosuch'" install-engine cri --config "$FILE" --runtime-path /nosuch
    refused 'is no regular file' install-engine cri --config "$TEST_DIR"
    runtime install-engine crio
    expect_status 1
    expect_error 'invalid engine: crio \(must be containerd, podman, docker or cri\)'
}

@test "containerd takes the configuration that install-engine makes" {
    need_command containerd
    containerd config default >"$FILE"
    ok install-engine cri --config "$FILE" --default
    runtime_table() { sed -n '/containerd.runtimes.swiftlet\]/,/containerd.untrusted/p' <<<"$output"; }
    run containerd --config "$FILE" config dump
    equal "$status" 0 status
    matches "$output" 'default_runtime_name = "swiftlet"' default
    matches "$(runtime_table)" 'pod_annotations = \["org\.swiftlet\.\*", "com\.urunc\.unikernel\.\*"' annotations
    matches "$(runtime_table)" "BinaryName = \"$(readlink -f "$RUNTIME")\"" program
    rm "$FILE"
    ok install-engine cri --config "$FILE"
    run containerd --config "$FILE" config dump
    equal "$status" 0 status
    matches "$output" 'containerd\.runtimes\.runc\]' 'the usual handler'
    matches "$(runtime_table)" "BinaryName = \"$(readlink -f "$RUNTIME")\"" program
}

@test "podman takes the configuration that install-engine makes" {
    need_command podman
    mkdir -p "$TEST_DIR/etc"
    cp -r /etc/containers/. "$TEST_DIR/etc"
    run unshare --mount sh -euc '
        mount --bind "$2" /etc/containers
        "$1" install-engine podman --default >"$2/said"
        podman --root "$2/root" --runroot "$2/run" --storage-driver vfs info --format "{{.Host.OCIRuntime.Path}}"' \
        sh "$RUNTIME" "$TEST_DIR/etc"
    equal "$status" 0 "status, with $output,"
    equal "$output" "$(readlink -f "$RUNTIME")" program
    [[ $(<"$TEST_DIR/etc/said") != *"the engine reads it"* ]] || fail 'podman needs no restart'
}
