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
userns without mappings | not mapped           | .linux.namespaces += [{type: "user"}]
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
/process/user/uid | invalid argument | .process.user.uid = 4294967295
/process/user/gid | invalid argument | .process.user.gid = 4294967295
/process/user/additionalGids | invalid argument | .process.user.additionalGids = [4294967295]
/process/user/additionalGids | invalid argument | .process.user.additionalGids = [range(65537)]
/process/capabilities | operation not permitted | .process.capabilities.permitted = []
/process/rlimits/0 | operation not permitted | .process.rlimits = [{type: "RLIMIT_NOFILE", soft: 1, hard: 4611686018427387904}]
/process/scheduler | invalid argument | .process.scheduler = {policy: "SCHED_FIFO", priority: 100}
/process/scheduler | runtime .5000. must be <= deadline .2000. | .process.scheduler = {policy: "SCHED_DEADLINE", runtime: 5000, deadline: 2000, period: 3000}
/linux/memoryPolicy | invalid argument | .linux.memoryPolicy = {mode: "MPOL_BIND", nodes: "1000"}
/linux/timeOffsets | numerical result out of range | .linux.namespaces += [{type: "time"}] | .linux.timeOffsets = {monotonic: {secs: -9999999999}}
/linux/netDevices/nosuch0 | no such device | .linux.netDevices = {nosuch0: {}}
/linux/netDevices/lo | file exists | .linux.netDevices = {lo: {}}
/mounts/7 | uid_map .*: invalid argument | .mounts += [{destination: "/mnt", type: "bind", source: "/tmp", options: ["bind"], uidMappings: [{containerID: 0, hostID: 1, size: 0}], gidMappings: [{containerID: 0, hostID: 1, size: 1}]}]
/mounts/7 | uid_map .*: invalid argument | .mounts += [{destination: "/mnt", type: "bind", source: "/tmp", options: ["bind"], uidMappings: [{containerID: 0, hostID: 1, size: 10}, {containerID: 5, hostID: 100, size: 10}], gidMappings: [{containerID: 0, hostID: 1, size: 1}]}]
/mounts/7 | gid_map .*: invalid argument | .mounts += [{destination: "/mnt", type: "bind", source: "/tmp", options: ["bind"], uidMappings: [{containerID: 0, hostID: 1, size: 10}], gidMappings: [{containerID: 4294967295, hostID: 1, size: 4294967295}]}]
/linux/sysctl/net~1ipv4~1nosuch | no such file | .linux.sysctl = {"net/ipv4/nosuch": "1"}
/linux/sysctl/kernel~1nosuch | separate kernel namespace | .linux.sysctl = {"kernel/nosuch": "1"}
/linux/sysctl/kernel.msgmax | invalid argument | .linux.sysctl = {"kernel.msgmax": "x"}
/linux/devices/1 | another file is there | .linux.devices = [{path: "/dev/x", type: "c", major: 1, minor: 3}, {path: "/dev/x", type: "c", major: 1, minor: 5}]
/hostname | invalid argument | .hostname = ("x" * 65)
/domainname | invalid argument | .domainname = ("x" * 65)
/hooks/createContainer/0 | no such file | .hooks.createContainer = [{path: "/no/such"}]
ROWS
}

