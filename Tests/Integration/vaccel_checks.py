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
        fails(13, 22, None, c.model, 'TensorflowLiteModelUnload', session, model)
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


# --- older generations


def old_argument(content, kind=0):
    """In release 0.4 and from 2024 on: kind, size, bytes."""
    return field(1, kind) + field(2, len(content)) + field(3, content)


def untyped_argument(content):
    """Until 2023: size, bytes."""
    return field(1, len(content)) + field(2, content)


def old_operation(number):
    return struct.pack('<I', number)


def old_generic(session, read, write, form=old_argument):
    payload = field(1, session)
    payload += b''.join(message(2, form(content)) for content in read)
    return payload + b''.join(message(3, form(content)) for content in write)


def agent_service(address):
    """`vaccel.AgentService`, release 0.4.1."""
    with Connection(address, service=OLD) as c:
        session = c.create_session()
        assert c.update_session(session, 1) == []
        assert c.classify(session, b'an image') == NOOP_TAG.ljust(1024, b'\0')
        # The text comes first, and operations have other numbers, of four bytes.
        out = every(c.call('Genop', old_generic(session, [old_operation(2), b'an image'], [b'x' * 40, b'x' * 30])), 1)
        assert out == [old_argument(NOOP_TAG.ljust(40, b'\0')), old_argument(NOOP_NAME.ljust(30, b'\0'))], out
        for number in (3, 4, 5, 6):
            out = every(c.call('Genop', old_generic(session, [old_operation(number), b'an image'], [b'x' * 30])), 1)
            assert out == [old_argument(NOOP_NAME.ljust(30, b'\0'))], out
        floats = struct.pack('<2f', 1, 2)
        out = every(c.call('Genop', old_generic(session, [old_operation(19), floats, floats], [b'x' * 8])), 1)
        assert out == [old_argument(struct.pack('<2f', 2, 4))], out
        for number, errno in [(0, 22), (7, 95), (8, 95), (14, 95), (20, 95), (23, 95), (26, 95), (27, 22), (99, 22)]:
            fails(13, errno, f'FFI error: {errno}', c.call, 'Genop',
                  old_generic(session, [old_operation(number), b'x'], [b'x']))

        def file(name, data):
            return message(2, field(1, name) + field(2, '/path/of/the/guest') + field(4, data) + field(5, len(data)))

        resource = one(c.call('RegisterResource', file('a', b'abc') + field(3, 2) + field(5, session)), 1)
        assert resource > 0
        fails(3, 22, 'not opened', c.call, 'RegisterResource', field(1, '/etc/passwd') + field(5, session))
        nodes = message(4, field(1, 'in')) + message(6, field(1, 'out'))
        given = tensor(floats, [2], 1)
        run = field(1, session) + field(2, resource) + nodes + message(5, given)
        fails(13, 22, None, c.call, 'TensorflowModelRun', run)
        c.model('TensorflowModelLoad', session, resource)
        assert every(c.call('TensorflowModelRun', run), 1) == [given]
        c.model('TensorflowModelUnload', session, resource)
        torch = tensor(floats, [2], 7)
        run = field(1, session) + field(2, resource) + message(4, torch) + field(5, 1)
        assert every(c.call('TorchJitloadForward', run), 1) == [torch]
        assert c.unregister(session, resource) == []
        assert c.call('GetTimers', field(1, session)) == []
        for method in ('SyncResource', 'TorchModelLoad', 'GetProfiler', 'CreateResource'):
            fails(3, None, f'/{OLD}/{method} does not exist', c.call, method)
        fails(5, None, 'Unknown session 9', c.destroy_session, 9)
        assert c.destroy_session(session) == []


