#!/usr/bin/env python3
"""Runs one Solo5 guest under swiftlet and under urunc in turn, by an image that is described to both in /urunc.json.

usage: urunc.py [--markdown] [--count N] SWIFTLET GUESTS

urunc and solo5-spt are those in PATH. A pause stands between create and start, which counts for neither: without it some of
urunc's guests never begin. How many of 20 starts right after create give no output is told below the table. To be called
in a root file system that may be lost, for urunc shows its containers files of the host's and removes what it made of them.
"""
import argparse
import base64
import ctypes
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time

import measure

PR_SET_CHILD_SUBREAPER = 36
PAUSE = 0.1
PHASES = ['create', 'start to first byte', 'delete', 'all']
MARK = 'com.urunc.unikernel.'


class Subject:
    def __init__(self, program, image, directory):
        self.name, self.bundle = os.path.basename(program), f'{directory}/{os.path.basename(program)}'
        self.command = [program, '--root', f'{self.bundle}-state']
        self.found, self.peaks, self.silent = [], {}, 0
        os.makedirs(f'{self.bundle}/rootfs/unikernel')
        shutil.copy(image, f'{self.bundle}/rootfs/unikernel/app')
        says = {'unikernelType': 'mirage', 'unikernelVersion': '', 'hypervisor': 'spt', 'binary': '/unikernel/app',
                'cmdline': 'hello', 'useDMBlock': 'false'}
        with open(f'{self.bundle}/rootfs/urunc.json', 'w') as file:
            json.dump({MARK + name: base64.b64encode(value.encode()).decode() for name, value in says.items()}, file)
        with open(f'{self.bundle}/config.json', 'w') as file:
            json.dump({
                'ociVersion': '1.0.2',
                'process': {'user': {'uid': 0, 'gid': 0}, 'args': ['hello'], 'cwd': '/', 'env': ['PATH=/bin']},
                'root': {'path': 'rootfs'},
                'linux': {'namespaces': [{'type': kind} for kind in ['pid', 'network', 'ipc', 'uts', 'mount']],
                          'resources': {'memory': {'limit': 32 << 20}}},
            }, file)

    def call(self, verb, *words, output=subprocess.DEVNULL):
        """Milliseconds of one call; its peak memory is kept."""
        peak = f'{self.bundle}.peak'
        began = time.perf_counter()
        subprocess.run(['time', '--format', '%M', '--output', peak, *self.command, verb, *words], check=True,
                       stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.DEVNULL)
        taken = (time.perf_counter() - began) * 1000
        with open(peak) as file:
            self.peaks.setdefault(verb, []).append(int(file.read()))
        return taken

    def cycle(self, number, pause):
        """The phases' milliseconds; None when the guest said nothing."""
        name, reading, writing = f'bench-{os.getpid()}-{number}', *os.pipe()
        # urunc writes that file, whatever it is told.
        pid_file = f'{self.bundle}/init.pid'
        create = self.call('create', '--bundle', self.bundle, '--pid-file', pid_file, name, output=writing)
        os.close(writing)
        with open(pid_file) as file:
            pid = int(file.read())
        time.sleep(pause)
        began = time.perf_counter()
        starting = subprocess.Popen([*self.command, 'start', name], stdin=subprocess.DEVNULL,
                                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        spoke = bool(select.select([reading], [], [], 3)[0])
        first = (time.perf_counter() - began) * 1000
        starting.wait()
        if not spoke:
            os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        ended = (time.perf_counter() - began) * 1000
        os.close(reading)
        delete = self.call('delete', *([] if spoke else ['--force']), name)
        return (create, first, delete, create + ended + delete) if spoke else None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--markdown', action='store_true')
    parser.add_argument('--count', type=int, default=60)
    parser.add_argument('swiftlet')
    parser.add_argument('guests')
    options = parser.parse_args()
    # The parent of process 1 is this program, as a shim is.
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    with tempfile.TemporaryDirectory(dir='/run', ignore_cleanup_errors=True) as directory:
        subjects = [Subject(program, f'{options.guests}/hello.spt', directory)
                    for program in (options.swiftlet, shutil.which('urunc'))]
        for turn in range(options.count + 3):
            for subject in subjects:
                if (phases := subject.cycle(f'{subject.name}-{turn}', PAUSE)) and turn >= 3:
                    subject.found.append(phases)
        for turn in range(20):
            for subject in subjects:
                subject.silent += subject.cycle(f'{subject.name}-early-{turn}', 0) is None
    medians = [[measure.median(column) for column in zip(*subject.found)] for subject in subjects]
    rows = [[subject.name, *(f'{value:.2f}' for value in found), f'{measure.tenth([one[-1] for one in subject.found]):.2f}',
             measure.ratio(found[-1], medians[1][-1]), *(measure.median(subject.peaks[verb]) for verb in ('create', 'delete'))]
            for subject, found in zip(subjects, medians)]
    measure.print_table(
        f'one spt guest from create to delete, milliseconds, medians of {options.count} in turn; peaks in KiB',
        ['runtime', *PHASES, 'all 10 %', 'ratio', 'peak of create', 'of delete'], rows, options.markdown)
    print('\nguests that said nothing when start came right after create, of 20: '
          + ', '.join(f'{subject.name} {subject.silent}' for subject in subjects))


if __name__ == '__main__':
    main()
