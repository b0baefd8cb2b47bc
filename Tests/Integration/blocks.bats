# A guest's block devices: where their content comes from, what it may be, and volumes.

load helpers

setup() {
    prepare
    need_guests spt
    LOOPS=()
}

teardown() {
    local loop
    for loop in "${LOOPS[@]}"; do losetup --detach "$loop" || true; done
    clean_up
}

# A bundle with the guest `disks`, whose first disk is the file $DISK and whose second is $OTHER; the words are its
# commands. Both are bound by config.json.
disks() { # hvt|spt COMMANDS...
    guest_bundle "$1" disks "${@:2}"
    DISK=$TEST_DIR/disk OTHER=$TEST_DIR/other
    image "$DISK" 8
    image "$OTHER" 8
    edit '.mounts = [{destination: "/dev/disk", type: "bind", source: $disk, options: ["rbind"]},
        {destination: "/data/disk1", type: "bind", source: $other, options: ["bind"]}]' \
        --arg disk "$DISK" --arg other "$OTHER"
}

# The same with one disk and nothing bound: the guest `blockdev`, which reads its first sector and writes it back.
disk() { # hvt|spt
    guest_bundle "$1" blockdev invert
    edit '.root.readonly = false'
}

# A file of sectors, each filled with its own number.
image() { # FILE SECTORS
    python3 -c 'import sys
for number in range(int(sys.argv[1])): sys.stdout.buffer.write(bytes([number]) * 512)' "$2" >"$1"
}

sector_is() { # FILE NUMBER BYTE
    local found
    found=$(dd if="$1" bs=512 skip="$2" count=1 status=none | od -An -v -t u1 -w1 | sort -u | tr -d ' \n')
    equal "$found" "$3" "sector $2 of $1"
}

# Expects that blockdev ran on a file of 8 sectors and inverted the first.
expect_inverted() { # FILE
    run_container
    expect_success
    expect_contains 'disk capacity 4096 block size 512'
    sector_is "$1" 0 255
    sector_is "$1" 1 1
}

# A loop device for a file; skipped where there is none to be had.
loop_device() { # FILE
    LOOP=$(losetup --find --show "$1" 2>/dev/null) || skip "no loop device to be had"
    LOOPS+=("$LOOP")
}

two_disks() { # hvt|spt
    disks "$1" size disk size disk1 read disk 1 read disk1 2 write disk 3 170 write disk1 7 187 read disk 3
    run_container
    expect_success
    expect_output $'4096 in sectors of 512\n4096 in sectors of 512\n'"$(printf '01%.0s' {1..16})"$'\n'"$(
        printf '02%.0s' {1..16})"$'\nwritten\nwritten\n'"$(printf 'aa%.0s' {1..16})"
    sector_is "$DISK" 3 170
    sector_is "$DISK" 7 7
    sector_is "$OTHER" 7 187
    sector_is "$OTHER" 3 3
}

read_only() { # hvt|spt
    disks "$1" write disk 0 99 write disk1 0 99 read disk 1
    edit '.mounts[].options += ["ro"]'
    run_container
    expect_success
    expect_output $'refused\nrefused\n'"$(printf '01%.0s' {1..16})"
    # Only one of them.
    disks "$1" write disk 0 99 write disk1 0 99
    edit '.annotations = {"org.swiftlet.unikernel.block-read-only.disk": "true"}'
    run_container
    expect_success
    expect_output $'refused\nwritten'
    # The file of a root filesystem that can only be read.
    guest_bundle "$1" disks write disk 0 99
    image "$BUNDLE/rootfs/disk" 8
    image "$BUNDLE/rootfs/disk1" 8
    run_container
    expect_success
    expect_output refused
    sector_is "$BUNDLE/rootfs/disk" 0 0
}

outside() { # hvt|spt
    disks "$1" read disk 8
    run_container
    # Solo5's spt guest is ended by its filter, an hvt guest hears of it.
    if [[ $1 == spt ]]; then equal "$status" 159 status; else expect_output refused; fi
    equal "$(stat --format %s "$DISK")" 4096 size
    disks "$1" write disk 8 1
    run_container
    if [[ $1 == spt ]]; then equal "$status" 159 status; else expect_output refused; fi
    equal "$(stat --format %s "$DISK")" 4096 size
}

