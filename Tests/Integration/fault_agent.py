#!/usr/bin/env python3
"""Breaks one call after another of the vAccel agent and of its workers, while clients ask for products of large arrays.

usage: fault_agent.py [--points N] [--seed N] [--errors NAME,...] AGENT SOCKET

A call of the agent's or of a worker's fails, or a worker is killed; each time with an agent of its own. That may cost one
client its answer, or close its connection, but nobody gets a wrong one, the others' calls are answered, and when the agent
is told to end it does, with its workers, and leaves no socket. One that cannot even listen says why on one line. Prints what
went otherwise and ends with 1, or how much was tried; ends with 3 where processes cannot be traced.
"""
import errno
import os
import signal
import sys
import time

import fault_injection
from fault_injection import KILL, NEVER_FAILING, Traced
from vaccel_checks import is_scaled
from vaccel_client import CallError, Connection


# epoll_wait, epoll_pwait and getrandom fail like that on no kernel; a file that cannot be removed is left.
UNLIKELY, REMOVE, CONFINE = {
    'x86_64': ({232, 281, 318}, {87, 263}, {317, 157}), 'aarch64': ({22, 278}, {35}, {277, 167}),
}.get(os.uname().machine, (set(), set(), set()))
# So many calls belong to whoever loads the program, who may have no words.
LOADING = 40


class WrongAnswer(Exception):
    pass


class Agents:
    def __init__(self, options):
        self.options, self.problems, self.hits = options, [], 0
        self.address = f'unix://{options.socket}'
        self.output = f'{options.socket}.log'
        self.words = [options.agent, '--address', self.address, '--backend', 'cpu', '--library', 'cpu=/none',
                      '--call-timeout', '3000']

    def ask(self):
        """None for right answers, else what went wrong."""
        try:
            with Connection(self.address, timeout=10) as client:
                session = client.create_session()
                for side in (20, 150, 160):
                    if not is_scaled(client, session, side, side):
                        raise WrongAnswer
                resource = client.register(session, [('blob', b'x' * 100_000)])
                if client.sync(resource) != [(b'x' * 100_000, 100_000)]:
                    raise WrongAnswer
                client.destroy_session(session)
        except (CallError, OSError, EOFError, AssertionError) as error:
            return repr(error)
        return None

    def listens(self, traced):
        """Whether the agent came so far; its pid with it."""
        deadline = time.monotonic() + 5
        while not self.takes_connections() and time.monotonic() < deadline:
            if traced.ended(0.01):
                return None
        with open(f'/proc/{traced.pid}/task/{traced.pid}/children') as file:
            children = file.read().split()
        return int(children[0]) if children else None

    def takes_connections(self):
        try:
            Connection(self.address).close()
            return True
        except OSError:
            return False

    def run(self, point=None, what=''):
        traced = Traced(self.words, self.output, None, point)
        report, known = None, len(self.problems)
        try:
            pid = self.listens(traced)
            if pid is None:
                with open(self.output) as file:
                    text = file.read()
                if (not text.strip() or text.count('\n') > 1) and not (point and point[1] < LOADING):
                    self.problems.append(f'{what}: did not listen, and said {text[:300]!r}')
                return None
            failures = [failure for failure in (self.ask() for _ in range(3)) if failure]
            if len(failures) > 1:
                self.problems.append(f'{what}: clients were told {failures}')
            try:
                os.kill(pid, signal.SIGTERM)
            except ProcessLookupError:
                pass
            report = traced.ended(10)
            if report is None:
                self.problems.append(f'{what}: the agent does not end')
            elif report['status'] != 0:
                with open(self.output) as file:
                    self.problems.append(f'{what}: ended with {report["status"]}: {file.read()[:300]!r}')
        except WrongAnswer:
            self.problems.append(f'{what}: a wrong answer')
        finally:
            last = traced.release() or {}
            report = report or last
            hit = report.get('hit') or last.get('hit')
            self.hits += hit is not None
            # Nor does an agent serve that cannot be confined.
            if hit in UNLIKELY and point[2] != errno.EINTR or hit in CONFINE:
                del self.problems[known:]
            self.problems[known:] = [f'{text} (call {hit})' for text in self.problems[known:]]
            if os.path.exists(self.options.socket):
                if what and hit not in REMOVE:
                    self.problems.append(f'{what}: the socket is left')
                os.unlink(self.options.socket)
            if left := self.left():
                self.problems.append(f'{what}: left {left}')
        return report

    def left(self):
        """Processes of the agent's program, waited for until they have gone."""
        deadline = time.monotonic() + 5
        while True:
            fault_injection.Lifecycles.reap()
            found = []
            for name in filter(str.isdigit, os.listdir('/proc')):
                try:
                    with open(f'/proc/{name}/stat') as file:
                        state = file.read().rsplit(')', 1)[1].split()[0]
                    if os.readlink(f'/proc/{name}/exe') == self.options.agent and state != 'Z':
                        found.append(int(name))
                except OSError:
                    pass
            if not found or time.monotonic() > deadline:
                for process in found:
                    os.kill(process, signal.SIGKILL)
                return found
            time.sleep(0.01)

    def points(self):
        report = self.run()
        if not report or 'calls' not in report:
            print('processes cannot be traced here')
            sys.exit(3)
        if self.problems:
            sys.exit(f'without a fault: {self.problems}')
        points = []
        for process, calls in report['calls'].items():
            for index, call in enumerate(calls):
                if process != '0':
                    points.append((int(process), index, KILL, call))
                if call not in NEVER_FAILING:
                    points += [(int(process), index, error, call) for error in self.options.errors]
        return points


def main():
    parser = fault_injection.parser_of_sweeps(__doc__)
    parser.add_argument('agent')
    parser.add_argument('socket')
    options = parser.parse_args()
    fault_injection.prepare()
    agents = Agents(options)
    points = agents.points()
    chosen = fault_injection.chosen(points, options)
    agents.hits = 0
    for process, index, fault, call in chosen:
        name = 'killed' if fault == KILL else errno.errorcode[fault]
        agents.run((process, index, fault), f'{name} at call {index} ({call}) of process {process}')
    print('\n'.join(agents.problems) or
          f'{len(chosen)} of {len(points)} points, {agents.hits} of them met, all others are answered')
    sys.exit(1 if agents.problems else 0)


if __name__ == '__main__':
    main()
