#!/usr/bin/env bats
# Firecracker and Cloud Hypervisor as the runtime sees them, by a stand-in that speaks their APIs: what they are told, what
# they find in their roots, and what becomes of a container by the ways in which they end. The real ones are in
# firecracker.bats and cloud-hypervisor.bats.

load helpers
load network
load stand-ins

setup() {
    prepare
    need_guests spt
    need_kvm
    monitors=(firecracker cloud-hypervisor)
    local monitor
    for monitor in "${monitors[@]}"; do use_stand_in "$monitor"; done
}

# Runs a guest under a monitor and expects a status.
run_guest() { # MONITOR STATUS WORDS...
    stand_in_bundle "$1" "${@:3}"
    run_container
    equal "$status" "$2" "status of ${*:3} under $1 ($stderr)"
}

@test "Cloud Hypervisor gets its machine in one request, then the word to boot it, with its own filter on" {
    run_guest cloud-hypervisor 0 told 'a "b"'
    equal "$(sed -n '1,/seccomp/p' <<<"$output" | tr '\n' ' ')" \
        '--api-socket path=/run/api --event-monitor path=/run/events --seccomp true '
    equal "$(grep -o '^PUT [^ ]*' <<<"$output" | tr '\n' ' ')" 'PUT /api/v1/vm.create PUT /api/v1/vm.boot '
    local machine
    machine=$(sed -n 's/^PUT .*vm.create //p' <<<"$output")
    equal "$(jq -r .payload.cmdline <<<"$machine")" 'told a "b"'
    equal "$(jq -c '[.serial.mode, .console.mode, .memory.size, .cpus.boot_vcpus]' <<<"$machine")" \
        '["Tty","Off",50331648,1]'
}

@test "a guest under Cloud Hypervisor ends with the status that it writes to its exit port" {
    local number
    for number in 0 1 42 127 255; do run_guest cloud-hypervisor "$number" exit "$number"; done
}

@test "a guest that resets its machine has ended: Cloud Hypervisor would start it anew" {
    run_guest cloud-hypervisor 0 reset
    equal "$output" ''
    run_guest cloud-hypervisor 0 power
    run_guest firecracker 0 reset
}

@test "a monitor that ends by itself ends the container with what its status means" {
    run_guest cloud-hypervisor 1 end 1
    run_guest cloud-hypervisor 101 end 101
    run_guest firecracker 1 end 1
    run_guest firecracker 139 end 150
    run_guest firecracker 159 end 148
}

@test "a guest with a use for it is asked to shut down, and ended when its time is over" {
    local monitor
    for monitor in "${monitors[@]}"; do
        stand_in_bundle "$monitor"
        # The kernel's own words come first.
        edit '.annotations += {"org.swiftlet.unikernel.type": "linux",
            "org.swiftlet.unikernel.cmdline": "stand-in=button"}'
        run_signalled TERM
        equal "$status" 143 "status under $monitor"
        equal "$output" $'waiting\nasked to shut down' "output under $monitor"
        printf '[monitors.%s]\nstop-seconds = 1\n' "$monitor" >"$TEST_DIR/config.toml"
        edit '.annotations."org.swiftlet.unikernel.cmdline" = "stand-in=sleep"'
        HOST_CONFIG=$TEST_DIR/config.toml run_signalled TERM
        equal "$status" 143 "status of a deaf guest under $monitor"
        equal "$output" sleeping
    done
}

@test "disks are opened by their paths, for reading alone where they are to be" {
    local monitor
    for monitor in "${monitors[@]}"; do
        stand_in_bundle "$monitor" disks
        truncate --size 8K "$BUNDLE/rootfs/image"
        truncate --size 4K "$BUNDLE/rootfs/other"
        edit '.root.readonly = false | .annotations += {
            "org.swiftlet.unikernel.block.a": "/image", "org.swiftlet.unikernel.block.b": "/other",
            "org.swiftlet.unikernel.block-read-only.b": "true"}'
        run_container
        expect_success
        expect_output $'disk of 8192 bytes, written\ndisk of 4096 bytes, read only'
        equal "$(od -An -tx1 -N 1 "$BUNDLE/rootfs/image" | tr -d ' ')" 07 "first byte under $monitor"
    done
}

