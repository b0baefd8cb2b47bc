// Where a monitor enters a guest of the virt platform, and the tables that the processor needs from then on.
//
// PVH: 32-bit protected mode without paging, EBX is the address of the start information.
// Linux: 64-bit mode with page tables of the monitor's, RSI is the address of the boot parameters.

#define PRESENT 0x1
#define WRITABLE 0x2
#define LARGE 0x80

#define CR0_PROTECTED 0x1
#define CR0_WRITE_PROTECT 0x10000
#define CR0_PAGING 0x80000000
#define CR4_PAE 0x20
#define MSR_EFER 0xc0000080
#define EFER_LONG_MODE 0x100

#define SELECTOR_CODE 0x8
#define SELECTOR_DATA 0x10

// What makes a monitor choose the PVH protocol: a note with the 32-bit entry's address.
    .section .note.Xen, "a", @note
    .balign 4
    .long 4, 4, 18
    .asciz "Xen"
    .long virt_enter_32

    .section .text.virt_enter, "ax"
    .code32
    .globl virt_enter_32
virt_enter_32:
    cli
    cld
    movl %ebx, %ebp
    movl $page_map, %eax
    movl %eax, %cr3
    movl %cr4, %eax
    orl $CR4_PAE, %eax
    movl %eax, %cr4
    movl $MSR_EFER, %ecx
    rdmsr
    orl $EFER_LONG_MODE, %eax
    wrmsr
    movl %cr0, %eax
    orl $(CR0_PAGING | CR0_WRITE_PROTECT | CR0_PROTECTED), %eax
    movl %eax, %cr0
    lgdt descriptor_table
    ljmp $SELECTOR_CODE, $enter_64_by_pvh

    .code64
enter_64_by_pvh:
    movl %ebp, %edi
    xorl %esi, %esi
    jmp enter_c

    .globl virt_enter_64
virt_enter_64:
    cli
    cld
    movl $page_map, %eax
    movq %rax, %cr3
    movq %cr0, %rax
    orq $CR0_WRITE_PROTECT, %rax
    movq %rax, %cr0
    lgdt descriptor_table
    xorl %edi, %edi
    leaq first_stack_end(%rip), %rsp
    pushq $SELECTOR_CODE
    pushq $enter_c
    lretq

// The two arguments of virt_start are in RDI and RSI; one of them is 0.
enter_c:
    movl $SELECTOR_DATA, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    leaq first_stack_end(%rip), %rsp
    xorl %ebp, %ebp
    call virt_start

    .globl continue_on_stack
continue_on_stack:
    movq %rdi, %rsp
    call *%rsi

    .globl reload_page_tables
reload_page_tables:
    movq %cr3, %rax
    movq %rax, %cr3
    ret

    .section .rodata.descriptors, "a"
    .balign 8
descriptors:
    .quad 0
    .quad 0x00af9a000000ffff
    .quad 0x00cf92000000ffff
descriptor_table:
    .word . - descriptors - 1
    .quad descriptors

// The first 4 GiB one to one: in pages of 2 MiB, because not every monitor can do larger ones, but the first 2 MiB in
// small ones, because virt_boot.c protects some of them. They are filled in already: where a monitor emulates
// instructions, making them would be felt.
    .section .data.page_tables, "aw"
    .balign 4096
page_map:
    .quad page_directory_pointers + PRESENT + WRITABLE
    .fill 511, 8, 0
page_directory_pointers:
    .quad page_directories + PRESENT + WRITABLE
    .quad page_directories + 0x1000 + PRESENT + WRITABLE
    .quad page_directories + 0x2000 + PRESENT + WRITABLE
    .quad page_directories + 0x3000 + PRESENT + WRITABLE
    .fill 508, 8, 0
page_directories:
    .quad low_page_table + PRESENT + WRITABLE
    .set page, 1
    .rept 2047
    .quad (page << 21) + PRESENT + WRITABLE + LARGE
    .set page, page + 1
    .endr
    .globl low_page_table
low_page_table:
    .set page, 0
    .rept 512
    .quad (page << 12) + PRESENT + WRITABLE
    .set page, page + 1
    .endr

    .section .bss.first_stack, "aw", @nobits
    .balign 16
    .skip 8192
first_stack_end:
