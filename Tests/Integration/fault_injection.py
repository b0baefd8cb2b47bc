#!/usr/bin/env python3
"""Breaks a command of the runtime at one system call, one container each, and looks for what stays behind.

usage: fault_injection.py [--points N] [--seed N] [--errors NAME,...] [--apart PROGRAM] RUNTIME ROOT BUNDLE ID COMMAND

COMMAND is create, start, delete, exec, pause, resume or update.

A call either fails, with EIO unless other errors are named, or finds its process killed. Calls are counted apart for each process that the command
makes: call 12 of process 1 is the twelfth one of the container's own process, whatever its parent does meanwhile. One
good run says how many there are; which of them are broken is chosen by the seed. A process that becomes PROGRAM, the name
of a monitor for example, is left alone from then on.

A create that was refused a call has to say why on one line and to leave nothing; one that succeeded has made a
container that starts or says why not. After an exec, pause, resume or update, whatever became of it, the container is
still there and running or paused. In the end, `delete --force` succeeds twice and leaves no process, cgroup or
state. Prints what went otherwise and ends with 1, or how much was tried; ends with 3 where processes cannot be traced.
"""
import argparse
import ctypes
import errno
import glob
import json
import os
import platform
import random
import select
import signal
import subprocess
import sys
import time

# See ptrace(2), linux/elf.h and prctl(2).
TRACEME, DETACH, SYSCALL, SETOPTIONS, GETEVENTMSG, GETREGSET, SETREGSET = 0, 17, 24, 0x4200, 0x4201, 0x4204, 0x4205
TRACE_CALLS_AND_CHILDREN = 1 | 2 | 4 | 8 | 16
NEW_CHILD_EVENTS = 1, 2, 3
EXEC_EVENT = 4
PRSTATUS, ARM_SYSTEM_CALL = 1, 0x404
ALL_CHILDREN = 0x40000000
SET_PARENT_DEATH_SIGNAL, SET_CHILD_SUBREAPER = 1, 36

# Where a call's number and its result are among the registers, how many of those there are; close; and the calls that
# never fail, or only in ways that no program survives.
MACHINES = {
    'x86_64': (15, 10, 27, 3, {12, 15, 60, 89, 158, 218, 231}),
    'aarch64': (8, 0, 34, 57, {93, 94, 96, 139, 214, 78}),
}
NUMBER, RESULT, WORDS, CLOSE, NEVER_FAILING = MACHINES.get(platform.machine(), (0, 0, 0, 0, set()))
KILL = 0
# What is done to a container that runs.
IN_A_RUNNING_ONE = 'exec', 'pause', 'resume', 'update'

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.restype = ctypes.c_long
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


def ptrace(request, pid, address=0, data=0):
    if libc.ptrace(request, pid, address, data) < 0:
        raise OSError(ctypes.get_errno(), 'ptrace')


class Registers:
    """The registers of a process that is stopped at a call."""

    def __init__(self, pid):
        self.pid = pid
        self.words = (ctypes.c_ulonglong * WORDS)()
        self.transfer(GETREGSET, PRSTATUS, self.words)

    def transfer(self, request, kind, data):
        vector = (ctypes.c_void_p * 2)(ctypes.addressof(data), ctypes.sizeof(data))
        ptrace(request, self.pid, kind, ctypes.addressof(vector))

    @property
    def call(self):
        return self.words[NUMBER] & 0xFFFFFFFF

    def skip_call(self):
        if platform.machine() == 'aarch64':
            self.transfer(SETREGSET, ARM_SYSTEM_CALL, ctypes.c_int(-1))
        else:
            self.words[NUMBER] = 2**64 - 1
            self.transfer(SETREGSET, PRSTATUS, self.words)

    def set_result(self, value):
        self.words[RESULT] = value % 2**64
        self.transfer(SETREGSET, PRSTATUS, self.words)


class Stop(Exception):
    pass


