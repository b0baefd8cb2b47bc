#!/usr/bin/env python3
"""Prints what the processes of a running guest's container have resident, apart from the guest's own memory.

usage: memory.py [--markdown] PID GUEST_BYTES

PID is the container's process; what it started belongs to it. Guest memory is what is mapped below GUEST_BYTES, where
an spt guest lives.
"""
import argparse

import measure

FIELDS = ['Rss', 'Pss', 'Private_Dirty']


def children(pid):
    found = []
    with open(f'/proc/{pid}/task/{pid}/children') as file:
        for child in file.read().split():
            found += [int(child), *children(int(child))]
    return found


def resident(pid, guest_bytes):
    """KiB of each field, of the guest's memory and of the rest."""
    guest, rest = dict.fromkeys(FIELDS, 0), dict.fromkeys(FIELDS, 0)
    into = rest
    with open(f'/proc/{pid}/smaps') as file:
        for line in file:
            word = line.split()[0]
            if not word.endswith(':'):
                into = guest if int(word.split('-')[0], 16) < guest_bytes else rest
            elif word[:-1] in FIELDS:
                into[word[:-1]] += int(line.split()[1])
    return guest, rest


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--markdown', action='store_true')
    parser.add_argument('pid', type=int)
    parser.add_argument('guest_bytes', type=int)
    options = parser.parse_args()

    rows = []
    total = dict.fromkeys(FIELDS, 0)
    for index, pid in enumerate([options.pid, *children(options.pid)]):
        guest, rest = resident(pid, options.guest_bytes)
        name = 'supervisor' if index == 0 else 'tender'
        rows.append([name, *(rest[field] for field in FIELDS)])
        if sum(guest.values()) > 0:
            rows.append(['guest memory', *(guest[field] for field in FIELDS)])
        for field in FIELDS:
            total[field] += rest[field]
    rows.append(['without guest memory', *(total[field] for field in FIELDS)])
    measure.print_table(
        f'memory of a sleeping spt guest of {options.guest_bytes >> 20} MiB, KiB',
        ['process', *FIELDS], rows, options.markdown)


if __name__ == '__main__':
    main()
