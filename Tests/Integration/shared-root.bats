#!/usr/bin/env bats
# Guests that have the container's root filesystem and its bind mounts as their own files: Linux by virtio-fs, others by 9P.

load helpers
load machines

setup() {
    prepare
    need_guests spt
    [[ -e $GUESTS/hello.virt ]] || skip "no test guests in $GUESTS: build them with Hack/build-guests"
    need_command qemu-system-x86_64
    LIMIT=60
}

# A Linux guest whose root filesystem is the container's: /program is a script of which this is the text.
root_bundle() { # SCRIPT
    [[ -x /usr/lib/qemu/virtiofsd || -x /usr/libexec/virtiofsd ]] || skip "virtiofsd is not installed"
    linux_bundle
    busybox_rootfs "$BUNDLE/rootfs"
    cp "$GUESTS/exit.linux" "$BUNDLE/rootfs/bin/exit"
    printf '#!/bin/sh\n%s\n/bin/exit 9\n' "$1" >"$BUNDLE/rootfs/program"
    chmod 755 "$BUNDLE/rootfs/program"
    mkdir "$BUNDLE/data"
    echo 'of the host' >"$BUNDLE/data/file"
    edit '.process.args = ["/program", "one two"] | .annotations["com.urunc.unikernel.mountRootfs"] = "true"
        | .root.readonly = false
        | .mounts += [{destination: "/data", type: "bind", source: "data", options: ["rbind", "rw"]}]'
}

@test "a Linux guest has the container's root filesystem and volumes, and writes to them" {
    root_bundle 'echo "argument [$1]"; cat /data/file; echo "of the guest" >/data/new; echo changed >/place; mkdir /made
        ln -s place /link; chown 5:6 /made; sync'
    run_container
    expect_status 9
    expect_contains $'argument [one two]\nof the host'
    equal "$(<"$BUNDLE/data/new")" 'of the guest'
    equal "$(<"$BUNDLE/rootfs/link")" changed
    equal "$(stat -c %u:%g "$BUNDLE/rootfs/made")" 5:6 "the owner outside"
    [[ ! -e $BUNDLE/rootfs/data/new ]] || fail "the volume is not what was written to"
}

@test "a root filesystem and volumes that can only be read are that for a Linux guest" {
    root_bundle 'cat /data/file; for place in /file /data/file /writable/file; do
        echo changed >$place && echo "$place written" || echo "$place refused"; done'
    mkdir "$BUNDLE/writable"
    edit '.root.readonly = true | .mounts[0].options = ["rbind", "ro"]
        | .mounts += [{destination: "/writable", type: "bind", source: "writable", options: ["bind"]}]'
    run_container
    expect_status 9
    local words
    for words in 'of the host' '/file refused' '/data/file refused' '/writable/file written'; do expect_contains "$words"; done
    equal "$(<"$BUNDLE/data/file")" 'of the host'
    equal "$(<"$BUNDLE/writable/file")" changed
}

@test "the plan of a guest with the container's root filesystem says how it has it" {
    root_bundle true
    ok plan --bundle "$BUNDLE"
    equal "$(jq --compact-output '.guest.sharedRoot | [.sharing, .tag, .mounts, .readOnly]' <<<"$output")" \
        '["virtiofs","fs0",["/data"],false]'
    expect_contains 'root=fs0 rootfstype=virtiofs rw'
    edit '.annotations["org.swiftlet.unikernel.root-sharing"] = "9p"'
    ok plan --bundle "$BUNDLE"
    equal "$(jq --compact-output '.guest.sharedRoot | [.sharing, .server]' <<<"$output")" '["9p",null]'
    expect_contains 'root=fs0 rootfstype=9p rootflags=trans=virtio,version=9p2000.L'
}

@test "a Linux guest with the container's root filesystem has the ids of a user namespace" {
    root_bundle 'echo "uid $(id -u)"; touch /data/new; ls -ln /data/new; sync'
    chown -R 100000:100000 "$BUNDLE/data" "$BUNDLE/rootfs"
    chmod 755 "$TEST_DIR" "$BUNDLE" "$BUNDLE/rootfs"
    edit '.linux.namespaces += [{type: "user"}]
        | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] | .linux.gidMappings = .linux.uidMappings'
    run_container
    expect_status 9
    equal "$(stat -c '%u:%g' "$BUNDLE/data/new")" 100000:100000 "the file's owner outside"
}

