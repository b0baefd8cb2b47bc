"""Functions as faasd makes them: what their config.json says, and the two ways to the runtime.

Shim says to the runtime what containerd's shim says, in its order and its words. Containerd goes by containerd's own
interface and its shim, which finds the runtime as `runc` in its PATH. Both have the same methods: create, start, pause,
resume, kill, wait, delete.
"""
import ctypes
import json
import os
import subprocess
import sys

NAMESPACE = 'openfaas-fn'
MEMORY = 64 << 20
TASKS = f'/run/containerd/io.containerd.runtime.v2.task/{NAMESPACE}'
STATE = f'/run/containerd/runc/{NAMESPACE}'
LIMIT = 60

MOUNTS = [
    {'destination': '/proc', 'type': 'proc', 'source': 'proc', 'options': ['nosuid', 'noexec', 'nodev']},
    {'destination': '/dev', 'type': 'tmpfs', 'source': 'tmpfs',
     'options': ['nosuid', 'strictatime', 'mode=755', 'size=65536k']},
    {'destination': '/dev/pts', 'type': 'devpts', 'source': 'devpts',
     'options': ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5']},
    {'destination': '/dev/shm', 'type': 'tmpfs', 'source': 'shm',
     'options': ['nosuid', 'noexec', 'nodev', 'mode=1777', 'size=65536k']},
    {'destination': '/dev/mqueue', 'type': 'mqueue', 'source': 'mqueue', 'options': ['nosuid', 'noexec', 'nodev']},
    {'destination': '/sys', 'type': 'sysfs', 'source': 'sysfs', 'options': ['nosuid', 'noexec', 'nodev', 'ro']},
    {'destination': '/run', 'type': 'tmpfs', 'source': 'tmpfs',
     'options': ['nosuid', 'strictatime', 'mode=755', 'size=65536k']},
    {'destination': '/etc/resolv.conf', 'type': 'bind', 'source': '/run/faasd/resolv.conf', 'options': ['rbind', 'ro']},
    {'destination': '/etc/hosts', 'type': 'bind', 'source': '/run/faasd/hosts', 'options': ['rbind', 'ro']},
]


def specification(name, image, cgroup):
    """config.json as faasd has containerd write it: no annotations, one capability, a new network namespace."""
    capabilities = ['CAP_NET_RAW']
    return {
        'ociVersion': '1.0.2-dev',
        'process': {
            'user': {'uid': 0, 'gid': 0, 'additionalGids': [0]}, 'args': image.arguments, 'cwd': '/',
            'env': ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', *image.environment,
                    'fprocess='],
            'capabilities': {kind: capabilities for kind in ('bounding', 'effective', 'permitted')},
            'rlimits': [{'type': 'RLIMIT_NOFILE', 'hard': 1024, 'soft': 1024}], 'noNewPrivileges': True},
        'root': {'path': 'rootfs'}, 'hostname': name, 'mounts': MOUNTS,
        'linux': {
            'resources': {'devices': [{'allow': False, 'access': 'rwm'}], 'memory': {'limit': MEMORY}},
            'cgroupsPath': f'{cgroup}/{name}',
            'namespaces': [{'type': kind} for kind in ('pid', 'ipc', 'uts', 'mount', 'network')],
            'maskedPaths': ['/proc/acpi', '/proc/asound', '/proc/kcore', '/proc/keys', '/proc/latency_stats',
                            '/proc/timer_list', '/proc/timer_stats', '/proc/sched_debug', '/sys/firmware', '/proc/scsi'],
            'readonlyPaths': ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger']}}


def write_host_files():
    os.makedirs('/run/faasd', exist_ok=True)
    for file, text in (('resolv.conf', 'nameserver 8.8.8.8\n'), ('hosts', '127.0.0.1\tlocalhost\n')):
        with open(f'/run/faasd/{file}', 'w') as output:
            output.write(text)


class Shim:
    """The calls of containerd's shim, from the bundle's directory, with its log. Whoever creates is a subreaper."""

    def __init__(self, runtime, image, cgroup, directory):
        self.runtime, self.image, self.cgroup = runtime, image, cgroup
        self.layer = f'{directory}/layer'
        if not os.path.isdir(self.layer):
            image.unpack(self.layer)
        self.directory, self.pids = directory, {}
        self.libc = ctypes.CDLL(None, use_errno=True)
        if self.libc.prctl(36, 1, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), 'PR_SET_CHILD_SUBREAPER')

    def call(self, name, *words):
        bundle = f'{TASKS}/{name}'
        command = [self.runtime, '--root', STATE, '--log', f'{bundle}/log.json', '--log-format', 'json', *words]
        cwd = bundle if os.path.isdir(bundle) else '/'
        with open(f'{self.directory}/{name}.out', 'ab') as output:
            done = subprocess.run(command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=output, stderr=output, timeout=LIMIT)
        if done.returncode != 0:
            with open(f'{self.directory}/{name}.out', errors='replace') as output:
                raise RuntimeError(f'{" ".join(words)}: status {done.returncode}: {output.read()}')

    def create(self, name):
        bundle, upper = f'{TASKS}/{name}', f'{self.directory}/{name}'
        for place in (f'{bundle}/rootfs', f'{upper}/fs', f'{upper}/work'):
            os.makedirs(place)
        with open(f'{bundle}/config.json', 'w') as file:
            json.dump(specification(name, self.image, self.cgroup), file)
        options = f'lowerdir={self.layer},upperdir={upper}/fs,workdir={upper}/work'
        if self.libc.mount(b'overlay', f'{bundle}/rootfs'.encode(), b'overlay', 0, options.encode()) != 0:
            raise OSError(ctypes.get_errno(), f'mount of {bundle}/rootfs')
        self.call(name, 'create', '--bundle', bundle, '--pid-file', f'{bundle}/init.pid', name)
        with open(f'{bundle}/init.pid') as file:
            self.pids[name] = int(file.read())
        return self.pids[name]

    def start(self, name):
        self.call(name, 'start', name)

    def pause(self, name):
        self.call(name, 'pause', name)

    def resume(self, name):
        self.call(name, 'resume', name)

    def kill(self, name, number):
        self.call(name, 'kill', '--all', name, str(number))

    def wait(self, name):
        """What the exit is to the parent that the shim is: a status, or 128 and the signal's number."""
        _, status = os.waitpid(self.pids[name], 0)
        return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)

    def delete(self, name):
        bundle = f'{TASKS}/{name}'
        self.call(name, 'delete', name)
        if self.libc.umount2(f'{bundle}/rootfs'.encode(), 0) != 0:
            raise OSError(ctypes.get_errno(), f'umount of {bundle}/rootfs')
        # `containerd-shim-runc-v2 delete` is a process of its own, which does not know that all is done.
        self.call(name, 'delete', '--force', name)
        subprocess.run(['rm', '-rf', '--one-file-system', bundle, f'{self.directory}/{name}',
                        f'{self.directory}/{name}.out'], check=True)


