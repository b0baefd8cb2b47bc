#!/usr/bin/env python3
"""Takes a container's terminal from --console-socket and copies what comes out of it to a file.

usage: terminal.py SOCKET FILE
"""
import array
import os
import socket
import sys


def main():
    path, target = sys.argv[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(path)
        listener.listen(1)
        listener.settimeout(30)
        connection, _ = listener.accept()
    descriptors = array.array('i')
    _, ancillary, _, _ = connection.recvmsg(4096, socket.CMSG_LEN(descriptors.itemsize))
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            descriptors.frombytes(data[:descriptors.itemsize])
    if len(descriptors) != 1:
        sys.exit('no descriptor came through the socket')
    with open(target, 'wb') as file:
        while True:
            try:
                data = os.read(descriptors[0], 65536)
            except OSError:  # EIO: the last process that had the terminal is gone
                break
            if not data:
                break
            file.write(data)
            file.flush()


if __name__ == '__main__':
    main()
