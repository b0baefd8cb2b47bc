// Memory for the network: moving bytes, and what is handed out once and for ever.

#include "net.h"

enum { GRAIN = 64 };

static uint64_t next_free;

uint64_t net_memory_left(void) {
    if (next_free == 0)
        next_free = (kernel_end() + GRAIN - 1) / GRAIN * GRAIN;
    uint64_t end = memory_size() - STACK_RESERVE;
    return end > next_free ? end - next_free : 0;
}

void *net_allocate_buffer(size_t size) {
    size = (size + GRAIN - 1) / GRAIN * GRAIN;
    if (size > net_memory_left())
        return NULL;
    void *memory = (void *)next_free;
    next_free += size;
    return memory;
}

void *net_allocate(size_t size) {
    void *memory = net_allocate_buffer(size);
#ifdef GUEST_VIRT
    // A tender gives memory that is zero; a PC's firmware has used some of it before.
    if (memory != NULL)
        __builtin_memset(memory, 0, size);
#endif
    return memory;
}

void net_copy(void *destination, const void *source, size_t size) {
    __builtin_memcpy(destination, source, size);
}

int net_same(const void *left, const void *right, size_t size) {
    const uint8_t *one = left, *other = right;
    while (size > 0 && *one == *other)
        one++, other++, size--;
    return size == 0;
}
