#!/usr/bin/python3
"""Calls Kubernetes' container runtime interface: requests in JSON, responses in JSON, one a line.

usage: cri.py METHOD REQUEST [METHOD REQUEST]...
       cri.py clean
       cri.py stream URL [STEP...]

  METHOD   as in RunPodSandbox; or Wait, which waits until the container has the state and prints its status
  REQUEST  names of fields as in cri.proto; $FIELD stands for what the response to an earlier request has in FIELD

clean stops and removes all pods.

stream opens the address that Exec and Attach answer with. It prints what comes out, errors on standard error, and
exits with the command's status. STEPs are those of at_terminal.py: wait:TEXT, send:TEXT, size:RxC.

CRI_MODULES   the directory where protoc put cri_pb2.py
"""
import base64
import json
import os
import re
import socket
import sys
import time

LIMIT = 60
SOCKET = 'unix:///run/containerd/containerd.sock'


class Refusal(Exception):
    """What the service said instead of doing it."""


class Client:
    def __init__(self):
        sys.path.insert(0, os.environ['CRI_MODULES'])
        import cri_pb2
        import grpc
        from google.protobuf import json_format
        self.messages, self.grpc, self.json = cri_pb2, grpc, json_format
        self.channel = grpc.insecure_channel(SOCKET)

    def call(self, method, request):
        """Takes and returns dictionaries. Raises Refusal with the service's words."""
        message = self.json.ParseDict(request, getattr(self.messages, method + 'Request')())
        service = 'ImageService' if method.endswith('Images') else 'RuntimeService'
        invoke = self.channel.unary_unary(
            f'/runtime.v1.{service}/{method}',
            request_serializer=lambda value: value.SerializeToString(),
            response_deserializer=getattr(self.messages, method + 'Response').FromString)
        try:
            response = invoke(message, timeout=LIMIT)
        except self.grpc.RpcError as error:
            raise Refusal(error.details()) from None
        return self.json.MessageToDict(response, including_default_value_fields=True, preserving_proto_field_name=True)

    def wait(self, container_id, state):
        deadline = time.monotonic() + LIMIT / 2
        while True:
            response = self.call('ContainerStatus', {'container_id': container_id})
            found = response['status']['state']
            if found == state:
                return response
            if time.monotonic() > deadline:
                sys.exit(f'{container_id} is {found}, and not {state}')
            time.sleep(0.05)

    def clean(self):
        for pod in self.call('ListPodSandbox', {})['items']:
            self.call('StopPodSandbox', {'pod_sandbox_id': pod['id']})
            self.call('RemovePodSandbox', {'pod_sandbox_id': pod['id']})


def call_all(words):
    client = Client()
    known = {}
    for method, request in zip(words[::2], words[1::2], strict=True):
        for field, value in known.items():
            request = request.replace('$' + field, value)
        request = json.loads(request)
        response = client.wait(**request) if method == 'Wait' else client.call(method, request)
        known |= {field: value for field, value in response.items() if isinstance(value, str)}
        print(json.dumps(response), flush=True)


class Stream:
    """A WebSocket with Kubernetes' channels: the first byte of each message says which."""
    INPUT, OUTPUT, ERRORS, STATUS, SIZE = range(5)

    def __init__(self, url):
        host, port, path = re.fullmatch(r'http://\[?([^/\]]+)\]?:(\d+)(/.*)', url).groups()
        self.connection = socket.create_connection((host, int(port)), LIMIT)
        key = base64.b64encode(os.urandom(16)).decode()
        self.connection.sendall((
            f'GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n'
            f'Origin: http://{host}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n'
            'Sec-WebSocket-Protocol: v4.channel.k8s.io\r\n\r\n').encode())
        self.reader = self.connection.makefile('rb')
        answer = self.reader.readline().decode()
        if ' 101 ' not in answer:
            sys.exit(answer + self.reader.read(1000).decode(errors='replace'))
        while self.reader.readline().strip():
            pass
        self.output = b''
        self.after = 0
        self.status = None

    def send(self, channel, data):
        payload = bytes([channel]) + data
        assert len(payload) < 126
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
        self.connection.sendall(bytes([0x82, 0x80 | len(payload)]) + mask + masked)

    def receive(self):
        """Takes one message; false at the end."""
        head = self.reader.read(2)
        if len(head) < 2 or head[0] & 0xf == 8:
            return False
        length = head[1] & 0x7f
        if length > 125:
            size = 2 if length == 126 else 8
            length = int.from_bytes(self.reader.read(size), 'big')
        payload = self.reader.read(length)
        if payload and payload[0] == self.OUTPUT:
            self.output += payload[1:]
        elif payload and payload[0] == self.ERRORS:
            sys.stderr.buffer.write(payload[1:])
        elif payload and payload[0] == self.STATUS:
            self.status = json.loads(payload[1:])
        return True

    def step(self, step):
        kind, _, value = step.partition(':')
        text = value.encode('latin-1').decode('unicode_escape').encode('latin-1')
        if kind == 'send':
            self.send(self.INPUT, text)
        elif kind == 'size':
            rows, columns = value.split('x')
            self.send(self.SIZE, json.dumps({'Width': int(columns), 'Height': int(rows)}).encode())
        elif kind == 'wait':
            while (found := self.output.find(text, self.after)) < 0:
                if not self.receive():
                    print(f'the end at {step}', file=sys.stderr)
                    self.finish(124)
            self.after = found + len(text)
        else:
            sys.exit(f'no such step: {step}')

    def finish(self, status=None):
        sys.stdout.buffer.write(self.output.replace(b'\r', b''))
        sys.stdout.flush()
        if status is None:
            status = 0
            if self.status and self.status['status'] != 'Success':
                causes = self.status.get('details', {}).get('causes', [])
                codes = [int(cause['message']) for cause in causes if cause['reason'] == 'ExitCode']
                if not codes:
                    print(self.status.get('message'), file=sys.stderr)
                status = codes[0] if codes else 1
        sys.exit(status)


def stream(url, steps):
    connection = Stream(url)
    try:
        for step in steps:
            connection.step(step)
        while connection.receive():
            pass
    except TimeoutError:
        print('nothing came any more', file=sys.stderr)
        connection.finish(124)
    connection.finish()


def main():
    if sys.argv[1] == 'stream':
        stream(sys.argv[2], sys.argv[3:])
    elif sys.argv[1] == 'clean':
        Client().clean()
    else:
        call_all(sys.argv[1:])


if __name__ == '__main__':
    try:
        main()
    except Refusal as refusal:
        sys.exit(str(refusal))
