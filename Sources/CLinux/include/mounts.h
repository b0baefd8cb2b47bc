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
static inline int lx_move_mount(int mount, int place) {
    return (int)LX_RESULT(syscall(SYS_move_mount, mount, "", place, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH));
}

/* A file system in the making: fsopen(2), fsconfig(2), fsmount(2). A NULL value makes `key` a flag. */
static inline int lx_fsopen(const char *type) { return (int)LX_RESULT(syscall(SYS_fsopen, type, FSOPEN_CLOEXEC)); }
static inline int lx_fsconfig(int fs, const char *key, const char *value) {
    return (int)LX_RESULT(syscall(SYS_fsconfig, fs, value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, key, value, 0));
}
static inline int lx_fsconfig_create(int fs) {
    return (int)LX_RESULT(syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
}
static inline int lx_fsmount(int fs, unsigned attributes) {
    return (int)LX_RESULT(syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, attributes));
}
/* Gives a detached mount the id mapping of a user namespace. */
static inline int lx_mount_idmap(int fd, int user_namespace, unsigned flags) {
    struct mount_attr a = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)user_namespace};
    return (int)LX_RESULT(syscall(SYS_mount_setattr, fd, "", flags | AT_EMPTY_PATH, &a, sizeof a));
}

#endif
