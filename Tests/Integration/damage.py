#!/usr/bin/env python3
"""Writes a damaged copy of a test guest.

usage: damage.py GUEST COPY KIND [VALUE]
       damage.py --kinds

Each kind is one function below; where it takes a value, the file is damaged to that value. See elf(5) for the fields.
"""
import inspect
import struct
import sys

HEADER_SIZE = 64
SEGMENT_SIZE = 56
PT_LOAD = 1
ABI_NOTE = 0x31494241
MANIFEST_NOTE = 0x3154464d
NOTE_HEADER = 12
NAME_SIZE = 8
# The manifest begins behind four bytes that align it: version, number of entries, then the entries.
MANIFEST_PADDING = 4
MANIFEST_HEADER = 8
ENTRY_SIZE = 104
ENTRY_NAME_SIZE = 68
ENTRY_ATTACHED = 96


class Guest:
    def __init__(self, data):
        self.data = bytearray(data)

    def put(self, kind, offset, value):
        struct.pack_into('<' + kind, self.data, offset, value)

    def get(self, kind, offset):
        return struct.unpack_from('<' + kind, self.data, offset)[0]

    def segment(self, number):
        """The offset of a program header of type PT_LOAD."""
        start = self.get('Q', 32)
        offsets = [start + index * SEGMENT_SIZE for index in range(self.get('H', 56))]
        return [offset for offset in offsets if self.get('I', offset) == PT_LOAD][number]

    def writable_segment(self):
        number = 0
        while not self.get('I', self.segment(number) + 4) & 2:
            number += 1
        return self.segment(number)

    def note(self, kind):
        """The offset of a note of Solo5's."""
        position = 0
        while True:
            position = self.data.index(b'Solo5\0\0\0', position + 1) - NOTE_HEADER
            if self.get('I', position + 8) == kind:
                return position
            position += NOTE_HEADER

    def manifest(self):
        return self.note(MANIFEST_NOTE) + NOTE_HEADER + NAME_SIZE + MANIFEST_PADDING

    def entry(self, number):
        return self.manifest() + MANIFEST_HEADER + number * ENTRY_SIZE


# --- the file and its header

def truncated(guest, size):
    del guest.data[size:]


def truncated_after_headers(guest):
    del guest.data[HEADER_SIZE + SEGMENT_SIZE * guest.get('H', 56):]


def truncated_in_segment(guest):
    segment = guest.segment(0)
    del guest.data[guest.get('Q', segment + 8) + guest.get('Q', segment + 32) // 2:]


def elf_class(guest, value):
    guest.put('B', 4, value)


def byte_order(guest, value):
    guest.put('B', 5, value)


def elf_type(guest, value):
    guest.put('H', 16, value)


def machine(guest, value):
    guest.put('H', 18, value)


def entry_point(guest, value):
    guest.put('Q', 24, value)


def entry_in_data(guest):
    guest.put('Q', 24, guest.get('Q', guest.writable_segment() + 16))


def headers_at(guest, value):
    guest.put('Q', 32, value)


def header_size(guest, value):
    guest.put('H', 54, value)


def header_count(guest, value):
    guest.put('H', 56, value)


# --- the segments

def address(guest, value):
    guest.put('Q', guest.segment(0) + 16, value)


def last_address(guest, value):
    guest.put('Q', guest.segment(-1) + 16, value)


def writable_and_executable(guest):
    guest.put('I', guest.writable_segment() + 4, 7)


def overlapping(guest):
    guest.put('Q', guest.segment(1) + 16, guest.get('Q', guest.segment(0) + 16))


def memory_below_file(guest):
    segment = guest.segment(0)
    guest.put('Q', segment + 40, guest.get('Q', segment + 32) - 1)


def memory_size(guest, value):
    guest.put('Q', guest.segment(-1) + 40, value)


def file_offset(guest, value):
    guest.put('Q', guest.segment(0) + 8, value)


def alignment(guest, value):
    guest.put('Q', guest.segment(0) + 48, value)


# --- the notes

def abi_target(guest, value):
    guest.put('I', guest.note(ABI_NOTE) + NOTE_HEADER + NAME_SIZE, value)


def abi_version(guest, value):
    guest.put('I', guest.note(ABI_NOTE) + NOTE_HEADER + NAME_SIZE + 4, value)


def abi_note_type(guest, value):
    guest.put('I', guest.note(ABI_NOTE) + 8, value)


def manifest_note_type(guest, value):
    guest.put('I', guest.note(MANIFEST_NOTE) + 8, value)


def note_name_size(guest, value):
    guest.put('I', guest.note(MANIFEST_NOTE), value)


def note_size(guest, value):
    guest.put('I', guest.note(MANIFEST_NOTE) + 4, value)


# --- the manifest; the guest must have a device

def manifest_version(guest, value):
    guest.put('I', guest.manifest(), value)


def manifest_entries(guest, value):
    guest.put('I', guest.manifest() + 4, value)


def first_entry_type(guest, value):
    guest.put('I', guest.entry(0) + ENTRY_NAME_SIZE, value)


def device_type(guest, value):
    guest.put('I', guest.entry(1) + ENTRY_NAME_SIZE, value)


def device_attached(guest):
    guest.put('B', guest.entry(1) + ENTRY_ATTACHED, 1)


def device_name(guest, value=''):
    name = value.encode('latin-1')[:ENTRY_NAME_SIZE]
    start = guest.entry(1)
    guest.data[start:start + ENTRY_NAME_SIZE] = name.ljust(ENTRY_NAME_SIZE, b'\0')


def device_name_without_end(guest):
    device_name(guest, 'x' * ENTRY_NAME_SIZE)


KINDS = {name: function for name, function in list(globals().items())
         if inspect.isfunction(function)}


def main():
    if sys.argv[1:] == ['--kinds']:
        print('\n'.join(KINDS))
        return
    source, target, kind, *values = sys.argv[1:]
    function = KINDS[kind]
    if values and kind != 'device_name':
        values = [int(values[0], 0)]
    with open(source, 'rb') as file:
        guest = Guest(file.read())
    before = bytes(guest.data)
    function(guest, *values)
    if bytes(guest.data) == before:
        sys.exit(f'{kind} {values} changed nothing in {source}')
    with open(target, 'wb') as file:
        file.write(guest.data)


if __name__ == '__main__':
    main()
