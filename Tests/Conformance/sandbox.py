#!/usr/bin/env python3
"""Runs one test of a suite where it can leave nothing behind, as process 1 of namespaces of its own.

usage: unshare --mount --pid --net --fork --kill-child --mount-proc --propagation private \\
           sandbox.py [--layout machine|v1|v2] [--limit SECONDS] [--cover FILE WITH]... COMMAND...

The command gets a private /run with TMPDIR in it, a controlling terminal, a loopback device and a /dev/null that it may spoil.
When it ends, or its time is over, what it left is thawed and killed, and the cgroups of these processes are removed.
Exits with the command's status, or with 124 when the time was over.

Layouts: what the machine has; its version 1 hierarchies without the unified one beside them, which crun refuses; or
version 2 alone, which has only the controllers that no version 1 hierarchy holds.
"""
import argparse
import contextlib
import fcntl
import glob
import os
import select
import signal
import subprocess
import sys
import termios
import time

CGROUPS = '/sys/fs/cgroup'
OVER = 124


def mount(*words):
    subprocess.run(['mount', *words], check=True)


def cgroup_mounts():
    """What is mounted: controllers ('' for version 2), where, and which part of the hierarchy."""
    with open('/proc/self/mountinfo') as file:
        for line in file:
            words, rest = line.split(' - ')
            kind, _, options = rest.split()
            root, place = words.split()[3:5]
            if kind == 'cgroup':
                yield options.split(','), place, root
            elif kind == 'cgroup2':
                yield [''], place, root


def lay_out_cgroups(layout):
    if layout == 'v2':
        subprocess.run(['umount', '--recursive', '--lazy', CGROUPS], check=True)
        mount('-t', 'cgroup2', 'none', CGROUPS)
    elif layout == 'v1':
        # A tmpfs of its own: crun makes plain directories where it believes the unified hierarchy to be.
        fresh = '/run/cgroups'
        os.mkdir(fresh)
        mount('-t', 'tmpfs', '-o', 'mode=755', 'tmpfs', fresh)
        for entry in os.scandir(CGROUPS):
            if entry.is_symlink():
                os.symlink(os.readlink(entry.path), f'{fresh}/{entry.name}')
        for controllers, place, _ in list(cgroup_mounts()):
            if controllers != [''] and os.path.dirname(place) == CGROUPS:
                os.mkdir(f'{fresh}/{os.path.basename(place)}')
                mount('--bind', place, f'{fresh}/{os.path.basename(place)}')
        subprocess.run(['umount', '--recursive', '--lazy', CGROUPS], check=True)
        mount('--move', fresh, CGROUPS)


def prepare(layout, covers):
    mount('-t', 'tmpfs', '-o', 'mode=755', 'tmpfs', '/run')
    lay_out_cgroups(layout)
    for directory in 'lock', 'user', 'netns', 't':
        os.mkdir('/run/' + directory)
    os.chmod('/run/t', 0o1777)
    # Some runtimes give the container's user what its standard streams are, and that would be the machine's device.
    os.mknod('/run/null', 0o20666, os.makedev(1, 3))
    os.chmod('/run/null', 0o666)
    mount('--bind', '/run/null', '/dev/null')
    for file, replacement in covers:
        mount('--bind', replacement, file)
    with contextlib.suppress(FileNotFoundError):
        subprocess.run(['ip', 'link', 'set', 'lo', 'up'], check=False)
    mount('--make-rshared', '/')


def start(command, terminal):
    pid = os.fork()
    if pid:
        return pid
    os.setsid()
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
    os.dup2(os.open('/dev/null', os.O_RDWR), 0)
    os.closerange(3, 1024)
    os.environ.update(TMPDIR='/run/t')
    try:
        os.execvp(command[0], command)
    except OSError as error:
        print(f'{command[0]}: {error.strerror}', file=sys.stderr)
        os._exit(127)


def wait(pid, master, limit):
    """Reaps whatever ends, as process 1 must, until the command has ended; returns its status."""
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            if select.select([master], [], [], 0.01)[0]:
                os.read(master, 65536)
        with contextlib.suppress(ChildProcessError):
            ended, status = os.waitpid(-1, os.WNOHANG)
            while ended:
                if ended == pid:
                    return os.waitstatus_to_exitcode(status) & 0xFF
                ended, status = os.waitpid(-1, os.WNOHANG)
    return OVER


def left_cgroups():
    """The directories of the cgroups in which other processes of this namespace are."""
    mounts = list(cgroup_mounts())
    own, found = set(), set()
    for file in glob.glob('/proc/[0-9]*/cgroup'):
        with contextlib.suppress(OSError), open(file) as lines:
            for line in lines:
                _, controllers, path = line.rstrip('\n').split(':', 2)
                names = controllers.split(',')
                for mounted, place, root in mounts:
                    if set(names) & set(mounted) and path.startswith(root):
                        directory = os.path.join(place, os.path.relpath(path, root))
                        (own if file == '/proc/1/cgroup' else found).add(os.path.normpath(directory))
    return found - own


def clean_up():
    cgroups = left_cgroups()
    # A frozen process cannot die, and this namespace cannot end before it.
    for directory in cgroups:
        for name, value in ('freezer.state', 'THAWED'), ('cgroup.freeze', '0'):
            with contextlib.suppress(OSError), open(f'{directory}/{name}', 'r+') as file:
                file.write(value)
    with contextlib.suppress(ProcessLookupError):
        os.kill(-1, signal.SIGKILL)
    deadline = time.monotonic() + 5
    with contextlib.suppress(ChildProcessError):
        while time.monotonic() < deadline:
            if not os.waitpid(-1, os.WNOHANG)[0]:
                time.sleep(0.01)
    for directory in sorted(cgroups, key=len, reverse=True):
        with contextlib.suppress(OSError):
            os.rmdir(directory)


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument('--layout', choices=['machine', 'v1', 'v2'], default='machine')
    parser.add_argument('--limit', type=float, default=60)
    parser.add_argument('--cover', nargs=2, action='append', default=[])
    parser.add_argument('command', nargs=argparse.REMAINDER)
    arguments = parser.parse_args()
    prepare(arguments.layout, arguments.cover)
    master, terminal = os.openpty()
    pid = start(arguments.command, terminal)
    os.close(terminal)
    status = wait(pid, master, arguments.limit)
    clean_up()
    sys.exit(status)


main()
