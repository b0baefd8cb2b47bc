#!/usr/bin/python3
"""Kills containerd, its shims or podman's monitors at random moments while containers come and go.

usage: kills.py containerd|shim|conmon RUNTIME IMAGE.tar... --count N [--seed S] [--cgroup PATH] [--directory DIR]

Each lifecycle is a container of one of the images, which have an HTTP server each: created, connected, started, asked,
ended. Somewhere in it the victim gets SIGKILL. Then the engine cleans up in its own way: containerd is started again,
`ctr task delete --force`, `podman rm --force`. Where the engine forgot about a container, as containerd does about a
shim that it was starting, an operator's way follows: the shim is ended, and the runtime is told `delete --force`. Prints
how many were hit, and of how many the engine forgot something; fails when anything is left after all that.

Run it where an engine may do what it likes (lab.bash).

CONTAINERD_MODULES   the directory where protoc put containerd_pb2.py
"""
import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time

import answers
import cni
import functions
import leftovers
import oci_image

PATIENCE = 60


def run(*words, **options):
    return subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE, **options)


def processes(program, word):
    """The processes of a program, as /proc names it, that have a word among their arguments."""
    found = []
    for process in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open(f'/proc/{process}/cmdline') as file:
                words = file.read().split('\0')
        except OSError:
            continue
        if os.path.basename(words[0]) == program and word in words:
            found.append(int(process))
    return found


class Killer(threading.Thread):
    """Waits for some time, and kills whom it is told by then."""

    def __init__(self, seconds, victims):
        super().__init__()
        self.seconds, self.victims, self.killed, self.over = seconds, victims, [], False
        self.start()

    def run(self):
        time.sleep(self.seconds)
        while not self.killed and not self.over:
            for victim in self.victims():
                try:
                    os.kill(victim, signal.SIGKILL)
                    self.killed.append(victim)
                except ProcessLookupError:
                    pass
            time.sleep(0.001)

    def end(self):
        """Whether somebody was killed."""
        self.over = True
        self.join()
        return bool(self.killed)


class WithContainerd:
    """A containerd of this process, which finds the runtime as `runc`."""
    directories = (functions.STATE, functions.TASKS)

    def __init__(self, options, directory):
        self.options, self.directory, self.network = options, directory, cni.Network()
        os.makedirs(f'{directory}/bin')
        os.symlink(options.runtime, f'{directory}/bin/runc')
        os.environ['PATH'] = f'{directory}/bin:{os.environ["PATH"]}'
        functions.write_host_files()
        self.begin()
        for image in options.images:
            done = run('ctr', '--namespace', functions.NAMESPACE, 'image', 'import', image)
            if done.returncode != 0:
                raise RuntimeError(done.stderr)

    def begin(self):
        with open(f'{self.directory}/containerd.log', 'a') as log:
            self.daemon = subprocess.Popen(['containerd', '--log-level', 'error'], stdin=subprocess.DEVNULL, stdout=log,
                                           stderr=log)
        deadline = time.monotonic() + PATIENCE
        while run('ctr', 'version').returncode != 0:
            if time.monotonic() > deadline:
                raise RuntimeError('containerd does not come back')
            time.sleep(0.02)

    def victims(self, name):
        if self.options.victim == 'containerd':
            return [self.daemon.pid]
        return self.shims(name)

    @staticmethod
    def shims(name):
        return processes('containerd-shim-runc-v2', name)

    def lifecycle(self, image, name):
        self.pid, self.namespace = None, None
        engine = functions.Containerd(oci_image.Image(image), self.options.cgroup, self.directory)
        try:
            self.pid = engine.create(name)
            self.namespace = os.readlink(f'/proc/{self.pid}/ns/net')
            address = self.network.add(name, self.pid)
            engine.start(name)
            answers.ask(address, limit=1)
            engine.kill(name, signal.SIGTERM)
            engine.wait(name)
            engine.delete(name)
        finally:
            engine.channel.close()

    def clean(self, name, was_hit):
        if self.options.victim == 'containerd' and was_hit:
            self.daemon.wait()
            self.begin()
        ctr = ['ctr', '--namespace', functions.NAMESPACE]
        run(*ctr, 'task', 'delete', '--force', name)
        run(*ctr, 'container', 'delete', name)
        run(*ctr, 'snapshot', 'remove', name)
        if self.pid:
            self.network.remove(name, self.pid)

    def clean_by_hand(self, name):
        for shim in self.shims(name):
            os.kill(shim, signal.SIGKILL)
        run(self.options.runtime, '--root', functions.STATE, 'delete', '--force', name)
        run('umount', f'{functions.TASKS}/{name}/rootfs')
        run('rm', '-rf', '--one-file-system', f'{functions.TASKS}/{name}')

    def end(self):
        self.daemon.terminate()
        self.daemon.wait()


