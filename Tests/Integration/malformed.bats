# Bundles and guests that are wrong: each is refused before anything is made, with one line that names the cause.
#
# A row is a line of a table: what is wrong, how it is made, and a regular expression for the message. All rows of a
# table are tried; those that fail are listed together.

load helpers

setup() {
    prepare
    need_swiftlet # what runc says, and whether it minds, is its own affair
    problems=''
}

# Creates the bundle's container, which must be refused and leave nothing.
try_row() { # NAME REGEX
    local problem left
    create_container
    problem=$(expect_refusal "$2") || problems+="--- $1"$'\n'"$problem"$'\n'
    left=$(leftovers)
    [[ ! $left ]] || problems+="--- $1 left behind:"$'\n'"$left"$'\n'
    # What is left must not hide what the next row leaves.
    if [[ $left ]]; then runtime delete --force "$ID"; fi
    [[ ! $PID ]] || problems+="--- $1 wrote a pid file"$'\n'
    rm -rf "$BUNDLE"
}

all_rows_passed() {
    [[ ! $problems ]] || {
        echo "$problems"
        return 1
    }
}

# Each line of standard input: NAME | REGEX | JQ_FILTER
config_rows() {
    local name regex filter
    while IFS='|' read -r name regex filter; do
        [[ $name ]] || continue
        bundle true
        edit "$filter"
        try_row "$(echo $name)" "$(sed 's/^ *//; s/ *$//' <<<"$regex")"
    done
    all_rows_passed
}

@test "config.json that cannot be read" {
    bundle true
    rm "$BUNDLE/config.json"
    try_row 'no config.json' 'config.json.*no such file'
    bundle true
    rm "$BUNDLE/config.json"
    mkdir "$BUNDLE/config.json"
    try_row 'config.json is a directory' 'config.json.*directory'
    bundle true
    : >"$BUNDLE/config.json"
    try_row 'empty config.json' config.json
    bundle true
    truncate -s -10 "$BUNDLE/config.json"
    try_row 'config.json cut off' config.json
    bundle true
    echo '}' >>"$BUNDLE/config.json"
    try_row 'config.json with more behind its end' config.json
    bundle true
    sed -i 's/"args"/args/' "$BUNDLE/config.json"
    try_row 'config.json with a bare word' 'config.json.*(line|byte|offset|column|[0-9])'
    bundle true
    head -c 8388608 /dev/zero | tr '\0' ' ' >>"$BUNDLE/config.json"
    try_row 'config.json of more than 8 MiB' 'config.json'
    bundle true
    printf '[%.0s' {1..100000} >"$BUNDLE/config.json"
    try_row 'config.json nested too deep' config.json
    bundle true
    printf '\xff\xfe{}' >"$BUNDLE/config.json"
    try_row 'config.json that is no text' config.json
    bundle true
    echo '[]' >"$BUNDLE/config.json"
    try_row 'config.json that is an array' 'object'
    new_bundle
    BUNDLE=$BUNDLE/nosuch
    try_row 'no bundle' 'nosuch.*no such file'
    all_rows_passed
}

