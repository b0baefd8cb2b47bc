#!/usr/bin/env python3
"""The host's end of a guest's virtio sockets.

usage: vsock_host.py echo PATH           answers every connection at the socket PATH with what comes
       vsock_host.py sink PATH           takes what comes, and answers the end of it with its own
       vsock_host.py source PATH BYTES   sends so many bytes to everyone who connects
       vsock_host.py call PATH PORT BYTES   connects to the guest's PORT by PATH, as hybrid vsock has it, sends so many
                                            bytes, and expects them back although it has ended its own direction
       vsock_host.py whole PATH PORT BYTES  the same, with both directions open until all is back
       vsock_host.py many PATH PORT COUNT   has so many such connections one after the other
"""

import os
import selectors
import socket
import sys
import time

PIECE = 65536


def listen(path):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    # Anybody who can reach it: the device is the container's user.
    os.chmod(path, 0o777)
    listener.listen(4096)
    listener.setblocking(False)
    return listener


class Answer:
    """One connection of the guest's: what is still to be sent."""

    def __init__(self, kind, size):
        self.echoes = kind == "echo"
        self.left = size if kind == "source" else 0
        self.waiting = b""
        self.ended = False

    def wants(self):
        reads = not self.ended and len(self.waiting) < 4 * PIECE
        return (selectors.EVENT_READ if reads else 0) | (
            selectors.EVENT_WRITE if self.waiting or self.left else 0)

    def serve(self, peer, mask):
        """Returns whether it goes on."""
        if mask & selectors.EVENT_READ and not self.ended:
            data = peer.recv(PIECE)
            self.ended = not data
            if self.echoes:
                self.waiting += data
        if mask & selectors.EVENT_WRITE:
            if not self.waiting and self.left:
                self.waiting = bytes(min(PIECE, self.left))
                self.left -= len(self.waiting)
            self.waiting = self.waiting[peer.send(self.waiting):]
        return not (self.ended and not self.waiting and not self.left)


def answer(kind, path, size):
    selector = selectors.DefaultSelector()
    selector.register(listen(path), selectors.EVENT_READ)
    while True:
        for key, mask in selector.select():
            if key.data is None:
                peer, _ = key.fileobj.accept()
                peer.setblocking(False)
                connection = Answer(kind, size)
                selector.register(peer, connection.wants(), connection)
                continue
            try:
                goes_on = key.data.serve(key.fileobj, mask)
            except BlockingIOError:
                goes_on = True
            except OSError:
                goes_on = False
            wants = key.data.wants() if goes_on else 0
            if goes_on and wants:
                selector.modify(key.fileobj, wants, key.data)
            elif not goes_on:
                selector.unregister(key.fileobj)
                key.fileobj.close()


def connect(path, port, patience=0.0):
    """A stream to a guest's port, which may refuse it for so many seconds."""
    deadline = time.monotonic() + patience
    while (peer := try_to_connect(path, port)) is None:
        if time.monotonic() >= deadline:
            sys.exit("refused")
        time.sleep(0.05)
    return peer


def try_to_connect(path, port):
    peer = socket.socket(socket.AF_UNIX)
    peer.settimeout(60)
    peer.connect(path)
    peer.sendall(b"CONNECT %d\n" % port)
    line = b""
    while not line.endswith(b"\n"):
        byte = peer.recv(1)
        if not byte:
            return None
        line += byte
    if not line.startswith(b"OK "):
        sys.exit(f"answered {line!r}")
    return peer


def exchange(peer, size, ends_first=True):
    data = os.urandom(min(size, 1 << 20))
    data = (data * (size // max(1, len(data)) + 1))[:size]
    sent, got = 0, bytearray()
    selector = selectors.DefaultSelector()
    selector.register(peer, selectors.EVENT_READ | selectors.EVENT_WRITE)
    peer.setblocking(False)
    while True:
        for _, mask in selector.select(60) or sys.exit("nothing comes"):
            if mask & selectors.EVENT_WRITE and sent < size:
                sent += peer.send(data[sent:sent + PIECE])
            if sent == size and mask & selectors.EVENT_WRITE:
                if ends_first:
                    peer.shutdown(socket.SHUT_WR)
                selector.modify(peer, selectors.EVENT_READ)
            if mask & selectors.EVENT_READ:
                part = peer.recv(PIECE)
                if not part:
                    return got == data
                got += part
                if not ends_first and len(got) == size:
                    return got == data


def main(words):
    kind, path = words[0], words[1]
    if kind in ("echo", "sink", "source"):
        answer(kind, path, int(words[2]) if len(words) > 2 else 0)
    count, size = (int(words[3]), 10) if kind == "many" else (1, int(words[3]))
    # A guest that serves one stream at a time refuses others while it is at the end of that.
    patience = 5 if kind == "many" else 0
    for _ in range(count):
        if not exchange(connect(path, int(words[2]), patience), size, ends_first=kind != "whole"):
            sys.exit("other bytes came back")
    print(f"exchanged {size} bytes" if kind != "many" else f"had {count} connections")


if __name__ == "__main__":
    main(sys.argv[1:])
