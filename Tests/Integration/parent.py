#!/usr/bin/env python3
"""Creates and starts a container and waits for it, as the engines' shims do: as the parent its process gets.

usage: parent.py [options] RUNTIME ROOT BUNDLE ID

Prints one line of JSON: how the container's process ended (status as a shell has it, signal or null), how many seconds
after the signal that was, and what the container printed. Leaves the container to be deleted.
"""
import argparse
import ctypes
import json
import os
import subprocess
import sys
import time

PR_SET_CHILD_SUBREAPER = 36


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--kill', metavar='SIGNAL', help='send this signal through the runtime')
    parser.add_argument('--all', action='store_true', help='kill with --all')
    parser.add_argument('--direct', action='store_true', help='send the signal to the process itself')
    parser.add_argument('--after', metavar='TEXT', help='wait for this output before the signal')
    parser.add_argument('--between', metavar='COMMAND', help='of the shell, between create and start')
    parser.add_argument('--limit', type=float, default=30, help='give up after so many seconds')
    parser.add_argument('runtime')
    parser.add_argument('root')
    parser.add_argument('bundle')
    parser.add_argument('id')
    return parser.parse_args()


def main():
    options = read_arguments()
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    output_path, error_path, pid_path = (f'{options.bundle}/{name}' for name in ('output', 'error', 'pid'))
    output, error = open(output_path, 'wb'), open(error_path, 'wb')

    def call(*words, **streams):
        subprocess.run([options.runtime, '--root', options.root, *words], check=True, stdin=subprocess.DEVNULL,
                       timeout=options.limit, **streams)

    call('create', '--bundle', options.bundle, '--pid-file', pid_path, options.id, stdout=output, stderr=error)
    pid = int(open(pid_path).read())
    if options.between:
        subprocess.run(options.between, shell=True, check=True)
    call('start', options.id)
    deadline = time.monotonic() + options.limit
    if options.after is not None:
        while options.after.encode() not in open(output_path, 'rb').read():
            if time.monotonic() > deadline:
                sys.exit(f'no {options.after!r} in the output')
            time.sleep(0.005)
    signalled = time.monotonic()
    if options.kill and options.direct:
        os.kill(pid, int(options.kill))
    elif options.kill:
        call('kill', *(['--all'] if options.all else []), options.id, options.kill)
    while True:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found == pid:
            break
        if time.monotonic() > deadline:
            sys.exit('the process did not end')
        time.sleep(0.002)
    code = os.waitstatus_to_exitcode(status)
    print(json.dumps({
        'status': code if code >= 0 else 128 - code,
        'signal': None if code >= 0 else -code,
        'seconds': time.monotonic() - signalled,
        'output': open(output_path, 'rb').read().decode(errors='replace'),
        'error': open(error_path, 'rb').read().decode(errors='replace'),
    }))


if __name__ == '__main__':
    main()