@test "config.json that says what cannot be" {
    config_rows <<'ROWS'
no ociVersion           | ociVersion            | del(.ociVersion)
ociVersion of 2         | ociVersion            | .ociVersion = "2.0.0"
ociVersion no version   | ociVersion            | .ociVersion = "banana"
ociVersion a number     | ociVersion            | .ociVersion = 1
no root                 | root                  | del(.root)
no root path            | root                  | .root = {}
root path a number      | /root/path            | .root.path = 5
args empty              | args                  | .process.args = []
args missing            | args                  | del(.process.args)
args a string           | /process/args         | .process.args = "sh -c true"
args of numbers         | /process/args/1       | .process.args = ["sh", 5]
args with NUL           | args                  | .process.args = ["sh", "a\u0000b"]
an empty program        | exec: ""              | .process.args = [""]
env an object           | /process/env          | .process.env = {"A": "B"}
no cwd                  | cwd                   | del(.process.cwd)
cwd relative            | cwd                   | .process.cwd = "a/b"
cwd empty               | cwd                   | .process.cwd = ""
terminal a string       | /process/terminal     | .process.terminal = "yes"
uid negative            | /process/user/uid     | .process.user.uid = -1
uid too large           | /process/user/uid     | .process.user.uid = 4294967296
uid a fraction          | /process/user/uid     | .process.user.uid = 1.5
uid a string            | /process/user/uid     | .process.user.uid = "root"
unknown rlimit          | RLIMIT_NO_SUCH        | .process.rlimits = [{type: "RLIMIT_NO_SUCH", soft: 1, hard: 1}]
rlimit given twice      | RLIMIT_NOFILE         | .process.rlimits += .process.rlimits
rlimit soft above hard  | RLIMIT_NOFILE         | .process.rlimits = [{type: "RLIMIT_NOFILE", soft: 2, hard: 1}]
oom_score_adj           | oom.?[sS]core.?[aA]dj | .process.oomScoreAdj = 5000
unknown namespace       | outer                 | .linux.namespaces += [{type: "outer"}]
namespace given twice   | pid                   | .linux.namespaces += [{type: "pid"}]
namespace path relative | ns/net                | .linux.namespaces[1].path = "ns/net"
namespace path missing  | no/such/ns            | .linux.namespaces[1].path = "/no/such/ns"
namespace path no ns    | /etc/passwd           | .linux.namespaces[1].path = "/etc/passwd"
mounts an object        | /mounts               | .mounts = {}
mount without place     | /mounts/0             | .mounts = [{type: "tmpfs", source: "tmpfs"}]
mount of nothing        | no/such/source        | .mounts += [{destination: "/mnt", type: "bind", source: "/no/such/source", options: ["bind"]}]
unknown file system     | nosuchfs              | .mounts += [{destination: "/mnt", type: "nosuchfs", source: "none"}]
unknown propagation     | sideways              | .linux.rootfsPropagation = "sideways"
device of unknown type  | type                  | .linux.devices = [{path: "/dev/x", type: "z", major: 1, minor: 3}]
device without path     | /linux/devices/0      | .linux.devices = [{type: "c", major: 1, minor: 3}]
hook path relative      | hook                  | .hooks.createRuntime = [{path: "bin/true"}]
hook without path       | /hooks/createRuntime  | .hooks.createRuntime = [{args: ["a"]}]
hook timeout negative   | timeout               | .hooks.createRuntime = [{path: "/bin/true", timeout: -1}]
seccomp action          | SCMP_ACT_NO_SUCH      | .linux.seccomp = {defaultAction: "SCMP_ACT_NO_SUCH"}
seccomp architecture    | SCMP_ARCH_NO_SUCH     | .linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", architectures: ["SCMP_ARCH_NO_SUCH"]}
seccomp operator        | SCMP_CMP_NO_SUCH      | .linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["mkdir"], action: "SCMP_ACT_ERRNO", args: [{index: 0, value: 0, op: "SCMP_CMP_NO_SUCH"}]}]}
sysctl out of the tree  | kernel/x              | .linux.sysctl = {"net.../../kernel/x": "1"}
mappings without userns | [uU]ser               | .linux.uidMappings = [{containerID: 0, hostID: 1000, size: 1}]
userns without mappings | [mM]apping            | .linux.namespaces += [{type: "user"}]
memory a string         | /linux/resources/memory/limit | .linux.resources.memory.limit = "16M"
annotation a number     | annotations           | .annotations = {"a": 1}
terminal without socket | console               | .process.terminal = true
ROWS
}

