/* What process 1 of a machine does: modules, names, the end. */
#ifndef CLINUX_MACHINE_H
#define CLINUX_MACHINE_H

#include "clinux.h"
#include <string.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* MODULE_INIT_COMPRESSED_FILE: the kernel decompresses the module itself. */
static inline int lx_load_module(int fd, int compressed) {
    return (int)LX_RESULT(syscall(SYS_finit_module, fd, "", compressed ? 4 : 0));
}
static inline int lx_host_name(char *out, size_t size) { memset(out, 0, size); return (int)LX_RESULT(gethostname(out, size)); }
static inline int lx_domain_name(char *out, size_t size) { memset(out, 0, size); return (int)LX_RESULT(getdomainname(out, size)); }
static inline int lx_pipe(int out[2]) { return (int)LX_RESULT(pipe2(out, O_CLOEXEC)); }
static inline void lx_sync(void) { sync(); }
/* As many open files as the hard limit lets. */
static inline int lx_raise_file_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return -errno;
    limit.rlim_cur = limit.rlim_max;
    return (int)LX_RESULT(setrlimit(RLIMIT_NOFILE, &limit));
}
/* Writes everything to its file systems and switches the machine off. */
static inline int lx_power_off(void) { sync(); return (int)LX_RESULT(reboot(RB_POWER_OFF)); }

#endif
