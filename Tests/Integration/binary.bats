# What the executable itself promises: small, static, position independent, nothing of Foundation in it.

load helpers

setup() {
    [[ -x $RUNTIME ]] || skip "no runtime at $RUNTIME: build it with Hack/build"
    need_swiftlet
    need_command readelf
}

teardown() { :; }

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
    for name in '10Foundation' 'NSString' 'CFString' 'ucnv_' 'dispatch_async' 'swift_task_create' 'swift_job_run'; do
        ! grep -q "$name" "$BATS_TEST_TMPDIR/symbols" || fail "it has $(grep -c "$name" "$BATS_TEST_TMPDIR/symbols") symbols of $name"
    done
}

@test "nothing is loaded and no thread is started" {
    need_command strace
    strace -f -o "$BATS_TEST_TMPDIR/trace" "$RUNTIME" --version >/dev/null
    ! grep -E '\.so["/.]|clone|ld\.so' "$BATS_TEST_TMPDIR/trace" || fail "it loads libraries or starts threads"
}