@test "limits that the kernel refuses are named with the cgroup's file" {
    [[ -e /sys/fs/cgroup/cpu/cpu.cfs_period_us && -e /sys/fs/cgroup/cpuset/cpuset.cpus ]] || skip "no cgroup version 1"
    pointer_rows <<'ROWS'
/linux/resources/cpu/period | cpu.cfs_period_us.*: invalid argument | .linux.resources.cpu.period = 10
/linux/resources/cpu/quota | cpu.cfs_quota_us.*: invalid argument | .linux.resources.cpu.quota = 5
/linux/resources/cpu/idle | cpu.idle.*: invalid argument | .linux.resources.cpu.idle = 7
/linux/resources/cpu/burst | cpu.cfs_burst_us.*: invalid argument | .linux.resources.cpu = {quota: 1000, burst: 5000, period: 100000}
/linux/resources/cpu/cpus | cpuset.cpus.*: invalid argument | .linux.resources.cpu.cpus = "banana"
/linux/resources/cpu/cpus | cpuset.cpus.*: [ni] | .linux.resources.cpu.cpus = "4000"
/linux/resources/cpu/mems | cpuset.mems.*: [ni] | .linux.resources.cpu.mems = "1000"
/linux/resources/memory/swap | memory.memsw.limit_in_bytes.*: [ni] | .linux.resources.memory = {limit: 33554432, swap: 1048576}
/linux/resources/memory/limit | limit too low | .linux.resources.memory = {limit: 1}
/linux/resources/hugepageLimits | hugetlb.7MB.*: no such file | .linux.resources.hugepageLimits = [{pageSize: "7MB", limit: 1}]
/linux/resources/blockIO/throttleReadBpsDevice | blkio.throttle.read_bps_device.*4000:9 100.*: no such device | .linux.resources.blockIO.throttleReadBpsDevice = [{major: 4000, minor: 9, rate: 100}]
ROWS
}

@test "a limit whose controller is not there is refused" {
    local row controller pointer filter
    for row in 'net_cls /linux/resources/network/classID .network.classID=5' \
        'net_prio /linux/resources/network/priorities .network.priorities=[{name:"lo",priority:5}]' \
        'rdma /linux/resources/rdma .rdma={mlx5_1:{hcaHandles:3}}'; do
        read -r controller pointer filter <<<"$row"
        # Where it is there the limit holds, or the kernel refuses it for another reason.
        [[ ! -e /sys/fs/cgroup/$controller ]] || continue
        ! grep -qw "$controller" /sys/fs/cgroup/{,unified/}cgroup.controllers 2>/dev/null || continue
        bundle true
        edit ".linux.resources$filter"
        try_row "$controller" "(^| )$pointer: .*(controller|version 2).*"
        tried=yes
    done
    [[ ${tried-} ]] || skip "this kernel has every controller"
    all_rows_passed
}

