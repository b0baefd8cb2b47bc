// Hands the host a pointer that is no guest memory; the command line tells how.
//
// data (default)   text that starts behind the end of memory
// straddle         text that starts inside memory and ends outside
// huge             a size that makes the end of the text overflow 64 bits
// argument         hvt: the hypercall's own argument lies behind the end of memory
// halt             hvt: the argument of the last hypercall does
//
// No monitor may follow any of them. Where the call comes back (spt: the kernel refuses all or the rest) the status is
// 14, EFAULT.

#include "guest.h"

NO_DEVICES;

static void print_text_at(uint64_t address, uint64_t size) {
#ifdef GUEST_HVT
    volatile struct {
        uint64_t data, size;
    } argument = {address, size};
    hypercall(2, &argument);
#else
    long result = system_call(1, 1, (long)address, (long)size, 0, 0, 0);
    put("write returned ");
    if (result < 0)
        put("-");
    put_number((uint64_t)(result < 0 ? -result : result));
    put("\n");
    if (result == (long)size)
        guest_exit(0);
#endif
}

int guest_main(void) {
    const char *kind = command_line();
    uint64_t end = memory_size();
    put("bad pointer ");
    put(kind);
    put("\n");

    if (!*kind || equal(kind, "data"))
        print_text_at(end, 16);
    else if (equal(kind, "straddle"))
        print_text_at(end - 8, 1 << 20);
    else if (equal(kind, "huge"))
        print_text_at(end - 4096, ~0ull);
#ifdef GUEST_HVT
    else if (equal(kind, "argument"))
        hypercall(2, (const void *)(end - 4));
    else if (equal(kind, "halt"))
        hypercall(8, (const void *)(end - 4));
#endif
    else
        guest_abort("unknown kind of bad pointer");
    put("survived\n");
    return 14;
}