def vaccel_agent(address):
    """`vaccel.VaccelAgent`, 2021 to release 0.3.7: errors of operations are in the answer's own message."""
    with Connection(address, service=OLDEST) as c:
        session = c.create_session()
        assert 0 < session < 1 << 31
        assert c.classify(session, b'an image') == NOOP_TAG.ljust(1024, b'\0')

        def result(answer):
            assert every(answer, 1) == [], answer
            return every(parse(one(answer, 2)), 1)

        for form in (old_argument, untyped_argument):
            answer = c.call('Genop', old_generic(session, [old_operation(2), b'an image'], [b'x' * 40, b'x' * 30], form))
            assert result(answer) == [form(NOOP_TAG.ljust(40, b'\0')), form(NOOP_NAME.ljust(30, b'\0'))], answer
        for number, errno in [(7, 95), (99, 22)]:
            answer = c.call('Genop', old_generic(session, [old_operation(number), b'x'], [b'x']))
            assert answer == [(1, field(1, errno))], answer
        fails(5, None, 'Unknown session 9', c.destroy_session, 9)

        def create(kind, *files):
            content = b''.join(field(index + 1, data) for index, data in enumerate(files))
            return one(c.call('CreateResource', message(kind, content)), 1)

        floats = struct.pack('<2f', 1, 2)
        given = tensor(floats, [2], 1)
        nodes = message(4, field(1, 'in')) + message(6, field(1, 'out'))
        for kind, files in [(1, [b'a model']), (2, [b'a model']), (3, [b'a', b'b', b'c']), (4, [b'a', b'b', b'c'])]:
            resource = create(kind, *files)
            run = field(1, session) + field(2, resource) + nodes + message(5, given)
            assert c.call('TensorflowModelRun', run) == [(1, field(1, 22))]
            assert c.call('RegisterResource', field(1, resource) + field(2, session)) == []
            assert c.model('TensorflowModelLoad', session, resource) == [(1, b'')]
            assert result(c.call('TensorflowModelRun', run)) == [given]
            assert c.model('TensorflowModelUnload', session, resource) == [(1, 1)]
            assert c.model('TensorflowModelUnload', session, resource) == [(2, field(1, 22))]
            assert c.call('UnregisterResource', field(1, session) + field(2, resource)) == []
            # It lives without a session until it is destroyed.
            assert c.call('RegisterResource', field(1, resource) + field(2, session)) == []
            assert c.call('DestroyResource', field(1, resource)) == []
            fails(5, None, f'Unknown resource {resource}', c.call, 'DestroyResource', field(1, resource))
        resource = create(2, b'a model')
        c.call('RegisterResource', field(1, resource) + field(2, session))
        lite = field(1, session) + field(2, resource)
        assert c.call('TensorflowLiteModelLoad', lite) == []
        assert result(c.call('TensorflowLiteModelRun', lite + message(3, given) + field(4, 1))) == [given]
        assert c.call('TensorflowLiteModelUnload', lite) == []
        torch = tensor(floats, [2], 7)
        assert result(c.call('TorchJitloadForward', lite + message(4, torch) + field(5, 1))) == [torch]
        assert c.call('TorchJitloadForward', field(1, session) + field(2, 5) + message(4, torch)) == [(1, field(1, 5))]
        assert c.call('GetTimers', field(1, session)) == []
        assert c.destroy_session(session) == []


# --- limits


def closed(connection):
    """Whether the agent has closed a connection."""
    connection.socket.settimeout(10)
    try:
        while connection.socket.recv(65536):
            pass
        return True
    except ConnectionResetError:
        return True
    except socket.timeout:
        return False


