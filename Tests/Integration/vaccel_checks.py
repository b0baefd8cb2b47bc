"""Checks of swiftlet-vaccel by a client of its own. usage: vaccel_checks.py CHECK ADDRESS [ARGUMENT]..."""
import socket
import struct
import sys

from vaccel_client import *

NOOP_TAG = b'This is a dummy classification tag!'
NOOP_NAME = b'This is a dummy imgname!'


def fails(code, errno, text, call, *arguments, **options):
    """The call's error must be this one; None for what does not matter."""
    try:
        call(*arguments, **options)
    except CallError as error:
        assert error.code == code, f'{error}: not status {code}'
        assert error.errno == errno, f'{error}: not errno {errno}'
        assert text is None or text in error.text, f'{error}: not {text}'
        return
    raise AssertionError(f'no error, but status {code}, errno {errno} was expected')


def op(number):
    return (bytes([number]), UINT8)


# --- the exchanges with upstream's agent, byte by byte


def frame(hexadecimal):
    return bytes.fromhex(hexadecimal.replace(' ', ''))


def text(value):
    return value.encode().hex()


def exact_call(connection, stream, method, payload, expected):
    service = SYNC
    call = frame(f'0a1e {text(service)} 12{len(method):02x} {text(method)}') + payload
    connection.socket.sendall(struct.pack('>IIBB', len(call), stream, 1, 0) + call)
    answer = connection.read_exactly(10)
    assert answer[4:] == struct.pack('>IBB', stream, 2, 0), answer.hex()
    body = connection.read_exactly(struct.unpack('>I', answer[:4])[0])
    assert body == expected, f'{method}: {body[:80].hex()} is not {expected[:80].hex()}'


def exact(address):
    with Connection(address) as connection:
        # The number of a session is random here and 1 there: everything around it is the same.
        connection.socket.sendall(
            frame(f'0000002f 00000001 01 00 0a1e {text(SYNC)} 120d {text("CreateSession")}'))
        header = connection.read_exactly(10)
        size = struct.unpack('>I', header[:4])[0]
        body = connection.read_exactly(size)
        assert header[4:] == frame('00000001 02 00'), header.hex()
        assert body[:3] == frame('0a00 12') and body[3] == size - 4 and body[4] == 0x08, body.hex()
        session = one(parse(one(parse(body), 2)), 1)
        assert 0 < session < 1 << 63
        number = varint(session)

        image = b'\x08' + number + frame('1203 616263')
        tags = NOOP_TAG.ljust(1024, b'\0')
        expected = frame('0a00 128308 0a8008') + tags
        assert len(expected) == 0x408
        exact_call(connection, 3, 'ImageClassification', b'\x1a' + varint(len(image)) + image, expected)

        generic_call = b'\x08' + number + frame(
            '12070a010310011809 12090a036162631003181c 1a0a0a04000000001004181a 1a0a0a04000000001004181a')
        exact_call(
            connection, 5, 'Genop', b'\x1a' + varint(len(generic_call)) + generic_call,
            frame('0a00 1218 0a0a0a04546869001004181a 0a0a0a04546869001004181a'))
        exact_call(
            connection, 7, 'DestroySession', frame('1a02 084d'),
            frame(f'0a16 0805 1212 {text("Unknown session 77")}'))
        unknown = b'\x08' + number + frame('12070a016310011809')
        exact_call(
            connection, 9, 'Genop', b'\x1a' + varint(len(unknown)) + unknown,
            frame(f'0a3e 080d 120d {text("FFI error: 22")} 1a2b 0a25 {text("type.googleapis.com/vaccel.ProtoError")} 1202 1016'))
        update = b'\x08' + number + frame('1001')
        exact_call(connection, 11, 'UpdateSession', b'\x1a' + varint(len(update)) + update, frame('0a00'))
        destroy = b'\x08' + number
        exact_call(connection, 13, 'DestroySession', b'\x1a' + varint(len(destroy)) + destroy, frame('0a00'))


