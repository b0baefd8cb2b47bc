#!/usr/bin/env python3
"""Runs the public suites on their owners and on swiftlet, and compares test by test; see Hack/conformance."""
import argparse
import concurrent.futures
import csv
import os
import re
import shutil
import subprocess
import sys
import tempfile

import suites

here = os.path.dirname(os.path.abspath(__file__))
NAMESPACES = ['unshare', '--mount', '--pid', '--net', '--fork', '--kill-child', '--mount-proc',
              '--propagation', 'private']


class Run:
    """One suite on one runtime: the verdict on each test, kept in a file as they come in."""

    def __init__(self, suite, runtime, options, scratch):
        self.suite, self.runtime, self.options, self.scratch = suite, runtime, options, scratch
        self.label = os.path.basename(runtime)
        self.directory = os.path.join(options.results, f'{suite.name}-{options.layout}', self.label)
        self.verdicts = {}

    def keep(self, test, verdict, output):
        self.verdicts[test] = verdict
        os.makedirs(self.directory, exist_ok=True)
        with open(os.path.join(self.directory, 'verdicts'), 'a') as file:
            csv.writer(file, delimiter='\t', lineterminator='\n').writerow([verdict, test.group, test.name])
        name = re.sub(r'[^\w.-]+', '-', f'{test.group}.{test.name}')[:120]
        with open(os.path.join(self.directory, name + '.log'), 'wb') as file:
            file.write(output)

    def remembered(self):
        """The verdicts of an earlier run with the same results directory; the last one of a test holds."""
        try:
            with open(os.path.join(self.directory, 'verdicts')) as file:
                return {suites.Test(group, name): verdict
                        for verdict, group, name in csv.reader(file, delimiter='\t')}
        except FileNotFoundError:
            return {}

    def one(self, test):
        command, environment, directory = self.suite.command(test, self.runtime, self.scratch)
        covers = [word for pair in self.suite.covers(self.scratch) for word in ('--cover', *pair)]
        limit = self.options.limit
        with tempfile.TemporaryFile() as output:
            sandbox = [f'{here}/sandbox.py', '--layout', self.options.layout, '--limit', str(limit)]
            process = subprocess.Popen(
                [*NAMESPACES, *sandbox, *covers, *command], cwd=directory, env={**os.environ, **environment},
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
            try:
                status = process.wait(limit + 30)
            except subprocess.TimeoutExpired:
                process.kill()
                status = process.wait()
            output.seek(0)
            text = output.read()
        if status == 124:
            text += f'\ndid not end in {limit:g} seconds\n'.encode()
            return 'fail', text
        return self.suite.verdict(text.decode(errors='replace'), status), text

    def all(self, tests, reuse):
        known = self.remembered() if reuse else {}
        groups = {test.group for test in tests if test in known}
        self.verdicts = {test: known[test] for test in known if test in tests or test.group in groups}
        missing = [test for test in tests if test not in known]
        self.suite.covers(self.scratch)
        with concurrent.futures.ThreadPoolExecutor(self.options.jobs) as pool:
            for test, (verdict, output) in zip(missing, pool.map(self.one, missing)):
                self.keep(test, verdict, output)
                print(f'{verdict}  {self.label}  {test}', flush=True)
                for part, word in self.suite.parts(test, output.decode(errors='replace')).items():
                    self.keep(part, word, b'')
                    print(f'{word}  {self.label}  {part}', flush=True)


def exceptions(suite):
    """Tests that are known not to pass with swiftlet, each with its reason."""
    found = {}
    with open(f'{here}/exceptions.tsv') as file:
        for row in csv.reader((line for line in file if not line.startswith('#')), delimiter='\t'):
            if row and row[0] == suite.name:
                found[suites.Test(row[1], row[2])] = row[3]
    return found


def report(suite, tests, owners, run, options):
    """Prints where the runtimes differ and how many tests pass; returns how many differences have no known reason."""
    known = exceptions(suite)
    # A part that was not come to has failed.
    parts = {test for each in [*owners, run] for test in each.verdicts if test not in tests}
    tests = sorted(parts, key=str) or tests
    for each in [*owners, run]:
        each.verdicts = {test: each.verdicts.get(test, 'fail') for test in tests}
    expected = [test for test in tests if any(owner.verdicts[test] == 'pass' for owner in owners)]
    missing = [test for test in expected if run.verdicts[test] != 'pass']
    labels = [owner.label for owner in owners] + [run.label]
    print(f'\n== {suite.name}, cgroups: {options.layout}')
    different = [test for test in tests if len({r.verdicts[test] for r in [*owners, run]}) > 1]
    if different:
        print('  '.join(f'{label:8}' for label in labels) + '  tests with different results')
    for test in different:
        words = [r.verdicts[test] for r in [*owners, run]]
        reason = f'  ({known[test]})' if test in missing and test in known else ''
        print('  '.join(f'{word:8}' for word in words) + f'  {test}{reason}')
    for each in [*owners, run]:
        counts = [list(each.verdicts.values()).count(word) for word in ('pass', 'fail', 'skip')]
        print(f'{each.label}: {counts[0]} passed, {counts[1]} failed, {counts[2]} skipped of {len(tests)}')
    share = 100 * (len(expected) - len(missing)) / len(expected) if expected else 100
    print(f'of {len(expected)} tests that {" or ".join(labels[:-1])} passes, {run.label} passes '
          f'{len(expected) - len(missing)}: {share:.1f} %')
    unknown = [test for test in missing if test not in known]
    for test in unknown:
        print(f'no reason is known: {test}')
    return unknown, missing, expected


def run_suite(kind, options, scratch):
    suite = kind()
    owners = options.owner or suite.owners
    found = [shutil.which(owner) for owner in owners]
    if None in found:
        raise suites.NotThere(f'{owners[found.index(None)]} is not installed')
    if kind is suites.Runc and not shutil.which('bats'):
        raise suites.NotThere('bats is not installed')
    tests = [test for test in suite.tests() if re.search(options.filter, str(test))]
    if not tests:
        raise suites.NotThere(f'no test matches {options.filter}')
    # crun refuses what many machines have: version 1 beside version 2 with controllers of its own.
    runs = [Run(suite, path, options, scratch) for path in found]
    for run in runs:
        run.all(tests, reuse=True)
    last = Run(suite, options.runtime, options, scratch)
    last.all(tests, reuse=options.keep)
    return report(suite, tests, runs, last, options)


def main():
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument('--suite', action='append')
    parser.add_argument('--layout', choices=['machine', 'v1', 'v2'], default='v1')
    parser.add_argument('--filter', default='')
    parser.add_argument('--jobs', type=int, default=1)
    parser.add_argument('--limit', type=float, default=60)
    parser.add_argument('--owner', action='append')
    parser.add_argument('--results')
    parser.add_argument('--keep', action='store_true')
    parser.add_argument('--runtime', required=True)
    options = parser.parse_args()
    options.runtime = shutil.which(options.runtime) or sys.exit(f'no runtime at {options.runtime}')
    options.runtime = os.path.abspath(options.runtime)
    passed = failed = skipped = 0
    with tempfile.TemporaryDirectory(prefix='conformance.') as scratch:
        os.chmod(scratch, 0o755)
        options.results = options.results or os.path.join(scratch, 'results')
        for kind in suites.ALL:
            if options.suite and kind.name not in options.suite:
                continue
            try:
                unknown, missing, expected = run_suite(kind, options, scratch)
                passed += len(expected) - len(missing)
                failed += len(unknown)
                skipped += len(missing) - len(unknown)
            except suites.NotThere as reason:
                print(f'skipped: {kind.name}: {reason}')
                skipped += 1
    print(f'{passed} passed, {failed} failed, {skipped} skipped')
    sys.exit(1 if failed else 0)


main()
