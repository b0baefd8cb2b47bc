/* Notices of the kernel: counters that it raises, files that it changes. */
#ifndef CLINUX_NOTICES_H
#define CLINUX_NOTICES_H

#include "clinux.h"
#include <poll.h>
#include <sys/eventfd.h>

static inline int lx_eventfd(void) { return (int)LX_RESULT(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)); }
/* Sets an eventfd's counter to 0: 1 if it was above, 0 if not, or -errno. */
static inline int lx_eventfd_take(int fd) {
    uint64_t count;
    ssize_t size = LX_RETRY(read(fd, &count, sizeof count));
    if (size == -EAGAIN) return 0;
    return (int)(size < 0 ? size : 1);
}

#endif
