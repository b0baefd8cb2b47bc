#!/usr/bin/env python3
"""Exchanges two names without end, as somebody does who shares a directory with a container that is being made.

usage: swap.py FIRST SECOND READY

Makes the file READY when it has begun. See renameat2(2) RENAME_EXCHANGE. Ends on SIGTERM.
"""
import ctypes
import os
import sys

AT_FDCWD = -100
RENAME_EXCHANGE = 2


def main():
    first, second, ready = (os.fsencode(name) for name in sys.argv[1:])
    library = ctypes.CDLL(None, use_errno=True)
    open(ready, 'w').close()
    while True:
        if library.renameat2(AT_FDCWD, first, AT_FDCWD, second, RENAME_EXCHANGE) < 0:
            sys.exit(os.strerror(ctypes.get_errno()))


if __name__ == '__main__':
    main()
