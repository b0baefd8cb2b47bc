import HostSystem
import OCISpec
import Testing

/// A wrong config.json and the parts of the one line that says so.
struct Row: Sendable, CustomTestStringConvertible {
    let text: String
    let pointer: String
    let section: String
    let reason: String

    init(_ text: String, _ pointer: String, _ section: String, _ reason: String) {
        self.text = text
        self.pointer = pointer
        self.section = section
        self.reason = reason
    }

    var testDescription: String { text }
}

@Suite struct MalformedSpecTests {
    private static func whole(_ members: String) -> String { #"{"ociVersion":"1.2.1",\#(members)}"# }
    private static func process(_ members: String) -> String { whole(#""process":{"cwd":"/",\#(members)}"#) }
    private static func linux(_ members: String) -> String { whole(#""linux":{\#(members)}"#) }
    private static func resources(_ members: String) -> String { linux(#""resources":{\#(members)}"#) }
    private static func seccomp(_ members: String) -> String {
        linux(#""seccomp":{"defaultAction":"SCMP_ACT_ERRNO",\#(members)}"#)
    }

    static let documents: [Row] = [
        Row("[]", "", "config.md", "expected an object, found an array"),
        Row("{}", "/ociVersion", "config.md", "required, but absent"),
        Row(#"{"ociVersion":1}"#, "/ociVersion", "config.md", "expected a string, found a number"),
        Row(#"{"ociVersion":""}"#, "/ociVersion", "config.md", "must not be empty"),
        Row(
            #"{"ociVersion":"invalid"}"#,
            "/ociVersion", "config.md, specification-version", "'invalid' is not a semantic version"),
        Row(
            #"{"ociVersion":"1.2"}"#,
            "/ociVersion", "config.md, specification-version", "'1.2' is not a semantic version"),
        Row(
            #"{"ociVersion":"1.02.1"}"#,
            "/ociVersion", "config.md, specification-version", "'1.02.1' is not a semantic version"),
        Row(
            #"{"ociVersion":"1.0.0-01"}"#,
            "/ociVersion", "config.md, specification-version", "'1.0.0-01' is not a semantic version"),
        Row(
            #"{"ociVersion":"1.0.0-"}"#,
            "/ociVersion", "config.md, specification-version", "'1.0.0-' is not a semantic version"),
        Row(
            #"{"ociVersion":"2.0.0"}"#,
            "/ociVersion", "config.md, specification-version", "version 2.0.0 is not supported (known: 1.x)"),
        Row(whole(#""hostname":[]"#), "/hostname", "config.md", "expected a string, found an array"),
        Row(whole(#""root":{}"#), "/root/path", "config.md, root", "required, but absent"),
        Row(whole(#""root":{"path":""}"#), "/root/path", "config.md, root", "must not be empty"),
        Row(
            whole(#""root":{"path":"r","readonly":"yes"}"#),
            "/root/readonly", "config.md, root", "expected a boolean, found a string"),
        Row(
            whole(#""annotations":{"a/b~c":1}"#),
            "/annotations/a~1b~0c", "config.md, annotations", "expected a string, found a number"),
        Row(whole(#""annotations":{"":"x"}"#), "/annotations", "config.md, annotations", "a name must not be empty"),
        Row(
            whole(#""annotations":["x"]"#),
            "/annotations", "config.md, annotations", "expected an object, found an array"),
    ]

    static let mountsAndHooks: [Row] = [
        Row(whole(#""mounts":{}"#), "/mounts", "config.md", "expected an array, found an object"),
        Row(
            whole(#""mounts":[{"type":"tmpfs"}]"#),
            "/mounts/0/destination", "config.md, mounts", "required, but absent"),
        Row(
            whole(#""mounts":[{"destination":"/a"},null]"#),
            "/mounts/1", "config.md, mounts", "expected an object, found null"),
        Row(
            whole(#""mounts":[{"destination":"/a","options":["ro",1]}]"#),
            "/mounts/0/options/1", "config.md, mounts", "expected a string, found a number"),
        Row(
            whole(#""mounts":[{"destination":"/a","uidMappings":[{"containerID":0,"hostID":0,"size":1}]}]"#),
            "/mounts/0/gidMappings", "config.md, mounts", "uidMappings and gidMappings must be given together"),
        Row(
            whole(#""hooks":{"prestart":[{"args":["x"]}]}"#),
            "/hooks/prestart/0/path", "config.md, posix-platform-hooks", "required, but absent"),
        Row(
            whole(#""hooks":{"poststart":[{"path":"bin/x"}]}"#),
            "/hooks/poststart/0/path", "config.md, posix-platform-hooks", "'bin/x' is not an absolute path"),
        Row(
            whole(#""hooks":{"createRuntime":[{"path":"/x","timeout":0}]}"#),
            "/hooks/createRuntime/0/timeout", "config.md, posix-platform-hooks",
            "expected an integer from 1 to 9223372036854775807, found 0"),
    ]

    static let processes: [Row] = [
        Row(whole(#""process":{"args":["x"]}"#), "/process/cwd", "config.md, process", "required, but absent"),
        Row(whole(#""process":{"cwd":"tmp"}"#), "/process/cwd", "config.md, process", "'tmp' is not an absolute path"),
        Row(
            whole(#""process":{"cwd":"a\nb"}"#),
            "/process/cwd", "config.md, process", "'a\\nb' is not an absolute path"),
        Row(process(#""args":"sh""#), "/process/args", "config.md, process", "expected an array, found a string"),
        Row(process(#""args":[3]"#), "/process/args/0", "config.md, process", "expected a string, found a number"),
        Row(process(#""env":["A=1","SECRET"]"#), "/process/env/1", "config.md, process", "has no '='"),
        Row(process(#""env":["=1"]"#), "/process/env/0", "config.md, process", "has no name before '='"),
        Row(process(#""env":["A=\u0000"]"#), "/process/env/0", "config.md, process", "contains a NUL byte"),
        Row(
            process(#""user":{"uid":-1}"#),
            "/process/user/uid", "config.md, user", "expected an integer from 0 to 4294967295, found -1"),
        Row(
            process(#""user":{"gid":4294967296}"#),
            "/process/user/gid", "config.md, user", "expected an integer from 0 to 4294967295, found 4294967296"),
        Row(
            process(#""user":{"uid":"root"}"#),
            "/process/user/uid", "config.md, user", "expected a number, found a string"),
        Row(
            process(#""user":{"umask":65536}"#),
            "/process/user/umask", "config.md, user", "expected an integer from 0 to 4095, found 65536"),
        Row(
            process(#""user":{"additionalGids":[1,2.5]}"#),
            "/process/user/additionalGids/1", "config.md, user", "expected an integer, found 2.5"),
        Row(
            process(#""consoleSize":{"height":1}"#),
            "/process/consoleSize/width", "config.md, process", "required, but absent"),
        Row(
            process(#""capabilities":{"bounding":"ALL"}"#),
            "/process/capabilities/bounding", "config.md, linux-process", "expected an array, found a string"),
        Row(
            process(#""rlimits":[{"type":"RLIMIT_FOO","soft":1,"hard":1}]"#),
            "/process/rlimits/0/type", "config.md, posix-process",
            """
            unknown rlimit type 'RLIMIT_FOO' (known: RLIMIT_AS, RLIMIT_CORE, RLIMIT_CPU, \
            RLIMIT_DATA, RLIMIT_FSIZE, RLIMIT_LOCKS, RLIMIT_MEMLOCK, RLIMIT_MSGQUEUE, RLIMIT_NICE, \
            RLIMIT_NOFILE, RLIMIT_NPROC, RLIMIT_RSS, RLIMIT_RTPRIO, RLIMIT_RTTIME, \
            RLIMIT_SIGPENDING, RLIMIT_STACK)
            """),
        Row(
            process(#""rlimits":[{"type":"RLIMIT_CPU","soft":1}]"#),
            "/process/rlimits/0/hard", "config.md, posix-process", "required, but absent"),
        Row(
            process(#""rlimits":[{"type":"RLIMIT_CPU","soft":1,"hard":1},{"type":"RLIMIT_CPU","soft":1,"hard":1}]"#),
            "/process/rlimits/1", "config.md, process", "a second limit of type RLIMIT_CPU"),
        Row(
            process(#""oomScoreAdj":1.0"#),
            "/process/oomScoreAdj", "config.md, process", "expected an integer, found 1.0"),
        Row(
            process(#""scheduler":{"policy":"SCHED_FAST"}"#),
            "/process/scheduler/policy", "config.md, linux-process",
            """
            unknown scheduling policy 'SCHED_FAST' (known: SCHED_OTHER, SCHED_FIFO, SCHED_RR, \
            SCHED_BATCH, SCHED_ISO, SCHED_IDLE, SCHED_DEADLINE)
            """),
        Row(
            process(#""scheduler":{"policy":"SCHED_BATCH","priority":1}"#),
            "/process/scheduler/priority", "config.md, linux-process",
            "scheduler.priority can only be specified for SchedFIFO or SchedRR policy"),
        Row(
            process(#""scheduler":{"policy":"SCHED_FIFO","period":1}"#),
            "/process/scheduler/period", "config.md, linux-process",
            "scheduler runtime/deadline/period can only be specified for SchedDeadline policy"),
        Row(
            process(#""execCPUAffinity":{"initial":"0","final":"1-"}"#),
            "/process/execCPUAffinity/final", "config.md, linux-process",
            "invalid CPU affinity '1-': no list such as 0-3,7 of numbers below 8192"),
        Row(
            process(#""ioPriority":{"class":"IOPRIO_CLASS_BE","priority":8}"#),
            "/process/ioPriority/priority", "config.md, linux-process", "expected an integer from 0 to 7, found 8"),
    ]

    static let linuxParts: [Row] = [
        Row(
            linux(#""namespaces":[{"type":"pid"},{"type":"net"}]"#),
            "/linux/namespaces/1/type", "config-linux.md, namespaces",
            "unknown namespace type 'net' (known: pid, network, mount, ipc, uts, user, cgroup, time)"),
        Row(
            linux(#""namespaces":[{"type":"pid"},{"type":"pid","path":"/x"}]"#),
            "/linux/namespaces/1", "config-linux.md, namespaces", "a second namespace of type pid"),
        Row(
            linux(#""namespaces":[{"path":"/x"}]"#),
            "/linux/namespaces/0/type", "config-linux.md, namespaces", "required, but absent"),
        Row(
            linux(#""namespaces":[{"type":"pid","path":"ns"}]"#),
            "/linux/namespaces/0/path", "config-linux.md, namespaces", "'ns' is not an absolute path"),
        Row(
            linux(#""uidMappings":[{"containerID":0,"hostID":-5,"size":1}]"#),
            "/linux/uidMappings/0/hostID", "config-linux.md, user-namespace-mappings",
            "expected an integer from 0 to 4294967295, found -5"),
        Row(
            linux(#""sysctl":{"kernel.pid_max":1}"#),
            "/linux/sysctl/kernel.pid_max", "config-linux.md, sysctl", "expected a string, found a number"),
        Row(
            linux(#""devices":[{"path":"/dev/x","type":"q","major":1,"minor":1}]"#),
            "/linux/devices/0/type", "config-linux.md, devices", "unknown device type 'q' (known: c, b, u, p)"),
        Row(
            linux(#""devices":[{"path":"/dev/x","type":"c","major":1}]"#),
            "/linux/devices/0/minor", "config-linux.md, devices", "required, but absent"),
        Row(
            linux(#""devices":[{"path":"x","type":"p"}]"#),
            "/linux/devices/0/path", "config-linux.md, devices", "'x' is not an absolute path"),
        Row(
            linux(#""rootfsPropagation":"public""#),
            "/linux/rootfsPropagation", "config-linux.md",
            """
            unknown mount propagation 'public' (known: shared, slave, private, unbindable, rshared, \
            rslave, rprivate, runbindable)
            """),
        Row(
            linux(#""maskedPaths":["/proc","sys"]"#),
            "/linux/maskedPaths/1", "config-linux.md", "'sys' is not an absolute path"),
        Row(
            linux(#""personality":{"domain":"BSD"}"#),
            "/linux/personality/domain", "config-linux.md, personality",
            "unknown personality domain 'BSD' (known: LINUX, LINUX32)"),
        Row(
            linux(#""timeOffsets":{"realtime":{"secs":1}}"#),
            "/linux/timeOffsets/realtime", "config-linux.md, offset-for-time-namespace",
            "unknown clock 'realtime' (known: monotonic, boottime)"),
        Row(
            linux(#""timeOffsets":{"boottime":{"nanosecs":1000000000}}"#),
            "/linux/timeOffsets/boottime/nanosecs", "config-linux.md, offset-for-time-namespace",
            "expected an integer from 0 to 999999999, found 1000000000"),
        Row(
            linux(#""personality":{"domain":"LINUX","flags":["X"]}"#),
            "/linux/personality/flags/0", "config-linux.md, personality",
            "unknown personality flag 'X' (the specification defines none)"),
        Row(
            linux(#""memoryPolicy":{"mode":"MPOL_LOCAL","nodes":"0,2-3"}"#),
            "/linux/memoryPolicy/nodes", "config-linux.md, memory-policy",
            "memory policy mode requires 0 nodes but got 3"),
        Row(
            linux(#""memoryPolicy":{"mode":"MPOL_BIND","nodes":"3-2"}"#),
            "/linux/memoryPolicy/nodes", "config-linux.md, memory-policy",
            "invalid memory policy nodes '3-2': no list such as 0-3,7 of numbers below 1024"),
        Row(
            linux(#""memoryPolicy":{"mode":"MPOL_BIND","flags":["MPOL_F_X"]}"#),
            "/linux/memoryPolicy/flags/0", "config-linux.md, memory-policy",
            """
            invalid memory policy flag 'MPOL_F_X' (known: MPOL_F_NUMA_BALANCING, \
            MPOL_F_RELATIVE_NODES, MPOL_F_STATIC_NODES)
            """),
        Row(
            linux(#""intelRdt":{"memBwSchema":"L3:0=f"}"#),
            "/linux/intelRdt/memBwSchema", "config-linux.md, intelrdt", "'L3:0=f' does not start with 'MB:'"),
        Row(
            linux(#""intelRdt":{"schemata":["L3:0=f\nMB:0=1"]}"#),
            "/linux/intelRdt/schemata/0", "config-linux.md, intelrdt", "must not contain a line feed"),
        Row(
            linux(#""netDevices":{"eth0":"x"}"#),
            "/linux/netDevices/eth0", "config-linux.md, network-devices", "expected an object, found a string"),
        Row(
            resources(#""memory":{"limit":9223372036854775808}"#),
            "/linux/resources/memory/limit", "config-linux.md, memory",
            """
            expected an integer from -9223372036854775808 to 9223372036854775807, found \
            9223372036854775808
            """),
        Row(
            resources(#""memory":{"limit":"1G"}"#),
            "/linux/resources/memory/limit", "config-linux.md, memory", "expected a number, found a string"),
        Row(
            resources(#""cpu":{"shares":-1}"#),
            "/linux/resources/cpu/shares", "config-linux.md, cpu",
            "expected an integer from 0 to 18446744073709551615, found -1"),
        Row(
            resources(#""blockIO":{"weight":65536}"#),
            "/linux/resources/blockIO/weight", "config-linux.md, block-io",
            "expected an integer from 0 to 65535, found 65536"),
        Row(
            resources(#""blockIO":{"weightDevice":[{"major":8,"minor":0}]}"#),
            "/linux/resources/blockIO/weightDevice/0", "config-linux.md, block-io", "needs weight or leafWeight"),
        Row(
            resources(#""devices":[{"access":"rwm"}]"#),
            "/linux/resources/devices/0/allow", "config-linux.md, allowed-device-list", "required, but absent"),
        Row(
            resources(#""devices":[{"allow":true,"access":"rx"}]"#),
            "/linux/resources/devices/0/access", "config-linux.md, allowed-device-list",
            "'rx' has letters other than r, w and m"),
        Row(
            resources(#""hugepageLimits":[{"pageSize":"2M","limit":1}]"#),
            "/linux/resources/hugepageLimits/0/pageSize", "config-linux.md, huge-page-limits",
            "'2M' is not a page size such as 64KB, 2MB or 1GB"),
        Row(
            resources(#""rdma":{"mlx":{}}"#),
            "/linux/resources/rdma/mlx", "config-linux.md, rdma", "needs hcaHandles or hcaObjects"),
        Row(
            resources(#""unified":{"pids.max":10}"#),
            "/linux/resources/unified/pids.max", "config-linux.md, unified", "expected a string, found a number"),
    ]

    static let filtersAndMachines: [Row] = [
        Row(
            linux(#""seccomp":{}"#),
            "/linux/seccomp/defaultAction", "config-linux.md, seccomp", "required, but absent"),
        Row(
            seccomp(#""defaultAction":"SCMP_ACT_MAYBE""#),
            "/linux/seccomp/defaultAction", "config-linux.md, seccomp",
            """
            unknown seccomp action 'SCMP_ACT_MAYBE' (known: SCMP_ACT_KILL, SCMP_ACT_KILL_PROCESS, \
            SCMP_ACT_KILL_THREAD, SCMP_ACT_TRAP, SCMP_ACT_ERRNO, SCMP_ACT_TRACE, SCMP_ACT_ALLOW, \
            SCMP_ACT_LOG, SCMP_ACT_NOTIFY)
            """),
        Row(
            seccomp(#""architectures":["x86"]"#),
            "/linux/seccomp/architectures/0", "config-linux.md, seccomp",
            """
            unknown seccomp architecture 'x86' (known: SCMP_ARCH_X86, SCMP_ARCH_X86_64, \
            SCMP_ARCH_X32, SCMP_ARCH_ARM, SCMP_ARCH_AARCH64, SCMP_ARCH_MIPS, SCMP_ARCH_MIPS64, \
            SCMP_ARCH_MIPS64N32, SCMP_ARCH_MIPSEL, SCMP_ARCH_MIPSEL64, SCMP_ARCH_MIPSEL64N32, \
            SCMP_ARCH_PPC, SCMP_ARCH_PPC64, SCMP_ARCH_PPC64LE, SCMP_ARCH_S390, SCMP_ARCH_S390X, \
            SCMP_ARCH_PARISC, SCMP_ARCH_PARISC64, SCMP_ARCH_RISCV64, SCMP_ARCH_LOONGARCH64, \
            SCMP_ARCH_M68K, SCMP_ARCH_SH, SCMP_ARCH_SHEB)
            """),
        Row(
            seccomp(#""flags":["SECCOMP_FILTER_FLAG_LOG","LOG"]"#),
            "/linux/seccomp/flags/1", "config-linux.md, seccomp",
            """
            unknown seccomp flag 'LOG' (known: SECCOMP_FILTER_FLAG_TSYNC, SECCOMP_FILTER_FLAG_LOG, \
            SECCOMP_FILTER_FLAG_SPEC_ALLOW, SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV)
            """),
        Row(
            seccomp(#""listenerMetadata":"x""#),
            "/linux/seccomp/listenerMetadata", "config-linux.md, seccomp", "must not be set without listenerPath"),
        Row(
            seccomp(#""syscalls":[{"names":[],"action":"SCMP_ACT_ALLOW"}]"#),
            "/linux/seccomp/syscalls/0/names", "config-linux.md, seccomp", "must name at least one system call"),
        Row(
            seccomp(#""syscalls":[{"names":["read"],"action":"SCMP_ACT_ALLOW","errnoRet":1}]"#),
            "/linux/seccomp/syscalls/0/errnoRet", "config-linux.md, seccomp",
            "SCMP_ACT_ALLOW does not take an error number"),
        Row(
            seccomp(#""syscalls":[{"names":["read"],"action":"SCMP_ACT_ERRNO","errnoRet":65536}]"#),
            "/linux/seccomp/syscalls/0/errnoRet", "config-linux.md, seccomp",
            "expected an integer from 0 to 65535, found 65536"),
        Row(
            seccomp(
                #""syscalls":[{"names":["a"],"action":"SCMP_ACT_LOG","args":[{"index":6,"value":0,"op":"SCMP_CMP_EQ"}]}]"#
            ),
            "/linux/seccomp/syscalls/0/args/0/index", "config-linux.md, seccomp",
            "expected an integer from 0 to 5, found 6"),
        Row(
            seccomp(#""syscalls":[{"names":["a"],"action":"SCMP_ACT_LOG","args":[{"index":0,"value":0,"op":"=="}]}]"#),
            "/linux/seccomp/syscalls/0/args/0/op", "config-linux.md, seccomp",
            """
            unknown seccomp operator '==' (known: SCMP_CMP_NE, SCMP_CMP_LT, SCMP_CMP_LE, \
            SCMP_CMP_EQ, SCMP_CMP_GE, SCMP_CMP_GT, SCMP_CMP_MASKED_EQ)
            """),
        Row(whole(#""vm":{}"#), "/vm/kernel", "config-vm.md", "required, but absent"),
        Row(
            whole(#""vm":{"kernel":{"path":"vmlinuz"}}"#),
            "/vm/kernel/path", "config-vm.md, kernel-object", "'vmlinuz' is not an absolute path"),
        Row(
            whole(#""vm":{"kernel":{"path":"/k"},"image":{"path":"/i","format":"iso"}}"#),
            "/vm/image/format", "config-vm.md, image-object",
            "unknown image format 'iso' (known: raw, qcow2, vdi, vmdk, vhd)"),
        Row(
            whole(#""vm":{"kernel":{"path":"/k"},"hwConfig":{"vcpus":-1}}"#),
            "/vm/hwConfig/vcpus", "config-vm.md, hwconfig-object",
            "expected an integer from 0 to 4294967295, found -1"),
    ]

    @Test(arguments: documents) func refusesDocument(row: Row) throws {
        try expect(row)
    }

    @Test(arguments: mountsAndHooks) func refusesMountOrHook(row: Row) throws {
        try expect(row)
    }

    @Test(arguments: processes) func refusesProcess(row: Row) throws {
        try expect(row)
    }

    @Test(arguments: linuxParts) func refusesLinuxPart(row: Row) throws {
        try expect(row)
    }

    @Test(arguments: filtersAndMachines) func refusesFilterOrMachine(row: Row) throws {
        try expect(row)
    }

    @Test func errorKeepsItsParts() throws {
        let json = try parseJSON(Array(Self.process(#""args":[3]"#).utf8), named: "config.json")
        let error = #expect(throws: SpecError.self) { try RuntimeSpec.decode(json, named: "b/config.json") }
        #expect(error?.document == "b/config.json")
        #expect(error?.pointer == "/process/args/0")
        #expect(error?.reason == "expected a string, found a number")
        #expect(error?.section == "config.md#process")
    }

    private func expect(_ row: Row) throws {
        let json = try parseJSON(Array(row.text.utf8), named: "config.json")
        let error = #expect(throws: SpecError.self) { try RuntimeSpec.decode(json) }
        let place = row.pointer.isEmpty ? "" : "\(row.pointer): "
        #expect(error?.description == "config.json: \(place)\(row.reason) (runtime-spec \(row.section))")
    }
}