# --- every method


def sessions(address):
    with Connection(address) as first, Connection(address) as second:
        session, other = first.create_session(1), first.create_session()
        assert session != other and min(session, other) > 0
        # A session is the guest's, not the connection's.
        assert second.classify(session, b'x').startswith(NOOP_TAG)
        assert second.update_session(session, 2) == []
        assert second.destroy_session(session) == []
        fails(5, None, f'Unknown session {session}', first.classify, session, b'x')
        fails(5, None, f'Unknown session {session}', first.update_session, session, 1)
        fails(5, None, 'Unknown session 0', first.destroy_session, 0)
        fails(5, None, 'Unknown session -1', first.destroy_session, -1)
        first.destroy_session(other)


def resources(address):
    with Connection(address) as c:
        session, other = c.create_session(), c.create_session()
        data = [('model.onnx', b'abc' * 1000), ('../../etc/passwd', bytes(range(256))), ('', b'')]
        resource = c.register(session, data)
        assert resource > 0
        assert c.sync(resource) == [(content, len(content)) for _, content in data]
        assert c.register(other, resource=resource) == resource
        assert c.unregister(session, resource) == []
        assert len(c.sync(resource)) == 3
        fails(13, 22, None, c.unregister, session, resource)
        c.unregister(other, resource)
        fails(5, None, f'Unknown resource {resource}', c.sync, resource)
        # With its session goes what no other session has.
        resource = c.register(session, data)
        c.destroy_session(session)
        fails(5, None, f'Unknown resource {resource}', c.sync, resource)
        fails(5, None, f'Unknown session {session}', c.register, session, data)
        fails(5, None, 'Unknown resource 5', c.register, other, resource=5)
        fails(3, 22, 'not opened', c.register, other, paths=['/etc/passwd'])
        fails(3, 22, 'not opened', c.register, other, paths=['http://127.0.0.1/x'], blobs=data)
        fails(3, 22, 'No paths or blobs', c.register, other)
        wrong = message(2, field(3, b'abc') + field(4, 4)) + field(5, other)
        fails(3, 22, 'size', c.call, 'RegisterResource', wrong)
        c.destroy_session(other)


def large(address):
    """Three megabytes as one blob, and back."""
    with Connection(address) as c:
        session = c.create_session()
        data = bytes(i * 7 % 251 for i in range(1 << 16)) * 48
        resource = c.register(session, [('large', data)])
        assert c.sync(resource) == [(data, len(data))]
        assert c.classify(session, data).startswith(NOOP_TAG)
        c.destroy_session(session)


def images(address):
    with Connection(address) as c:
        session = c.create_session()
        tags = c.classify(session, b'an image')
        assert tags == NOOP_TAG.ljust(1024, b'\0')
        for size in (1, 24, 25, 100, 4096):
            name, tag = c.genop(
                session, [op(3), (b'an image', BUFFER)], [(b'x' * size, UCHAR_ARRAY), (b'x' * 64, UCHAR_ARRAY)])
            assert name == (NOOP_NAME[:size - 1].ljust(size, b'\0'), size, UCHAR_ARRAY), name
            assert tag == (NOOP_TAG.ljust(64, b'\0'), 64, UCHAR_ARRAY), tag
        for number in (4, 5, 6, 7):
            answer = c.genop(session, [op(number), (b'an image', BUFFER)], [(b'x' * 64, UCHAR_ARRAY)])
            assert answer == [(NOOP_NAME.ljust(64, b'\0'), 64, UCHAR_ARRAY)], answer