sparse() { # hvt|spt
    disks "$1" size disk write disk 2147483647 7 read disk 2147483647 read disk 1000000000
    truncate --size 1T "$DISK" || skip 'no sparse files of 1 TiB here'
    run_container
    expect_success
    expect_output $'1099511627776 in sectors of 512\nwritten\n'"$(printf '07%.0s' {1..16})"$'\n'"$(
        printf '00%.0s' {1..16})"
    (($(stat --format %b "$DISK") < 1000)) || fail 'the file is not sparse any more'
}

sectors() { # hvt|spt
    disks "$1" size disk read disk 1 size disk1
    edit '.annotations = {"org.swiftlet.unikernel.block-sector-size.disk": "4096"}'
    truncate --size 8192 "$DISK"
    run_container
    expect_success
    expect_output $'8192 in sectors of 4096\n'"$(printf '00%.0s' {1..16})"$'\n4096 in sectors of 512'
}

@test "two disks, each its own: spt" { two_disks spt; }
@test "two disks, each its own: hvt" {
    need_kvm
    two_disks hvt
}

@test "a disk that can only be read refuses writes, and the guest goes on: spt" { read_only spt; }
@test "a disk that can only be read refuses writes, and the guest goes on: hvt" {
    need_kvm
    read_only hvt
}

@test "nothing behind the end of a disk is read or written: spt" { outside spt; }
@test "nothing behind the end of a disk is read or written: hvt" {
    need_kvm
    outside hvt
}

@test "a sparse disk of 1 TiB: spt" { sparse spt; }
@test "a sparse disk of 1 TiB: hvt" {
    need_kvm
    sparse hvt
}

@test "sectors of another size: spt" { sectors spt; }
@test "sectors of another size: hvt" {
    need_kvm
    sectors hvt
}

# --- where the content comes from

@test "a disk from an annotation: a path in the root filesystem, below a mount, on a mount" {
    disk spt
    mkdir "$BUNDLE/rootfs/images"
    image "$BUNDLE/rootfs/images/one" 8
    ln -s /images/one "$BUNDLE/rootfs/link"
    edit '.annotations = {"org.swiftlet.unikernel.block.disk": "/link"}'
    expect_inverted "$BUNDLE/rootfs/images/one"
    disk spt
    mkdir "$TEST_DIR/shared"
    image "$TEST_DIR/shared/one" 8
    edit '.annotations = {"org.swiftlet.unikernel.block.disk": "/data/one"}
        | .mounts = [{destination: "/data", type: "bind", source: $shared}]' --arg shared "$TEST_DIR/shared"
    expect_inverted "$TEST_DIR/shared/one"
    edit '.mounts[0].source += "/one" | .mounts[0].destination = "/data/one"'
    image "$TEST_DIR/shared/one" 8
    expect_inverted "$TEST_DIR/shared/one"
}

@test "the first disk from urunc's names, in annotations and in /urunc.json" {
    disk spt
    image "$BUNDLE/rootfs/one" 8
    edit '.annotations = {"com.urunc.unikernel.block": $path, "com.urunc.unikernel.blkMntPoint": "Lw=="}' \
        --arg path "$(printf /one | base64)"
    expect_inverted "$BUNDLE/rootfs/one"
    disk spt
    image "$BUNDLE/rootfs/one" 8
    jq --null-input '{"com.urunc.unikernel.binary": "/unikernel", "com.urunc.unikernel.block": "/one"}' \
        >"$BUNDLE/rootfs/urunc.json"
    expect_inverted "$BUNDLE/rootfs/one"
}

@test "a disk from the image by its name" {
    local name
    for name in disk disk.img dev/disk; do
        disk spt
        mkdir "$BUNDLE/rootfs/dev"
        image "$BUNDLE/rootfs/$name" 8
        expect_inverted "$BUNDLE/rootfs/$name"
    done
}

