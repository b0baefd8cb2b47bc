# What the files of tests with engines load after helpers.bash: a lab, which is a set of namespaces with private
# directories where an engine may do what it likes. One lab and one daemon serve all tests of a file, and whatever was
# started in it ends with it: nothing of an engine that runs on the machine is touched.
#
# NO_ENGINES   a reason to skip all these tests

# Debian's engines, not others that a machine has as well, unless somebody names a directory with others first.
LAB_PATH=${LAB_PATH:-/usr/sbin:/usr/bin:/sbin:/bin}

# How long one call may take before it counts as hanging, in seconds: engines have time limits of their own.
LAB_LIMIT=${LAB_LIMIT:-60}

# --- what a file may need; from setup_file, where bats cannot skip

# Remembers why the tests of the file cannot run; need_lab skips them.
lab_needs() { # COMMAND...
    local command
    export LAB_MISSING=${NO_ENGINES-}
    ((EUID == 0)) || LAB_MISSING=${LAB_MISSING:-needs root}
    [[ -x $RUNTIME ]] || LAB_MISSING=${LAB_MISSING:-no runtime at $RUNTIME: build it with Hack/build}
    for command; do
        PATH=$LAB_PATH command -v "$command" >/dev/null || LAB_MISSING=${LAB_MISSING:-$command is not installed}
    done
    [[ ! $LAB_MISSING ]]
}

need_lab() { [[ ! ${LAB_MISSING-} ]] || skip "$LAB_MISSING"; }

# Skips the test when the runtime does not have the command.
need_verb() { # VERB
    "$RUNTIME" --help 2>/dev/null | grep -qE "^ +$1( |,|$)" || skip "$(basename "$RUNTIME") has no $1"
}

# --- the lab

# Makes the lab. PRIVATE_DIRECTORIES get an empty file system in it, and so does /run.
lab_up() { # PRIVATE_DIRECTORY...
    export LAB=$BATS_FILE_TMPDIR/lab
    mkdir -p "$LAB/home"
    # In the names of all cgroups that the lab's engines make.
    LAB_NAME=$(basename "$(mktemp -d "$LAB/lab.XXXXXX")")
    export LAB_NAME=${LAB_NAME/./}
    mkfifo "$LAB/ready"
    HOME=$LAB/home PATH=$LAB_PATH unshare --mount --pid --net --uts --ipc --fork --kill-child --mount-proc \
        --propagation private bash -c '
            set -euo pipefail
            ready=$1
            shift
            mount -t tmpfs -o mode=755 tmpfs /run
            mkdir -p /run/lock /run/netns /run/user/0
            for directory; do
                mkdir -p "$directory"
                mount -t tmpfs tmpfs "$directory"
            done
            hostname lab
            ip link set lo up
            mount --make-rshared /
            echo up >"$ready"
            # Stays process 1, which reaps the orphans.
            while :; do sleep 1000; done' lab "$LAB/ready" "$@" >"$LAB/lab.log" 2>&1 </dev/null 3>&- &
    export LAB_UNSHARE=$!
    # The shell has an error message and no lab to wait for when it could not be made.
    timeout 20 cat "$LAB/ready" >"$LAB/is_up" || true
    [[ -s $LAB/is_up ]] || {
        cat "$LAB/lab.log"
        return 1
    }
    LAB_PID=$(<"/proc/$LAB_UNSHARE/task/$LAB_UNSHARE/children")
    export LAB_PID=${LAB_PID% }
}

# Lets an ordinary user in, `lab`, who was granted ids and has a home and a runtime directory. Lab files are at /run/lab
# for everybody, because the way to $LAB may be closed for the user.
lab_user() {
    mkdir "$LAB/etc"
    cp /etc/passwd /etc/group "$LAB/etc"
    echo "lab:x:$LAB_USER_ID:$LAB_USER_ID::/run/lab/home:/bin/bash" >>"$LAB/etc/passwd"
    echo "lab:x:$LAB_USER_ID:" >>"$LAB/etc/group"
    echo 'lab:800000:65536' | tee "$LAB/etc/subuid" >"$LAB/etc/subgid"
    chown "$LAB_USER_ID:$LAB_USER_ID" "$LAB" "$LAB/home"
    # A copy, because the user may have no way to the repository.
    cp "$RUNTIME" "$LAB/$(basename "$RUNTIME")"
    in_lab bash -euc '
        for file in passwd group subuid subgid; do
            [[ ! -e /etc/$file ]] || mount --bind "$LAB/etc/$file" "/etc/$file"
        done
        mkdir -p /run/lab "/run/user/$0"
        mount --bind "$LAB" /run/lab
        chown "$0:$0" "/run/user/$0"
        chmod 700 "/run/user/$0"
        # The machine may keep them for root alone.
        if [[ -e /dev/net/tun ]] && mknod -m 666 /run/tun c 10 200; then mount --bind /run/tun /dev/net/tun; fi
        if [[ -e /dev/fuse ]] && mknod -m 666 /run/fuse c 10 229; then mount --bind /run/fuse /dev/fuse; fi
        # Some runtimes change the owner of what they are given: not of the machine'"'"'s own.
        mknod -m 666 /run/null c 1 3 && mount --bind /run/null /dev/null
    ' "$LAB_USER_ID"
}
LAB_USER_ID=54322