def refusals(address):
    """Arguments that do not fit their operation, operations that are never carried out."""
    with Connection(address) as c:
        session = c.create_session()
        image, out = (b'an image', BUFFER), (b'\0' * 8, UCHAR_ARRAY)
        wrong = [
            ([], []), ([(b'', UINT8)], []), ([op(0)], []), ([op(0x63)], []), ([(b'\3\0\0\0', INT32)], []),
            ([op(3)], [out, out]), ([op(3), image], [out]), ([op(3), image, image], [out, out]),
            ([op(3), image], [out, out, out]), ([op(3), (b'an image', STRING)], [out, out]),
            ([op(3), image], [out, (b'\0' * 8, RAW)]), ([op(4), image], [out, out]),
            ([op(3), (b'an image', BUFFER, 7)], [out, out]), ([op(3), image], [out, (b'\0' * 8, UCHAR_ARRAY, 9)]),
            ([op(18), (b'1234', RAW)], [(b'12345678', RAW)]), ([op(19), (b'1234', RAW)], [(b'1234', RAW)]),
            ([op(19), (b'12' * 4, RAW), (b'12' * 4, RAW)], [(b'12' * 4, RAW)]),
            ([op(20), (b'1234', RAW), (b'1234', RAW)], [(b'1234', RAW)]),
            ([op(21), (b'1234', RAW), (b'1234', RAW)], [(b'1234', RAW)] * 2),
            ([op(21), (b'1234', RAW), (b'12345678', RAW)], [(b'1234', RAW)]),
            ([op(22), (b'1' * 16, RAW), (b'\3\0\0\0', RAW), (b'\0' * 4, RAW), (b'\0' * 4, RAW)],
             [(b'1' * 16, RAW), (b'1' * 8, RAW), (b'1' * 8, RAW)]),
        ]
        for read, write in wrong:
            fails(13, 22, 'FFI error: 22', c.genop, session, read, write)
        for number in [1, 2, *range(8, 17), 23]:
            arguments = [(b'/lib/x86_64-linux-gnu/libc.so.6\0', STRING), (b'abort\0', STRING)]
            fails(13, 95, 'FFI error: 95', c.genop, session, [op(number), *arguments], [out])
        assert c.classify(session, b'x').startswith(NOOP_TAG)


def sgemm_arguments(m, n, k, a, b, c, alpha=1.0, beta=0.0, lda=None, ldb=None, ldc=None):
    def int64(value):
        return (struct.pack('<q', value), INT64)

    def float32(value):
        return (struct.pack('<f', value), FLOAT32)

    def array(values):
        return (struct.pack(f'<{len(values)}f', *values), FLOAT32_ARRAY)

    read = [
        op(17), int64(m), int64(n), int64(k), float32(alpha), array(a), int64(lda or k), array(b), int64(ldb or n),
        float32(beta), int64(ldc or n)]
    return read, [array(c)]


def arithmetic_noop(address):
    with Connection(address) as c:
        session = c.create_session()
        floats = struct.pack('<4f', 1, 2, 3, 4)
        assert c.genop(session, [op(18), (floats, RAW)], [(b'\0' * 16, RAW)]) == [(floats, 16, RAW)]
        assert c.genop(session, [op(19), (floats, RAW), (floats, RAW)], [(b'\0' * 16, RAW)]) == [
            (struct.pack('<4f', *[9.1] * 4), 16, RAW)]
        assert c.genop(session, [op(21), (floats, RAW), (floats, RAW)], [(b'\0' * 16, RAW)]) == [
            (struct.pack('<4f', 2, 4, 6, 8), 16, RAW)]
        assert [a[0] for a in c.genop(session, [op(20), (floats, RAW), (floats, RAW)], [(b'\0' * 16, RAW)] * 2)] == [
            struct.pack('<4f', 2, 4, 6, 8), struct.pack('<4f', 1, 1, 1, 1)]
        doubles = struct.pack('<3d', 5, -1, 9)
        numbers = [(struct.pack('<i', value), INT32) for value in (3, 0, 7)]
        answer = c.genop(
            session, [op(22), (doubles, FLOAT64_ARRAY), *numbers],
            [(b'\0' * 24, FLOAT64_ARRAY), (b'\0' * 8, FLOAT64), (b'\0' * 8, FLOAT64)])
        assert [a[0] for a in answer] == [doubles, struct.pack('<d', -1), struct.pack('<d', 10000)]
        read, write = sgemm_arguments(2, 2, 2, [1] * 4, [1] * 4, [7, 8, 9, 10])
        assert c.genop(session, read, write) == [(write[0][0], 16, FLOAT32_ARRAY)]


