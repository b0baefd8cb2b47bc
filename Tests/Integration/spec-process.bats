# Properties of the process and of how it is run: scheduler, I/O priority, personality, memory policy.

load helpers

# Field N of /proc/self/stat, counted as proc(5) does.
stat_field() { # N
    sed 's/.*) /x x /' <<<"$output" | cut -d ' ' -f "$1"
}

@test "scheduler: policy and nice value" {
    need_swiftlet # runc 1.1 ignores it
    inside 'cat /proc/self/stat' '.process.scheduler = {policy: "SCHED_BATCH", nice: 7}'
    equal "$(stat_field 41)" 3 policy
    equal "$(stat_field 19)" 7 nice
    inside 'cat /proc/self/stat' '.process.scheduler = {policy: "SCHED_OTHER", nice: -3}'
    equal "$(stat_field 41)" 0 policy
    equal "$(stat_field 19)" -3 nice
    inside 'cat /proc/self/stat' '.process.scheduler = {policy: "SCHED_IDLE"}'
    equal "$(stat_field 41)" 5 policy
}

@test "scheduler: flags" {
    need_swiftlet
    # A child does not inherit what is better than usual, and the shell is the process that has it.
    inside 'read -r line </proc/self/stat; echo "$line"; cat /proc/self/stat; true' \
        '.process.scheduler = {policy: "SCHED_BATCH", nice: -5, flags: ["SCHED_FLAG_RESET_ON_FORK"]}'
    equal "$(sed 's/.*) /x x /' <<<"$output" | cut -d ' ' -f 19 | tr '\n' ' ')" '-5 0 ' 'nice values of the process and its child'
}

@test "scheduler: real-time and deadline policies reach the kernel" {
    need_swiftlet
    local policy
    for policy in '{policy: "SCHED_RR", priority: 5}' '{policy: "SCHED_FIFO", priority: 5}' \
        '{policy: "SCHED_DEADLINE", runtime: 1000000, deadline: 10000000, period: 10000000, flags: ["SCHED_FLAG_RESET_ON_FORK"]}'; do
        bundle sh -c 'cat /proc/self/stat'
        edit ".process.scheduler = $policy | .process.args = [\"cat\", \"/proc/self/stat\"]"
        run_container
        # A kernel with group scheduling of real-time processes gives a new cgroup no time for any.
        if ((status == 0)); then
            [[ $(stat_field 41) =~ ^[126]$ ]] || fail "policy $(stat_field 41)"
        else
            expect_refusal 'sched_setattr policy [126]: operation not permitted'
        fi
    done
}

@test "scheduler: what contradicts itself is refused" {
    need_swiftlet
    refuses '/process/scheduler/policy: unknown scheduling policy' '.process.scheduler = {policy: "SCHED_FAST"}'
    refuses '/process/scheduler/policy: required' '.process.scheduler = {nice: 1}'
    refuses '/process/scheduler/priority: .*SchedFIFO or SchedRR' '.process.scheduler = {policy: "SCHED_OTHER", priority: 3}'
    refuses '/process/scheduler/runtime: .*SchedDeadline' '.process.scheduler = {policy: "SCHED_BATCH", runtime: 3}'
    refuses '/process/scheduler/nice: ' '.process.scheduler = {policy: "SCHED_OTHER", nice: 20}'
    refuses '/process/scheduler/flags/0: unknown' '.process.scheduler = {policy: "SCHED_OTHER", flags: ["FAST"]}'
}

@test "I/O priority" {
    need_swiftlet
    inside 'ionice -p 1' '.process.ioPriority = {class: "IOPRIO_CLASS_BE", priority: 6}'
    expect_contains 'best-effort: prio 6'
    inside 'ionice -p 1' '.process.ioPriority = {class: "IOPRIO_CLASS_RT", priority: 2}'
    expect_contains 'realtime: prio 2'
    inside 'ionice -p 1' '.process.ioPriority = {class: "IOPRIO_CLASS_IDLE"}'
    expect_contains idle
    refuses '/process/ioPriority/class: ' '.process.ioPriority = {class: "IOPRIO_CLASS_BEST"}'
    refuses '/process/ioPriority/priority: ' '.process.ioPriority = {class: "IOPRIO_CLASS_BE", priority: 8}'
}

