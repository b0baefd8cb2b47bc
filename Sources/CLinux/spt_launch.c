#include "include/tender.h"
#include <ucontext.h>

/*
 * From the moment an spt guest runs, this process is the guest's: FS may point anywhere, and only the calls of the
 * allow-list are left. What runs then uses neither thread-local storage (stack protector, errno) nor libc.
 */
#define GUEST_TIME __attribute__((no_stack_protector, no_sanitize("address", "undefined", "thread"), noinline))

static struct lx_fault *fault_record;

static const int saved_registers[LX_REGISTERS] = {
    REG_RIP, REG_EFL, REG_RSP, REG_RBP, REG_RAX, REG_RBX, REG_RCX, REG_RDX, REG_RSI,
    REG_RDI, REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15,
};

GUEST_TIME static void guest_fault(int signal, siginfo_t *info, void *context) {
    (void)signal;
    (void)info;
    const greg_t *at = ((const ucontext_t *)context)->uc_mcontext.gregs;
    volatile struct lx_fault *record = fault_record;
    record->trap = (uint64_t)at[REG_TRAPNO];
    record->error = (uint64_t)at[REG_ERR];
    record->address = (uint64_t)at[REG_CR2];
    for (int i = 0; i < LX_REGISTERS; i++) record->registers[i] = (uint64_t)at[saved_registers[i]];
    record->kind = LX_FAULT_REGISTERS;
    for (;;) __asm__ volatile("syscall" : : "a"(SYS_exit_group), "D"(255) : "rcx", "r11", "memory");
}

int lx_catch_guest_faults(struct lx_fault *record) {
    /* The kernel saves the vector registers on this stack too: several KiB with AVX-512. */
    enum { size = 64 << 10 };
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return -errno;
    stack_t stack = {.ss_sp = memory, .ss_size = size};
    if (sigaltstack(&stack, NULL) < 0) return -errno;
    fault_record = record;
    struct sigaction action = {.sa_sigaction = guest_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigfillset(&action.sa_mask);
    static const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP};
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        if (sigaction(faults[i], &action, NULL) < 0) return -errno;
    return 0;
}

int lx_spt_enter(const void *program, size_t size, uint64_t entry, uint64_t stack, uint64_t argument) {
    int refused = lx_seccomp_enforce(program, size);
    if (refused < 0) return refused;
    __asm__ volatile(
        "mov %[stack], %%rsp\n\t"
        "xor %%ebx, %%ebx\n\t" "xor %%ecx, %%ecx\n\t" "xor %%edx, %%edx\n\t" "xor %%esi, %%esi\n\t" "xor %%ebp, %%ebp\n\t"
        "xor %%r8d, %%r8d\n\t" "xor %%r9d, %%r9d\n\t" "xor %%r10d, %%r10d\n\t" "xor %%r11d, %%r11d\n\t"
        "xor %%r12d, %%r12d\n\t" "xor %%r13d, %%r13d\n\t" "xor %%r14d, %%r14d\n\t" "xor %%r15d, %%r15d\n\t"
        "cld\n\t"
        "jmp *%%rax"
        : : "a"(entry), "D"(argument), [stack] "r"(stack) : "memory");
    __builtin_unreachable();
}
