#include "include/tender.h"
#include <string.h>
#include <sys/auxv.h>
#include <sys/rseq.h>
#include <ucontext.h>

/*
 * An spt guest gets this process for itself: all that was mapped in it is taken away before the guest's first
 * instruction, so that the guest can read nothing of the program that loaded it. What has to stay is an island of a few
 * pages: the code below, the filter, the page shared with the supervisor, and a stack for faults.
 *
 * The island's code is copied there. It may therefore refer to nothing outside itself: no constants, no tables, no
 * libc, no thread-local storage (stack protector, errno); it finds its data by its own address.
 */
#define ISLAND_CODE \
    __attribute__((section("spt_island"), used, no_stack_protector, no_sanitize("address", "undefined", "thread"), noinline))

enum {
    ISLAND_PAGE = 4096,
    ISLAND_DATA = ISLAND_PAGE,                          /* one page of code, then the data */
    ISLAND_FILTER = 0xffff * 8 + ISLAND_PAGE,           /* the largest filter there is; untouched pages cost nothing */
    ISLAND_RECORD = ISLAND_DATA + ((ISLAND_FILTER + ISLAND_PAGE - 1) / ISLAND_PAGE) * ISLAND_PAGE,
    /* The kernel saves the vector registers on this stack too: several KiB with AVX-512. */
    ISLAND_STACK = ISLAND_RECORD + ISLAND_PAGE,
    ISLAND_END = ISLAND_STACK + (64 << 10),
};
/* The end of the addresses a process has without asking for more. See Documentation/arch/x86/x86_64/mm.rst. */
#define USER_END 0x7ffffffff000UL

struct island {
    struct sock_fprog filter;
    uint64_t guest_end, entry, stack, argument;
    struct sock_filter program[];
};

extern const char __start_spt_island[], __stop_spt_island[];

static inline __attribute__((always_inline)) long island_call(long number, long a, long b, long c) {
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
    return result;
}

static inline __attribute__((always_inline)) char *island_base(void) {
    char *here;
    __asm__ volatile("lea 0(%%rip), %0" : "=r"(here));
    return (char *)((uintptr_t)here & ~(uintptr_t)(ISLAND_PAGE - 1));
}

ISLAND_CODE static void guest_fault(int signal, siginfo_t *info, void *context) {
    (void)signal;
    (void)info;
    const greg_t *at = ((const ucontext_t *)context)->uc_mcontext.gregs;
    volatile struct lx_fault *record = (volatile struct lx_fault *)(island_base() + ISLAND_RECORD);
    record->trap = (uint64_t)at[REG_TRAPNO];
    record->error = (uint64_t)at[REG_ERR];
    record->address = (uint64_t)at[REG_CR2];
#define SAVE(place, name) record->registers[place] = (uint64_t)at[name]
    SAVE(LX_RIP, REG_RIP); SAVE(LX_RFLAGS, REG_EFL); SAVE(LX_RSP, REG_RSP); SAVE(LX_RBP, REG_RBP);
    SAVE(LX_RAX, REG_RAX); SAVE(LX_RBX, REG_RBX); SAVE(LX_RCX, REG_RCX); SAVE(LX_RDX, REG_RDX);
    SAVE(LX_RSI, REG_RSI); SAVE(LX_RDI, REG_RDI); SAVE(LX_R8, REG_R8); SAVE(LX_R8 + 1, REG_R9);
    SAVE(LX_R8 + 2, REG_R10); SAVE(LX_R8 + 3, REG_R11); SAVE(LX_R8 + 4, REG_R12); SAVE(LX_R8 + 5, REG_R13);
    SAVE(LX_R8 + 6, REG_R14); SAVE(LX_R15, REG_R15);
#undef SAVE
    record->kind = LX_FAULT_REGISTERS;
    for (;;) island_call(SYS_exit_group, 255, 0, 0);
}

