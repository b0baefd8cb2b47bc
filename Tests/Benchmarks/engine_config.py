#!/usr/bin/env python3
"""Makes a bundle's config.json what an engine writes: a seccomp profile, more capabilities, mounts and masked paths.

usage: engine_config.py BUNDLE PROFILE

PROFILE is the engines' own description of their profile, with rules for several architectures and for capabilities; what
holds for x86-64 and the capabilities below goes into config.json, as the engines do it.
"""
import json
import pathlib
import sys

CAPABILITIES = [
    'CAP_CHOWN', 'CAP_DAC_OVERRIDE', 'CAP_FSETID', 'CAP_FOWNER', 'CAP_MKNOD', 'CAP_NET_RAW', 'CAP_SETGID', 'CAP_SETUID',
    'CAP_SETFCAP', 'CAP_SETPCAP', 'CAP_NET_BIND_SERVICE', 'CAP_SYS_CHROOT', 'CAP_KILL', 'CAP_AUDIT_WRITE',
]
DEVICES = [(1, 3), (1, 5), (1, 8), (1, 9), (5, 0), (5, 1)]
MASKED = ['/proc/asound', '/proc/acpi', '/proc/kcore', '/proc/keys', '/proc/timer_list', '/proc/scsi', '/sys/firmware']


def applies(rule):
    """Whether a rule of the profile holds here."""
    included, excluded = rule.get('includes') or {}, rule.get('excludes') or {}
    if included.get('arches') and not {'amd64', 'x86', 'x32'} & set(included['arches']):
        return False
    if 'amd64' in (excluded.get('arches') or []):
        return False
    if not set(included.get('caps') or []) <= set(CAPABILITIES):
        return False
    return not set(excluded.get('caps') or []) & set(CAPABILITIES)


def seccomp(profile):
    rules = []
    for rule in filter(applies, profile['syscalls']):
        kept = {'names': rule['names'], 'action': rule['action']}
        if rule.get('errnoRet') is not None:
            kept['errnoRet'] = rule['errnoRet']
        if rule.get('args'):
            kept['args'] = [
                {key: argument.get(key, 0) for key in ('index', 'value', 'valueTwo', 'op')} for argument in rule['args']]
        rules.append(kept)
    return {
        'defaultAction': profile['defaultAction'], 'defaultErrnoRet': profile.get('defaultErrnoRet', 1),
        'architectures': ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'], 'syscalls': rules,
    }


def main():
    bundle, profile = pathlib.Path(sys.argv[1]), json.loads(pathlib.Path(sys.argv[2]).read_text())
    config = json.loads((bundle / 'config.json').read_text())
    config['process']['capabilities'] = {kind: CAPABILITIES for kind in ('bounding', 'effective', 'permitted')}
    config['process']['noNewPrivileges'] = False
    config['process']['oomScoreAdj'] = 0
    del config['process']['rlimits']
    config['root']['readonly'] = False
    for name in ('hosts', 'hostname', 'resolv.conf'):
        (bundle / name).write_text(name)
        config['mounts'].append({
            'destination': f'/etc/{name}', 'type': 'bind', 'source': str(bundle / name),
            'options': ['rbind', 'rprivate']})
    linux = config['linux']
    linux['seccomp'] = seccomp(profile)
    linux['sysctl'] = {'net.ipv4.ip_unprivileged_port_start': '0', 'net.ipv4.ping_group_range': '0 2147483647'}
    linux['resources'] = {
        'devices': [{'allow': False, 'access': 'rwm'}] + [
            {'allow': True, 'type': 'c', 'major': major, 'minor': minor, 'access': 'rwm'} for major, minor in DEVICES],
        'memory': {}, 'cpu': {'shares': 0}, 'pids': {'limit': 0}, 'blockIO': {'weight': 0}}
    linux['namespaces'] = [{'type': kind} for kind in ('mount', 'network', 'uts', 'pid', 'ipc', 'cgroup')]
    linux['maskedPaths'] = MASKED
    (bundle / 'config.json').write_text(json.dumps(config, indent='\t'))


if __name__ == '__main__':
    main()
