"""Stands in for a vAccel agent in accelerator.bats: answers HTTP on the socket that it is handed, with what it can see.

It is no agent. It shows who can reach an agent's socket, what an agent finds around it, and that one is started when it
is needed.

usage: stand_in_agent.py ... --listen-fd NUMBER
"""
import os
import socket
import sys


def seen():
    """A line for each fact; /proc is not there."""
    tried = []
    for path in ("/etc/passwd", "/proc/self/status", "/unikernel"):
        try:
            open(path).close()
            tried.append(path)
        except OSError:
            pass
    return "\n".join(
        [
            "arguments " + " ".join(sys.argv[1:]),
            "root " + " ".join(sorted(os.listdir("/"))),
            "opened " + " ".join(tried),
            "user %d" % os.getuid(),
            "",
        ]
    )


listener = socket.socket(fileno=int(sys.argv[sys.argv.index("--listen-fd") + 1]))
while True:
    connection, peer = listener.accept()
    connection.recv(4096)
    body = "agent for %s\n" % peer[0] + seen()
    connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n" + body.encode())
    connection.close()