# Each line of standard input: JSON_POINTER | FRAGMENT OF THE REASON | JQ_FILTER
# The error has to name the property, as a word of its own, and then to say why.
pointer_rows() {
    local pointer reason filter
    while IFS='|' read -r pointer reason filter; do
        [[ $pointer ]] || continue
        pointer=$(echo $pointer) reason=$(sed 's/^ *//; s/ *$//' <<<"$reason")
        reason=${reason/#integer/(an integer|a number)}
        bundle true
        edit "$filter"
        try_row "$pointer $filter" "(^| )$pointer: .*$reason"
    done
    all_rows_passed
}

@test "a property of the wrong type or out of range is named by its JSON pointer" {
    pointer_rows <<'ROWS'
/ociVersion | string | .ociVersion = 1
/hostname | string | .hostname = 5
/domainname | string | .domainname = []
/annotations | object | .annotations = "x"
/annotations/a | string | .annotations = {a: 1}
/root/path | string | .root.path = {}
/root/readonly | bool | .root.readonly = "no"
/process/terminal | bool | .process.terminal = 1
/process/args | array | .process.args = "true"
/process/args/0 | string | .process.args = [1]
/process/env | array | .process.env = "A=B"
/process/env/1 | string | .process.env = ["A=B", null]
/process/cwd | string | .process.cwd = 3
/process/cwd | absolute | .process.cwd = "tmp"
/process/user/uid | integer | .process.user.uid = "0"
/process/user/gid | integer | .process.user.gid = -1
/process/user/umask | integer | .process.user.umask = "022"
/process/user/additionalGids | array | .process.user.additionalGids = 5
/process/user/additionalGids/0 | integer | .process.user.additionalGids = ["a"]
/process/capabilities | object | .process.capabilities = []
/process/capabilities/bounding | array | .process.capabilities.bounding = "CAP_KILL"
/process/capabilities/effective/0 | string | .process.capabilities.effective = [true]
/process/capabilities/permitted/1 | string | .process.capabilities.permitted = ["CAP_KILL", 5]
/process/capabilities/inheritable/0 | string | .process.capabilities.inheritable = [7]
/process/capabilities/ambient/0 | string | .process.capabilities.ambient = [{}]
/process/noNewPrivileges | bool | .process.noNewPrivileges = "yes"
/process/oomScoreAdj | integer | .process.oomScoreAdj = "1"
/process/oomScoreAdj | 1001 | .process.oomScoreAdj = 1001
/process/rlimits | array | .process.rlimits = {}
/process/rlimits/0/type | NOFILES | .process.rlimits = [{type: "NOFILES", soft: 1, hard: 1}]
/process/rlimits/0/soft | integer | .process.rlimits = [{type: "RLIMIT_CORE", soft: -1, hard: 1}]
/process/rlimits/0/hard | absent | .process.rlimits = [{type: "RLIMIT_CORE", soft: 1}]
/process/consoleSize | object | .process.consoleSize = 5
/process/consoleSize/height | integer | .process.consoleSize = {height: -1, width: 1}
/process/scheduler | object | .process.scheduler = "SCHED_OTHER"
/process/ioPriority | object | .process.ioPriority = 4
/process/apparmorProfile | string | .process.apparmorProfile = 1
/process/selinuxLabel | string | .process.selinuxLabel = {}
/mounts | array | .mounts = "x"
/mounts/0 | object | .mounts[0] = "proc"
/mounts/0/destination | string | .mounts[0].destination = 1
/mounts/1/type | string | .mounts[1].type = []
/mounts/1/source | string | .mounts[1].source = {}
/mounts/1/options | array | .mounts[1].options = "ro"
/mounts/1/options/0 | string | .mounts[1].options = [1]
/hooks | object | .hooks = []
/hooks/prestart | array | .hooks.prestart = {}
/hooks/createRuntime/0/path | string | .hooks.createRuntime = [{path: 1}]
/hooks/createContainer/0/path | absolute | .hooks.createContainer = [{path: "a"}]
/hooks/startContainer/0/args | array | .hooks.startContainer = [{path: "/a", args: "b"}]
/hooks/poststart/0/env/0 | string | .hooks.poststart = [{path: "/a", env: [1]}]
/hooks/poststop/0/timeout | integer | .hooks.poststop = [{path: "/a", timeout: "1"}]
/linux | object | .linux = []
/linux/namespaces | array | .linux.namespaces = {}
/linux/namespaces/0/type | nope | .linux.namespaces[0].type = "nope"
/linux/namespaces/0/path | string | .linux.namespaces[0].path = 1
/linux/uidMappings | array | .linux.uidMappings = {}
/linux/uidMappings/0/size | absent | .linux.uidMappings = [{containerID: 0, hostID: 0}]
/linux/gidMappings/0/hostID | integer | .linux.gidMappings = [{containerID: 0, hostID: -5, size: 1}]
/linux/devices | array | .linux.devices = {}
/linux/devices/0/path | string | .linux.devices = [{path: 1, type: "c", major: 1, minor: 1}]
/linux/devices/0/type | type | .linux.devices = [{path: "/dev/x", type: "q", major: 1, minor: 1}]
/linux/devices/0/major | integer | .linux.devices = [{path: "/dev/x", type: "c", major: "1", minor: 1}]
/linux/devices/0/fileMode | integer | .linux.devices = [{path: "/dev/x", type: "c", major: 1, minor: 1, fileMode: "666"}]
/linux/cgroupsPath | string | .linux.cgroupsPath = 1
/linux/sysctl | object | .linux.sysctl = []
/linux/sysctl/net.ipv4.ip_forward | string | .linux.sysctl = {"net.ipv4.ip_forward": 1}
/linux/sysctl/vm.swappiness | namespace | .linux.sysctl = {"vm.swappiness": "1"}
/linux/rootfsPropagation | unknown | .linux.rootfsPropagation = "up"
/linux/maskedPaths | array | .linux.maskedPaths = "/a"
/linux/maskedPaths/0 | string | .linux.maskedPaths = [1]
/linux/readonlyPaths/0 | string | .linux.readonlyPaths = [{}]
/linux/mountLabel | string | .linux.mountLabel = 1
/linux/seccomp | object | .linux.seccomp = []
/linux/seccomp/defaultAction | absent | .linux.seccomp = {}
/linux/seccomp/defaultAction | NOPE | .linux.seccomp = {defaultAction: "NOPE"}
/linux/seccomp/architectures/0 | x86 | .linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", architectures: ["x86"]}
/linux/seccomp/flags/0 | F | .linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", flags: ["F"]}
/linux/seccomp/syscalls/0/names | name | .linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: [], action: "SCMP_ACT_LOG"}]}
/linux/seccomp/syscalls/0/action | NOPE | .linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["read"], action: "NOPE"}]}
/linux/seccomp/syscalls/0/args/0/index | 6 | .linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["read"], action: "SCMP_ACT_LOG", args: [{index: 6, value: 0, op: "SCMP_CMP_EQ"}]}]}
/linux/resources | object | .linux.resources = []
/linux/resources/memory | object | .linux.resources.memory = 1
/linux/resources/memory/limit | integer | .linux.resources.memory.limit = "1G"
/linux/resources/memory/swap | integer | .linux.resources.memory.swap = {}
/linux/resources/memory/reservation | integer | .linux.resources.memory.reservation = true
/linux/resources/cpu/shares | integer | .linux.resources.cpu.shares = -1
/linux/resources/cpu/quota | integer | .linux.resources.cpu.quota = "1"
/linux/resources/cpu/period | integer | .linux.resources.cpu.period = -1
/linux/resources/cpu/cpus | string | .linux.resources.cpu.cpus = 0
/linux/resources/cpu/mems | string | .linux.resources.cpu.mems = []
/linux/resources/pids/limit | integer | .linux.resources.pids.limit = "1"
/linux/resources/blockIO/weight | 65536 | .linux.resources.blockIO.weight = 65536
/linux/resources/hugepageLimits/0/pageSize | 2M | .linux.resources.hugepageLimits = [{pageSize: "2M", limit: 1}]
/linux/resources/network/classID | integer | .linux.resources.network.classID = -1
/linux/resources/rdma/mlx | needs | .linux.resources.rdma = {mlx: {}}
/linux/resources/unified/pids.max | string | .linux.resources.unified = {"pids.max": 1}
/linux/resources/devices/0/allow | absent | .linux.resources.devices = [{access: "r"}]
/linux/resources/devices/0/access | rx | .linux.resources.devices = [{allow: true, access: "rx"}]
/linux/personality | object | .linux.personality = "LINUX"
/linux/intelRdt | object | .linux.intelRdt = 1
/vm | object | .vm = 1
/vm/kernel | absent | .vm = {}
ROWS
}

