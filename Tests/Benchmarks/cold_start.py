#!/usr/bin/python3
"""Times functions as faasd makes them, by containerd and CNI's plug-ins, from deploying to the first answer of HTTP.

usage: cold_start.py [--markdown] [--count N] DIRECTORY NAME=RUNTIME:IMAGE.tar...

Call it in namespaces of its own (mount, network, processes) with an empty /run; DIRECTORY is a place for files on which
overlayfs works. Each NAME is an image under a runtime, which containerd's shim finds as `runc` in its PATH. They take
turns in an order that changes; the ratios are the first one's.

The time runs from the first call for the snapshot to the last byte of the status line, over: container and task created,
CNI's plug-ins loopback, bridge and firewall, task started, connections tried anew every half of a millisecond. From a
pause it runs from the call that resumes the task.
"""
import argparse
import glob
import os
import random
import subprocess
import sys
import time

import measure

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../Integration/engines'))
import answers  # noqa: E402
import cni  # noqa: E402
import functions  # noqa: E402
import oci_image  # noqa: E402

PHASES = ['create', 'network', 'start', 'answer', 'deploy to answer', 'unpause to answer']
TERM = 15
CGROUP = '/swiftlet-bench'


class Daemon:
    """A containerd whose shims find as `runc` what was named last."""

    def __init__(self, directory):
        self.link = f'{directory}/bin/runc'
        os.makedirs(os.path.dirname(self.link))
        os.environ['PATH'] = f'{os.path.dirname(self.link)}:{os.environ["PATH"]}'
        # Shims say what they load.
        with open(f'{directory}/log', 'w') as log:
            self.process = subprocess.Popen(
                ['containerd', '--root', f'{directory}/containerd', '--log-level', 'error'], stdin=subprocess.DEVNULL,
                stdout=log, stderr=log)
        deadline = time.monotonic() + 20
        while subprocess.run(['ctr', 'version'], capture_output=True).returncode != 0:
            if time.monotonic() > deadline:
                with open(f'{directory}/log') as log:
                    raise SystemExit(f'containerd does not answer: {log.read()}')
            time.sleep(0.05)

    def takes(self, runtime):
        os.symlink(runtime, f'{self.link}.new')
        os.rename(f'{self.link}.new', self.link)

    def imports(self, archive):
        subprocess.run(['ctr', '--namespace', functions.NAMESPACE, 'image', 'import', archive], check=True,
                       stdout=subprocess.DEVNULL)

    def end(self):
        self.process.terminate()
        self.process.wait()
        for directory in glob.glob(f'/sys/fs/cgroup/*{CGROUP}'):
            os.rmdir(directory)


class Subject:
    """An image under a runtime, and how long each phase took."""

    def __init__(self, text, daemon, directory):
        self.name, _, rest = text.partition('=')
        self.runtime, _, archive = rest.partition(':')
        daemon.imports(archive)
        self.daemon = daemon
        self.engine = functions.Containerd(oci_image.Image(archive), CGROUP, directory)
        self.times = {phase: [] for phase in PHASES}
        self.unanswered = self.refused = 0

    def turn(self, network, function, counts):
        self.daemon.takes(self.runtime)
        moments = [time.perf_counter()]

        def done(value):
            moments.append(time.perf_counter())
            return value

        pid = done(self.engine.create(function))
        address = done(network.add(function, pid))
        done(self.engine.start(function))
        first = done(answers.ask(address))
        self.engine.pause(function)
        resumed = time.perf_counter()
        self.engine.resume(function)
        second = answers.ask(address)
        woken = time.perf_counter() - resumed
        network.remove(function, pid)
        self.engine.kill(function, TERM)
        self.engine.wait(function)
        self.engine.delete(function)
        if counts:
            phases = [after - before for before, after in zip(moments, moments[1:])]
            for phase, seconds in zip(PHASES, [*phases, moments[-1] - moments[0], woken], strict=True):
                self.times[phase].append(seconds * 1000)
            self.refused += first.refused + second.refused
            self.unanswered += first.unanswered + second.unanswered


def print_times(subjects, count, markdown):
    deploy, wake = PHASES[-2:]
    rows = []
    for subject in subjects:
        medians = {phase: measure.median(values) for phase, values in subject.times.items()}
        first = {phase: measure.median(values) for phase, values in subjects[0].times.items()}
        rows.append([
            subject.name, *(f'{medians[phase]:.1f}' for phase in PHASES[:-1]),
            f'{measure.tenth(subject.times[deploy]):.1f}', measure.ratio(first[deploy], medians[deploy]),
            f'{medians[wake]:.1f}', measure.ratio(first[wake], medians[wake])])
    measure.print_table(
        f'functions by containerd and CNI, milliseconds, medians of {count} in turn',
        ['function', *PHASES[:-1], '10 %', 'ratio', wake, 'ratio'], rows, markdown)
    for subject in subjects:
        print(f'{subject.name}: {subject.refused} connections refused, {subject.unanswered} not answered within '
              f'{answers.PATIENCE * 1000:.0f} ms')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--markdown', action='store_true')
    parser.add_argument('--count', type=int, default=50)
    parser.add_argument('directory')
    parser.add_argument('subjects', nargs='+')
    options = parser.parse_args()

    functions.write_host_files()
    daemon = Daemon(options.directory)
    try:
        network, order = cni.Network(), random.Random(1)
        subjects = [Subject(text, daemon, options.directory) for text in options.subjects]
        for turn in range(options.count + 3):
            # The kernel takes the network of the one before apart meanwhile: each comes after every other one.
            for number, subject in enumerate(order.sample(subjects, len(subjects))):
                subject.turn(network, f'fn{turn}-{number}', counts=turn >= 3)
    finally:
        daemon.end()
    print_times(subjects, options.count, options.markdown)


if __name__ == '__main__':
    main()
