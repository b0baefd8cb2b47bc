"""The clients of docker, podman, containerd (ctr) and the container runtime interface, behind the same few methods.

A method that the client has no command for raises NoCommand. Refused carries what the client said instead of doing it.
"""
import base64
import json
import os
import subprocess
import time

import cri

LIMIT = 60


class NoCommand(Exception):
    """The client has nothing of this kind."""


class Refused(Exception):
    """The client did not do it: what it said."""


class Outcome:
    """How a command ended, and what it printed."""

    def __init__(self, done):
        self.status, self.output, self.errors = done.returncode, done.stdout, done.stderr


def run(words, stdin=''):
    return Outcome(subprocess.run(words, input=stdin, capture_output=True, text=True, errors='replace', timeout=LIMIT))


class Client:
    """What is common: commands of the client, and methods that most do not have."""
    words = []
    # Whether a container can be given a user.
    has_users = True

    def call(self, *words, stdin=''):
        done = run([*self.words, *words], stdin)
        if done.status != 0:
            raise Refused(done.errors.strip() or done.output.strip())
        return done.output.strip()

    def absent(self, *_, **__):
        raise NoCommand

    def wait(self, name):
        deadline = time.monotonic() + LIMIT
        while self.state(name) != 'exited' and time.monotonic() < deadline:
            time.sleep(0.02)
        return self.exit_code(name)

    update = events = start_again = restart = rename = copy = attach = absent
    run_with_policy = restarts = two_networks = addresses = remove = absent


class Docker(Client):
    """docker's command line, which is podman's too."""

    def __init__(self, runtime, cgroup, directory):
        self.words, self.runtime, self.cgroup, self.directory = ['docker'], runtime, cgroup, directory
        self.engine_options = ['--runtime', os.path.basename(runtime)]

    def options(self, memory='64m', network='none', env=(), volumes=(), **others):
        found = [*self.engine_options, '--memory', memory, '--network', network]
        for value in env:
            found += ['--env', value]
        for source, place, mode in volumes:
            found += ['--volume', f'{source}:{place}:{mode}']
        for key, value in others.items():
            found += [f'--{key}'] if value is True else [f'--{key}', value]
        return found

    def run(self, image, *words, stdin='', **options):
        if stdin:
            options['interactive'] = True
        return run([*self.words, 'run', '--rm', *self.options(**options), f'localhost/test/{image}', *words], stdin)

    def begin(self, name, image, *words, **options):
        self.call('run', '--detach', '--name', name, *self.options(**options), f'localhost/test/{image}', *words)

    def inspect(self, name, form):
        return self.call('inspect', '--format', '{{' + form + '}}', name)

    def state(self, name):
        return self.inspect(name, '.State.Status')

    def exit_code(self, name):
        return int(self.inspect(name, '.State.ExitCode'))

    def pid(self, name):
        return int(self.inspect(name, '.State.Pid'))

    def logs(self, name):
        done = run([*self.words, 'logs', name])
        return done.output + done.errors

    def processes(self, name):
        return self.call('top', name)

    def exec(self, name, *words):
        return self.call('exec', name, *words)

    def figures(self, name):
        return '0B /' not in (text := self.call('stats', '--no-stream', '--format', '{{.MemUsage}}', name)) and '/' in text

    def pause(self, name):
        self.call('pause', name)

    def resume(self, name):
        self.call('unpause', name)

    def update(self, name):
        self.call('update', '--cpu-shares', '512', name)

    def events(self, name):
        return self.call('events', '--since', '10m', '--until', str(int(time.time()) + 1), '--filter',
                         f'container={name}', '--format', '{{.Status}}')

    def signal(self, name, word):
        self.call('kill', '--signal', word, name)

    def stop(self, name, grace):
        self.call('stop', '--time', str(grace), name)

    def wait(self, name):
        return int(self.call('wait', name))

    def start_again(self, name):
        self.call('start', name)

    def restart(self, name):
        self.call('restart', '--time', '0', name)

    def rename(self, name, other):
        self.call('rename', name, other)

    def copy(self, name, source, place):
        self.call('cp', source, f'{name}:{place}')
        self.call('cp', f'{name}:{place}', source + '.back')

    def attach(self, name):
        return run(['timeout', '0.5', *self.words, 'attach', '--no-stdin', '--sig-proxy=false', name]).output

    def run_with_policy(self, name, image, *words):
        self.begin(name, image, *words, restart='on-failure:1')

    def restarts(self, name):
        return int(self.inspect(name, '.RestartCount'))

    def remove(self, name, force=False):
        self.call('rm', *(['--force'] if force else []), name)

    def clean(self, name):
        run([*self.words, 'rm', '--force', name])

    def connected(self, name, image, *words, port=None):
        more = {'publish': f'127.0.0.1:{port}:8080'} if port else {}
        self.begin(name, image, *words, network=self.bridge, **more)

    bridge = 'bridge'

    def address(self, name):
        return self.inspect(name, 'range .NetworkSettings.Networks}}{{.IPAddress}} {{end').split()[0]

    def two_networks(self, name, image, first, second):
        self.call('network', 'create', first)
        self.call('network', 'create', second)
        self.call('create', '--name', name, *self.options(network=first), f'localhost/test/{image}')
        self.call('network', 'connect', second, name)
        self.call('start', name)

    def addresses(self, name):
        return self.inspect(name, 'range .NetworkSettings.Networks}}{{.IPAddress}} {{end').split()

    def remove_networks(self, *names):
        run([*self.words, 'network', 'rm', *names])