@test "what the kernel or the host refuses is named by its JSON pointer" {
    pointer_rows <<'ROWS'

/mounts/7 | no such file or directory | .mounts += [{destination: "/mnt", type: "bind", source: "/no/such", options: ["bind"]}]
/mounts/7 | no such device | .mounts += [{destination: "/mnt", type: "nosuchfs", source: "none"}]
/mounts/7 | inside /proc | .mounts += [{destination: "/proc/self/attr", type: "bind", source: "/tmp", options: ["bind"]}]
/mounts/7 | invalid argument | .mounts += [{destination: "/mnt", type: "tmpfs", source: "tmpfs", options: ["size=banana"]}]
/linux/namespaces/1/path | no such file | .linux.namespaces[1].path = "/no/such"
/linux/namespaces/1/path | not a namespace | .linux.namespaces[1].path = "/etc/passwd"
/linux/namespaces/1/path | another type | .linux.namespaces[1].path = "/proc/self/ns/uts"
/linux/sysctl/net.ipv4.no_such | no such file | .linux.sysctl = {"net.ipv4.no_such": "1"}
/linux/sysctl/net.ipv4.ip_forward | invalid argument | .linux.sysctl = {"net.ipv4.ip_forward": "banana"}
/hooks/prestart/0 | exit status 1 | .hooks.prestart = [{path: "/bin/false"}]
/hooks/createRuntime/0 | no such file | .hooks.createRuntime = [{path: "/no/such"}]
/process/terminal | console-socket | .process.terminal = true
ROWS
}

