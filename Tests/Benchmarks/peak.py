#!/usr/bin/env python3
"""Prints the peak resident set of `run`, by time(1), the subjects taking turns.

usage: peak.py [--markdown] [--count N] [--filters DIRECTORY] NAME=RUNTIME:BUNDLE...

Not by this program's own wait: what a process has at its start counts, and a child of this one starts with all of it. The
directory has the filters that the first subject keeps: it is measured with them and, where they are removed before,
without. The ratios are of each to the second subject.
"""
import argparse
import os
import shutil
import subprocess
import tempfile

import measure


def peak(runtime, root, bundle, container, report):
    subprocess.run(
        ['time', '--quiet', '--format', '%M', '--output', report, runtime, '--root', root, 'run', '--bundle', bundle,
         container], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    with open(report) as file:
        return int(file.read())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--markdown', action='store_true')
    parser.add_argument('--count', type=int, default=10)
    parser.add_argument('--filters', default='/run/swiftlet-filters')
    parser.add_argument('subjects', nargs='+')
    options = parser.parse_args()

    subjects = []
    for number, text in enumerate(options.subjects):
        name, rest = text.split('=', 1)
        runtime, bundle = rest.split(':', 1)
        subjects.append((name, runtime, bundle, []))
        if number == 0:
            subjects.append((f'{name}, filter compiled', runtime, bundle, []))

    with tempfile.TemporaryDirectory(dir='/run') as directory:
        for turn in range(options.count + 1):
            for number, (_, runtime, bundle, peaks) in enumerate(subjects):
                if number == 1:
                    shutil.rmtree(options.filters, ignore_errors=True)
                found = peak(
                    runtime, f'{directory}/{number}', bundle, f'bench-{os.getpid()}-{turn}', f'{directory}/report')
                # The first turn keeps the filter.
                if turn > 0:
                    peaks.append(found)

    other = subjects[2][3] if len(subjects) > 2 else subjects[0][3]
    rows = [
        [name, f'{measure.median(peaks):.0f}', min(peaks), max(peaks),
         measure.ratio(measure.median(peaks), measure.median(other))]
        for name, _, _, peaks in subjects
    ]
    measure.print_table(
        f'peak resident set of run, KiB, {options.count} in turn', ['runtime', 'median', 'least', 'most', 'ratio'],
        rows, options.markdown)


if __name__ == '__main__':
    main()
