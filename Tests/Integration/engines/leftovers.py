"""What containers leave: processes, namespaces, links, rules, mounts, cgroups, state."""
import glob
import os
import socket
import subprocess
import time

import functions


class Machine:
    """What is there besides functions, to tell what they leave."""

    def __init__(self, cgroup, directories=(functions.STATE, functions.TASKS), rules=True):
        self.cgroup, self.directories, self.rules = cgroup, directories, rules
        # What was left before and is not to be told again.
        self.known = set()
        self.before = self.now()

    def now(self):
        return {'link': {name for _, name in socket.if_nameindex()}, 'rule': rules() if self.rules else set(),
                'mount': mounts()}

    def left(self, name='', namespace=None, patience=5):
        """What is left of a function, or of all of them: nothing, after a moment."""
        deadline = time.monotonic() + patience
        while found := set(self.found(name, namespace)) - self.known:
            if time.monotonic() > deadline:
                return sorted(found)
            time.sleep(0.005)
        return []

    def found(self, name, namespace):
        for process in filter(str.isdigit, os.listdir('/proc')):
            try:
                if namespace and os.readlink(f'/proc/{process}/ns/net') == namespace:
                    yield f'process {process} in {namespace}'
                with open(f'/proc/{process}/cmdline') as file:
                    words = file.read().split('\0')
                if 'shim' in words[0] and (name in words if name else functions.NAMESPACE in words):
                    yield f'process {process}: {" ".join(words)}'
            except OSError:
                continue
        for directory in self.directories:
            if os.path.isdir(directory):
                yield from (f'{directory}/{entry}' for entry in os.listdir(directory) if not name or entry == name)
        yield from (f'cgroup {self.cgroup}/{entry}' for entry in self.cgroups() if not name or entry == name)
        if name:
            return
        for kind, things in self.now().items():
            yield from (f'{kind} {thing}' for thing in things - self.before[kind])

    def cgroups(self):
        found = set()
        for place in glob.glob(f'/sys/fs/cgroup/*{self.cgroup}'):
            # podman's monitors have one for themselves, which podman keeps.
            found |= {entry for entry in os.listdir(place) if entry != 'conmon' and os.path.isdir(f'{place}/{entry}')}
        return sorted(found)


def rules():
    text = subprocess.run(['iptables-save'], capture_output=True, text=True, check=True).stdout
    return {line for line in text.splitlines() if line.startswith('-A')}


def mounts():
    with open('/proc/self/mountinfo') as file:
        return {line.split()[4] for line in file}
