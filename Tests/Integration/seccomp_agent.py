#!/usr/bin/env python3
"""An agent for SCMP_ACT_NOTIFY: mkdir(2) fails with EUCLEAN, every other call goes on.

usage: seccomp_agent.py SOCKET FILE

Appends the container process state of each connection to FILE, one a line, with the number of descriptors received.
"""
import array
import fcntl
import json
import os
import socket
import struct
import sys
import threading

RECEIVE = 0xC0502100  # SECCOMP_IOCTL_NOTIF_RECV
SEND = 0xC0182101  # SECCOMP_IOCTL_NOTIF_SEND
CONTINUE = 1  # SECCOMP_USER_NOTIF_FLAG_CONTINUE
MKDIR = {83, 258}  # mkdir, mkdirat
EUCLEAN = 117


def decide(listener):
    while True:
        request = bytearray(80)
        try:
            fcntl.ioctl(listener, RECEIVE, request)
        except InterruptedError:
            continue
        except OSError:
            return
        number, _, _, call = struct.unpack_from('=QIIi', request)
        answer = struct.pack('=QqiI', number, 0, -EUCLEAN, 0) if call in MKDIR else struct.pack('=QqiI', number, 0, 0, CONTINUE)
        try:
            fcntl.ioctl(listener, SEND, answer)
        except OSError:
            continue


def serve(connection, log):
    fds = array.array('i')
    data, ancillary, _, _ = connection.recvmsg(65536, socket.CMSG_SPACE(16 * fds.itemsize))
    for level, kind, payload in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(payload[:len(payload) - len(payload) % fds.itemsize])
    threading.Thread(target=decide, args=(fds[0],), daemon=True).start()
    state = json.loads(data)
    state['received'] = len(fds)
    # One message and no more: the connection ends.
    state['ended'] = connection.recv(1) == b''
    with open(log, 'a') as file:
        file.write(json.dumps(state) + '\n')


def main():
    path, log = sys.argv[1:]
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    listener.listen()
    print('ready', flush=True)
    while True:
        connection, _ = listener.accept()
        serve(connection, log)
        connection.close()


if __name__ == '__main__':
    main()