# Has podman and its relatives take images that nobody has signed.
lab_trusts_images() {
    mkdir -p "$LAB/home/.config/containers"
    echo '{"default": [{"type": "insecureAcceptAnything"}]}' >"$LAB/home/.config/containers/policy.json"
}

# Puts CNI's plug-ins where engines look for them that are not Debian's: /opt/cni/bin, which lab_up was told of.
lab_plugins() { [[ ! -d /usr/lib/cni ]] || in_lab mount --bind /usr/lib/cni /opt/cni/bin; }

# Lets what the lab changes in directories of the machine stay in the lab.
lab_changes() { # DIRECTORY...
    in_lab bash -euc '
        for directory; do
            changes=$(mktemp --directory /run/changes.XXXXXX)
            mkdir "$changes/upper" "$changes/work"
            mount -t overlay -o "lowerdir=$directory,upperdir=$changes/upper,workdir=$changes/work" overlay "$directory"
        done' changes "$@"
}

# Runs a command in the lab as the user.
as_lab_user() { # COMMAND...
    in_lab setpriv --reuid "$LAB_USER_ID" --regid "$LAB_USER_ID" --init-groups env HOME=/run/lab/home USER=lab \
        XDG_RUNTIME_DIR="/run/user/$LAB_USER_ID" "$@"
}

# Runs a command in the lab.
in_lab() { # COMMAND...
    HOME=$LAB/home PATH=$LAB_PATH nsenter --target "$LAB_PID" --mount --pid --net --uts --ipc --wdns="$LAB" -- "$@"
}

# Starts a daemon in the lab; what it says goes to $LAB/NAME.log.
lab_daemon() { # NAME COMMAND...
    local name=$1
    shift
    in_lab bash -c '"$@" >"$0" 2>&1 </dev/null 3>&- &' "$LAB/$name.log" "$@" 3>&-
}

# Starts a containerd that begins anew when it has ended and /run/containerd.again is there, with the environment of its
# unit; its process id is in /run/containerd.pid.
lab_containerd() { # OPTIONS...
    # shellcheck disable=SC2016
    lab_daemon containerd bash -c 'while :; do
        environment=$(find /etc/systemd/system -path "*/containerd.service.d/*.conf" -exec sed -n "s/^Environment=//p" {} +)
        env $environment containerd "$@" & echo $! >/run/containerd.pid
        wait
        until rm /run/containerd.again 2>/dev/null; do sleep 0.05; done
    done' containerd "$@"
    lab_waits_for containerd ctr version
}

# Puts a systemctl into the lab's /usr/local/bin, which lab_up was told of, for lab_containerd and docker.
lab_service_manager() {
    cat >"$LAB/manager" <<'SCRIPT'
#!/bin/bash
set -euo pipefail
case "$*" in
daemon-reload) ;;
'restart containerd')
    before=$(</run/containerd.pid)
    touch /run/containerd.again
    kill "$before" || true
    while [[ $(</run/containerd.pid) == "$before" ]]; do sleep 0.02; done
    until ctr version >/dev/null 2>&1; do sleep 0.05; done
    ;;
'reload docker') kill -HUP "$(pidof dockerd)" ;;
*) exit 1 ;;
esac
SCRIPT
    chmod +x "$LAB/manager"
    in_lab cp "$LAB/manager" /usr/local/bin/systemctl
}

# Waits until a command in the lab succeeds, or says what the daemon said.
lab_waits_for() { # DAEMON COMMAND...
    local daemon=$1 deadline=$((SECONDS + ${PATIENCE:-30}))
    shift
    while ((SECONDS < deadline)); do
        ! in_lab "$@" >/dev/null 2>&1 </dev/null 3>&- || return 0
        sleep 0.05
    done
    echo "$daemon does not answer:"
    tail -n 30 "$LAB/$daemon.log"
    return 1
}