@test "the places are looked at in order" {
    disk spt
    image "$BUNDLE/rootfs/disk" 8
    image "$TEST_DIR/below" 8
    image "$TEST_DIR/exact" 8
    image "$BUNDLE/rootfs/named" 8
    edit '.mounts = [{destination: "/dev/disk", type: "bind", source: $exact}] |
        .annotations = {"org.swiftlet.unikernel.block.disk": "/named", "com.urunc.unikernel.block": "/disk",
            "org.swiftlet.unikernel.leave-out-mounts": "/dev/disk,/data/disk"}' --arg exact "$TEST_DIR/exact"
    expect_inverted "$BUNDLE/rootfs/named"
    edit 'del(.annotations["org.swiftlet.unikernel.block.disk"])'
    expect_inverted "$BUNDLE/rootfs/disk"
    edit 'del(.annotations["com.urunc.unikernel.block"])
        | .mounts += [{destination: "/data/disk", type: "bind", source: $below}]' --arg below "$TEST_DIR/below"
    expect_inverted "$TEST_DIR/exact"
    edit 'del(.mounts[0])'
    expect_inverted "$TEST_DIR/below"
    image "$BUNDLE/rootfs/disk" 8
    edit 'del(.mounts)'
    expect_inverted "$BUNDLE/rootfs/disk"
}

@test "a block device of the host: bound, and in linux.devices, with and without the right to write" {
    local file=$TEST_DIR/file numbers
    image "$file" 8
    loop_device "$file"
    numbers=$(printf '{"major": %d, "minor": %d}' "0x$(stat --format %t "$LOOP")" "0x$(stat --format %T "$LOOP")")
    disk spt
    edit '.mounts = [{destination: "/dev/disk", type: "bind", source: $loop}]' --arg loop "$LOOP"
    expect_inverted "$LOOP"
    edit '.mounts = [] | .linux.devices = [{path: "/dev/disk", type: "b"} + $numbers]' --argjson numbers "$numbers"
    run_container
    expect_success
    sector_is "$LOOP" 0 0
    edit '.linux.resources.devices = [{allow: false, access: "rwm"}, {allow: true, type: "b", access: "r"} + $numbers]' \
        --argjson numbers "$numbers"
    run_container
    expect_status 255
    expect_contains 'could not be written'
    sector_is "$LOOP" 0 0
}

@test "a block device that is mounted is refused, unless it is only read" {
    need_command mke2fs
    local file=$TEST_DIR/file
    truncate --size 1M "$file"
    mke2fs -q -F -t ext2 "$file"
    loop_device "$file"
    mkdir "$TEST_DIR/mounted"
    mount "$LOOP" "$TEST_DIR/mounted"
    disk spt
    edit '.mounts = [{destination: "/dev/disk", type: "bind", source: $loop}]' --arg loop "$LOOP"
    run_container
    umount "$TEST_DIR/mounted"
    expect_refusal "$LOOP.*in use"
}

@test "the device that holds the root filesystem, when it is one" {
    need_command mke2fs
    local file=$TEST_DIR/file
    disk spt
    edit '.annotations = {"com.urunc.unikernel.mountRootfs": "true"}'
    run_container
    expect_refusal 'no block device of its own'
    truncate --size 1M "$file"
    mke2fs -q -F -t ext2 "$file"
    loop_device "$file"
    mv "$BUNDLE/rootfs/unikernel" "$TEST_DIR/unikernel"
    mount "$LOOP" "$BUNDLE/rootfs"
    cp "$TEST_DIR/unikernel" "$BUNDLE/rootfs/unikernel"
    run_container
    local first_status=$status first_output=$output
    # A second mount could hold what the container does not have.
    mkdir "$TEST_DIR/mounted"
    mount --bind "$BUNDLE/rootfs" "$TEST_DIR/mounted"
    run_container
    umount "$TEST_DIR/mounted" "$BUNDLE/rootfs"
    expect_refusal 'no block device of its own'
    # The guest reads it and cannot write to it.
    equal "$first_status" 255 status
    [[ $first_output == *'capacity 1048576 block'*'could not be written'* ]] || fail "printed: $first_output"
}

