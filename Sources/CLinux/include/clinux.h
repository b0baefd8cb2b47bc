/*
 * What Swift cannot say: calls that glibc's module map lacks, variadic ones, macros, and code between fork and exec.
 * Every function returns the call's result or -errno, and retries EINTR where a retry is safe.
 */
#ifndef CLINUX_H
#define CLINUX_H

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <unistd.h>

/* The result of CALL, or -errno. */
#define LX_RESULT(call) ({ long lx_r_ = (long)(call); lx_r_ < 0 ? -(long)errno : lx_r_; })
/* The same, again while it is interrupted. */
#define LX_RETRY(call) ({ long lx_r_; do { lx_r_ = (long)(call); } while (lx_r_ < 0 && errno == EINTR); lx_r_ < 0 ? -(long)errno : lx_r_; })

/* strerror_r(3); 0 or a positive error number. */
int lx_error_text(int error, char *buffer, size_t size);

static inline int lx_close(int fd) { return (int)LX_RESULT(close(fd)); }

#endif