class Podman(Docker):
    bridge = 'podman'

    def __init__(self, runtime, cgroup, directory):
        self.words = [
            'podman', '--root', os.environ['PODMAN_ROOT'], '--runroot', '/run/podman', '--tmpdir', '/run/podman-tmp',
            '--storage-driver', 'vfs', '--cgroup-manager', 'cgroupfs', '--events-backend', 'file', '--runtime', runtime]
        self.directory = directory
        self.engine_options = ['--log-driver', 'k8s-file', '--cgroup-parent', cgroup]

    def remove(self, name, force=False):
        self.call('rm', *(['--force', '--time', '0'] if force else []), name)

    def clean(self, name):
        run([*self.words, 'rm', '--force', '--time', '0', '--ignore', name])


class Containerd(Client):
    """ctr."""
    has_users = False
    store = '/var/lib/cni/networks/lab'

    def __init__(self, runtime, cgroup, directory):
        self.words, self.cgroup, self.directory = ['ctr'], cgroup, directory
        self.runtime = ['--runc-binary', runtime, '--runc-root', '/run/runtime']

    def options(self, name, memory='64m', network='none', env=(), volumes=(), workdir=None):
        found = [*self.runtime, '--cgroup', f'{self.cgroup}/{name}', '--memory-limit', str(int(memory[:-1]) << 20)]
        for value in env:
            found += ['--env', value]
        for source, place, mode in volumes:
            found += ['--mount', f'type=bind,src={source},dst={place},options=rbind:{mode}']
        if workdir:
            found += ['--cwd', workdir]
        if network != 'none':
            found += ['--cni']
        return found

    def program(self, image, words):
        """ctr's words stand for the image's own, the program included."""
        return [self.entries[image], *words] if words and image in self.entries else list(words)

    entries = {image: '/unikernel' for image in ('hello', 'exit', 'sleep', 'disks', 'http')}

    def run(self, image, *words, stdin='', **options):
        if stdin or options.get('tty'):
            # ctr wants a terminal of its own for one, and does not pass on the end of what it reads.
            raise NoCommand
        return run(['ctr', 'run', '--rm', *self.options('once', **options), f'localhost/test/{image}:latest', 'once',
                    *self.program(image, words)])

    def begin(self, name, image, *words, **options):
        self.call('run', '--detach', '--log-uri', f'file://{self.directory}/{name}.log', *self.options(name, **options),
                  f'localhost/test/{image}:latest', name, *self.program(image, words))

    def row(self, name):
        return next((line.split() for line in self.call('task', 'ls').splitlines() if line.split()[0] == name), None)

    def state(self, name):
        return {'RUNNING': 'running', 'PAUSED': 'paused', 'STOPPED': 'exited'}[self.row(name)[2]]

    def pid(self, name):
        return int(self.row(name)[1])

    def logs(self, name):
        with open(f'{self.directory}/{name}.log') as file:
            return file.read()

    def processes(self, name):
        return self.call('task', 'ps', name)

    def exec(self, name, *words):
        return self.call('task', 'exec', '--exec-id', 'one', name, *words)

    def figures(self, name):
        memory = json.loads(self.call('task', 'metrics', '--format', 'json', name))['memory']
        return memory['usage']['usage'] > 0

    def pause(self, name):
        self.call('task', 'pause', name)

    def resume(self, name):
        self.call('task', 'resume', name)

    def signal(self, name, word):
        self.call('task', 'kill', '--signal', word, name)

    def stop(self, name, grace):
        self.signal(name, 'TERM')
        deadline = time.monotonic() + grace
        while self.state(name) != 'exited':
            if time.monotonic() > deadline:
                self.signal(name, 'KILL')
                deadline += LIMIT
            time.sleep(0.02)

    def exit_code(self, name):
        """Of a task that has ended, which is gone afterwards."""
        done = run(['ctr', 'task', 'delete', name])
        return int(done.errors.rpartition('exit code ')[2].split('"')[0] or 0) if 'exit code' in done.errors else 0

    def remove(self, name, force=False):
        self.call('task', 'delete', *(['--force'] if force else []), name)
        self.call('container', 'delete', name)

    def clean(self, name):
        run(['ctr', 'task', 'delete', '--force', name])
        run(['ctr', 'container', 'delete', name])
        if os.path.exists(f'{self.directory}/{name}.log'):
            os.unlink(f'{self.directory}/{name}.log')
        # ctr takes no network back.
        for address in self.addresses_of(name):
            os.unlink(f'{self.store}/{address}')

    def connected(self, name, image, *words, port=None):
        if port:
            raise NoCommand
        self.begin(name, image, *words, network='cni')

    def address(self, name):
        return self.addresses_of(name)[0]

    def addresses_of(self, name):
        """As the plug-in noted them."""
        found = []
        for address in os.listdir(self.store) if os.path.isdir(self.store) else []:
            if address[0].isdigit():
                with open(f'{self.store}/{address}') as file:
                    if file.readline().split()[0] == f'default-{name}':
                        found.append(address)
        return found


