/* Files and directories: openat2(2), statx-free stat, directory walks. */
#ifndef CLINUX_FILES_H
#define CLINUX_FILES_H

#include "clinux.h"
#include <dirent.h>
#include <linux/openat2.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

/* What of struct stat the runtime looks at. */
struct lx_stat {
    uint32_t mode, uid, gid;
    uint32_t dev_major, dev_minor, rdev_major, rdev_minor;
    uint64_t size, inode;
    int64_t modified, modified_nanoseconds;
};

static inline int lx_openat(int dir, const char *path, int flags, unsigned mode) {
    return (int)LX_RETRY(openat(dir, path, flags | O_CLOEXEC, mode));
}

static inline int lx_openat2(int dir, const char *path, int flags, unsigned mode, uint64_t resolve) {
    struct open_how how = {.flags = (uint64_t)(flags | O_CLOEXEC), .mode = mode, .resolve = resolve};
    long r;
    /* EAGAIN: a rename raced with a ".." while resolving; the manual page asks for another try. */
    for (int tries = 0; tries < 32; tries++) {
        r = syscall(SYS_openat2, dir, path, &how, sizeof how);
        if (r >= 0 || (errno != EAGAIN && errno != EINTR)) break;
    }
    return (int)(r < 0 ? -errno : r);
}

static inline int lx_fill_stat(int r, const struct stat *s, struct lx_stat *out) {
    if (r < 0) return -errno;
    out->mode = s->st_mode; out->uid = s->st_uid; out->gid = s->st_gid;
    out->dev_major = major(s->st_dev); out->dev_minor = minor(s->st_dev);
    out->rdev_major = major(s->st_rdev); out->rdev_minor = minor(s->st_rdev);
    out->size = (uint64_t)s->st_size; out->inode = s->st_ino;
    out->modified = s->st_mtim.tv_sec; out->modified_nanoseconds = s->st_mtim.tv_nsec;
    return 0;
}
static inline int lx_fstatat(int dir, const char *path, int flags, struct lx_stat *out) {
    struct stat s;
    return lx_fill_stat(fstatat(dir, path, &s, flags), &s, out);
}
static inline int64_t lx_filesystem_type(int fd) {
    struct statfs s;
    return fstatfs(fd, &s) < 0 ? -errno : (int64_t)s.f_type;
}
static inline int64_t lx_filesystem_type_at(const char *path) {
    struct statfs s;
    return statfs(path, &s) < 0 ? -errno : (int64_t)s.f_type;
}
/* The mount flags (ST_*) of the file system that holds fd. */
static inline int64_t lx_filesystem_flags(int fd) {
    struct statfs s;
    return fstatfs(fd, &s) < 0 ? -errno : (int64_t)s.f_flags;
}

