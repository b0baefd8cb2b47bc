#!/usr/bin/python3
"""Goes through a list of what users do with containers, by one engine and runtime, and says of each how it went.

usage: table.py docker|podman|containerd|cri RUNTIME container|guest --cgroup PATH --directory DIR

A line for each step: its name, a tab, and
  ok            it did what it has to
  refused: ...  it was not done, with the words of whoever refused
  -             the engine has no command for it, or it means nothing for a guest
  fails: ...    all else

Run it where the engine is (lab.bash) with the images busybox, http-linux, and the guests hello, exit, sleep, disks, http
and http2. `docker` and `cri` find the runtime by its name.
"""
import argparse
import os
import re
import sys
import tempfile
import time

import answers
import clients

STEPS = []
# A container that ends with 5 when it is asked to, and tells of another signal.
OBEDIENT = 'trap "exit 5" TERM; trap "echo got it" USR1; echo sleeping; while :; do sleep 0.1; done'
DEAF = 'trap "" TERM; echo sleeping; while :; do sleep 0.1; done'


class Meaningless(Exception):
    """The step means nothing for this kind."""


def step(function):
    STEPS.append(function)
    return function


def expect(got, wanted, what='it'):
    if got != wanted:
        raise AssertionError(f'{what} is {got!r} and not {wanted!r}')


def eventually(condition, what, seconds=15):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f'{what} does not happen')
        time.sleep(0.05)


class Kind:
    """A container or a guest: the image and words for each purpose."""

    def __init__(self, client, name, directory):
        self.client, self.is_guest, self.directory = client, name == 'guest', directory
        # Of the machine, one for each engine.
        self.port = 18090 + list(clients.CLIENTS).index(client.NAME)

    def prints(self, *words):
        return ('hello', *words) if self.is_guest else ('busybox', 'echo', *words)

    def printed(self, *words):
        return f'Hello from swiftlet guest\ncommand line: {" ".join(words)}' if self.is_guest else ' '.join(words)

    def ends(self, status):
        return ('exit', str(status)) if self.is_guest else ('busybox', 'sh', '-c', f'exit {status}')

    def sleeps(self, script=OBEDIENT):
        return ('sleep',) if self.is_guest else ('busybox', 'sh', '-c', script)

    def only_containers(self):
        if self.is_guest:
            raise Meaningless

    def begin(self, name, image, *words, **options):
        """Starts one in the background, which has to sleep."""
        self.client.clean(name)
        self.client.begin(name, image, *words, **options)
        self.sleeping(name)

    def sleeping(self, name, times=1):
        eventually(lambda: self.client.logs(name).count('sleeping') == times, f'{name} sleeping')

    def ended(self, name, status):
        eventually(lambda: self.client.state(name) == 'exited', f'the end of {name}')
        expect(self.client.exit_code(name), status, 'the status')

    @property
    def asked_to_end(self):
        return 143 if self.is_guest else 5


# --- one container to its end

@step
def output(kind):
    expect(kind.client.run(*kind.prints('some', 'words')).output.strip(), kind.printed('some', 'words'), 'the output')


@step
def exit_status(kind):
    expect(kind.client.run(*kind.ends(7)).status, 7, 'the status')


@step
def arguments_with_spaces(kind):
    expect(kind.client.run(*kind.prints('two words', '*')).output.strip(), kind.printed('two words', '*'), 'the output')


@step
def standard_input(kind):
    kind.only_containers()
    expect(kind.client.run('busybox', 'cat', stdin='some input').output.strip(), 'some input', 'the output')


@step
def environment(kind):
    program = kind.prints('it runs') if kind.is_guest else ('busybox', 'sh', '-c', 'echo "$WORD"')
    expected = kind.printed('it runs') if kind.is_guest else 'of mine'
    expect(kind.client.run(*program, env=['WORD=of mine']).output.strip(), expected, 'the output')


@step
def working_directory(kind):
    program = kind.prints('it runs') if kind.is_guest else ('busybox', 'pwd')
    expected = kind.printed('it runs') if kind.is_guest else '/tmp'
    # An image of a guest has no other, and not every engine makes one.
    directory = '/' if kind.is_guest else '/tmp'
    expect(kind.client.run(*program, workdir=directory).output.strip(), expected, 'the output')


@step
def terminal(kind):
    program = kind.prints('it runs') if kind.is_guest else ('busybox', 'sh', '-c', 'test -t 0 && echo terminal')
    expected = kind.printed('it runs') if kind.is_guest else 'terminal'
    expect(kind.client.run(*program, tty=True).output.replace('\r', '').strip(), expected, 'the output')


