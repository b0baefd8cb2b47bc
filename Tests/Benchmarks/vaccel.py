#!/usr/bin/env python3
"""Times the vAccel agent beside a bare exchange of the same bytes, and weighs it.

usage: vaccel.py [--markdown] [--count N] AGENT

Ratios are the agent's median over the other's: 1 is as fast as can be. All take turns in one process. For products the
other is the library's own call ("bare") and a process that reads the same bytes, makes the same call and answers ("wire"),
which no call of another process can be faster than.
"""
import argparse
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../Integration'))
import vaccel_client
from measure import print_table


def build(directory):
    compiler = shutil.which('clang') or shutil.which('cc')
    program = os.path.join(directory, 'vaccel_calls')
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'vaccel_calls.c')
    subprocess.run([compiler, '-O2', '-Wall', '-Wextra', '-Werror', '-o', program, source, '-ldl'], check=True)
    return program


class Agent:
    def __init__(self, program, directory, backend):
        self.path = os.path.join(directory, backend + '.sock')
        self.process = subprocess.Popen(
            [program, '--address', 'unix://' + self.path, '--backend', backend, '--log-level', 'error'])
        while not os.path.exists(self.path):
            assert self.process.poll() is None
            time.sleep(0.001)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def cold(program, directory):
    """Milliseconds from the start of the agent, with a connection waiting already, to its first answer."""
    path = os.path.join(directory, 'cold.sock')
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    number = listener.fileno()
    connection = vaccel_client.Connection('unix://' + path)
    stream = connection.request('CreateSession', b'')
    begin = time.monotonic()
    process = subprocess.Popen(
        [program, '--backend', 'noop', '--listen-fd', str(number), '--log-level', 'error'], pass_fds=[number])
    connection.answer(stream)
    milliseconds = (time.monotonic() - begin) * 1000
    process.terminate()
    process.wait()
    connection.close()
    listener.close()
    os.unlink(path)
    return milliseconds


def private_kib(pid):
    with open(f'/proc/{pid}/smaps_rollup') as file:
        return sum(int(line.split()[1]) for line in file if line.startswith(('Private_Clean', 'Private_Dirty')))


def calls(program, path, count, *what):
    """Microseconds of the agent, of a process that only exchanges the bytes, of the library's own call: medians, and
    what processors ran for one call in all processes."""
    # As many threads for the library's own call as the agent's worker has.
    found = subprocess.run([program, path, str(count), *map(str, what)], capture_output=True, text=True,
                           env={**os.environ, 'OPENBLAS_NUM_THREADS': '1'})
    if found.returncode == 3:
        return None
    if found.returncode:
        sys.exit(found.stderr)
    times = [list(map(float, line.split()[1:])) for line in found.stdout.splitlines()]
    return [time[0] for time in times], [time[3] for time in times]


def product(program, path, size, count):
    """A row about products of size x size: what the agent takes longer, in hundredths of the library's own call."""
    found = calls(program, path, max(5, min(count, count * 512 // size)), 'sgemm', size)
    if not found:
        return None
    def more(times):
        ours, wire, bare = times
        return [f'{(ours - bare) / bare * 100:+.1f} %', f'{(ours - wire) / bare * 100:+.1f} %']
    medians, run = found
    return (size, *(f'{value:.0f} us' for value in medians), *more(medians), *(f'{value:.0f} us' for value in run), *more(run))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--markdown', action='store_true')
    parser.add_argument('--count', type=int, default=100)
    parser.add_argument('agent')
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as directory:
        program = build(directory)
        first = [cold(options.agent, directory) for _ in range(max(5, options.count // 5))]
        rows.append(('first answer after a cold connection, median', f'{statistics.median(first):.1f} ms', '', ''))
        with Agent(options.agent, directory, 'noop') as agent:
            time.sleep(1)
            rows.append(('private memory, idle before any call', f'{private_kib(agent.process.pid)} KiB', '', ''))
            for name, size, count in [('noop round trip, 3 bytes', 3, options.count * 100),
                                      ('noop round trip, 64 KiB', 65536, options.count * 10),
                                      ('noop round trip, 1 MB', 1_000_000, options.count * 2)]:
                (ours, bare), _ = calls(program, agent.path, count, 'image', size)
                rows.append((name, f'{ours:.1f} us', f'{bare:.1f} us', f'{ours / bare:.2f}'))
            rows.append(('private memory right after them', f'{private_kib(agent.process.pid)} KiB', '', ''))
            # What was used is kept for two seconds.
            time.sleep(3)
            rows.append(('private memory, idle after them', f'{private_kib(agent.process.pid)} KiB', '', ''))
        with Agent(options.agent, directory, 'cpu') as agent:
            products = [product(program, agent.path, size, options.count) for size in (64, 128, 256, 512, 1024, 2048)]
    print_table('', ('', 'agent', 'bare', 'ratio'), rows, options.markdown)
    print_table('products of N x N', ('N', 'agent', 'wire', 'bare', 'beside bare', 'beside the wire',
                                       'CPU: agent', 'wire', 'bare', 'beside bare', 'beside the wire'),
                [row for row in products if row], options.markdown)


main()
