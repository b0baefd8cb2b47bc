"""As much of libmount's Python binding, which Debian 12 does not package, as crun's tests of mounts ask for."""


class Mount:
    def __init__(self, line):
        words, rest = line.rstrip('\n').split(' - ')
        self.target, self.vfs_options = words.split()[4:6]
        self.fs_options = rest.split()[-1]


class Table:
    """The mounts that a file in the format of /proc/self/mountinfo lists."""

    def __init__(self, path):
        with open(path) as file:
            self.mounts = [Mount(line) for line in file if ' - ' in line]

    def find_target(self, target):
        return next((mount for mount in self.mounts if mount.target == target), None)
