"""Runs a program whose sockets for packet filters are refused as by a kernel without them: without_tables.py PROGRAM..."""

import ctypes
import errno
import os
import socket
import struct
import sys

# See seccomp(2), bpf_common.h: load a word, jump if equal, return.
LOAD, JUMP_EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, ERROR = 0x7FFF0000, 0x00050000
SOCKET_CALL = {"x86_64": 41, "aarch64": 198}[os.uname().machine]
NETFILTER = 12
# struct seccomp_data: the call's number, and the lower halves of its arguments.
NUMBER, FAMILY, PROTOCOL = 0, 16, 32

program = b"".join(
    struct.pack("HBBI", *instruction)
    for instruction in [
        (LOAD, 0, 0, NUMBER),
        (JUMP_EQUAL, 0, 5, SOCKET_CALL),
        (LOAD, 0, 0, FAMILY),
        (JUMP_EQUAL, 0, 3, socket.AF_NETLINK),
        (LOAD, 0, 0, PROTOCOL),
        (JUMP_EQUAL, 0, 1, NETFILTER),
        (RETURN, 0, 0, ERROR | errno.EPROTONOSUPPORT),
        (RETURN, 0, 0, ALLOW),
    ]
)
instructions = ctypes.create_string_buffer(program, len(program))
described = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(instructions))
SET_SECCOMP, FILTER = 22, 2
libc = ctypes.CDLL(None, use_errno=True)
if libc.prctl(SET_SECCOMP, FILTER, described, 0, 0) != 0:
    sys.exit(f"prctl: {os.strerror(ctypes.get_errno())}")
os.execvp(sys.argv[1], sys.argv[1:])
