#!/usr/bin/python3
"""Does with functions what faasd does: create, CNI, start, pause, resume, CNI, kill --all, delete.

usage: faasd.py cycles SHIM|containerd IMAGE.tar --count N [--cgroup PATH] [--directory DIR]
       faasd.py scale SHIM|containerd IMAGE.tar --count N [--cgroup PATH] [--directory DIR]

  SHIM        the runtime, which is called as containerd's shim calls it; `containerd` for containerd itself
  cycles      N functions, one after the other, each of which answers after its start and after a pause
  scale       N replicas at the same time, which all answer, are paused, resumed, and go
  --cgroup    where their cgroups are

Run it where an engine may do what it likes (lab.bash). Fails when a function does not answer, ends with another status
than 143, or leaves anything: processes, namespaces, links, addresses, rules, mounts, cgroups, state.

CONTAINERD_MODULES   the directory where protoc put containerd_pb2.py
"""
import argparse
import concurrent.futures
import os
import statistics
import sys
import tempfile
import time

import answers
import cni
import functions
import leftovers
import oci_image

TERM = 15


def milliseconds(began):
    return (time.perf_counter() - began) * 1000


class Function:
    """One replica, from its creation to its end."""

    def __init__(self, engine, network, name):
        self.engine, self.network, self.name = engine, network, name
        self.answers = []

    def deploy(self):
        self.pid = self.engine.create(self.name)
        self.namespace = os.readlink(f'/proc/{self.pid}/ns/net')
        if self.namespace == os.readlink('/proc/self/ns/net'):
            raise RuntimeError(f'{self.name} has no network namespace of its own')
        self.address = self.network.add(self.name, self.pid)
        self.engine.start(self.name)
        self.answer()
        # faasd finds a function's address by its name and the process id of its creation.
        if self.network.addresses_of(self.name) != [self.address] or not functions.alive(self.pid):
            raise RuntimeError(f'{self.name} is not process {self.pid} at {self.address} any more')

    def answer(self, limit=20):
        self.answers.append(answers.ask(self.address, limit))

    def rest(self):
        self.engine.pause(self.name)
        try:
            answers.exchange(self.address, answer_patience=answers.PATIENCE)
        except TimeoutError:
            pass
        else:
            raise RuntimeError(f'{self.name} answers while it is paused')

    def wake(self):
        self.engine.resume(self.name)
        self.answer()

    def remove(self):
        self.network.remove(self.name, self.pid)
        self.engine.kill(self.name, TERM)
        status = self.engine.wait(self.name)
        self.engine.delete(self.name)
        if status != 128 + TERM:
            raise RuntimeError(f'{self.name} ended with {status}')
        if self.network.addresses_of(self.name):
            raise RuntimeError(f'{self.name} still has an address')


def cycles(engine, network, machine, count):
    times = []
    for number in range(count):
        began = time.perf_counter()
        function = Function(engine, network, f'fn{number}')
        for step in (function.deploy, function.rest, function.wake, function.remove):
            step()
        times.append(milliseconds(began))
        if left := machine.left(function.name, function.namespace):
            raise RuntimeError(f'{function.name} left: {left}')
        yield function
    print(f'{count} cycles, median {statistics.median(times):.0f} ms')


def scale(engine, network, _, count):
    replicas = [Function(engine, network, f'replica{number}') for number in range(count)]
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        for step in ('deploy', 'rest', 'wake', 'remove'):
            began = time.perf_counter()
            list(pool.map(lambda replica: getattr(replica, step)(), replicas))
            print(f'{step} of {count} at once: {milliseconds(began):.0f} ms')
    yield from replicas


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('what', choices=['cycles', 'scale'])
    parser.add_argument('way')
    parser.add_argument('image')
    parser.add_argument('--count', type=int, required=True)
    parser.add_argument('--cgroup', default='/openfaas-fn')
    parser.add_argument('--directory', default='/run')
    options = parser.parse_args()

    functions.write_host_files()
    image, network = oci_image.Image(options.image), cni.Network()
    directory = tempfile.mkdtemp(dir=options.directory)
    if options.way == 'containerd':
        engine = functions.Containerd(image, options.cgroup, directory)
    else:
        engine = functions.Shim(options.way, image, options.cgroup, directory)
    # The bridge and its rules stay once they were made.
    first = Function(engine, network, 'first')
    first.deploy()
    first.remove()
    machine = leftovers.Machine(options.cgroup)
    found = [answer for function in globals()[options.what](engine, network, machine, options.count)
             for answer in function.answers]
    if left := machine.left():
        sys.exit(f'left: {left}')
    unanswered = sum(answer.unanswered for answer in found)
    print(f'{len(found)} answers, {unanswered} connections that nobody answered within '
          f'{answers.PATIENCE * 1000:.0f} ms')


if __name__ == '__main__':
    main()
