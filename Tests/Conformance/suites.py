"""The public suites: which tests each has, how one of them is run on its own, and what its output means."""
import contextlib
import dataclasses
import glob
import os
import re
import subprocess
import sys

here = os.path.dirname(os.path.abspath(__file__))


class NotThere(Exception):
    """A suite cannot be run; says why."""


@dataclasses.dataclass(frozen=True)
class Test:
    """A test by the name of its file and its own; for a suite whose files are the tests, both are the same."""
    group: str
    name: str

    def __str__(self):
        return self.group if self.group == self.name else f'{self.group}: {self.name}'


def verdict_of_tap(output):
    """What a report in the Test Anything Protocol about one test says."""
    lines = re.findall(r'^(not ok|ok)\b(.*)$', output, re.MULTILINE)
    if len(lines) != 1:
        return 'fail'
    word, text = lines[0]
    if word == 'ok':
        return 'skip' if re.search(r'#\s*skip', text, re.IGNORECASE) else 'pass'
    return 'fail'


class Suite:
    """What the suites have in common: a directory that the environment names."""
    name = variable = ''
    # The runtimes whose passes are to be matched: those that the suite was written for.
    owners = []

    def __init__(self):
        self.directory = os.environ.get(self.variable, '')
        if not self.directory:
            raise NotThere(f'{self.variable} names no directory of the suite')
        self.directory = os.path.abspath(self.directory)
        for file in self.needed():
            if not os.path.exists(os.path.join(self.directory, file)):
                raise NotThere(f'{file} is not in {self.directory}')

    def covers(self, scratch):
        """Files of the suite that others are to be mounted over."""
        return []

    def parts(self, test, output):
        """The tests inside of one that is run as a whole, with their verdicts; they take its place in the report."""
        return {}


class RuntimeTools(Suite):
    """The validation programs of opencontainers/runtime-tools, built: validation/NAME/NAME.t and runtimetest."""
    name, variable, owners = 'runtime-tools', 'RT_DIR', ['runc', 'crun']

    def needed(self):
        return ['runtimetest', 'rootfs-amd64.tar.gz', 'validation/default/default.t']

    def tests(self):
        programs = glob.glob(f'{self.directory}/validation/*/*.t')
        return [Test(name, name) for name in sorted(os.path.basename(program)[:-2] for program in programs)]

    def command(self, test, runtime, scratch):
        program = glob.glob(f'{self.directory}/validation/*/{test.name}.t')[0]
        return [program], {'RUNTIME': runtime}, self.directory

    def verdict(self, output, status):
        """Results stand at the start of a line; those of a runtimetest inside of the container are indented."""
        results = re.findall(r'^(not ok|ok) (.*)$', output, re.MULTILINE)
        failed = [text for word, text in results if word == 'not ok' and not re.search(r'#\s*todo', text, re.I)]
        plan = re.findall(r'^1\.\.(\d+)', output, re.MULTILINE)
        # Programs that test hooks have an empty plan and report what went wrong as a note.
        if status or failed or (not results and re.search(r'^ +"?error"?:', output, re.MULTILINE)):
            return 'fail'
        if plan and len(results) < int(plan[-1]):
            return 'fail'
        skipped = [text for word, text in results if word == 'ok' and re.search(r'#\s*skip', text, re.I)]
        return 'skip' if results and len(skipped) == len(results) else 'pass'


