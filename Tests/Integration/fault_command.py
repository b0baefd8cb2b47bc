#!/usr/bin/env python3
"""Breaks one call after another of a command that is over when it returns, and looks at what it leaves in a directory.

usage: fault_command.py [--points N] [--seed N] [--errors NAME,...] [--same-output] [--figures] DIRECTORY PROGRAM ARGUMENTS...

Each run begins with DIRECTORY as it was. A run that failed has to say why on its last line, and one that succeeded has to have
done what a good run does, with --same-output also to have printed the same, and with --figures files that
end with a whole line, whatever figures of the moment are in them. Either leaves the directory as it was or as a
good run does, and nothing else. A command that was killed may leave files of its own there, which the next good run has to
get along with. Prints what went otherwise and ends with 1, or how much was tried; ends with 3 where processes cannot be
traced.
"""
import argparse
import errno
import os
import shutil
import sys

import fault_injection
from fault_injection import KILL, NEVER_FAILING, Traced

CANNOT_BE_LOADED = 127
# getrandom fails like that on no kernel.
UNLIKELY = {'x86_64': {318}, 'aarch64': {278}}.get(os.uname().machine, set())


def contents(directory, figures=False):
    """Names, kinds and bytes of all that is in a directory; of figures only how files end."""
    found = {}
    for path, directories, files in os.walk(directory):
        for name in [*directories, *files]:
            full = os.path.join(path, name)
            relative = os.path.relpath(full, directory)
            if os.path.islink(full):
                found[relative] = os.readlink(full)
            elif os.path.isdir(full):
                found[relative] = None
            else:
                with open(full, 'rb') as file:
                    found[relative] = file.read()[-1:] if figures else file.read()
    return found


class Commands:
    def __init__(self, options):
        self.options, self.problems = options, []
        self.original = f'{options.directory}.original'
        self.output = f'{options.directory}.output'
        shutil.copytree(options.directory, self.original, symlinks=True)
        self.before = contents(self.original, options.figures)

    def put_back(self):
        shutil.rmtree(self.options.directory)
        shutil.copytree(self.original, self.options.directory, symlinks=True)

    def run(self, point=None):
        """What there is to report of a run, and what it printed."""
        traced = Traced(self.options.words, self.output, None, point)
        report = traced.ended()
        traced.release()
        with open(self.output, encoding='utf-8', errors='replace') as output:
            return report, output.read()

    def points(self):
        report, self.printed = self.run()
        if not report:
            print('processes cannot be traced here')
            sys.exit(3)
        if report['status'] != 0:
            sys.exit(f'without a fault: {report["status"]}: {self.printed}')
        self.after = contents(self.options.directory, self.options.figures)
        points = []
        for process, calls in report['calls'].items():
            for index, call in enumerate(calls):
                points.append((int(process), index, KILL, call))
                if call not in NEVER_FAILING | UNLIKELY:
                    points += [(int(process), index, error, call) for error in self.options.errors]
        return points

    def break_at(self, process, index, fault, call):
        what = f'{"killed" if fault == KILL else errno.errorcode[fault]} at call {index} ({call}) of process {process}'
        self.put_back()
        report, text = self.run((process, index, fault))
        found, lines = contents(self.options.directory, self.options.figures), text.splitlines()
        if report is None:
            self.problems.append(f'{what}: did not end')
        elif report['hit'] in UNLIKELY:
            pass
        elif fault == KILL and report['status'] < 0:
            report, text = self.run()
            if report is None or report['status'] != 0:
                self.problems.append(f'{what}: the next run failed: {report and report["status"]}: {text}')
        elif report['status'] < 0:
            self.problems.append(f'{what}: ended by signal {-report["status"]}, and said: {text}')
        elif report['status'] == CANNOT_BE_LOADED and 'loading' in text:
            pass
        elif report['status'] > 0:
            if [number for number, line in enumerate(lines) if 'level=error' in line] != [len(lines) - 1]:
                self.problems.append(f'{what}: status {report["status"]}, and said: {text[-300:]!r}')
            # What it has to say about what it did comes last, and what could not be removed is named.
            excused = 'standard output' in lines[-1] or 'unlink' in lines[-1]
            unnamed = [name for name in self.difference(found, self.after) if name not in lines[-1]]
            if found != self.before and not (excused and not unnamed):
                self.problems.append(f'{what}: failed with {lines[-1:]} and left {self.difference(found, self.before)}')
        else:
            if found != self.after:
                self.problems.append(f'{what}: succeeded and left {self.difference(found, self.after)}')
            if self.options.same_output and text != self.printed:
                self.problems.append(f'{what}: succeeded and said {text[:300]!r}')

    @staticmethod
    def difference(found, expected):
        return sorted(name for name in {*found, *expected} if found.get(name, ...) != expected.get(name, ...))


def main():
    parser = fault_injection.parser_of_sweeps(__doc__)
    parser.add_argument('--same-output', action='store_true')
    parser.add_argument('--figures', action='store_true')
    parser.add_argument('directory')
    parser.add_argument('words', nargs=argparse.REMAINDER)
    options = parser.parse_args()
    fault_injection.prepare()
    commands = Commands(options)
    points = commands.points()
    chosen = fault_injection.chosen(points, options)
    for point in chosen:
        commands.break_at(*point)
    commands.put_back()
    shutil.rmtree(commands.original)
    print('\n'.join(commands.problems) or f'{len(chosen)} of {len(points)} points, nothing stays')
    sys.exit(1 if commands.problems else 0)


if __name__ == '__main__':
    main()
