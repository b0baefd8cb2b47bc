// hvt only: leaves the virtual machine in a way that is no hypercall. The command line tells which one.

#include "guest.h"

NO_DEVICES;

static uint64_t argument[8];

int guest_main(void) {
    const char *kind = command_line();
    put("bad hypercall ");
    put(kind);
    put("\n");

    if (!*kind || equal(kind, "reserved"))
        hypercall(0, argument);
    else if (equal(kind, "unknown"))
        hypercall(15, argument);
    else if (equal(kind, "device")) // a network call of a guest that declared no device
        hypercall(6, argument);
    else if (equal(kind, "port"))
        __asm__ volatile("outl %0, %1" : : "a"(0), "d"((uint16_t)0x80));
    else if (equal(kind, "byte"))
        __asm__ volatile("outb %0, %1" : : "a"((uint8_t)0), "d"((uint16_t)0x502));
    else if (equal(kind, "input"))
        __asm__ volatile("inl %0, %%eax" : : "d"((uint16_t)0x502) : "eax");
    else if (equal(kind, "halt"))
        __asm__ volatile("cli; hlt");
    else
        guest_abort("unknown kind of hypercall");
    put("survived\n");
    return 3;
}
