/* What the vAccel agent needs: epoll(7), sockets that never block, listening at addresses of four families. */
#ifndef CLINUX_AGENT_CALLS_H
#define CLINUX_AGENT_CALLS_H

#include "clinux.h"
#include <linux/vm_sockets.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { LX_READABLE = EPOLLIN, LX_WRITABLE = EPOLLOUT, LX_CLOSED = EPOLLHUP | EPOLLERR };

static inline int lx_epoll(void) { return (int)LX_RESULT(epoll_create1(EPOLL_CLOEXEC)); }
/* `events`: LX_READABLE | LX_WRITABLE. `operation`: 1 to add, 2 to take out, 3 to change. */
static inline int lx_epoll_control(int set, int operation, int fd, uint32_t events, uint64_t token) {
    struct epoll_event event = {.events = events, .data.u64 = token};
    return (int)LX_RESULT(epoll_ctl(set, operation, fd, &event));
}
/* Up to `room` events, their bits and tokens; 0 when `milliseconds` have passed or a signal came. */
static inline int lx_epoll_wait(int set, uint32_t *bits, uint64_t *tokens, int room, int milliseconds) {
    struct epoll_event events[64];
    int count = epoll_wait(set, events, room < 64 ? room : 64, milliseconds);
    if (count < 0) return errno == EINTR ? 0 : -errno;
    for (int i = 0; i < count; i++) { bits[i] = events[i].events; tokens[i] = events[i].data.u64; }
    return count;
}

static inline int lx_accept_stream(int fd) { return (int)LX_RETRY(accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)); }
static inline ssize_t lx_receive_now(int fd, void *data, size_t size) { return LX_RETRY(recv(fd, data, size, MSG_DONTWAIT)); }
static inline ssize_t lx_send_now(int fd, const void *data, size_t size, int more) {
    return LX_RETRY(send(fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL | (more ? MSG_MORE : 0)));
}
/* Up to 8 pieces one after the other, and an open file beside them unless `file` is -1. */
static inline ssize_t lx_send_pieces(int fd, struct iovec *pieces, int count, int file, int more) {
    union { char buffer[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } control = {.buffer = {0}};
    struct msghdr message = {.msg_iov = pieces, .msg_iovlen = (size_t)count};
    if (file >= 0) {
        message.msg_control = control.buffer;
        message.msg_controllen = sizeof control.buffer;
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        *header = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))};
        __builtin_memcpy(CMSG_DATA(header), &file, sizeof file);
    }
    return LX_RETRY(sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL | (more ? MSG_MORE : 0)));
}
/* Waits until the other end takes or sends something. */
static inline ssize_t lx_receive_some(int fd, void *data, size_t size) { return LX_RETRY(recv(fd, data, size, 0)); }
static inline int lx_unblock(int fd) {
    int flags = fcntl(fd, F_GETFL);
    return flags < 0 ? -errno : (int)LX_RESULT(fcntl(fd, F_SETFL, flags | O_NONBLOCK));
}
static inline int lx_close_on_exec(int fd) { return (int)LX_RESULT(fcntl(fd, F_SETFD, FD_CLOEXEC)); }
/* 1 when `fd` is a stream socket that listens, 0 when it is not. */
static inline int lx_listens(int fd) {
    int listens = 0, type = 0;
    socklen_t size = sizeof listens;
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) < 0) return 0;
    size = sizeof type;
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0) return 0;
    return listens && type == SOCK_STREAM;
}
/* Small answers must not wait for an acknowledgement; other families do not know the option. */
static inline void lx_no_delay(int fd) { int on = 1; (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); }

/* How much is taken from a sender before the other end reads; beyond the system's bound for root only. */
static inline void lx_set_send_buffer(int fd, int bytes) {
    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes) < 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
}

static inline int lx_listen_at(int family, const struct sockaddr *address, socklen_t size) {
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1, r;
    if (fd < 0) return -errno;
    if (family == AF_INET) (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    int bound = bind(fd, address, size) == 0;
    if (!bound || listen(fd, 128) < 0) {
        r = -errno;
        close(fd);
        const char *path = family == AF_UNIX ? ((const struct sockaddr_un *)address)->sun_path : "";
        if (bound && *path) (void)unlink(path);
        return r;
    }
    return fd;
}
/* `size` bytes of a path, or of an abstract name that begins with NUL. */
static inline int lx_listen_unix(const char *name, size_t size) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (size == 0 || size >= sizeof address.sun_path) return -ENAMETOOLONG;
    for (size_t i = 0; i < size; i++) address.sun_path[i] = name[i];
    socklen_t whole = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size + (name[0] ? 1 : 0));
    return lx_listen_at(AF_UNIX, (const struct sockaddr *)&address, whole);
}
/* `address` in host order. */
static inline int lx_listen_tcp(uint32_t address, uint16_t port) {
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(address)};
    return lx_listen_at(AF_INET, (const struct sockaddr *)&in, sizeof in);
}
static inline int lx_listen_vsock(uint32_t port) {
    struct sockaddr_vm vm = {.svm_family = AF_VSOCK, .svm_port = port, .svm_cid = VMADDR_CID_ANY};
    return lx_listen_at(AF_VSOCK, (const struct sockaddr *)&vm, sizeof vm);
}
/* The CID of a vsock connection's other end; 0 for another family. */
static inline uint32_t lx_peer_cid(int fd) {
    struct sockaddr_vm vm = {0};
    socklen_t size = sizeof vm;
    if (getpeername(fd, (struct sockaddr *)&vm, &size) < 0 || vm.svm_family != AF_VSOCK) return 0;
    return vm.svm_cid;
}

static inline ssize_t lx_random(void *data, size_t size) { return LX_RETRY(getrandom(data, size, 0)); }

/* A file in memory of `size` bytes, a multiple of a page's; `fills`: all of them are taken now, not when they are used. */
static inline int lx_region_file(size_t size, int fills) {
    int fd = memfd_create("region", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0) return -errno;
    if ((fills ? fallocate(fd, 0, 0, (off_t)size) : ftruncate(fd, (off_t)size)) == 0) return fd;
    int error = errno;
    close(fd);
    return -error;
}
/* Nobody can change the size any more; `keeps`: nor write by any other mapping than those that there are. */
static inline int lx_region_seal(int fd, int keeps) {
    return (int)LX_RESULT(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | (keeps ? F_SEAL_FUTURE_WRITE : 0)));
}
static inline int lx_region_map(int fd, size_t size, int writable, int populates, void **address) {
    int access = PROT_READ | (writable ? PROT_WRITE : 0);
    *address = mmap(NULL, size, access, MAP_SHARED | (populates ? MAP_POPULATE : 0), fd, 0);
    return *address == MAP_FAILED ? -errno : 0;
}
static inline int lx_region_keep_from_children(void *address, size_t size) {
    return (int)LX_RESULT(madvise(address, size, MADV_DONTFORK));
}
static inline void lx_region_unmap(void *address, size_t size) { munmap(address, size); }
/* One arena, for one thread. What frames have left is kept for the next ones, up to 16 MiB; lx_give_memory_back gives it back. */
static inline void lx_frugal_allocator(void) {
    (void)mallopt(M_ARENA_MAX, 1);
    (void)mallopt(M_TRIM_THRESHOLD, 16 << 20);
    (void)mallopt(M_MMAP_THRESHOLD, 8 << 20);
}

#endif
