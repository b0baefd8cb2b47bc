/* How a process gets the processor, the disk and memory: sched_setattr(2), ioprio_set(2), set_mempolicy(2). */
#ifndef CLINUX_SCHEDULING_H
#define CLINUX_SCHEDULING_H

#include "clinux.h"
#include <linux/ioprio.h>
#include <linux/mempolicy.h>
#include <sys/syscall.h>

/* The kernel's struct sched_attr, first version, which glibc's headers lack. */
struct lx_sched_attr {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
    uint32_t util_min, util_max;
};

static inline int lx_sched_setattr(struct lx_sched_attr *a) {
    a->size = sizeof *a;
    return (int)LX_RESULT(syscall(SYS_sched_setattr, 0, a, 0));
}
static inline int lx_set_io_priority(int class, int priority) {
    return (int)LX_RESULT(syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, class << IOPRIO_CLASS_SHIFT | priority));
}
/* `bits` is how many bits of `nodes` count. */
static inline int lx_set_mempolicy(int mode, const uint64_t *nodes, unsigned long bits) {
    /* The kernel takes one off. */
    return (int)LX_RESULT(syscall(SYS_set_mempolicy, mode, bits ? nodes : NULL, bits ? bits + 1 : 0));
}
/* `bytes` is how long the mask of processors is. */
static inline int lx_set_affinity(const uint64_t *mask, size_t bytes) { return (int)LX_RESULT(syscall(SYS_sched_setaffinity, 0, bytes, mask)); }

#endif
