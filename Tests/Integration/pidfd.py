#!/usr/bin/env python3
"""Takes a process descriptor from --pidfd-socket, kills the process through it and prints what it is of.

usage: pidfd.py SOCKET
"""
import array
import signal
import socket
import sys


def main():
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(sys.argv[1])
        listener.listen(1)
        listener.settimeout(30)
        connection, _ = listener.accept()
    descriptors = array.array('i')
    name, ancillary, _, _ = connection.recvmsg(4096, socket.CMSG_LEN(descriptors.itemsize))
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            descriptors.frombytes(data[:descriptors.itemsize])
    if len(descriptors) != 1:
        sys.exit('no descriptor came through the socket')
    with open(f'/proc/self/fdinfo/{descriptors[0]}') as file:
        pid = next(line.split()[1] for line in file if line.startswith('Pid:'))
    signal.pidfd_send_signal(descriptors[0], signal.SIGKILL)
    print(name.decode(), pid)


if __name__ == '__main__':
    main()