@step
def what_cannot_run(kind):
    """Says why: a program that is not there, a guest without the disk that it needs."""
    done = kind.client.run('disks') if kind.is_guest else kind.client.run('busybox', 'nosuch')
    text = done.output + done.errors
    if done.status == 0 or not re.search("'disk'" if kind.is_guest else 'executable file not found', text):
        raise AssertionError(f'status {done.status}: {text}')


@step
def volume(kind):
    first, second = disks(kind)
    words = ['disks', 'write', 'disk', '0', '65'] if kind.is_guest else [
        'busybox', 'sh', '-c', 'echo AAAA >/dev/disk; grep -q second /dev/disk1']
    done = kind.client.run(*words, volumes=[(first, '/dev/disk', 'rw'), (second, '/dev/disk1', 'rw')])
    with open(first) as file:
        if not file.read(4) == 'AAAA' or done.status != 0:
            raise AssertionError(f'nothing is written: {done.output}{done.errors}')


@step
def volume_read_only(kind):
    first, second = disks(kind)
    words = ['disks', 'write', 'disk', '0', '65'] if kind.is_guest else [
        'busybox', 'sh', '-c', '(echo AAAA >/dev/disk) 2>/dev/null || echo refused']
    done = kind.client.run(*words, volumes=[(first, '/dev/disk', 'ro'), (second, '/dev/disk1', 'rw')])
    with open(first) as file:
        if file.read(4) == 'AAAA' or 'refused' not in done.output:
            raise AssertionError(f'it is written: {done.output}{done.errors}')


def disks(kind):
    """Two files that are volumes of a container and disks of a guest."""
    paths = [f'{kind.directory}/{name}' for name in ('first', 'second')]
    for path in paths:
        with open(path, 'w') as file:
            file.write(f'{os.path.basename(path)}\n'.ljust(8192, '-'))
    return paths


@step
def out_of_memory(kind):
    kind.only_containers()
    expect(kind.client.run('busybox', 'tail', '/dev/zero', memory='16m').status, 137, 'the status')


# --- one that lives on, to the end of its steps

@step
def start(kind):
    kind.begin('one', *kind.sleeps(), **({'user': '7'} if kind.client.has_users else {}))


@step
def state(kind):
    expect(kind.client.state('one'), 'running', 'the state')


@step
def user(kind):
    if not kind.client.has_users:
        raise clients.NoCommand
    with open(f'/proc/{kind.client.pid("one")}/status') as file:
        expect(re.search(r'^Uid:\t(\d+)', file.read(), re.M).group(1), '7', 'the user')


@step
def memory_limit(kind):
    expect(cgroup_value(kind, 'memory', 'memory.limit_in_bytes'), str(64 << 20), 'the limit')


def cgroup_value(kind, controller, file):
    with open(f'/proc/{kind.client.pid("one")}/cgroup') as lines:
        place = re.search(rf'^\d+:(?:[a-z,]*,)?{controller}(?:,[a-z,]*)?:(.*)$', lines.read(), re.M).group(1)
    with open(f'/sys/fs/cgroup/{controller}{place}/{file}') as value:
        return value.read().strip()


@step
def processes(kind):
    pid = str(kind.client.pid('one'))
    text = kind.client.processes('one')
    if not (pid in text.split() or 'sleep' in text or '/unikernel' in text):
        raise AssertionError(f'no process in {text}')


@step
def attach(kind):
    kind.client.attach('one')
    expect(kind.client.state('one'), 'running', 'the state')


@step
def exec_of_a_program(kind):
    expect(kind.client.exec('one', 'echo', 'inside'), 'inside', 'the output')


@step
def figures(kind):
    eventually(lambda: kind.client.figures('one'), 'a figure of its memory', 5)


@step
def limits_changed(kind):
    kind.client.update('one')
    expect(cgroup_value(kind, 'cpu', 'cpu.shares'), '512', 'the share')


@step
def pause(kind):
    kind.client.pause('one')
    expect(kind.client.state('one'), 'paused', 'the state')
    expect(cgroup_value(kind, 'freezer', 'freezer.state'), 'FROZEN', 'the freezer')


@step
def unpause(kind):
    kind.client.resume('one')
    expect(kind.client.state('one'), 'running', 'the state')


@step
def copy(kind):
    source = f'{kind.directory}/copied'
    with open(source, 'w') as file:
        file.write('there and back')
    kind.client.copy('one', source, '/copied')
    with open(source + '.back') as file:
        expect(file.read(), 'there and back', 'the copy')