def models(address):
    """TensorFlow, TensorFlow Lite and Torch: load, run, unload."""
    with Connection(address) as c:
        session = c.create_session()
        data = struct.pack('<6f', *range(6))
        shape = tensor(data, [2, 3], 1)

        model = c.register(session, [('model.pb', b'a model')])
        run = field(1, session) + field(2, model) + message(4, field(1, 'in')) + message(5, field(1, 'out')) + message(6, shape)
        fails(13, 22, None, c.call, 'TensorflowModelRun', run)
        assert one(c.model('TensorflowModelLoad', session, model), 1, b'') == b''
        out = [tensor_fields(value) for value in every(c.call('TensorflowModelRun', run), 1)]
        assert out == [(data, [2, 3], 1)], out
        fails(13, 22, None, c.model, 'TorchModelLoad' if False else 'TensorflowLiteModelUnload', session, model)
        c.model('TensorflowModelUnload', session, model)
        fails(13, 22, None, c.model, 'TensorflowModelUnload', session, model)

        model = c.register(session, [('model.tflite', b'a model')])
        c.model('TensorflowLiteModelLoad', session, model)
        run = field(1, session) + field(2, model) + message(3, shape) + field(4, 2)
        out = [tensor_fields(value) for value in every(c.call('TensorflowLiteModelRun', run), 1)]
        assert out == [(data, [2, 3], 1)] * 2, out
        c.model('TensorflowLiteModelUnload', session, model)

        model = c.register(session, [('model.pt', b'a model')])
        c.model('TorchModelLoad', session, model)
        torch = tensor(data, [2, 3], 7)
        run = field(1, session) + field(2, model) + field(3, b'options') + message(4, torch) + field(5, 1)
        out = [tensor_fields(value) for value in every(c.call('TorchModelRun', run), 1)]
        assert out == [(data, [2, 3], 7)], out

        # A shape that does not fit, a type that there is none of, more outputs than are given.
        for bad in (tensor(data, [2, 4], 7), tensor(data, [2, 3], 5), tensor(data, [2, 3], 99),
                    tensor(data, [1 << 62, 1 << 62], 7), tensor(data, [(1 << 64) - 1], 7)):
            fails(13, 22, None, c.call, 'TorchModelRun',
                  field(1, session) + field(2, model) + message(4, bad) + field(5, 1))
        fails(3, None, 'more than', c.call, 'TorchModelRun',
              field(1, session) + field(2, model) + message(4, torch) + field(5, 1 << 40))
        fails(5, None, 'Unknown TensorFlow model 9', c.model, 'TensorflowModelLoad', session, 9)
        other = c.create_session()
        fails(13, 22, None, c.model, 'TorchModelLoad', other, model)


def profiler(address):
    with Connection(address) as c:
        session = c.create_session()
        assert c.call('GetProfiler', field(1, session)) == []
        fails(5, None, 'Unknown session 3', c.call, 'GetProfiler', field(1, 3))


def unknown(address):
    with Connection(address) as c:
        fails(3, None, f'/{SYNC}/Nothing does not exist', c.call, 'Nothing')
        fails(3, None, '/a.Service/CreateSession does not exist', c.call, 'CreateSession', service='a.Service')
        fails(3, None, f'/{SYNC}/GenopStream does not exist', c.call, 'GenopStream')
        fails(3, None, 'Unexpected EOF', c.call, 'CreateSession', b'\x0a\x05a')
        stream = c.send_frame(REQUEST, 0, b'\x0a\x7f')
        fails(3, None, 'Unexpected EOF', c.answer, stream)
        # What is no request is passed over.
        c.send_frame(DATA, 0, b'data of no stream')
        c.send_frame(RESPONSE, 0, b'an answer')
        c.send_frame(77, 255, b'')
        assert c.create_session() > 0


