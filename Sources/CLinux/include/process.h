/* Processes, namespaces, signals, credentials. */
#ifndef CLINUX_PROCESS_H
#define CLINUX_PROCESS_H

#include "clinux.h"
#include <grp.h>
#include <linux/nsfs.h>
#include <linux/sched.h>
#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>

/* clone3(2) with fork semantics: no new stack. Returns the child's pid in the parent, 0 in the child. */
int lx_clone3(uint64_t flags, int *pidfd, int cgroup_fd);
/* Installs a handler for the signals that end a process by default; it ends with 128 + the signal's number. */
void lx_exit_on_signals(void);
/* Every signal back to its default action, none blocked. */
void lx_reset_signals(void);
/* vfork + execve, wholly in C: argv and envp end in NULL; in, out and err become 0, 1 and 2. */
int lx_spawn(const char *path, char *const argv[], char *const envp[], int in, int out, int err, pid_t *pid);
/* The same with `count` descriptors (at most 32), which become 0, 1, 2 and so on, whichever numbers they have here. */
int lx_spawn_passing(const char *path, char *const argv[], char *const envp[], const int *descriptors, int count, pid_t *pid);

static inline int lx_unshare(int flags) { return (int)LX_RESULT(unshare(flags)); }
/* The CLONE_NEW* bit of an open namespace; -ENOTTY when it is none. */
static inline int lx_namespace_type(int fd) { return (int)LX_RESULT(ioctl(fd, NS_GET_NSTYPE)); }
/* The user namespace that owns an open namespace. */
static inline int lx_namespace_owner(int fd) { return (int)LX_RESULT(ioctl(fd, NS_GET_USERNS)); }
static inline int lx_setns(int fd, int type) { return (int)LX_RESULT(setns(fd, type)); }
static inline int lx_fork(void) { return (int)LX_RESULT(fork()); }
static inline int lx_waitpid(int pid, int *status, int options) { return (int)LX_RETRY(waitpid(pid, status, options)); }
static inline int lx_exited(int status) { return WIFEXITED(status); }
static inline int lx_exit_status(int status) { return WEXITSTATUS(status); }
static inline int lx_term_signal(int status) { return WTERMSIG(status); }
static inline int lx_kill(int pid, int signal) { return (int)LX_RESULT(kill(pid, signal)); }
static inline int lx_pidfd_open(int pid) { return (int)LX_RESULT(syscall(SYS_pidfd_open, pid, 0)); }
/* A copy of another process's descriptor. See pidfd_getfd(2), Linux 5.6. */
static inline int lx_pidfd_copy(int fd, int number) { return (int)LX_RESULT(syscall(SYS_pidfd_getfd, fd, number, 0)); }
static inline int lx_pidfd_kill(int fd, int signal) { return (int)LX_RESULT(syscall(SYS_pidfd_send_signal, fd, signal, NULL, 0)); }
static inline int lx_execve(const char *path, char *const argv[], char *const envp[]) { return (int)LX_RESULT(execve(path, argv, envp)); }
/* Waits until `fd` can be read, with as little memory resident as can be: free heap goes back, and so does the program's
 * own text, which is read again from its file page by page as it is needed. 1, or -errno. */
void lx_give_memory_back(void);
int lx_wait_idle(int fd);
static inline int lx_execveat(int fd, char *const argv[], char *const envp[]) {
    return (int)LX_RESULT(syscall(SYS_execveat, fd, "", argv, envp, AT_EMPTY_PATH));
}
static inline _Noreturn void lx_wait_for_ever(void) { for (;;) pause(); }
static inline int lx_setsid(void) { return (int)LX_RESULT(setsid()); }
static inline int lx_getpid(void) { return getpid(); }
static inline int lx_getppid(void) { return getppid(); }
static inline unsigned lx_geteuid(void) { return geteuid(); }
static inline unsigned lx_getegid(void) { return getegid(); }
static inline _Noreturn void lx_exit_now(int status) { _exit(status); }

static inline int lx_prctl(int option, unsigned long a, unsigned long b) { return (int)LX_RESULT(prctl(option, a, b, 0, 0)); }
static inline int lx_setgroups(size_t count, const uint32_t *groups) { return (int)LX_RESULT(syscall(SYS_setgroups, count, groups)); }
static inline int lx_setresuid(uint32_t id) { return (int)LX_RESULT(syscall(SYS_setresuid, id, id, id)); }
static inline int lx_setresgid(uint32_t id) { return (int)LX_RESULT(syscall(SYS_setresgid, id, id, id)); }
static inline unsigned lx_umask(unsigned mask) { return umask(mask); }
static inline int lx_setrlimit(int resource, uint64_t soft, uint64_t hard) {
    struct rlimit limit = {.rlim_cur = soft, .rlim_max = hard};
    return (int)LX_RESULT(prlimit(0, (__rlimit_resource_t)resource, &limit, NULL));
}
static inline int lx_sethostname(const char *name, size_t size) { return (int)LX_RESULT(sethostname(name, size)); }
static inline int lx_setdomainname(const char *name, size_t size) { return (int)LX_RESULT(setdomainname(name, size)); }
/* keyctl(2) KEYCTL_JOIN_SESSION_KEYRING; returns the keyring's serial. */
static inline int lx_join_session_keyring(const char *name) { return (int)LX_RESULT(syscall(SYS_keyctl, 1, name)); }
static inline int lx_personality(unsigned long domain) { return (int)LX_RESULT(syscall(SYS_personality, domain)); }

/* A blocked-signal mask of everything, and a signalfd(2) that reads it. */
int lx_block_signals(void);
int lx_signalfd(void);
/* The next signal waiting in a signalfd: its number, or -errno (EAGAIN when none waits). */
int lx_next_signal(int fd);

static inline int64_t lx_clock_nanoseconds(int clock) {
    struct timespec t;
    return clock_gettime(clock, &t) < 0 ? -errno : (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}
/* Word `index` of the command line this program was started with, NULL past the end. */
const char *lx_argument(int index);
/* Entry `index` of environ(7), NULL past the end. */
static inline const char *lx_environ(int index) { extern char **environ; return environ ? environ[index] : NULL; }

/* `Killed`, or NULL for a number that is no signal. */
static inline const char *lx_signal_text(int signal) { return sigdescr_np(signal); }

#endif