@test "a guest in a user namespace has files by 9P" {
    files_bundle read /data/file write /data/new word
    chown -R 100000:100000 "$BUNDLE/data" "$BUNDLE/rootfs"
    chmod 755 "$TEST_DIR" "$BUNDLE" "$BUNDLE/rootfs"
    edit '.linux.namespaces += [{type: "user"}]
        | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] | .linux.gidMappings = .linux.uidMappings'
    run_container
    expect_success
    expect_output $'of the host\nwritten'
    equal "$(stat -c '%u:%g' "$BUNDLE/data/new")" 100000:100000 "the file's owner outside"
}

@test "a guest whose server of files ends is ended, and says why" {
    root_bundle 'echo waiting; while true; do sleep 1; ls /data >/dev/null; done'
    create
    ok start "$ID"
    PATIENCE=40 eventually prints waiting
    kill -KILL "$(pgrep --parent "$PID" --full virtiofsd)"
    eventually has_status stopped
    grep -q "the guest's server of files has ended" "$TEST_DIR/$ID.err" || fail "it does not say why"
    ok delete "$ID"
}

# A guest of our own, which has its files by 9P.
files_bundle() { # COMMAND...
    guest_bundle virt files "$@"
    mkdir "$BUNDLE/data"
    echo 'of the host' >"$BUNDLE/data/file"
    echo 'of the root' >"$BUNDLE/rootfs/file"
    edit '.linux.resources.memory.limit = 134217728 | .root.readonly = false
        | .annotations["com.urunc.unikernel.mountRootfs"] = "true"
        | .mounts += [{destination: "/data", type: "bind", source: "data", options: ["rbind", "rw"]}]'
}

@test "a guest has files by 9P: it reads them, and writes where its user may" {
    files_bundle read /file read /data/file write /data/new word write /new word read /nothing
    run_container
    expect_success
    expect_output $'of the root\nof the host\nwritten\nwritten\nnothing'
    equal "$(<"$BUNDLE/data/new")" word
    equal "$(<"$BUNDLE/rootfs/new")" word
    # As somebody else.
    files_bundle read /data/file write /data/new word write /data/file word
    edit '.process.user = {uid: 1000, gid: 1000}'
    chmod 777 "$BUNDLE/data"
    run_container
    expect_success
    expect_output $'of the host\nwritten\nrefused'
    equal "$(stat -c %u:%g "$BUNDLE/data/new")" 1000:1000 "the owner outside"
}

@test "files by 9P that can only be read are that" {
    files_bundle write /file word write /data/file word
    edit '.root.readonly = true'
    run_container
    expect_success
    expect_output $'refused\nwritten'
    equal "$(<"$BUNDLE/rootfs/file")" 'of the root'
    files_bundle write /file word write /data/file word
    edit '.mounts[0].options = ["bind", "ro"]'
    run_container
    expect_output $'written\nrefused'
    equal "$(<"$BUNDLE/data/file")" 'of the host'
}

@test "by 9P no link of the image leads a guest out of the root filesystem" {
    files_bundle read /out/file read /up/file read /../../../../../../../../etc/hostname
    mkdir "$TEST_DIR/outside"
    echo secret >"$TEST_DIR/outside/file"
    ln -s "$TEST_DIR/outside" "$BUNDLE/rootfs/out"
    ln -s ../../../../../../../../../.. "$BUNDLE/rootfs/up"
    run_container
    expect_success
    expect_output $'nothing\nnothing\nnothing'
}

@test "what cannot be shared is refused with the reason" {
    files_bundle read /file
    edit '.annotations["org.swiftlet.unikernel.root-sharing"] = "nfs"'
    refused 'org.swiftlet.unikernel.root-sharing is "nfs", need virtiofs or 9p' create --bundle "$BUNDLE" "$ID"
    files_bundle read /file
    edit '.annotations["org.swiftlet.unikernel.monitor"] = "firecracker"'
    refused 'monitor firecracker shares no files by 9p or virtiofs' create --bundle "$BUNDLE" "$ID"
    # What is in the root filesystem by a mount that no guest can have.
    files_bundle read /file
    edit '.mounts += [{destination: "/cache", type: "tmpfs", source: "tmpfs"}]'
    refused '/mounts/1: the guest cannot be given /cache' create --bundle "$BUNDLE" "$ID"
}
