#!/usr/bin/env bats
# How guests of different frameworks are started under QEMU, by stand-ins for the parts of them that matter here, and by
# images of their own where there are some.
#
# UNIKRAFT_IMAGES   a directory with Unikraft's app-helloworld and app-httpreply for QEMU (multiboot), as their builds call
#                   them: helloworld_qemu-x86_64, httpreply_qemu-x86_64 (with LIBUKNETDEV_EINFO_LIBPARAM)

load helpers
load network

setup() {
    prepare
    need_guests spt
    [[ -e $GUESTS/sector.disk ]] || skip "no boot images in $GUESTS: build them with Hack/build-guests"
    need_command qemu-system-x86_64
}

# A container around an image, with enough memory for QEMU.
image_bundle() { # FILE ARGS...
    local file=$1
    shift
    guest_bundle spt hello "$@"
    cp "$GUESTS/$file" "$BUNDLE/rootfs/unikernel"
    edit '.linux.resources.memory.limit = 134217728'
}

@test "a Hermit application boots by the loader beside it, and both are told apart" {
    image_bundle application.hermit 'a b' "it's"
    cp "$GUESTS/loader.hermit" "$BUNDLE/rootfs/hermit-loader"
    edit '.process.env = ["A=x y"]'
    ok plan --bundle "$BUNDLE"
    [[ $(jq -r .guest.loader <<<"$output") == /hermit-loader ]] || fail "the plan: $output"
    run_container
    expect_status 0
    expect_output "/kernel 'env=A=x y' -- 'a b' 'it'\\''s'"
}

@test "a Hermit loader boots with the application that the container names, and its failure is the container's" {
    image_bundle loader.hermit x
    cp "$GUESTS/application.hermit" "$BUNDLE/rootfs/application"
    edit '.annotations = {"com.urunc.unikernel.unikernelType": "hermit", "com.urunc.unikernel.binary": "/unikernel",
        "com.urunc.unikernel.initrd": "/application"}'
    run_container
    expect_status 0
    expect_output '/kernel -- x'
    echo 'no application' >"$BUNDLE/rootfs/application"
    run_container
    expect_status 1
}

@test "a Hermit application without a loader is refused" {
    image_bundle application.hermit
    run_container
    expect_refusal 'hermit application needs its loader beside it'
}

@test "a disk image boots by its own boot sector, and its status is the container's" {
    image_bundle sector.disk
    edit '.annotations = {"org.swiftlet.unikernel.type": "nanos"}'
    run_container
    expect_status 7
    expect_output 'booted from a disk'
}

# A container around an unmodified image of Unikraft's.
unikraft_bundle() { # NAME
    local image=${UNIKRAFT_IMAGES:-/nonexistent}/$1_qemu-x86_64
    [[ -e $image ]] || skip "no $1_qemu-x86_64: name its directory in UNIKRAFT_IMAGES"
    image_bundle sector.disk
    cp "$image" "$BUNDLE/rootfs/unikernel"
    ok plan --bundle "$BUNDLE"
    equal "$(jq -r '.guest.framework' <<<"$output")" unikraft framework
}

@test "Unikraft's own program says hello and ends" {
    unikraft_bundle helloworld
    run_container
    expect_success
    expect_contains 'Hello world!'
}

@test "Unikraft's own HTTP server has the address of its pod and answers" {
    unikraft_bundle httpreply
    need_links
    local host pod number
    namespace host
    namespace pod
    link "$host" host0 "$pod" eth0 10.0.0.2/24
    at "$host" ip addr add 10.0.0.1/24 dev host0
    edit '(.linux.namespaces[] | select(.type == "network")).path = $PATH | .process.user = {uid: 1000, gid: 1000}' \
        --arg PATH "/proc/$pod/ns/net"
    create
    ok start "$ID"
    PATIENCE=40 eventually prints 'Listening on port 8123' || fail "$(container_output)"
    for number in 1 2 3; do
        matches "$(at "$host" curl --silent --show-error --max-time 20 http://10.0.0.2:8123/)" 'It works!' "answer $number"
    done
    ok kill "$ID" TERM
    eventually has_status stopped
    ok delete "$ID"
}
