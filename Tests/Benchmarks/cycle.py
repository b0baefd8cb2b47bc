#!/usr/bin/env python3
"""Times create, start, the container's own run and delete, the subjects taking turns.

usage: cycle.py [--markdown] [--count N] NAME=RUNTIME:BUNDLE...

The parent of the container's process is this program, as a shim is: it waits for the process itself. The ratios are of
the first subject to each of the others, for the whole cycle.
"""
import argparse
import ctypes
import os
import tempfile
import time

import measure

PR_SET_CHILD_SUBREAPER = 36
PHASES = ['create', 'start', 'wait', 'delete', 'cycle']


class Subject:
    def __init__(self, text, directory):
        self.name, rest = text.split('=', 1)
        self.runtime, self.bundle = rest.split(':', 1)
        self.root = f'{directory}/{self.name.replace(" ", "-")}'
        self.times = {phase: [] for phase in PHASES}

    def cycle(self, number, counts):
        container = f'bench-{os.getpid()}-{number}'
        pid_file = f'{self.root}.pid'
        command = [self.runtime, '--root', self.root]
        began = time.perf_counter()
        create, _ = measure.run([*command, 'create', '--bundle', self.bundle, '--pid-file', pid_file, container])
        with open(pid_file) as file:
            pid = int(file.read())
        start, _ = measure.run([*command, 'start', container])
        waiting = time.perf_counter()
        _, status = os.waitpid(pid, 0)
        wait = (time.perf_counter() - waiting) * 1000
        if status != 0:
            raise SystemExit(f'{self.name}: the container ended with {os.waitstatus_to_exitcode(status)}')
        delete, _ = measure.run([*command, 'delete', container])
        whole = (time.perf_counter() - began) * 1000
        if counts:
            for phase, value in zip(PHASES, (create, start, wait, delete, whole)):
                self.times[phase].append(value)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--markdown', action='store_true')
    parser.add_argument('--count', type=int, default=100)
    parser.add_argument('subjects', nargs='+')
    options = parser.parse_args()
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

    with tempfile.TemporaryDirectory(dir='/run') as directory:
        subjects = [Subject(text, directory) for text in options.subjects]
        for turn in range(options.count + 3):
            for subject in subjects:
                subject.cycle(turn, counts=turn >= 3)

    first = measure.median(subjects[0].times['cycle'])
    rows = [
        [subject.name, *(f'{measure.median(subject.times[phase]):.2f}' for phase in PHASES),
         f'{measure.tenth(subject.times["cycle"]):.2f}', measure.ratio(first, measure.median(subject.times['cycle']))]
        for subject in subjects
    ]
    measure.print_table(
        f'one container from create to delete, milliseconds, medians of {options.count} in turn',
        ['container', *PHASES, 'cycle 10 %', 'ratio'], rows, options.markdown)


if __name__ == '__main__':
    main()
