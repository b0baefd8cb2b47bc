"""Measures what the vAccel agent adds to a computation. usage: vaccel_compute.py AGENT ONNXRUNTIME MODELS COUNT

AGENT is the executable, ONNXRUNTIME the library's directory, MODELS that of Hack/python models; COUNT runs of each, in
turn, medians. Products: bare cblas_sgemm of libopenblas.so.0 with one thread in this process, then the same by the agent
with its back-end cpu, arrays sent and received included. Models: TorchModelRun of networks of well known shapes, and the
same bytes to the back-end noop, which computes nothing.
"""
import array
import ctypes
import os
import pathlib
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / 'Integration'))
from vaccel_client import *

SIZES = (128, 256, 512, 1024)
NETWORKS = ('squeezenet', 'shufflenet', 'resnet50')


class Agent:
    """An agent of its own with one back-end, and a session at it."""

    def __init__(self, program, *options):
        self.directory = tempfile.TemporaryDirectory()
        path = f'{self.directory.name}/agent.sock'
        self.process = subprocess.Popen([program, '--address', f'unix://{path}', *options])
        deadline = time.monotonic() + 10
        while not os.path.exists(path):
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise RuntimeError('the agent does not listen')
            time.sleep(0.01)
        self.connection = Connection(f'unix://{path}', timeout=60)
        self.session = self.connection.create_session()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()
        self.process.terminate()
        self.process.wait()
        self.directory.cleanup()

    def prepared(self, method, payload):
        """A function that makes the call and returns the whole answer; nothing is parsed in it."""
        call = field(1, SYNC) + field(2, method) + field(3, payload)
        stream = self.connection.socket
        buffer = bytearray(64)
        number = [100001]

        def ask():
            nonlocal buffer
            number[0] += 2
            stream.sendall(struct.pack('>IIBB', len(call), number[0], 1, 0) + call)
            head = bytearray()
            while len(head) < 10:
                head += stream.recv(10 - len(head))
            size = struct.unpack('>I', head[:4])[0]
            if len(buffer) < size:
                buffer = bytearray(size)
            view, done = memoryview(buffer), 0
            while done < size:
                done += stream.recv_into(view[done:size])
            return view[:size]

        return ask


def median_of(count, *functions):
    """Medians in milliseconds; the functions take turns."""
    times = [[] for _ in functions]
    for function in functions:
        function()
    for _ in range(count):
        for function, found in zip(functions, times):
            start = time.perf_counter_ns()
            function()
            found.append((time.perf_counter_ns() - start) / 1e6)
    return [statistics.median(found) for found in times]


def products(program, count):
    blas = ctypes.CDLL('libopenblas.so.0')
    blas.openblas_set_num_threads(1)
    pointer, number, single = ctypes.c_void_p, ctypes.c_int, ctypes.c_float
    blas.cblas_sgemm.argtypes = [number] * 6 + [single, pointer, number, pointer, number, single, pointer, number]
    blas.cblas_sgemm.restype = None
    print('| n x n | bare, ms | by the agent, ms | ratio | bytes sent and received |')
    print('|---|---|---|---|---|')
    with Agent(program, '--backend', 'cpu') as agent:
        for n in SIZES:
            a, b = (array.array('f', [((i * k) % 7) - 3 for i in range(n * n)]) for k in (3, 5))
            c = array.array('f', bytes(4 * n * n))
            places = [x.buffer_info()[0] for x in (a, b, c)]

            def bare():
                blas.cblas_sgemm(101, 111, 111, n, n, n, 1, places[0], n, places[1], n, 0, places[2], n)

            i64 = lambda value: (struct.pack('<q', value), INT64)
            f32 = lambda value: (struct.pack('<f', value), FLOAT32)
            read = [(bytes([17]), UINT8), i64(n), i64(n), i64(n), f32(1), (a.tobytes(), FLOAT32_ARRAY), i64(n),
                    (b.tobytes(), FLOAT32_ARRAY), i64(n), f32(0), i64(n)]
            ask = agent.prepared('Genop', generic(agent.session, read, [(bytes(4 * n * n), FLOAT32_ARRAY)]))
            bare()
            assert c.tobytes() in bytes(ask()), 'the products differ'
            alone, asked = median_of(count, bare, ask)
            print(f'| {n} | {alone:.3f} | {asked:.3f} | {asked / alone:.2f} | {16 * n * n / 1e6:.1f} MB |')


def networks(program, library, models, count):
    print('| network | by the agent, ms | the same bytes to noop, ms |')
    print('|---|---|---|')
    image = tensor(array.array('f', [0.5]).tobytes() * (3 * 224 * 224), [1, 3, 224, 224], 7)
    with Agent(program, '--backend', 'onnx', '--library', f'onnx={library}') as agent, \
            Agent(program, '--backend', 'noop') as noop:
        for name in NETWORKS:
            content = (pathlib.Path(models) / f'light_{name}.onnx').read_bytes()
            calls = []
            for each in (agent, noop):
                model = each.connection.register(each.session, [('model.onnx', content)])
                each.connection.model('TorchModelLoad', each.session, model)
                run = field(1, each.session) + field(2, model) + message(4, image) + field(5, 1)
                calls.append(each.prepared('TorchModelRun', run))
            asked, nothing = median_of(max(3, count // 5), *calls)
            print(f'| {name} | {asked:.1f} | {nothing:.2f} |')


if __name__ == '__main__':
    products(sys.argv[1], int(sys.argv[4]))
    print()
    networks(*sys.argv[1:4], int(sys.argv[4]))