# --- what is refused

@test "a disk that nothing is behind is refused, with every place that was looked at" {
    local kind
    for kind in spt $([[ ! -c /dev/kvm ]] || echo hvt); do
        disk "$kind"
        run_container
        expect_refusal "block device 'disk'.*unikernel.block.disk.*com.urunc.unikernel.block.*/dev/disk.*linux.devices.*/disk.img.*mountRootfs"
    done
    # The second disk is not the first one of urunc's.
    guest_bundle spt disks size disk
    image "$BUNDLE/rootfs/one" 8
    edit '.annotations = {"com.urunc.unikernel.block": "/one"}'
    run_container
    expect_refusal "block device 'disk1'"
    disk spt
    edit '.annotations = {"org.swiftlet.unikernel.block.disk": "/nosuch"}'
    run_container
    expect_refusal '/nosuch, named by org.swiftlet.unikernel.block.disk'
}

@test "links of an image lead to nothing outside" {
    local target
    for target in "$TEST_DIR/secret" ../../../../../../.."$TEST_DIR/secret" /proc/self/root"$TEST_DIR/secret"; do
        disk spt
        image "$TEST_DIR/secret" 8
        ln -s "$target" "$BUNDLE/rootfs/disk"
        run_container
        expect_refusal "block device 'disk'"
        edit '.annotations = {"org.swiftlet.unikernel.block.disk": "/disk"}'
        run_container
        expect_refusal '/disk, named by'
        sector_is "$TEST_DIR/secret" 0 0
    done
    # Nor do those of a directory that is bound.
    disk spt
    mkdir "$TEST_DIR/shared"
    ln -s ../secret "$TEST_DIR/shared/disk"
    edit '.annotations = {"org.swiftlet.unikernel.block.disk": "/data/disk"}
        | .mounts = [{destination: "/data", type: "bind", source: $shared}]' --arg shared "$TEST_DIR/shared"
    run_container
    expect_refusal "block device 'disk'"
    sector_is "$TEST_DIR/secret" 0 0
}

@test "what is no disk is refused, with its path" {
    disk spt
    mkfifo "$BUNDLE/rootfs/disk"
    run_container
    expect_refusal '/disk is neither'
    # A device node of an image is not the host's device.
    rm "$BUNDLE/rootfs/disk"
    mknod "$BUNDLE/rootfs/disk" b 7 0
    run_container
    expect_refusal '/disk is a device that config.json does not name'
    rm "$BUNDLE/rootfs/disk"
    mknod "$BUNDLE/rootfs/disk" c 1 5
    run_container
    expect_refusal '/disk is neither'
    edit '.mounts = [{destination: "/dev/disk", type: "bind", source: "/dev/zero"}]'
    run_container
    expect_refusal '/dev/zero is neither'
    edit '.mounts = [] | .linux.devices = [{path: "/dev/disk", type: "c", major: 1, minor: 5}]'
    run_container
    expect_refusal '/linux/devices/0 is no block device'
}

@test "disks of odd sizes are refused" {
    local size
    for size in 1 511 513 4095; do
        disk spt
        truncate --size "$size" "$BUNDLE/rootfs/disk"
        run_container
        expect_refusal "/disk as block device 'disk': it has $size bytes, not a whole number of sectors of 512"
    done
    truncate --size 0 "$BUNDLE/rootfs/disk"
    run_container
    expect_refusal "/disk as block device 'disk': it is empty"
    truncate --size 512 "$BUNDLE/rootfs/disk"
    edit '.annotations = {"org.swiftlet.unikernel.block-sector-size.disk": "1024"}'
    run_container
    expect_refusal 'sectors of 1024'
    for size in 0 256 513 65536 x; do
        edit '.annotations["org.swiftlet.unikernel.block-sector-size.disk"] = $size' --arg size "$size"
        run_container
        expect_refusal "block-sector-size.disk is \"$size\", need a power of two"
    done
}