@test "personality" {
    need_swiftlet
    inside 'uname -m' '.linux.personality = {domain: "LINUX32"}'
    expect_output i686
    inside 'uname -m' '.linux.personality = {domain: "LINUX"}'
    expect_output "$(uname -m)"
    refuses '/linux/personality/domain: ' '.linux.personality = {domain: "BSD"}'
    refuses '/linux/personality/flags/0: ' '.linux.personality = {domain: "LINUX", flags: ["SHORT_INODE"]}'
}

@test "memory policy" {
    need_swiftlet
    [[ -e /proc/self/numa_maps ]] || skip "the kernel knows no memory nodes"
    local script='head -n 1 /proc/self/numa_maps | cut -d " " -f 2'
    inside "$script" '.linux.memoryPolicy = {mode: "MPOL_INTERLEAVE", nodes: "0"}'
    expect_output interleave:0
    inside "$script" '.linux.memoryPolicy = {mode: "MPOL_BIND", nodes: "0", flags: ["MPOL_F_STATIC_NODES"]}'
    expect_output bind=static:0
    inside "$script" '.linux.memoryPolicy = {mode: "MPOL_PREFERRED", nodes: "0", flags: ["MPOL_F_RELATIVE_NODES"]}'
    expect_output prefer=relative:0
    inside "$script" '.linux.memoryPolicy = {mode: "MPOL_LOCAL"}'
    expect_output local
    inside "$script" '.linux.memoryPolicy = {mode: "MPOL_DEFAULT"}'
    expect_output default
}

@test "memory policies that cannot be are refused" {
    need_swiftlet
    refuses '/linux/memoryPolicy/mode: invalid memory policy mode' '.linux.memoryPolicy = {}'
    refuses '/linux/memoryPolicy/mode: invalid memory policy mode' '.linux.memoryPolicy = {mode: "INTERLEAVE", nodes: "0"}'
    refuses '/linux/memoryPolicy/flags/1: invalid memory policy flag' \
        '.linux.memoryPolicy = {mode: "MPOL_PREFERRED", nodes: "0", flags: ["MPOL_F_RELATIVE_NODES", "badflag"]}'
    refuses '/linux/memoryPolicy/nodes: .*requires 0 nodes but got 8' '.linux.memoryPolicy = {mode: "MPOL_DEFAULT", nodes: "0-7"}'
    refuses '/linux/memoryPolicy/nodes: .*at least one node' '.linux.memoryPolicy = {mode: "MPOL_BIND"}'
    refuses '/linux/memoryPolicy/nodes: ' '.linux.memoryPolicy = {mode: "MPOL_BIND", nodes: "0-99999999999"}'
    refuses '/linux/memoryPolicy/nodes: ' '.linux.memoryPolicy = {mode: "MPOL_BIND", nodes: "0-"}'
    # A node that no kernel refuses by its number, but which is not there.
    refuses 'set_mempolicy: invalid argument' '.linux.memoryPolicy = {mode: "MPOL_BIND", nodes: "1000"}'
    # Static and relative exclude each other.
    refuses 'set_mempolicy: invalid argument' \
        '.linux.memoryPolicy = {mode: "MPOL_BIND", nodes: "0", flags: ["MPOL_F_STATIC_NODES", "MPOL_F_RELATIVE_NODES"]}'
}

@test "labels of security modules that are not there" {
    need_swiftlet
    [[ $(stat -f -c %t /sys/fs/selinux 2>/dev/null) != f97cff8c ]] || skip "SELinux is active here"
    refuses '/process/selinuxLabel: selinux label is specified in config, but selinux is disabled or not supported' \
        '.process.selinuxLabel = "system_u:system_r:container_t:s0"'
    # Nothing is without the label that it should have: there are none.
    inside 'echo runs' '.linux.mountLabel = "system_u:object_r:svirt_sandbox_file_t:s0:c715,c811"'
    expect_output runs
    matches "$(<"$TEST_DIR/log")" 'warning.*ignoring linux.mountLabel' log
    [[ ! -e /sys/kernel/security/apparmor ]] || skip "AppArmor is active here"
    refuses '/process/apparmorProfile: apparmor: config provided but apparmor not supported' \
        '.process.apparmorProfile = "acme_secure_profile"'
    inside 'echo runs' '.process.apparmorProfile = "unconfined"'
    expect_output runs
}

