/* What stands in for Hermit's loader: a kernel for a multiboot loader that prints its command line and ends with success,
   as Hermit does on port 0xF4, if it is given one module that is a Hermit application, an ELF file of OSABI 255. See the
   Multiboot Specification 0.6.96, sections 3.1 and 3.3. */

    .section .text
    .long 0x1BADB002, 0, -0x1BADB002

    .code32
    .globl _start
_start:
    cld
    movl 16(%ebx), %esi
    movw $0x3F8, %dx
1:  lodsb
    testb %al, %al
    jz 2f
    outb %al, %dx
    jmp 1b
2:  movb $'\n', %al
    outb %al, %dx

    xorl %eax, %eax
    cmpl $1, 20(%ebx)
    jne 3f
    movl 24(%ebx), %esi
    movl (%esi), %esi
    cmpl $0x464C457F, (%esi)
    jne 3f
    cmpb $0xFF, 7(%esi)
    jne 3f
    incl %eax
3:  movw $0xF4, %dx
    outl %eax, %dx
4:  hlt
    jmp 4b