class Tracer:
    """Runs in a process of its own, which is the parent of the command: when that ends, what it traced goes on."""

    def __init__(self, words, output, point, apart, writer):
        self.words, self.output, self.apart, self.writer = words, output, apart, writer
        self.process, self.index, self.fault = point or (None, 0, None)
        self.numbers, self.inside, self.calls = {}, {}, {}
        self.hit, self.failing = None, None
        # A new process that nobody takes note of stays stopped for ever.
        self.expected, self.seen = set(), set()

    def run(self):
        main = os.fork()
        if main == 0:
            self.become_command()
        os.waitpid(main, 0)
        ptrace(SETOPTIONS, main, 0, TRACE_CALLS_AND_CHILDREN)
        self.numbers[main] = 0
        self.go_on(main)
        signal.signal(signal.SIGTERM, self.interrupt)
        try:
            self.serve(main)
        except Stop:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            self.await_new_processes()
            self.report(None)

    def become_command(self):
        ptrace(TRACEME, 0)
        output = os.open(self.output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        for number, copy in ((os.open('/dev/null', os.O_RDONLY), 0), (output, 1), (output, 2)):
            os.dup2(number, copy)
        os.closerange(3, 256)
        os.execv(self.words[0], self.words)

    def interrupt(self, *_):
        raise Stop

    def serve(self, main):
        try:
            while True:
                pid, status = os.waitpid(-1, ALL_CHILDREN)
                if os.WIFSTOPPED(status):
                    self.stopped(pid, status)
                elif pid == main:
                    self.report(os.waitstatus_to_exitcode(status))
        except ChildProcessError:
            signal.pause()

    def await_new_processes(self):
        end = time.monotonic() + 2
        while self.expected - self.seen and time.monotonic() < end:
            try:
                pid, status = os.waitpid(-1, ALL_CHILDREN | os.WNOHANG)
            except ChildProcessError:
                return
            if pid and os.WIFSTOPPED(status):
                self.stopped(pid, status)
            elif pid:
                self.seen.add(pid)
            else:
                time.sleep(0.001)

    def report(self, status):
        report = {'status': status, 'hit': self.hit, 'calls': {str(key): calls for key, calls in self.calls.items()}}
        os.write(self.writer, json.dumps(report).encode() + b'\n')

    def go_on(self, pid, delivered=0):
        try:
            ptrace(SYSCALL, pid, 0, delivered)
        except OSError as error:
            # It was killed while it was stopped.
            if error.errno != errno.ESRCH:
                raise

    def stopped(self, pid, status):
        delivered = 0
        try:
            if pid not in self.numbers:
                self.numbers[pid] = len(self.numbers)
                self.seen.add(pid)
            elif status >> 16 in NEW_CHILD_EVENTS:
                child = ctypes.c_ulong()
                ptrace(GETEVENTMSG, pid, 0, ctypes.addressof(child))
                self.expected.add(child.value)
            elif status >> 16 == EXEC_EVENT and self.is_apart(pid):
                ptrace(DETACH, pid)
                return
            elif status >> 16:
                pass
            elif os.WSTOPSIG(status) == signal.SIGTRAP | 0x80:
                self.inside[pid] = not self.inside.get(pid)
                (self.enter if self.inside[pid] else self.leave)(pid)
            else:
                delivered = os.WSTOPSIG(status)
        except OSError as error:
            if error.errno != errno.ESRCH:
                raise
        self.go_on(pid, delivered)

    def is_apart(self, pid):
        return self.apart and os.path.basename(os.readlink(f'/proc/{pid}/exe')) == self.apart

    def enter(self, pid):
        registers = Registers(pid)
        calls = self.calls.setdefault(self.numbers[pid], [])
        calls.append(registers.call)
        if self.hit is not None or (self.numbers[pid], len(calls) - 1) != (self.process, self.index):
            return
        if self.fault == KILL:
            self.hit = registers.call
            os.kill(pid, signal.SIGKILL)
        elif registers.call not in NEVER_FAILING:
            self.hit = registers.call
            self.failing = pid
            # A close that fails has closed all the same.
            if registers.call != CLOSE:
                registers.skip_call()

    def leave(self, pid):
        if self.failing == pid:
            self.failing = None
            Registers(pid).set_result(-self.fault)


class Traced:
    """A command that runs under a tracer."""

    def __init__(self, words, output, apart, point=None):
        self.reader, writer = os.pipe()
        self.text = b''
        self.pid = os.fork()
        if self.pid == 0:
            try:
                libc.prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
                Tracer(words, output, point, apart, writer).run()
            finally:
                os._exit(0)
        os.close(writer)

    def ended(self, limit=20):
        """What there is to report when the command has ended; None when it does not end in time."""
        deadline = time.monotonic() + limit
        while b'\n' not in self.text:
            left = max(0, deadline - time.monotonic())
            if not select.select([self.reader], [], [], left)[0]:
                return None
            part = os.read(self.reader, 1 << 16)
            if not part:
                return None
            self.text += part
        line, self.text = self.text.split(b'\n', 1)
        return json.loads(line)

    def release(self):
        """Lets go of all processes; returns the last report."""
        os.kill(self.pid, signal.SIGTERM)
        report = self.ended(5)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.reader)
        return report or {}