@test "sysctl of the host" {
    # The values that are there already: nothing is spoilt when they are not refused.
    bundle true
    edit '.linux.sysctl = {"vm.swappiness": $value}' --arg value "$(</proc/sys/vm/swappiness)"
    try_row 'a setting without a namespace' vm.swappiness
    bundle true
    edit '.linux.namespaces |= map(select(.type != "network")) | .mounts = [] | .linux.sysctl = {($name): $value}' \
        --arg name net.ipv4.ip_unprivileged_port_start \
        --arg value "$(</proc/sys/net/ipv4/ip_unprivileged_port_start)"
    try_row 'a setting of the network without a namespace' ip_unprivileged_port_start
    all_rows_passed
}

@test "root filesystems that are none" {
    bundle true
    rm -rf "$BUNDLE/rootfs"
    try_row 'no root filesystem' 'root filesystem.*no such file'
    bundle true
    rm -rf "$BUNDLE/rootfs"
    : >"$BUNDLE/rootfs"
    try_row 'root filesystem is a file' 'root filesystem.*not a directory'
    bundle true
    edit '.root.path = "../../../../.."'
    try_row 'root filesystem above the bundle' 'root filesystem'
    bundle true
    mv "$BUNDLE/rootfs" "$TEST_DIR/elsewhere"
    ln -s "$TEST_DIR/elsewhere" "$BUNDLE/rootfs"
    try_row 'root filesystem is a link out of the bundle' 'root filesystem'
    rm -rf "$TEST_DIR/elsewhere"
    bundle true
    edit '.root.path = ""'
    try_row 'root filesystem without a path' 'root'
    bundle true
    edit '.root.path = "/no/such/place"'
    try_row 'absolute root filesystem that is not there' '/no/such/place.*no such file'
    all_rows_passed
}

# --- guests

# Each line of standard input: NAME | GUEST | KIND [VALUE] | REGEX
# An image that is marked as a guest must say what is wrong with it, whatever is left of its notes.
guest_rows() { # hvt|spt
    local name guest kind regex
    while IFS='|' read -r name guest kind regex; do
        [[ $name ]] || continue
        guest=$(echo $guest)
        guest_bundle "$1" "$guest"
        # shellcheck disable=SC2086 # the kind may have a value
        "$BATS_TEST_DIRNAME/damage.py" "$GUESTS/$guest.$1" "$BUNDLE/rootfs/unikernel" $kind
        edit '.annotations = {"org.swiftlet.unikernel.binary": "/unikernel"}'
        try_row "$(echo $name)" "$(sed 's/^ *//; s/ *$//' <<<"$regex")"
    done
    all_rows_passed
}

@test "guests whose ELF file is damaged" {
    need_guests
    guest_rows spt <<'ROWS'
an empty file               | hello | truncated 0               | ELF
cut off in the magic number | hello | truncated 3               | ELF
cut off in the header       | hello | truncated 40              | cut off
no program headers          | hello | truncated 64              | outside the file
cut off in the headers      | hello | truncated 100             | outside the file
cut off after the headers   | hello | truncated_after_headers   | outside the file|cut off
cut off in a segment        | hello | truncated_in_segment      | outside the file|cut off
32 bits                     | hello | elf_class 1               | 32-bit
an unknown class            | hello | elf_class 9               | class
big-endian                  | hello | byte_order 2              | big-endian
another machine             | hello | machine 183               | AArch64
i386                        | hello | machine 3                 | x86-64
an object file              | hello | elf_type 1                | ELF type 1
a shared object             | hello | elf_type 3                | ELF type 3
headers far away            | hello | headers_at 0x7fffffffffffffff | outside the file
headers at the end of numbers | hello | headers_at 0xffffffffffffffff | outside the file
headers of another size     | hello | header_size 32            | program header size
no headers                  | hello | header_count 0            | no program headers
65535 headers               | hello | header_count 65535        | 65535 program headers
ROWS
}

