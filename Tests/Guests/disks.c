// Has the block devices `disk` and `disk1`. The command line is a list of commands, each of which prints a line:
//   size DISK            capacity and sector size
//   read DISK SECTOR     the sector's first 16 bytes in hexadecimal
//   write DISK SECTOR B  fills the sector with the byte B; `refused` when the device does not take it
//   dump DISK            every byte of the device, 32 in a line
//   wait                 for ever

#include "guest.h"

DEVICES(BLOCK_DEVICE("disk"), BLOCK_DEVICE("disk1"));

static uint8_t sector[32768];
static char words[8192];
static const char *line_place = words;

/// The next word of the command line; NULL behind the last.
static const char *word(void) {
    while (*line_place == 0 && line_place < words + sizeof words - 1)
        line_place++;
    if (line_place == words + sizeof words - 1)
        return NULL;
    const char *found = line_place;
    line_place += length(found);
    return found;
}

static const char *needed_word(void) {
    const char *found = word();
    if (found == NULL)
        guest_abort("a word is missing");
    return found;
}

static void put_bytes(const uint8_t *bytes, size_t count) {
    for (size_t index = 0; index < count; index++) {
        char digits[3] = {"0123456789abcdef"[bytes[index] >> 4], "0123456789abcdef"[bytes[index] & 15], 0};
        put(digits);
    }
    put("\n");
}

static void dump(uint64_t handle, const struct manifest_entry *device) {
    uint16_t size = device->block.block_size;
    for (uint64_t offset = 0; offset < device->block.capacity; offset += size) {
        if (block_read(handle, offset, sector, size) != 0)
            guest_abort("a sector could not be read");
        for (uint16_t line = 0; line < size; line += 32)
            put_bytes(sector + line, 32);
    }
}

static void perform(const char *command) {
    if (equal(command, "wait")) {
        put("waiting\n");
        for (;;)
            wait_ready(NANOSECONDS_PER_SECOND);
    }
    uint64_t handle;
    const struct manifest_entry *device = find_device(needed_word(), &handle);
    if (device == NULL || !device->attached)
        guest_abort("there is no such disk");
    uint16_t size = device->block.block_size;
    if (equal(command, "size")) {
        put_number(device->block.capacity);
        put(" in sectors of ");
        put_number(size);
        put("\n");
        return;
    }
    if (equal(command, "dump")) {
        dump(handle, device);
        return;
    }
    uint64_t offset = parse_number(needed_word(), 0) * size;
    if (equal(command, "read")) {
        if (block_read(handle, offset, sector, size) == 0)
            put_bytes(sector, 16);
        else
            put("refused\n");
        return;
    }
    if (!equal(command, "write"))
        guest_abort("there is no such command");
    uint8_t byte = (uint8_t)parse_number(needed_word(), 0);
    for (uint16_t index = 0; index < size; index++)
        sector[index] = byte;
    put(block_write(handle, offset, sector, size) == 0 ? "written\n" : "refused\n");
}

int guest_main(void) {
    const char *line = command_line();
    for (size_t index = 0; line[index] && index < sizeof words - 1; index++)
        words[index] = line[index] == ' ' ? 0 : line[index];
    for (const char *command = word(); command != NULL; command = word())
        perform(command);
    return 0;
}
