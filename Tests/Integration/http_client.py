"""A client of the guest http that tells what went wrong, and looks at what crosses the wire.

usage: http_client.py keep-alive ADDRESS COUNT    that many requests, in turn over four connections
       http_client.py fresh ADDRESS COUNT         a connection for each request
       http_client.py bytes ADDRESS COUNT [INTERFACE]
                                                  /bytes/COUNT, compared; the longest IP packet that came in
       http_client.py echo ADDRESS COUNT          COUNT bytes there and back, compared
       http_client.py talk ADDRESS                a request for each path on standard input, over one connection
       http_client.py ping ADDRESS SIZE [COUNT]   ICMP echo of IP packets of SIZE bytes that must not be cut up

Port 8080, 20 seconds for each answer. Ends with 1 and says why when anything is not as it has to be.
"""

import os
import socket
import struct
import sys
import threading

PORT = 8080
PATIENCE = 20


def connect(address):
    connection = socket.create_connection((address, PORT), timeout=PATIENCE)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection, connection.makefile("rb")


def read_answer(stream):
    """The status and the body of an answer."""
    line = stream.readline()
    words = line.split()
    if len(words) < 2 or not words[0].startswith(b"HTTP/1."):
        sys.exit(f"no answer of HTTP: {line!r}")
    length = None
    while (header := stream.readline().strip()):
        name, _, value = header.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    if length is None:
        sys.exit("an answer without its length")
    body = stream.read(length)
    if len(body) != length:
        sys.exit(f"{len(body)} of {length} bytes came")
    return int(words[1]), body


def ask(connection, stream, path="/"):
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: guest\r\n\r\n".encode())
    return read_answer(stream)


def expect_greeting(answer):
    if answer != (200, b"hello from the http guest\n"):
        sys.exit(f"another answer than before: {answer}")


def keep_alive(address, count):
    connections = [connect(address) for _ in range(4)]
    for number in range(int(count)):
        expect_greeting(ask(*connections[number % 4]))


def fresh(address, count):
    for _ in range(int(count)):
        connection, stream = connect(address)
        expect_greeting(ask(connection, stream))
        stream.close()
        connection.close()


def expected_bytes(count):
    pattern = bytes(range(251))
    return (pattern * (count // 251 + 1))[:count]


def bytes_of_guest(address, count, interface=None):
    count = int(count)
    link = None
    if interface:
        link = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
        link.bind((interface, 0))
        link.setblocking(False)
    status, body = ask(*connect(address), f"/bytes/{count}")
    if status != 200 or body != expected_bytes(count):
        sys.exit(f"status {status}, {len(body)} bytes that are not those expected")
    longest = 0
    try:
        while link:
            packet, sender = link.recvfrom(65536)
            if sender[2] != socket.PACKET_OUTGOING:
                longest = max(longest, len(packet))
    except BlockingIOError:
        pass
    print(count, "bytes", f"longest {longest}" if interface else "")


def echo(address, count):
    connection, stream = connect(address)
    body = os.urandom(int(count))
    head = f"POST /echo HTTP/1.1\r\nHost: guest\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    sender = threading.Thread(target=connection.sendall, args=(head + body,))
    sender.start()
    status, answer = read_answer(stream)
    sender.join()
    if status != 200 or answer != body:
        sys.exit(f"status {status}, {len(answer)} bytes that are not those sent")


def talk(address):
    connection, stream = connect(address)
    connection.settimeout(60)
    print("connected", flush=True)
    for line in sys.stdin:
        status, body = ask(connection, stream, line.strip())
        print(line.strip(), status, len(body), flush=True)


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data[: len(data) // 2 * 2]))
    if len(data) % 2:
        total += data[-1] << 8
    total = (total & 0xFFFF) + (total >> 16)
    return 0xFFFF - (total + (total >> 16)) & 0xFFFF


def ping(address, size, count=3):
    is_version6 = ":" in address
    # The IP header's length, the types of request and answer.
    header, request, answer = (40, 128, 129) if is_version6 else (20, 8, 0)
    if is_version6:
        link = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
        link.setsockopt(socket.IPPROTO_IPV6, 62, 1)  # IPV6_DONTFRAG
    else:
        link = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        link.setsockopt(socket.IPPROTO_IP, 10, 3)  # IP_MTU_DISCOVER, IP_PMTUDISC_PROBE
    link.settimeout(PATIENCE)
    link.connect((address, 0))
    for number in range(int(count)):
        payload = os.urandom(int(size) - header - 8)
        rest = struct.pack("!HH", os.getpid() & 0xFFFF, number) + payload
        # The kernel fills in the checksum of version 6.
        sum16 = 0 if is_version6 else checksum(struct.pack("!BBH", request, 0, 0) + rest)
        link.send(struct.pack("!BBH", request, 0, sum16) + rest)
        while True:
            try:
                packet = link.recv(65536)
            except TimeoutError:
                sys.exit(f"no answer to echo request {number} of {size} bytes")
            message = packet if is_version6 else packet[20:]
            if message[0] == answer and message[4:] == rest:
                break
    print(count, "answers of", size, "bytes")


commands = {"keep-alive": keep_alive, "fresh": fresh, "bytes": bytes_of_guest, "echo": echo, "talk": talk, "ping": ping}
try:
    commands[sys.argv[1]](*sys.argv[2:])
except OSError as error:
    sys.exit(f"{' '.join(sys.argv[1:])}: {error}")
