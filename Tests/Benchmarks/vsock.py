#!/usr/bin/env python3
"""Times streams between a Linux guest and its host by virtio sockets: swiftlet's device and vhost-device-vsock in turn.

usage: vsock.py [--markdown] [--count N] [--mib N] SWIFTLET GUEST

GUEST is a directory with what Hack/linux-guest makes. Both have the same guest, the same command line of QEMU's, and the
same program at the host's end (vsock_peer.c). swiftlet's device runs in a container, as always; the daemon by hand and
unconfined, with QEMU in a cgroup of their own. Without the daemon on PATH its row is left out.
"""
import argparse
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

import machine
import measure

PORT = 5000
PINGS = 5000
MEMORY_MIB = 384
LONGEST_SECONDS = 180
FIGURES = {'pingpong': 'us', 'send': 'MB/s', 'receive': 'MB/s'}


def build(directory):
    program = os.path.join(directory, 'vsock_peer')
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'vsock_peer.c')
    compiler = shutil.which('clang') or shutil.which('cc')
    subprocess.run([compiler, '-O2', '-Wall', '-Wextra', '-Werror', '-o', program, source], check=True)
    return program


def make_bundle(directory, guest, size):
    bundle = f'{directory}/bundle'
    os.makedirs(f'{bundle}/rootfs')
    for name in ('vmlinuz', 'initrd'):
        shutil.copy(f'{guest}/{name}', f'{bundle}/rootfs/{name}')
    words = ['/vmlinuz', 'vsock', 'pingpong', PORT, PINGS, 'vsock', 'send', PORT, size, 'vsock', 'receive', PORT, size, 'wait']
    kinds = ['pid', 'network', 'ipc', 'uts', 'mount']
    with open(f'{bundle}/config.json', 'w') as file:
        json.dump({
            'ociVersion': '1.0.2',
            'process': {'user': {'uid': 0, 'gid': 0}, 'args': [str(word) for word in words], 'cwd': '/'},
            'root': {'path': 'rootfs', 'readonly': True},
            'annotations': {'org.swiftlet.unikernel.' + name: value for name, value in {
                'type': 'linux', 'binary': '/vmlinuz', 'initrd': '/initrd', 'vsock': 'true'}.items()},
            'linux': {'namespaces': [{'type': kind} for kind in kinds],
                      'resources': {'memory': {'limit': MEMORY_MIB << 20}}},
        }, file)
    return bundle


@contextlib.contextmanager
def ended(process):
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def wait_for(what, patience, *processes):
    deadline = time.monotonic() + patience
    while not what():
        if time.monotonic() > deadline or any(process.poll() is not None for process in processes):
            return False
        time.sleep(0.05)
    return True


@contextlib.contextmanager
def share_of_processor():
    """A cgroup as a container has it, so that both have the same share of a busy machine; yields how to enter it."""
    parents = [place for place in ('/sys/fs/cgroup/cpu', '/sys/fs/cgroup/cpu,cpuacct', '/sys/fs/cgroup')
               if os.path.exists(f'{place}/cgroup.procs')]
    place = f'{parents[0]}/swiftlet-bench-{os.getpid()}'
    os.mkdir(place)

    def enter():
        with open(f'{place}/cgroup.procs', 'w') as file:
            file.write('0')
    try:
        yield enter
    finally:
        os.rmdir(place)


@contextlib.contextmanager
def peer(program, path):
    with ended(subprocess.Popen([program, path])) as process:
        if not wait_for(lambda: os.path.exists(path), 5, process):
            raise SystemExit(f'nobody listens at {path}')
        yield


def processor_milliseconds(pid):
    """What the threads of a process have run."""
    total = 0
    for thread in os.listdir(f'/proc/{pid}/task'):
        with open(f'/proc/{pid}/task/{thread}/schedstat') as file:
            total += int(file.read().split()[0])
    return total / 1e6


def figures(output, device):
    """What the guest has measured, and the device's processor time, once it waits."""
    def text():
        with open(output, errors='replace') as file:
            return file.read()
    begun = []

    def is_through():
        # What came before the first exchange is the boot.
        if not begun and 'linux ' in text():
            begun.append(processor_milliseconds(device()))
        return 'waiting' in text()
    if not wait_for(is_through, LONGEST_SECONDS):
        raise SystemExit(f'the guest is not through after {LONGEST_SECONDS} s; it said:\n{text()}')
    found = []
    for name, unit in FIGURES.items():
        match = re.search(rf'^{name} ([\d.]+) {unit}', text(), re.M)
        if not match:
            raise SystemExit(f'no {name}; the guest said:\n{text()}')
        found.append(float(match.group(1)))
    return [*found, processor_milliseconds(device()) - begun[0]]


