# A container cannot change the program that made it.
#
# Process 1 is this program until the container's own program begins, and /proc/PID/exe leads to it.

load helpers

@test "the runtime's own program cannot be overwritten through a container's /proc/PID/exe" {
    need_swiftlet
    cp "$RUNTIME" "$TEST_DIR/runtime"
    RUNTIME=$TEST_DIR/runtime
    before=$(sha256sum <"$RUNTIME")
    bundle sleep 60
    create
    # Opened while it runs, written to once it has ended: the way of CVE-2019-5736.
    exec 8<"/proc/$PID/exe"
    ok delete --force "$ID"
    run --separate-stderr bash -c 'echo broken >/proc/self/fd/8'
    exec 8<&-
    ((status != 0)) || fail "the program could be written to"
    expect_error 'Read-only file system|Operation not permitted|Text file busy'
    [[ $(sha256sum <"$RUNTIME") == "$before" ]] || fail "the program has changed"
}

@test "without pivot_root no procfs without masks is left for a namespace of one's own" {
    bundle sh -c 'unshare -mrpf sh -c "mount -t proc none /proc && echo mounted"'
    edit '.process.capabilities.bounding += ["CAP_SETFCAP"] | .process.capabilities.permitted += ["CAP_SETFCAP"]'
    run_container --no-pivot
    [[ $output$stderr != *mounted* ]] || fail "a whole procfs can be mounted"
    [[ $output$stderr == *'ermission denied'* ]] || fail "something else failed"
}
