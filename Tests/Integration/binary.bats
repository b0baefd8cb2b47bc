# What the executable itself promises: small, static, position independent, nothing of Foundation in it.

load helpers

setup() {
    [[ -x $RUNTIME ]] || skip "no runtime at $RUNTIME: build it with Hack/build"
    need_swiftlet
    need_command readelf
}

teardown() { clean_up; }

@test "at most 8 MiB without symbols" {
    local size
    size=$(stat --dereference --format %s "$RUNTIME")
    ((size <= 8 * 1024 * 1024)) || fail "$RUNTIME has $size bytes"
}

@test "static: no interpreter, no shared libraries" {
    output=$(readelf --wide --program-headers "$RUNTIME")
    [[ $output != *INTERP* ]] || fail "it names an interpreter"
    output=$(readelf --wide --dynamic "$RUNTIME")
    [[ $output != *'(NEEDED)'* ]] || fail "it needs shared libraries"
    [[ $output != *PATH* ]] || fail "it has a search path for libraries"
}

@test "position independent, with nothing both writable and executable" {
    output=$(readelf --wide --file-header "$RUNTIME")
    matches "$output" 'Type: *DYN' 'type of the file'
    output=$(readelf --wide --program-headers "$RUNTIME")
    [[ ! $output =~ \ RWE\  ]] || fail "a segment is writable and executable"
    matches "$output" 'GNU_RELRO' 'program headers'
    [[ $output =~ GNU_STACK[^$'\n']*\ RW\  ]] || fail "the stack is executable"
}

@test "no Foundation, ICU, Dispatch or concurrency runtime inside" {
    [[ -e $UNSTRIPPED ]] || skip "no executable with symbols at $UNSTRIPPED"
    nm "$UNSTRIPPED" >"$BATS_TEST_TMPDIR/symbols"
    local count name
    count=$(wc -l <"$BATS_TEST_TMPDIR/symbols")
    ((count > 1000)) || fail "only $count symbols: is this the executable with symbols?"
    for name in 10Foundation CFStringCreate ucnv_ udat_ dispatch_async swift_task_create swift_job_run; do
        ! grep -q "$name" "$BATS_TEST_TMPDIR/symbols" || fail "it has $(grep -c "$name" "$BATS_TEST_TMPDIR/symbols") symbols of $name"
    done
}

@test "nothing is loaded and no thread is started" {
    need_command strace
    strace -f -o "$BATS_TEST_TMPDIR/trace" "$RUNTIME" --version >/dev/null
    ! grep -E '^[0-9]+ +(clone3?|fork|vfork)\(' "$BATS_TEST_TMPDIR/trace" || fail "it starts threads or processes"
    ! grep -E '^[0-9]+ +open(at)?\(.*\.so' "$BATS_TEST_TMPDIR/trace" || fail "it loads libraries"
}

# One and a half times what crun needs for it, which is 4.5 MiB; Hack/bench peak measures both.
@test "at most 6.75 MiB resident while an engine's container is made, its filter compiled or kept" {
    local profile=/usr/share/containers/seccomp.json round filters=/run/swiftlet-filters
    [[ $(type -P time) ]] || skip "time(1) is not installed"
    [[ -e $profile ]] || skip "no $profile: it belongs to Debian's golang-github-containers-common"
    prepare
    bundle true
    python3 "$repository/Tests/Benchmarks/engine_config.py" "$BUNDLE" "$profile"
    # Twice with a profile that nobody has used: what it allows is unknown to other containers' profiles.
    edit '.linux.seccomp.syscalls += [{names: ["getpid"], action: "SCMP_ACT_ERRNO",
        args: [{index: 5, value: $value, op: "SCMP_CMP_EQ"}]}]' --argjson value "$(date +%s%N)"
    for round in compiled kept; do
        [[ -d $filters ]] || [[ $round == compiled ]] || fail "nothing is kept in $filters"
        command time --quiet --format %M --output "$TEST_DIR/peak" "$RUNTIME" --root "$ROOT" run --bundle "$BUNDLE" \
            "$ID" </dev/null >"$TEST_DIR/out" 2>&1 3>&- || fail "run failed: $(cat "$TEST_DIR/out")"
        (($(<"$TEST_DIR/peak") <= 6912)) || fail "$round: $(<"$TEST_DIR/peak") KiB"
    done
}

@test "the manual pages of Specs/man are those that the program prints" {
    local page command
    [[ -e $repository/Specs/man/swiftlet.8 ]] || fail "no manual pages: Hack/golden man writes them"
    for page in "$repository"/Specs/man/swiftlet*.8; do
        command=$(basename "$page" .8)
        # A program of its own, whose page its unit tests compare.
        [[ $command != swiftlet-vaccel ]] || continue
        command=${command#swiftlet} command=${command#-}
        # shellcheck disable=SC2086 # no command is the program itself
        "$RUNTIME" man $command | diff "$page" - >"$BATS_TEST_TMPDIR/difference" ||
            fail "$page is out of date: run Hack/golden man"$'\n'"$(head -n 20 "$BATS_TEST_TMPDIR/difference")"
    done
    for command in $("$RUNTIME" --help | sed -n '/^COMMANDS:/,/^$/s/^   \([a-z][a-z-]*\) .*/\1/p'); do
        [[ -e $repository/Specs/man/swiftlet-$command.8 ]] || fail "no manual page of $command: run Hack/golden man"
    done
}

@test "completions are scripts that their shells can read" {
    "$RUNTIME" completion bash >"$BATS_TEST_TMPDIR/completion.bash"
    bash -n "$BATS_TEST_TMPDIR/completion.bash"
    output=$(bash -c 'source "$1"; COMP_WORDS=(swiftlet cre) COMP_CWORD=1; _swiftlet; echo "${COMPREPLY[*]}"' bash \
        "$BATS_TEST_TMPDIR/completion.bash")
    expect_output create
    [[ $("$RUNTIME" completion zsh) == '#compdef swiftlet'* ]] || fail "no completion for zsh"
    [[ $("$RUNTIME" completion fish) == *'complete '*swiftlet* ]] || fail "no completion for fish"
    ! command -v zsh >/dev/null || zsh -n <("$RUNTIME" completion zsh)
    ! command -v fish >/dev/null || fish --no-execute <("$RUNTIME" completion fish)
}
