# buildah runs what an image is built by with the runtime in the place of runc, and shows no difference.

load helpers
load engines/lab

setup_file() {
    lab_needs buildah runc || return 0
    lab_up /var/lib/containers
    mkdir "$LAB/context"
    lab_trusts_images
    busybox_rootfs "$LAB/context"
    chmod 1777 "$LAB/context/tmp"
    printf '%s\n' 'FROM scratch' 'COPY . /' 'ENV WORD=kept' 'WORKDIR /made' 'RUN echo "$WORD $(pwd)" >file' 'USER 7' \
        'RUN id -u >/tmp/user; test ! -w /made/file' >"$LAB/Dockerfile"
}

teardown_file() { lab_down; }

setup() {
    need_lab
    prepare
}

# What buildah does with a runtime: statuses and output.
with_runtime() { # RUNTIME
    call bash -c '
        cli() { buildah --root "$LAB/graph" --runroot /run/buildah --storage-driver vfs --cgroup-manager cgroupfs "$@"; }
        in_container() { cli run --runtime "$0" --network none "$@" && echo "status 0" || echo "status $?"; }
        container=$(cli from scratch)
        cli copy --quiet "$container" "$LAB/context" / >/dev/null
        in_container "$container" sh -c "echo to output; echo to errors >&2; exit 3"
        in_container --user 7 --env WORD=mine --workingdir /tmp "$container" sh -c "echo \$WORD; id -u; pwd"
        in_container --volume "$LAB/context:/shared:ro" "$container" sh -c "ls /shared | head -n 1; touch /shared/no"
        in_container --cap-drop all "$container" sed -n "s/^CapEff:.//p" /proc/self/status
        in_container "$container" nosuch
        cli rm "$container" >/dev/null
        cli build --quiet --runtime "$0" --network none --tag built --file "$LAB/Dockerfile" "$LAB/context" >/dev/null
        container=$(cli from built)
        in_container "$container" sh -c "cat /made/file /tmp/user"
        cli rm --all >/dev/null
        cli rmi --all --force >/dev/null' "$1"
    expect_success
}

@test "buildah: run and build, as with runc" {
    local expected
    with_runtime /usr/sbin/runc
    expected=$output
    with_runtime "$RUNTIME"
    equal "$output" "$expected" 'what buildah does'
    expect_contains $'to output\nstatus 3'
    expect_contains $'mine\n7\n/tmp\nstatus 0'
    expect_contains $'kept /made\n7\nstatus 0'
    expect_error 'executable file not found in \$PATH'
    lab_left_nothing /run/swiftlet -mindepth 1
}
