"""Checks of swiftlet-vaccel's models by a client of its own. usage: vaccel_model_checks.py CHECK ADDRESS [ARGUMENT]..."""
import pathlib
import random
import struct
import sys
import zlib

from vaccel_checks import fails, op
from vaccel_client import *

MODELS = pathlib.Path(__file__).parent.parent / 'Models'
DIGITS = MODELS / 'digits'
NAMES = 'zero one two three four five six seven eight nine'.split()


def chunk(kind, content):
    return struct.pack('>I', len(content)) + kind + content + struct.pack('>I', zlib.crc32(kind + content))


def png(width, height, shade):
    """A grey PNG file with the shade that `shade` gives for x and y."""
    rows = b''.join(bytes([0] + [shade(x, y) for x in range(width)]) for y in range(height))
    header = struct.pack('>IIBBBBB', width, height, 8, 0, 0, 0, 0)
    return b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', header) + chunk(b'IDAT', zlib.compress(rows)) + chunk(b'IEND', b'')


def text_of(content):
    return content.split(b'\0')[0].decode()


def digits(address):
    """The label of each digit, by both ways to ask, from PNG and JPEG."""
    with Connection(address) as c:
        session = c.create_session()
        for name in NAMES:
            for kind in ('png', 'jpg'):
                image = (DIGITS / 'images' / f'{name}.{kind}').read_bytes()
                tags = c.classify(session, image)
                assert len(tags) == 1024 and text_of(tags).endswith(f'% {name}'), tags[:80]
                out = c.genop(session, [op(3), (image, BUFFER)], [(bytes(64), UCHAR_ARRAY), (bytes(128), UCHAR_ARRAY)])
                assert [len(content) for content, _, _ in out] == [64, 128], out
                assert text_of(out[1][0]) == text_of(tags), out
                share = float(text_of(tags).split('%')[0])
                assert 30 < share <= 100, share


def unsound(address):
    """Images that are none, cut off, damaged, too large: an error, and the next one is answered."""
    with Connection(address) as c:
        session = c.create_session()
        sound = (DIGITS / 'images' / 'six.png').read_bytes()
        huge = bytearray(sound)
        huge[16:24] = struct.pack('>II', 1000000, 1000000)
        huge[29:33] = struct.pack('>I', zlib.crc32(huge[12:29]))
        for image in (b'x', b'\xff\xd8\xff', sound[:100], sound[:-40], bytes(huge)):
            fails(13, 22, None, c.classify, session, image)
        chance = random.Random(1)
        for _ in range(200):
            image = bytearray((DIGITS / 'images' / chance.choice(['six.png', 'six.jpg'])).read_bytes())
            for _ in range(3):
                image[chance.randrange(3, len(image))] = chance.randrange(256)
            try:
                c.classify(session, bytes(image))
            except CallError as error:
                assert error.errno == 22, error
        assert text_of(c.classify(session, sound)).endswith('% six')


def no_model(address):
    """Tasks without a model are not there; those with one are."""
    with Connection(address) as c:
        session = c.create_session()
        image = (DIGITS / 'images' / 'one.png').read_bytes()
        for number in (4, 5, 6, 7):
            fails(13, 95, None, c.genop, session, [op(number), (image, BUFFER)], [(bytes(64), UCHAR_ARRAY)])


def tasks(address):
    """Detection, segmentation, pose and depth with the models of make-vision, whose answers can be worked out."""

    def ask(number, image, size=512):
        out = c.genop(session, [op(number), (image, BUFFER)], [(bytes(size), UCHAR_ARRAY)])
        assert [len(content) for content, _, _ in out] == [size], out
        return text_of(out[0][0])

    with Connection(address) as c:
        session = c.create_session()
        white = png(64, 32, lambda x, y: 255)
        found = ask(4, white)
        assert found == '90.000% spoon 0 0 32 16\n80.000% cup 16 16 64 32', found
        assert ask(4, white, 8) == '90.000%'
        half = png(16, 16, lambda x, y: 0 if (x, y) == (12, 2) else 255 if (x, y) == (3, 10) else 50 if x > 7 else 200)
        assert ask(5, half).split('\n')[0].endswith('% light'), ask(5, half)
        assert ask(6, half) == '100.000% brightest 4 11\n100.000% darkest 13 3', ask(6, half)
        assert ask(7, half).startswith('least 0.0 at 13 3, most 10.0 at 4 11'), ask(7, half)
        fails(13, 95, None, c.classify, session, white)


