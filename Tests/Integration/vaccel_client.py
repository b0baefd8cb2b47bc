"""A client of vAccel's protocol, written from its description alone: ttrpc frames and protocol buffers by hand.

Nothing of it is shared with the agent.
"""
import socket
import struct

SYNC = 'vaccel.sync.agent.AgentService'
ASYNC = 'vaccel.asynchronous.agent.AgentService'
OLD = 'vaccel.AgentService'
OLDEST = 'vaccel.VaccelAgent'

REQUEST, RESPONSE, DATA = 1, 2, 3
CLOSED, OPEN, EMPTY = 1, 2, 4

# Kinds of arguments of generic operations.
RAW, INT32, INT64, UINT8 = 0, 5, 7, 9
FLOAT32, FLOAT32_ARRAY, FLOAT64, FLOAT64_ARRAY, UCHAR_ARRAY, STRING, BUFFER = 17, 18, 19, 20, 26, 27, 28


def varint(number):
    number &= (1 << 64) - 1
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def field(number, value):
    """One field; a number or bytes or text. Nothing and zero are left out, as proto3 does."""
    if isinstance(value, str):
        value = value.encode()
    if isinstance(value, int):
        return varint(number << 3) + varint(value) if value else b''
    return varint(number << 3 | 2) + varint(len(value)) + value if value else b''


def message(number, content):
    """A message inside of one, also when it is empty."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def parse(data):
    """A list of (number, value), a value being an int or bytes."""
    position, fields = 0, []

    def number():
        nonlocal position
        value = shift = 0
        while True:
            byte = data[position]
            position += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                return value

    while position < len(data):
        tag = number()
        if tag & 7 == 0:
            fields.append((tag >> 3, number()))
        elif tag & 7 == 2:
            size = number()
            assert position + size <= len(data), 'a field is longer than its message'
            fields.append((tag >> 3, data[position:position + size]))
            position += size
        else:
            raise AssertionError(f'field of kind {tag & 7}')
    return fields


def one(fields, number, default=0):
    found = [value for key, value in fields if key == number]
    return found[-1] if found else default


def every(fields, number):
    return [value for key, value in fields if key == number]


class CallError(Exception):
    """A status that is not OK: its code, its message, and the error number in its details, or None."""

    def __init__(self, code, text, errno):
        super().__init__(f'status {code}: {text} (errno {errno})')
        self.code, self.text, self.errno = code, text, errno


def status_of(response):
    status = parse(one(response, 1, b''))
    code = one(status, 1)
    if code == 0:
        return None
    errno = None
    for detail in every(status, 3):
        errno = one(parse(one(parse(detail), 2, b'')), 2)
    return CallError(code, one(status, 2, b'').decode(), errno)


class Connection:
    """A connection to an agent."""

    def __init__(self, address, service=SYNC, timeout=20):
        self.service = service
        self.stream = -1
        if address.startswith('unix://'):
            path = address[7:]
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(timeout)
            self.socket.connect('\0' + path[1:] if path.startswith('@') else path)
        elif address.startswith('tcp://'):
            host, port = address[6:].rsplit(':', 1)
            self.socket = socket.create_connection((host, int(port)), timeout)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        elif address.startswith('guest://'):
            # By a relay at a guest's port; what it is reached by is hybrid vsock.
            path, port = address[8:].rsplit(':', 1)
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(timeout)
            self.socket.connect(path)
            self.socket.sendall(f'CONNECT {port}\n'.encode())
            while self.read_exactly(1) != b'\n':
                pass
        else:
            raise ValueError(address)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def close(self):
        self.socket.close()

    # --- frames

    def send_frame(self, kind, flags, payload, stream=None):
        if stream is None:
            self.stream += 2
            stream = self.stream
        self.socket.sendall(struct.pack('>IIBB', len(payload), stream, kind, flags) + payload)
        return stream

    def read_exactly(self, size):
        data = bytearray()
        while len(data) < size:
            piece = self.socket.recv(size - len(data))
            if not piece:
                raise EOFError(f'the agent closed the connection after {len(data)} of {size} bytes')
            data += piece
        return bytes(data)

    def read_frame(self):
        size, stream, kind, flags = struct.unpack('>IIBB', self.read_exactly(10))
        return stream, kind, flags, self.read_exactly(size)

    # --- calls

    def request(self, method, payload, service=None):
        """A request's frame; its stream."""
        call = field(1, service or self.service) + field(2, method) + field(3, payload)
        return self.send_frame(REQUEST, 0, call)

    def answer(self, stream):
        got, kind, _, payload = self.read_frame()
        assert (got, kind) == (stream, RESPONSE), f'answer {kind} to stream {got}, not to {stream}'
        response = parse(payload)
        error = status_of(response)
        if error:
            raise error
        return parse(one(response, 2, b''))

    def call(self, method, payload=b'', service=None):
        return self.answer(self.request(method, payload, service))

    # --- the methods of the current generation

    def create_session(self, flags=0):
        return one(self.call('CreateSession', field(1, flags)), 1)

    def update_session(self, session, flags):
        return self.call('UpdateSession', field(1, session) + field(2, flags))

    def destroy_session(self, session):
        return self.call('DestroySession', field(1, session))

    def register(self, session, blobs=(), kind=2, resource=0, paths=()):
        payload = b''.join(field(1, path) for path in paths)
        for name, data in blobs:
            payload += message(2, field(1, 1) + field(2, name) + field(3, data) + field(4, len(data)))
        payload += field(3, kind) + field(4, resource) + field(5, session)
        return one(self.call('RegisterResource', payload), 1)

    def unregister(self, session, resource):
        return self.call('UnregisterResource', field(1, resource) + field(2, session))

    def sync(self, resource):
        blobs = [parse(blob) for blob in every(self.call('SyncResource', field(1, resource)), 1)]
        return [(one(blob, 3, b''), one(blob, 4)) for blob in blobs]

    def classify(self, session, image):
        return one(self.call('ImageClassification', field(1, session) + field(2, image)), 1, b'')

    def genop(self, session, read, write, method='Genop'):
        payload = generic(session, read, write)
        return [argument_fields(value) for value in every(self.call(method, payload), 1)]

    def model(self, method, session, model):
        return self.call(method, field(1, session) + field(2, model))


def argument(content, kind, size=None):
    return field(1, content) + field(2, len(content) if size is None else size) + field(3, kind)


def argument_fields(data):
    fields = parse(data)
    return one(fields, 1, b''), one(fields, 2), one(fields, 3)


def generic(session, read, write):
    payload = field(1, session)
    payload += b''.join(message(2, argument(*arg)) for arg in read)
    return payload + b''.join(message(3, argument(*arg)) for arg in write)


def tensor(data, dims, kind):
    return field(1, data) + field(2, b''.join(varint(dim) for dim in dims)) + field(3, kind)


def tensor_fields(data):
    fields = parse(data)
    dims, position = [], 0
    packed = one(fields, 2, b'')
    while position < len(packed):
        value = shift = 0
        while True:
            byte = packed[position]
            position += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                break
        dims.append(value)
    return one(fields, 1, b''), dims, one(fields, 3)
