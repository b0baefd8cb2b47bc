#!/usr/bin/env python3
"""Times how long a guest under QEMU takes to its first byte of output, from `start` and by hand, in turn.

usage: machine.py [--markdown] [--count N] SWIFTLET BUNDLE KERNEL

BUNDLE holds the guest KERNEL, which prints something at once. Three ways take turns:

  swiftlet start    from the call of `start` to the first byte; `create` came before
  QEMU by hand      the same command line as swiftlet's, without the socket by which that controls QEMU
  a plain PC        QEMU with its own machine, firmware and default devices, as urunc's source calls it
"""
import argparse
import json
import os
import select
import subprocess
import tempfile
import time

import measure

LONGEST_SECONDS = 60


def first_byte(output):
    """Waits for the first byte that can be read from a pipe."""
    if not select.select([output], [], [], LONGEST_SECONDS)[0] or not os.read(output, 1):
        raise SystemExit('the guest printed nothing')
    return time.perf_counter()


def started(swiftlet, state, bundle, name):
    """Milliseconds from `start` to the first byte of a container that was created before."""
    call = [swiftlet, '--root', state]
    output, container = os.pipe()
    try:
        subprocess.run([*call, 'create', '--bundle', bundle, name], check=True, stdin=subprocess.DEVNULL,
                       stdout=container, stderr=container)
        os.close(container)
        began = time.perf_counter()
        start = subprocess.Popen([*call, 'start', name])
        ended = first_byte(output)
        if start.wait() != 0:
            raise SystemExit('start failed')
    finally:
        subprocess.run([*call, 'delete', '--force', name], check=True)
        os.close(output)
    return (ended - began) * 1000


def executed(words):
    """Milliseconds from the start of a program to its first byte."""
    output, program = os.pipe()
    began = time.perf_counter()
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=program, stderr=subprocess.DEVNULL)
    os.close(program)
    try:
        return (first_byte(output) - began) * 1000
    finally:
        process.kill()
        process.wait()
        os.close(output)


def by_hand(plan, kernel):
    """The arguments of a plan, without what needs a supervisor."""
    words, arguments = [], iter(plan['guest']['monitor']['arguments'])
    for word in arguments:
        if word == '-S':
            continue
        value = next(arguments, '') if word.startswith('-') and word not in (
            '-nodefaults', '-no-user-config', '-no-reboot') else None
        if value is not None and 'control' in value:
            continue
        words += [word] if value is None else [word, kernel if word == '-kernel' else value]
    return words


def plain(plan, kernel):
    """A PC as QEMU makes it without being told otherwise."""
    monitor = plan['guest']['monitor']
    accelerator = ['-cpu', 'host', '-enable-kvm'] if monitor['accelerator'] == 'kvm' else ['-accel', 'tcg', '-cpu', 'max']
    return [monitor['program'], '-m', f"{plan['guest']['memoryMiB']}M", '-L', '/usr/share/qemu', *accelerator,
            '-display', 'none', '-vga', 'none', '-monitor', 'null', '-serial', 'stdio', '-no-reboot',
            '-kernel', kernel, '-nic', 'none', '-append', plan['guest']['commandLine']]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--markdown', action='store_true')
    parser.add_argument('--count', type=int, default=50)
    parser.add_argument('swiftlet')
    parser.add_argument('bundle')
    parser.add_argument('kernel')
    options = parser.parse_args()

    plan = json.loads(subprocess.run([options.swiftlet, 'plan', '--bundle', options.bundle], check=True,
                                     capture_output=True).stdout)
    hand, pc = by_hand(plan, options.kernel), plain(plan, options.kernel)
    times = {'swiftlet start': [], 'QEMU by hand': [], 'a plain PC': []}
    with tempfile.TemporaryDirectory() as state:
        for turn in range(options.count + 2):
            taken = [started(options.swiftlet, state, options.bundle, f'bench-{turn}'), executed(hand), executed(pc)]
            if turn >= 2:
                for name, milliseconds in zip(times, taken):
                    times[name].append(milliseconds)

    first = measure.median(times['swiftlet start'])
    rows = [[name, f'{measure.median(taken):.2f}', f'{measure.tenth(taken):.2f}',
             measure.ratio(first, measure.median(taken))] for name, taken in times.items()]
    accelerator = plan['guest']['monitor']['accelerator']
    measure.print_table(
        f'to the first byte of a guest under QEMU ({accelerator}), {options.count} runs in turn',
        ['way', 'median ms', '10 % ms', 'ratio'], rows, options.markdown)


if __name__ == '__main__':
    main()