class Lifecycles:
    """Containers of one bundle, each broken in one place."""

    def __init__(self, options):
        self.options = options
        self.count, self.problems = 0, []
        self.output = f'{options.bundle}/output'
        self.pid_file = f'{options.bundle}/pid'

    def words(self, command):
        words = [self.options.runtime, '--root', self.options.root, command]
        if command == 'create':
            words += ['--bundle', self.options.bundle, '--pid-file', self.pid_file]
        if command == 'delete':
            words += ['--force']
        if command == 'update':
            words += ['--pids-limit', '50']
        return words + [self.id] + (['/bin/true'] if command == 'exec' else [])

    def call(self, command):
        """Runs a command as it is; returns its status and what it printed."""
        with open(self.output + '.call', 'w+', encoding='utf-8', errors='replace') as output:
            called = subprocess.Popen(self.words(command), stdin=subprocess.DEVNULL, stdout=output, stderr=output)
            deadline = time.monotonic() + 20
            while called.poll() is None:
                # A PID namespace ends only when everybody in it has been collected, also the orphans of a killed exec.
                self.reap(called.pid)
                if time.monotonic() > deadline:
                    called.kill()
                    called.wait()
                    return 'not in time', ''
                time.sleep(0.001)
            output.seek(0)
            return called.returncode, output.read()

    @staticmethod
    def reap(kept=0):
        """Collects the children that have ended, but for one."""
        try:
            while (ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) and ended.si_pid != kept:
                os.waitpid(ended.si_pid, 0)
        except ChildProcessError:
            pass

    def begin(self):
        self.count += 1
        self.id = f'{self.options.id}-{self.count}'
        if os.path.exists(self.pid_file):
            os.unlink(self.pid_file)
        if self.options.command == 'create':
            return
        self.expect('create')
        if self.options.command in IN_A_RUNNING_ONE or self.options.command == 'delete' and self.count % 2:
            self.expect('start')
        if self.options.command == 'resume':
            self.expect('pause')

    def expect(self, command):
        status, text = self.call(command)
        if status != 0:
            sys.exit(f'{command} without a fault: {status}: {text}')

    def points(self):
        """Every call of a good run that may fail, and every one at which a process may be killed."""
        self.begin()
        traced = Traced(self.words(self.options.command), self.output, self.options.apart)
        report = traced.ended()
        if not report:
            print('processes cannot be traced here')
            sys.exit(3)
        if report['status'] != 0:
            with open(self.output, encoding='utf-8', errors='replace') as output:
                sys.exit(f'{self.options.command} without a fault: {report["status"]}: {output.read()}')
        if self.options.command == 'create':
            self.expect('start')
            time.sleep(0.3)
        report = traced.release() or report
        self.end('a good run')
        points = []
        for process, calls in report['calls'].items():
            for index, call in enumerate(calls):
                points.append((int(process), index, KILL))
                if call not in NEVER_FAILING:
                    points += [(int(process), index, error) for error in self.options.errors]
        return points

    def break_at(self, point):
        self.begin()
        process, index, fault = point
        what = f'{"killed" if fault == KILL else errno.errorcode[fault]} at call {index} of process {process} of {self.options.command}'
        traced = Traced(self.words(self.options.command), self.output, self.options.apart, point)
        report = traced.ended()
        if report is None:
            self.problems.append(f'{what}: did not end')
            traced.release()
            return self.end(what)
        with open(self.output, encoding='utf-8', errors='replace') as output:
            text = output.read()
        if report['status'] == 0 and self.options.command == 'create':
            self.judge_success(what)
        elif self.options.command in IN_A_RUNNING_ONE:
            self.judge_running(what, report['status'], text)
        elif report['status'] > 0 or (fault != KILL and report['status'] < 0):
            self.judge_failure(what, report['status'], text)
        traced.release()
        self.end(what)

    def judge_success(self, what):
        status, text = self.call('state')
        if status != 0:
            self.problems.append(f'{what}: create succeeded, but there is no container: {text}')
        status, text = self.call('start')
        if status != 0 and not self.is_one_line(text):
            self.problems.append(f'{what}: start failed with status {status} and said: {text}')

    def judge_running(self, what, code, text):
        status, state = self.call('state')
        if status != 0 or json.loads(state)['status'] not in ('running', 'paused'):
            self.problems.append(f'{what}: the container does not run any more: {state}')
        # The status of exec may be that of the program, which says nothing.
        failed = code == 255 if self.options.command == 'exec' else code > 0
        if failed and not self.is_one_line(text):
            self.problems.append(f'{what}: status {code}, and said: {text}')

    def judge_failure(self, what, status, text):
        # A program that cannot even be loaded is ended by a signal and says little.
        if status > 0 and not self.is_one_line(text):
            self.problems.append(f'{what}: status {status}, and said: {text}')
        if self.options.command == 'create' and (left := self.leftovers()):
            self.problems.append(f'{what}: a failed create left {left}')

    @staticmethod
    def is_one_line(text):
        return text.strip() and text.count('\n') <= 1

    def end(self, what):
        for turn in 'first', 'second':
            status, text = self.call('delete')
            if status != 0:
                self.problems.append(f'{what}: the {turn} delete --force: {status}: {text}')
        if left := self.leftovers():
            self.problems.append(f'{what}: left after delete --force: {left}')

    def leftovers(self):
        deadline = time.monotonic() + 5
        while (found := self.look()) and time.monotonic() < deadline:
            time.sleep(0.01)
        return found

    def look(self):
        """What there is of the container at this moment."""
        self.reap()
        found = glob.glob(f'{self.options.root}/{self.id}') + glob.glob(f'/sys/fs/cgroup/**/{self.id}', recursive=True)
        for path in glob.glob('/proc/[0-9]*'):
            try:
                with open(f'{path}/cgroup', encoding='utf-8') as cgroup:
                    of_container = self.id in cgroup.read() or os.readlink(f'{path}/exe') == self.options.runtime
                with open(f'{path}/status', encoding='utf-8') as status:
                    if of_container and 'State:\tZ' not in status.read():
                        found.append(path)
            except OSError:
                pass
        return found


