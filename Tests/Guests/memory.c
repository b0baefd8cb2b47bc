// Writes to every page of free memory, then checks that each one still holds what it got.

#include "guest.h"

NO_DEVICES;

enum { PAGE = 4096 };

int guest_main(void) {
    uint64_t first = (kernel_end() + PAGE - 1) / PAGE * PAGE;
    uint64_t end = memory_size() - STACK_RESERVE;
    put("memory size ");
    put_number(memory_size());
    put(", kernel end ");
    put_hexadecimal(kernel_end());
    put("\n");

    uint64_t pages = 0;
    for (uint64_t address = first; address < end; address += PAGE, pages++) {
#ifndef GUEST_VIRT
        // A PC's firmware has used some of it before; a tender gives it to nobody else.
        if (*(volatile uint64_t *)address != 0)
            guest_abort("free memory is not zero at the start");
#endif
        *(volatile uint64_t *)address = ~address;
    }
    for (uint64_t address = first; address < end; address += PAGE)
        if (*(volatile uint64_t *)address != ~address)
            guest_abort("a page lost what was written to it");
    put("touched ");
    put_number(pages);
    put(" pages\n");
    return 0;
}