@step
def signal(kind):
    kind.only_containers()
    kind.client.signal('one', 'USR1')
    eventually(lambda: 'got it' in kind.client.logs('one'), 'an answer to the signal')


@step
def rename(kind):
    kind.client.rename('one', 'uno')
    expect(kind.client.state('uno'), 'running', 'the state')
    kind.client.rename('uno', 'one')


@step
def removal_while_it_runs(kind):
    """Is refused."""
    try:
        kind.client.remove('one')
    except clients.Refused:
        expect(kind.client.state('one'), 'running', 'the state')
    else:
        raise AssertionError('it is removed')


@step
def stop(kind):
    kind.client.stop('one', 30)
    kind.ended('one', kind.asked_to_end)


@step
def start_again(kind):
    kind.client.start_again('one')
    kind.sleeping('one', 2)
    kind.client.restart('one')
    kind.sleeping('one', 3)


@step
def events(kind):
    # podman's end of a container is told by a process of its own.
    eventually(lambda: all(word in kind.client.events('one') for word in ('create', 'start', 'die')), 'the events')


@step
def removal_by_force(kind):
    if kind.client.NAME in ('containerd', 'cri'):
        kind.begin('one', *kind.sleeps())
    pid = kind.client.pid('one')
    kind.client.remove('one', force=True)
    eventually(lambda: not os.path.exists(f'/proc/{pid}'), 'the end of its process')


# --- other ends

@step
def stop_after_the_grace_period(kind):
    kind.begin('two', *kind.sleeps(DEAF))
    began = time.monotonic()
    kind.client.stop('two', 1)
    if kind.is_guest and time.monotonic() - began > 1:
        raise AssertionError('it waited for the guest')
    kind.ended('two', 143 if kind.is_guest else 137)


@step
def kill(kind):
    kind.begin('three', *kind.sleeps())
    kind.client.signal('three', 'KILL')
    kind.ended('three', 137)


@step
def wait(kind):
    kind.client.clean('four')
    kind.client.begin('four', *kind.ends(4))
    expect(kind.client.wait('four'), 4, 'the status')


@step
def restart_policy(kind):
    kind.client.run_with_policy('five', *kind.ends(5))
    eventually(lambda: (kind.client.restarts('five'), kind.client.state('five')) == (1, 'exited'), 'one restart')
    expect(kind.client.exit_code('five'), 5, 'the status')


# --- networks

def server(kind):
    return 'http' if kind.is_guest else 'http-linux'


@step
def address(kind):
    kind.client.connected('six', server(kind))
    answers.ask(kind.client.address('six'))


@step
def published_port(kind):
    kind.client.connected('seven', server(kind), port=str(kind.port))
    place = '10.77.0.1' if kind.client.NAME == 'cri' else '127.0.0.1'
    answers.ask(place, port=kind.port)


@step
def two_networks(kind):
    kind.client.two_networks('eight', 'http2' if kind.is_guest else 'http-linux', 'left', 'right')
    found = kind.client.addresses('eight')
    expect(len(found), 2, 'the number of addresses')
    for one in found:
        answers.ask(one)


def result(function, kind):
    try:
        function(kind)
        return 'ok'
    except (clients.NoCommand, Meaningless):
        return '-'
    except clients.Refused as error:
        return f'refused: {" ".join(str(error).split())}'
    except Exception as error:
        return f'fails: {type(error).__name__}: {" ".join(str(error).split())[:300]}'


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('engine', choices=clients.CLIENTS)
    parser.add_argument('runtime')
    parser.add_argument('kind', choices=['container', 'guest'])
    parser.add_argument('--cgroup', required=True)
    parser.add_argument('--directory', required=True)
    options = parser.parse_args()

    directory = tempfile.mkdtemp(dir=options.directory)
    client = clients.CLIENTS[options.engine](options.runtime, options.cgroup, directory)
    client.NAME = options.engine
    kind = Kind(client, options.kind, directory)
    for function in STEPS:
        began = time.perf_counter()
        print(function.__name__.replace('_', ' '), result(function, kind), sep='\t', flush=True)
        print(f'{function.__name__}: {time.perf_counter() - began:.2f} s', file=sys.stderr)
    for name in ('once', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight'):
        client.clean(name)
    if hasattr(client, 'remove_networks'):
        client.remove_networks('left', 'right')


if __name__ == '__main__':
    main()