# Ends the lab and all that is in it. Fails when a cgroup of its containers is left.
lab_down() {
    [[ ${LAB_UNSHARE-} ]] || return 0
    thaw_lab
    # By the process that waits for process 1 of the lab, and takes it along.
    kill -KILL "$LAB_UNSHARE" 2>/dev/null || true
    wait "$LAB_UNSHARE" 2>/dev/null || true
    local deadline=$((SECONDS + 10)) left
    while [[ -e /proc/$LAB_PID ]] && ((SECONDS < deadline)); do sleep 0.05; done
    # The parents that the engines themselves made are empty by now.
    while
        find /sys/fs/cgroup -depth -type d -path "*/$LAB_NAME*" -exec rmdir {} + 2>/dev/null || true
        left=$(find /sys/fs/cgroup -type d -path "*/$LAB_NAME*")
        [[ $left ]] && ((SECONDS < deadline))
    do
        sleep 0.1
    done
    [[ ! $left ]] || {
        echo "left behind: $left"
        return 1
    }
}

# Fails when the runtime's state of a container or a container's cgroup is there.
lab_left_nothing() { # STATE_DIRECTORY FIND_EXPRESSION...
    local left
    left=$(in_lab bash -c '[[ ! -e $1 ]] || find "$@"' find "$@")
    [[ ! $left ]] || { echo "state left: $left" && false; }
    left=$(find /sys/fs/cgroup -mindepth 3 -type d -path "*/$LAB_NAME/*")
    [[ ! $left ]] || { echo "cgroups left: $left" && false; }
}

# A frozen process cannot be killed on version 1 of cgroups.
thaw_lab() {
    local file
    while read -r file; do echo THAWED >"$file"; done < <(
        find /sys/fs/cgroup -path "*/$LAB_NAME*" -name freezer.state 2>/dev/null
    )
}

# --- calls: each sets status, output and stderr

# Runs a command in the lab. Standard input is empty unless the caller says `feeding FILE call ...`.
call() { # COMMAND...
    status=0
    in_lab timeout --kill-after 5 "$LAB_LIMIT" "$@" >"$TEST_DIR/out" 2>"$TEST_DIR/err" <"${input:-/dev/null}" 3>&- ||
        status=$?
    output=$(tr -d '\0' <"$TEST_DIR/out")
    stderr=$(tr -d '\0' <"$TEST_DIR/err")
    called=$*
}

# A command that has to succeed.
works() { # COMMAND...
    call "$@"
    expect_success
}

# A command that has to succeed and print just this on standard output.
prints_just() { # OUTPUT COMMAND...
    local expected=$1
    shift
    works "$@"
    expect_output "$expected"
}

# A command that has to end with this status.
ends_with() { # STATUS COMMAND...
    local expected=$1
    shift
    call "$@"
    expect_status "$expected"
}

# Whether a command in the lab prints just this; for `eventually`.
shows() { # OUTPUT COMMAND...
    local expected=$1
    shift
    [[ $(in_lab "$@" 2>&1 </dev/null 3>&-) == "$expected" ]]
}

# Whether what a command in the lab prints has this in it; for `eventually`.
mentions() { # TEXT COMMAND...
    local expected=$1
    shift
    [[ $(in_lab "$@" 2>&1 </dev/null 3>&-) == *"$expected"* ]]
}

# --- images

# Packs an image in $LAB.
lab_image() { # NAME OPTIONS_OF_HACK_IMAGE...
    local name=$1
    shift
    "$repository/Hack/image" --name "test/$name" --output "$LAB/$name.tar" "$@" >/dev/null
}

# A busybox with all its commands.
lab_busybox_image() { # NAME OPTIONS_OF_HACK_IMAGE...
    local name=$1
    shift
    [[ -d $LAB/busybox ]] || {
        mkdir "$LAB/busybox"
        busybox_rootfs "$LAB/busybox"
    }
    lab_image "$name" --directory "$LAB/busybox" --env PATH=/usr/bin:/bin "$@"
}

# A unikernel and nothing else, packed by the runtime itself.
lab_guest_image() { # GUEST OPTIONS_OF_IMAGE_PACK...
    local guest=$1
    shift
    "$RUNTIME" image pack "$GUESTS/$guest.spt" --tag "test/$guest" --output "$LAB/$guest.tar" "$@" >/dev/null
}

