# Images that `image pack` makes of unikernels. That engines import and run them: docker.bats, podman.bats,
# containerd.bats and cri.bats, whose guests it packs.

load helpers

setup() {
    prepare
    need_guests
    pack=("$GUESTS/hello.spt" --tag test/hello:1 --arg one --arg 'two three' --label org.example.a=b=c)
}

teardown() { clean_up; }

# Prints a document of the image's layout by its digest.
document() { jq --compact-output . "$TEST_DIR/layout/blobs/${1/://}"; } # DIGEST

@test "image pack gives the same bytes each time, named by what sha256sum says" {
    ok image pack "${pack[@]}" --output "$TEST_DIR/one.tar"
    matches "$output" "^$TEST_DIR/one.tar: localhost/test/hello:1 sha256:[0-9a-f]{64}$" output
    ok image pack "${pack[@]}" --output "$TEST_DIR/layout"
    local digest=${output##* } blob
    cp "$GUESTS/hello.spt" "$TEST_DIR/hello.spt"
    TZ=Asia/Tokyo
    (
        umask 077
        export TZ
        "$RUNTIME" image pack "$TEST_DIR/hello.spt" "${pack[@]:1}" --output "$TEST_DIR/two.tar"
    )
    cmp "$TEST_DIR/one.tar" "$TEST_DIR/two.tar" || fail 'two runs differ'
    for blob in "$TEST_DIR"/layout/blobs/sha256/*; do
        equal "$(sha256sum "$blob" | cut -d ' ' -f 1)" "$(basename "$blob")" digest
    done
    mkdir "$TEST_DIR/unpacked"
    tar -xf "$TEST_DIR/one.tar" -C "$TEST_DIR/unpacked"
    diff -r "$TEST_DIR/unpacked" "$TEST_DIR/layout" || fail 'archive and directory differ'
    equal "$(document "$digest" | jq --raw-output '.annotations["org.example.a"]')" b=c annotation
}

@test "what image pack puts in the layer runs as a guest" {
    ok image pack "${pack[@]}" --output "$TEST_DIR/layout" --file /etc/hostname=/etc/name
    local digest=${output##* } config
    new_bundle
    tar -xf "$TEST_DIR/layout/blobs/sha256/$(document "$digest" | jq --raw-output '.layers[0].digest[7:]')" \
        -C "$BUNDLE/rootfs"
    cmp "$BUNDLE/rootfs/etc/name" /etc/hostname
    config=$(document "$(document "$digest" | jq --raw-output .config.digest)")
    jq --null-input --argjson image "$config" '{
        ociVersion: "1.0.2", root: {path: "rootfs", readonly: true},
        process: {user: {uid: 0, gid: 0}, cwd: "/", args: ($image.config.Entrypoint + $image.config.Cmd)},
        linux: {namespaces: [{type: "pid"}, {type: "network"}, {type: "ipc"}, {type: "uts"}, {type: "mount"}],
                resources: {memory: {limit: 33554432}}}
    }' >"$BUNDLE/config.json"
    ok plan --bundle "$BUNDLE"
    equal "$(jq --raw-output .guest.foundBy <<<"$output")" /urunc.json mark
    run_container
    expect_success
    expect_contains 'command line: one two three'
}

@test "Debian's tools for images read what image pack writes" {
    need_command skopeo
    ok image pack "${pack[@]}" --output "$TEST_DIR/one.tar"
    local digest=${output##* }
    equal "$(skopeo inspect --format '{{.Digest}}' "oci-archive:$TEST_DIR/one.tar")" "$digest" 'digest by skopeo'
    ok image pack "${pack[@]}" --output "$TEST_DIR/layout"
    skopeo copy --insecure-policy --quiet --preserve-digests "oci:$TEST_DIR/layout:localhost/test/hello:1" "oci:$TEST_DIR/copy:hello"
    equal "$(skopeo inspect --format '{{.Digest}}' "oci:$TEST_DIR/copy:hello")" "$digest" 'digest of the copy'
    if command -v umoci >/dev/null; then
        umoci unpack --image "$TEST_DIR/copy:hello" "$TEST_DIR/umoci"
        cmp "$TEST_DIR/umoci/rootfs/unikernel" "$GUESTS/hello.spt"
    fi
}

@test "image pack refuses what makes no image, and leaves nothing" {
    refused 'openat /nosuch: no such file' image pack /nosuch --output "$TEST_DIR/x.tar"
    runtime image pack "$GUESTS/hello.spt"
    expect_status 1
    expect_error 'image pack needs --output'
    runtime image pack "$GUESTS/hello.spt" --label nothing --output "$TEST_DIR/x.tar"
    expect_error 'invalid label: nothing \(must be NAME=VALUE\)'
    runtime image pack "$GUESTS/hello.spt" --file /etc/hostname=/unikernel --output "$TEST_DIR/x.tar"
    expect_error 'two files of the image have the same path'
    refused 'has other files than an image' image pack "$GUESTS/hello.spt" --output "$TEST_DIR"
    [[ ! $(find "$TEST_DIR" -name 'x.tar*' -o -name blobs) ]] || fail 'something is left'
}
