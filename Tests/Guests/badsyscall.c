// spt only: makes a system call that the tender does not allow, and dies of SIGSYS. The command line tells which one.

#include "guest.h"

NO_DEVICES;

int guest_main(void) {
    const char *kind = command_line();
    put("bad system call ");
    put(kind);
    put("\n");

    if (!*kind || equal(kind, "getpid"))
        system_call(39, 0, 0, 0, 0, 0, 0);
    else if (equal(kind, "stderr")) // write(2) is allowed, but not to descriptor 2
        system_call(1, 2, (long)"stderr\n", 7, 0, 0, 0);
    else if (equal(kind, "stdin"))
        system_call(0, 0, (long)&kind, 1, 0, 0, 0);
    else if (equal(kind, "mprotect"))
        system_call(10, (long)0x100000, 4096, 7, 0, 0, 0);
    else if (equal(kind, "clock")) // CLOCK_BOOTTIME is not one of the two allowed clocks
        system_call(228, 7, (long)&kind, 0, 0, 0, 0);
    else if (equal(kind, "x32")) // write(1) through the x32 numbering
        system_call(1 | 0x40000000, 1, (long)"x32\n", 4, 0, 0, 0);
    else if (equal(kind, "int80")) // number 1 of the 32-bit calls is exit
        __asm__ volatile("int $0x80" : : "a"(1), "b"(0) : "memory");
    else
        guest_abort("unknown kind of system call");
    put("survived\n");
    return 3;
}