def children(pid):
    with open(f'/proc/{pid}/task/{pid}/children') as file:
        return [int(word) for word in file.read().split()]


def device_of(pid):
    """The child of a container's process 1 that is not QEMU."""
    for child in children(pid):
        with open(f'/proc/{child}/comm') as file:
            if 'qemu' not in file.read():
                return child
    raise SystemExit('the container has no device')


def run_swiftlet(options, directory, bundle, program):
    call = [options.swiftlet, '--root', f'{directory}/state']
    output = f'{directory}/output'
    with open(output, 'wb') as file:
        subprocess.run([*call, 'create', '--bundle', bundle, '--pid-file', f'{directory}/pid', 'bench'], check=True,
                       stdin=subprocess.DEVNULL, stdout=file, stderr=file)
    try:
        with open(f'{directory}/state/bench/state.json') as file:
            sockets = json.load(file)['vsockDirectory']
        with open(f'{directory}/pid') as file:
            pid = int(file.read())
        with peer(program, f'{sockets}/vsock.sock_{PORT}'):
            subprocess.run([*call, 'start', 'bench'], check=True)
            return figures(output, lambda: device_of(pid))
    finally:
        subprocess.run([*call, 'delete', '--force', 'bench'], check=True)


def run_daemon(options, directory, bundle, program):
    plan = json.loads(subprocess.run([options.swiftlet, 'plan', '--bundle', bundle], check=True,
                                     capture_output=True).stdout)
    words = machine.by_hand(plan, f'{bundle}/rootfs/vmlinuz')
    words[words.index('-initrd') + 1] = f'{bundle}/rootfs/initrd'
    chardev = next(index for index, word in enumerate(words) if word.startswith('socket,id=vsock,'))
    with tempfile.TemporaryDirectory(dir='/run') as sockets, open(f'{directory}/output', 'wb') as file:
        words[chardev] = f'socket,id=vsock,path={sockets}/vhost'
        daemon = [options.daemon, '--guest-cid', '3', '--socket', f'{sockets}/vhost', '--uds-path', f'{sockets}/vsock.sock']
        with share_of_processor() as enter, \
                ended(subprocess.Popen(daemon, stdin=subprocess.DEVNULL, stdout=file, stderr=file,
                                       preexec_fn=enter)) as device, \
                peer(program, f'{sockets}/vsock.sock_{PORT}'):
            if not wait_for(lambda: os.path.exists(f'{sockets}/vhost'), 5, device):
                raise SystemExit(f'{options.daemon} does not listen')
            with ended(subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=file, stderr=file, preexec_fn=enter)):
                return figures(f'{directory}/output', lambda: device.pid)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--markdown', action='store_true')
    parser.add_argument('--count', type=int, default=5)
    parser.add_argument('--mib', type=int, default=256)
    parser.add_argument('swiftlet')
    parser.add_argument('guest')
    options = parser.parse_args()
    options.daemon = shutil.which('vhost-device-vsock')
    subjects = {'swiftlet': run_swiftlet}
    if options.daemon:
        subjects['vhost-device-vsock'] = run_daemon
    else:
        print('vhost-device-vsock is not on PATH: its row is left out', file=sys.stderr)
    found = {name: [] for name in subjects}
    with tempfile.TemporaryDirectory(dir='/run') as directory:
        os.mkdir(f'{directory}/state')
        program = build(directory)
        bundle = make_bundle(directory, options.guest, options.mib << 20)
        for _ in range(options.count):
            for name, run in subjects.items():
                found[name].append(run(options, directory, bundle, program))
    medians = {name: [measure.median(column) for column in zip(*rows)] for name, rows in found.items()}
    last = list(medians.values())[-1]
    rows = []
    for name, values in medians.items():
        row = [name]
        for value, other in zip(values, last):
            row += [f'{value:.0f}', measure.ratio(value, other)]
        rows.append(row)
    measure.print_table(
        f'a Linux guest and its host, {options.mib} MiB each way, {PINGS} messages of 64 bytes; medians of {options.count} in turn',
        ['device', 'round trip us', 'ratio', 'guest to host MB/s', 'ratio', 'host to guest MB/s', 'ratio',
         "device's processor ms", 'ratio'], rows, options.markdown)


if __name__ == '__main__':
    main()