@test "a container without a process can be created, not started" {
    need_swiftlet # runc 1.1 refuses to create it
    bundle true
    edit 'del(.process)'
    create
    equal "$(status_of "$ID")" created status
    refused 'cannot start the container: config.json has no process' start "$ID"
    eventually has_status stopped
    ok delete "$ID"
}

@test "processors of what exec runs" {
    need_swiftlet # runc 1.1 ignores it
    (($(nproc) > 1)) || skip "needs two processors"
    bundle sleep 1000
    edit '.process.execCPUAffinity = {initial: "0", final: "1"}'
    create
    ok start "$ID"
    ok exec "$ID" grep Cpus_allowed_list /proc/self/status
    matches "$output" 'Cpus_allowed_list:.1$' 'processors from config.json'
    matches "$(grep Cpus_allowed_list "/proc/$PID/status")" 'Cpus_allowed_list:.0-' 'processors of process 1'
    jq '.process | .args = ["grep", "Cpus_allowed_list", "/proc/self/status"] | .execCPUAffinity = {final: "0"}' \
        "$BUNDLE/config.json" >"$TEST_DIR/process.json"
    ok exec --process "$TEST_DIR/process.json" "$ID"
    matches "$output" 'Cpus_allowed_list:.0$' 'processors from the process document'
    jq '.execCPUAffinity = {final: "8000"}' "$TEST_DIR/process.json" >"$TEST_DIR/bad.json"
    runtime exec --process "$TEST_DIR/bad.json" "$ID"
    expect_status 255 # what exec ends with when nothing ran
    expect_error 'process.execCPUAffinity.final: sched_setaffinity: invalid argument'
    refuses '/process/execCPUAffinity/final: invalid CPU affinity' '.process.execCPUAffinity = {final: "1-"}'
}

@test "a system call that is newer than all of the profile fails with ENOSYS, an older one with the profile's error" {
    need_command gcc
    bundle /probe
    cat >"$TEST_DIR/probe.c" <<'C'
#include <errno.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(void) {
    printf("%d ", syscall(1000) < 0 ? errno : 0);
    printf("%d\n", syscall(SYS_mkdir, "/nosuch/x", 0) < 0 ? errno : 0);
    return 0;
}
C
    gcc -static -o "$BUNDLE/rootfs/probe" "$TEST_DIR/probe.c"
    edit '.linux.seccomp = {defaultAction: "SCMP_ACT_ERRNO", architectures: ["SCMP_ARCH_X86", "SCMP_ARCH_X32"],
        syscalls: [{names: ["execve", "brk", "arch_prctl", "set_tid_address", "set_robust_list", "rseq", "prlimit64",
        "readlink", "readlinkat", "getrandom", "mprotect", "fstat", "newfstatat", "write", "exit_group", "mmap", "close",
        "futex", "read", "openat", "prctl", "getcwd", "rt_sigprocmask"], action: "SCMP_ACT_ALLOW"}]}'
    run_container
    expect_success
    expect_output '38 1'
    # A profile may name an error of its own for what it leaves out, but not for what it cannot know.
    edit '.linux.seccomp.defaultErrnoRet = 13'
    run_container
    expect_success
    expect_output '38 13'
}

@test "a size of the terminal without a terminal is ignored" {
    inside 'test -t 0 || echo none' '.process.terminal = false | .process.consoleSize = {height: 33, width: 77}'
    expect_output none
    inside 'test -t 0 || echo none' 'del(.process.terminal) | .process.consoleSize = {height: 33, width: 77}'
    expect_output none
}

@test "a capability that the caller has not is refused" {
    need_command capsh
    bundle true
    edit '.process.capabilities = (["CAP_KILL", "CAP_SYS_TIME"] | {bounding: ., effective: ., permitted: .})'
    printf '#!/bin/sh\nexec capsh --drop=cap_sys_time -- -c "exec %s \\"\\$@\\"" capsh "$@"\n' "$RUNTIME" >"$TEST_DIR/without"
    chmod 755 "$TEST_DIR/without"
    RUNTIME=$TEST_DIR/without run_container
    # The specification has a warning there; a process with less than it was promised is worse than none.
    expect_refusal '(/process/capabilities: cannot set the capabilities|unable to apply caps): .*operation not permitted'
}
