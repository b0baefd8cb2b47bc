"""Reads an image of one layer, as an archive of an OCI layout."""
import io
import json
import tarfile


class Image:
    """What an image says of itself: its name, what runs, the layer that it is."""

    def __init__(self, archive):
        self.archive = archive
        with tarfile.open(archive) as tar:
            index = read(tar, 'index.json')['manifests'][0]
            manifest = read(tar, blob(index['digest']))
            configuration = read(tar, blob(manifest['config']['digest']))
        self.layer = manifest['layers'][0]['digest']
        self.name = next(value for key, value in index['annotations'].items() if key.endswith('image.name'))
        self.snapshot = configuration['rootfs']['diff_ids'][0]
        process = configuration['config']
        self.arguments = (process.get('Entrypoint') or []) + (process.get('Cmd') or [])
        self.environment = process.get('Env') or []

    def unpack(self, directory):
        with tarfile.open(self.archive) as tar:
            layer = io.BytesIO(tar.extractfile(blob(self.layer)).read())
        with tarfile.open(fileobj=layer) as tar:
            tar.extractall(directory)


def blob(digest):
    return 'blobs/' + digest.replace(':', '/')


def read(tar, name):
    return json.load(tar.extractfile(name))
