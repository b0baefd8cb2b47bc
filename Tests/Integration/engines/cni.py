"""The network that faasd gives its functions: CNI's plug-ins loopback, bridge and firewall, called as go-cni calls them."""
import json
import os
import subprocess

PLUGINS = '/usr/lib/cni'
STORE = '/run/cni'
VERSION = '0.4.0'
LOOPBACK = {'cniVersion': VERSION, 'name': 'cni-loopback', 'plugins': [{'type': 'loopback'}]}


class Network:
    """One network of CNI's with addresses of 10.NUMBER/16."""

    def __init__(self, name='openfaas-cni-bridge', bridge='openfaas0', number=62):
        self.store = f'{STORE}/{name}'
        # What each network said of a function, which the plug-ins want to hear again when it goes.
        self.results = {}
        self.networks = [('lo', LOOPBACK), ('eth1', {
            'cniVersion': VERSION, 'name': name, 'plugins': [
                {'type': 'bridge', 'bridge': bridge, 'isGateway': True, 'ipMasq': True, 'ipam': {
                    'type': 'host-local', 'subnet': f'10.{number}.0.0/16', 'dataDir': STORE,
                    'routes': [{'dst': '0.0.0.0/0'}]}},
                {'type': 'firewall'}]})]

    def add(self, name, pid):
        """Connects the network namespace of a process, and returns its address."""
        for interface, network in self.networks:
            result = None
            for plugin in network['plugins']:
                result = call('ADD', plugin, network, interface, name, pid, result)
            self.results[name, interface] = result
        return result['ips'][0]['address'].split('/')[0]

    def remove(self, name, pid):
        for interface, network in reversed(self.networks):
            result = self.results.pop((name, interface), None)
            for plugin in reversed(network['plugins']):
                call('DEL', plugin, network, interface, name, pid, result)

    def addresses_of(self, name):
        """The addresses that the plug-in keeps for a function, by which faasd finds it: NAME-PID is in the file."""
        if not os.path.isdir(self.store):
            return []
        found = []
        for address in os.listdir(self.store):
            if address.startswith('10.'):
                with open(f'{self.store}/{address}') as file:
                    if file.readline().rstrip().rpartition('-')[0] == name:
                        found.append(address)
        return found


def call(command, plugin, network, interface, name, pid, previous):
    configuration = dict(plugin, cniVersion=network['cniVersion'], name=network['name'])
    if previous:
        configuration['prevResult'] = previous
    environment = dict(
        os.environ, CNI_COMMAND=command, CNI_CONTAINERID=f'{name}-{pid}', CNI_NETNS=f'/proc/{pid}/ns/net',
        CNI_IFNAME=interface, CNI_PATH=PLUGINS)
    done = subprocess.run([f'{PLUGINS}/{plugin["type"]}'], input=json.dumps(configuration).encode(), env=environment,
                          capture_output=True, timeout=60)
    if done.returncode != 0:
        raise RuntimeError(f'CNI {command} {plugin["type"]} for {name}: {(done.stdout + done.stderr).decode()}')
    return json.loads(done.stdout) if command == 'ADD' else None
