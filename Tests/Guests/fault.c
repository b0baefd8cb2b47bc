// Does what a processor does not allow; the command line tells what. On hvt there is no handler for exceptions, so the
// monitor sees the virtual machine shut down; the spt process dies of a signal; on virt a handler ends with 255.
//
// read-null, write-null, jump-null   uses address 0
// beyond                             reads the first byte behind guest memory (allowed on virt)
// write-text                         writes to the program's own instructions
// write-constants                    writes to read-only data
// execute-data                       runs an instruction from writable memory (allowed on hvt and virt: exits with 3)
// undefined                          runs an undefined instruction
// divide                             divides by zero
// stack                              uses a stack that is not there (virt: the machine shuts down)

#include "guest.h"

NO_DEVICES;

/// `ret`: does nothing when it may run.
static volatile uint8_t return_instruction = 0xc3;
static const volatile uint64_t constant = 1;

static void fault(const char *kind) {
    // The compiler must not see that these are wrong.
    volatile uintptr_t null = 0;
    volatile uint32_t zero = 0;

    if (equal(kind, "read-null"))
        (void)*(volatile uint8_t *)null;
    else if (equal(kind, "write-null"))
        *(volatile uint8_t *)null = 1;
    else if (equal(kind, "jump-null"))
        ((void (*)(void))null)();
    else if (equal(kind, "beyond"))
        (void)*(volatile uint8_t *)memory_size();
    else if (equal(kind, "write-text"))
        *(volatile uint8_t *)(uintptr_t)guest_main = 0xc3;
    else if (equal(kind, "write-constants"))
        *(volatile uint64_t *)(uintptr_t)&constant = 2;
    else if (equal(kind, "execute-data"))
        ((void (*)(void))(uintptr_t)&return_instruction)();
    else if (equal(kind, "undefined"))
        __asm__ volatile("ud2");
    else if (equal(kind, "divide"))
        __asm__ volatile("divl %0" : : "r"(zero), "a"(1), "d"(0));
    else if (equal(kind, "stack"))
        __asm__ volatile("movq $0x1000, %rsp\n\tpushq $0");
    else
        guest_abort("unknown kind of fault");
}

int guest_main(void) {
    put("fault ");
    put(command_line());
    put("\n");
    fault(command_line());
    put("survived\n");
    return 3;
}