@test "values beside each other that cannot be" {
    pointer_rows <<'ROWS'
/process/scheduler/nice | 20 | .process.scheduler = {policy: "SCHED_OTHER", nice: 20}
/process/scheduler/nice | -21 | .process.scheduler = {policy: "SCHED_OTHER", nice: -21}
/process/scheduler/priority | SchedFIFO | .process.scheduler = {policy: "SCHED_OTHER", priority: 1}
/process/scheduler/runtime | SchedDeadline | .process.scheduler = {policy: "SCHED_OTHER", runtime: 1}
/process/scheduler/policy | SCHED_NONE | .process.scheduler = {policy: "SCHED_NONE"}
/process/scheduler/policy | absent | .process.scheduler = {nice: 1}
/process/scheduler/flags/0 | F | .process.scheduler = {policy: "SCHED_OTHER", flags: ["F"]}
/process/ioPriority/priority | found 8 | .process.ioPriority = {class: "IOPRIO_CLASS_BE", priority: 8}
/process/ioPriority/priority | found -1 | .process.ioPriority = {class: "IOPRIO_CLASS_BE", priority: -1}
/process/ioPriority/class | IOPRIO_CLASS_NONE | .process.ioPriority = {class: "IOPRIO_CLASS_NONE", priority: 1}
/process/ioPriority/class | absent | .process.ioPriority = {priority: 1}
/process/execCPUAffinity/initial | 5-2 | .process.execCPUAffinity = {initial: "5-2"}
/process/execCPUAffinity/initial | no list | .process.execCPUAffinity = {initial: "a"}
/process/execCPUAffinity/final | no list | .process.execCPUAffinity = {final: "0,"}
/process/execCPUAffinity/final | no list | .process.execCPUAffinity = {final: " 1"}
/process/execCPUAffinity/final | 9999 | .process.execCPUAffinity = {final: "9999"}
/process/user/umask | 4095 | .process.user.umask = 4096
/process/consoleSize/width | absent | .process.consoleSize = {height: 5}
/linux/personality/domain | LINUX64 | .linux.personality = {domain: "LINUX64"}
/linux/personality/domain | absent | .linux.personality = {}
/linux/personality/flags/0 | flag | .linux.personality = {domain: "LINUX", flags: ["A"]}
/linux/memoryPolicy/mode | MPOL_NONE | .linux.memoryPolicy = {mode: "MPOL_NONE"}
/linux/memoryPolicy/nodes | 5-2 | .linux.memoryPolicy = {mode: "MPOL_BIND", nodes: "5-2"}
/linux/memoryPolicy/nodes | at least one | .linux.memoryPolicy = {mode: "MPOL_BIND"}
/linux/memoryPolicy/nodes | requires 0 nodes | .linux.memoryPolicy = {mode: "MPOL_LOCAL", nodes: "0"}
/linux/memoryPolicy/flags/0 | MPOL_F_NONE | .linux.memoryPolicy = {mode: "MPOL_BIND", nodes: "0", flags: ["MPOL_F_NONE"]}
/linux/timeOffsets/realtime | clock | .linux.namespaces += [{type: "time"}] | .linux.timeOffsets = {realtime: {secs: 1}}
/linux/timeOffsets/boottime/nanosecs | 999999999 | .linux.timeOffsets = {boottime: {nanosecs: 1000000000}}
/linux/timeOffsets | isn't enabled | .linux.timeOffsets = {boottime: {secs: 1}}
/linux/netDevices/lo | abcdefghijklmnop | .linux.netDevices = {lo: {name: "abcdefghijklmnop"}}
/linux/netDevices/lo | a/b | .linux.netDevices = {lo: {name: "a/b"}}
/linux/netDevices/a~1b | a/b | .linux.netDevices = {"a/b": {}}
/linux/netDevices | empty | .linux.netDevices = {"": {}}
/linux/netDevices/lo | NET namespace | .linux.netDevices = {lo: {}} | .linux.namespaces |= map(select(.type != "network"))
/linux/sysctl | empty | .linux.sysctl = {"": "1"}
/linux/sysctl/kernel.hostname | conflicts | .linux.sysctl = {"kernel.hostname": "x"}
/linux/devices/0/major | 4096 | .linux.devices = [{path: "/dev/x", type: "c", major: 4096, minor: 3}]
/linux/seccomp/defaultAction | SCMP_ACT_NOTIFY | .linux.seccomp = {defaultAction: "SCMP_ACT_NOTIFY", listenerPath: "/no/such"}
/annotations | empty | .annotations = {"": "x"}
/linux/seccomp/defaultErrnoRet | error number | .linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", defaultErrnoRet: 1}
/linux/seccomp/syscalls/0/errnoRet | error number | .linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["read"], action: "SCMP_ACT_LOG", errnoRet: 1}]}
/linux/intelRdt/memBwSchema | MB: | .linux.intelRdt = {memBwSchema: "L3:0=1"}
/linux/seccomp/listenerMetadata | listenerPath | .linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", listenerMetadata: "x"}
/linux/seccomp/listenerPath | agent | .linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["mkdir"], action: "SCMP_ACT_NOTIFY"}]}
ROWS
}

