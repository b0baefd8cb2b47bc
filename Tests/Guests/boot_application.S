/* What stands in for a Hermit application: a file with the note of one. Its OSABI is written into it when it is linked. */

    .section .note.hermit, "a", @note
    .long 7, 1, 0x5A00
    .asciz "HERMIT"
    .balign 4
    .byte 4
    .balign 4

    .section .text
    .globl _start
_start:
    hlt
