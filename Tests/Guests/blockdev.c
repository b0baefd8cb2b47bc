// Has one block device, `disk`: reads its first sector, prints a checksum (FNV-1a) and writes the sector back.
// With `invert` on the command line it writes each byte inverted.

#include "guest.h"

DEVICES(BLOCK_DEVICE("disk"));

static uint8_t sector[4096];

int guest_main(void) {
    uint64_t handle;
    const struct manifest_entry *device = find_device("disk", &handle);
    if (device == NULL || !device->attached)
        guest_abort("disk is not attached");
    uint16_t size = device->block.block_size;
    put("disk capacity ");
    put_number(device->block.capacity);
    put(" block size ");
    put_number(size);
    put("\n");

    if (size > sizeof sector || block_read(handle, 0, sector, size) != 0)
        guest_abort("the first sector could not be read");
    uint32_t checksum = 2166136261u;
    uint8_t mask = equal(command_line(), "invert") ? 0xff : 0;
    for (uint16_t index = 0; index < size; index++) {
        checksum = (checksum ^ sector[index]) * 16777619u;
        sector[index] ^= mask;
    }
    if (block_write(handle, 0, sector, size) != 0)
        guest_abort("the first sector could not be written");
    put("checksum ");
    put_hexadecimal(checksum);
    put("\n");
    return 0;
}