segment_rows() { # hvt|spt
    guest_rows "$1" <<'ROWS'
below 1 MiB                 | hello | address 0x1000            | below 0x100000
at 0                        | hello | address 0                 | below 0x100000
writable and executable     | hello | writable_and_executable   | writable and executable
overlapping                 | hello | overlapping               | before the end of the previous one
less memory than file       | hello | memory_below_file         | smaller in memory
beyond memory               | hello | last_address 0x10000000   | memory
beyond any memory           | hello | last_address 0xfffffffffffff000 | memory
too large for memory        | hello | memory_size 0x100000000   | memory
too large for numbers       | hello | memory_size 0xffffffffffffffff | memory
outside the file            | hello | file_offset 0x7fffffff000 | outside the file
odd alignment               | hello | alignment 3               | power of two
entry at 0                  | hello | entry_point 0             | starts at 0x0
entry beyond the program    | hello | entry_point 0x900000      | starts at 0x900000
entry in data               | hello | entry_in_data             | executable segment
ROWS
}

@test "guests whose segments break a rule: spt" {
    need_guests
    segment_rows spt
}

@test "guests whose segments break a rule: hvt" {
    need_guests hvt
    segment_rows hvt
}

@test "guests whose notes break a rule" {
    need_guests
    guest_rows spt <<'ROWS'
ABI version 1               | hello | abi_version 1             | ABI (version )?1
ABI version 3               | hello | abi_version 3             | ABI (version )?3
target virtio               | hello | abi_target 3              | virtio
target xen                  | hello | abi_target 6              | xen
an unknown target           | hello | abi_target 99             | 99
no ABI note                 | hello | abi_note_type 1           | ABI
no manifest                 | hello | manifest_note_type 1      | manifest
a note's name too long      | hello | note_name_size 0xfffffff0 | note
a note too long             | hello | note_size 0xfffffff0      | note
a note longer than the file | hello | note_size 0x10000         | note
manifest of version 2       | hello | manifest_version 2        | manifest.*version 2
manifest without entries    | hello | manifest_entries 0        | entr
65 entries                  | hello | manifest_entries 65       | 65 entries
more entries than there are | hello | manifest_entries 3        | 3 entries
entries beyond numbers      | hello | manifest_entries 0xffffffff | entries
entry 0 not reserved        | hello | first_entry_type 2        | entry 0
a device of unknown type    | netdev | device_type 7            | type 7
a device attached already   | netdev | device_attached          | attached
a device without a name     | netdev | device_name             | name
a name with a slash         | netdev | device_name ../x         | name
a name without an end       | netdev | device_name_without_end  | name
ROWS
}

@test "a damaged guest that nobody marked is no ordinary program either" {
    need_guests
    guest_bundle spt hello
    "$BATS_TEST_DIRNAME/damage.py" "$GUESTS/hello.spt" "$BUNDLE/rootfs/unikernel" machine 183
    try_row 'another machine' 'AArch64'
    guest_bundle spt hello
    "$BATS_TEST_DIRNAME/damage.py" "$GUESTS/hello.spt" "$BUNDLE/rootfs/unikernel" abi_target 3
    try_row 'target virtio' 'virtio'
    all_rows_passed
}

@test "images that are no files" {
    need_guests
    local kind
    for kind in directory fifo socket loop device; do
        guest_bundle spt hello
        rm "$BUNDLE/rootfs/unikernel"
        case $kind in
        directory) mkdir "$BUNDLE/rootfs/unikernel" ;;
        fifo) mkfifo "$BUNDLE/rootfs/unikernel" ;;
        socket) python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$BUNDLE/rootfs/unikernel" ;;
        loop) ln -s unikernel "$BUNDLE/rootfs/unikernel" ;;
        device) mknod "$BUNDLE/rootfs/unikernel" c 1 5 ;;
        esac
        edit '.annotations = {"org.swiftlet.unikernel.binary": "/unikernel"}'
        try_row "the image is a $kind" '/unikernel'
    done
    all_rows_passed
}

@test "/urunc.json that is wrong" {
    need_guests
    local text
    for text in '' '{' '[]' '{}' '{"com.urunc.unikernel.binary": 5}' '{"com.urunc.unikernel.binary": "/nosuch"}'; do
        guest_bundle spt hello
        echo "$text" >"$BUNDLE/rootfs/urunc.json"
        try_row "/urunc.json with '$text'" 'urunc.json|nosuch'
    done
    guest_bundle spt hello
    head -c 2097152 /dev/zero >"$BUNDLE/rootfs/urunc.json"
    try_row '/urunc.json of 2 MiB' 'urunc.json'
    all_rows_passed
}