# The guest http, said to be MirageOS's.
lab_http_image() { lab_guest_image http --type mirage; }

# The same for a virtual machine, which QEMU is: the image NAME-virt.
lab_machine_image() { # GUEST OPTIONS_OF_HACK_IMAGE...
    local guest=$1
    shift
    lab_image "$guest-virt" --entrypoint /unikernel "$@" "$GUESTS/$guest.virt=unikernel"
}

# Packs the guests that the tests of machines use; the engine's own command takes the archives. MACHINE_IMAGES are their
# names, none where there is no QEMU.
lab_machine_images() { # COMMAND... ARCHIVE is added
    local guest
    export MACHINE_IMAGES=
    has_machines || return 0
    for guest in hello exit sleep http; do
        lab_machine_image "$guest"
        in_lab "$@" "$LAB/$guest-virt.tar" >/dev/null
        MACHINE_IMAGES+=" $guest-virt"
    done
}

# Debian's kernel with a disk, packed by the runtime; the engine's own command takes the archive. Skips the test where it
# cannot be made.
need_linux_image() { # COMMAND... ARCHIVE is added
    need_machines
    "$repository/Hack/linux-guest" >"$TEST_DIR/linux.log" 2>&1 || {
        [[ $? == 77 ]] || fail "Hack/linux-guest: $(cat "$TEST_DIR/linux.log")"
        skip "$(tail -n 1 "$TEST_DIR/linux.log")"
    }
    echo 'the first line of the disk' >"$LAB/linux.disk"
    truncate --size 4096 "$LAB/linux.disk"
    # A debug build takes its time for tens of MiB.
    LIMIT=120 ok image pack "$GUESTS/linux/vmlinuz" --type linux --initrd "$GUESTS/linux/initrd" --disk "$LAB/linux.disk" \
        --tag test/linux --output "$LAB/linux.tar"
    in_lab "$@" "$LAB/linux.tar" >/dev/null
}

# A Linux guest answers at its address with what it was told.
linux_answers() { # ADDRESS WORD
    in_lab curl --silent --fail --max-time 2 "http://$1:8080/" | grep -qF "argument [$2]"
}

has_machines() {
    is_swiftlet && [[ -e $GUESTS/hello.virt ]] && PATH=$LAB_PATH command -v qemu-system-x86_64 >/dev/null
}

need_machines() { has_machines || skip "no guests for QEMU in $GUESTS, or no qemu-system-x86_64"; }

has_http_guest() { is_swiftlet && [[ -e $GUESTS/http.spt ]]; }

need_http_guest() { has_http_guest || skip "no guest http in $GUESTS: build it with Hack/build-guests"; }

http_answers() { # ADDRESS
    in_lab curl --globoff --silent --fail --max-time 5 --output /dev/null "http://$1:8080/"
}

# What the guest http has to do where an engine gave it an address; less of it where each instruction is translated.
serves_http() { # ADDRESS, [ADDRESS] of IPv6 [BYTES REQUESTS CONNECTIONS]
    local client=(python3 -B "$BATS_TEST_DIRNAME/http_client.py") plain=${1//[][]/}
    eventually http_answers "$1"
    prints_just 'hello from the http guest' curl --globoff --silent --fail "http://$1:8080/"
    works "${client[@]}" ping "$plain" 1500
    works "${client[@]}" bytes "$plain" "${2-5000000}"
    works "${client[@]}" keep-alive "$plain" "${3-10000}"
    works "${client[@]}" fresh "$plain" "${4-200}"
}

# The links and queues of the lab and its routes, without the moods of bridges; or those of a process's namespace.
lab_network() { # [PID]
    in_lab ${1:+nsenter --net --target "$1"} sh -c 'ip -o link; tc qdisc; ip route' |
        sed -E 's/^([0-9]+: [^:]+):.* link/\1 link/; s/ (linkdown|nexthop)//g; s/^[0-9]+: (.*@)/\1/'
}

# The same as an archive of files, for `import`: $LAB/busybox.tar.
lab_busybox_archive() {
    mkdir "$LAB/busybox"
    busybox_rootfs "$LAB/busybox"
    printf 'root:x:0:\ntty:x:5:\n' >"$LAB/busybox/etc/group"
    chmod 1777 "$LAB/busybox/tmp"
    tar --create --file "$LAB/busybox.tar" --directory "$LAB/busybox" --owner 0 --group 0 --numeric-owner .
}
