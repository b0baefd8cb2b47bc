// The guest's side of Solo5's spt contract, ABI version 2: an ordinary process whose tender left it a few system calls.

#include "guest.h"

ABI_NOTE(2);
FOREIGN_NOTE;
INTERPRETER;

// Linux x86-64 system call numbers; the tender's filter lets no other pass.
enum {
    CALL_READ = 0,
    CALL_WRITE = 1,
    CALL_PREAD64 = 17,
    CALL_PWRITE64 = 18,
    CALL_CLOCK_GETTIME = 228,
    CALL_EXIT_GROUP = 231,
    CALL_EPOLL_PWAIT = 281,
    CALL_TIMERFD_SETTIME = 286,
};

enum { STANDARD_OUTPUT = 1, CLOCK_REALTIME = 0, CLOCK_MONOTONIC = 1, EINTR = 4 };

/// What the tender stores with its own timer in the epoll set; devices store their handle.
static const uint64_t timer_event = 0xfffffffe;

struct boot_information {
    uint64_t memory_size;
    uint64_t kernel_end;
    const char *command_line;
    const struct manifest *manifest;
    int epoll_fd;
    int timer_fd;
};

struct __attribute__((packed)) epoll_event {
    uint32_t events;
    uint64_t data;
};

struct time {
    uint64_t seconds, nanoseconds;
};

static const struct boot_information *boot;
/// The time that was read last, and when the timer was set to fire; 0: it is not set or has fired.
static uint64_t last_time, timer_end;

long system_call(long number, long a, long b, long c, long d, long e, long f) {
    register long fourth __asm__("r10") = d;
    register long fifth __asm__("r8") = e;
    register long sixth __asm__("r9") = f;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(fourth), "r"(fifth), "r"(sixth)
                     : "rcx", "r11", "memory");
    return result;
}

const char *command_line(void) { return boot->command_line; }
uint64_t memory_size(void) { return boot->memory_size; }
uint64_t kernel_end(void) { return boot->kernel_end; }

const struct manifest_entry *find_device(const char *name, uint64_t *handle) {
    for (uint32_t index = 1; index < boot->manifest->entry_count; index++) {
        *handle = index;
        if (equal(boot->manifest->entries[index].name, name))
            return &boot->manifest->entries[index];
    }
    return NULL;
}

const struct manifest_entry *device_at(uint64_t handle) {
    return handle < boot->manifest->entry_count ? &boot->manifest->entries[handle] : NULL;
}

void console_write(const void *data, size_t size) {
    const char *next = data;
    while (size > 0) {
        long written = system_call(CALL_WRITE, STANDARD_OUTPUT, (long)next, (long)size, 0, 0, 0);
        if (written == -EINTR)
            continue;
        if (written <= 0)
            platform_exit(254);
        next += written;
        size -= (size_t)written;
    }
}

_Noreturn void platform_exit(int status) {
    for (;;)
        system_call(CALL_EXIT_GROUP, status, 0, 0, 0, 0, 0);
}

static uint64_t read_clock(long clock) {
    struct time now = {0, 0};
    system_call(CALL_CLOCK_GETTIME, clock, (long)&now, 0, 0, 0, 0);
    return now.seconds * NANOSECONDS_PER_SECOND + now.nanoseconds;
}

uint64_t clock_monotonic(void) { return last_time = read_clock(CLOCK_MONOTONIC); }
uint64_t clock_wall(void) { return read_clock(CLOCK_REALTIME); }

/// Sets the timer, unless it is set to the same time already: who waits for packets mostly has the same deadline again.
static void set_timer(uint64_t timeout) {
    if (timer_end == last_time + timeout)
        return;
    timer_end = last_time + timeout;
    struct {
        struct time interval, value;
    } timer = {{0, 0}, {timeout / NANOSECONDS_PER_SECOND, timeout % NANOSECONDS_PER_SECOND}};
    system_call(CALL_TIMERFD_SETTIME, boot->timer_fd, 0, (long)&timer, 0, 0, 0);
}

uint64_t wait_ready(uint64_t timeout_nanoseconds) {
    // A timer of zero would never fire.
    set_timer(timeout_nanoseconds > 0 ? timeout_nanoseconds : 1);
    struct epoll_event events[64];
    long count;
    do {
        count = system_call(CALL_EPOLL_PWAIT, boot->epoll_fd, (long)events, 64, -1, 0, 8);
    } while (count == -EINTR);

    uint64_t ready = 0;
    for (long index = 0; index < count; index++) {
        if (events[index].data == timer_event)
            timer_end = 0;
        else
            ready |= 1ull << events[index].data;
    }
    return ready;
}

static int host_fd(uint64_t handle) { return boot->manifest->entries[handle].host_fd; }

int block_read(uint64_t handle, uint64_t offset, void *data, size_t size) {
    return system_call(CALL_PREAD64, host_fd(handle), (long)data, (long)size, (long)offset, 0, 0) != (long)size;
}

int block_write(uint64_t handle, uint64_t offset, const void *data, size_t size) {
    return system_call(CALL_PWRITE64, host_fd(handle), (long)data, (long)size, (long)offset, 0, 0) != (long)size;
}

int net_read(uint64_t handle, void *data, size_t *size) {
    long count = system_call(CALL_READ, host_fd(handle), (long)data, (long)*size, 0, 0, 0);
    *size = count > 0 ? (size_t)count : 0;
    return count <= 0;
}

int net_write(uint64_t handle, const void *data, size_t size) {
    return system_call(CALL_WRITE, host_fd(handle), (long)data, (long)size, 0, 0, 0) != (long)size;
}

/// Where the tender jumps to: with the stack at the top of guest memory and the boot information's address as the first
/// argument of a C function.
_Noreturn void _start(const struct boot_information *information) {
    boot = information;
    guest_exit(guest_main());
}