@test "a directory is a disk that can be read, also where a monitor opens disks by their paths" {
    local monitor
    for monitor in "${monitors[@]}"; do
        stand_in_bundle "$monitor" disks
        mkdir "$BUNDLE/rootfs/files"
        echo content >"$BUNDLE/rootfs/files/name"
        edit '.process.user = {uid: 1000, gid: 1000} | .annotations."org.swiftlet.unikernel.block.a" = "/files"'
        create
        ok start "$ID"
        eventually has_status stopped
        # A header, the content and the end of an archive of tar.
        equal "$(container_output)" 'disk of 2048 bytes, read only, begins with name' "output under $monitor"
        equal "$(ls "$BUNDLE/rootfs/files")" name
        ok delete "$ID"
    done
}

@test "taps are opened by their names, and nothing of them stays in a pod's namespace" {
    need_links
    local host pod monitor
    namespace host
    namespace pod
    link "$host" host0 "$pod" eth0 10.0.0.2/24
    at "$pod" ip link show >"$TEST_DIR/before"
    for monitor in "${monitors[@]}"; do
        stand_in_bundle "$monitor" told
        edit '(.linux.namespaces[] | select(.type == "network")).path = $PATH | .process.user = {uid: 1000, gid: 1000}' \
            --arg PATH "/proc/$pod/ns/net"
        run_container
        expect_success
        expect_contains "$(at "$pod" ip -json link show eth0 | jq -r '.[0].address')"
        equal "$(at "$pod" ip link show)" "$(<"$TEST_DIR/before")" "links of the pod after $monitor"
    done
}

# The directory of the container's sockets.
sockets() { jq -r .vsockDirectory "$ROOT/$ID/state.json"; }

@test "the monitors' own vsock devices have their sockets in the container's directory" {
    need_command python3
    local monitor directory
    for monitor in "${monitors[@]}"; do
        stand_in_bundle "$monitor" serve 7
        edit '.process.user = {uid: 1000, gid: 1000} | .annotations."org.swiftlet.unikernel.vsock" = "true"'
        create
        directory=$(sockets)
        ok start "$ID"
        eventually prints serving
        equal "$(ls "$directory")" vsock.sock
        run timeout 30 python3 "$BATS_TEST_DIRNAME/vsock_host.py" whole "$directory/vsock.sock" 7 7
        equal "$status" 0 "a program of the host's under $monitor: $output"
        eventually prints 'served 7 bytes'
        eventually has_status stopped
        ok delete "$ID"
        [[ ! -e $directory ]] || fail "$directory is left"
    done
}

@test "a guest under these monitors reaches its vAccel agent by vsock" {
    need_agent
    local monitor
    agent_configuration noop >"$TEST_DIR/config.toml"
    for monitor in "${monitors[@]}"; do
        stand_in_bundle "$monitor" connect 2048
        edit '.linux.resources.memory.limit = 134217728 | .annotations."org.swiftlet.unikernel.vaccel" = "vsock"'
        HOST_CONFIG=$TEST_DIR/config.toml run_container
        expect_success
        # The agent hangs up on what is not its language.
        equal "$output" 'hung up' "output under $monitor"
    done
}

@test "what these monitors refuse is the error of start, in their own words" {
    local monitor
    printf '[annotations]\nallow = ["/vm/hypervisor/path", "/vm/hypervisor/parameters"]\n' >"$TEST_DIR/config.toml"
    for monitor in "${monitors[@]}"; do
        stand_in_bundle "$monitor" refuse
        run_container
        expect_refusal "monitor $monitor does not start the guest: .*no such machine \\(PUT /"
        edit '.vm = {hypervisor: {path: $PATH, parameters: ["--nosuch"]}, kernel: {path: "/unikernel"}} | del(.annotations)' \
            --arg PATH "$(command -v "$monitor")"
        HOST_CONFIG=$TEST_DIR/config.toml run_container
        expect_refusal "monitor $monitor ended with status [0-9]+ before the guest began: .*nosuch"
    done
}
