#!/usr/bin/env python3
"""Times the vAccel agent beside a bare exchange of the same bytes, and weighs it.

usage: vaccel.py [--markdown] [--count N] AGENT

Ratios are the agent's median over the other's: 1 is as fast as can be. Both take turns in one process.
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
    """Medians and 99th percentiles: of the agent, of the other."""
    # As many threads for the library's own call as the agent's worker has.
    found = subprocess.run([program, path, str(count), *map(str, what)], capture_output=True, text=True,
                           env={**os.environ, 'OPENBLAS_NUM_THREADS': '1'})
    if found.returncode == 3:
        return None
    if found.returncode:
        sys.exit(found.stderr)
    return [tuple(map(float, line.split()[1:])) for line in found.stdout.splitlines()]


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
                ours, bare = calls(program, agent.path, count, 'image', size)
                rows.append((name, f'{ours[0]:.1f} us', f'{bare[0]:.1f} us', f'{ours[0] / bare[0]:.2f}'))
            rows.append(('private memory right after them', f'{private_kib(agent.process.pid)} KiB', '', ''))
            time.sleep(1)
            rows.append(('private memory, idle after them', f'{private_kib(agent.process.pid)} KiB', '', ''))
        with Agent(options.agent, directory, 'cpu') as agent:
            for size in (64, 128, 256, 512):
                found = calls(program, agent.path, options.count, 'sgemm', size)
                if found:
                    ours, bare = found
                    rows.append((f'SGEMM {size}, beside the library\'s call', f'{ours[0]:.0f} us', f'{bare[0]:.0f} us',
                                 f'{ours[0] / bare[0]:.2f}'))
    if options.markdown:
        print('| | agent | bare | ratio |\n|---|---|---|---|')
        for row in rows:
            print('| ' + ' | '.join(row) + ' |')
    else:
        for row in rows:
            print(f'{row[0]:48} {row[1]:>12} {row[2]:>12} {row[3]:>6}')


main()
