/* The embedded Solo5 monitors: guest memory, wait set, seccomp, and the way into an spt guest. */
#ifndef CLINUX_TENDER_H
#define CLINUX_TENDER_H

#include "clinux.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>

/* Registers as a fault report lists them. */
enum { LX_RIP, LX_RFLAGS, LX_RSP, LX_RBP, LX_RAX, LX_RBX, LX_RCX, LX_RDX, LX_RSI, LX_RDI, LX_R8, LX_R15 = LX_R8 + 7, LX_REGISTERS };
enum { LX_FAULT_NONE, LX_FAULT_REGISTERS, LX_FAULT_TEXT, LX_FAULT_REFUSED };
#define LX_FAULT_PAGE 4096
#define LX_FAULT_TEXT_SIZE 3800

/* What a tender leaves for its supervisor in a page that both share. */
struct lx_fault {
    uint32_t kind;
    uint32_t text_size;
    uint64_t trap, error, address;
    uint64_t registers[LX_REGISTERS];
    char text[LX_FAULT_TEXT_SIZE];
};
_Static_assert(sizeof(struct lx_fault) <= LX_FAULT_PAGE, "a fault fits its page");

/* One page shared with every child forked from now on; its address, or -errno. */
static inline int64_t lx_shared_page(void) {
    void *page = mmap(NULL, LX_FAULT_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return page == MAP_FAILED ? -errno : (int64_t)(intptr_t)page;
}

/* Zeroed private memory at `address` exactly, or anywhere for 0; its address, or -errno. Swap is not reserved: a
 * guest is told its memory's size, and seldom touches all of it. */
static inline int64_t lx_guest_map(uint64_t address, uint64_t size) {
    int fixed = address ? MAP_FIXED_NOREPLACE : 0;
    void *memory = mmap((void *)(uintptr_t)address, size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | fixed, -1, 0);
    return memory == MAP_FAILED ? -errno : (int64_t)(intptr_t)memory;
}
static inline int lx_unmap(void *memory, size_t size) { return (int)LX_RESULT(munmap(memory, size)); }
static inline int lx_guest_protect(void *memory, size_t size, int read, int write, int execute) {
    return (int)LX_RESULT(mprotect(memory, size, (read ? PROT_READ : 0) | (write ? PROT_WRITE : 0) | (execute ? PROT_EXEC : 0)));
}
/* preadv2-like reads for guest memory: one pread(2) or pwrite(2); the count moved, or -errno. */
static inline int64_t lx_guest_pread(int fd, void *to, size_t size, uint64_t at) { return LX_RETRY(pread(fd, to, size, (off_t)at)); }
static inline int64_t lx_guest_pwrite(int fd, const void *from, size_t size, uint64_t at) { return LX_RETRY(pwrite(fd, from, size, (off_t)at)); }

/* Writes everything to a console that may be a pipe, a socket or a terminal, blocking or not; 0 or -errno. */
static inline int lx_console_write(int fd, const void *text, size_t size) {
    const char *at = (const char *)text;
    while (size > 0) {
        ssize_t n = write(fd, at, size);
        if (n >= 0) { at += n; size -= (size_t)n; continue; }
        if (errno == EAGAIN || errno == EWOULDBLOCK) {
            struct pollfd wait = {.fd = fd, .events = POLLOUT};
            if (poll(&wait, 1, -1) < 0 && errno != EINTR) return -errno;
        } else if (errno != EINTR) return -errno;
    }
    return 0;
}
/* A reader that goes away must not end the guest. */
static inline int lx_ignore_broken_pipes(void) {
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    return (int)LX_RESULT(sigaction(SIGPIPE, &ignore, NULL));
}

/* What epoll reports for the timer: SPT_INTERNAL_TIMERFD, part of the spt contract. */
#define LX_TIMER_TOKEN 0xFFFFFFFEULL
static inline int lx_wait_set(void) { return (int)LX_RESULT(epoll_create1(EPOLL_CLOEXEC)); }
static inline int lx_wait_set_add(int set, int fd, uint64_t token) {
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = token};
    return (int)LX_RESULT(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event));
}
static inline int lx_wait_timer(void) { return (int)LX_RESULT(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)); }
/* Waits until a descriptor is readable or `nanoseconds` have passed. The tokens of those readable go as bits into
 * `ready`; their number comes back, or -errno. */
int lx_wait(int set, int timer, uint64_t nanoseconds, uint64_t *ready);

/* Where an spt guest begins: its entry point, its first stack pointer, what it finds in rdi; its memory's size. */
struct lx_spt_entry { uint64_t memory, entry, stack, argument; };
/* Becomes an spt guest: takes everything but the guest's memory out of this process, puts the filter into force and
 * jumps, every register but rsp and rdi zero. From then on the guest's SIGSEGV, SIGBUS, SIGILL, SIGFPE and SIGTRAP end the
 * process with 255 and leave the registers in `record`. Comes back only with -errno, and then the record may be gone. */
int lx_spt_enter(struct lx_fault *record, const void *program, size_t size, const struct lx_spt_entry *entry);

#endif