class Containerd:
    """containerd's interface, as faasd calls it. The image has been imported."""
    SOCKET = 'unix:///run/containerd/containerd.sock'

    def __init__(self, image, cgroup, directory, snapshotter='overlayfs'):
        sys.path.insert(0, os.environ['CONTAINERD_MODULES'])
        import containerd_pb2
        import grpc
        self.messages = containerd_pb2
        self.channel = grpc.insecure_channel(self.SOCKET)
        self.image, self.cgroup, self.directory, self.snapshotter = image, cgroup, directory, snapshotter

    def call(self, service, method, request, answer='Empty'):
        kind = service.lower()
        invoke = self.channel.unary_unary(
            f'/containerd.services.{kind}.v1.{service}/{method}',
            request_serializer=lambda value: value.SerializeToString(),
            response_deserializer=getattr(self.messages, answer).FromString)
        return invoke(request, timeout=LIMIT, metadata=(('containerd-namespace', NAMESPACE),))

    def task(self, method, name, answer='Empty'):
        return self.call('Tasks', method, self.messages.TaskRequest(container_id=name), answer)

    def create(self, name):
        messages = self.messages
        prepared = self.call('Snapshots', 'Prepare', messages.PrepareSnapshotRequest(
            snapshotter=self.snapshotter, key=name, parent=self.image.snapshot,
            labels={'containerd.io/gc.root': 'now'}), 'PrepareSnapshotResponse')
        spec = json.dumps(specification(name, self.image, self.cgroup)).encode()
        self.call('Containers', 'Create', messages.CreateContainerRequest(container=messages.Container(
            id=name, image=self.image.name, runtime=messages.Runtime(name='io.containerd.runc.v2'),
            spec=messages.Any(type_url='types.containerd.io/opencontainers/runtime-spec/1/Spec', value=spec),
            snapshotter=self.snapshotter, snapshot_key=name)))
        output = f'file://{self.directory}/{name}.out'
        return self.call('Tasks', 'Create', messages.CreateTaskRequest(
            container_id=name, rootfs=prepared.mounts, stdout=output, stderr=output), 'CreateTaskResponse').pid

    def start(self, name):
        self.task('Start', name, 'StartResponse')

    def pause(self, name):
        self.task('Pause', name)

    def resume(self, name):
        self.task('Resume', name)

    def kill(self, name, number):
        self.call('Tasks', 'Kill', self.messages.KillRequest(container_id=name, signal=number, all=True))

    def wait(self, name):
        return self.task('Wait', name, 'WaitResponse').exit_status

    def delete(self, name):
        """Of the task, the container and its snapshot."""
        self.task('Delete', name, 'DeleteResponse')
        self.call('Containers', 'Delete', self.messages.DeleteContainerRequest(id=name))
        self.call('Snapshots', 'Remove', self.messages.RemoveSnapshotRequest(snapshotter=self.snapshotter, key=name))
        os.unlink(f'{self.directory}/{name}.out')


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