@test "one file as two disks, or for two guests: only when nobody writes" {
    disks spt read disk 1 read disk1 1
    edit '.mounts[1].source = $disk' --arg disk "$DISK"
    run_container
    expect_refusal "$DISK as block device 'disk1': it is in use"
    edit '.mounts[].options += ["ro"]'
    run_container
    expect_success
    disk spt
    image "$TEST_DIR/shared" 8
    edit '.mounts = [{destination: "/dev/disk", type: "bind", source: $disk}]' --arg disk "$TEST_DIR/shared"
    cp "$BUNDLE/config.json" "$TEST_DIR/config.json"
    create
    local first=$ID
    new_bundle
    cp "$GUESTS/blockdev.spt" "$BUNDLE/rootfs/unikernel"
    cp "$TEST_DIR/config.json" "$BUNDLE/config.json"
    run_container
    expect_refusal "$TEST_DIR/shared as block device 'disk': it is in use"
    ok delete --force "$first"
    run_container
    expect_success
}

@test "only the monitor holds a disk while the guest runs, and nobody afterwards" {
    disks spt wait
    create
    ok start "$ID"
    eventually prints waiting
    local monitor
    monitor=$(<"/proc/$PID/task/$PID/children")
    remember_pid "${monitor// /}"
    equal "$(readlink "/proc/${monitor// /}/fd/"* | grep -c -x -F -e "$DISK" -e "$OTHER")" 2 'disks of the monitor'
    equal "$(readlink "/proc/$PID/fd/"* | grep -c -x -F -e "$DISK" -e "$OTHER")" 0 'disks of process 1'
    equal "$(grep -l "$(stat --format %i "$DISK")" /proc/locks | wc -l)" 1 locks
    ok kill "$ID" TERM
    eventually has_status stopped
    equal "$(grep -c ":$(stat --format %i "$DISK") " /proc/locks)" 0 locks
}

@test "a mount that no disk takes is refused, but for those of engines" {
    guest_bundle spt hello
    edit '.mounts = [{destination: "/data", type: "bind", source: "/tmp"}]'
    run_container
    expect_refusal '/mounts/0: the guest cannot be given /data'
    edit '.annotations = {"org.swiftlet.unikernel.leave-out-mounts": "/other,/data/"}'
    run_container
    expect_success
    edit '.mounts = [{destination: "/scratch", type: "tmpfs", source: "tmpfs"}]'
    run_container
    expect_refusal '/mounts/0: the guest cannot be given /scratch'
    edit '.mounts = [{destination: "/proc", type: "proc"}, {destination: "/dev", type: "tmpfs"},
        {destination: "/dev/shm", type: "bind", source: "/tmp"}, {destination: "/run", type: "tmpfs"},
        {destination: "/etc/hosts", type: "bind", source: "/etc/hosts"},
        {destination: "/sys/fs/cgroup", type: "cgroup"},
        {destination: "/var/run/secrets/kubernetes.io/serviceaccount", type: "bind", source: "/tmp"}]'
    runtime --debug run --bundle "$BUNDLE" "$ID"
    expect_success
    grep -q 'not given: /proc /dev /dev/shm /run /etc/hosts' "$TEST_DIR/log" || fail "not logged: $(<"$TEST_DIR/log")"
}

@test "swiftlet plan shows what is behind each disk" {
    disks spt
    mkdir "$TEST_DIR/volume"
    edit '.mounts[1].source = $volume' --arg volume "$TEST_DIR/volume"
    ok plan --bundle "$BUNDLE"
    equal "$(jq --compact-output '.guest.devices[] | [.foundBy, .path, .content, .readOnly]' <<<"$output")" \
        '["/mounts/0","'"$DISK"'","file",false]'$'\n''["/mounts/1","'"$TEST_DIR/volume"'","tar",true]' plan
}

# --- volumes

