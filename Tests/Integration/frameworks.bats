#!/usr/bin/env bats
# How guests of different frameworks are started under QEMU, by stand-ins for the parts of them that matter here.

load helpers

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
