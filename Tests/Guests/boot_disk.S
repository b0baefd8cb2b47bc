/* A boot sector that prints a word and ends with the status of its sector's byte 508, 7, as Nanos does on port 0x501.
   A BIOS loads it to 0x7C00 and runs it in real mode. */

    .code16
    .globl _start
_start:
    xorw %ax, %ax
    movw %ax, %ds
    cld
    movw $word, %si
    movw $0x3F8, %dx
1:  lodsb
    testb %al, %al
    jz 2f
    outb %al, %dx
    jmp 1b
2:  movb status, %al
    movw $0x501, %dx
    outb %al, %dx
3:  hlt
    jmp 3b

word:
    .asciz "booted from a disk\n"

    .org 508
status:
    .byte 7
    .org 510
    .word 0xAA55