/* Runs on the island's stack: takes the rest of the process away, locks it down and becomes the guest. */
ISLAND_CODE static void leave_for_guest(void) {
    char *base = island_base();
    const struct island *data = (const struct island *)(base + ISLAND_DATA);
    long refused = island_call(SYS_munmap, (long)data->guest_end, (long)((uintptr_t)base - data->guest_end), 0);
    if (refused == 0) refused = island_call(SYS_munmap, (long)base + ISLAND_END, (long)(USER_END - ((uintptr_t)base + ISLAND_END)), 0);
    if (refused == 0) refused = island_call(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, (long)&data->filter);
    if (refused != 0) {
        volatile struct lx_fault *record = (volatile struct lx_fault *)(base + ISLAND_RECORD);
        record->error = (uint64_t)-refused;
        record->kind = LX_FAULT_REFUSED;
        for (;;) island_call(SYS_exit_group, 255, 0, 0);
    }
    __asm__ volatile(
        "mov %[stack], %%rsp\n\t"
        "xor %%ebx, %%ebx\n\t" "xor %%ecx, %%ecx\n\t" "xor %%edx, %%edx\n\t" "xor %%esi, %%esi\n\t" "xor %%ebp, %%ebp\n\t"
        "xor %%r8d, %%r8d\n\t" "xor %%r9d, %%r9d\n\t" "xor %%r10d, %%r10d\n\t" "xor %%r11d, %%r11d\n\t"
        "xor %%r12d, %%r12d\n\t" "xor %%r13d, %%r13d\n\t" "xor %%r14d, %%r14d\n\t" "xor %%r15d, %%r15d\n\t"
        "cld\n\t"
        "jmp *%%rax"
        : : "a"(data->entry), "D"(data->argument), [stack] "r"(data->stack) : "memory");
    __builtin_unreachable();
}

/* Where code of the island is once it is copied to `base`. */
static uintptr_t island_address(char *base, void (*code)(void)) {
    return (uintptr_t)base + ((uintptr_t)code - (uintptr_t)__start_spt_island);
}

static int catch_faults(char *base) {
    stack_t stack = {.ss_sp = base + ISLAND_STACK, .ss_size = ISLAND_END - ISLAND_STACK};
    if (sigaltstack(&stack, NULL) < 0) return -errno;
    struct sigaction action = {.sa_flags = SA_SIGINFO | SA_ONSTACK};
    action.sa_sigaction = (void (*)(int, siginfo_t *, void *))island_address(base, (void (*)(void))guest_fault);
    sigfillset(&action.sa_mask);
    static const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP};
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        if (sigaction(faults[i], &action, NULL) < 0) return -errno;
    return 0;
}

/* The kernel writes to the area that glibc registered for restartable sequences; it is about to go. See rseq(2). */
static void forget_restartable_sequences(void) {
    if (__rseq_size == 0) return;
    char *area = (char *)__builtin_thread_pointer() + __rseq_offset;
    syscall(SYS_rseq, area, 32, 1 /* RSEQ_FLAG_UNREGISTER */, RSEQ_SIG);
}

int lx_spt_enter(struct lx_fault *record, const void *program, size_t size, const struct lx_spt_entry *entry) {
    size_t code = (size_t)(__stop_spt_island - __start_spt_island);
    if (code > ISLAND_PAGE || size > 0xffff * 8) return -E2BIG;
    char *base = mmap(NULL, ISLAND_END, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED) return -errno;
    memcpy(base, __start_spt_island, code);
    struct island *data = (struct island *)(base + ISLAND_DATA);
    memcpy(data->program, program, size);
    data->filter = (struct sock_fprog){.len = (unsigned short)(size / sizeof(struct sock_filter)), .filter = data->program};
    data->guest_end = entry->memory;
    data->entry = entry->entry;
    data->stack = entry->stack;
    data->argument = entry->argument;
    if (mprotect(base, ISLAND_PAGE, PROT_READ | PROT_EXEC) < 0) return -errno;
    if (mremap(record, LX_FAULT_PAGE, LX_FAULT_PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, base + ISLAND_RECORD) == MAP_FAILED) return -errno;
    int caught = catch_faults(base);
    if (caught < 0) return caught;
    if (mprotect(data, ISLAND_RECORD - ISLAND_DATA, PROT_READ) < 0) return -errno;
    forget_restartable_sequences();
    uintptr_t launcher = island_address(base, leave_for_guest);
    char *stack = base + ISLAND_END - 64;
    __asm__ volatile("mov %[stack], %%rsp\n\tcall *%[launcher]" : : [stack] "r"(stack), [launcher] "r"(launcher) : "memory");
    __builtin_unreachable();
}
