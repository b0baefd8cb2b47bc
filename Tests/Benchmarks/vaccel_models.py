#!/usr/bin/env python3
"""Times models run by the vAccel agent beside the same library without an agent.

usage: vaccel_models.py [--markdown] [--count N] AGENT

Networks of well known shapes with constant weights (Hack/python models), one thread. By the agent: TorchModelRun over a
Unix socket, image sent and answer received. Bare: onnx_bare.c. Both take turns; medians, and the ratio of both.
"""
import argparse
import os
import pathlib
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time

root = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(root / 'Tests/Integration'))
from vaccel_client import *

NETWORKS = ('squeezenet', 'shufflenet', 'resnet50')
IMAGE = struct.pack('<f', 0.5) * (3 * 224 * 224)


class Bare:
    """The library alone."""

    def __init__(self, directory, library, model):
        program = os.path.join(directory, 'onnx_bare')
        sources = root / 'Sources/CLinux/Libraries'
        if not os.path.exists(program):
            files = [sources / name for name in ('loading.c', 'onnx.c', 'onnx_values.c')]
            subprocess.run(
                [shutil.which('clang') or 'cc', '-D_GNU_SOURCE', '-O2', f'-I{sources}/include', '-o', program,
                 root / 'Tests/Benchmarks/onnx_bare.c', *files, '-ldl'], check=True)
        self.process = subprocess.Popen([program, library, model], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def run(self):
        self.process.stdin.write(b'\n')
        self.process.stdin.flush()
        return int(self.process.stdout.readline()) / 1e6

    def end(self):
        self.process.stdin.close()
        self.process.wait()


class Agent:
    """An agent of its own, with one model loaded."""

    def __init__(self, program, directory, library, model):
        path = os.path.join(directory, 'agent.sock')
        self.process = subprocess.Popen(
            [program, '--address', f'unix://{path}', '--backend', 'onnx', '--library', f'onnx={library}'])
        deadline = time.monotonic() + 10
        while not os.path.exists(path):
            if time.monotonic() > deadline or self.process.poll() is not None:
                sys.exit('the agent does not listen')
            time.sleep(0.01)
        self.connection = Connection(f'unix://{path}', timeout=60)
        session = self.connection.create_session()
        number = self.connection.register(session, [('model.onnx', pathlib.Path(model).read_bytes())])
        self.connection.model('TorchModelLoad', session, number)
        self.call = field(1, session) + field(2, number) + message(4, tensor(IMAGE, [1, 3, 224, 224], 7)) + field(5, 1)

    def run(self):
        begin = time.perf_counter_ns()
        self.connection.call('TorchModelRun', self.call)
        return (time.perf_counter_ns() - begin) / 1e6

    def end(self):
        self.connection.close()
        self.process.terminate()
        self.process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--markdown', action='store_true')
    parser.add_argument('--count', type=int, default=50)
    parser.add_argument('agent')
    options = parser.parse_args()
    libraries = sorted((root / '.build-python/onnxruntime').glob('libonnxruntime.so.*'))
    models = root / '.build-python/models'
    if not libraries or not models.exists():
        sys.exit('no ONNX Runtime or models: run Hack/python runtime and Hack/python models')
    print('| network | by the agent, ms | bare, ms | ratio |\n|---|---|---|---|')
    for name in NETWORKS:
        model = models / f'light_{name}.onnx'
        with tempfile.TemporaryDirectory() as directory:
            runners = Agent(options.agent, directory, libraries[0], model), Bare(directory, libraries[0], model)
            times = [[], []]
            for turn in range(options.count + 2):
                for runner, found in zip(runners, times):
                    milliseconds = runner.run()
                    # The first ones warm up.
                    if turn > 1:
                        found.append(milliseconds)
            for runner in runners:
                runner.end()
        agent, bare = map(statistics.median, times)
        print(f'| {name} | {agent:.1f} | {bare:.1f} | {agent / bare:.2f} |')


if __name__ == '__main__':
    main()