def quotas(address):
    """With --max-connections 4, --max-sessions 3, --max-resources 2, --max-memory 4, --max-frame 2."""
    mib = 1 << 20
    with Connection(address) as c:
        found = [c.create_session() for _ in range(3)]
        fails(13, 87, 'FFI error: 87', c.create_session)
        c.destroy_session(found.pop())
        found.append(c.create_session())
        session = found[0]

        one_blob = [c.register(session, [('a', b'x' * (mib * 3 // 2))]) for _ in range(2)]
        fails(13, 87, None, c.register, session, [('a', b'x')])
        # A large blob counts once: with two there is room for less than another mebibyte.
        assert c.classify(session, b'x' * (mib - 1000)).startswith(NOOP_TAG)
        stream = c.request('ImageClassification', field(1, session) + field(2, b'x' * mib))
        fails(8, 12, 'are in use', c.answer, stream)
        c.unregister(session, one_blob.pop())
        # Small ones are copied, so that they do not keep their frame.
        fails(13, 12, None, c.register, session, [('a', b'x' * 60_000)] * 30)
        c.unregister(session, one_blob.pop())

        # A frame that is too large is answered before it is read, and then passed over.
        c.socket.sendall(struct.pack('>IIBB', 2 * mib + 1, 901, REQUEST, 0))
        fails(3, 22, 'larger than', c.answer, 901)
        c.socket.sendall(b'x' * (2 * mib + 1))
        assert c.classify(session, b'x').startswith(NOOP_TAG)

        # What another connection announces does not count until this one has no room.
        others = [Connection(address) for _ in range(3)]
        for other in others[:2]:
            other.socket.sendall(struct.pack('>IIBB', 2 * mib - 100, 1, REQUEST, 0))
            other.socket.sendall(b'x' * 70000)
        fifth = Connection(address)
        assert closed(fifth)
        stream = c.request('ImageClassification', field(1, session) + field(2, b'x' * mib))
        fails(8, 12, 'are in use', c.answer, stream)
        for other in others:
            other.close()
        fifth.close()
        for _ in range(50):
            try:
                assert c.classify(session, b'x' * mib).startswith(NOOP_TAG)
                break
            except CallError:
                pass
        else:
            raise AssertionError('the memory of closed connections is not given back')
        # Many messages of streams together.
        call = field(1, ASYNC) + field(2, 'GenopStream')
        stream = c.send_frame(REQUEST, OPEN | EMPTY, call)
        for _ in range(3):
            c.send_frame(DATA, OPEN, field(1, session) + message(2, argument(b'x' * (mib - 100), RAW)), stream)
        fails(8, 12, 'the stream is larger', c.answer, stream)


def calls(address):
    """With --max-calls 2: streams that are open count."""
    with Connection(address) as c:
        call = field(1, ASYNC) + field(2, 'GenopStream')
        first = [c.send_frame(REQUEST, OPEN | EMPTY, call) for _ in range(2)]
        fails(8, 16, 'not answered', c.create_session)
        with Connection(address) as other:
            fails(8, 16, 'not answered', other.create_session)
        c.send_frame(DATA, CLOSED | EMPTY, b'', first[0])
        fails(5, None, 'Unknown session 0', c.answer, first[0])
        assert c.create_session() > 0
    with Connection(address) as c:
        assert c.create_session() > 0


def fields_of_one_kind(address):
    """A small frame cannot make the agent keep many things."""
    with Connection(address) as c:
        session = c.create_session()
        for method, payload in [
                ('Genop', message(2, b'') * 65), ('Genop', message(3, b'') * 65), ('RegisterResource', message(2, b'') * 65),
                ('TorchModelRun', message(4, b'') * 65), ('TensorflowModelRun', message(4, b'') * 65),
                ('TorchModelRun', message(4, field(2, b'\1' * 17)))]:
            fails(3, None, 'more than', c.call, method, field(1, session) + payload)
        huge = message(2, b'') * 5_000_000
        fails(3, None, 'more than', c.call, 'Genop', field(1, session) + huge)
        assert c.classify(session, b'x').startswith(NOOP_TAG)


def slow(address):
    """With --frame-timeout 500: who does not go on is closed, and holds up nobody meanwhile."""
    import time
    half = Connection(address)
    half.socket.sendall(struct.pack('>IIBB', 100_000, 1, REQUEST, 0) + b'x' * 70_000)
    header = Connection(address)
    header.socket.sendall(b'\0\0\0')
    discarded = Connection(address)
    discarded.socket.sendall(struct.pack('>IIBB', 0xFFFFFFFF, 1, REQUEST, 0))
    deaf = Connection(address)
    session = deaf.create_session()
    # Answers of 1 KiB that nobody reads, until the agent reads no more.
    call = field(1, SYNC) + field(2, 'ImageClassification') + field(3, field(1, session) + field(2, b'x'))
    wire = struct.pack('>IIBB', len(call), 5, 1, 0) + call
    deaf.socket.settimeout(0.2)
    try:
        while True:
            deaf.socket.sendall(wire * 500)
    except socket.timeout:
        pass
    idle = Connection(address)
    began = time.monotonic()
    with Connection(address) as c:
        while time.monotonic() - began < 1.5:
            assert c.classify(session, b'x').startswith(NOOP_TAG)
    for connection in (half, header, discarded, deaf):
        assert closed(connection), 'a connection that does not go on was not closed'
    # One that says nothing at all may go on.
    assert idle.create_session() > 0


class BadFrames:
    """Frames that a hostile guest may send: damaged messages, other methods, lengths that are not theirs, noise."""
    METHODS = ['CreateSession', 'Genop', 'RegisterResource', 'TorchModelRun', 'ImageClassification', 'TensorflowModelRun',
               'DestroySession', 'GenopStream', 'SyncResource', '', 'x' * 300]
    SERVICES = [SYNC, ASYNC, OLD, OLDEST, '', '\xff\xfe']

    def __init__(self, seed, session):
        import random
        self.rng = random.Random(int(seed))
        self.valid = [generic(session, [op(3), (b'x', BUFFER)], [(b'y' * 9, UCHAR_ARRAY)] * 2),
                      field(1, session) + message(4, tensor(b'1234', [1], 7)) + field(5, 1),
                      message(2, field(2, 'n') + field(3, b'abc') + field(4, 3)) + field(5, session)]

    def payload(self):
        rng = self.rng
        data = bytearray(rng.choice(self.valid))
        for _ in range(rng.randrange(4)):
            where = rng.randrange(len(data))
            what = rng.randrange(3)
            if what == 0:
                data[where] = rng.randrange(256)
            elif what == 1:
                del data[where:]
                data += b'\0'
            else:
                data[where:where] = rng.randbytes(rng.randrange(9))
        return bytes(data)

    def frame(self):
        rng = self.rng
        if rng.random() < 0.3:
            return rng.randbytes(rng.randrange(1, 60))
        call = field(1, rng.choice(self.SERVICES)) + field(2, rng.choice(self.METHODS)) + field(3, self.payload())
        size = len(call) if rng.random() < 0.9 else rng.choice([0, 1, len(call) + 5, 1 << 20, 0xFFFFFFFF])
        return struct.pack('>IIBB', size, rng.choice([0, 1, 3, 2, 0xFFFFFFFF]), rng.choice([1, 1, 1, 2, 3, 9]),
                           rng.choice([0, 0, 1, 2, 4, 6, 255])) + call


def random_frames(address, seed='1', count='20000'):
    """A hostile guest on some connections, another guest's calls on one: each of them is answered rightly."""
    good = Connection(address)
    session, target = good.create_session(), good.create_session()
    bad = BadFrames(seed, target)
    rng = bad.rng
    hostile = []
    for number in range(int(count)):
        while len(hostile) < 8:
            hostile.append(Connection(address))
        connection = hostile[rng.randrange(8)]
        try:
            connection.socket.setblocking(False)
            connection.socket.send(bad.frame())
            try:
                connection.socket.recv(1 << 16)
            except BlockingIOError:
                pass
        except (BlockingIOError, OSError):
            hostile.remove(connection)
            connection.close()
        if rng.random() < 0.002:
            hostile.remove(connection)
            connection.close()
        if number % 100 == 0:
            name, tag = good.genop(
                session, [op(3), (b'an image', BUFFER)], [(b'x' * 32, UCHAR_ARRAY), (b'x' * 64, UCHAR_ARRAY)])
            assert name[0] == NOOP_NAME.ljust(32, b'\0') and tag[0] == NOOP_TAG.ljust(64, b'\0')


def flood(address, seconds='5', rate='10000'):
    """So many bad frames a second, as far as this machine lets them be sent; prints how many there really were."""
    import time
    rate, seconds = int(rate), float(seconds)
    with Connection(address) as c:
        session = c.create_session()
    bad = BadFrames(5, session)
    frames = [bad.frame() for _ in range(rate)]
    hostile, sent, taken = [], 0, 0
    began = time.monotonic()
    while (now := time.monotonic() - began) < seconds:
        # Behind its time it hurries, ahead of it it waits.
        due = int(now * rate) + rate // 100
        while sent < due and time.monotonic() - began < seconds:
            while len(hostile) < 8:
                hostile.append(Connection(address))
                hostile[-1].socket.setblocking(False)
            connection = hostile[sent % 8]
            try:
                connection.socket.send(frames[sent % rate])
                sent += 1
                if sent % 10 == 0:
                    taken += len(connection.socket.recv(1 << 20))
            except BlockingIOError:
                pass
            except OSError:
                hostile.remove(connection)
                connection.close()
            if sent % 500 == 499:
                hostile.pop(0).close()
        time.sleep(0.002)
    seconds = time.monotonic() - began
    for connection in hostile:
        connection.close()
    assert sent > 1000 and taken > 0, (sent, taken)
    print(f'{sent} frames in {seconds:.1f} s: {sent / seconds:.0f} a second')


# --- the cpu back-end and its worker


def product_of(m, n, k, a, b, c, alpha, beta, lda, ldb, ldc):
    c = list(c)
    for row in range(m):
        for column in range(n):
            total = sum(a[row * lda + i] * b[i * ldb + column] for i in range(k))
            old = c[row * ldc + column]
            c[row * ldc + column] = alpha * total + (beta * old if beta else 0)
    return c


def arithmetic(address):
    import math
    with Connection(address) as c:
        session = c.create_session()
        floats = struct.pack('<4f', 1, 2, 3, 4)
        more = struct.pack('<4f', 5, 6, 7, 8)
        out = (b'x' * 16, RAW)

        def numbers(answer):
            return [list(struct.unpack('<4f', content)) for content, _, _ in answer]

        assert c.genop(session, [op(18), (floats, RAW)], [out]) == [(floats, 16, RAW)]
        assert numbers(c.genop(session, [op(19), (floats, RAW), (more, RAW)], [out])) == [[19, 22, 43, 50]]
        assert numbers(c.genop(session, [op(20), (floats, RAW), (more, RAW)], [out, out])) == [
            [6, 8, 10, 12], [5, 12, 21, 32]]
        assert numbers(c.genop(session, [op(21), (floats, RAW), (more, RAW)], [out])) == [[6, 8, 10, 12]]
        doubles = struct.pack('<4d', 5, -1, 9, math.nan)
        bounds = [(struct.pack('<i', value), INT32) for value in (4, 0, 7)]
        answer = c.genop(
            session, [op(22), (doubles, FLOAT64_ARRAY), *bounds],
            [(b'\0' * 32, FLOAT64_ARRAY), (b'\0' * 8, FLOAT64), (b'\0' * 8, FLOAT64)])
        assert struct.unpack('<3d', answer[0][0][:24]) == (5, 0, 7)
        assert [answer[1][0], answer[2][0]] == [struct.pack('<d', -1), struct.pack('<d', 9)]
        # What it does not have.
        fails(13, 95, None, c.classify, session, b'x')
        model = c.register(session, [('m', b'x')])
        fails(13, 95, None, c.model, 'TorchModelLoad', session, model)


def products(address):
    with Connection(address) as c:
        session = c.create_session()
        a = [((i * 7) % 11) - 5.0 for i in range(40)]
        b = [((i * 5) % 13) - 6.0 for i in range(40)]
        old = [float(i) for i in range(40)]
        for m, n, k, lda, ldb, ldc, alpha, beta in [
                (2, 3, 4, 4, 3, 3, 1, 0), (3, 2, 5, 7, 4, 6, -2, 0.5), (1, 1, 1, 1, 1, 1, 1, 1), (4, 4, 4, 4, 4, 4, 0, 1)]:
            expected = product_of(m, n, k, a, b, old, alpha, beta, lda, ldb, ldc)
            read, write = sgemm_arguments(m, n, k, a, b, old, alpha, beta, lda, ldb, ldc)
            (content, size, kind), = c.genop(session, read, write)
            assert (size, kind) == (160, FLOAT32_ARRAY)
            assert list(struct.unpack('<40f', content)) == expected, (m, n, k)
        # What was in C does not count when beta is 0, whatever it was.
        read, write = sgemm_arguments(1, 1, 1, [2], [3], [float('nan')])
        assert c.genop(session, read, write)[0][0] == struct.pack('<f', 6)
        good = dict(m=2, n=2, k=2, a=[1] * 4, b=[1] * 4, c=[1] * 4)
        for wrong in [dict(m=0), dict(m=-1), dict(n=1 << 31), dict(k=3), dict(m=3), dict(lda=1), dict(ldb=3), dict(ldc=3),
                      dict(m=1 << 30, lda=1 << 30), dict(a=[1] * 3), dict(b=[]), dict(c=[1] * 3)]:
            read, write = sgemm_arguments(**{**good, **wrong})
            fails(13, 22, None, c.genop, session, read, write)
        read, write = sgemm_arguments(**good)
        for index in range(1, 11):
            fails(13, 22, None, c.genop, session, [*read[:index], (read[index][0], RAW), *read[index + 1:]], write)
            fails(13, 22, None, c.genop, session, read[:index] + read[index + 1:], write)
        fails(13, 22, None, c.genop, session, read, [(write[0][0], RAW)])
    with Connection(address, service=OLD) as c:
        # Release 0.4 with vAccel 0.7 and before: without the distances of rows in the latter.
        session = c.create_session()
        numbers = struct.pack('<4f', 1, 2, 3, 4)
        size, scale = struct.pack('<q', 2), struct.pack('<f', 1)
        zero = struct.pack('<f', 0)
        for read in ([size] * 3 + [scale, numbers, numbers, zero],
                     [size] * 3 + [scale, numbers, size, numbers, size, zero, size]):
            out = every(c.call('Genop', old_generic(session, [old_operation(1), *read], [b'x' * 16])), 1)
            assert out == [old_argument(struct.pack('<4f', 7, 10, 15, 22))], out


def a_product(connection, session):
    read, write = sgemm_arguments(2, 2, 2, [1] * 4, [1] * 4, [0] * 4)
    return connection.genop(session, read, write)[0][0] == struct.pack('<4f', 2, 2, 2, 2)


def answers_too_large(address):
    """With --max-memory 5: an answer for which there is no room is an error at once, and the next one is not disturbed."""
    with Connection(address) as c:
        session = c.create_session()
        side = 512
        read, write = sgemm_arguments(side, side, side, [1] * side * side, [1] * side * side, [0] * side * side)
        # Three megabytes of request; with this resource there is no room for a fourth.
        resource = c.register(session, [('a', b'x' * (3 << 19))])
        fails(13, 12, None, c.genop, session, read, write)
        assert a_product(c, session)
        c.unregister(session, resource)
        assert c.genop(session, read, write)[0][0][:4] == struct.pack('<f', side)


def workers_of(agent):
    with open(f'/proc/{agent}/task/{agent}/children') as file:
        return [int(pid) for pid in file.read().split()]


def worker_ends(address, agent):
    """A worker that is killed or stopped costs the call under way, if any, and no other."""
    import os
    import signal
    import time
    with Connection(address) as c, Connection(address) as other:
        session = c.create_session()
        assert workers_of(agent) == []
        assert a_product(c, session)
        first, = workers_of(agent)
        os.kill(first, signal.SIGKILL)
        try:
            assert a_product(c, session)
        except CallError as error:
            assert error.errno == 5
        assert a_product(c, session)
        second, = workers_of(agent)
        assert second != first
        # Hangs: its call ends at the deadline, and everything else goes on meanwhile.
        os.kill(second, signal.SIGSTOP)
        read, write = sgemm_arguments(2, 2, 2, [1] * 4, [1] * 4, [0] * 4)
        began = time.monotonic()
        streams = [c.request('Genop', generic(session, read, write)) for _ in range(2)]
        while time.monotonic() - began < 0.2:
            other.destroy_session(other.create_session())
            assert other.classify(session, b'x').startswith(NOOP_TAG)
        fails(13, 110, None, c.answer, streams[0])
        assert every(c.answer(streams[1]), 1)
        assert not os.path.exists(f'/proc/{second}')
        third, = workers_of(agent)
        # Dies in the middle of a call.
        os.kill(third, signal.SIGSTOP)
        stream = c.request('Genop', generic(session, read, write))
        other.create_session()
        os.kill(third, signal.SIGKILL)
        fails(13, 5, None, c.answer, stream)
        assert a_product(c, session)


def worker_confined(address, agent):
    """No privilege, no file but the agent's socket, a filter of calls."""
    import os
    with Connection(address) as c:
        session = c.create_session()
        assert a_product(c, session)
        worker, = workers_of(agent)

        def status_of(process):
            return dict(line.split(':', 1) for line in open(f'/proc/{process}/status').read().splitlines())

        for process in (agent, worker):
            status = status_of(process)
            assert status['Seccomp'].strip() == '2', (process, status['Seccomp'])
            assert status['NoNewPrivs'].strip() == '1'
        # The agent's, and one of its own.
        assert int(status['Seccomp_filters']) == int(status_of(agent)['Seccomp_filters']) + 1
        for name in ('CapPrm', 'CapEff', 'CapInh', 'CapAmb'):
            assert int(status[name], 16) == 0, (name, status[name])
        assert status['Uid'].split() == ['65534'] * 4, status['Uid']
        assert status['Gid'].split() == ['65534'] * 4, status['Gid']
        links = {number: os.readlink(f'/proc/{worker}/fd/{number}') for number in os.listdir(f'/proc/{worker}/fd')}
        more = {number: link for number, link in links.items() if int(number) > 2}
        assert len(more) == 1 and list(more.values())[0].startswith('socket:'), links
        # Room for the file of one region, which it closes at once.
        files = str(next(number for number in range(len(links) + 1) if str(number) not in links) + 1)
        limits = open(f'/proc/{worker}/limits').read()
        for name, limit in (('Max core file size', '0'), ('Max open files', files)):
            line, = [line for line in limits.splitlines() if line.startswith(name)]
            assert line[26:].split()[:2] == [limit, limit], line


# --- large arrays, which are in memory that agent and worker share


def scaled(side, seed, alpha=1.0, beta=0.0):
    """A product whose first factor has numbers on the diagonal only: what is asked, and what the answer is."""
    import array
    diagonal = [float((row + seed) % 5 + 1) for row in range(side)]
    a = array.array('f', bytes(4 * side * side))
    for row in range(side):
        a[row * side + row] = diagonal[row]
    b = array.array('f', [float((i * 7 + seed) % 11 - 5) for i in range(side * side)])
    old = array.array('f', [float(i % 3) for i in range(side * side)])
    expected = array.array('f', [
        alpha * diagonal[i // side] * b[i] + (beta * old[i] if beta else 0) for i in range(side * side)])

    def int64(value):
        return (struct.pack('<q', value), INT64)

    def float32(value):
        return (struct.pack('<f', value), FLOAT32)

    read = [op(17), int64(side), int64(side), int64(side), float32(alpha), (a.tobytes(), FLOAT32_ARRAY), int64(side),
            (b.tobytes(), FLOAT32_ARRAY), int64(side), float32(beta), int64(side)]
    return read, [(old.tobytes(), FLOAT32_ARRAY)], expected.tobytes()


def is_scaled(connection, session, side, seed, **factors):
    read, write, expected = scaled(side, seed, **factors)
    (content, size, kind), = connection.genop(session, read, write)
    assert (size, kind) == (len(expected), FLOAT32_ARRAY)
    assert content == expected, f'a product of {side} x {side} is wrong'
    return True


def large_arrays(address):
    """Right answers around the size from which on arrays are shared, and beyond."""
    import random
    rng = random.Random(3)
    with Connection(address) as c:
        session = c.create_session()

        def copy_frame(size):
            read, write = [op(18), (b'x' * size, RAW)], [(b'y' * size, RAW)]
            return len(field(1, SYNC) + field(2, 'Genop') + field(3, generic(session, read, write)))

        # Frames of 65536 bytes and of a few more or less, of four bytes to a number.
        at = next(size for size in range(32000, 33000) if copy_frame(size) >= 65536)
        seen = set()
        for size in range(at - 3, at + 4):
            seen.add(copy_frame(size) > 65536)
            data = rng.randbytes(size)
            assert c.genop(session, [op(18), (data, RAW)], [(b'y' * size, RAW)]) == [(data, size, RAW)], size
        assert seen == {True, False}
        for size in (4096, 60_000, 70_000, 1 << 20, 3_000_000):
            data = rng.randbytes(size)
            assert c.genop(session, [op(18), (data, RAW)], [(b'y' * size, RAW)]) == [(data, size, RAW)], size
        for side in (72, 73, 74, 75, 128, 300, 512):
            assert is_scaled(c, session, side, side)
            assert is_scaled(c, session, side, 1, alpha=-2.0, beta=0.5)
        # The rest of the arithmetic.
        floats = [float(i % 1000) for i in range(100_000)]
        more = [float(i % 7) for i in range(100_000)]
        left, right = struct.pack('<100000f', *floats), struct.pack('<100000f', *more)
        sums = struct.pack('<100000f', *[x + y for x, y in zip(floats, more)])
        products = struct.pack('<100000f', *[x * y for x, y in zip(floats, more)])
        out = (b'\0' * len(left), RAW)
        assert c.genop(session, [op(21), (left, RAW), (right, RAW)], [out])[0][0] == sums
        assert [a[0] for a in c.genop(session, [op(20), (left, RAW), (right, RAW)], [out] * 2)] == [sums, products]
        doubles = struct.pack('<100000d', *floats)
        bounds = [(struct.pack('<i', value), INT32) for value in (100_000, 5, 700)]
        answer = c.genop(
            session, [op(22), (doubles, FLOAT64_ARRAY), *bounds],
            [(b'\0' * len(doubles), FLOAT64_ARRAY), (b'\0' * 8, FLOAT64), (b'\0' * 8, FLOAT64)])
        assert answer[0][0] == struct.pack('<100000d', *[min(max(x, 5), 700) for x in floats])
        assert [a[0] for a in answer[1:]] == [struct.pack('<d', 0), struct.pack('<d', 999)]


def large_at_once(address):
    """Large calls of several connections under way at the same time, one that is read late, one that stops in between."""
    import threading
    problems = []

    def calls(seed):
        try:
            with Connection(address, timeout=60) as c:
                session = c.create_session()
                for number in range(6):
                    assert is_scaled(c, session, 150 + 40 * (seed % 3), seed + number)
        except BaseException as error:
            problems.append(f'connection {seed}: {error!r}')

    late, half = Connection(address, timeout=60), Connection(address)
    session = late.create_session()
    read, write, expected = scaled(400, 9)
    streams = [late.request('Genop', generic(session, read, write)) for _ in range(2)]
    half.socket.sendall(struct.pack('>IIBB', 1 << 20, 1, REQUEST, 0) + b'x' * 500_000)
    threads = [threading.Thread(target=calls, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems, problems
    half.close()
    for stream in streams:
        (content, _, _), = [argument_fields(value) for value in every(late.answer(stream), 1)]
        assert content == expected
    late.close()


def regions_of(process):
    """A process's mappings of shared memory: access and inode."""
    found = []
    with open(f'/proc/{process}/maps') as file:
        for line in file:
            if '/memfd:region' in line:
                words = line.split()
                found.append((words[1], words[4]))
    return found


def regions(address, agent):
    """What is shared: who may write to it, how much there is, that it goes when nothing large comes any more."""
    import os
    import signal
    import time

    def files():
        return len(os.listdir(f'/proc/{agent}/fd'))

    with Connection(address, timeout=60) as c:
        session = c.create_session()
        assert a_product(c, session)
        worker, = workers_of(agent)
        before = files()
        assert regions_of(agent) == [] and regions_of(worker) == []
        most = 0
        for number in range(200):
            assert is_scaled(c, session, 150 + number % 3, number) if number % 20 == 19 else c.genop(
                session, [op(18), (b'x' * 200_000, RAW)], [(b'y' * 200_000, RAW)])
            most = max(most, len(regions_of(agent)), len(regions_of(worker)))
            assert files() - before <= 8
        assert 0 < most <= 8, most
        # Nothing may be written to from both sides, and what is read of a guest is the agent's alone to write.
        writable = {process: {inode for access, inode in regions_of(process) if 'w' in access} for process in (agent, worker)}
        assert writable[agent] and writable[worker] and not writable[agent] & writable[worker], writable
        # Dies while it computes: that call fails, what was shared with it is gone, the next one is right.
        os.kill(worker, signal.SIGSTOP)
        read, write, _ = scaled(300, 1)
        stream = c.request('Genop', generic(session, read, write))
        with Connection(address) as other:
            other.create_session()
        os.kill(worker, signal.SIGKILL)
        fails(13, 5, None, c.answer, stream)
        assert is_scaled(c, session, 300, 2)
        # Hangs, until the deadline.
        worker, = workers_of(agent)
        os.kill(worker, signal.SIGSTOP)
        fails(13, 110, None, c.genop, session, read, write)
        assert is_scaled(c, session, 300, 3)
        worker, = workers_of(agent)
        deadline = time.monotonic() + 10
        while (regions_of(agent) or regions_of(worker) or files() != before) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert regions_of(agent) == [], regions_of(agent)
        assert regions_of(worker) == [], regions_of(worker)
        assert files() == before
        # A resource keeps its memory, and no longer than it is there.
        resource = c.register(session, [('a', b'x' * 300_000)])
        time.sleep(1)
        assert len(regions_of(agent)) == 1
        assert c.sync(resource) == [(b'x' * 300_000, 300_000)]
        c.unregister(session, resource)
        while regions_of(agent) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert regions_of(agent) == []


def without_descriptors(address):
    """With room for few descriptors: connections that cannot be taken wait, those that are there are answered."""
    import time
    with Connection(address) as c:
        session = c.create_session()
        others = [Connection(address) for _ in range(20)]
        began = time.monotonic()
        while time.monotonic() - began < 1:
            assert c.classify(session, b'x').startswith(NOOP_TAG)
            time.sleep(0.05)
        for other in others[:-1]:
            other.close()
        assert others[-1].create_session() > 0


# --- two agents


def foreign(address, other):
    """Numbers of one agent's sessions and resources are nothing at the other's, by any method that takes one."""
    with Connection(address) as mine, Connection(other) as theirs:
        session, resource = theirs.create_session(), None
        resource = theirs.register(session, [('secret', b'a secret')])
        own = mine.create_session()
        unknown_session = f'Unknown session {session}'
        for call in [
                lambda: mine.classify(session, b'x'), lambda: mine.update_session(session, 1),
                lambda: mine.destroy_session(session), lambda: mine.register(session, [('a', b'b')]),
                lambda: mine.genop(session, [op(3), (b'x', BUFFER)], [(b'x', UCHAR_ARRAY)] * 2),
                lambda: mine.call('GetProfiler', field(1, session)), lambda: mine.unregister(session, resource)]:
            fails(5, None, unknown_session, call)
        for call in [
                lambda: mine.sync(resource), lambda: mine.register(own, resource=resource),
                lambda: mine.unregister(own, resource)]:
            fails(5, None, f'Unknown resource {resource}', call)
        fails(5, None, 'Unknown Torch model', mine.model, 'TorchModelLoad', own, resource)
        # Guesses around numbers of one's own.
        for guess in range(own - 500, own + 500):
            if guess != own:
                fails(5, None, 'Unknown session', mine.classify, guess, b'x')
        assert theirs.sync(resource) == [(b'a secret', 8)]


def exhaust(address):
    """Takes all sessions, all memory, and far more connections than there may be, and gives nothing back."""
    with Connection(address) as c:
        session = c.create_session()
        for call, errno in [(c.create_session, 87), (lambda: c.register(session, [('a', b'x' * (4 << 20))]), 12)]:
            try:
                for _ in range(1500):
                    call()
                raise AssertionError('there is no end of it')
            except CallError as error:
                assert error.errno == errno, error
        flood = []
        for _ in range(200):
            try:
                flood.append(Connection(address))
                flood[-1].send_frame(REQUEST, 0, b'')
            except (OSError, EOFError):
                pass
        assert c.classify(session, b'x').startswith(NOOP_TAG)


def runs(process):
    """Whether a process is there and no zombie. It may end, and be collected, between any two steps of this."""
    try:
        with open(f'/proc/{process}/stat', encoding='ascii', errors='replace') as stat:
            return stat.read().rpartition(')')[2].split()[0] not in 'ZX'
    except (FileNotFoundError, ProcessLookupError):
        return False


def steady(address, process):
    """Answers are right for as long as a process runs."""
    import time
    rounds, longest = 0, 0.0
    with Connection(address) as c:
        session = c.create_session()
        resource = c.register(session, [('a', b'content')])
        while runs(process):
            began = time.monotonic()
            assert c.classify(session, b'an image') == NOOP_TAG.ljust(1024, b'\0')
            assert c.sync(resource) == [(b'content', 7)]
            rounds, longest = rounds + 1, max(longest, time.monotonic() - began)
    assert rounds > 10
    print(f'{2 * rounds} calls answered meanwhile, the slowest two after {longest * 1000:.1f} ms')


if __name__ == '__main__':
    globals()[sys.argv[1]](*sys.argv[2:])
