#!/usr/bin/env bats
# Guests that boot as on hardware, under Cloud Hypervisor itself, which CLOUD_HYPERVISOR names or PATH has. Debian has no
# package of it, so that these tests skip themselves where nobody has installed it; what needs only its API is in
# api-monitors.bats, by a stand-in.

load helpers
load machines
load network
load stand-ins

setup() {
    prepare
    need_guests spt
    find_real cloud-hypervisor || skip "cloud-hypervisor is not installed"
    need_kvm
}

machine_bundle() { # GUEST ARGS...
    guest_bundle virt "$@"
    edit '.linux.resources.memory.limit = 100663296 | .annotations."org.swiftlet.unikernel.monitor" = "cloud-hypervisor"'
}

@test "a guest under Cloud Hypervisor is told its words, and ends with its status" {
    run_machine 0 hello Hello World
    expect_output $'Hello from swiftlet guest\ncommand line: Hello World'
    run_machine 42 exit 42
    run_machine 127 abort
}

@test "signals end a guest under Cloud Hypervisor with their status; it is paused and goes on" {
    local signal
    for signal in TERM KILL; do
        machine_bundle sleep
        run_signalled "$signal"
        expect_status $((128 + $(kill -l "$signal")))
    done
    start_machine spinning spin
    ok pause "$ID"
    has_status paused
    ok resume "$ID"
    has_status running
    ok delete --force "$ID"
}

@test "a guest under Cloud Hypervisor has the disks that the container speaks of" { has_disks; }

@test "a directory is a disk of a guest under Cloud Hypervisor" { has_directory; }

@test "a guest under Cloud Hypervisor has a network and answers; nothing of it stays in a pod's namespace" { serves_in_pod; }
