// Writes 1 MiB of lines to the console in pieces of many sizes, then the number of bytes and their checksum (FNV-1a).

#include "guest.h"

NO_DEVICES;

enum { TOTAL = 1024 * 1024, LARGEST = 4093 };

static char piece[LARGEST];

static char byte_at(uint32_t position) { return position % 64 == 63 ? '\n' : (char)('!' + position % 89); }

int guest_main(void) {
    uint32_t position = 0, checksum = 2166136261u, size = 1;
    while (position < TOTAL) {
        uint32_t count = size < TOTAL - position ? size : TOTAL - position;
        for (uint32_t index = 0; index < count; index++) {
            piece[index] = byte_at(position++);
            checksum = (checksum ^ (uint8_t)piece[index]) * 16777619u;
        }
        console_write(piece, count);
        size = (size * 3 + 1) % LARGEST + 1;
    }
    put("bytes ");
    put_number(TOTAL);
    put(" checksum ");
    put_hexadecimal(checksum);
    put("\n");
    return 0;
}
