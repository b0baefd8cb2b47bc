# What `check` says of the host and of a bundle.

load helpers

setup() {
    prepare
    need_swiftlet
}

# A line of the report: whether something can be used, its name, and a regular expression for the rest.
reports() { # yes|no NAME REGEX
    grep -qE "^  $1 +$2: .*$3" <<<"$output" || fail "no line '$1 $2: $3' in:"$'\n'"$output"
}

@test "check says what this host can run" {
    ok check
    expect_contains 'containers can run on this host'
    local name
    for name in kernel openat2 pidfd namespaces 'mount API' seccomp cgroups; do reports yes "$name" .; done
    reports yes kernel "Linux $(uname -r)"
    reports yes spt 'part of swiftlet'
    ok check --format json
    equal "$(jq --compact-output '[.containers, all(.host[]; .usable or (.required | not)),
        (.monitors[] | select(.name == "spt") | .usable)]' <<<"$output")" '[true,true,true]' report
}

@test "check names what is missing and ends with 1 when no container can run" {
    run unshare --mount sh -c 'mount -t tmpfs none /sys/fs/cgroup && exec "$@"' sh "$RUNTIME" --root "$ROOT" check
    equal "$status" 1 status
    matches "$output" 'containers cannot run on this host' report
    matches "$output" 'no   cgroups: .*\(no container runs without it\)' report
}

@test "check says why a monitor cannot be used" {
    [[ -c /dev/kvm ]] || skip "needs /dev/kvm"
    run unshare --mount sh -c \
        'mount --bind /dev/kvm /dev/kvm && mount -o remount,bind,nodev /dev/kvm && exec "$@"' sh \
        "$RUNTIME" --root "$ROOT" check
    equal "$status" 0 status
    reports no KVM 'permission denied'
    reports no hvt 'needs KVM: .*permission denied'
    reports yes spt 'part of swiftlet'
}

@test "check asks programs of monitors for their version" {
    local programs=$TEST_DIR/programs
    mkdir "$programs"
    printf '#!/bin/sh\n[ "$1" = --version ] && echo "cloud-hypervisor v41.0" && echo more\n' >"$programs/cloud-hypervisor"
    printf '#!/bin/sh\necho usage >&2; exit 1\n' >"$programs/solo5-spt"
    chmod +x "$programs"/*
    PATH=$programs:$PATH ok check
    reports yes cloud-hypervisor "$programs/cloud-hypervisor: cloud-hypervisor v41\.0$"
    reports yes solo5-spt "$programs/solo5-spt: no version$"
}

@test "check reads the operator's configuration" {
    local configuration=$TEST_DIR/config.toml
    printf '[monitors.spt]\nenabled = false\n' >"$configuration"
    ok --host-config "$configuration" check
    reports yes configuration "$configuration"
    reports no spt "switched off in $configuration"
    reports yes 'virtio sockets' "swiftlet's own device"
    printf '[vsock]\ndevice = "vhost-device-vsock"\nprogram = "/opt/daemon"\n' >"$configuration"
    ok --host-config "$configuration" check
    reports yes 'virtio sockets' /opt/daemon
    echo nonsense >"$configuration"
    ok --host-config "$configuration" check
    reports no configuration "$configuration:1: expected"
}

@test "check says what would be made of a bundle" {
    need_guests spt
    guest_bundle spt hello
    ok check --bundle "$BUNDLE"
    expect_contains 'guest of solo5: /unikernel, found by program'
    expect_contains 'monitor: spt, 28 MiB'
    ok check --bundle "$BUNDLE" --format json
    equal "$(jq --raw-output .bundle.plan.guest.monitor.name <<<"$output")" spt monitor
    guest_bundle spt disks
    runtime check --bundle "$BUNDLE"
    expect_status 1
    reports no 'cannot run /unikernel as a unikernel' "cannot attach block device 'disk'"
    bundle echo hello
    ok check --bundle "$BUNDLE"
    expect_contains 'ordinary container: echo hello'
}
