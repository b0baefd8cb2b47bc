// The guest's side of Solo5's hvt contract, ABI version 2: a virtual CPU in 64-bit mode, all memory mapped one to one,
// and hypercalls made by writing the 32-bit address of their argument to an I/O port.

#include "guest.h"

ABI_NOTE(1);
FOREIGN_NOTE;
INTERPRETER;

enum {
    HYPERCALL_PORT = 0x500,
    HYPERCALL_WALL_TIME = 1,
    HYPERCALL_PUTS = 2,
    HYPERCALL_POLL = 3,
    HYPERCALL_BLOCK_WRITE = 4,
    HYPERCALL_BLOCK_READ = 5,
    HYPERCALL_NET_WRITE = 6,
    HYPERCALL_NET_READ = 7,
    HYPERCALL_HALT = 8,
};

struct boot_information {
    uint64_t memory_size;
    uint64_t kernel_end;
    uint64_t cycles_per_second;
    const char *command_line;
    const struct manifest *manifest;
};

static const struct boot_information *boot;

void hypercall(uint16_t number, const volatile void *argument) {
    __asm__ volatile("outl %0, %1"
                     :
                     : "a"((uint32_t)(uintptr_t)argument), "d"((uint16_t)(HYPERCALL_PORT + number))
                     : "memory");
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
    struct {
        const void *data;
        uint64_t size;
    } argument = {data, size};
    hypercall(HYPERCALL_PUTS, &argument);
}

_Noreturn void platform_exit(int status) {
    struct {
        const void *cookie;
        int status;
    } argument = {NULL, status};
    for (;;)
        hypercall(HYPERCALL_HALT, &argument);
}

uint64_t clock_monotonic(void) {
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    uint64_t cycles = (uint64_t)high << 32 | low;
    uint64_t rate = boot->cycles_per_second;
    // Whole seconds apart, so that the product stays below 64 bits.
    return cycles / rate * NANOSECONDS_PER_SECOND + cycles % rate * NANOSECONDS_PER_SECOND / rate;
}

uint64_t clock_wall(void) {
    volatile uint64_t nanoseconds = 0;
    hypercall(HYPERCALL_WALL_TIME, &nanoseconds);
    return nanoseconds;
}

uint64_t wait_ready(uint64_t timeout_nanoseconds) {
    volatile struct {
        uint64_t timeout, ready;
        int result;
    } argument = {timeout_nanoseconds, 0, 0};
    hypercall(HYPERCALL_POLL, &argument);
    return argument.ready;
}

/// The block and network hypercalls differ in one field only: blocks have an offset.
static int block_call(uint16_t number, uint64_t handle, uint64_t offset, const void *data, size_t size) {
    volatile struct {
        uint64_t handle, offset;
        const void *data;
        uint64_t size;
        int result;
    } argument = {handle, offset, data, size, -1};
    hypercall(number, &argument);
    return argument.result;
}

static int net_call(uint16_t number, uint64_t handle, const void *data, size_t *size) {
    volatile struct {
        uint64_t handle;
        const void *data;
        uint64_t size;
        int result;
    } argument = {handle, data, *size, -1};
    hypercall(number, &argument);
    *size = argument.size;
    return argument.result;
}

int block_read(uint64_t handle, uint64_t offset, void *data, size_t size) {
    return block_call(HYPERCALL_BLOCK_READ, handle, offset, data, size);
}

int block_write(uint64_t handle, uint64_t offset, const void *data, size_t size) {
    return block_call(HYPERCALL_BLOCK_WRITE, handle, offset, data, size);
}

int net_read(uint64_t handle, void *data, size_t *size) { return net_call(HYPERCALL_NET_READ, handle, data, size); }

int net_write(uint64_t handle, const void *data, size_t size) {
    return net_call(HYPERCALL_NET_WRITE, handle, data, &size);
}

/// Where the monitor starts the CPU: with the stack at the top of memory and the boot information's address as the
/// first argument of a C function.
_Noreturn void _start(const struct boot_information *information) {
    boot = information;
    guest_exit(guest_main());
}