def pixels_of(file):
    """Width, height and rows of colours of a PNG file of 8 bits and three colours, by the standard's own words."""
    import zlib
    assert file[:8] == b'\x89PNG\r\n\x1a\n', file[:16]
    position, data = 8, b''
    while True:
        size, kind = struct.unpack('>I4s', file[position:position + 8])
        content = file[position + 8:position + 8 + size]
        assert zlib.crc32(kind + content) == struct.unpack('>I', file[position + 8 + size:position + 12 + size])[0]
        position += 12 + size
        if kind == b'IHDR':
            width, height, depth, colours, *_ = struct.unpack('>IIBBBBB', content)
            assert (depth, colours) == (8, 2), (depth, colours)
        if kind == b'IDAT':
            data += content
        if kind == b'IEND':
            break
    # Nothing but NULs after the file.
    assert file[position:].strip(b'\0') == b''
    data, rows, above = zlib.decompress(data), [], bytes(3 * width)
    for y in range(height):
        how, line = data[y * (3 * width + 1)], bytearray(data[y * (3 * width + 1) + 1:(y + 1) * (3 * width + 1)])
        for i in range(len(line)):
            left = line[i - 3] if i >= 3 else 0
            corner = above[i - 3] if i >= 3 else 0
            guess = left + above[i] - corner
            nearest = min((left, above[i], corner), key=lambda value: abs(guess - value))
            line[i] = line[i] + [0, left, above[i], (left + above[i]) // 2, nearest][how] & 255
        rows.append([tuple(line[i:i + 3]) for i in range(0, len(line), 3)])
        above = bytes(line)
    return width, height, rows


def pictures(address):
    """Answers as pictures, where the guest's array begins with a media type."""

    def ask(number, image, size=100_000, mark=b'image/png\0'):
        out = c.genop(session, [op(number), (image, BUFFER)], [(mark.ljust(size, b'x'), UCHAR_ARRAY)])
        assert [len(content) for content, _, _ in out] == [size], out
        return out[0][0]

    with Connection(address) as c:
        session = c.create_session()
        white = png(64, 32, lambda x, y: 255)
        width, height, rows = pixels_of(ask(4, white))
        assert (width, height) == (64, 32)
        # A spoon, the second label, at 0 0 32 16, a cup, the first, at 16 16 64 32, each in the colour after its number.
        spoon, cup, nothing = (0, 128, 0), (128, 0, 0), (255, 255, 255)
        for x, y, colour in [(0, 0, spoon), (31, 15, spoon), (31, 8, spoon), (5, 5, nothing), (16, 16, cup), (63, 31, cup),
                             (40, 31, cup), (40, 20, nothing), (60, 5, nothing)]:
            assert rows[y][x] == colour, (x, y, rows[y][x])
        half = png(16, 16, lambda x, y: 0 if (x, y) == (12, 2) else 255 if (x, y) == (3, 10) else 50 if x > 7 else 200)
        assert text_of(ask(5, half, 512, b'')).split('\n')[0].endswith('% light')
        width, height, rows = pixels_of(ask(5, half))
        assert (width, height) == (16, 16)
        # Each pixel in the colour of its class; the parts of the image are of one class each.
        classes = {rows[y][x] for y in range(16) for x in range(16)}
        assert classes == {(0, 0, 0), (128, 0, 0)}, classes
        assert rows[5][2] != rows[5][12]
        width, height, rows = pixels_of(ask(6, half))
        # The brightest is at 4 11, the darkest at 13 3, as they are told in words.
        assert rows[11][4] == rows[10][4] == rows[11][5] == (128, 0, 0), rows[11]
        assert rows[3][13] == rows[3][12] == rows[4][13] == (0, 128, 0), rows[3]
        assert rows[8][8] == (50, 50, 50)
        width, height, rows = pixels_of(ask(7, half))
        assert rows[2][12] == (0, 0, 0) and rows[10][3] == (255, 255, 255)
        assert all(red == green == blue for row in rows for red, green, blue in row)
        # An array that is large enough, but for the picture; one that only begins like the mark.
        fails(13, 90, None, ask, 4, white, 60)
        assert text_of(ask(4, white, 512, b'image/png')) .startswith('90.000% spoon')
        # The largest that goes by the region: an array of a megabyte for a picture of few bytes.
        assert pixels_of(ask(4, white, 1 << 20))[:2] == (64, 32)


def pixels_of_zero():
    """The image of zero as the model wants it: the shades of held-out digits are what train-digits wrote."""
    return struct.pack('<64f', *[0.5] * 64)


def frameworks(address):
    """A guest's own ONNX model by the calls of all three frameworks."""
    content = (DIGITS / 'digits.onnx').read_bytes()
    image = pixels_of_zero()
    with Connection(address) as c:
        session = c.create_session()
        model = c.register(session, [('digits.onnx', content)])
        head = field(1, session) + field(2, model)

        c.model('TorchModelLoad', session, model)
        run = head + message(4, tensor(image, [1, 1, 8, 8], 7)) + field(5, 1)
        data, dims, kind = tensor_fields(every(c.call('TorchModelRun', run), 1)[0])
        assert (dims, kind, len(data)) == ([1, 10], 7, 40), (dims, kind)
        logits = struct.unpack('<10f', data)

        model = c.register(session, [('digits.onnx', content)])
        head = field(1, session) + field(2, model)
        c.model('TensorflowModelLoad', session, model)
        named = lambda i, o: head + message(4, field(1, i)) + message(5, field(1, o)) + message(6, tensor(image * 2, [2, 1, 8, 8], 1))
        data, dims, kind = tensor_fields(every(c.call('TensorflowModelRun', named('image', 'logits')), 1)[0])
        assert (dims, kind) == ([2, 10], 1) and struct.unpack('<20f', data) == logits * 2, data
        every(c.call('TensorflowModelRun', named('image:0', 'logits:0')), 1)
        fails(13, 22, None, c.call, 'TensorflowModelRun', named('picture', 'logits'))
        fails(13, 22, None, c.call, 'TensorflowModelRun', named('image', 'words'))
        c.model('TensorflowModelUnload', session, model)
        fails(13, 22, None, c.call, 'TensorflowModelRun', named('image', 'logits'))

        model = c.register(session, [('digits.onnx', content)])
        head = field(1, session) + field(2, model)
        c.model('TensorflowLiteModelLoad', session, model)
        lite = lambda t, count=1: head + message(3, t) + field(4, count)
        data, dims, kind = tensor_fields(every(c.call('TensorflowLiteModelRun', lite(tensor(image, [1, 1, 8, 8], 1))), 1)[0])
        assert (dims, kind) == ([1, 10], 1) and struct.unpack('<10f', data) == logits
        # Wrong shape, wrong type, more outputs than there are.
        fails(13, 22, None, c.call, 'TensorflowLiteModelRun', lite(tensor(image, [1, 1, 4, 16], 1)))
        fails(13, 22, None, c.call, 'TensorflowLiteModelRun', lite(tensor(image, [1, 1, 8, 8], 2)))
        fails(13, 22, None, c.call, 'TensorflowLiteModelRun', lite(tensor(image, [1, 1, 8, 8], 1), 2))
        c.model('TensorflowLiteModelUnload', session, model)


def offered(address):
    """One of the operator's models, by its name and no bytes; no other file of the host's."""
    with Connection(address) as c:
        session = c.create_session()
        for name, loads in (('digits', True), ('digits.onnx', True), ('other', False), ('../digits/digits', False)):
            try:
                model = c.register(session, [(name, b'')])
            except CallError as error:
                assert not loads, error
                continue
            if not loads:
                fails(13, 22, None, c.model, 'TorchModelLoad', session, model)
                continue
            c.model('TorchModelLoad', session, model)
            run = field(1, session) + field(2, model) + message(4, tensor(pixels_of_zero(), [1, 1, 8, 8], 7)) + field(5, 1)
            assert tensor_fields(every(c.call('TorchModelRun', run), 1)[0])[1] == [1, 10]


def hostile(address):
    """Models that are none, refer to files of the host's, or are damaged: an error each, and the agent goes on."""
    content = (DIGITS / 'digits.onnx').read_bytes()
    passwd = field(5, field(1, 3) + field(2, 2) + message(13, field(1, 'location') + field(2, '/etc/passwd')) + field(14, 1))
    outside = field(1, 8) + message(7, passwd)
    with Connection(address) as c:
        session = c.create_session()
        for data in (b'x', b'\0' * 1000, content[:5000], outside, content + message(7, passwd)):
            model = c.register(session, [('model.onnx', data)])
            fails(13, refusal(c, session, model), None, c.model, 'TorchModelLoad', session, model)
            c.unregister(session, model)
        model = c.register(session, [('a.onnx', content), ('b.onnx', content)])
        fails(13, 22, None, c.model, 'TorchModelLoad', session, model)
        chance = random.Random(3)
        image = tensor(pixels_of_zero(), [1, 1, 8, 8], 7)
        for _ in range(150):
            data = bytearray(content)
            for _ in range(3):
                place = chance.randrange(400)
                data[place if chance.random() < 0.5 else -1 - place] = chance.randrange(256)
            model = c.register(session, [('model.onnx', bytes(data))])
            try:
                c.model('TorchModelLoad', session, model)
                c.call('TorchModelRun', field(1, session) + field(2, model) + message(4, image) + field(5, 1))
            except CallError as error:
                assert error.errno, error
            c.unregister(session, model)
        model = c.register(session, [('model.onnx', content)])
        c.model('TorchModelLoad', session, model)


def exhausting(address):
    """A model without an end is ended by the deadline, one that wants too much memory fails; the next call is answered."""
    content = (DIGITS / 'digits.onnx').read_bytes()
    one = tensor(struct.pack('<f', 1), [1], 7)
    with Connection(address) as c:
        session = c.create_session()
        for name, errnos in (('endless', (110,)), ('vast', (5, 12))):
            model = c.register(session, [('model.onnx', (MODELS / 'hostile' / f'{name}.onnx').read_bytes())])
            c.model('TorchModelLoad', session, model)
            try:
                c.call('TorchModelRun', field(1, session) + field(2, model) + message(4, one) + field(5, 1))
            except CallError as error:
                assert error.errno in errnos, f'{name}: {error}'
            else:
                raise AssertionError(f'{name} was run')
            sound = c.register(session, [('model.onnx', content)])
            c.model('TorchModelLoad', session, sound)
            image = tensor(pixels_of_zero(), [1, 1, 8, 8], 7)
            c.call('TorchModelRun', field(1, session) + field(2, sound) + message(4, image) + field(5, 1))


def refusal(c, session, model):
    """EINVAL, or ENOEXEC where the library itself says that it is no model."""
    try:
        c.model('TorchModelLoad', session, model)
    except CallError as error:
        assert error.errno in (22, 8), error
        return error.errno
    raise AssertionError('the model was loaded')


def missing(address):
    """Without the library: ELIBBAD for all that needs it."""
    with Connection(address) as c:
        session = c.create_session()
        fails(13, 80, None, c.classify, session, (DIGITS / 'images' / 'one.png').read_bytes())
        model = c.register(session, [('m.onnx', (DIGITS / 'digits.onnx').read_bytes())])
        fails(13, 80, None, c.model, 'TorchModelLoad', session, model)


def upstream(address):
    """The answers of vaccel_standin.c."""
    with Connection(address) as c:
        session = c.create_session()
        assert text_of(c.classify(session, b'abc')) == '3 bytes'
        fails(13, 22, None, c.classify, session, b'')
        out = c.genop(session, [op(3), (b'abcd', BUFFER)], [(bytes(16), UCHAR_ARRAY), (bytes(16), UCHAR_ARRAY)])
        assert [text_of(content) for content, _, _ in out] == ['picture', '4 bytes'], out
        out = c.genop(session, [op(4), (b'abcd', BUFFER)], [(bytes(5), UCHAR_ARRAY)])
        assert out[0][0] == b'dete\0', out
        # The plug-in does not have it, the library does not.
        for number in (7, 5):
            fails(13, {7: 95, 5: 38}[number], None, c.genop, session, [op(number), (b'x', BUFFER)], [(bytes(5), UCHAR_ARRAY)])
        i64 = lambda value: (struct.pack('<q', value), INT64)
        f32 = lambda value: (struct.pack('<f', value), FLOAT32)
        a, b, old = (struct.pack('<4f', *numbers) for numbers in ((1, 2, 3, 4), (5, 6, 7, 8), (1, 1, 1, 1)))
        read = [op(17), i64(2), i64(2), i64(2), f32(2), (a, FLOAT32_ARRAY), i64(2), (b, FLOAT32_ARRAY), i64(2), f32(10), i64(2)]
        out = c.genop(session, read, [(old, FLOAT32_ARRAY)])
        assert struct.unpack('<4f', out[0][0]) == (48, 54, 96, 110), out
        out = c.genop(session, [op(20), (a, FLOAT32_ARRAY), (b, FLOAT32_ARRAY)], [(bytes(16), FLOAT32_ARRAY)] * 2)
        assert struct.unpack('<8f', out[0][0] + out[1][0]) == (6, 8, 10, 12, 5, 12, 21, 32), out
        model = c.register(session, [('../model.pt', b'model of a kind')])
        c.model('TorchModelLoad', session, model)
        data = struct.pack('<6f', *range(6))
        run = field(1, session) + field(2, model) + message(4, tensor(data, [2, 3], 7)) + field(5, 2)
        out = [tensor_fields(value) for value in every(c.call('TorchModelRun', run), 1)]
        assert out == [(struct.pack('<6f', *range(0, 12, 2)), [2, 3], 7)] * 2, out
        c.unregister(session, model)
        model = c.register(session, [('model.pt', b'something else')])
        fails(13, 8, None, c.model, 'TorchModelLoad', session, model)
        fails(13, 95, None, c.model, 'TensorflowModelLoad', session, model)


def upstream_crash(address):
    with Connection(address) as c:
        session = c.create_session()
        fails(13, 5, None, c.classify, session, b'crash')
        assert text_of(c.classify(session, b'abc')) == '3 bytes'


def upstream_missing(address):
    with Connection(address) as c:
        fails(13, 80, None, c.classify, c.create_session(), b'abc')


def upstream_noop(address):
    """The answers of upstream's noop plug-in."""
    with Connection(address) as c:
        session = c.create_session()
        assert text_of(c.classify(session, b'abc')) == 'This is a dummy classification tag!'
        for number in (4, 5, 6, 7):
            out = c.genop(session, [op(number), (b'abc', BUFFER)], [(bytes(40), UCHAR_ARRAY)])
            assert text_of(out[0][0]) == 'This is a dummy imgname!', out
        model = c.register(session, [('model.pt', b'a model')])
        c.model('TorchModelLoad', session, model)
        data = struct.pack('<6f', *range(6))
        run = field(1, session) + field(2, model) + message(4, tensor(data, [2, 3], 7)) + field(5, 1)
        assert [tensor_fields(value) for value in every(c.call('TorchModelRun', run), 1)] == [(data, [2, 3], 7)]


if __name__ == '__main__':
    globals()[sys.argv[1]](*sys.argv[2:])
