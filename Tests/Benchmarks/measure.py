"""What the benchmarks share: timing one program, medians, tables."""
import os
import statistics
import time

NULL_STREAMS = [(os.POSIX_SPAWN_OPEN, descriptor, '/dev/null', os.O_RDWR, 0) for descriptor in (0, 1, 2)]


def run(words):
    """Runs a program to its end; returns milliseconds and what the kernel counted for it."""
    began = time.perf_counter()
    pid = os.posix_spawn(words[0], words, os.environ, file_actions=NULL_STREAMS)
    _, status, usage = os.wait4(pid, 0)
    milliseconds = (time.perf_counter() - began) * 1000
    if status != 0:
        raise SystemExit(f'{" ".join(words)}: status {os.waitstatus_to_exitcode(status)}')
    return milliseconds, usage


def median(values):
    return statistics.median(values)


def tenth(values):
    """The value that nine tenths of the others are above: what the machine's other work disturbs least."""
    return sorted(values)[len(values) // 10]


def print_table(title, header, rows, markdown):
    rows = [[str(cell) for cell in row] for row in rows]
    if markdown:
        print(f'\n{title}\n')
        print('| ' + ' | '.join(header) + ' |')
        print('|' + '---|' * len(header))
        for row in rows:
            print('| ' + ' | '.join(row) + ' |')
        return
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
    print(f'\n{title}')
    for row in [header, *rows]:
        print('  ' + '  '.join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths))).rstrip())


def ratio(value, other):
    return f'{value / other:.2f}' if other else '-'
