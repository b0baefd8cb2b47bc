/* The vsock device: guest memory by address, shared rings, sockets that read and write many ranges at once. */
#ifndef CLINUX_VSOCK_H
#define CLINUX_VSOCK_H

#include "clinux.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/resource.h>
#include <string.h>

/* Memory of this process, as struct iovec has it. */
struct lx_range { uintptr_t address; size_t count; };
_Static_assert(sizeof(struct lx_range) == sizeof(struct iovec) && offsetof(struct lx_range, count) == offsetof(struct iovec, iov_len), "a range is an iovec");

/* The header of a packet: struct virtio_vsock_hdr of the virtio specification 1.2, 5.10.6; little endian, as this host. */
struct lx_vsock_header {
    uint64_t source_cid, destination_cid;
    uint32_t source_port, destination_port, length;
    uint16_t type, operation;
    uint32_t flags, buffer_size, forwarded;
};
/* Behind `forwarded` the compiler pads. */
#define LX_VSOCK_HEADER_SIZE 44
_Static_assert(offsetof(struct lx_vsock_header, forwarded) == LX_VSOCK_HEADER_SIZE - 4, "the header has no holes");

/* An entry of a descriptor table: struct virtq_desc, 2.7.5. */
struct lx_ring_descriptor { uint64_t address; uint32_t count; uint16_t flags, next; };
_Static_assert(sizeof(struct lx_ring_descriptor) == 16, "2.7.5");

/* A file's memory, shared with whoever else maps it; its address, or -errno. */
static inline int64_t lx_map_shared(int fd, uint64_t offset, uint64_t size) {
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, (off_t)offset);
    return memory == MAP_FAILED ? -errno : (int64_t)(intptr_t)memory;
}
static inline int lx_unmap_shared(uintptr_t address, size_t size) { return (int)LX_RESULT(munmap((void *)address, size)); }

/* Loads and stores of what a guest may be changing at the same time: each is made once, in the order written here. */
static inline uint16_t lx_ring_load(uintptr_t address) { return __atomic_load_n((const uint16_t *)address, __ATOMIC_ACQUIRE); }
static inline void lx_ring_store(uintptr_t address, uint16_t value) { __atomic_store_n((uint16_t *)address, value, __ATOMIC_RELEASE); }
static inline void lx_ring_store_element(uintptr_t address, uint32_t head, uint32_t written) {
    __atomic_store_n((uint32_t *)address, head, __ATOMIC_RELAXED);
    __atomic_store_n((uint32_t *)(address + 4), written, __ATOMIC_RELAXED);
}
static inline struct lx_ring_descriptor lx_ring_load_descriptor(uintptr_t address) {
    struct lx_ring_descriptor found;
    memcpy(&found, (const void *)address, sizeof found);
    __asm__ volatile("" ::: "memory");
    return found;
}
/* What was stored before is seen before what is loaded afterwards. */
static inline void lx_ring_fence(void) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }

/* Copies the first `size` bytes of several ranges, which hold as many, to `to`. */
static inline void lx_gather(const struct lx_range *ranges, void *to, size_t size) {
    for (char *at = (char *)to; size > 0; ranges++) {
        size_t count = ranges->count < size ? ranges->count : size;
        memcpy(at, (const void *)ranges->address, count);
        at += count;
        size -= count;
    }
    __asm__ volatile("" ::: "memory");
}
static inline void lx_scatter(const struct lx_range *ranges, const void *from, size_t size) {
    for (const char *at = (const char *)from; size > 0; ranges++) {
        size_t count = ranges->count < size ? ranges->count : size;
        memcpy((void *)ranges->address, at, count);
        at += count;
        size -= count;
    }
}

/* The bytes moved, or -errno; never waits. A range of nobody's memory is -EFAULT. */
static inline ssize_t lx_send_ranges(int fd, const struct lx_range *ranges, size_t count) {
    struct msghdr message = {.msg_iov = (struct iovec *)ranges, .msg_iovlen = count};
    return LX_RETRY(sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT));
}
static inline ssize_t lx_receive_ranges(int fd, const struct lx_range *ranges, size_t count) {
    struct msghdr message = {.msg_iov = (struct iovec *)ranges, .msg_iovlen = count};
    return LX_RETRY(recvmsg(fd, &message, MSG_DONTWAIT));
}
static inline ssize_t lx_stream_send(int fd, const void *data, size_t size) { return LX_RETRY(send(fd, data, size, MSG_NOSIGNAL | MSG_DONTWAIT)); }
static inline ssize_t lx_stream_receive(int fd, void *data, size_t size, int peek) {
    return LX_RETRY(recv(fd, data, size, MSG_DONTWAIT | (peek ? MSG_PEEK : 0)));
}
static inline int lx_shutdown(int fd, int how) { return (int)LX_RESULT(shutdown(fd, how)); }
/* Part of a message, and the descriptors beside it, at most LX_MOST_PASSED; more are closed. */
#define LX_MOST_PASSED 16
ssize_t lx_receive_passed(int fd, void *data, size_t size, int descriptors[LX_MOST_PASSED], int *count);
/* A stream socket that listens at `path`, and one connected to it; neither ever waits. */
int lx_stream_listen(const char *path, int backlog);
int lx_stream_connect(const char *path);
static inline int lx_accept_now(int fd) { return (int)LX_RETRY(accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)); }

static const uint32_t LX_WATCH_EDGE = EPOLLET;
static inline int lx_watch_new(void) { return (int)LX_RESULT(epoll_create1(EPOLL_CLOEXEC)); }
static inline int lx_watch_add(int set, int fd, uint32_t events, uint64_t token) {
    struct epoll_event event = {.events = events, .data.u64 = token};
    return (int)LX_RESULT(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event));
}
static inline int lx_watch_change(int set, int fd, uint32_t events, uint64_t token) {
    struct epoll_event event = {.events = events, .data.u64 = token};
    return (int)LX_RESULT(epoll_ctl(set, EPOLL_CTL_MOD, fd, &event));
}
static inline int lx_watch_remove(int set, int fd) { return (int)LX_RESULT(epoll_ctl(set, EPOLL_CTL_DEL, fd, NULL)); }
/* How many of `tokens` and `events` were filled in; an interruption is none. */
#define LX_WATCH_MOST 64
int lx_watch_wait(int set, int timeout_ms, uint64_t tokens[LX_WATCH_MOST], uint32_t events[LX_WATCH_MOST]);
/* Raises an eventfd's counter; a full one has its reader awake already. */
static inline void lx_eventfd_raise(int fd) {
    uint64_t one = 1;
    long ignored = LX_RETRY(write(fd, &one, sizeof one));
    (void)ignored;
}
/* Lets this process have as many descriptors as it may; how many those are. */
static inline int64_t lx_raise_descriptor_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return -errno;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0) return -errno;
    return (int64_t)(limit.rlim_cur > INT32_MAX ? INT32_MAX : limit.rlim_cur);
}

/* VHOST_VSOCK_SET_GUEST_CID of linux/vhost.h; EADDRINUSE for one that another guest on this host has. */
static inline int lx_set_guest_cid(int fd, uint64_t cid) { return (int)LX_RESULT(ioctl(fd, _IOW(0xAF, 0x60, uint64_t), &cid)); }

#endif