def many(address):
    """Requests that are sent before any answer is read, split where it hurts."""
    with Connection(address) as c:
        session = c.create_session()
        call = field(1, SYNC) + field(2, 'ImageClassification') + field(3, field(1, session) + field(2, b'x' * 500))
        wire = b''.join(struct.pack('>IIBB', len(call), 2 * n + 1001, 1, 0) + call for n in range(300))
        for start in range(0, len(wire), 997):
            c.socket.sendall(wire[start:start + 997])
        streams = set()
        for _ in range(300):
            stream, kind, _, payload = c.read_frame()
            assert kind == RESPONSE and len(payload) == 0x408
            streams.add(stream)
        assert len(streams) == 300
        # One byte at a time.
        call = struct.pack('>IIBB', len(call), 7, 1, 0) + call
        for byte in call:
            c.socket.sendall(bytes([byte]))
        assert c.read_frame()[0] == 7


def streaming(address):
    with Connection(address, service=ASYNC) as c:
        session = c.create_session()
        call = field(1, ASYNC) + field(2, 'GenopStream')

        def begin():
            return c.send_frame(REQUEST, OPEN | EMPTY, call)

        def send(stream, payload, flags=OPEN):
            c.send_frame(DATA, flags, payload, stream)

        def part(number, content, size, kind, parts, which):
            return message(number, argument(content, kind, size) + field(5, parts) + field(6, which))

        image = bytes(range(256)) * 100
        stream = begin()
        send(stream, field(1, session) + message(2, argument(b'\x12', UINT8)))
        for index in range(4):
            piece = image[index * 6400:(index + 1) * 6400]
            send(stream, field(1, session) + part(2, piece, len(image), RAW, 4, index + 1))
        send(stream, field(1, session) + message(3, argument(b'\0' * len(image), RAW)))
        # Another call on the same connection meanwhile.
        assert c.create_session() > 0
        send(stream, b'', CLOSED | EMPTY)
        answer = [argument_fields(value) for value in every(c.answer(stream), 1)]
        assert answer == [(image, len(image), RAW)], answer

        # The last message may come with the end.
        stream = begin()
        send(stream, generic(session, [op(18), (b'1234', RAW)], [(b'\0' * 4, RAW)]), CLOSED)
        assert [argument_fields(value) for value in every(c.answer(stream), 1)] == [(b'1234', 4, RAW)]

        # Without a stream, in one message.
        stream = c.send_frame(
            REQUEST, 0, call + field(3, generic(session, [op(18), (b'1234', RAW)], [(b'\0' * 4, RAW)])))
        assert [argument_fields(value) for value in every(c.answer(stream), 1)] == [(b'1234', 4, RAW)]

        # A part that is missing, one out of order, an argument that never ends, a message that is none.
        for messages in (
                [part(2, b'ab', 4, RAW, 2, 2)], [part(2, b'ab', 6, RAW, 3, 1), part(2, b'ab', 6, RAW, 3, 3)],
                [part(2, b'ab', 4, RAW, 2, 1)], [part(2, b'ab', 9, RAW, 2, 1), part(2, b'ab', 9, RAW, 2, 2)]):
            stream = begin()
            for content in messages:
                send(stream, field(1, session) + content)
            send(stream, b'', CLOSED | EMPTY)
            fails(13, 22, None, c.answer, stream)
        stream = begin()
        send(stream, b'\x0a\x7f')
        fails(3, None, 'Unexpected EOF', c.answer, stream)
        stream = begin()
        send(stream, field(1, 4))
        send(stream, b'', CLOSED | EMPTY)
        fails(5, None, 'Unknown session 4', c.answer, stream)
        assert c.classify(session, b'x').startswith(NOOP_TAG)


if __name__ == '__main__':
    globals()[sys.argv[1]](*sys.argv[2:])
