#include "clinux.h"
#include "process.h"
#include "sockets.h"
#include <string.h>
#include <malloc.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sys/mman.h>

int lx_error_text(int error, char *buffer, size_t size) {
    const char *text = strerror_r(error, buffer, size); /* the GNU one, which may not use the buffer */
    if (text != buffer) {
        strncpy(buffer, text, size - 1);
        buffer[size - 1] = 0;
    }
    return 0;
}

static char **arguments;
/* The C library hands the command line to constructors; the language runtime would look for it in /proc/self/maps. */
__attribute__((constructor)) static void keep_arguments(int count, char **words) {
    (void)count;
    arguments = words;
}
const char *lx_argument(int index) { return arguments ? arguments[index] : NULL; }

int lx_clone3(uint64_t flags, int *pidfd, int cgroup_fd) {
    struct clone_args a;
    memset(&a, 0, sizeof a);
    a.flags = flags | (pidfd ? CLONE_PIDFD : 0) | (cgroup_fd >= 0 ? CLONE_INTO_CGROUP : 0);
    a.pidfd = (uint64_t)(uintptr_t)pidfd;
    a.exit_signal = flags & CLONE_PARENT ? 0 : SIGCHLD; /* a sibling has the caller's, and may not name one */
    if (cgroup_fd >= 0) a.cgroup = (uint64_t)cgroup_fd;
    return (int)LX_RESULT(syscall(SYS_clone3, &a, sizeof a));
}

static void exit_with_signal(int signal) { _exit(128 + signal); }

/* Process 1 of a PID namespace gets no signal whose action is the default one, so the default has to be spelled out. */
void lx_exit_on_signals(void) {
    static const int ending[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF, SIGIO, SIGPWR, SIGSTKFLT, SIGXCPU, SIGXFSZ};
    struct sigaction a = {.sa_handler = exit_with_signal};
    for (size_t i = 0; i < sizeof ending / sizeof *ending; i++) sigaction(ending[i], &a, NULL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

void lx_reset_signals(void) {
    struct sigaction a = {.sa_handler = SIG_DFL};
    for (int s = 1; s < 32; s++) { /* nobody ignores real-time signals */
        if (s == SIGKILL || s == SIGSTOP) continue;
        sigaction(s, &a, NULL);
    }
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* The descriptors become 0, 1, 2 and so on, one after the other. */
static int spawn_with(const char *path, char *const argv[], char *const envp[], const int *descriptors, int count, pid_t *pid) {
    volatile int error = 0;
    pid_t child = vfork();
    if (child < 0) return -errno;
    if (child == 0) {
        sigset_t none; /* the caller may have blocked signals for itself */
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        for (int i = 0; i < count; i++) {
            if (dup2(descriptors[i], i) < 0) { error = errno; _exit(127); }
        }
        execve(path, argv, envp);
        error = errno;
        _exit(127);
    }
    if (error) {
        int status;
        while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
        return -error;
    }
    *pid = child;
    return 0;
}

int lx_spawn(const char *path, char *const argv[], char *const envp[], int in, int out, int err, pid_t *pid) {
    int standard[] = {in, out, err};
    return spawn_with(path, argv, envp, standard, 3, pid);
}

int lx_spawn_passing(const char *path, char *const argv[], char *const envp[], const int *descriptors, int count, pid_t *pid) {
    int copies[32];
    int made = 0, result = 0;
    if (count < 0 || count > 32) return -EINVAL;
    /* Out of the way of the numbers they are to have. */
    while (made < count && result == 0) {
        copies[made] = fcntl(descriptors[made], F_DUPFD_CLOEXEC, count);
        if (copies[made] < 0) result = -errno; else made++;
    }
    if (result == 0) result = spawn_with(path, argv, envp, copies, count, pid);
    while (made > 0) close(copies[--made]);
    return result;
}

int lx_block_signals(void) {
    sigset_t all;
    sigfillset(&all);
    return (int)LX_RESULT(sigprocmask(SIG_SETMASK, &all, NULL));
}

int lx_signalfd(void) {
    sigset_t all;
    sigfillset(&all);
    return (int)LX_RESULT(signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK));
}

int lx_next_signal(int fd) {
    struct signalfd_siginfo info;
    ssize_t n = LX_RETRY(read(fd, &info, sizeof info));
    return n < 0 ? (int)n : n == sizeof info ? (int)info.ssi_signo : -EIO;
}

static int unix_address(const char *path, struct sockaddr_un *address) {
    size_t size = strlen(path);
    if (size >= sizeof address->sun_path) return -ENAMETOOLONG;
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    memcpy(address->sun_path, path, size);
    return 0;
}

int lx_unix_listen(const char *path, int type) {
    struct sockaddr_un address;
    int r = unix_address(path, &address);
    if (r < 0) return r;
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 4) < 0) {
        r = -errno;
        close(fd);
        return r;
    }
    return fd;
}

