"""The commands that a document shows.

blocks.py list FILE...            each block of commands: FILE, its kind (sh, console), its number among the file's, its first line
blocks.py sh FILE NUMBER          the lines of a block
blocks.py console FILE NUMBER     runs the block's commands in one shell, and compares what they print with what it shows

In a console's block a line that begins with "# " is a command, what follows is what it prints. A line "..." stands for any
lines, numbers in hexadecimal with eight digits and more, or after 0x, for any such number.
"""
import re
import subprocess
import sys


def blocks(path):
    """The kind and the lines of each block of commands."""
    with open(path) as file:
        for kind, text in re.findall(r'^```(sh|console)\n(.*?)^```$', file.read(), re.M | re.S):
            yield kind, text.splitlines()


def steps(lines):
    """The commands of a console's block, each with the lines that it prints."""
    for line in lines:
        if line.startswith('# '):
            step = (line[2:], [])
            yield step
        else:
            step[1].append(line)


def pattern(lines):
    """An expression for what is printed."""
    whole = ''
    for line in lines:
        if line.strip() == '...':
            whole += '(?:.*\n)*'
        else:
            whole += re.sub(r'(0x)?[0-9a-f]{8,}|0x[0-9a-f]+', '(?:0x)?[0-9a-f]+', re.escape(line)) + '\n'
    return whole


def console(lines):
    """Runs a block; ends the program when something else is printed."""
    commands = list(steps(lines))
    mark = 'end of a command'
    # The status has to survive the mark.
    script = '\n'.join(f'{command}\nstatus=$?; echo "{mark}"; (exit $status)' for command, _ in commands)
    done = subprocess.run(['bash', '-c', script], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=60)
    printed = done.stdout.split(mark + '\n')[:-1]
    assert len(printed) == len(commands), done.stdout
    for (command, expected), got in zip(commands, printed):
        assert re.fullmatch(pattern(expected), got), f'{command}\nexpected:\n' + '\n'.join(expected) + f'\ngot:\n{got}'


def main(action, *arguments):
    """Carries out one of the actions above."""
    if action == 'list':
        for path in arguments:
            for number, (kind, lines) in enumerate(blocks(path)):
                print(path, kind, number, lines[0])
        return
    kind, lines = list(blocks(arguments[0]))[int(arguments[1])]
    assert kind == action, f'block {arguments[1]} is of kind {kind}'
    if action == 'console':
        console(lines)
    else:
        print('\n'.join(lines))


main(*sys.argv[1:])
