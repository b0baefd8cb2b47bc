// The console: the first serial port of a PC, a 16550, without its queues: turning them on would lose what came in
// before.

#include "virt.h"

enum {
    COM1 = 0x3f8,
    DATA = COM1,
    INTERRUPT_ENABLE = COM1 + 1,
    LINE_CONTROL = COM1 + 3,
    MODEM_CONTROL = COM1 + 4,
    LINE_STATUS = COM1 + 5,
};

enum {
    RECEIVED_ENABLE = 1,
    EIGHT_BITS = 3,
    // Without the last, a PC's port keeps its interrupt to itself.
    READY_AND_INTERRUPTS = 0x0b,
    STATUS_RECEIVED = 1,
    STATUS_SENT = 0x20,
};

enum { LINE = 4 };

/// Whether the guest is interested in what comes.
static int is_read;

void serial_start(void) {
    out8(INTERRUPT_ENABLE, 0);
    out8(LINE_CONTROL, EIGHT_BITS);
    out8(MODEM_CONTROL, READY_AND_INTERRUPTS);
}

void console_write(const void *data, size_t size) {
    const uint8_t *bytes = data;
    for (size_t index = 0; index < size; index++) {
        // Each byte is gone at once, unless whoever reads the console does not keep up.
        while (!(in8(LINE_STATUS) & STATUS_SENT))
            __asm__ volatile("pause");
        out8(DATA, bytes[index]);
    }
}

int serial_has_input(void) { return is_read && in8(LINE_STATUS) & STATUS_RECEIVED; }

size_t console_read(void *data, size_t size) {
    if (!is_read) {
        interrupts_route(LINE);
        out8(INTERRUPT_ENABLE, RECEIVED_ENABLE);
        is_read = 1;
    }
    uint8_t *bytes = data;
    size_t count = 0;
    while (count < size && in8(LINE_STATUS) & STATUS_RECEIVED)
        bytes[count++] = in8(DATA);
    return count;
}