class WithPodman:
    """podman, whose monitor of a container is conmon."""
    directories = ('/run/swiftlet', '/run/runc', '/run/crun')
    namespace = None

    def __init__(self, options, directory):
        self.options = options
        self.command = [
            'podman', '--root', f'{directory}/graph', '--runroot', '/run/podman', '--tmpdir', '/run/podman-tmp',
            '--storage-driver', 'vfs', '--cgroup-manager', 'cgroupfs', '--events-backend', 'file', '--runtime',
            options.runtime]
        for image in options.images:
            self.podman('load', '--quiet', '--input', image)

    def podman(self, *words, check=True):
        done = run(*self.command, *words)
        if check and done.returncode != 0:
            raise RuntimeError(f'podman {" ".join(words)}: {done.stderr}')
        return done

    def victims(self, name):
        return processes('conmon', name)

    def lifecycle(self, image, name):
        self.podman('run', '--detach', '--name', name, '--log-driver', 'k8s-file', '--memory', '64m', '--cgroup-parent',
                    self.options.cgroup, oci_image.Image(image).name)
        address = self.podman('inspect', '--format', '{{.NetworkSettings.IPAddress}}', name).stdout.strip()
        answers.ask(address, limit=1)
        self.podman('stop', '--time', '5', name)
        self.podman('rm', name)

    def clean(self, name, was_hit):
        # Of one that ends meanwhile podman says that it could not be stopped.
        for _ in range(3):
            done = self.podman('rm', '--force', '--time', '0', '--ignore', name, check=False)
            if done.returncode == 0:
                return
        raise RuntimeError(f'podman rm --force {name}: {done.stderr}')

    def clean_by_hand(self, name):
        for directory in filter(os.path.isdir, self.directories):
            for container in os.listdir(directory):
                run(self.options.runtime, 'delete', '--force', container)

    def end(self):
        pass


def lifecycles(engine, machine, options):
    """How many were hit, how many the engine forgot, and what is left of each, by its number."""
    moments, hit, forgotten, left = random.Random(options.seed), 0, 0, {}
    for number in range(options.count):
        name, image = f'victim{number}', options.images[number % len(options.images)]
        killer = Killer(moments.uniform(0, options.span), lambda: engine.victims(name))
        try:
            engine.lifecycle(image, name)
        except Exception as error:
            if options.verbose:
                print(f'{name} after {killer.seconds * 1000:.0f} ms: {error}', file=sys.stderr)
        was_hit = killer.end()
        hit += was_hit
        engine.clean(name, was_hit)
        if found := machine.left(namespace=engine.namespace, patience=1):
            forgotten += 1
            if options.verbose:
                print(name, *found, sep='\n  ', file=sys.stderr)
            engine.clean_by_hand(name)
        if found := machine.left(namespace=engine.namespace):
            machine.known.update(found)
            left[number] = [f'{os.path.basename(image)} after {killer.seconds * 1000:.0f} ms', *found]
    return hit, forgotten, left


def measured(engine, options):
    """How long a lifecycle takes when nobody is killed; the first one makes what stays, as bridges."""
    for number in range(2):
        began = time.perf_counter()
        engine.lifecycle(options.images[0], f'first{number}')
        seconds = time.perf_counter() - began
        engine.clean(f'first{number}', False)
    return seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('victim', choices=['containerd', 'shim', 'conmon'])
    parser.add_argument('runtime')
    parser.add_argument('images', nargs='+')
    parser.add_argument('--count', type=int, required=True)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--cgroup', default='/kills')
    parser.add_argument('--directory', default='/run')
    parser.add_argument('--verbose', action='store_true')
    options = parser.parse_args()

    directory = tempfile.mkdtemp(dir=options.directory)
    engine = (WithPodman if options.victim == 'conmon' else WithContainerd)(options, directory)
    options.span = measured(engine, options)
    # Without the rules of packets: of a namespace that has gone the plug-in bridge leaves some.
    machine = leftovers.Machine(options.cgroup, engine.directories, rules=False)
    hit, forgotten, left = lifecycles(engine, machine, options)
    engine.end()
    print(f'{options.count} lifecycles of {options.span * 1000:.0f} ms, seed {options.seed}: {options.victim} killed in '
          f'{hit}, of {forgotten} the engine forgot something, something is left of {len(left)}')
    for number, found in left.items():
        print(number, *found, sep='\n  ')
    # Who is never hit shows nothing.
    if left or hit < options.count // 4:
        sys.exit(1)


if __name__ == '__main__':
    main()