# --- what sweeps over the calls of a program have in common


def parser_of_sweeps(documentation):
    """For the options that every sweep has."""
    parser = argparse.ArgumentParser(description=documentation, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--points', type=int, default=100, help='how many calls are broken; 0 for every one')
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--errors', default=[errno.EIO], metavar='NAME,...',
                        type=lambda text: [getattr(errno, name) for name in text.split(',')])
    return parser


def prepare():
    """Ends the program with 3 where calls cannot be broken."""
    if not WORDS:
        print(f'calls cannot be broken on {platform.machine()}')
        sys.exit(3)
    # What a killed program leaves is given to this process, so that nothing stays a zombie.
    libc.prctl(SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def chosen(points, options):
    """As many of the points as the options want."""
    return random.Random(options.seed).sample(points, min(options.points or len(points), len(points)))


def main():
    parser = parser_of_sweeps(__doc__)
    parser.add_argument('--apart', metavar='PROGRAM', help='what is not traced once it runs')
    parser.add_argument('runtime')
    parser.add_argument('root')
    parser.add_argument('bundle')
    parser.add_argument('id')
    parser.add_argument('command', choices=['create', 'start', 'delete', *IN_A_RUNNING_ONE])
    options = parser.parse_args()
    prepare()
    lifecycles = Lifecycles(options)
    points = lifecycles.points()
    broken = chosen(points, options)
    for point in broken:
        lifecycles.break_at(point)
    print('\n'.join(lifecycles.problems) or f'{options.command}: {len(broken)} of {len(points)} points, nothing stays')
    sys.exit(1 if lifecycles.problems else 0)


if __name__ == '__main__':
    main()