class Runc(Suite):
    """runc's suite, tests/integration/*.bats, in a checkout of runc whose helpers are built."""
    name, variable, owners = 'runc', 'RUNC_DIR', ['runc']
    directory_of_tests = 'tests/integration'

    def needed(self):
        return [self.directory_of_tests + '/' + file for file in ('helpers.bash', 'get-images.sh')]

    def tests(self):
        found = []
        for file in sorted(glob.glob(f'{self.directory}/{self.directory_of_tests}/*.bats')):
            with open(file) as text:
                names = re.findall(r'^@test "(.*)" \{$', text.read(), re.MULTILINE)
            found += [Test(os.path.basename(file)[:-5], re.sub(r'\\(.)', r'\1', name)) for name in names]
        return found

    def command(self, test, runtime, scratch):
        # The help names the program as it was called, and the suite wants it to be runc.
        called = f'{scratch}/{os.path.basename(runtime)}/runc'
        os.makedirs(os.path.dirname(called), exist_ok=True)
        with contextlib.suppress(FileExistsError):
            os.symlink(runtime, called)
        pattern = '^' + re.sub(r'([][\\.*^$+?(){}|])', r'\\\1', test.name) + '$'
        file = f'{self.directory}/{self.directory_of_tests}/{test.group}.bats'
        return ['bats', '--formatter', 'tap', '--filter', pattern, file], {'RUNC': called}, self.directory

    def verdict(self, output, status):
        return verdict_of_tap(output)

    def covers(self, scratch):
        """The images, which the suite would download: a busybox made here, and the Debian that DEBIAN_IMAGE names."""
        image, script = f'{scratch}/busybox.tar', f'{scratch}/get-images.sh'
        if not os.path.exists(script):
            subprocess.run([f'{here}/busybox-image.sh', image], check=True)
            with open(script, 'w') as file:
                file.write('#!/bin/sh\n')
                debian = os.environ.get('DEBIAN_IMAGE', '/no-such-image.tar')
                for name, value in ('BUSYBOX', image), ('HELLO', image), ('DEBIAN', debian):
                    file.write(f'echo {name}_IMAGE={value}\n')
            os.chmod(script, 0o755)
        return [(f'{self.directory}/{self.directory_of_tests}/get-images.sh', script)]


class Crun(Suite):
    """crun's suite, tests/test_*.py, in a checkout of crun whose tests/init is built."""
    name, variable, owners = 'crun', 'CRUN_DIR', ['crun']

    def needed(self):
        return ['tests/tests_utils.py', 'tests/init']

    def tests(self):
        found = []
        environment = {**os.environ, 'PYTHONPATH': f'{here}/stand-ins'}
        list_names = 'import importlib, sys; print(*importlib.import_module(sys.argv[1]).all_tests, sep="\\n")'
        for file in sorted(glob.glob(f'{self.directory}/tests/test_*.py')):
            module = os.path.basename(file)[:-3]
            names = subprocess.run([sys.executable, '-B', '-c', list_names, module], cwd=f'{self.directory}/tests',
                                   env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout.split('\n')
            # A module that lacks something prints an empty plan and ends.
            found += [Test(module.removeprefix('test_'), name) for name in names if name not in ('', '1..0')]
        return found

    def command(self, test, runtime, scratch):
        environment = {
            'OCI_RUNTIME': runtime, 'INIT': f'{self.directory}/tests/init', 'RUN_TESTS': test.name,
            'PYTHONDONTWRITEBYTECODE': '1', 'PYTHONPATH': f'{here}/stand-ins',
        }
        # The suite keeps its bundles where it stands, and containers with other users must get there.
        script = 'cd "$TMPDIR" && ln -s "$0" tests && exec "$@"'
        words = [f'{self.directory}/tests', sys.executable, f'{self.directory}/tests/test_{test.group}.py']
        return ['sh', '-c', script, *words], environment, '/'

    def verdict(self, output, status):
        return verdict_of_tap(output)


class Youki(Suite):
    """youki's suite, the program contest, built with the static runtimetest and its bundle.tar.gz beside it."""
    name, variable, owners = 'youki', 'YOUKI_DIR', ['runc']

    def needed(self):
        return ['contest', 'runtimetest', 'bundle.tar.gz']

    def tests(self):
        groups = subprocess.run([f'{self.directory}/contest', 'list'], cwd=self.directory, check=True,
                                stdout=subprocess.PIPE, text=True)
        return [Test(group, 'all of it') for group in groups.stdout.split()]

    def command(self, test, runtime, scratch):
        words = ['--runtime', runtime, '--runtimetest', f'{self.directory}/runtimetest', '-t', test.group]
        # Some tests are for youki alone, which ends containers in an order of its own.
        return [f'{self.directory}/contest', 'run', *words], {'RUNTIME_KIND': 'runc'}, self.directory

    def verdict(self, output, status):
        return 'fail' if status else 'pass'

    def parts(self, test, output):
        words = {'ok': 'pass', 'not ok': 'fail', 'skipped': 'skip'}
        lines = re.findall(r'^\d+ / \d+ : (.*) : (ok|not ok|skipped)', output, re.MULTILINE)
        return {Test(test.group, name): words[word] for name, word in lines}


ALL = [RuntimeTools, Runc, Crun, Youki]
