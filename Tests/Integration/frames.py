"""Sends back every frame of the Ethernet type 0x88b5 that arrives at an interface, each told in a line.

usage: frames.py INTERFACE [COUNT]

Ends after COUNT frames, 1 unless given, or with 1 when none came for ten seconds.
"""

import socket
import sys

LOCAL_EXPERIMENT = 0x88B5


def main():
    interface = sys.argv[1]
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(LOCAL_EXPERIMENT))
    link.bind((interface, 0))
    link.settimeout(10)
    print("ready", flush=True)
    for _ in range(count):
        try:
            frame = link.recv(65536)
        except TimeoutError:
            sys.exit(f"no frame arrived at {interface}")
        print("from", frame[6:12].hex(":"), "size", len(frame), flush=True)
        # From its own address: no bridge takes a frame whose sender is everybody.
        link.send(frame[6:12] + link.getsockname()[4] + frame[12:])


main()