class Interface(Client):
    """The container runtime interface: a pod for each container."""

    def __init__(self, runtime, cgroup, directory):
        self.client, self.cgroup, self.directory = cri.Client(), cgroup, directory
        self.handler = os.path.basename(runtime)
        self.pods, self.containers = {}, {}

    def call(self, method, **request):
        try:
            return self.client.call(method, request)
        except cri.Refusal as error:
            raise Refused(str(error)) from None

    def create(self, name, image, words, memory='64m', network='none', env=(), volumes=(), workdir=None, user=None,
               tty=False, port=None):
        sandbox = {
            'metadata': {'name': name, 'uid': f'{name}-uid', 'namespace': 'tests'}, 'hostname': name,
            'log_directory': self.directory,
            'linux': {'cgroup_parent': self.cgroup, 'security_context': {'namespace_options': {'pid': 'CONTAINER'}}}}
        if port:
            sandbox['port_mappings'] = [{'container_port': 8080, 'host_port': port, 'host_ip': '10.77.0.1'}]
        pod = self.call('RunPodSandbox', config=sandbox, runtime_handler=self.handler)['pod_sandbox_id']
        self.pods[name] = pod
        security = {'namespace_options': {'pid': 'CONTAINER'}}
        if user:
            security['run_as_user'] = {'value': user}
        config = {
            'metadata': {'name': name}, 'image': {'image': f'localhost/test/{image}:latest'}, 'log_path': f'{name}.log',
            'envs': [dict(zip(('key', 'value'), value.split('=', 1))) for value in env], 'tty': tty,
            'mounts': [{'container_path': place, 'host_path': source, 'readonly': mode == 'ro'}
                       for source, place, mode in volumes],
            'linux': {'security_context': security,
                      'resources': {'memory_limit_in_bytes': str(int(memory[:-1]) << 20)}}}
        if workdir:
            config['working_dir'] = workdir
        # Kubernetes' command stands for the entry point, its arguments come after that.
        config['args' if image in Containerd.entries or image == 'http-linux' else 'command'] = list(words)
        self.containers[name] = self.call('CreateContainer', pod_sandbox_id=pod, config=config, sandbox_config=sandbox)[
            'container_id']

    def begin(self, name, image, *words, **options):
        self.create(name, image, words, **options)
        self.call('StartContainer', container_id=self.containers[name])

    def run(self, image, *words, stdin='', **options):
        if stdin:
            raise NoCommand
        self.clean('once')
        try:
            self.begin('once', image, *words, **options)
        except Refused as error:
            return Outcome(subprocess.CompletedProcess([], 128, '', str(error)))
        status = self.wait('once')
        return Outcome(subprocess.CompletedProcess([], status, self.logs('once'), self.logs('once')))

    def status(self, name):
        return self.call('ContainerStatus', container_id=self.containers[name], verbose=True)

    def state(self, name):
        return {'CONTAINER_RUNNING': 'running', 'CONTAINER_EXITED': 'exited', 'CONTAINER_CREATED': 'created'}[
            self.status(name)['status']['state']]

    def exit_code(self, name):
        return self.status(name)['status']['exit_code']

    def pid(self, name):
        return json.loads(self.status(name)['info']['info'])['pid']

    def logs(self, name):
        path = f'{self.directory}/{name}.log'
        if not os.path.exists(path):
            return ''
        with open(path) as file:
            return ''.join(line.split(' ', 3)[3] for line in file)

    processes = pause = resume = Client.absent

    def exec(self, name, *words):
        answer = self.call('ExecSync', container_id=self.containers[name], cmd=list(words))
        return base64.b64decode(answer['stdout']).decode().strip()

    def figures(self, name):
        stats = self.call('ContainerStats', container_id=self.containers[name])['stats']
        return int(stats['memory']['usage_bytes']['value']) > 0

    def update(self, name):
        self.call('UpdateContainerResources', container_id=self.containers[name], linux={'cpu_shares': 512})

    def signal(self, name, word):
        if word != 'KILL':
            raise NoCommand
        self.stop(name, 0)

    def stop(self, name, grace):
        self.call('StopContainer', container_id=self.containers[name], timeout=str(grace))

    def remove(self, name, force=False):
        if not force:
            raise NoCommand
        self.call('RemoveContainer', container_id=self.containers[name])

    def clean(self, name):
        if pod := self.pods.pop(name, None):
            self.call('StopPodSandbox', pod_sandbox_id=pod)
            self.call('RemovePodSandbox', pod_sandbox_id=pod)
        if os.path.exists(f'{self.directory}/{name}.log'):
            os.unlink(f'{self.directory}/{name}.log')

    def connected(self, name, image, *words, port=None):
        self.begin(name, image, *words, port=port)

    def address(self, name):
        return self.call('PodSandboxStatus', pod_sandbox_id=self.pods[name])['status']['network']['ip']


CLIENTS = {'docker': Docker, 'podman': Podman, 'containerd': Containerd, 'cri': Interface}
