"""Connects to an address again and again until somebody takes the connection: early_client.py ADDRESS PORT"""

import socket
import sys
import time

address = sys.argv[1], int(sys.argv[2])
deadline = time.monotonic() + 30
refused = 0
print("asking", flush=True)
while time.monotonic() < deadline:
    try:
        socket.create_connection(address, timeout=10).close()
        print(f"taken after {refused} refusals")
        sys.exit()
    except ConnectionRefusedError:
        refused += 1
sys.exit("nobody took a connection")
