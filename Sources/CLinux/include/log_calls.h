/* The edges of the program: the log file, the standard streams, the environment. */
#ifndef CLINUX_LOG_CALLS_H
#define CLINUX_LOG_CALLS_H

#include "clinux.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * write(2) that answers -EPIPE instead of killing the process. The disposition is put back at once, because an ignored
 * SIGPIPE would be inherited by the container's process.
 */
static inline long lx_write_quiet(int fd, const void *bytes, size_t size) {
    struct sigaction ignore, before;
    memset(&ignore, 0, sizeof ignore);
    ignore.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &ignore, &before);
    long written = LX_RETRY(write(fd, bytes, size));
    sigaction(SIGPIPE, &before, NULL);
    return written;
}

/*
 * Removes the handlers that the language runtime installs for crashes: SWIFT_BACKTRACE in the caller's environment
 * would make them execute a program of the caller's choice. What the caller ignores stays ignored.
 */
static inline void lx_reset_crash_handlers(void) {
    static const int crashes[] = {SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGFPE, SIGBUS, SIGSEGV};
    for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++) {
        struct sigaction now;
        if (sigaction(crashes[i], NULL, &now) == 0 && now.sa_handler != SIG_DFL && now.sa_handler != SIG_IGN)
            signal(crashes[i], SIG_DFL);
    }
}

static inline const char *lx_environment(const char *name) { return getenv(name); }
static inline void lx_unset_environment(const char *name) { unsetenv(name); }

/* 1 in a user namespace that maps users, 0 in the initial one: there the map is the identity. See user_namespaces(7). */
static inline int lx_in_user_namespace(void) {
    char text[64] = "";
    unsigned inside = 0, outside = 0, count = 0;
    int fd = (int)LX_RETRY(open("/proc/self/uid_map", O_RDONLY | O_CLOEXEC));
    if (fd < 0) return 0;
    long size = LX_RETRY(read(fd, text, sizeof text - 1));
    close(fd);
    if (size <= 0 || sscanf(text, "%u %u %u", &inside, &outside, &count) != 3) return 0;
    return !(inside == 0 && outside == 0 && count == 4294967295u);
}

_Noreturn static inline void lx_leave(int status) { exit(status); }

#endif
