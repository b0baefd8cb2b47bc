# How swiftlet gets onto a machine: by Hack/install, as a Debian package, and into the configuration of engines.

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

# Calls Hack/install with the executables under test.
install_into() { # DIRECTORY OPTIONS...
    SWIFTLET_OUT=$(dirname "$RUNTIME") "$repository/Hack/install" --no-build --destdir "$@"
}

# Expects a program with its manual pages and completions below a directory.
expect_installed() { # DIRECTORY PREFIX ZSH_DIRECTORY
    local prefix=$1$2 command
    matches "$("$prefix/bin/swiftlet" --version)" '^swiftlet version [0-9.]+' version
    [[ $(readlink "$prefix/bin/swiftlet-vm") == swiftlet && -x $prefix/bin/swiftlet-vaccel ]] || fail 'programs'
    local page=$prefix/share/man/man8/swiftlet
    for command in $("$RUNTIME" --help | sed -n '/^COMMANDS:/,/^$/s/^   \([a-z-]*\) .*/\1/p'); do
        "$RUNTIME" man "$command" | cmp - <(gzip --decompress --stdout --force "$page-$command.8"*)
    done
    [[ -e $(echo "$page-vaccel.8"*) && -e $(echo "$page.8"*) ]] || fail 'manual pages'
    bash -c 'source "$1" && complete -p swiftlet' sh "$prefix/share/bash-completion/completions/swiftlet"
    cmp "$prefix/share/$3/_swiftlet" <("$RUNTIME" completion zsh)
    cmp "$prefix/share/fish/vendor_completions.d/swiftlet.fish" <("$RUNTIME" completion fish)
}

@test "Hack/install installs, keeps the operator's configuration, and removes" {
    local dest=$TEST_DIR/dest
    install_into "$dest"
    expect_installed "$dest" /usr/local zsh/site-functions
    echo '# mine' >>"$dest/etc/swiftlet/config.toml"
    matches "$(install_into "$dest" | tail -n 1)" "^kept: $dest/etc/swiftlet/config.toml" remark
    equal "$(tail -n 1 "$dest/etc/swiftlet/config.toml")" '# mine' configuration
    install_into "$dest" --uninstall
    equal "$(find "$dest" -not -type d)" "$dest/etc/swiftlet/config.toml" 'what is left'
    sed -i '/^# mine/d' "$dest/etc/swiftlet/config.toml"
    install_into "$dest" --uninstall
    equal "$(find "$dest" -not -type d)" '' 'what is left'
}

@test "the configuration that is installed has every key, commented, and is understood" {
    install_into "$TEST_DIR/dest" --prefix /usr >/dev/null
    local file=$TEST_DIR/dest/etc/swiftlet/config.toml table key rest
    ok --host-config "$file" check
    reports() { matches "$output" "yes  configuration: $file" report; }
    reports
    [[ ! $(grep -vE '^(#.*|\[.*\]|)$' "$file") ]] || fail "keys that are not commented: $(<"$file")"
    # As it is in the table of Specs/configuration.md.
    local count=0
    while IFS='|' read -r _ table key rest; do
        table=$(tr -d ' `[]' <<<"$table") key=$(tr -d ' `' <<<"$key")
        sed -n "/^\[${table/NAME/[a-z0-9-]*}\]/,/^\[/p" "$file" | grep -q "^# $key = " ||
            fail "no key $key in table $table"
        count=$((count + 1))
    done < <(grep -E '^\| `\[' "$repository/Specs/configuration.md")
    ((count > 15)) || fail "Specs/configuration.md has $count keys"
    equal "$(grep -c '^# [a-z-]* = ' "$file")" "$count" 'number of keys'
    sed -i -E 's/^# ([a-z-]+ = )/\1/' "$file"
    ok --host-config "$file" check
    reports
}

@test "the Debian package has no complaints of lintian, and what it holds runs" {
    local command
    for command in dpkg-buildpackage dh lintian; do need_command "$command"; done
    # What dpkg-buildpackage asks for, and dpkg-dev alone does not bring.
    dpkg-query --show build-essential >/dev/null 2>&1 || skip "build-essential is not installed"
    [[ $(readelf --wide --sections "$RUNTIME") != *.symtab* ]] || skip "$RUNTIME has symbols: not a release build"
    local package dest=$TEST_DIR/dest
    package=$(SWIFTLET_OUT=$(dirname "$RUNTIME") "$repository/Hack/package" --no-build --output "$TEST_DIR" |
        tee "$TEST_DIR/said" | tail -n 1) || fail "$(<"$TEST_DIR/said")"
    equal "$(<"$TEST_DIR/said")" "$package" 'what lintian says'
    equal "$(dpkg-deb --field "$package" Package Version Architecture | tr '\n' ' ')" \
        "Package: swiftlet Version: $("$RUNTIME" --version | sed -n 's/^swiftlet version //p') Architecture: amd64 " fields
    mkdir -p "$dest/var/lib/dpkg/"{info,updates}
    touch "$dest/var/lib/dpkg/status"
    dpkg --root "$dest" --force-depends --log "$TEST_DIR/dpkg.log" --install "$package" 2>&1 | tee "$TEST_DIR/dpkg.out"
    expect_installed "$dest" /usr zsh/vendor-completions
    equal "$(dpkg --root "$dest" --status swiftlet | grep -A 1 Conffiles: | cut -d ' ' -f 2 | tail -n 1)" \
        /etc/swiftlet/config.toml 'configuration files'
    dpkg --root "$dest" --log "$TEST_DIR/dpkg.log" --purge swiftlet
    [[ ! -e $dest/usr/bin/swiftlet && ! -e $dest/etc/swiftlet ]] || fail 'something is left'
}