# Dumps the second disk of a guest into a file.
dump_volume() { # hvt|spt SOURCE
    disks "$1" dump disk1
    edit '.mounts[1].source = $source' --arg source "$2"
    [[ ! ${3-} ]] || edit "$3"
    run_container
    expect_success
    python3 -c 'import sys; sys.stdout.buffer.write(bytes.fromhex(open(sys.argv[1]).read()))' "$TEST_DIR/out" \
        >"$TEST_DIR/volume.tar"
}

volume() { # hvt|spt
    local source=$TEST_DIR/source name
    mkdir -p "$source/empty" "$source/one/two"
    name=$(printf 'n%.0s' {1..120})
    echo text >"$source/file"
    : >"$source/one/nothing"
    head -c 5000 /dev/urandom >"$source/one/two/bytes"
    echo long >"$source/one/$name"
    ln -s one/two/bytes "$source/link"
    chmod 640 "$source/file"
    chown 123:4000000 "$source/file"
    touch --date '2020-02-03 04:05:06 UTC' "$source/file"
    dump_volume "$1" "$source"
    mkdir "$TEST_DIR/unpacked"
    tar --extract --same-owner --preserve-permissions --file "$TEST_DIR/volume.tar" --directory "$TEST_DIR/unpacked"
    rm "$source/link"
    cp -a "$source/one/two/bytes" "$source/link"
    diff --recursive "$source" "$TEST_DIR/unpacked"
    equal "$(stat --format '%a %u %g %Y' "$TEST_DIR/unpacked/file")" '640 123 4000000 1580702706' 'mode, owner, time'
    equal "$(tar --list --file "$TEST_DIR/volume.tar" | tr '\n' ' ')" \
        "empty/ file link one/ one/$name one/nothing one/two/ one/two/bytes " members
    # What the guest has cannot be changed.
    disks "$1" write disk1 0 1
    edit '.mounts[1].source = $source' --arg source "$source"
    run_container
    expect_success
    expect_output refused
}

@test "a directory reaches a guest as a tar archive: spt" { volume spt; }
@test "a directory reaches a guest as a tar archive: hvt" {
    need_kvm
    volume hvt
}

# A volume in another form than tar: what a tool of the host's reads in it.
formatted() { # FORMAT
    local source=$TEST_DIR/source
    mkdir -p "$source/one/two" "$source/..2026_01"
    echo text >"$source/..2026_01/file.configuration"
    ln -s ..2026_01 "$source/..data"
    ln -s ..data/file.configuration "$source/file.configuration"
    head -c 50000 /dev/urandom >"$source/one/two/bytes"
    echo sign >"$source/a=b"
    disks spt dump disk1
    edit '.mounts[1].source = $source | .annotations = {"org.swiftlet.unikernel.volume-format.disk1": $format}' \
        --arg source "$source" --arg format "$1"
    run_container
    expect_success
    python3 -c 'import sys; sys.stdout.buffer.write(bytes.fromhex(open(sys.argv[1]).read()))' "$TEST_DIR/out" \
        >"$TEST_DIR/volume"
    mkdir "$TEST_DIR/unpacked"
}

expect_unpacked() {
    equal "$(<"$TEST_DIR/unpacked/file.configuration")" text content
    equal "$(<"$TEST_DIR/unpacked/a=b")" sign content
    cmp "$TEST_DIR/source/one/two/bytes" "$TEST_DIR/unpacked/one/two/bytes"
    [[ ! -e $TEST_DIR/unpacked/..data ]] || fail 'the links are there'
}

@test "a directory as ext2" {
    need_command mke2fs
    need_command debugfs
    formatted ext2
    debugfs -R "rdump / $TEST_DIR/unpacked" "$TEST_DIR/volume" 2>/dev/null
    expect_unpacked
    e2fsck -fn "$TEST_DIR/volume" >/dev/null 2>&1 || fail 'the file system is damaged'
}

@test "a directory as ISO 9660" {
    need_command xorriso
    formatted iso9660
    xorriso -osirrox on -indev "$TEST_DIR/volume" -extract / "$TEST_DIR/unpacked" >/dev/null 2>&1
    expect_unpacked
}

