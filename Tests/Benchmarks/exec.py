#!/usr/bin/env python3
"""Times exec of `true` in a container that runs, the subjects taking turns, each with a container of its own.

usage: exec.py [--markdown] [--count N] NAME=RUNTIME:BUNDLE...

The ratios are of the first subject to each of the others.
"""
import argparse
import os
import tempfile

import measure


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--markdown', action='store_true')
    parser.add_argument('--count', type=int, default=100)
    parser.add_argument('subjects', nargs='+')
    options = parser.parse_args()

    with tempfile.TemporaryDirectory(dir='/run') as directory:
        subjects = []
        for number, text in enumerate(options.subjects):
            name, rest = text.split('=', 1)
            runtime, bundle = rest.split(':', 1)
            command = [runtime, '--root', f'{directory}/{number}']
            subjects.append((name, command, f'bench-{os.getpid()}-{number}', []))
            measure.run([*command, 'run', '--detach', '--bundle', bundle, subjects[-1][2]])
        try:
            for turn in range(options.count + 3):
                for _, command, container, times in subjects:
                    time, _ = measure.run([*command, 'exec', container, '/bin/true'])
                    if turn >= 3:
                        times.append(time)
        finally:
            for _, command, container, _ in subjects:
                measure.run([*command, 'delete', '--force', container])

    first = measure.median(subjects[0][3])
    rows = [
        [name, f'{measure.median(times):.2f}', f'{measure.tenth(times):.2f}',
         measure.ratio(first, measure.median(times))]
        for name, _, _, times in subjects
    ]
    measure.print_table(
        f'exec of true, milliseconds, {options.count} in turn', ['runtime', 'median', '10 %', 'ratio'], rows,
        options.markdown)


if __name__ == '__main__':
    main()
