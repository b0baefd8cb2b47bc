# Namespaces: inherited, new, joined, and what goes with each.

load helpers

# Runs a shell script in the container and expects success.
inside() { # SCRIPT [JQ_FILTER]
    bundle sh -c "$1"
    edit "${2:-.}"
    run_container
    expect_success
}

@test "a mount namespace that is not listed is the caller's, and left as it was" {
    need_swiftlet # runc leaves the mounts behind
    local filter='.linux.namespaces |= map(select(.type != "mount")) | .linux.maskedPaths = [] | .linux.readonlyPaths = []'
    bundle sh -c 'readlink /proc/self/ns/mnt; ls -d /bin; ls -d /opt 2>/dev/null; sleep 1000'
    edit "$filter"
    # The mounts of this machine stay as they are even if something goes wrong.
    create
    ok start "$ID"
    eventually prints mnt
    eventually prints /bin
    equal "$(container_output)" "$(readlink /proc/self/ns/mnt)"$'\n/bin' 'namespace and root'
    matches "$(cut -d ' ' -f 5 /proc/self/mountinfo)" "$BUNDLE/rootfs/proc" 'mounts of the host'
    ok delete --force "$ID"
    ! grep "$BUNDLE" /proc/self/mountinfo || fail "mounts are left"
    # Nor does a create that fails leave any.
    bundle true
    edit "$filter | .mounts += [{destination: \"/mnt\", type: \"nosuchfs\", source: \"none\"}]"
    run_container
    expect_refusal nosuchfs
    ! grep "$BUNDLE" /proc/self/mountinfo || fail "mounts are left"
    bundle true
    edit '.linux.namespaces |= map(select(.type != "mount"))'
    run_container
    expect_refusal 'unable to restrict sys entries without a private MNT namespace'
}