@test "what the specification requires of a property is named by its JSON pointer" {
    pointer_rows <<'ROWS'
/ociVersion | absent | del(.ociVersion)
/root/path | absent | .root = {}
/mounts/0/destination | absent | del(.mounts[0].destination)
/process/consoleSize/height | absent | .process.consoleSize = {width: 5}
/process/consoleSize/width | absent | .process.consoleSize = {height: 5}
/process/cwd | absent | del(.process.cwd)
/process/args | . | del(.process.args)
/process/rlimits/0/type | absent | .process.rlimits = [{soft: 1, hard: 1}]
/process/rlimits/0/soft | absent | .process.rlimits = [{type: "RLIMIT_CORE", hard: 1}]
/process/rlimits/0/hard | absent | .process.rlimits = [{type: "RLIMIT_CORE", soft: 1}]
/process/scheduler/policy | absent | .process.scheduler = {}
/process/ioPriority/class | absent | .process.ioPriority = {priority: 1}
/hooks/prestart/0/path | absent | .hooks.prestart = [{}]
/hooks/prestart/0/path | absolute | .hooks.prestart = [{path: "bin/true"}]
/hooks/prestart/0/timeout | found 0 | .hooks.prestart = [{path: "/bin/true", timeout: 0}]
/hooks/createRuntime/0/path | absent | .hooks.createRuntime = [{}]
/hooks/createRuntime/0/path | absolute | .hooks.createRuntime = [{path: "bin/true"}]
/hooks/createRuntime/0/timeout | found 0 | .hooks.createRuntime = [{path: "/bin/true", timeout: 0}]
/linux/namespaces/0/type | absent | .linux.namespaces[0] = {}
/linux/uidMappings/0/containerID | absent | .linux.uidMappings = [{hostID: 0, size: 1}]
/linux/uidMappings/0/hostID | absent | .linux.uidMappings = [{containerID: 0, size: 1}]
/linux/uidMappings/0/size | absent | .linux.uidMappings = [{containerID: 0, hostID: 0}]
/linux/devices/0/type | absent | .linux.devices = [{path: "/dev/x", major: 1, minor: 3}]
/linux/devices/0/path | absent | .linux.devices = [{type: "c", major: 1, minor: 3}]
/linux/devices/0/major | absent | .linux.devices = [{type: "c", path: "/dev/x", minor: 3}]
/linux/devices/0/minor | absent | .linux.devices = [{type: "c", path: "/dev/x", major: 3}]
/linux/resources/devices/0/allow | absent | .linux.resources.devices = [{access: "r"}]
/linux/resources/blockIO/weightDevice/0/major | absent | .linux.resources.blockIO.weightDevice = [{minor: 0, weight: 10}]
/linux/resources/blockIO/weightDevice/0/minor | absent | .linux.resources.blockIO.weightDevice = [{major: 7, weight: 10}]
/linux/resources/blockIO/weightDevice/0 | weight | .linux.resources.blockIO.weightDevice = [{major: 7, minor: 0}]
/linux/resources/blockIO/throttleReadBpsDevice/0/major | absent | .linux.resources.blockIO.throttleReadBpsDevice = [{minor: 0, rate: 1}]
/linux/resources/blockIO/throttleWriteBpsDevice/0/minor | absent | .linux.resources.blockIO.throttleWriteBpsDevice = [{major: 7, rate: 1}]
/linux/resources/blockIO/throttleWriteBpsDevice/0/rate | absent | .linux.resources.blockIO.throttleWriteBpsDevice = [{major: 7, minor: 0}]
/linux/resources/blockIO/throttleReadIOPSDevice/0/major | absent | .linux.resources.blockIO.throttleReadIOPSDevice = [{minor: 0, rate: 1}]
/linux/resources/blockIO/throttleWriteIOPSDevice/0/minor | absent | .linux.resources.blockIO.throttleWriteIOPSDevice = [{major: 7, rate: 1}]
/linux/resources/blockIO/throttleReadIOPSDevice/0/rate | absent | .linux.resources.blockIO.throttleReadIOPSDevice = [{major: 7, minor: 0}]
/linux/resources/hugepageLimits/0/pageSize | absent | .linux.resources.hugepageLimits = [{limit: 1}]
/linux/resources/hugepageLimits/0/limit | absent | .linux.resources.hugepageLimits = [{pageSize: "2MB"}]
/linux/resources/network/priorities/0/name | absent | .linux.resources.network.priorities = [{priority: 1}]
/linux/resources/network/priorities/0/priority | absent | .linux.resources.network.priorities = [{name: "lo"}]
/linux/memoryPolicy/mode | mode '' | .linux.memoryPolicy = {nodes: "0"}
/linux/seccomp/defaultAction | absent | .linux.seccomp = {syscalls: []}
/linux/seccomp/syscalls/0/names | at least one | .linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{action: "SCMP_ACT_LOG"}]}
/linux/seccomp/syscalls/0/action | absent | .linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["read"]}]}
/linux/seccomp/syscalls/0/args/0/index | absent | .linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["read"], action: "SCMP_ACT_LOG", args: [{value: 0, op: "SCMP_CMP_EQ"}]}]}
/linux/seccomp/syscalls/0/args/0/value | absent | .linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["read"], action: "SCMP_ACT_LOG", args: [{index: 0, op: "SCMP_CMP_EQ"}]}]}
/linux/seccomp/syscalls/0/args/0/op | absent | .linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["read"], action: "SCMP_ACT_LOG", args: [{index: 0, value: 0}]}]}
/linux/maskedPaths/0 | absolute | .linux.maskedPaths = ["proc"]
/linux/readonlyPaths/0 | absolute | .linux.readonlyPaths = ["proc"]
/linux/personality/domain | absent | .linux.personality = {}
/vm/hypervisor/path | absent | .vm = {kernel: {path: "/k"}, hypervisor: {}}
/vm/hypervisor/path | absolute | .vm = {kernel: {path: "/k"}, hypervisor: {path: "h"}}
/vm/kernel | absent | .vm = {}
/vm/kernel/path | absent | .vm = {kernel: {}}
/vm/kernel/path | absolute | .vm = {kernel: {path: "k"}}
/vm/kernel/initrd | absolute | .vm = {kernel: {path: "/k", initrd: "i"}}
/vm/image/path | absent | .vm = {kernel: {path: "/k"}, image: {format: "raw"}}
/vm/image/path | absolute | .vm = {kernel: {path: "/k"}, image: {path: "i", format: "raw"}}
/vm/hwConfig/iomems/0/firstMFN | absent | .vm = {kernel: {path: "/k"}, hwConfig: {iomems: [{nrMFNs: 1}]}}
/vm/hwConfig/iomems/0/nrMFNs | absent | .vm = {kernel: {path: "/k"}, hwConfig: {iomems: [{firstMFN: 1}]}}
/linux/intelRdt/l3CacheSchema | line | .linux.intelRdt = {l3CacheSchema: "L3:0=f\nL3:1=f"}
/linux/intelRdt/memBwSchema | line | .linux.intelRdt = {memBwSchema: "MB:0=1\nMB:1=1"}
ROWS
}

@test "what the command line names and cannot be used" {
    local socket=$TEST_DIR/socket
    bundle true
    refused '/no/such/pid.*no such file or directory' create --bundle "$BUNDLE" --pid-file /no/such/pid "$ID"
    equal "$(leftovers)" '' 'leftovers of a pid file in a missing directory'
    edit '.process.terminal = true'
    refused '/no/such/socket.*no such file or directory' \
        create --bundle "$BUNDLE" --console-socket /no/such/socket "$ID"
    : >"$TEST_DIR/file"
    refused "$TEST_DIR/file.*(connection refused|not a socket|socket operation on non-socket)" \
        create --bundle "$BUNDLE" --console-socket "$TEST_DIR/file" "$ID"
    python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$socket"
    refused "$socket.*connection refused" create --bundle "$BUNDLE" --console-socket "$socket" "$ID"
    refused '(too long|invalid argument|name too long)' \
        create --bundle "$BUNDLE" --console-socket "/tmp/$(printf 'x%.0s' {1..200})" "$ID"
    equal "$(leftovers)" '' 'leftovers of a terminal that nobody takes'
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
