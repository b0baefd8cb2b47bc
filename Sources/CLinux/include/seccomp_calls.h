/* seccomp(2): loading a program that libseccomp compiled. */
#ifndef CLINUX_SECCOMP_CALLS_H
#define CLINUX_SECCOMP_CALLS_H

#include "clinux.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/syscall.h>

static inline int lx_memfd(const char *name) { return (int)LX_RESULT(memfd_create(name, MFD_CLOEXEC)); }
static inline int lx_rewind(int fd) { return (int)LX_RESULT(lseek(fd, 0, SEEK_SET)); }
/* `size` in bytes; the program is the array of struct sock_filter that seccomp_export_bpf(3) writes. */
static inline int lx_load_seccomp(const void *program, size_t size, unsigned flags) {
    struct sock_fprog prog = {.len = (unsigned short)(size / sizeof(struct sock_filter)), .filter = (struct sock_filter *)program};
    return (int)LX_RESULT(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog));
}
/* SCMP_ACT_* that carry a value are macros. */
static inline uint32_t lx_seccomp_errno(uint16_t error) { return 0x00050000U | error; }
static inline uint32_t lx_seccomp_trace(uint16_t message) { return 0x7ff00000U | message; }

#endif
