#!/usr/bin/env python3
"""Runs a command on a terminal of its own, types and resizes as told, and prints what the command printed there.

usage: at_terminal.py [STEP...] -- COMMAND...

  wait:TEXT    waits until TEXT came out after what the step before waited for
  send:TEXT    types TEXT; \\r, \\x10 and the like mean what they mean in Python
  size:RxC     makes the terminal R rows high and C columns wide; as the first step before the command starts

Exits with the command's status, 128 plus the signal that ended it, or 124 when a step waited in vain.
"""
import fcntl
import os
import pty
import select
import struct
import sys
import termios
import time

LIMIT = 30


def resize(descriptor, size):
    rows, columns = map(int, size.split('x'))
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))


class Terminal:
    def __init__(self, command, size):
        self.seen = b''
        self.after = 0
        self.process, self.descriptor = pty.fork()
        if self.process == 0:
            resize(0, size)
            try:
                os.execvp(command[0], command)
            except OSError as error:
                print(command[0], error, file=sys.stderr)
                os._exit(127)

    def read(self, deadline):
        """Reads what is there or comes until the deadline; false at the end."""
        ready, _, _ = select.select([self.descriptor], [], [], max(0, deadline - time.monotonic()))
        if not ready:
            raise TimeoutError
        try:
            data = os.read(self.descriptor, 65536)
        except OSError:  # EIO: nobody has the terminal any more
            data = b''
        self.seen += data
        return bool(data)

    def wait(self, text):
        deadline = time.monotonic() + LIMIT
        while (found := self.seen.find(text, self.after)) < 0:
            if not self.read(deadline):
                raise EOFError
        self.after = found + len(text)

    def step(self, step):
        kind, _, value = step.partition(':')
        text = value.encode('latin-1').decode('unicode_escape').encode('latin-1')
        if kind == 'wait':
            self.wait(text)
        elif kind == 'send':
            os.write(self.descriptor, text)
        elif kind == 'size':
            resize(self.descriptor, value)
        else:
            sys.exit(f'no such step: {step}')

    def finish(self):
        deadline = time.monotonic() + LIMIT
        while self.read(deadline):
            pass
        status = os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1])
        return status if status >= 0 else 128 - status


def main():
    words = sys.argv[1:]
    split = words.index('--')
    steps, command = words[:split], words[split + 1:]
    size = steps.pop(0).removeprefix('size:') if steps and steps[0].startswith('size:') else '24x80'
    terminal = Terminal(command, size)
    step = 'the end'
    status = 124
    try:
        for step in steps:
            terminal.step(step)
        step = 'the end'
        status = terminal.finish()
    except (TimeoutError, EOFError) as error:
        print(f'{type(error).__name__} at {step}', file=sys.stderr)
        os.kill(terminal.process, 9)
    sys.stdout.buffer.write(terminal.seen.replace(b'\r', b''))
    sys.stdout.flush()
    sys.exit(status)


if __name__ == '__main__':
    main()
