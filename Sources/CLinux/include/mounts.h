/* Mounts: the classic call and the descriptor-based one. */
#ifndef CLINUX_MOUNTS_H
#define CLINUX_MOUNTS_H

#include "clinux.h"
#include <linux/mount.h>
#include <sys/syscall.h>
#include <sys/mount.h>

static inline int lx_mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data) {
    return (int)LX_RESULT(mount(source, target, type, flags, data));
}
static inline int lx_umount(const char *target, int flags) { return (int)LX_RESULT(umount2(target, flags)); }
static inline int lx_pivot_root(const char *new_root, const char *put_old) {
    return (int)LX_RESULT(syscall(SYS_pivot_root, new_root, put_old));
}
static inline int lx_open_tree(int dir, const char *path, unsigned flags) { return (int)LX_RESULT(syscall(SYS_open_tree, dir, path, flags)); }
static inline int lx_mount_setattr(int fd, const char *path, unsigned flags, uint64_t set, uint64_t clear, uint64_t propagation) {
    struct mount_attr a = {.attr_set = set, .attr_clr = clear, .propagation = propagation};
    return (int)LX_RESULT(syscall(SYS_mount_setattr, fd, path, flags, &a, sizeof a));
}

#endif