@test "a directory as FAT" {
    need_command mcopy
    formatted fat
    mcopy -s -n -i "$TEST_DIR/volume" '::*' "$TEST_DIR/unpacked"
    expect_unpacked
}

@test "without the tool that makes a volume its name is said, and larger ones are refused" {
    local source=$TEST_DIR/source
    mkdir "$source"
    truncate --size 2M "$source/large"
    disks spt size disk1
    edit '.mounts[1].source = $source | .annotations = {"org.swiftlet.unikernel.volume-format.disk1": "ext2",
        "org.swiftlet.unikernel.volume-limit.disk1": "1"}' --arg source "$source"
    run_container
    expect_refusal 'it takes more than 1 MiB'
    truncate --size 1k "$source/large"
    mkdir "$TEST_DIR/bin"
    status=0
    unshare --mount --propagation private bash -c 'for place in /usr/sbin /usr/bin /sbin /bin; do
            [[ ! -e $place/mke2fs ]] || mount --bind /dev/null "$place/mke2fs"
        done
        exec "$@"' -- "$RUNTIME" --root "$ROOT" run --bundle "$BUNDLE" "$ID" >"$TEST_DIR/out" 2>"$TEST_DIR/err" </dev/null 3>&- || status=$?
    output=$(<"$TEST_DIR/out") stderr=$(<"$TEST_DIR/err")
    expect_refusal 'the host has no mke2fs'
}

@test "a directory of the image, and an empty one" {
    guest_bundle spt disks size disk size disk1
    mkdir "$BUNDLE/rootfs/disk" "$BUNDLE/rootfs/disk1"
    echo text >"$BUNDLE/rootfs/disk1/file"
    edit '.annotations = {"org.swiftlet.unikernel.block-sector-size.disk": "4096"}'
    run_container
    expect_success
    expect_output $'4096 in sectors of 4096\n2048 in sectors of 512'
}

@test "a ConfigMap's files are what its links lead to" {
    local source=$TEST_DIR/source
    mkdir -p "$source/..2026_01"
    echo one >"$source/..2026_01/key"
    echo two >"$source/..2026_01/other"
    ln -s ..2026_01 "$source/..data"
    ln -s ..data/key "$source/key"
    ln -s ..data/other "$source/other"
    dump_volume spt "$source"
    equal "$(tar --list --file "$TEST_DIR/volume.tar" | tr '\n' ' ')" 'key other ' members
    equal "$(tar --extract --to-stdout --file "$TEST_DIR/volume.tar" other)" two content
}

@test "a directory that cannot be packed is refused" {
    local source=$TEST_DIR/source
    refused_volume() { # REGEX
        disks spt dump disk1
        edit '.mounts[1].source = $source' --arg source "$source"
        edit "${2:-.}"
        run_container
        expect_refusal "$source as block device 'disk1': $1"
    }
    mkdir "$source"
    echo secret >"$TEST_DIR/secret"
    ln -s ../secret "$source/link"
    refused_volume 'link in it cannot be followed inside of it'
    ln -sf /etc/passwd "$source/link"
    refused_volume 'link in it cannot be followed inside of it'
    ln -sfn . "$source/link"
    refused_volume '.* is too deep, or its links lead in a circle'
    rm "$source/link"
    mkfifo "$source/fifo"
    refused_volume 'fifo in it is neither a file nor a directory'
    rm "$source/fifo"
    truncate --size 65M "$source/large"
    refused_volume 'it takes more than 64 MiB'
    truncate --size 1M "$source/large"
    refused_volume 'it takes more than 1 MiB' '.annotations = {"org.swiftlet.unikernel.volume-limit.disk1": "1"}'
    disks spt size disk1
    edit '.mounts[1].source = $source | .annotations = {"org.swiftlet.unikernel.volume-format.disk1": "zip"}' \
        --arg source "$source"
    run_container
    expect_refusal 'volume-format.disk1 is "zip", need tar, iso9660, ext2, fat'
}
