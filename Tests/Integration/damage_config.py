#!/usr/bin/env python3
"""Runs containers whose config.json is damaged in one place each.

usage: damage_config.py [--verbose] [--points N] [--seed N] RUNTIME ROOT BUNDLE ID

Every value of BUNDLE/config.json is a place, and there are a score of damages; N of all pairs are tried, spread evenly
over the places and otherwise drawn by the seed. Each container is run and then deleted: run ends with status 0 or with a
refusal of one line, never by a signal and never by waiting; after the refusal nothing is left of it. What is wrong is
listed, and the status is 1 then.
"""
import argparse
import copy
import json
import os
import random
import subprocess
import sys

TWICE, REMOVED = object(), object()
DAMAGES = {
    'removed': REMOVED, 'twice': TWICE, 'null': None, 'true': True, 'false': False, 'zero': 0, 'one': 1, 'minus one': -1,
    'a fraction': 1.5, '63 bits': 2**63 - 1, '64 bits': 2**64 - 1, 'beyond integers': 1e300, 'an empty string': '',
    'a word': 'nonsense', 'a NUL': 'a\0b', 'lines': 'a\nb\r\x1b[31m', 'dots': '../../..', 'a long string': 'x' * 70000,
    'an empty array': [], 'an array': [None], 'strings': ['a', 'a'], 'objects': [{'a': 1}], 'an empty object': {},
    'an object': {'a': {'b': []}},
}
LIMIT = 20
# What a damaged cgroupsPath may call a cgroup.
CGROUPS = ['nonsense', 'x' * 255]
# Limits and filters that leave a program no way to run: the kernel ends it.
DEADLY = ['/process/rlimits', '/linux/resources/memory', '/linux/seccomp']


def places(value, path=()):
    """The keys that lead to every value, outer ones first."""
    if isinstance(value, dict):
        children = value.items()
    elif isinstance(value, list):
        children = enumerate(value)
    else:
        return
    for key, child in children:
        yield path + (key,)
        yield from places(child, path + (key,))


class Twice(dict):
    """An object whose writer repeats one member."""
    def __init__(self, members, key):
        super().__init__(members)
        self.key = key

    def items(self):
        return [*super().items(), (self.key, self[self.key])]


def damaged(document, path, damage):
    document = copy.deepcopy(document)
    holder, above = document, None
    for key in path[:-1]:
        holder, above = holder[key], (holder, key)
    key = path[-1]
    if damage is REMOVED:
        del holder[key]
    elif damage is TWICE and isinstance(holder, list):
        holder.insert(key, copy.deepcopy(holder[key]))
    elif damage is TWICE:
        twin = Twice(holder, key)
        if above is None:
            return twin
        above[0][above[1]] = twin
    else:
        holder[key] = damage
    return document


def pointer(path):
    return ''.join('/' + str(key).replace('~', '~0').replace('/', '~1') for key in path)


class Sweep:
    def __init__(self, options):
        self.options = options
        self.runtime = [options.runtime, '--root', options.root]
        self.refused = 0
        self.problems = []
        self.reasons = []

    def call(self, words):
        """Status and what went to standard error, which a container's own processes have not."""
        try:
            done = subprocess.run(
                [*self.runtime, '--log', f'{self.options.bundle}/log', *words], stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=LIMIT)
            return done.returncode, done.stderr.decode(errors='backslashreplace')
        except subprocess.TimeoutExpired:
            return None, f'did not end in {LIMIT} seconds'

    def left(self, container):
        """What there still is of a container."""
        found = []
        with open('/proc/self/mountinfo') as mounts:
            rootfs = f'{self.options.bundle}/rootfs'
            found += [f'mount {line.split()[4]}' for line in mounts if line.split()[4].startswith(rootfs)]
        for folder, names, _ in os.walk('/sys/fs/cgroup'):
            found += [f'cgroup {folder}/{name}' for name in names if self.options.id in name or name in CGROUPS]
        if os.path.exists(f'{self.options.root}/{container}'):
            found.append('state')
        return found

    def attempt(self, number, document, what):
        container = f'{self.options.id}-d{number}'
        with open(f'{self.options.bundle}/config.json', 'w') as file:
            json.dump(document, file)
        status, text = self.call(['run', '--bundle', self.options.bundle, container])
        problems = []
        ended = status is not None and status >= 128 and any(what.startswith(place) for place in DEADLY)
        if status not in (0, 1) and not ended:
            problems.append(f'run: status {status}: {text[:300]}')
        elif status == 1:
            self.refused += 1
            self.reasons.append(f'{what}: {text.strip()}')
            lines = text.splitlines()
            if len(lines) != 1 or len(text) > 5000:
                problems.append(f'run: a reason of {len(lines)} lines and {len(text)} characters: {text[:500]}')
        problems += self.left(container)
        if status is None or problems:
            self.call(['delete', '--force', container])
        for problem in problems:
            self.problems.append(f'{what}: {problem}')


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--points', type=int, default=200)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--verbose', action='store_true', help='list what the refusals say, too')
    for name in ('runtime', 'root', 'bundle', 'id'):
        parser.add_argument(name)
    options = parser.parse_args()
    with open(f'{options.bundle}/config.json') as file:
        document = json.load(file)

    sweep = Sweep(options)
    sweep.attempt('good', document, 'not damaged')
    if sweep.refused or sweep.problems:
        sys.exit('\n'.join(['the document is refused before it is damaged', *sweep.problems, *sweep.reasons]))
    chosen = random.Random(options.seed)
    pool = []
    while len(pool) < options.points:
        rounds = list(places(document))
        chosen.shuffle(rounds)
        pool += [(path, chosen.choice(list(DAMAGES))) for path in rounds]
    for number, (path, name) in enumerate(pool[:options.points]):
        sweep.attempt(number, damaged(document, path, DAMAGES[name]), f'{pointer(path)}: {name}')
    with open(f'{options.bundle}/config.json', 'w') as file:
        json.dump(document, file)
    print(f'{options.points} damaged documents: {sweep.refused} refused, {len(sweep.problems)} problems')
    for line in sweep.problems + (sweep.reasons if options.verbose else []):
        print(line)
    sys.exit(1 if sweep.problems else 0)


if __name__ == '__main__':
    main()