static inline ssize_t lx_read(int fd, void *buffer, size_t size) { return LX_RETRY(read(fd, buffer, size)); }
static inline ssize_t lx_pread(int fd, void *buffer, size_t size, int64_t at) { return LX_RETRY(pread(fd, buffer, size, at)); }
static inline ssize_t lx_write(int fd, const void *buffer, size_t size) { return LX_RETRY(write(fd, buffer, size)); }
static inline int lx_mkdirat(int dir, const char *path, unsigned mode) { return (int)LX_RESULT(mkdirat(dir, path, mode)); }
static inline int lx_mknodat(int dir, const char *path, unsigned mode, unsigned maj, unsigned min) {
    return (int)LX_RESULT(mknodat(dir, path, mode, makedev(maj, min)));
}
static inline int lx_symlinkat(const char *target, int dir, const char *path) { return (int)LX_RESULT(symlinkat(target, dir, path)); }
static inline int lx_unlinkat(int dir, const char *path, int flags) { return (int)LX_RESULT(unlinkat(dir, path, flags)); }
static inline int lx_renameat(int dir, const char *from, const char *to) { return (int)LX_RESULT(renameat(dir, from, dir, to)); }
/* A name for an open file, given as its path in procfs. */
static inline int lx_link_open_file(const char *open_file, int dir, const char *path) { return (int)LX_RESULT(linkat(AT_FDCWD, open_file, dir, path, AT_SYMLINK_FOLLOW)); }
static inline int lx_tmpfile_flag(void) { return O_TMPFILE; }
static inline ssize_t lx_readlinkat(int dir, const char *path, char *buffer, size_t size) {
    return LX_RESULT(readlinkat(dir, path, buffer, size));
}
static inline int lx_fchown(int fd, unsigned uid, unsigned gid) { return (int)LX_RESULT(fchown(fd, uid, gid)); }
static inline int lx_fchmodat(int dir, const char *path, unsigned mode) { return (int)LX_RESULT(fchmodat(dir, path, mode, 0)); }
static inline int lx_fchownat(int dir, const char *path, unsigned uid, unsigned gid, int flags) {
    return (int)LX_RESULT(fchownat(dir, path, uid, gid, flags));
}
static inline int lx_fchdir(int fd) { return (int)LX_RESULT(fchdir(fd)); }
static inline int lx_chdir(const char *path) { return (int)LX_RESULT(chdir(path)); }
static inline int lx_chroot(const char *path) { return (int)LX_RESULT(chroot(path)); }
static inline int lx_flock(int fd, int operation) { return (int)LX_RETRY(flock(fd, operation)); }
static inline int lx_ftruncate(int fd, uint64_t size) { return (int)LX_RETRY(ftruncate(fd, (off_t)size)); }
static inline int lx_syncfs(int fd) { return (int)LX_RESULT(syncfs(fd)); }
/* The size of a block device in bytes. See sd(4). */
static inline int64_t lx_block_device_size(int fd) {
    uint64_t size = 0;
    return ioctl(fd, BLKGETSIZE64, &size) < 0 ? -errno : (int64_t)size;
}
static inline int lx_faccess_exec(const char *path) { return (int)LX_RESULT(faccessat(AT_FDCWD, path, X_OK, AT_EACCESS)); }
static inline int lx_dup3(int from, int to) { return (int)LX_RETRY(dup2(from, to)); }
static inline int lx_dup_cloexec(int fd, int least) { return (int)LX_RESULT(fcntl(fd, F_DUPFD_CLOEXEC, least)); }
static inline int lx_is_open(int fd) { return fcntl(fd, F_GETFD) >= 0; }
/* Whether fd was open before this program began: all that it opens itself is close-on-exec. */
static inline int lx_is_inherited(int fd) {
    int flags = fcntl(fd, F_GETFD);
    return flags >= 0 && !(flags & FD_CLOEXEC);
}
static inline int lx_set_nonblocking(int fd, int on) {
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0) return -errno;
    return (int)LX_RESULT(fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK));
}
static inline int lx_close_range(unsigned first, unsigned last, unsigned flags) {
    return (int)LX_RESULT(syscall(SYS_close_range, first, last, flags));
}
static inline ssize_t lx_getdents(int fd, void *buffer, size_t size) { return LX_RESULT(syscall(SYS_getdents64, fd, buffer, size)); }
static inline int lx_poll(struct pollfd *fds, unsigned long count, int timeout_ms) {
    return (int)LX_RESULT(poll(fds, count, timeout_ms));
}
static inline char *lx_current_directory(char *buffer, size_t size) { return getcwd(buffer, size); }

/* A file in memory that can be sealed against every change, and the seals. See memfd_create(2), fcntl(2) F_ADD_SEALS. */
static inline int lx_sealable_memfd(const char *name) { return (int)LX_RESULT(memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING)); }
#define LX_SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
static inline int lx_seal(int fd) { return (int)LX_RESULT(fcntl(fd, F_ADD_SEALS, LX_SEALS)); }
static inline int lx_is_sealed(int fd) { int seals = fcntl(fd, F_GET_SEALS); return seals >= 0 && (seals & LX_SEALS) == LX_SEALS; }

#endif
