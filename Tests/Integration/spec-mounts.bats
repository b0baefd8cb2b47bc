# Mounts: id mappings, recursive attributes, propagation, and what is already at a mount's or a device's place.

load helpers

teardown() {
    # A test that fails half-way leaves the mounts it made on the host.
    [[ ! ${host_mounts-} ]] || umount -R "$host_mounts" || true
    clean_up
}

# The options of a mount of the container.
mount_options() { # DESTINATION
    awk -v place="$1" '$5 == place { print $6 }' <<<"$output"
}

# A directory with a file of user and group 1000 and a tmpfs below it with another.
owned_source() {
    mkdir -p "$TEST_DIR/data/sub"
    touch "$TEST_DIR/data/file"
    chown 1000:1000 "$TEST_DIR/data" "$TEST_DIR/data/file"
    mount -t tmpfs tmpfs "$TEST_DIR/data/sub"
    host_mounts=$TEST_DIR/data/sub
    touch "$TEST_DIR/data/sub/file"
    chown 1000:1000 "$TEST_DIR/data/sub/file"
}

@test "id-mapped mounts: mappings of their own" {
    need_swiftlet # runc 1.1 knows none
    owned_source
    local maps='uidMappings: [{containerID: 1000, hostID: 5000, size: 10}], gidMappings: [{containerID: 1000, hostID: 6000, size: 10}]'
    inside 'stat -c %u:%g /one/file /two/file /two/sub/file /three/file /three/sub/file' ".mounts += [
        {destination: \"/one\", type: \"bind\", source: \"$TEST_DIR/data\", options: [\"bind\"], $maps},
        {destination: \"/two\", type: \"bind\", source: \"$TEST_DIR/data\", options: [\"rbind\", \"idmap\"], $maps},
        {destination: \"/three\", type: \"bind\", source: \"$TEST_DIR/data\", options: [\"rbind\", \"ridmap\"], $maps}]"
    equal "$(tr '\n' ' ' <<<"$output")" '5000:6000 5000:6000 1000:1000 5000:6000 5000:6000 ' owners
    # What is made through the mount belongs to the file system's id.
    inside 'touch /one/new' ".mounts += [
        {destination: \"/one\", type: \"bind\", source: \"$TEST_DIR/data\", options: [\"bind\", \"ro\", \"rw\"], $maps}]
        | .process.user = {uid: 5000, gid: 6000}"
    equal "$(stat -c %u:%g "$TEST_DIR/data/new")" 1000:1000 'owner on the file system'
    umount "$TEST_DIR/data/sub"
    host_mounts=''
}

@test "id-mapped mounts: the mappings of the container's user namespace" {
    need_swiftlet
    mkdir "$TEST_DIR/data"
    chmod 711 "$TEST_DIR"
    touch "$TEST_DIR/data/file"
    bundle sh -c 'stat -c %u:%g /one/file /plain/file; touch /one/new'
    chown -hR 100000:200000 "$BUNDLE/rootfs"
    edit ".linux.namespaces += [{type: \"user\"}]
        | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}]
        | .linux.gidMappings = [{containerID: 0, hostID: 200000, size: 65536}]
        | .mounts += [{destination: \"/one\", type: \"bind\", source: \"$TEST_DIR/data\", options: [\"bind\", \"idmap\"]},
            {destination: \"/plain\", type: \"bind\", source: \"$TEST_DIR/data\", options: [\"bind\"]}]"
    run_container
    expect_success
    expect_output $'0:0\n65534:65534'
    equal "$(stat -c %u:%g "$TEST_DIR/data/new")" 0:0 'owner on the file system'
}

@test "id-mapped mounts that cannot be are refused" {
    need_swiftlet
    local maps='uidMappings: [{containerID: 0, hostID: 5000, size: 10}], gidMappings: [{containerID: 0, hostID: 5000, size: 10}]'
    refuses 'id-mapped mounts are only supported for bind-mounts' \
        ".mounts += [{destination: \"/mnt\", type: \"tmpfs\", source: \"tmpfs\", $maps}]"
    refuses '/mounts/7/options: idmap needs mappings' \
        '.mounts += [{destination: "/mnt", type: "bind", source: "/tmp", options: ["bind", "idmap"]}]'
    refuses '/mounts/7/gidMappings: uidMappings and gidMappings must be given together' \
        '.mounts += [{destination: "/mnt", type: "bind", source: "/tmp", options: ["bind"],
            uidMappings: [{containerID: 0, hostID: 5000, size: 10}]}]'
    # procfs cannot be mapped, and the error says where.
    refuses 'cannot map the ids of the mount at /mnt: mount_setattr MOUNT_ATTR_IDMAP' \
        ".mounts += [{destination: \"/mnt\", type: \"bind\", source: \"/proc/sys\", options: [\"bind\"], $maps}]"
}

@test "recursive mount attributes reach the whole tree" {
    mkdir -p "$TEST_DIR/data/sub"
    mount -t tmpfs tmpfs "$TEST_DIR/data/sub"
    host_mounts=$TEST_DIR/data/sub
    local option expected
    while read -r option expected; do
        inside 'cat /proc/self/mountinfo' ".mounts += [{destination: \"/mnt\", type: \"bind\", source: \"$TEST_DIR/data\",
            options: [\"rbind\", \"$option\"]}]"
        matches ",$(mount_options /mnt)," ",$expected," "$option, the mount"
        matches ",$(mount_options /mnt/sub)," ",$expected," "$option, the mount below"
    done <<'ROWS'
rro ro
rnosuid nosuid
rnodev nodev
rnoexec noexec
rnodiratime nodiratime
rnoatime noatime
rrelatime relatime
ROWS
    mount -o remount,ro,nosuid,nodev,noexec "$TEST_DIR/data/sub"
    inside 'cat /proc/self/mountinfo' ".mounts += [{destination: \"/mnt\", type: \"bind\", source: \"$TEST_DIR/data\",
        options: [\"rbind\", \"rrw\", \"rsuid\", \"rdev\", \"rexec\"]}]"
    ! [[ ,$(mount_options /mnt/sub), =~ ,(ro|nosuid|nodev|noexec), ]] || fail "not cleared: $(mount_options /mnt/sub)"
    umount "$TEST_DIR/data/sub"
    host_mounts=''
}

@test "a plain option is for the mount alone" {
    mkdir -p "$TEST_DIR/data/sub"
    mount -t tmpfs tmpfs "$TEST_DIR/data/sub"
    host_mounts=$TEST_DIR/data/sub
    inside 'cat /proc/self/mountinfo' ".mounts += [{destination: \"/mnt\", type: \"bind\", source: \"$TEST_DIR/data\",
        options: [\"rbind\", \"ro\", \"noexec\"]}]"
    matches ",$(mount_options /mnt)," ',ro,.*noexec,' 'the mount'
    ! [[ ,$(mount_options /mnt/sub), =~ ,(ro|noexec), ]] || fail "reached the mount below"
    umount "$TEST_DIR/data/sub"
    host_mounts=''
}

@test "mounts come in the listed order, over links and on files" {
    mkdir "$TEST_DIR/data"
    echo content >"$TEST_DIR/data/file"
    bundle sh -c 'cat /over/file; cat /target/file; cat /etc/link; ls -l /etc/link | grep -c -- "->"; cat /rel/file; ls /twice'
    ln -s target "$BUNDLE/rootfs/over"
    echo other >"$BUNDLE/rootfs/etc/real"
    ln -s real "$BUNDLE/rootfs/etc/link"
    mkdir "$BUNDLE/rootfs/target"
    edit ".mounts += [
        {destination: \"/over\", type: \"bind\", source: \"$TEST_DIR/data\", options: [\"bind\"]},
        {destination: \"/etc/link\", type: \"bind\", source: \"$TEST_DIR/data/file\", options: [\"bind\"]},
        {destination: \"rel\", type: \"bind\", source: \"$TEST_DIR/data\", options: [\"bind\"]},
        {destination: \"/twice\", type: \"bind\", source: \"$TEST_DIR/data\", options: [\"bind\"]},
        {destination: \"/twice\", type: \"tmpfs\", source: \"tmpfs\"}]"
    run_container
    expect_success
    expect_output $'content\ncontent\ncontent\n1\ncontent'
}

@test "a relative destination counts from the root" {
    bundle sh -c 'cat /mnt/place/file'
    mkdir "$TEST_DIR/data"
    echo content >"$TEST_DIR/data/file"
    edit '.process.cwd = "/tmp" | .mounts += [{destination: "mnt/place", type: "bind", source: $source, options: ["bind"]}]' \
        --arg source "$TEST_DIR/data"
    run_container
    expect_success
    expect_output content
}

@test "tmpcopyup fills a new file system, read-only and nested" {
    bundle sh -c 'cat /etc/deep/down/file; stat -c %a:%u /etc/deep; readlink /etc/deep/link; touch /etc/deep/new 2>&1; ls -A /etc/deep/down/more'
    mkdir -p "$BUNDLE/rootfs/etc/deep/down/more"
    echo content >"$BUNDLE/rootfs/etc/deep/down/file"
    ln -s down/file "$BUNDLE/rootfs/etc/deep/link"
    chmod 750 "$BUNDLE/rootfs/etc/deep/down"
    edit '.mounts += [{destination: "/etc/deep", type: "tmpfs", source: "tmpfs", options: ["tmpcopyup", "ro", "mode=0711"]},
        {destination: "/etc/deep/down/more", type: "tmpfs", source: "tmpfs"}]'
    # A read-only file system takes no further mount points: the nested one is there by the copy.
    run_container
    expect_success
    equal "$(sed -n 1p <<<"$output")" content 'the file'
    equal "$(sed -n 3p <<<"$output")" down/file 'the link'
    expect_contains 'Read-only file system'
}

@test "a tmpfs has the mode that is asked for, or that of the directory it hides" {
    need_swiftlet # runc 1.1 takes that of the directory also when another is asked for
    bundle stat -c %a /mine /asked /new
    mkdir "$BUNDLE/rootfs/mine" "$BUNDLE/rootfs/asked"
    chmod 2712 "$BUNDLE/rootfs/mine" "$BUNDLE/rootfs/asked"
    edit '.mounts += [
        {destination: "/mine", type: "tmpfs", source: "tmpfs", options: ["ro"]},
        {destination: "/asked", type: "tmpfs", source: "tmpfs", options: ["nosuid", "mode=0711"]},
        {destination: "/new", type: "tmpfs", source: "tmpfs"}]'
    run_container
    expect_success
    expect_output $'2712\n711\n1777'
}

@test "options that a bind mount has not are left out with a warning" {
    need_swiftlet
    inside 'echo runs' '.mounts += [{destination: "/mnt", type: "bind", source: "/tmp", options: ["bind", "mode=755", "size=1k"]}]'
    expect_output runs
    matches "$(<"$TEST_DIR/log")" 'warning.*ignoring options of the mount at /mnt.*mode=755,size=1k' log
    # A file system says itself what it does not know.
    refuses '/mounts/7' '.mounts += [{destination: "/mnt", type: "tmpfs", source: "tmpfs", options: ["nosuchoption"]}]'
}

@test "the propagation of the root" {
    need_swiftlet # runc 1.1 cannot bind an unbindable root
    local row expected
    while read -r row expected; do
        inside 'grep " / / " /proc/self/mountinfo || grep -m 1 " / " /proc/self/mountinfo' ".linux.rootfsPropagation = \"$row\""
        matches "$(awk '$5 == "/" { for (i = 7; $i != "-"; i++) printf "%s ", $i }' <<<"$output")" "$expected" "$row"
    done <<'ROWS'
private ^$
rprivate ^$
unbindable unbindable
runbindable unbindable
shared shared:
rshared shared:
ROWS
}

@test "what an image has in a device's place" {
    need_swiftlet # runc 1.1 takes anything
    local filter='.mounts |= map(select(.destination | startswith("/dev") | not))'
    bundle sh -c 'stat -c "%F %t:%T" /dev/null; echo x >/dev/null; stat -c "%F %t:%T" /dev/zero'
    mknod -m 666 "$BUNDLE/rootfs/dev/zero" c 1 5
    edit "$filter"
    run_container
    expect_success
    expect_output $'character special file 1:3\ncharacter special file 1:5'
    # A file by the name of a device would take what is thrown away, and show it to others.
    bundle true
    echo trap >"$BUNDLE/rootfs/dev/null"
    edit "$filter"
    run_container
    expect_refusal 'cannot make device /dev/null: mknod another file is there already'
    bundle true
    ln -s /etc/passwd "$BUNDLE/rootfs/dev/null"
    edit "$filter"
    run_container
    expect_refusal 'another file is there already'
    bundle true
    mknod "$BUNDLE/rootfs/dev/null" c 1 5
    edit "$filter"
    run_container
    expect_refusal 'another file is there already'
}

@test "kinds of devices" {
    inside 'stat -c "%F %t:%T %a" /dev/old /run/queue' '.linux.devices = [
        {path: "/dev/old", type: "u", major: 1, minor: 7, fileMode: 384}, {path: "/run/queue", type: "p", fileMode: 432}]'
    expect_output $'character special file 1:7 600\nfifo 0:0 660'
    need_swiftlet
    refuses '/linux/devices/0/major: ' '.linux.devices = [{path: "/dev/x", type: "c", major: -1, minor: 7}]'
    refuses '/linux/devices/0/minor: ' '.linux.devices = [{path: "/dev/x", type: "c", major: 1, minor: 1048576}]'
}

@test "devices in a user namespace: the host's, or made for the container" {
    need_swiftlet # runc 1.1 binds whatever the host has there, fifos too
    chmod 711 "$TEST_DIR"
    bundle sh -c 'stat -L -c "%F %t:%T" /dev/null /dev/kmsg; : >/dev/null && echo written; stat -c %F /dev/queue'
    chown -hR 100000:200000 "$BUNDLE/rootfs"
    local maps='.linux.namespaces += [{type: "user"}]
        | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}]
        | .linux.gidMappings = [{containerID: 0, hostID: 200000, size: 65536}]'
    [[ -c /dev/kmsg ]] || skip "no /dev/kmsg here"
    edit "$maps | .linux.devices = [{path: \"/dev/kmsg\", type: \"c\", major: 1, minor: 11}, {path: \"/dev/queue\", type: \"p\"}]"
    run_container
    expect_success
    expect_output $'character special file 1:3\ncharacter special file 1:b\nwritten\nfifo'
    # The host has another file there, none, or one with another owner and mode.
    bundle sh -c 'stat -c "%F %t:%T %a %u:%g" /dev/kmsg /dev/mine /dev/sub/null; : >/dev/sub/null && echo written
        grep -c "^devices " /proc/mounts'
    chown -hR 100000:200000 "$BUNDLE/rootfs"
    edit "$maps | .linux.devices = [
        {path: \"/dev/kmsg\", type: \"c\", major: 1, minor: 3},
        {path: \"/dev/mine\", type: \"b\", major: 1, minor: 5, uid: 10, gid: 11, fileMode: 416},
        {path: \"/dev/sub/null\", type: \"c\", major: 1, minor: 3, uid: 5}]"
    run_container
    expect_success
    expect_output $'character special file 1:3 666 0:0\nblock special file 1:5 640 10:11
character special file 1:3 666 5:0\nwritten\n3'
    # An id that is not mapped has no node.
    bundle true
    chown -hR 100000:200000 "$BUNDLE/rootfs"
    edit "$maps | .linux.devices = [{path: \"/dev/mine\", type: \"b\", major: 1, minor: 5, uid: 70000}]"
    run_container
    expect_refusal '/linux/devices/0: cannot make device /dev/mine: .*no such file or directory'
}

# Each line: OPTIONS (with commas) | what the mount's options and those of its file system must match, with spaces around
@test "options of a new file system are in force" {
    local options regex name
    while IFS='|' read -r options regex; do
        inside "sed -n 's|,| |g; s|.* /mnt \\([^-]*\\)- tmpfs tmpfs \\(.*\\)| \\1 \\2 |p' /proc/self/mountinfo" \
            ".mounts += [{destination: \"/mnt\", type: \"tmpfs\", source: \"tmpfs\", options: (\"$options\" | split(\",\"))}]"
        if [[ $regex == !* ]]; then
            [[ ! $output =~ ${regex#!} ]] || fail "$options: $output"
        else
            matches "$output" "$regex" "$options"
        fi
    done <<'ROWS'
ro| ro 
ro,rw|! ro 
nosuid| nosuid 
nosuid,suid|! nosuid 
nodev| nodev 
nodev,dev|! nodev 
noexec| noexec 
noexec,exec|! noexec 
sync| sync 
sync,async|! sync 
dirsync| dirsync 
noatime| noatime 
noatime,atime|! noatime 
nodiratime| nodiratime 
nodiratime,diratime|! nodiratime 
relatime| relatime 
strictatime|! (relatime|noatime) 
strictatime,nostrictatime| relatime 
norelatime| relatime 
lazytime| lazytime 
lazytime,nolazytime|! lazytime 
silent| rw 
silent,loud| rw 
iversion| rw 
iversion,noiversion| rw 
ROWS
    need_swiftlet # runc 1.1 does not know them
    inside 'grep -c " /mnt rw," /proc/self/mountinfo' \
        '.mounts += [{destination: "/mnt", type: "tmpfs", source: "tmpfs", options: ["defaults"]}]'
    expect_output 1
    inside 'ln -s /etc /mnt/link; ls /mnt/link 2>&1; true' \
        '.mounts += [{destination: "/mnt", type: "tmpfs", source: "tmpfs", options: ["nosymfollow"]}]'
    matches "$output" 'Too many' nosymfollow
    inside 'ln -s /etc /mnt/link; ls /mnt/link/ >/dev/null && echo read' \
        '.mounts += [{destination: "/mnt", type: "tmpfs", source: "tmpfs", options: ["nosymfollow", "symfollow"]}]'
    expect_output read
}

@test "the propagation of a bind mount, alone and with what is below" {
    mkdir -p "$TEST_DIR/data/sub"
    mount -t tmpfs tmpfs "$TEST_DIR/data"
    host_mounts=$TEST_DIR/data
    mkdir "$TEST_DIR/data/sub"
    mount -t tmpfs tmpfs "$TEST_DIR/data/sub"
    mount --make-rshared "$TEST_DIR/data"
    local option top below
    propagation() { # DESTINATION
        awk -v place="$1" '$5 == place { for (i = 7; $i != "-"; i++) printf "%s ", $i }' <<<"$output"
    }
    while read -r option top below; do
        inside 'cat /proc/self/mountinfo' ".mounts += [{destination: \"/mnt\", type: \"bind\", source: \"$TEST_DIR/data\",
            options: [\"rbind\", \"$option\"]}]"
        matches "$(propagation /mnt)" "$top" "$option"
        matches "$(propagation /mnt/sub)" "$below" "$option, the mount below"
    done <<'ROWS'
private ^$ .
rprivate ^$ ^$
shared shared: .
rshared shared: shared:
slave master: .
rslave master: master:
unbindable unbindable .
runbindable unbindable unbindable
ROWS
    umount -R "$TEST_DIR/data"
    host_mounts=''
}

@test "remount changes a mount that is there" {
    inside 'cat /proc/self/mountinfo' '.mounts += [{destination: "/mnt", type: "tmpfs", source: "tmpfs"},
        {destination: "/mnt", type: "tmpfs", source: "tmpfs", options: ["remount", "ro", "nosuid"]}]'
    matches ",$(mount_options /mnt)," ',ro,nosuid,' options
    equal "$(awk '$5 == "/mnt"' <<<"$output" | wc -l)" 1 mounts
}

@test "recursive access times reach the whole tree" {
    need_swiftlet # runc 1.1 has no word for the default
    mkdir -p "$TEST_DIR/data/sub"
    mount -t tmpfs -o noatime,nodiratime tmpfs "$TEST_DIR/data/sub"
    host_mounts=$TEST_DIR/data/sub
    local option regex
    while IFS='|' read -r option regex; do
        inside 'cat /proc/self/mountinfo' ".mounts += [{destination: \"/mnt\", type: \"bind\", source: \"$TEST_DIR/data\",
            options: [\"rbind\", \"$option\"]}]"
        if [[ $regex == !* ]]; then
            ! [[ ,$(mount_options /mnt/sub), =~ ${regex#!} ]] || fail "$option: $(mount_options /mnt/sub)"
        else
            matches ",$(mount_options /mnt/sub)," "$regex" "$option, the mount below"
        fi
    done <<'ROWS'
rstrictatime|!,(noatime|relatime),
rnostrictatime|,relatime,
rrelatime|,relatime,
rnorelatime|,relatime,
ratime|!,noatime,
rdiratime|!,nodiratime,
rnosymfollow|,nosymfollow,
rsymfollow|!,nosymfollow,
ROWS
    umount "$TEST_DIR/data/sub"
    host_mounts=''
}

@test "a shared root leaves no mount on a host whose mounts are shared" {
    local kind before after
    for kind in shared rshared; do
        bundle true
        edit '.linux.rootfsPropagation = $kind' --arg kind "$kind"
        # In a mount namespace whose mounts are shared, as systemd makes them.
        unshare --mount sh -c 'mount --make-rshared / && wc -l </proc/self/mountinfo && "$@" && wc -l </proc/self/mountinfo' \
            sh "$RUNTIME" --root "$ROOT" run --bundle "$BUNDLE" "$ID" >"$TEST_DIR/counts" 2>&1 3>&- ||
            fail "it did not run: $(<"$TEST_DIR/counts")"
        { read -r before && read -r after; } <"$TEST_DIR/counts"
        equal "$after" "$before" "mounts after a container with $kind"
    done
}
