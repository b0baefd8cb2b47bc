/* bpf(2): programs that decide which devices a version 2 cgroup may use, or where packets go; and the two functions of libm in use. */
#ifndef CLINUX_BPF_CALLS_H
#define CLINUX_BPF_CALLS_H

#include "clinux.h"
#include <linux/bpf.h>
#include <math.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#define LX_BPF(command, attr) ((int)LX_RESULT(syscall(SYS_bpf, command, attr, sizeof *(attr))))

enum { LX_DEVICE_PROGRAM = BPF_PROG_TYPE_CGROUP_DEVICE, LX_TRAFFIC_PROGRAM = BPF_PROG_TYPE_SCHED_CLS };
/* Loads `count` instructions of 8 bytes; the descriptor of the program. */
static inline int lx_load_program(int type, const uint64_t *code, uint32_t count) {
    union bpf_attr attr;
    memset(&attr, 0, sizeof attr);
    attr.prog_type = (uint32_t)type;
    attr.insns = (uint64_t)(uintptr_t)code;
    attr.insn_cnt = count;
    attr.license = (uint64_t)(uintptr_t)"Apache-2.0";
    return LX_BPF(BPF_PROG_LOAD, &attr);
}
/* A hash map that forgets what was used least recently; sizes in bytes. */
static inline int lx_recently_used_map(uint32_t key, uint32_t value, uint32_t capacity) {
    union bpf_attr attr;
    memset(&attr, 0, sizeof attr);
    attr.map_type = BPF_MAP_TYPE_LRU_HASH;
    attr.key_size = key;
    attr.value_size = value;
    attr.max_entries = capacity;
    return LX_BPF(BPF_MAP_CREATE, &attr);
}
/* The only map of the program with this number; -ENOENT for one with none or several. */
static inline int lx_map_of_program(uint32_t id) {
    union bpf_attr attr;
    memset(&attr, 0, sizeof attr);
    attr.prog_id = id;
    int program = LX_BPF(BPF_PROG_GET_FD_BY_ID, &attr);
    if (program < 0) return program;
    uint32_t map = 0;
    struct bpf_prog_info info;
    memset(&info, 0, sizeof info);
    info.nr_map_ids = 1;
    info.map_ids = (uint64_t)(uintptr_t)&map;
    memset(&attr, 0, sizeof attr);
    attr.info.bpf_fd = (uint32_t)program;
    attr.info.info_len = sizeof info;
    attr.info.info = (uint64_t)(uintptr_t)&info;
    int result = LX_BPF(BPF_OBJ_GET_INFO_BY_FD, &attr);
    if (result == 0) {
        memset(&attr, 0, sizeof attr);
        attr.map_id = map;
        result = info.nr_map_ids == 1 ? LX_BPF(BPF_MAP_GET_FD_BY_ID, &attr) : -ENOENT;
    }
    close(program);
    return result;
}
/* The ids of the programs attached to a cgroup itself, at most `room`; how many there are. */
static inline int lx_device_programs(int cgroup, uint32_t *ids, uint32_t room) {
    union bpf_attr attr;
    memset(&attr, 0, sizeof attr);
    attr.query.target_fd = (uint32_t)cgroup;
    attr.query.attach_type = BPF_CGROUP_DEVICE;
    attr.query.prog_cnt = room;
    attr.query.prog_ids = (uint64_t)(uintptr_t)ids;
    int result = LX_BPF(BPF_PROG_QUERY, &attr);
    return result < 0 ? result : (int)attr.query.prog_cnt;
}
static inline int lx_program_by_id(uint32_t id) {
    union bpf_attr attr;
    memset(&attr, 0, sizeof attr);
    attr.prog_id = id;
    return LX_BPF(BPF_PROG_GET_FD_BY_ID, &attr);
}
/* Attaches beside others, or in the place of `replaced` unless that is -1. */
static inline int lx_device_attach(int cgroup, int program, int replaced) {
    union bpf_attr attr;
    memset(&attr, 0, sizeof attr);
    attr.attach_type = BPF_CGROUP_DEVICE;
    attr.target_fd = (uint32_t)cgroup;
    attr.attach_bpf_fd = (uint32_t)program;
    attr.attach_flags = BPF_F_ALLOW_MULTI;
    if (replaced >= 0) {
        attr.attach_flags |= BPF_F_REPLACE;
        attr.replace_bpf_fd = (uint32_t)replaced;
    }
    return LX_BPF(BPF_PROG_ATTACH, &attr);
}
static inline int lx_device_detach(int cgroup, int program) {
    union bpf_attr attr;
    memset(&attr, 0, sizeof attr);
    attr.attach_type = BPF_CGROUP_DEVICE;
    attr.target_fd = (uint32_t)cgroup;
    attr.attach_bpf_fd = (uint32_t)program;
    return LX_BPF(BPF_PROG_DETACH, &attr);
}
/* Lets programs take the memory they need where it counts as locked (before Linux 5.11); the former limit goes to `old`. */
static inline int lx_raise_locked_memory(uint64_t old[2]) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_MEMLOCK, &limit) < 0) return -errno;
    old[0] = limit.rlim_cur;
    old[1] = limit.rlim_max;
    struct rlimit all = {.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};
    if (setrlimit(RLIMIT_MEMLOCK, &all) == 0) return 0;
    limit.rlim_cur = limit.rlim_max;
    return (int)LX_RESULT(setrlimit(RLIMIT_MEMLOCK, &limit));
}
static inline void lx_restore_locked_memory(const uint64_t old[2]) {
    struct rlimit limit = {.rlim_cur = old[0], .rlim_max = old[1]};
    (void)setrlimit(RLIMIT_MEMLOCK, &limit);
}

static inline double lx_log2(double x) { return log2(x); }
static inline double lx_pow(double base, double exponent) { return pow(base, exponent); }

#endif
