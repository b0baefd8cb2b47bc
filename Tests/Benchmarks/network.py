#!/usr/bin/env python3
"""Measures guests that are HTTP servers, on links of a network namespace of this program's own: call it in one.

usage: network.py [--markdown] [--count N] requests SWIFTLET GUESTS
       network.py [--markdown] [--count N] connect SWIFTLET GUESTS
       network.py [--markdown] [--count N] early SWIFTLET GUESTS
       network.py [--markdown] [--count N] density SWIFTLET GUESTS

requests: the spt guest http and the same server as an ordinary container of swiftlet's, at links of the same kind, in
turn under the load of wrk(1). connect: what a network device adds to `start`. early: a client that asks without a pause
from before `start` on, N guests in network namespaces of their own and in joined ones: how many starts made it wait.
density: N idle guests at one bridge, what they have resident beyond the guests' own memory, how fast they are made.
"""
import argparse
import json
import os
import re
import socket
import subprocess
import tempfile
import threading
import time
import urllib.request

import measure
import memory

MEMORY = 20 << 20
NAMESPACES = ['pid', 'network', 'ipc', 'uts', 'mount']


def ip(*words, pid=None):
    prefix = ['nsenter', '--net', '--target', str(pid), '--'] if pid else []
    subprocess.run([*prefix, 'ip', *words], check=True)