int lx_unix_receive_at(const char *path) {
    struct sockaddr_un address;
    int r = unix_address(path, &address);
    if (r < 0) return r;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || chmod(path, 0777) < 0) {
        r = -errno;
        close(fd);
        return r;
    }
    return fd;
}

int lx_unix_connect(const char *path, int type) {
    struct sockaddr_un address;
    int r = unix_address(path, &address);
    if (r < 0) return r;
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    r = (int)LX_RETRY(connect(fd, (struct sockaddr *)&address, sizeof address));
    if (r < 0) {
        close(fd);
        return r;
    }
    return fd;
}

int lx_send_descriptor(int socket, int fd, const char *text, size_t size) {
    union { char buffer[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } control;
    struct iovec part = {.iov_base = (void *)text, .iov_len = size};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.buffer, .msg_controllen = sizeof control.buffer};
    memset(&control, 0, sizeof control);
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &fd, sizeof fd);
    return (int)LX_RETRY(sendmsg(socket, &message, MSG_NOSIGNAL));
}

ssize_t lx_receive_with_descriptor(int socket, void *data, size_t size, int *fd) {
    union { char buffer[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } control;
    struct iovec part = {.iov_base = data, .iov_len = size};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.buffer, .msg_controllen = sizeof control.buffer};
    ssize_t n = LX_RETRY(recvmsg(socket, &message, MSG_CMSG_CLOEXEC));
    *fd = -1;
    if (n < 0) return n;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header && header->cmsg_type == SCM_RIGHTS && header->cmsg_len == CMSG_LEN(sizeof(int)))
        memcpy(fd, CMSG_DATA(header), sizeof *fd);
    return n;
}

int lx_receive_descriptor(int socket) {
    union { char buffer[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } control;
    char text[4096];
    struct iovec part = {.iov_base = text, .iov_len = sizeof text};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.buffer, .msg_controllen = sizeof control.buffer};
    ssize_t n = LX_RETRY(recvmsg(socket, &message, MSG_CMSG_CLOEXEC));
    if (n < 0) return (int)n;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (!header || header->cmsg_type != SCM_RIGHTS || header->cmsg_len != CMSG_LEN(sizeof(int))) return -EPROTO;
    int fd;
    memcpy(&fd, CMSG_DATA(header), sizeof fd);
    return fd;
}

void lx_give_memory_back(void) {
    extern char __executable_start[], etext[];
    malloc_trim(0);
    uintptr_t start = (uintptr_t)__executable_start & ~4095UL, end = (uintptr_t)etext & ~4095UL;
    if (end > start) madvise((void *)start, end - start, MADV_DONTNEED);
}

int lx_wait_idle(int fd) {
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    lx_give_memory_back();
    /* By the bare instruction: a call into libc would bring more of the text back. */
    long result;
    do {
        __asm__ volatile("syscall" : "=a"(result) : "a"(SYS_poll), "D"(&wait), "S"(1L), "d"(-1L) : "rcx", "r11", "memory");
    } while (result == -EINTR);
    return (int)result;
}

int lx_tap_open(char name[16]) {
    int fd = (int)LX_RETRY(open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK));
    if (fd < 0) return fd;
    struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
    memcpy(request.ifr_name, name, IFNAMSIZ);
    if (ioctl(fd, TUNSETIFF, &request) < 0) {
        int error = errno;
        close(fd);
        return -error;
    }
    memcpy(name, request.ifr_name, IFNAMSIZ);
    return fd;
}

int lx_tap_leave(int fd) {
    if (ioctl(fd, TUNSETOWNER, (unsigned long)geteuid()) < 0) return -errno;
    return (int)LX_RESULT(ioctl(fd, TUNSETPERSIST, 1UL));
}

int lx_macvtap_frames(int fd) {
    struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
    return (int)LX_RESULT(ioctl(fd, TUNSETIFF, &request));
}
