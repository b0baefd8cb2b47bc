#!/usr/bin/env python3
"""Times the whole process of `RUNTIME --version`, the runtimes taking turns.

usage: startup.py [--markdown] [--count N] RUNTIME...

The first runtime is the one that the ratios are about: below 1 it is faster than the other.
"""
import argparse
import os
import subprocess
import tempfile

import measure


def system_calls(runtime):
    """How many system calls a run makes, without the execve that starts it; None without strace."""
    with tempfile.NamedTemporaryFile() as trace:
        try:
            subprocess.run(['strace', '-f', '-qq', '-e', 'signal=none', '-o', trace.name, runtime, '--version'],
                           check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        except FileNotFoundError:
            return None
        # A call that another thread's interrupts takes two lines.
        return sum(1 for line in open(trace.name, errors='replace') if '(' in line and 'resumed>' not in line) - 1


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--markdown', action='store_true')
    parser.add_argument('--count', type=int, default=100)
    parser.add_argument('runtimes', nargs='+')
    options = parser.parse_args()

    times = {runtime: [] for runtime in options.runtimes}
    usages = {}
    for turn in range(options.count + 3):
        for runtime in options.runtimes:
            milliseconds, usage = measure.run([runtime, '--version'])
            if turn >= 3:
                times[runtime].append(milliseconds)
                usages.setdefault(runtime, []).append(usage)

    first = measure.median(times[options.runtimes[0]])
    rows = []
    for runtime in options.runtimes:
        middle = measure.median(times[runtime])
        rows.append([
            os.path.basename(runtime), f'{middle:.2f}', f'{measure.tenth(times[runtime]):.2f}',
            measure.ratio(first, middle), system_calls(runtime),
            round(measure.median(usage.ru_minflt + usage.ru_majflt for usage in usages[runtime])),
        ])
    measure.print_table(
        f'--version, whole process, {options.count} runs in turn',
        ['runtime', 'median ms', '10 % ms', 'ratio', 'system calls', 'page faults'], rows, options.markdown)


if __name__ == '__main__':
    main()