class Container:
    """A container with a network namespace of its own, which is connected between create and start."""

    def __init__(self, swiftlet, directory, name, program, arguments=(), joined=None):
        self.command, self.id = [swiftlet, '--root', f'{directory}/state'], f'bench-{os.getpid()}-{name}'
        self.bundle, self.pid, self.link = f'{directory}/{name}', joined, None
        os.makedirs(f'{self.bundle}/rootfs')
        os.link(program, f'{self.bundle}/rootfs/unikernel')
        with open(f'{self.bundle}/config.json', 'w') as file:
            json.dump({
                'ociVersion': '1.0.2',
                'process': {'user': {'uid': 0, 'gid': 0}, 'args': ['/unikernel', *arguments], 'cwd': '/'},
                'root': {'path': 'rootfs', 'readonly': True},
                'annotations': {} if program.endswith('.linux') else {'org.swiftlet.unikernel.type': 'mirage'},
                'linux': {'namespaces': [
                    {'type': kind, 'path': f'/proc/{joined}/ns/net'} if joined and kind == 'network' else {'type': kind}
                    for kind in NAMESPACES],
                          'resources': {'memory': {'limit': MEMORY}}},
            }, file)

    def create(self):
        measure.run([*self.command, 'create', '--bundle', self.bundle, '--pid-file', f'{self.bundle}/pid', self.id])
        with open(f'{self.bundle}/pid') as file:
            self.pid = int(file.read())

    def connect(self, link, address, *, gateway=None, bridge=None):
        ip('link', 'add', link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', str(self.pid))
        if bridge:
            ip('link', 'set', link, 'master', bridge)
        if gateway:
            ip('addr', 'add', gateway, 'dev', link)
        ip('link', 'set', link, 'up')
        ip('addr', 'add', address, 'dev', 'eth0', pid=self.pid)
        ip('link', 'set', 'eth0', 'up', pid=self.pid)
        self.address, self.link = address.split('/')[0], link

    def start(self):
        return measure.run([*self.command, 'start', self.id])[0]

    def wait_for_answer(self):
        deadline = time.monotonic() + 20
        while True:
            try:
                with urllib.request.urlopen(f'http://{self.address}:8080/', timeout=5) as answer:
                    return answer.read()
            except OSError:
                if time.monotonic() > deadline:
                    raise

    def delete(self):
        measure.run([*self.command, 'delete', '--force', self.id])
        # It goes with the container's namespace, which the kernel takes apart when it has time.
        if self.link:
            subprocess.run(['ip', 'link', 'delete', self.link], stderr=subprocess.DEVNULL, check=False)


def load(address, connections, seconds):
    """Requests a second, and how many milliseconds 99 of 100 took at most."""
    words = ['wrk', '-t1', f'-c{connections}', f'-d{seconds}s', '--latency', f'http://{address}:8080/']
    text = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    if 'Socket errors' in text or 'Non-2xx' in text:
        raise SystemExit(text)
    number, unit = re.search(r'99%\s+([\d.]+)(us|ms|s)', text).groups()
    return (float(re.search(r'Requests/sec:\s+([\d.]+)', text).group(1)),
            float(number) * {'us': 0.001, 'ms': 1, 's': 1000}[unit])


def requests(options, directory):
    subjects = [('spt guest', 'http.spt'), ('ordinary container', 'http.linux')]
    containers = []
    rows = []
    try:
        for number, (_, program) in enumerate(subjects):
            container = Container(options.swiftlet, directory, str(number), f'{directory}/{program}')
            container.create()
            containers.append(container)
            container.connect(f'bench{number}', f'10.90.{number}.2/24', gateway=f'10.90.{number}.1/24')
            container.start()
            container.wait_for_answer()
        for connections in (1, 16):
            figures = [[] for _ in subjects]
            for _ in range(options.count):
                for container, found in zip(containers, figures):
                    found.append(load(container.address, connections, 2))
            rates = [measure.median([rate for rate, _ in found]) for found in figures]
            for (name, _), found, rate in zip(subjects, figures, rates):
                rows.append([name, connections, f'{rate:.0f}', f'{measure.median([late for _, late in found]):.2f}',
                             measure.ratio(rate, rates[1])])
    finally:
        for container in containers:
            container.delete()
    measure.print_table(
        f'requests of an HTTP server, medians of {options.count} runs of 2 seconds in turn',
        ['server', 'connections', 'requests/s', 'p99 ms', 'ratio'], rows, options.markdown)


def connect(options, directory):
    times = {'a device and its interface': [], 'a device, no interface': [], 'no device': []}
    for turn in range(options.count + 3):
        for number, name in enumerate(times):
            program = 'sleep.spt' if number == 2 else 'http.spt'
            container = Container(options.swiftlet, directory, f'{turn}-{number}', f'{directory}/{program}')
            container.create()
            if number == 0:
                container.connect('bench0', '10.90.0.2/24')
            taken = container.start()
            if turn >= 3:
                times[name].append(taken)
            container.delete()
    none = measure.median(times['no device'])
    rows = [[name, f'{measure.median(found):.2f}', f'{measure.tenth(found):.2f}', f'{measure.median(found) - none:.2f}']
            for name, found in times.items()]
    measure.print_table(f'start of a guest, milliseconds, {options.count} in turn',
                        ['guest', 'median', '10 %', 'more'], rows, options.markdown)


class Client(threading.Thread):
    """Connects again and again, as a proxy does that was told of an address before anybody listens there."""

    def __init__(self, address):
        super().__init__()
        self.address, self.ended, self.longest, self.answers = address, threading.Event(), 0.0, 0

    def run(self):
        while not self.ended.is_set():
            began = time.monotonic()
            try:
                socket.create_connection((self.address, 8080), timeout=5).close()
                self.answers += 1
            except ConnectionRefusedError:
                pass
            self.longest = max(self.longest, time.monotonic() - began)
            time.sleep(0.0002)


def start_beside_client(container):
    """Starts it; returns the milliseconds of `start`, and the seconds that a client waited at most."""
    client = Client(container.address)
    client.start()
    time.sleep(0.02)
    taken = container.start()
    container.wait_for_answer()
    seen, deadline = client.answers, time.monotonic() + 10
    while client.answers == seen and time.monotonic() < deadline:
        time.sleep(0.005)
    client.ended.set()
    client.join()
    return taken, client.longest


def early(options, directory):
    places = {'a namespace of its own': [], 'a namespace that it joined': []}
    for turn in range(options.count):
        for number, (place, found) in enumerate(places.items()):
            holder = None
            if number == 1:
                holder = subprocess.Popen(['unshare', '--net', 'sleep', '600'])
                while os.readlink(f'/proc/{holder.pid}/ns/net') == os.readlink('/proc/self/ns/net'):
                    time.sleep(0.001)
            container = Container(
                options.swiftlet, directory, f'{turn}-{number}', f'{directory}/http.spt',
                joined=holder and holder.pid)
            # As faasd does, and as podman and Kubernetes do.
            if not holder:
                container.create()
            container.connect('bench0', '10.90.0.2/24', gateway='10.90.0.1/24')
            try:
                if holder:
                    container.create()
                found.append(start_beside_client(container))
            finally:
                container.delete()
                if holder:
                    holder.kill()
                    holder.wait()
    rows = [[place, sum(waited > 0.5 for _, waited in found), f'{max(waited for _, waited in found) * 1000:.0f}',
             f'{measure.median([taken for taken, _ in found]):.2f}'] for place, found in places.items()]
    measure.print_table(
        f'{options.count} starts of a guest in turn, beside a client that connects from before on',
        ['guest in', 'starts with a wait over 0.5 s', 'longest ms', 'start, median ms'], rows, options.markdown)


def is_alive(pid):
    try:
        with open(f'/proc/{pid}/stat') as file:
            return file.read().rsplit(')', 1)[1].split()[0] != 'Z'
    except FileNotFoundError:
        return False


def density(options, directory):
    ip('link', 'add', 'bench', 'type', 'bridge')
    ip('addr', 'add', '10.91.0.1/16', 'dev', 'bench')
    ip('link', 'set', 'bench', 'up')
    containers = []
    making = 0.0
    try:
        for number in range(options.count):
            began = time.monotonic()
            container = Container(options.swiftlet, directory, f'd{number}', f'{directory}/http.spt')
            container.create()
            containers.append(container)
            making += time.monotonic() - began
            container.connect(f'b{number}', f'10.91.{number // 250 + 1}.{number % 250 + 1}/16', bridge='bench')
            began = time.monotonic()
            container.start()
            making += time.monotonic() - began
        for container in containers:
            container.wait_for_answer()
        guest, rest = [], []
        for container in containers:
            found = [memory.resident(pid, MEMORY) for pid in [container.pid, *memory.children(container.pid)]]
            guest.append(sum(part[0]['Pss'] for part in found))
            rest.append(sum(part[1]['Pss'] for part in found))
    finally:
        began = time.monotonic()
        for container in containers:
            container.delete()
        deleting = time.monotonic() - began
    for container in containers:
        if is_alive(container.pid):
            raise SystemExit(f'process {container.pid} is left')
    if left := os.listdir(f'{directory}/state'):
        raise SystemExit(f'state is left: {left}')
    measure.print_table(
        f'{options.count} idle spt guests http, all of which answered; KiB of PSS each',
        ['guest memory', 'the rest', 'create and start, each second', 'delete, each second'],
        [[f'{measure.median(guest):.0f}', f'{measure.median(rest):.0f}', f'{options.count / making:.0f}',
          f'{options.count / deleting:.0f}']], options.markdown)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--markdown', action='store_true')
    parser.add_argument('--count', type=int, default=5)
    parser.add_argument('part', choices=['requests', 'connect', 'early', 'density'])
    parser.add_argument('swiftlet')
    parser.add_argument('guests')
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir='/run') as directory:
        os.mkdir(f'{directory}/state')
        # One file for all of them, as an image's layers are.
        for name in ('http.spt', 'http.linux', 'sleep.spt'):
            subprocess.run(['cp', f'{options.guests}/{name}', directory], check=True)
        globals()[options.part](options, directory)


if __name__ == '__main__':
    main()
